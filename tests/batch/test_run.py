"""The run as a whole: reports per region, what fails, what is kept, what never leaves its place."""

import base64
import hashlib
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

import funnelnb as fn
from funnelnb.batch import manifest, notebooks
from funnelnb.batch.run import Progress, Summary, failure_line, run, steps
from funnelnb.show.text.words import words

from .conftest import BODY, MOOD, PARAMETERS, REGIONS, SECRET, Heard, stain, write_company, write_notebook

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, company: Path, small_notebook: Path
) -> tuple[Summary, Path, Heard]:
    """One run in which one region fails and one kernel is killed."""
    from funnelnb.batch.plan import Request

    out = tmp_path_factory.mktemp("run") / "out"
    heard = Heard()
    request = Request(
        data=(str(company),),
        by="region",
        notebooks=(str(small_notebook),),
        out=out,
        jobs=2,
        parameters={"mood": "boom East", "code_word": "007"},
    )
    return run(request, heard), out, heard


def pages(out: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(out.glob("*.html"))}


def test_every_region_gets_a_page_and_an_executed_notebook(finished: tuple[Summary, Path, Heard]) -> None:
    summary, out, heard = finished
    assert sorted(summary.made) == sorted(set(REGIONS) - {"East"})
    assert heard.begun == [(5, 0)]
    assert len(heard.finished) == 5
    assert {path.suffix for path in out.iterdir()} == {".html", ".ipynb", ".json"}
    assert len(list(out.glob("*.html"))) == len(REGIONS) + 1
    assert len(list(out.glob("*.ipynb"))) == len(REGIONS)
    assert all(path.resolve().parent == out.resolve() for path in out.iterdir())
    assert sorted(out.parent.iterdir()) == [out]


def test_one_failing_region_leaves_the_others_whole(finished: tuple[Summary, Path, Heard]) -> None:
    summary, out, _ = finished
    assert list(summary.failed) == ["East"]
    assert failure_line(summary.failed["East"], words("en")).startswith(
        "ValueError: <b>bad</b> news (cell 4: import os"
    )
    assert summary.outcome == "failed"
    page = pages(out)["East.html"]
    assert "This report is not complete." in page
    assert "&lt;b&gt;bad&lt;/b&gt; news" in page
    assert "<b>bad</b>" not in page
    index = pages(out)["index.html"]
    assert "1 report failed" in index
    assert "&lt;b&gt;bad&lt;/b&gt;" in index
    kept = nbformat.read(out / "East.ipynb", as_version=4)
    assert [
        one.ename for cell in kept.cells for one in cell.get("outputs", []) if one.output_type == "error"
    ] == ["ValueError"]
    for name, text in pages(out).items():
        if name not in {"East.html", "index.html"}:
            assert "is not complete" not in text
            assert "a table" in text


def scripts_of(page: str) -> list[str]:
    """The hash of each script that a page would run."""
    found = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL | re.IGNORECASE)
    assert len(found) == page.casefold().count("<script")
    return [base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in found]


def named_by_policy(page: str) -> str:
    (found,) = re.findall(r"script-src 'sha256-([^']+)';", page)
    return str(found)


def test_a_script_in_a_name_stays_text_and_nothing_is_fetched(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    for name, text in pages(out).items():
        assert scripts_of(text) == [named_by_policy(text)], name
        outside = re.findall(r'(?:src|href|url)\s*[=(]\s*["\']?\s*((?:https?:)?//[^"\')\s]+)', text)
        assert outside == [], name
        assert "default-src 'none'" in text
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in text for text in pages(out).values())


class _Balanced(HTMLParser):
    VOID = {"meta", "link", "img", "br", "input", "hr", "col"}
    SHAPES = {"rect", "line", "circle", "polygon", "polyline", "path"}

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()


