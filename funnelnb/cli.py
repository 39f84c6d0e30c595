"""The command ``funnelnb``: reports per region, checks, notebooks. It only calls."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from funnelnb import __version__
from funnelnb.core.errors import FunnelError, ParameterError, speak_to

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, FOUND, WRONG, STOPPED = 0, 1, 2, 130

_FIRST = """Sales-funnel reports and notebooks from a CRM export.

first steps:
  funnelnb new myfunnel        a folder with notebooks, sample data and settings
  cd myfunnel
  funnelnb lab                 open the notebooks
  funnelnb report              make one report per region

your own data:
  funnelnb check export/       see what is in the data, and what is wrong with it
  funnelnb report export/ --by region

Each command has examples: funnelnb report --help
"""

_EXITS = """exit codes:
  0    done
  1    a report failed, or the check found an error in the data
  2    wrong option or input; nothing was made
  130  stopped; finished reports are complete
"""

_EXAMPLES = {
    "report": """
  funnelnb report data/sample --by region
  funnelnb report export/ --by team --only North South -p horizon_days=90 --lang zh
""",
    "check": """
  funnelnb check export/ --playbook seven_step
  funnelnb check deals.xlsx --as-of 2026-06-30 --lang zh
""",
    "lab": """
  funnelnb lab
  funnelnb lab myfunnel --no-browser --port 8899
""",
    "new": """
  funnelnb new myfunnel
  funnelnb new mylessons --lang zh
""",
    "playbooks": """
  funnelnb playbooks --lang zh
  funnelnb playbooks seven_step --out page.html
""",
    "list": """
  funnelnb list
  funnelnb list --lang zh
""",
}
"""Command -> two examples of it."""

_REPORT = """Runs the notebooks once for each region (or other attribute) and writes offline HTML pages with an index.
The executed notebooks lie beside the pages. Reports that are already made are kept, unless data, notebook,
parameters or package have changed."""

_CHECK = """Reads the data and says what was found: what must be corrected, what is good to know, what is in order.
Nothing is changed."""

_LAB = """Opens JupyterLab with the notebooks and the sample data. Nothing is sent to other computers.
More options are passed on to JupyterLab, such as --allow-root."""

_NEW = (
    """Makes a folder with the notebooks, the data of a sample company and a settings file to start from."""
)

_PLAYBOOKS = """Lists the stage models: the id for --playbook, what each is for, and its stages.
With NAME, shows one in full."""

_LIST = """Lists the notebooks with their parameters, as used by: funnelnb report -p NAME=VALUE"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # jsonschema's slow extra
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Chinese still gets the rest
    parser = _parser()
    given, more = parser.parse_known_args(arguments)
    if given.run is None:
        parser.print_help()
        return OK
    if more and given.run is not _lab:
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    given.more = more
    before = signal.signal(signal.SIGTERM, _terminate)
    speak_to("shell")
    try:
        return int(given.run(given))
    except FunnelError as error:
        print(f"funnelnb: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("funnelnb: stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # the reader of our output has gone, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    finally:
        speak_to("python")
        signal.signal(signal.SIGTERM, before)


class _Terminated(KeyboardInterrupt):
    """Stopped from outside.

    A type of its own: once a plain KeyboardInterrupt has passed through ``exec`` (as imports do), caught or not,
    Python ends by that signal and not with our exit code.
    """


def _terminate(number: int, frame: Any) -> NoReturn:
    raise _Terminated


# ---- the words on the command line ------------------------------------------------------------------------


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose names of commands and options stand on the line of their words."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="funnelnb",
        description=_FIRST,
        epilog=_EXITS,
        formatter_class=_Help,
    )
    parser.set_defaults(run=None)
    parser.add_argument("--version", action="version", version=f"funnelnb {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    new = _command(commands, "new", _new, "make a folder with notebooks, sample data and settings", _NEW)
    new.add_argument("folder", metavar="DIR", help="a new name, or an empty folder")
    _language(new, "language of the folder")
    lab = _command(commands, "lab", _lab, "open the notebooks in JupyterLab", _LAB)
    lab.add_argument(
        "folder", nargs="?", metavar="DIR", help="folder made by `funnelnb new` (default: this one)"
    )
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    lab.add_argument("--port", type=int, help="port to use")
    check = _command(commands, "check", _check, "see what is in the data, and what is wrong with it", _CHECK)
    _data_words(check)
    _language(check, "language of the answer")
    _report_words(_command(commands, "report", _report, "make one offline report per region", _REPORT))
    _playbook_words(
        _command(commands, "playbooks", _playbooks, "list the stage models, or show one in full", _PLAYBOOKS)
    )
    listing = _command(commands, "list", _list, "list the notebooks and their parameters", _LIST)
    _language(listing, "edition of the notebooks")
    return parser


def _command(commands: Any, name: str, run: Any, words: str, description: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=description,
        epilog=f"examples:{_EXAMPLES[name]}",
        formatter_class=_Help,
    )
    parser.set_defaults(run=run)
    return parser


def _language(parser: argparse.ArgumentParser, words: str) -> None:
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help=f"{words}: en or zh (default: en)")


