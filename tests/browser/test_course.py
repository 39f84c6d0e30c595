"""Lesson 1 in a real JupyterLab, as a learner does it: by keyboard, with a kernel that is restarted half way."""

import os
import re

import pytest

from funnelnb.teach import course, progress
from funnelnb.teach.exercises import lessons
from funnelnb.teach.lesson import question
from funnelnb.teach.session import Session
from tests.browser.conftest import browser_path, serving
from tests.browser.driving import open_notebook, run_all
from tests.conftest import skip_or_fail, wait_until

pytestmark = pytest.mark.browser

BOARD = ".jp-OutputArea-output > .widget-vbox, .jp-OutputArea-output .jupyter-widgets.widget-vbox"
PICTURES = os.environ.get("FUNNELNB_SCREENSHOTS")


@pytest.fixture(scope="module")
def courses(tmp_path_factory):
    """A JupyterLab on two course folders, en and zh."""
    if browser_path() is None:
        skip_or_fail("no Chromium on the PATH (apt-get install chromium)")
    folder = tmp_path_factory.mktemp("courses")
    for lang in ("en", "zh"):
        course.write(folder / lang, lang=lang, learner="Ann")
    with serving(folder, tmp_path_factory.mktemp("home")) as address:
        yield address, folder


def board(page, exercise):
    """The controls of one exercise."""
    heading = page.locator(".widget-html b", has_text=re.compile(rf"^{re.escape(exercise)}$")).first
    return heading.locator("xpath=ancestor::div[contains(@class, 'widget-vbox')][1]")


def answer(page, asked):
    """Answer an exercise and check it with keys alone; only the first control is given the focus."""
    box, keys = board(page, asked.exercise), page.keyboard
    if asked.choices:
        box.locator("input[type=radio]").first.focus()
        place = asked.variant.choices.index(asked.variant.truth)
        for _ in range(place):
            keys.press("Tab")  # JupyterLab keeps the arrow keys for its cells
        keys.press("Space")
        for _ in range(len(asked.choices) - place):
            keys.press("Tab")
    else:
        box.locator("input[type=text]").first.focus()
        for one in asked.right_answer().split("; "):
            keys.press("Control+a")
            keys.type(one)
            keys.press("Tab")
    keys.press("Space")
    box.locator("p.right").wait_for(timeout=30_000)
    return box.locator("p.right").inner_text()


def restart(page):
    """Restart the kernel by the menu."""
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.get_by_text("Restart Kernel…", exact=True).click()
    page.locator(".jp-Dialog .jp-mod-accept").wait_for()
    page.keyboard.press("Enter")
    page.locator(".jp-Dialog").wait_for(state="detached")


def picture(page, name):
    if PICTURES:
        page.screenshot(path=f"{PICTURES}/{name}.png")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_lesson_1_by_keyboard_with_a_restart_half_way(chromium, courses, lang):
    address, folder = courses
    names = lessons()[1]
    page = chromium.new_page(viewport={"width": 1300, "height": 1000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    open_notebook(page, address, f"{lang}/{course.file_of(1)}")
    last = f".widget-html b:text-is('{names[-1]}')"
    run_all(page, done=last)
    for exercise in names[:2]:
        asked = question(exercise, 1, lang)
        assert asked.solution in answer(page, asked)
        picture(page, f"{lang}_{exercise}")
    field = board(page, names[2]).locator("input[type=text]")
    field.fill("17")
    field.press("Tab")  # entered, not checked
    wait_until(lambda: progress.read(folder / lang).entered(names[2]) == "17", "the draft")
    restart(page)
    page.evaluate(f'document.querySelectorAll("{BOARD}").forEach(one => one.remove())')
    run_all(page, done=last)
    assert board(page, names[2]).locator("input[type=text]").input_value() == "17"
    assert (
        board(page, names[0]).locator("input[type=text]").input_value()
        == question(names[0], 1).right_answer()
    )
    for exercise in names[2:]:
        answer(page, question(exercise, 1, lang))
        picture(page, f"{lang}_{exercise}")
    page.close()
    kept = Session(1, folder / lang).progress
    assert all(kept.solved(one) for one in names)
    assert kept.learner == "Ann"
    assert errors == []