def test_pages_are_well_formed_and_every_link_leads_somewhere(finished: tuple[Summary, Path, Heard]) -> None:
    from urllib.parse import unquote

    _, out, _ = finished
    for name, text in pages(out).items():
        parser = _Balanced()
        parser.feed(text)
        assert parser.open == [], name
        for link in parser.links:
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in text
            elif link != "data:,":
                assert (out / unquote(link)).is_file(), (name, link)


def test_index_and_report_show_the_figures_of_the_public_analysis(
    finished: tuple[Summary, Path, Heard], company: Path
) -> None:
    _, out, _ = finished
    book = fn.load(company)
    index = pages(out)["index.html"]
    for region in ("East", "华东/上海", "../x"):
        row = fn.conversion(book.where(region=region), horizon_days=60).overall[0]
        assert f"{100 * row.by_day_rate:.1f} %" in index
    whole = fn.conversion(book, horizon_days=60).overall[0]
    for rate in (whole.by_day_rate, whole.so_far_rate, whole.decided_rate):
        assert f"{100 * rate:.1f} %" in index
    # counted by hand: of East's 40 deals every third is won, all of them within 60 days
    assert "35.0 %" in index
    page = next(text for name, text in pages(out).items() if name.startswith("华东_上海-"))
    row = fn.conversion(book.where(region="华东/上海"), horizon_days=60).overall[0]
    assert f"{100 * row.by_day_rate:.1f} %" in page
    assert "reached 30 code &#39;007&#39;" in page


def test_a_region_with_too_few_deals_says_so(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    page = pages(out)["Tiny.html"]
    assert "Few deals: this report covers only 3 deals." in page
    assert 'class="fig' not in page
    assert "few deals" in pages(out)["index.html"]


def test_index_has_one_row_per_region_and_the_whole(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    index = pages(out)["index.html"]
    body, foot = re.search(
        r"<tbody role.*?>(.*?)</tbody>.*?<tfoot role.*?>(.*?)</tfoot>", index, re.S
    ).groups()
    assert body.count('<tr role="row"') == 5
    assert foot.count('<tr role="row" class="whole"') == 1
    order = re.findall(
        r'rowheader" scope="row" class="c-name">\s*<a href="[^"]*"><bdi>([^<]*)</bdi></a>', body
    )
    by_deals = [float(n) for n in re.findall(r'class="c-deals" data-l="Deals" data-v="([\d.]+)"', body)]
    ranked = [name for _, name in sorted(zip(by_deals, order, strict=True), key=lambda one: -one[0])]
    assert ranked == ["East", "华东/上海", "../x", "&lt;script&gt;alert(1)&lt;/script&gt;", "Tiny"]


def test_the_manifest_says_what_ran(finished: tuple[Summary, Path, Heard], company: Path) -> None:
    _, out, _ = finished
    listed = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert listed["figures"]["data"] == fn.load(company).fingerprint
    reports = {one["value"]: one for one in listed["reports"]}
    assert set(reports) == set(REGIONS)
    assert {value for value, one in reports.items() if one["status"] == "failed"} == {"East"}
    assert reports["Tiny"]["parameters"]["code_word"] == "007"
    assert reports["Tiny"]["parameters"]["data"].endswith(company.name)
    assert all(one["seconds"] > 0 for one in listed["reports"])


@pytest.mark.parametrize("mood", ["boom East", "kill East", "sleep 9", "calm"])
def test_stored_outputs_of_a_template_reach_no_page_and_no_notebook(
    request_for: Any, tmp_path: Path, mood: str
) -> None:
    notebook = stain(write_notebook(tmp_path / "stained.ipynb", body=MOOD, show="print('own')"))
    node = nbformat.read(notebook, as_version=4)
    assert SECRET in notebook.read_text()  # else this test could not fail
    node.cells.append(nbformat.v4.new_code_cell("skipped", metadata={"tags": ["skip-execution"]}))
    node.cells[-1].outputs = [nbformat.v4.new_output("stream", name="stdout", text=SECRET)]
    node.cells.append(nbformat.v4.new_markdown_cell("## What the figure above says"))
    nbformat.write(node, notebook)
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),), notebooks=(str(notebook),), cell_timeout_s=2)
    summary = run(replace(request, parameters={"mood": mood}), Heard())
    assert bool(summary.failed) == (mood != "calm")
    for path in request.out.iterdir():
        assert SECRET not in path.read_text(encoding="utf-8"), path.name
    page = (request.out / "East.html").read_text(encoding="utf-8")
    assert ("What the figure above says" in page) == (mood == "calm")