def _data_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "data",
        nargs="*",
        metavar="DATA",
        help="folder or files of the CRM export (default: those named in funnelnb.toml)",
    )
    parser.add_argument(
        "--mapping",
        default="",
        metavar="FILE",
        help="settings file that maps the columns (default: funnelnb.toml beside the data)",
    )
    parser.add_argument(
        "--playbook", default="", metavar="ID", help="stage model: an id of `funnelnb playbooks`, or a file"
    )
    parser.add_argument(
        "--as-of", default="", metavar="DATE", help="leave out everything after this date, such as 2026-06-30"
    )


def _report_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    parser.add_argument(
        "--by", default="", metavar="ATTRIBUTE", help="make one report for each value of it, such as region"
    )
    parser.add_argument(
        "--notebook",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="notebooks to run, by name or path (default: all four)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        action="extend",
        default=[],
        metavar="REGION",
        help="only for these regions (values of --by)",
    )
    parser.add_argument("--lang", default="", choices=("en", "zh"), help="language of the reports: en or zh")
    _run_words(parser)


def _run_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="output folder (default: reports)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=_cores(),
        metavar="N",
        help="number of reports made at the same time (default here: %(default)s)",
    )
    parser.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set a notebook parameter (see `funnelnb list`); can be given several times",
    )
    parser.add_argument("--force", action="store_true", help="make all reports again")
    parser.add_argument("--code", action="store_true", help="show the code on the pages, folded")
    parser.add_argument(
        "--timeout", type=float, default=600, metavar="SECONDS", help="time limit for a cell (default: 600)"
    )


