"""A person maps a strange export in a real JupyterLab: with the mouse, with the keyboard, and keeps it."""

import csv

import nbformat
import pytest

from funnelnb.data.load import load
from tests.browser.driving import open_notebook, run_all
from tests.conftest import wait_until
from tests.data.recognise.corpus import STAGES, day, deals

pytestmark = pytest.mark.browser

STRANGE = dict(zip(STAGES, ("Zig", "Zag", "Zog", "Zack"), strict=True))


def strange_export(folder):
    """Headers that say nothing, and stage words of nobody's language."""
    rows = deals()
    with (folder / "strange.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["F1", "F2", "F3", "F4", "F5", "F6"])
        for d in rows:
            word = {"won": "Yay", "lost": "Nay"}.get(d.outcome, STRANGE[d.stage])
            out.writerow([d.id, word, d.amount, day(d.created), day(d.closed), d.region])
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell(
            'import funnelnb as fn\n\nmapper = fn.widgets.mapper("strange.csv", folder="kept")\nmapper'
        )
    ]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "map.ipynb")
    return rows


STRANGE_ZH = dict(zip(STAGES, ("东", "西", "南", "北"), strict=True))


def strange_export_in_chinese(folder):
    rows = deals()
    with (folder / "奇怪.csv").open("w", newline="", encoding="gb18030") as stream:
        out = csv.writer(stream)
        out.writerow(["甲", "乙", "丙", "丁", "戊", "己"])
        for d in rows:
            word = {"won": "虹", "lost": "雾"}.get(d.outcome, STRANGE_ZH[d.stage])
            out.writerow([d.id, word, d.amount, day(d.created), day(d.closed), d.region])
    book = nbformat.v4.new_notebook()
    source = 'import funnelnb as fn\n\nfn.widgets.mapper("奇怪.csv", folder="留存", lang="zh")'
    book.cells = [nbformat.v4.new_code_cell(source)]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "对应.ipynb")
    return rows


def pick(page, name, source):
    """Choose a column by its list, opened and clicked."""
    wanted = column(page, name).locator("option").filter(has_text=source).first.inner_text()
    column(page, name).select_option(label=wanted)


def drag(page, word, before):
    """Drag a stage in front of another, held and moved as a hand does."""
    boxes = [page.locator(".jupyter-widget-tag", has_text=one).first.bounding_box() for one in (word, before)]
    here, there = boxes
    page.mouse.move(here["x"] + 8, here["y"] + here["height"] / 2)
    page.mouse.down()
    page.mouse.move(there["x"] + 20, there["y"] + there["height"] / 2, steps=4)
    page.mouse.move(there["x"] + 3, there["y"] + there["height"] / 2, steps=4)
    page.mouse.up()


def column(page, name):
    return page.locator(".widget-dropdown", has=page.locator(f"label:text-is('{name}')")).locator("select")


def by_keyboard(page, name, source):
    """The list jumps to what is typed."""
    if not chosen(page, name).startswith(source):
        column(page, name).focus()
        page.keyboard.type(source)
        page.keyboard.press("Tab")


def chosen(page, name):
    return column(page, name).evaluate("e => e.selectedOptions[0].text")


def row_of(page, word):
    return page.locator(".funnelnb-word").filter(has_text=f"{word} (")


def meaning(page, word):
    return row_of(page, word).locator("select")


def tags(page):
    return [one.strip() for one in page.locator(".jupyter-widget-tag").all_inner_texts() if one.strip()]