def test_a_report_that_never_started_shows_nothing_of_the_template(
    request_for: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from funnelnb.batch import engine, forkserver

    monkeypatch.setenv(forkserver.OFF, "1")
    monkeypatch.setattr(engine, "START", "import sys; sys.exit('no kernel today')")
    notebook = stain(write_notebook(tmp_path / "stained.ipynb", body=MOOD, show="print('own')"))
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    found = run(replace(request, retries=0), Heard(), executor=ThreadPoolExecutor(1))
    assert (set(found.failed), found.outcome) == ({"East"}, "killed")
    for path in request.out.iterdir():
        assert SECRET not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_notebook_of_the_package_brings_stored_outputs(lang: str) -> None:
    for one in notebooks.notebooks(lang):
        assert any(cell.get("outputs") for cell in one.node().cells)  # they are stored executed
        assert not any(cell.get("outputs") for cell in one.blank().cells)
        assert "widgets" not in one.blank().metadata


# ---- finished work ----------------------------------------------------------------------------------------


def two_regions(tmp_path: Path) -> Path:
    return write_company(tmp_path / "two", {"East": 12, "West": 15})


def stamps(out: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.suffix in {".html", ".ipynb"}
    }


def test_finished_work_is_done_again_only_when_something_changed(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    notebook = write_notebook(tmp_path / "own.ipynb", body=MOOD, show="1")
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    run(request, Heard())
    before = stamps(request.out)

    heard = Heard()
    again = run(request, heard)
    assert (again.made, set(again.kept), heard.begun) == ((), {"East", "West"}, [])
    after = stamps(request.out)
    assert {name for name in before if before[name] != after[name]} == {"index.html"}
    assert [one.reason for one in steps(request)] == ["", ""]

    assert set(run(replace(request, parameters={"code_word": "8"}), Heard()).made) == {"East", "West"}
    write_notebook(notebook, body=MOOD, show="2")
    assert set(run(request, Heard()).made) == {"East", "West"}
    deals = data / "opportunities.csv"
    deals.write_text(deals.read_text().replace("100", "999", 1))
    assert set(run(request, Heard()).made) == {"East", "West"}
    (request.out / "West.ipynb").write_text('{"metadata": {"funnelnb": {"tampered": 1}}}')
    (request.out / "East.html").write_text('<meta name="generator" content="funnelnb x">')
    repaired = run(request, Heard())
    assert (repaired.made, repaired.kept) == (("West",), ("East",))
    assert "a small report" in (request.out / "East.html").read_text().casefold()
    assert set(run(replace(request, force=True), Heard()).made) == {"East", "West"}


def test_a_failed_report_is_tried_again(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    notebook = write_notebook(
        tmp_path / "own.ipynb", show=f"assert open({str(tmp_path / 'mood')!r}).read() != value"
    )
    (tmp_path / "mood").write_text("West")
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    assert list(run(request, Heard()).failed) == ["West"]
    (tmp_path / "mood").write_text("nobody")
    again = run(request, Heard())
    assert (again.made, again.kept, again.failed) == (("West",), ("East",), {})
    assert "report failed" not in (request.out / "index.html").read_text()


def test_only_some_regions_are_made_and_earlier_ones_stay_listed(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    request = request_for(data=(str(data),), only=("West",))
    assert run(request, Heard()).made == ("West",)
    assert "East.html" not in (request.out / "index.html").read_text()
    both = run(replace(request, only=()), Heard())
    assert (both.made, both.kept) == (("East",), ("West",))
    again = run(replace(request, only=("West",)), Heard())
    assert set(again.kept) == {"East", "West"}
    assert 'href="East.html"' in (request.out / "index.html").read_text()


def test_deals_without_a_region_count_in_the_total_only(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "gap", {"East": 12, "": 11})
    request = request_for(data=(str(data),))
    assert run(request, Heard()).made == ("East",)
    index = (request.out / "index.html").read_text()
    assert "11 deals have no region" in index
    assert "no report" in index
    assert "23 deals" in index


def test_the_index_says_why_a_rate_is_missing(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "gaps", {"Undated": 12, "Young": 30})
    deals = data / "opportunities.csv"
    lines = deals.read_text().splitlines()
    undated = [re.sub(r"2026-\d\d-\d\d", "", line, count=1) if "Undated" in line else line for line in lines]
    deals.write_text("\n".join(undated))
    request = request_for(data=(str(data),), parameters={"horizon_days": "400"})
    run(request, Heard())
    index = (request.out / "index.html").read_text()
    assert index.count("no dates in the data") == 1
    assert index.count("the data do not go back that far") == 2  # the other region, and all deals


def test_several_notebooks_give_several_pages(request_for: Any, tmp_path: Path, quick_notebook: Path) -> None:
    data = write_company(tmp_path / "one", {"East": 12})
    second = write_notebook(tmp_path / "second.ipynb", body=MOOD, show="print('second')")
    request = request_for(data=(str(data),), notebooks=(str(quick_notebook), str(second)), jobs=1)
    run(request, Heard())
    assert {"East.html", "East@second.html"} <= set(pages(request.out))
    assert "second" in pages(request.out)["East@second.html"]


def test_a_killed_kernel_and_a_slow_cell_are_failures_not_hangs(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "one", {"East": 12})
    killed = run(request_for(data=(str(data),), parameters={"mood": "kill East"}), Heard())
    assert failure_line(killed.failed["East"], words("en")).startswith("DeadKernelError: the kernel died")
    assert killed.outcome == "killed"
    slow = run(request_for(data=(str(data),), parameters={"mood": "sleep 60"}, cell_timeout_s=1), Heard())
    assert failure_line(slow.failed["East"], words("en")).startswith(
        "CellTimeoutError: the cell ran longer than 1 s"
    )
    assert slow.outcome == "killed"


def test_a_chinese_run_speaks_chinese(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "zh", {"华东": 12, "小": 2})
    request = request_for(data=(str(data),), lang="zh")
    run(request, Heard())
    found = pages(request.out)
    assert set(found) == {"华东.html", "小.html", "index.html"}
    assert '<html lang="zh-Hans">' in found["华东.html"]
    assert '<span class="f">60 天</span>内赢单' in found["华东.html"]
    assert "样本太少" in found["小.html"]
    assert "各区域的商机转化情况" in found["index.html"]
    for text in found.values():
        head = re.sub("<h1>.*?</h1>", "", text.partition("<main")[0].partition("<header")[2])
        assert not re.search(r"\b(deals|interval|report|won)\b", re.sub(r"<[^>]+>", " ", head))


def test_code_is_on_the_page_only_when_asked_for(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),))
    run(request, Heard())
    assert "horizon_days=horizon_days" not in pages(request.out)["East.html"]
    shown = run(replace(request, code=True), Heard())
    assert shown.kept == ("East",)  # drawn anew, not run anew
    assert "horizon_days=horizon_days" in pages(request.out)["East.html"]
    assert "# Parameters" not in pages(request.out)["East.html"]


def test_an_unreadable_manifest_only_means_that_all_is_made_again(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),))
    run(request, Heard())
    (request.out / "manifest.json").write_text(
        '{"made_by": "funnelnb 0", "format": 2, "reports": [{"stem": 3}]}'
    )
    assert run(request, Heard()).made == ("East",)


