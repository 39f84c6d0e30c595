"""The run as a whole: reports per region, what fails, what is kept, what never leaves its place."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest

import funnelnb as fn
from funnelnb.batch import catalog
from funnelnb.batch.run import Summary, run

from .conftest import MOOD, PARAMETERS, REGIONS, SECRET, Heard, stain, write_company, write_notebook


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
    assert summary.failed["East"].startswith("ValueError: <b>bad</b> news (cell 4: import os")
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


def test_a_script_in_a_name_stays_text_and_nothing_is_fetched(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    for name, text in pages(out).items():
        assert "<script" not in text.casefold(), name
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
        for rate in (row.by_day_rate, row.so_far_rate, row.decided_rate):
            assert f"{100 * rate:.1f} %" in index
    # counted by hand: of East's 40 deals every third is won
    assert "35.0 %" in index
    page = next(text for name, text in pages(out).items() if name.startswith("华东_上海-"))
    row = fn.conversion(book.where(region="华东/上海"), horizon_days=60).overall[0]
    assert f"{100 * row.by_day_rate:.1f} %" in page
    assert "reached 30 code &#39;007&#39;" in page


def test_a_region_with_too_few_deals_says_so(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    page = pages(out)["Tiny.html"]
    assert "Few deals: this report covers only 3 deals." in page
    assert 'class="card' not in page
    assert "few deals" in pages(out)["index.html"]


def test_index_has_one_row_per_region_and_the_whole(finished: tuple[Summary, Path, Heard]) -> None:
    _, out, _ = finished
    index = pages(out)["index.html"]
    rows = re.findall(
        r'<tr role="row"(?: class="(\w+)")? style="--name:(\d+);--deals:(\d+);--rate:(\d+)">', index
    )
    assert [row[0] for row in rows].count("whole") == 1
    for place in (1, 2, 3):
        assert sorted(int(row[place]) for row in rows if not row[0]) == [1, 2, 3, 4, 5]
    order = re.findall(r'rowheader" scope="row">\s*<a href="[^"]*">([^<]*)</a>', index)
    by_deals = [int(row[2]) for row in rows if not row[0]]
    ranked = [name for _, name in sorted(zip(by_deals, order, strict=True))]
    assert ranked == ["East", "华东/上海", "../x", "&lt;script&gt;alert(1)&lt;/script&gt;", "Tiny"]


def test_the_manifest_says_what_ran(finished: tuple[Summary, Path, Heard], company: Path) -> None:
    _, out, _ = finished
    listed = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert listed["data"] == fn.load(company).fingerprint
    reports = {one["value"]: one for one in listed["reports"]}
    assert set(reports) == set(REGIONS)
    assert {value for value, one in reports.items() if one["status"] == "failed"} == {"East"}
    assert reports["Tiny"]["parameters"]["code_word"] == "007"
    assert reports["Tiny"]["parameters"]["data"] == str(company)
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
    from funnelnb.batch import forkserver, provisioner

    monkeypatch.setenv(forkserver.OFF, "1")
    monkeypatch.setattr(provisioner, "START", "import sys; sys.exit('no kernel today')")
    notebook = stain(write_notebook(tmp_path / "stained.ipynb", body=MOOD, show="print('own')"))
    data = write_company(tmp_path / "one", {"East": 12})
    request = request_for(data=(str(data),), notebooks=(str(notebook),))
    assert set(run(request, Heard()).failed) == {"East"}
    for path in request.out.iterdir():
        assert SECRET not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_notebook_of_the_package_brings_stored_outputs(lang: str) -> None:
    for one in catalog.notebooks(lang):
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
    assert killed.failed["East"].startswith("DeadKernelError: the kernel died")
    slow = run(request_for(data=(str(data),), parameters={"mood": "sleep 60"}, cell_timeout_s=1), Heard())
    assert slow.failed["East"].startswith("CellTimeoutError: the cell ran longer than 1 s")


def test_a_chinese_run_speaks_chinese(request_for: Any, tmp_path: Path) -> None:
    data = write_company(tmp_path / "zh", {"华东": 12, "小": 2})
    request = request_for(data=(str(data),), lang="zh")
    run(request, Heard())
    found = pages(request.out)
    assert set(found) == {"华东.html", "小.html", "index.html"}
    assert '<html lang="zh-Hans">' in found["华东.html"]
    assert "60 天内赢单" in found["华东.html"]
    assert "样本太少" in found["小.html"]
    assert "各区域的商机转化情况" in found["index.html"]
    for text in found.values():
        head = re.sub("<h1>.*?</h1>", "", text.partition("<main")[0].partition("</style>")[2])
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
        '{"made_by": "funnelnb 0", "format": 1, "reports": [{"stem": 3}]}'
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
    (row,) = re.findall(r'rowheader" scope="row">\s*(East.*?)</th>', index, re.S)
    assert len(re.findall(r"<a class=\"one\" href=", row)) == 2


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