def test_a_strange_export_is_mapped_by_hand(chromium, lab, tmp_path):
    address, folder = lab
    rows = strange_export(folder)
    page = chromium.new_page(viewport={"width": 1400, "height": 1400})
    open_notebook(page, address, "map.ipynb")
    run_all(page, done=".jp-OutputArea-output .widget-dropdown select")
    for name, source in (
        ("Stage", "F2"), ("Created on", "F4"), ("Closed on", "F5"), ("Amount", "F3"), ("Region", "F6"), ("Id", "F1"),
    ):  # fmt: skip
        by_keyboard(page, name, source)
        wait_until(lambda name=name, source=source: chosen(page, name).startswith(source), name)
        if name == "Stage":
            row_of(page, "Yay").wait_for(timeout=60_000)
    meaning(page, "Yay").select_option("won")
    meaning(page, "Nay").select_option("lost")
    wait_until(lambda: sorted(tags(page)) == sorted(STRANGE.values()), "only stages are left in the order")
    wanted = list(STRANGE.values())
    for place, word in enumerate(wanted):  # the mouse, one step at a time
        while (at := tags(page).index(word)) > place:
            row_of(page, word).locator("button").first.click()
            wait_until(lambda at=at, word=word: tags(page).index(word) < at, f"{word} moves up")
    page.wait_for_selector("text=120 deals can be read", timeout=60_000)
    page.screenshot(path=str(tmp_path / "mapper.png"), full_page=True)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector(".funnelnb-kept", timeout=60_000)
    page.close()

    book = load(folder / "kept")
    table = book.opportunities
    assert [one.label.en for one in book.playbook.stages] == [*wanted, "Won"]
    assert table["outcome"].value_counts().to_dict() == {
        one: sum(d.outcome == one for d in rows) for one in ("won", "lost", "open")
    }
    assert table.loc[table["outcome"] == "won", "amount"].sum() == sum(
        d.amount for d in rows if d.outcome == "won"
    )
    assert table["region"].value_counts().to_dict() == {
        one: sum(d.region == one for d in rows) for one in ("North", "South", "West")
    }
    again = load(folder / "strange.csv", mapping=folder / "kept" / "source-settings.toml")
    assert again.opportunities["outcome"].tolist() == table["outcome"].tolist()


def move(page, word, place):
    """Drag a stage to its place; a drag that begins while the list is drawn anew is lost, and made again."""
    for _ in range(4):
        drag(page, word, tags(page)[place])
        for _ in range(60):
            if tags(page).index(word) == place:
                return
            page.wait_for_timeout(250)
    pytest.fail(f"{word} cannot be dragged to place {place}")


def test_the_same_in_chinese_with_stages_dragged(chromium, lab, tmp_path):
    address, folder = lab
    rows = strange_export_in_chinese(folder)
    page = chromium.new_page(viewport={"width": 1400, "height": 1400})
    open_notebook(page, address, "对应.ipynb")
    run_all(page, done=".jp-OutputArea-output .widget-dropdown select")
    for name, source in (
        ("阶段", "乙"),
        ("创建日期", "丁"),
        ("结案日期", "戊"),
        ("金额", "丙"),
        ("区域", "己"),
        ("编号", "甲"),
    ):
        pick(page, name, source)
        wait_until(lambda name=name, source=source: chosen(page, name).startswith(source), name)
        if name == "阶段":
            row_of(page, "虹").wait_for(timeout=60_000)
    meaning(page, "虹").select_option(label="赢单")
    meaning(page, "雾").select_option(label="输单")
    wanted = list(STRANGE_ZH.values())
    wait_until(lambda: sorted(tags(page)) == sorted(wanted), "only stages are left in the order")
    for place, word in enumerate(wanted):
        if tags(page).index(word) > place:
            move(page, word, place)
    page.wait_for_selector("text=没有问题，可读取 120 单商机", timeout=60_000)
    page.screenshot(path=str(tmp_path / "mapper.zh.png"), full_page=True)
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_selector(".funnelnb-kept", timeout=60_000)
    page.close()

    book = load(folder / "留存")
    assert [one.label.zh for one in book.playbook.stages][:4] == wanted
    assert book.opportunities["outcome"].value_counts().to_dict() == {
        one: sum(d.outcome == one for d in rows) for one in ("won", "lost", "open")
    }