def test_with_several_notebooks_each_row_names_its_region_and_links_each(
    request_for: Any, quick_notebook: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.ipynb"
    other.write_bytes(quick_notebook.read_bytes())
    request = request_for(notebooks=(str(quick_notebook), str(other)), only=("East",))
    run(request, Heard())
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    (row,) = re.findall(r"<tr role=\"row\">\s*(<th.*?>East</bdi></a>.*?)</tr>", index, re.S)
    assert len(re.findall(r"<a href=", row)) == 3  # its name, and each of its pages


@pytest.mark.parametrize(
    ("lang", "zone"), [("en", "times in Asia/Shanghai"), ("zh", "时间为 Asia/Shanghai 时区")]
)
def test_calendar_and_time_zone_reach_the_report(
    request_for: Any, tmp_path: Path, lang: str, zone: str
) -> None:
    company = write_company(tmp_path / "export", {"East": 30})
    settings = company / "funnelnb.toml"
    more = 'timezone = "Asia/Shanghai"\n[calendars.works]\nweekend = ["sunday"]\nholidays = [2026-01-01]\n'
    settings.write_text(settings.read_text(encoding="utf-8") + more, encoding="utf-8")
    notebook = write_notebook(
        tmp_path / "days.ipynb",
        parameters=PARAMETERS + 'calendar: str = ""',
        show="fn.options(lang=lang)\nfn.display(fn.duration(book, calendar=calendar))",
    )
    request = request_for(data=(str(company),), notebooks=(str(notebook),), lang=lang, jobs=1,
                          parameters={"calendar": "works"})  # fmt: skip
    assert run(request, Heard()).made == ("East",)
    page = (request.out / "East.html").read_text(encoding="utf-8")
    assert {"en": "business days (works)", "zh": "工作日（works）"}[lang] in page
    assert zone in page
    assert zone in (request.out / "index.html").read_text(encoding="utf-8")


# ---- exit codes cannot lie ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_a_failure_is_not_hidden_by_another_notebook_of_the_same_region(
    request_for: Any, tmp_path: Path, quick_notebook: Path, first: bool
) -> None:
    bad = write_notebook(tmp_path / "bad.ipynb", body="1/0", show="pass")
    data = two_regions(tmp_path)
    order = (str(bad), str(quick_notebook)) if first else (str(quick_notebook), str(bad))
    found = run(request_for(data=(str(data),), notebooks=order), Heard())
    assert found.outcome == "failed"
    assert set(found.failed) == {"East · bad", "West · bad"}
    assert set(found.made) == {"East · quick", "West · quick"}
    again = run(request_for(data=(str(data),), notebooks=order), Heard())
    assert again.outcome == "failed"


