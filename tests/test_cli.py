"""The command line: what it says, what it makes, how it ends."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from funnelnb import __version__, cli
from funnelnb.batch.plan import Request
from funnelnb.batch.run import Summary
from funnelnb.core import resources
from funnelnb.data.contract.settings import REPORT_KEYS
from funnelnb.data.load import load
from funnelnb.show.tables.grid import width
from funnelnb.show.text.words import words
from tests.batch.conftest import MOOD, write_company, write_notebook
from tests.conftest import ROOT, wait_until


def funnelnb(*arguments: object) -> int:
    return cli.main([str(one) for one in arguments])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with data and a quick notebook, and stand in it."""
    write_company(tmp_path / "export", {"East": 12, "West": 14})
    write_notebook(tmp_path / "quick.ipynb", body=MOOD, show="print('made')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_explains_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        funnelnb("--help")
    said = capsys.readouterr().out
    assert ended.value.code == 0
    for word in ("report", "check", "lab", "new", "playbooks", "list", "exit codes", "130"):
        assert word in said


def test_without_a_command_it_says_what_to_do_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert funnelnb() == cli.OK
    said = capsys.readouterr().out
    assert said.index("funnelnb new") < said.index("funnelnb lab") < said.index("options:")


@pytest.mark.parametrize("command", [(), ("report",), ("course-results",)])
def test_help_speaks_chinese_where_it_is_asked_to(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for how in ("option", "shell"):
        monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8" if how == "shell" else "C")
        with pytest.raises(SystemExit) as ended:
            funnelnb(*command, "--help", *(("--lang", "zh") if how == "option" else ()))
        said = capsys.readouterr().out
        assert ended.value.code == 0
        assert said.startswith("用法：funnelnb")
        words = [
            line for line in said.splitlines() if not line.lstrip().startswith(("funnelnb", "[", "用法", "-"))
        ]
        assert not any(re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", line) for line in words)


@pytest.mark.parametrize("command", ["report", "check", "lab", "new", "playbooks", "list"])
def test_each_command_has_examples_and_no_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        funnelnb(command, "--help")
    said = capsys.readouterr().out
    assert len(re.findall(rf"^  funnelnb {command}", said, re.MULTILINE)) >= 2
    assert "exit codes" not in said


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_example_is_a_command_that_is_understood(lang: str) -> None:
    said = words(lang).table("help")["examples_of"]
    typed = [line.strip() for text in said.values() for line in text.strip().splitlines()]
    assert len(typed) > 25
    for line in typed:
        program, *given = shlex.split(re.split(r" {2,}", line)[0])
        assert program == "funnelnb"
        assert cli._understood(given).run is cli._COMMANDS[given[0]][0], line


def test_every_option_of_report_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        funnelnb("report", "--help")
    said = capsys.readouterr().out
    options = [
        "--by",
        "--mapping",
        "--notebook",
        "--only",
        "--lang",
        "--as-of",
        "--out",
        "--jobs",
        "-p",
        "--force",
    ]
    for option in [*options, "--code", "--timeout", "--playbook"]:
        assert re.search(rf"^  {option}[ ,]", said, re.MULTILINE), option


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        funnelnb("--version")
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"funnelnb {__version__}\n"


MISTYPED = {
    ("reprot",): ("there is no command 'reprot'", "did you mean 'report'?", "没有 'reprot' 这个命令"),
    ("--verison",): ("there is no option --verison", "did you mean '--version'?", "没有 --verison 这个选项"),
    ("report", "--bye", "x"): (
        "report has no option --bye",
        "did you mean '--by'?",
        "report 没有 --bye 这个选项",
    ),
    ("report", "x", "--jobs", "many"): ("--jobs 'many'", "a whole number", "需要：整数"),
    ("report", "x", "--timeout", "long"): ("--timeout 'long'", "a number", "需要：数字"),
    ("report", "x", "--no"): ("--no is short for more than one option", "--no-deals", "--no 可以指多个选项"),
    ("report", "x", "--force=3"): (
        "--force takes no value, but '3'",
        "--force without",
        "--force 后面不能带值",
    ),
    ("new",): ("new: DIR is missing", "remedy:   funnelnb new myfunnel", "new：缺少 DIR"),
    ("new", "my", "funnel"): ("new: 'funnel' is one word too many", "in quotes", "new：'funnel' 是多余的"),
    ("new", "x", "--lang"): ("--lang has no value after it", "--lang zh", "--lang 后面没有值"),
    ("new", "x", "--lang", "chinese"): ("--lang 'chinese'", "one of en, zh", "需要：以下之一：en, zh"),
    ("list", "--out"): ("list has no option --out", "`funnelnb list --help`", "list 没有 --out 这个选项"),
    ("schedule",): ("schedule: KIND is missing", "one of cron, systemd, github", "schedule：缺少 KIND"),
    ("warm", "--", "no-such-command"): (
        "no-such-command cannot be run",
        "that can be run",
        "no-such-command 无法运行",
    ),
}


@pytest.mark.parametrize("typed", MISTYPED, ids=" ".join)
def test_wrong_usage_says_what_to_type_and_ends_with_2(
    typed: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, more, chinese = MISTYPED[typed]
    monkeypatch.setenv("LC_ALL", "C")
    assert funnelnb(*typed) == cli.WRONG
    said = capsys.readouterr().err
    assert said.startswith(f"funnelnb: {found}")
    assert more in said
    assert "usage" not in said
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert funnelnb(*typed) == cli.WRONG
    said = capsys.readouterr().err
    assert chinese in said
    assert re.search(r"[a-z]{3,} [a-z]{3,} [a-z]{3,}", re.sub(r"funnelnb [^，；]*|`[^`]*`", "", said)) is None


def test_what_is_said_on_the_screen_is_in_the_language_of_the_shell(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert funnelnb("report", "export", "--by", "region", "--notebook", "quick.ipynb", "--dry-run") == cli.OK
    said = capsys.readouterr().out
    assert "生成  East.html  尚未生成" in said
    assert "共 2 份报告，将生成 2 份" in said
    assert funnelnb("report", "export", "--by", "region", "--dry-run", "--lang", "en") == cli.OK
    assert "2 of 2 reports would be made" in capsys.readouterr().out
    assert funnelnb("new", "fresh") == cli.OK
    assert "已建立" in capsys.readouterr().out
    assert 'language = "zh"' in (small / "fresh" / "funnelnb.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", [("--lang", "zh"), ("--lang=zh",)])
def test_the_language_may_stand_before_the_command(
    language: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    assert funnelnb(*language, "check", "nothing") == cli.WRONG
    assert "nothing 不存在" in capsys.readouterr().err
    assert funnelnb(*language, "cheque") == cli.WRONG
    assert "没有 'cheque' 这个命令" in capsys.readouterr().err
    assert funnelnb(*language) == cli.OK
    assert capsys.readouterr().out.startswith("用法：")


def test_several_problems_of_the_data_are_said_in_chinese_with_their_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deals.csv").write_text(
        "id,stage,created,closed,amount\n1,won,03/04/2026,05/06/2026,5\n2,lost,01/02/2026,02/03/2026,6\n",
        encoding="utf-8",
    )
    assert funnelnb("report", tmp_path, "--lang", "zh") == cli.WRONG
    said = capsys.readouterr().err
    assert "数据有 2 处问题：" in said
    assert "deals.csv，'created' 列：分不清日和月" in said
    assert 'date_order = "dmy"' in said


def test_wrong_input_ends_with_2_and_one_clear_message(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        funnelnb("report", "export", "--by", "region", "--notebook", "quick.ipynb", "-p", "horizn_days=9")
        == 2
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "funnelnb: parameter 'horizn_days' is not one of notebook quick\n  expected: one of"
    )
    assert "remedy:   did you mean 'horizon_days'?" in said.err
    assert not (small / "reports").exists()


def test_no_data_and_no_settings_here_is_told(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert funnelnb("report", "--by", "region") == cli.WRONG
    assert "no data named" in capsys.readouterr().err


def test_report_writes_pages_and_says_where(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["report", "export", "--by", "region", "--notebook", "quick.ipynb", "--jobs", "1"]
    assert funnelnb(*words) == cli.OK
    said = capsys.readouterr()
    assert said.out == f"2 reports ready (0 from before): {Path('reports', 'index.html')}\n"
    assert re.fullmatch(r"\[1/2\] East  ok  [\d.]+ s\n\[2/2\] West  ok  [\d.]+ s\n", said.err)
    assert {path.name for path in (small / "reports").iterdir()} == {
        *("index.html", "manifest.json", "East.html", "East.ipynb", "West.html", "West.ipynb")
    }


@pytest.mark.usefixtures("warm")
def test_a_failed_report_ends_with_1_and_says_why(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["report", "export", "--by", "region", "--notebook", "quick.ipynb", "-p", "mood=boom East"]
    assert funnelnb(*words) == cli.FOUND
    said = capsys.readouterr()
    assert "1 report ready" in said.out
    assert "failed: East: ValueError: <b>bad</b> news (cell 4" in said.out
    assert "East  FAILED" in said.err


def test_names_from_data_cannot_steer_the_terminal(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_company(small / "odd", {"East\u202eEnd": 12})
    words = [
        "report",
        "odd",
        "--by",
        "region",
        "--notebook",
        "quick.ipynb",
        "-p",
        "mood=boom East\u202eEnd",
    ]
    assert funnelnb(*words) == cli.FOUND
    said = capsys.readouterr()
    assert "\u202e" not in said.out + said.err
    assert "failed: East�End: ValueError" in said.out


def test_check_says_what_it_found_and_ends_with_0_or_1(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert funnelnb("check", "export") == cli.OK
    assert "Data check of export: 26 deals" in capsys.readouterr().out
    deals = small / "export" / "opportunities.csv"
    deals.write_text(deals.read_text().replace("D0001", "D0000", 1))
    assert funnelnb("check", "export", "--lang", "zh") == cli.FOUND
    assert "D0000" in capsys.readouterr().out
    assert funnelnb("check", "nowhere") == cli.WRONG


@pytest.mark.parametrize(("columns", "most"), [("60", 80), ("90", 90), ("300", 100)])
def test_check_fits_the_terminal(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str, most: int
) -> None:
    """The remedy of a problem is one long sentence."""
    monkeypatch.setenv("COLUMNS", columns)
    deals = small / "export" / "opportunities.csv"
    deals.write_text(deals.read_text().replace("D0001", "D0000", 1))
    for lang in ("en", "zh"):
        assert funnelnb("check", "export", "--lang", lang) == cli.FOUND
        lines = capsys.readouterr().out.splitlines()
        assert most - 10 < max(width(line) for line in lines) <= most


@pytest.mark.usefixtures("warm")
def test_settings_in_this_folder_stand_for_the_data(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = (small / "export" / "funnelnb.toml").read_text()
    (small / "funnelnb.toml").write_text(f'data = "export"\nby = "segment"\nlanguage = "zh"\n{settings}')
    assert funnelnb("report", "--notebook", "quick.ipynb", "--only", "big") == cli.OK
    assert (small / "reports" / "big.html").is_file()
    assert '<html lang="zh-Hans">' in (small / "reports" / "index.html").read_text(encoding="utf-8")


@pytest.mark.realdata
@pytest.mark.usefixtures("warm")
def test_four_files_of_a_real_export_give_its_known_rates(small: Path, shared_data: Path) -> None:
    files = [
        shared_data / "maven_crm" / f"{name}.csv"
        for name in ("sales_pipeline", "sales_teams", "products", "accounts")
    ]
    mapping = Path(__file__).resolve().parents[1] / "examples" / "maven_crm.toml"
    words = ["report", *files, "--mapping", mapping, "--by", "regional_office", "--notebook", "quick.ipynb"]
    assert funnelnb(*words) == cli.OK
    index = (small / "reports" / "index.html").read_text(encoding="utf-8")
    listed = json.loads((small / "reports" / "manifest.json").read_text(encoding="utf-8"))
    known = {
        "regional_office=Central": 0.626,
        "regional_office=East": 0.630,
        "regional_office=West": 0.639,
        "": 0.632,
    }
    for place, rate in known.items():  # won of those decided, from the data sheet
        counts = listed["figures"]["counts"]
        _, won, lost = (
            counts[place] if place in counts else counts[place.replace("regional_office", "region")]
        )
        assert round(won / (won + lost), 3) == rate
    assert "8,800 deals" in index


def test_playbooks_are_listed_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    from funnelnb.playbooks import library

    assert funnelnb("playbooks") == cli.OK
    english = capsys.readouterr().out
    assert funnelnb("playbooks", "--lang", "zh") == cli.OK
    chinese = capsys.readouterr().out
    for name in library():
        assert re.search(rf"^{name}: ", english, re.MULTILINE)
        assert re.search(rf"^{name}: ", chinese, re.MULTILINE)
    assert "顾问型" in chinese


def test_notebooks_are_listed_with_their_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(tmp_path / "01_small.ipynb")
    monkeypatch.setattr(resources, "notebook_folder", lambda lang: tmp_path)
    assert funnelnb("list") == cli.OK
    said = capsys.readouterr().out
    assert said.startswith("01_small: A small report\n    data: str = ''  the data  [DATA]\n")
    assert "    horizon_days: float = 60.0  days\n" in said


# ---- being stopped ----------------------------------------------------------------------------------------


def children_of(folder: Path) -> list[str]:
    """Return the command lines of processes that stand in `folder`: kernels inherit it."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            other = process.name.isdigit() and int(process.name) != os.getpid()
            if other and (process / "cwd").resolve() == folder.resolve():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc to look for kernels left behind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_the_middle_leaves_nothing_half_written(small: Path, number: int) -> None:
    write_notebook(
        small / "slow.ipynb", body="import time\ntime.sleep(600 if value == 'West' else 0)", show="1"
    )
    scratch = small / "scratch"
    scratch.mkdir()
    words = ["report", "export", "--by", "region", "--notebook", "slow.ipynb", "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "funnelnb", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=small,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    wait_until((small / "reports" / "East.html").exists, "the first report")
    wait_until(lambda: len(children_of(small)) >= 2, "the kernel of the second report")
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert process.returncode == cli.STOPPED, err
    assert "1 report ready" in out
    assert "run the same command again to go on" in err
    reports = {path.name for path in (small / "reports").iterdir()}
    assert reports == {"index.html", "manifest.json", "East.html", "East.ipynb"}
    index = (small / "reports" / "index.html").read_text(encoding="utf-8")
    assert index.endswith("</html>\n")
    assert "not made" in index
    assert children_of(small) == []
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_being_stopped_before_anything_is_made_leaves_no_folder(small: Path) -> None:
    write_notebook(small / "slow.ipynb", body="import time\ntime.sleep(600)", show="1")
    words = ["report", "export", "--by", "region", "--notebook", "slow.ipynb", "--out", "fresh"]
    process = subprocess.Popen(
        [sys.executable, "-m", "funnelnb", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=small
    )
    wait_until((small / "fresh").exists, "the folder of the reports")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode == cli.STOPPED
    left = [path.name for path in (small / "fresh").rglob("*")] if (small / "fresh").exists() else []
    assert not [name for name in left if name.endswith((".tmp", ".ipynb", "East.html"))]


@pytest.mark.parametrize(
    ("command", "told"),
    [("_warm", "stopped"), ("_report", "stopped before all was made; run the same command again to go on")],
)
def test_being_stopped_while_something_is_imported_still_ends_with_130(
    tmp_path: Path, command: str, told: str
) -> None:
    """Imports run code by ``exec``, and Python keeps in mind that an interrupt passed through there."""
    program = """
import argparse, sys
from funnelnb import cli
stop = "import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)"
given = argparse.Namespace(run=lambda _: exec(stop))
cli._parser = lambda *_: argparse.Namespace(parse_known_args=lambda _: (given, []))
cli.COMMAND = given.run
sys.exit(cli.main([]))
"""
    (tmp_path / "stopped.py").write_text(program.replace("COMMAND", command))
    words, paths = [sys.executable, "-m", "stopped"], f"{tmp_path}{os.pathsep}{ROOT}"
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths}
    )
    assert (ended.returncode, ended.stderr) == (cli.STOPPED, f"funnelnb: {told}\n")


# ---- the package itself -----------------------------------------------------------------------------------


def test_starting_the_command_loads_nothing_heavy() -> None:
    heavy = {"altair", "nbclient", "nbformat", "numpy", "pandas", "scipy"}
    program = "import sys, funnelnb.cli; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not heavy & set(said.stdout.split())


def test_python_dash_m_is_the_same_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "funnelnb", "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"funnelnb {__version__}\n"


def test_playbooks_shows_one_model_whole(capsys, tmp_path):
    from funnelnb.cli import main

    assert main(["playbooks", "fish_tank", "--lang", "zh"]) == 0
    told = capsys.readouterr().out
    assert "鱼缸" in told and "成交规划" in told and "制定客户标准" in told
    page = tmp_path / "page.html"
    assert main(["playbooks", "fish_tank", "--out", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["playbooks", "fish_tnak"]) == 2
    assert "did you mean 'fish_tank'" in capsys.readouterr().err
    assert main(["playbooks", "--out", str(page)]) == 2
    assert main(["playbooks", "fish_tank", "--out", str(tmp_path / "no" / "page.html")]) == 2


@pytest.mark.parametrize(
    ("lang", "stop", "left_out"),
    [
        ("en", "A report about these data would stop here:", "- no target: the data has no table 'targets'"),
        ("zh", "用这份数据出报告，会停在这里：", "- 没有目标：数据中没有 targets 表"),
    ],
)
def test_check_refuses_what_a_report_would_refuse(
    small: Path, capsys: pytest.CaptureFixture[str], lang: str, stop: str, left_out: str
) -> None:
    assert funnelnb("check", "export", "--lang", lang) == cli.OK  # missing sections are no fault
    assert left_out in capsys.readouterr().out
    deals = (small / "export" / "opportunities.csv").read_text().splitlines()
    lines = [f"{line},{'account_id' if not k else f'A{k}'}" for k, line in enumerate(deals)]
    (small / "export" / "opportunities.csv").write_text("\n".join(lines))
    (small / "export" / "contacts.csv").write_text("contact_id,account_id,role\nC1,A1,boss of all\n")
    assert funnelnb("check", "export", "--lang", lang) == cli.FOUND
    said = capsys.readouterr().out
    assert stop in said
    assert "boss of all" in said


@pytest.mark.parametrize("rule", ["fel", "fell,nonsense"])
def test_an_unknown_rule_is_refused(small: Path, capsys: pytest.CaptureFixture[str], rule: str) -> None:
    assert funnelnb("report", "export", "--by", "region", "--fail-on", rule) == cli.WRONG
    assert "did you mean 'fell'?" in capsys.readouterr().err or rule != "fel"
    assert not (small / "reports").exists()


def test_a_dry_run_names_each_report_and_its_reason(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["report", "export", "--by", "region", "--notebook", "quick.ipynb"]
    assert funnelnb(*words, "--dry-run") == cli.OK
    assert capsys.readouterr().out.splitlines() == [
        "make  East.html  not made yet",
        "make  West.html  not made yet",
        "2 of 2 reports would be made; nothing was done",
    ]
    assert not (small / "reports").exists()


def test_options_may_stand_in_the_settings_and_the_command_line_goes_first(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = small / "export" / "funnelnb.toml"
    table = '[report]\nby = ["region"]\nnotebooks = ["quick.ipynb"]\nonly = ["East"]\nout = "weekly"\n'
    settings.write_text(settings.read_text() + table + '[report.parameters]\ncode_word = "x"\n')
    assert funnelnb("report", "export", "--dry-run") == cli.OK
    assert "make  East.html  not made yet\n1 of 1" in capsys.readouterr().out
    assert funnelnb("report", "export", "--dry-run", "--only", "West") == cli.OK
    assert "West.html" in capsys.readouterr().out
    settings.write_text(settings.read_text().replace("only =", "onyl ="))
    assert funnelnb("report", "export", "--dry-run") == cli.WRONG
    assert "did you mean 'only'?" in capsys.readouterr().err
    settings.write_text(settings.read_text().replace('onyl = ["East"]', "jobs = true"))
    assert funnelnb("report", "export", "--dry-run") == cli.WRONG
    assert "report.jobs" in capsys.readouterr().err


SAID = {
    "by": (["region", "team"], "region,team", ["--by", "size"], "size"),
    "notebooks": ("all", ("all",), ["--notebook", "quick.ipynb"], ("quick.ipynb",)),
    "only": (["East"], ("East",), ["--only", "West"], ("West",)),
    "whole": (True, True, ["--no-whole"], False),
    "out": ("weekly", Path("weekly"), ["--out", "daily"], Path("daily")),
    "jobs": (3, 3, ["--jobs", "0"], 0),
    "retries": (2, 2, ["--retries", "0"], 0),
    "timeout": (30, 30, ["--timeout", "40"], 40.0),
    "report_timeout": (300, 300, ["--report-timeout", "400"], 400.0),
    "code": (True, True, ["--no-code"], False),
    "standalone": (True, True, ["--no-standalone"], False),
    "deals": (False, False, ["--deals"], True),
    "digest": (True, True, ["--no-digest"], False),
    "fail_on": (["target"], ("target",), ["--fail-on", "fell"], ("fell",)),
    "dask": ("tcp://a:1", "tcp://a:1", ["--dask", "tcp://b:1"], "tcp://b:1"),
    "parameters": ({"code_word": "x"}, {"code_word": "x"}, ["-p", "code_word=y"], {"code_word": "y"}),
}
"""Key of ``[report]``: what the settings say, what that asks for; then the same of the command line."""


@pytest.mark.parametrize("key", REPORT_KEYS)
def test_each_key_of_the_settings_works_and_the_command_line_goes_first(
    key: str, small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"timeout": "cell_timeout_s", "report_timeout": "longest_s"}
    heard: dict[str, object] = {}

    @contextlib.contextmanager
    def cluster(address: str) -> Iterator[None]:
        heard["dask"] = address
        yield None

    def run(request: Request, *_: object, fail_on: tuple[str, ...], **__: object) -> Summary:
        heard.update(
            {name: getattr(request, fields.get(name, name), None) for name in {*REPORT_KEYS} - {*heard}}
        )
        heard["fail_on"] = fail_on
        return Summary(index=Path("index.html"), made=(), kept=(), failed={}, digest="told")

    monkeypatch.setattr(cli, "_cluster", cluster)
    monkeypatch.setattr("funnelnb.batch.run.run", run)
    said, meant, words, instead = SAID[key]
    settings = small / "export" / "funnelnb.toml"
    table = json.dumps(said).replace('": ', '" = ')
    settings.write_text(f"{settings.read_text()}[report]\n{key} = {table}\n")
    for more, expected in ([], meant), (words, instead):
        heard.clear()
        assert funnelnb("report", "export", *more) == cli.OK
        heard["digest"] = "told" in capsys.readouterr().out
        assert heard[key] == expected


def test_parameters_come_from_a_yaml_file_too(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (small / "p.yaml").write_text("code_word: 7\n")
    words = ["report", "export", "--by", "region", "--notebook", "quick.ipynb", "--parameters", "p.yaml"]
    assert funnelnb(*words, "--dry-run") == cli.WRONG
    assert 'code_word: "7"' in capsys.readouterr().err
    assert funnelnb(*words, "--dry-run", "-p", "code_word=7") == cli.OK


@pytest.mark.parametrize("kind", ["cron", "systemd", "github"])
def test_schedules_call_this_command(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert funnelnb("schedule", kind, "--", "my export", "--by", "region") == cli.OK
    said = capsys.readouterr().out
    assert "report 'my export' --by region --digest" in said
    assert "@" not in said.replace("checkout@v4", "").replace("python@v5", "").replace("artifact@v4", "")
    if kind == "github":
        import yaml

        steps = yaml.safe_load(said)["jobs"]["reports"]["steps"]
        assert steps[3]["run"].startswith("funnelnb report 'my export'")


def test_a_command_runs_with_warm_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import os, sys; sys.exit(7 if os.environ['FUNNELNB_KERNELS'] else 8)"
    assert funnelnb("warm", "--", sys.executable, "-c", program) in {7, 8}
    assert funnelnb("warm") == cli.WRONG
    assert funnelnb("warm", "--", "no-such-command-here") == cli.WRONG


def test_papermill_runs_our_notebooks_with_the_engine(tmp_path: Path) -> None:
    """The same road from papermill's own command line: warm kernel, refused names, types."""
    pytest.importorskip("papermill")
    write_notebook(tmp_path / "in.ipynb", body=MOOD, show="print('code', repr(code_word))")
    papermill = [
        sys.executable,
        "-m",
        "papermill",
        "in.ipynb",
        "out.ipynb",
        "--engine",
        "funnelnb",
        "--no-progress-bar",
    ]

    def called(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*papermill, *more], cwd=tmp_path, capture_output=True, text=True, check=False)

    good = called("-r", "code_word", "007")
    if "No engine named 'funnelnb'" in good.stderr:
        pytest.skip("the package is not installed, so papermill cannot know its entry point")
    assert good.returncode == 0, good.stderr
    assert "code '007'" in (tmp_path / "out.ipynb").read_text()
    wrong = called("-p", "code_wrod", "x")
    assert wrong.returncode != 0
    assert "did you mean 'code_word'?" in wrong.stderr
    number = called("-p", "code_word", "007")
    assert "-r code_word 7 for papermill" in number.stderr


def test_data_without_a_command_are_told_what_to_type(tmp_path, capsys):
    (tmp_path / "deals.csv").write_text("a\n1\n")
    assert cli.main([str(tmp_path / "deals.csv")]) == 2
    assert f"funnelnb check {tmp_path / 'deals.csv'}" in capsys.readouterr().err
    assert cli.main([str(tmp_path), "--lang", "zh"]) == 2
    assert "不是命令" in capsys.readouterr().err


def test_an_import_with_two_currencies_and_a_turned_deal_can_be_reported_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"S{k},初步接触,2026-01-{k % 28 + 1:02},,{k + 1}0,人民币" for k in range(20)]
    rows += ["S20,赢单,2026-02-01,2026-01-01,50,人民币", "S21,初步接触,2026-01-01,,70,美元"]
    text = "\n".join(["商机编号,商机阶段,创建时间,成交日期,商机金额,币种", *rows])
    Path("deals.csv").write_text(text + "\n", encoding="utf-8")
    assert cli.main(["import", "deals.csv", "--yes", "--lang", "zh", "--out", "stored"]) == 0
    told = capsys.readouterr().out
    assert "结案早于新建" in told and "closed before" not in told
    assert cli.main(["check", "stored", "--lang", "zh"]) == 0
    assert cli.main(["import", "stored", "--yes", "--out", "again"]) == 0
    first, second = (load(one) for one in ("stored", "again"))
    assert first.fingerprint == second.fingerprint
    (Path("stored") / "funnelnb.toml").write_text('playbook = ["初步接触", "赢单"]\n', encoding="utf-8")
    capsys.readouterr()
    assert cli.main(["check", "stored", "--lang", "zh"]) == 1
    told = capsys.readouterr().out.replace("\n", "").replace(" ", "")
    assert "opportunities.parquet第23行“currency”列" in told and "先换算金额" in told