def _playbook_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        metavar="NAME",
        help="show this stage model in full: an id, or a TOML file",
    )
    _language(parser, "language of the answer")
    parser.add_argument(
        "--out",
        type=Path,
        default=None,
        metavar="FILE",
        help="write it as an offline page",
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# ---- the commands -----------------------------------------------------------------------------------------


def _data(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the data that were named, or what the settings in this folder name."""
    from funnelnb.data.contract.settings import FILE_NAME

    if given.data:
        return tuple(given.data)
    if Path(FILE_NAME).is_file():
        return (FILE_NAME,)
    raise ParameterError(
        "no data named",
        expected=f"a folder or files of a CRM export, or a {FILE_NAME} in this folder",
        hint="funnelnb report DATA --by region; or begin with `funnelnb new DIR`",
    )


def _report(given: argparse.Namespace) -> int:
    from funnelnb.batch.parameters import split
    from funnelnb.batch.plan import Request
    from funnelnb.batch.progress import Progress, printable
    from funnelnb.batch.run import run

    request = Request(
        data=_data(given),
        by=given.by,
        mapping=given.mapping,
        playbook=given.playbook,
        as_of=given.as_of,
        lang=given.lang,
        notebooks=tuple(given.notebook),
        only=tuple(given.only),
        parameters=split(given.parameter),
        out=given.out,
        jobs=given.jobs,
        force=given.force,
        code=given.code,
        cell_timeout_s=given.timeout,
    )
    summary = run(request, Progress())
    total = len(summary.made) + len(summary.kept)
    print(
        f"{total} report{'s' if total != 1 else ''} ready ({len(summary.kept)} from before): {summary.index}"
    )
    for value, why in summary.failed.items():
        print(f"failed: {printable(value)}: {printable(why)}")
    if summary.stopped:
        print("stopped before all was made; run the same command again to go on", file=sys.stderr)
        return STOPPED
    return FOUND if summary.failed else OK


def _check(given: argparse.Namespace) -> int:
    from funnelnb.data.check import check_data

    data = _data(given)
    report = check_data(
        data[0] if len(data) == 1 else list(data),
        mapping=given.mapping or None,
        playbook=given.playbook or None,
        as_of=given.as_of or None,
    )
    print(report.text(given.lang, width=_terminal_width()))
    return OK if report.ok else FOUND


def _terminal_width() -> int:
    """Return how many columns to fill: those of the terminal, but 80 at least and 100 at most."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 80), 100)


def _lab(given: argparse.Namespace) -> int:
    from funnelnb.batch import workfolder

    folder = workfolder.to_open(Path(given.folder) if given.folder else None)
    from jupyterlab.labapp import LabApp

    arguments = [
        f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=",
    ]
    arguments += ["--no-browser"] if given.no_browser else []
    arguments += [f"--port={given.port}"] if given.port else []
    LabApp.launch_instance(argv=[*arguments, *given.more])
    return OK


def _new(given: argparse.Namespace) -> int:
    from funnelnb.batch import workfolder

    folder = workfolder.make(Path(given.folder), given.lang)
    print(f"made {folder}\n\nnext:\n  cd {given.folder}\n  funnelnb lab        the notebooks")
    print("  funnelnb report     one HTML report per region")
    return OK


def _playbooks(given: argparse.Namespace) -> int:
    from funnelnb.playbooks import library, load_playbook

    if given.name:
        return _playbook(given)
    if given.out is not None:
        raise ParameterError(
            "--out without a name",
            expected="the stage model to write",
            hint="funnelnb playbooks seven_step --out page.html",
        )
    for one in map(load_playbook, library()):
        print(f"{one.id}: {one.label[given.lang]}\n    {one.about[given.lang]}")
        print("    " + " → ".join(stage.label[given.lang] for stage in one.stages))
    return OK


def _playbook(given: argparse.Namespace) -> int:
    """Show one stage model whole, or write it as a page."""
    from funnelnb.analysis.shared.stage_model import playbook
    from funnelnb.show.tables.document import page

    shown = playbook(given.name)
    if given.out is None:
        print(shown.text(given.lang, width=_terminal_width()))
        return OK
    title = shown.model.label[given.lang]
    text = page(shown.html(given.lang), title, given.lang)
    part = given.out.with_name(given.out.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(given.out)
    except OSError as error:
        raise ParameterError(
            f"{given.out} cannot be written: {error.strerror or error}",
            expected="a file in a folder that exists",
        ) from None
    print(given.out)
    return OK


def _list(given: argparse.Namespace) -> int:
    from funnelnb.batch import catalog
    from funnelnb.batch.plan import OPTIONS

    for notebook in catalog.notebooks(given.lang):
        print(f"{notebook.name}: {notebook.title}")
        for one in notebook.parameters.values():
            option = f"  [{OPTIONS[one.name]}]" if one.name in OPTIONS else ""
            print(f"    {one.name}: {one.type} = {one.default!r}  {one.help}{option}")
    return OK