def outcome(**changes: Any) -> str:
    whole: dict[str, Any] = {"index": Path("x"), "made": (), "kept": (), "failed": {}}
    return Summary(**{**whole, **changes}).outcome


def test_the_worst_decides_how_a_run_ends() -> None:
    bad, dead = (manifest.Failure(error="E", message="m", kind=kind) for kind in ("notebook", "killed"))  # type: ignore[arg-type]
    assert outcome(made=("a",)) == "ok"
    assert outcome(failed={"a": bad, "b": dead}) == "failed"
    assert outcome(failed={"a": bad}, alarms=("x",)) == "failed"
    assert outcome(failed={"b": dead}) == "killed"
    assert outcome(missing=("b",)) == "killed"
    assert outcome(alarms=("x",)) == "alarm"
    assert outcome(alarms=("x",), stopped=True) == "stopped"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_is_told_in_few_lines_and_a_terminal_has_a_bar() -> None:
    good = manifest.Entry(
        stem="a", status="ok", seconds=1.0, sources={}, parameters={}, notebook="n", by="b", value="v"
    )
    bad = replace(good, status="failed", failure=manifest.Failure(error="E", message="m", kind="notebook"))
    said = {}
    for stream in (io.StringIO(), Terminal()):
        progress = Progress(stream)
        progress.begin(40, 3)
        for k in range(40):
            progress.done(f"R{k}\x1b[2J", bad if k == 4 else good)
        progress.end()
        said[type(stream)] = stream.getvalue()
    lines = said[io.StringIO].splitlines()
    assert lines[0] == "3 finished earlier and still good"
    assert len(lines) == 1 + 10 + 2  # each tenth, and the failure with its reason
    assert re.search(r"^\[5/40\] R4\S+  FAILED  1\.0 s  \(0 s to go\)$", said[io.StringIO], re.MULTILINE)
    assert re.search(r"9\d%\|.*/40 \[", said[Terminal])
    assert not any("\x1b[2J" in one for one in said.values())


