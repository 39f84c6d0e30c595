"""Driving JupyterLab as a person does."""

IDLE = """() => [...document.querySelectorAll('.jp-Notebook-ExecutionIndicator, #jp-main-statusbar span')]
    .some(e => /\\bIdle\\b/.test(e.textContent))"""

BEGUN = """() => [...document.querySelectorAll('.jp-InputPrompt')].some(e => /\\[(\\*|\\d+)\\]/.test(e.textContent))"""


def open_notebook(page, address: str, path: str) -> None:
    """Open a notebook alone, whatever was open before, and wait until its kernel can be talked to."""
    page.goto(f"{address}/lab/tree/{path}?token=secret&reset")
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    page.wait_for_function(IDLE, timeout=60_000)


def answer_dialogs(page) -> None:
    """Accept whatever JupyterLab asks, as in choosing the kernel when the machine is slow."""
    dialog = page.locator(".jp-Dialog")
    for _ in range(3):
        if not dialog.count():
            return
        print("JupyterLab asks:", dialog.first.inner_text())
        dialog.first.locator(".jp-mod-accept").click()
        dialog.first.wait_for(state="detached", timeout=5_000)


def run_all(page, done: str, tries: int = 4) -> None:
    """Run all cells; `done` is a selector that appears when the last output is there."""
    for attempt in range(tries):
        try:
            answer_dialogs(page)  # one may follow another: then it is answered at the next attempt
            page.get_by_role("menuitem", name="Run", exact=True).click(timeout=5_000)
            page.get_by_text("Run All Cells", exact=True).click(timeout=5_000)
            page.wait_for_function(BEGUN, timeout=10_000)  # a "Run All" right after idle can be lost
            page.wait_for_selector(done, timeout=60_000, state="attached")
            return
        except Exception as error:
            if attempt == tries - 1:
                asked = page.locator(".jp-Dialog").all_inner_texts()
                raise AssertionError(f"JupyterLab did not run the notebook; it asks {asked}") from error
            page.reload()  # a kernel that is asked for again and again is found after it
            page.wait_for_function(IDLE, timeout=60_000)