def test_a_report_whose_process_was_killed_is_tried_again(request_for: Any, tmp_path: Path) -> None:
    once = tmp_path / "once"
    body = f"""import os, pathlib
if not pathlib.Path({str(once)!r}).exists():
    pathlib.Path({str(once)!r}).touch()
    os.kill(os.getpid(), 9)"""
    notebook = write_notebook(tmp_path / "own.ipynb", body=body, show="print('second time')")
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    assert run(replace(request, retries=0), Heard()).outcome == "killed"
    once.unlink()
    assert run(request, Heard()).outcome == "ok"
    assert "second time" in (request.out / "East.html").read_text()


# ---- one plan of many ---------------------------------------------------------------------------------


def test_without_an_attribute_there_is_one_report_of_the_whole(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    bare = write_notebook(
        tmp_path / "bare.ipynb", parameters='data: str = ""', body="print(data[-3:])", show="1"
    )
    request = request_for(data=(str(data),), by="", notebooks=(str(bare),))
    found = run(request, Heard())
    assert (found.outcome, found.made) == ("ok", ("whole",))
    assert "27 deals" in (request.out / "whole.html").read_text()
    assert 'href="whole.html"' in (request.out / "index.html").read_text()


def test_several_attributes_several_notebooks_and_the_whole_are_one_plan(
    request_for: Any, tmp_path: Path, quick_notebook: Path
) -> None:
    data = two_regions(tmp_path)
    other = write_notebook(tmp_path / "other.ipynb", body=MOOD, show="print('other', by, value)")
    request = request_for(
        data=(str(data),), by="region, segment", whole=True, notebooks=(str(quick_notebook), str(other))
    )
    found = run(request, Heard())
    assert found.outcome == "ok"
    names = ("whole", "region=East", "region=West", "segment=big", "segment=small")
    assert set(pages(request.out)) == {
        "index.html",
        *(f"{name}{mark}.html" for name in names for mark in ("", "@other")),
    }
    assert "other segment big" in pages(request.out)["segment=big@other.html"]
    assert "other region" in pages(request.out)["whole@other.html"]
    index = pages(request.out)["index.html"]
    assert index.count('<table class="regions"') == 2
    for link in re.findall(r'href="([^"#]+\.html)"', index):
        assert (request.out / link.replace("%3D", "=").replace("%40", "@")).is_file()
    page = pages(request.out)["region=East.html"]
    assert 'href="region%3DEast%40other.html"' in page  # from one notebook to the other of the same region


def test_the_index_compares_the_regions(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    request = request_for(data=(str(data),))
    run(request, Heard())
    index = (request.out / "index.html").read_text()
    assert '<div class="two card compared">' in index
    compared = index.split('<div class="two card compared">')[1]
    assert "<svg" in compared
    assert "East" in compared
    assert "West" in compared


# ---- by content ---------------------------------------------------------------------------------------


PART = """
import funnelnb as fn
book = fn.pick(fn.open_book(data), by, value)
"""


def test_a_new_deal_redoes_its_own_region_only(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    own = write_notebook(tmp_path / "own.ipynb", body=PART, show="print(fn.overview(book).n)")
    compares = write_notebook(
        tmp_path / "all.ipynb", body="import funnelnb as fn", show="print(fn.load(data))"
    )
    request = request_for(data=(str(data),), notebooks=(str(own), str(compares)))
    run(request, Heard())
    deals = data / "opportunities.csv"
    lines = deals.read_text().splitlines()
    west = next(line for line in lines if ",West," in line)
    deals.write_text("\n".join([*lines, west.replace(west.split(",")[0], "D9999"), ""]))
    reasons = {one.name: one.reason for one in steps(request)}
    assert reasons == {"East · own": "", "West · own": "data", "East · all": "data", "West · all": "data"}
    found = run(request, Heard())
    assert set(found.made) == {"West · own", "East · all", "West · all"}
    assert "16 deals" in (request.out / "West.html").read_text()


def test_finished_work_stays_good_however_the_path_is_spelled_and_wherever_it_lies(
    request_for: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    data = two_regions(tmp_path)
    request = request_for(data=(str(data),))
    assert len(run(request, Heard()).made) == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    shutil.move(str(data), str(tmp_path / "elsewhere" / data.name))
    shutil.move(str(request.out), str(tmp_path / "elsewhere" / "out"))
    moved = replace(request, data=(f"./elsewhere/../elsewhere/{data.name}",), out=Path("elsewhere/out"))
    found = run(moved, Heard())
    assert (found.made, set(found.kept)) == ((), {"East", "West"})


def test_a_dry_run_makes_nothing(request_for: Any, tmp_path: Path) -> None:
    data = two_regions(tmp_path)
    request = request_for(data=(str(data),))
    assert {one.reason for one in steps(request)} == {"new"}
    assert not request.out.exists()


# ---- what must not be kept ----------------------------------------------------------------------------


def test_no_path_with_a_users_name_is_kept(
    request_for: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / "ann.example"
    home.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    write_company(home / "exports", {"East": 12})
    write_notebook(
        home / "own.ipynb", body=PART, show="print(data)\nimport os\nprint(os.getcwd())\nopen(data + '/none')"
    )
    request = request_for(data=("exports",), notebooks=("own.ipynb",), out=home / "reports")
    assert run(request, Heard()).outcome == "failed"
    for path in (home / "reports").iterdir():
        assert "ann.example" not in path.read_text(encoding="utf-8"), path.name
    manifested = json.loads((home / "reports" / "manifest.json").read_text())
    assert manifested["reports"][0]["parameters"]["data"] == "../exports"


def test_no_password_is_kept(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "one", {"East": 12})
    notebook = write_notebook(
        tmp_path / "own.ipynb", parameters=PARAMETERS + 'api_token: str = ""\nbase: str = ""',
        body="print(api_token, base)", show="assert base == 'postgresql://ann:w0rd@db/crm' and api_token == 's3cret'",
    )  # fmt: skip
    secrets = {"api_token": "s3cret", "base": "postgresql://ann:w0rd@db/crm"}
    request = request_for(data=(str(data),), notebooks=(str(notebook),), parameters=secrets)
    assert run(request, Heard()).outcome == "ok"  # the notebook itself knows them
    for path in request.out.iterdir():
        text = path.read_text(encoding="utf-8")
        assert "s3cret" not in text, path.name
        assert "w0rd" not in text, path.name
    assert "postgresql://ann:***@db/crm" in (request.out / "East.html").read_text()


# ---- what changed -------------------------------------------------------------------------------------


def test_the_digest_says_what_moved_and_a_rule_makes_it_an_alarm(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "two", {"East": 120, "West": 150})
    request = request_for(data=(str(data),))
    first = run(request, Heard())
    assert "no earlier run" in first.digest
    deals = data / "opportunities.csv"
    text = deals.read_text().replace(",East,", ",Ost,")  # another name is no move
    deals.write_text(text)
    quiet = run(request, Heard(), fail_on=("fell",))
    assert "Nothing moved" in quiet.digest
    assert quiet.outcome == "ok"
    lines = [
        line.replace(",won,won,", ",offer,lost,") if ",West," in line else line for line in text.splitlines()
    ]
    deals.write_text("\n".join(lines))
    fallen = run(request, Heard(), fail_on=("fell",))
    assert fallen.outcome == "alarm"
    assert re.search(r"Region: West: won within 60 days fell from 3\d\.\d % to 0", fallen.digest), (
        fallen.digest
    )
    assert len(fallen.alarms) >= 1
    assert fallen.digest.startswith("# two, as of 2026-06-30")
    same = run(request, Heard(), fail_on=("fell",))
    assert same.digest == fallen.digest  # on the same data the comparison stays with the data before


def test_a_report_is_compared_with_what_the_last_one_on_other_data_kept() -> None:
    """`since` is the same however often the same data are run, and is what was kept when the data change."""
    from types import SimpleNamespace

    from funnelnb.batch.run import _Work

    last = manifest.Entry(
        stem="a", status="ok", seconds=1, sources={"data": "june"}, parameters={}, notebook="n", by="",
        value="", kept={"period": "2026-W26"}, since={"period": "2026-W25"},
    )  # fmt: skip
    notebook = SimpleNamespace(parameters={"since": None})
    job: Any = SimpleNamespace(stem="a", notebook=notebook, parameters={"lang": "en"})
    work: Any = SimpleNamespace(
        record=manifest.Record(entries={"a": last}), sources={"a": {"data": "june"}}, since=lambda _: {}
    )
    assert _Work.since(work, job) == {"period": "2026-W25"}
    work.sources = {"a": {"data": "july"}}
    assert _Work.since(work, job) == {"period": "2026-W26"}
    work.since = lambda one: _Work.since(work, one)
    assert _Work.parameters(work, job) == {"lang": "en", "since": {"period": "2026-W26"}}
    job.parameters = {"lang": "en", "since": {"period": "mine"}}
    assert _Work.parameters(work, job) == job.parameters
    job.notebook.parameters = {}
    job.parameters = {"lang": "en"}
    assert _Work.parameters(work, job) == {"lang": "en"}
    work.record = manifest.Record()
    assert _Work.since(work, job) == {}


def test_the_second_report_says_what_changed_since_the_first(request_for: Any, tmp_path: Path) -> None:
    """Two runs with real kernels: the page of the second names the period of the first, and what differs from it."""
    data = write_company(tmp_path / "one", {"East": 30})
    notebook = write_notebook(
        tmp_path / "own.ipynb", parameters=f"{PARAMETERS}since: dict = {{}}\n", show="fn.display(report)",
        body=f"{BODY}\nreport = fn.weekly_report(book, period='month', since=since or None)\n"
        "fn.notebook.in_short(report)",
    )  # fmt: skip
    node = nbformat.read(notebook, as_version=4)
    node.cells.insert(3, nbformat.v4.new_markdown_cell("## The report"))
    nbformat.write(node, notebook)
    request = request_for(data=(str(data),), notebooks=(str(notebook),), as_of="2026-03-31")
    first = run(request, Heard())
    assert (first.made, first.failed) == (("East",), {})
    page = request.out / "East.html"
    assert "last report:" not in page.read_text()
    later = replace(request, as_of="2026-04-30")
    assert run(later, Heard()).made == ("East",)
    said = page.read_text()
    assert "Changed since the last report" in said and "last report: 2026-03" in said
    assert re.search(r"rders: 0, then 1\.", said), re.findall(r"[^<>]*, then [^<>]*", said)
