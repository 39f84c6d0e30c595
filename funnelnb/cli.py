"""The command ``funnelnb``: reports per region, checks, notebooks. It only calls.

Longer than most modules: the options of each command and the call it makes are read and changed together.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from funnelnb import __version__
from funnelnb.batch.usage import Parser
from funnelnb.core.errors import (
    DataProblems,
    FunnelError,
    MappingError,
    MissingDataError,
    MissingExtraError,
    OutputError,
    ParameterError,
    nearest,
    speak_to,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OK, FOUND, WRONG, KILLED, FULL, ALARM, BROKEN, STOPPED = 0, 1, 2, 3, 4, 5, 70, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # jsonschema's slow extra
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Chinese still gets the rest
    typed = list(sys.argv[1:] if arguments is None else arguments)
    try:
        given = _understood(typed)
    except ParameterError as error:
        print(f"funnelnb: {_in_language(error, _asked_lang(typed))}", file=sys.stderr)
        return WRONG
    return OK if given.run is None else _ran(given)


def _understood(words: list[str]) -> argparse.Namespace:
    """Return what the words ask for; without a command, show the help.

    Raises
    ------
    ParameterError
        Something is mistyped.
    """
    lang = _asked_lang(words)
    words = _language_last(words)
    shown = not words or bool({"-h", "--help"} & set(words))
    parser = _parser(lang, shown)
    if words and words[0] not in _COMMANDS and not words[0].startswith("-") and Path(words[0]).exists():
        raise ParameterError(
            f"{words[0]} is data, not a command",
            expected="a command before it",
            hint=f"to see what is in the data, type: funnelnb check {words[0]}",
        )
    passed = (
        words.index("--") if words[:1] and words[0] in {"schedule", "warm"} and "--" in words else len(words)
    )
    given, more = parser.parse_known_args(words[:passed])
    given.passed, given.more, given.shell_lang = words[passed + 1 :], more, lang
    if more and given.run is not _lab:
        name = next((one for one, (run, _) in _COMMANDS.items() if run is given.run), "")
        raise parser.commands.get(name, parser).stray(more)
    if given.run is None:
        parser.print_help()
    elif given.run is not _report:  # reports speak the language of the settings, whoever makes them
        given.lang = getattr(given, "lang", "") or lang
    return given


def _ran(given: argparse.Namespace) -> int:
    """Run the command, and return the exit code of how it ended."""
    before = signal.signal(signal.SIGTERM, _terminate)
    speak_to("shell")
    try:
        return int(given.run(given))
    except FunnelError as error:
        print(f"funnelnb: {_in_language(error, given.shell_lang)}", file=sys.stderr)
        if given.run is _report and isinstance(error, DataProblems | MappingError | MissingDataError):
            _offer_consent(given)
        return FULL if isinstance(error, OutputError) and given.run is _report else WRONG
    except KeyboardInterrupt:
        print(f"funnelnb: {_say(given, 'go_on' if given.run is _report else 'stopped')}", file=sys.stderr)
        return STOPPED
    except MemoryError:
        print(f"funnelnb: {_say(given, 'memory')}", file=sys.stderr)
        return KILLED
    except BrokenPipeError:  # the reader of our output has gone, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception:
        import traceback

        traceback.print_exc()
        print(f"funnelnb {__version__}: {_say(given, 'broken')}", file=sys.stderr)
        return BROKEN
    finally:
        speak_to("python")
        signal.signal(signal.SIGTERM, before)


def _in_language(error: FunnelError, lang: str) -> str:
    """Return the error in the language of who typed the command."""
    from funnelnb.show.text.errors import error_text
    from funnelnb.show.text.words import words

    return error_text(str(error), words(lang))


def _say(given: argparse.Namespace, key: str, **facts: Any) -> str:
    """Return what the command says, in the language of who typed it."""
    from funnelnb.show.text.words import words

    return words(given.shell_lang).say(f"console.{key}", **facts)


class _Terminated(KeyboardInterrupt):
    """Stopped from outside.

    A type of its own: once a plain KeyboardInterrupt has passed through ``exec`` (as imports do), caught or not,
    Python ends by that signal and not with our exit code.
    """


def _terminate(number: int, frame: Any) -> NoReturn:
    raise _Terminated


# ---- the words on the command line ------------------------------------------------------------------------


class _Help(argparse.RawDescriptionHelpFormatter):
    """Help whose names of commands and options are on the line of their words."""

    usage_word = "usage: "

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, self.usage_word if prefix is None else prefix)

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def _parser(lang: str = "en", shown: bool = False) -> Parser:
    """Return the parser; `shown`: it can also print its help."""
    parser = Parser(prog="funnelnb", formatter_class=_Help)
    parser.set_defaults(run=None)
    parser.add_argument("--version", action="version", version=f"funnelnb {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    for name, (run, words) in _COMMANDS.items():
        command = commands.add_parser(name, help="", formatter_class=_Help)
        command.set_defaults(run=run)
        words(command)
    if shown:
        _worded(parser, commands, lang)
    for one in (parser, *commands.choices.values()):
        one.lang = lang
    parser.commands = dict(commands.choices)
    return parser


def _worded(parser: Parser, commands: Any, lang: str) -> None:
    """Give all commands and options their words."""
    from funnelnb.show.text.words import words

    say = words(lang)
    spoken = type("_Spoken", (_Help,), {"usage_word": say.get("help.usage")})
    parser.description, parser.epilog = say.get("help.first"), say.get("help.exits")
    commands.container.title = say.get("help.commands_title")
    for listed in commands._choices_actions:  # noqa: SLF001 - argparse has no public way to them
        listed.help = say.get(f"help.words.{listed.dest}")
    for name, one in {"": parser, **commands.choices}.items():
        if name:
            one.description = say.get(f"help.about.{name}")
            one.epilog = f"{say.get('help.examples')}\n{say.get(f'help.examples_of.{name}')}"
        one.formatter_class = spoken
        one._positionals.title = say.get("help.positional")  # noqa: SLF001 - as above
        one._optionals.title = say.get("help.options_title")  # noqa: SLF001
        for action in one._actions:  # noqa: SLF001
            if action.dest in ("help", "version"):
                action.help = say.get(f"help.{action.dest}")
            elif action is not commands:
                own = say.find(f"help.options_of.{name}.{action.dest}")
                action.help = own or say.get(f"help.options.{action.dest}")


def _asked_lang(words: Sequence[str]) -> str:
    """Return the language in which help is asked for: that of ``--lang``, else of the shell, else English."""
    from funnelnb.core.options import LANGUAGES

    given = [one.removeprefix("--lang=") for one in words if one.startswith("--lang=")]
    given += [after for one, after in itertools.pairwise(words) if one == "--lang"]
    shell = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return next((one for one in (*given, shell[:2]) if one in LANGUAGES), LANGUAGES[0])


def _language_last(words: list[str]) -> list[str]:
    """Return the words with a ``--lang`` that stands before the command moved behind what the command is given."""
    taken = 1 if words[:1] and words[0].startswith("--lang=") else 2 if words[:1] == ["--lang"] else 0
    before, rest = words[:taken], words[taken:]
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *before, *rest[end:]] if rest else []


def _new_words(new: argparse.ArgumentParser) -> None:
    new.add_argument("folder", metavar="DIR")
    _language(new)


def _schedule_words(schedule: argparse.ArgumentParser) -> None:
    schedule.add_argument("kind", choices=("cron", "systemd", "github"), metavar="KIND")
    _language(schedule)


def _lab_words(lab: argparse.ArgumentParser) -> None:
    lab.add_argument("folder", nargs="?", metavar="DIR")
    lab.add_argument("--no-browser", action="store_true")
    lab.add_argument("--port", type=int, metavar="N")
    _language(lab)


def _class_words(class_: argparse.ArgumentParser) -> None:
    class_.add_argument("folders", nargs="+", metavar="DIR")
    class_.add_argument("--out", type=Path, metavar="FILE")
    class_.add_argument("--games", type=Path, metavar="FILE")
    class_.add_argument("--page", type=Path, metavar="FILE")
    _language(class_)


def _language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lang", choices=("en", "zh"), default="")


def _data_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", nargs="*", metavar="DATA")
    parser.add_argument("--mapping", default="", metavar="FILE")
    parser.add_argument("--playbook", default="", metavar="ID")
    parser.add_argument("--as-of", default="", metavar="DATE")


def _check_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    _language(parser)
    parser.add_argument("--write-settings", nargs="?", const="", metavar="FILE")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--harm", action="store_true")
    parser.add_argument("--html", type=Path, metavar="FILE")
    parser.add_argument("--json", type=Path, metavar="FILE")


def _snapshot_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    parser.add_argument("--store", default="pipeline", metavar="DIR")
    parser.add_argument("--anew", action="store_true")
    _language(parser)


def _clean_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    parser.add_argument("--changes", type=Path, metavar="FILE")
    parser.add_argument("--undo", action="store_true")
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--force", action="store_true")
    _language(parser)


def _report_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    add = parser.add_argument
    add("--by", default="", metavar="ATTRIBUTE")
    _switch(parser, "--whole")
    add("--notebook", nargs="+", action="extend", default=[], metavar="NAME")
    add("--only", nargs="+", action="extend", default=[], metavar="REGION")
    add("--lang", default="", choices=("en", "zh"))
    _run_words(parser)


def _switch(parser: argparse.ArgumentParser, name: str) -> None:
    """Add an option that says yes or no; not given, it is for the settings to say."""
    parser.add_argument(name, action=argparse.BooleanOptionalAction, default=None)


def _run_words(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR")
    add("--yes", action="store_true")
    add("--jobs", type=int, default=None, metavar="N")
    add("-p", "--parameter", action="append", default=[], metavar="NAME=VALUE")
    add("--parameters", type=Path, metavar="FILE")
    add("--force", action="store_true")
    add("--dry-run", action="store_true")
    for name in ("--code", "--standalone", "--deals"):
        _switch(parser, name)
    _ending_words(parser)


def _ending_words(parser: argparse.ArgumentParser) -> None:
    """Options about how long a run may take, and what it says at its end."""
    add = parser.add_argument
    _switch(parser, "--digest")
    add("--fail-on", nargs="+", action="extend", default=[], metavar="RULE")
    add("--timeout", type=float, metavar="SECONDS")
    add("--report-timeout", type=float, metavar="SECONDS")
    add("--retries", type=int, default=None, metavar="N")
    add("--dask", default="", metavar="ADDRESS")


def _playbook_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="", metavar="NAME")
    _language(parser)
    parser.add_argument("--out", type=Path, default=None, metavar="FILE")


def _course_words(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR")
    _language(parser)
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument(
        "--for",
        dest="audience",
        choices=("learner", "trainer"),
        default="learner",
    )
    parser.add_argument("--learner", default="", metavar="NAME")
    parser.add_argument("--floor", type=int, default=1, metavar="N")
    parser.add_argument("--check", action="store_true")


def _import_words(parser: argparse.ArgumentParser) -> None:
    _data_words(parser)
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument("--force", action="store_true")
    _language(parser)


# ---- the commands -----------------------------------------------------------------------------------------


def _data(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the data that were named, or what the settings in this folder name."""
    from funnelnb.data.contract.settings import FILE_NAME

    if given.data:
        from funnelnb.data.read.database import concealed, is_database

        return tuple(concealed(one) if is_database(one) else one for one in given.data)
    if Path(FILE_NAME).is_file():
        return (FILE_NAME,)
    raise ParameterError(
        "no data named",
        expected=f"a folder or files of a CRM export, or a {FILE_NAME} in this folder",
        hint="funnelnb report DATA --by region; or begin with `funnelnb new DIR`",
    )


def _report(given: argparse.Namespace) -> int:
    from funnelnb.batch.notebooks import read_file, split
    from funnelnb.batch.run import Progress, failure_line, printable, request_of, run, steps
    from funnelnb.show.text.words import words

    parameters = {**(read_file(given.parameters) if given.parameters else {}), **split(given.parameter)}
    data = _data(given)
    request, more = request_of({
        "data": data, "by": given.by, "whole": given.whole, "mapping": _agreed(given, data),
        "playbook": given.playbook, "as_of": given.as_of, "lang": given.lang, "notebooks": tuple(given.notebook),
        "only": tuple(given.only), "parameters": parameters, "out": given.out, "jobs": given.jobs,
        "force": given.force, "code": given.code, "standalone": given.standalone, "deals": given.deals,
        "cell_timeout_s": given.timeout,
        "longest_s": given.report_timeout, "retries": given.retries,
    })  # fmt: skip
    fail_on = _rules("--fail-on", given.fail_on) or _rules("[report] fail_on =", more.get("fail_on", []))
    if given.dry_run:
        return _print_steps(given, steps(request))
    with _cluster(given.dask or more.get("dask", "")) as executor:
        summary = run(request, Progress(lang=given.shell_lang), executor=executor, fail_on=fail_on)
    total = len(summary.made) + len(summary.kept)
    index = summary.index
    if index.is_relative_to(Path.cwd()):  # a log need not tell where and by whom it was written
        index = index.relative_to(Path.cwd())
    print(_say(given, "ready", total_n=total, kept_n=len(summary.kept), index=str(index)))
    for name, failure in summary.failed.items():
        why = failure_line(failure, words(given.shell_lang))
        print(_say(given, "failed", name=printable(name), why=printable(why)))
        for line in failure.message.splitlines()[1:]:
            print(f"    {printable(line)}")
    for name in () if summary.stopped else summary.missing:
        print(_say(given, "missing", name=printable(name)))
    if more.get("digest") if given.digest is None else given.digest:
        print(f"\n{summary.digest}", end="")
    for line in summary.alarms:
        print(_say(given, "alarm", line=printable(line)), file=sys.stderr)
    if summary.stopped:
        print(_say(given, "go_on"), file=sys.stderr)
    codes = {"ok": OK, "failed": FOUND, "killed": KILLED, "stopped": STOPPED, "alarm": ALARM}
    return codes[summary.outcome]


def _offer_consent(given: argparse.Namespace) -> None:
    """Say that ``--yes`` agrees to what is proposed, where that makes the data usable."""
    from funnelnb.batch.intake import consent_helps
    from funnelnb.show.text.words import words

    said = {"mapping": str(given.mapping), "playbook": given.playbook, "as_of": given.as_of or None}
    if given.yes or not _settings_can_be_read(given):
        return
    if consent_helps(_data(given), **said):
        print(words(given.shell_lang).get("exports.or_agree"), file=sys.stderr)


def _settings_can_be_read(given: argparse.Namespace) -> bool:
    """Return whether the settings are in order: where they are not, agreeing to anything else is no help."""
    from funnelnb.batch.plan import Request
    from funnelnb.batch.run import settings_of

    try:
        settings_of(Request(data=_data(given), mapping=str(given.mapping or "")))
    except FunnelError:
        return False
    return True


def _agreed(given: argparse.Namespace, data: tuple[str, ...]) -> str:
    """Return the settings file that was named, or with ``--yes`` one that agrees to what is proposed."""
    if not given.yes:
        return str(given.mapping)
    from funnelnb.batch.intake import agree

    out = given.out or Path("reports")
    return agree(data, out, mapping=given.mapping, playbook=given.playbook, lang=given.lang or "en")


def _rules(place: str, named: Sequence[str]) -> tuple[str, ...]:
    from funnelnb.batch.digest import RULES

    rules = [one for text in named for one in text.split(",") if one]
    for one in rules:
        if one not in RULES:
            raise ParameterError(
                f"{place} {one!r}", expected="one of " + ", ".join(RULES), hint=nearest(one, RULES)
            )
    return tuple(rules)


def _print_steps(given: argparse.Namespace, plan: Sequence[Any]) -> int:
    """Print the plan of a dry run: each report, and why it would be made."""
    width = max((len(one.file) for one in plan), default=0)
    for one in plan:
        what, why = ("make", one.reason) if one.reason else ("keep", "good")
        print(f"{_say(given, what)}  {one.file:{width}}  {_say(given, f'reasons.{why}')}")
    made = sum(bool(one.reason) for one in plan)
    print(_say(given, "would_make", made_n=made, total_n=len(plan)))
    return OK


@contextlib.contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Connect to a Dask cluster; None where none was named."""
    if not address:
        yield None
        return
    try:
        from distributed import Client  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise MissingExtraError.for_package("distributed", "dask") from None
    try:
        client = Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ParameterError(
            f"--dask {address}: {str(error).splitlines()[0]}",
            expected="the address of a running scheduler, such as tcp://host:8786",
        ) from None
    with client:
        yield client.get_executor()


def _schedule(given: argparse.Namespace) -> int:
    import shlex

    name = {"cron": "cron.txt", "systemd": "systemd.txt", "github": "github.yml"}[given.kind]
    text = (Path(__file__).parent / "batch" / "schedule" / name).read_text(encoding="utf-8")
    command = shlex.join([*_program(), "report", *(given.passed or ["/path/to/export", "--by", "region"])])
    plain = shlex.join(["funnelnb", "report", *(given.passed or ["export", "--by", "region"])])
    for mark, value in {"@COMMAND@": command, "@PLAIN@": plain, "@FOLDER@": str(Path.cwd())}.items():
        text = text.replace(mark, value.replace("%", "\\%") if given.kind == "cron" else value)
    print(text, end="")
    return OK


def _program() -> list[str]:
    """Return how this command is called by a scheduler that does not know our PATH."""
    if Path(sys.argv[0]).name == "funnelnb":
        found = shutil.which(sys.argv[0])
        if found:
            return [str(Path(found).absolute())]
    return [sys.executable, "-m", "funnelnb"]


def _warm(given: argparse.Namespace) -> int:
    import subprocess

    from funnelnb.batch import forkserver

    if not given.passed:
        raise ParameterError("no command", expected="funnelnb warm -- COMMAND …")
    with forkserver.started() as server:
        environment = {**os.environ, forkserver.ADDRESS: server.address if server is not None else ""}
        try:
            return subprocess.run(given.passed, env=environment, check=False).returncode  # noqa: S603 - as asked
        except OSError as error:
            raise ParameterError(
                f"{given.passed[0]} cannot be run: {error.strerror}", expected="a command that can be run"
            ) from None


def _proposal(given: argparse.Namespace, data: tuple[str, ...]) -> Any:
    from funnelnb.data.propose import propose

    return propose(
        data[0] if len(data) == 1 else list(data),
        mapping=given.mapping or None,
        playbook=given.playbook or None,
    )


def _import(given: argparse.Namespace) -> int:
    import tempfile

    from funnelnb.batch.intake import take_in
    from funnelnb.data.read.files import sampled
    from funnelnb.show.pages.proposal import proposal_text
    from funnelnb.show.text.words import words

    data = _data(given)
    with tempfile.TemporaryDirectory() as room, sampled(Path(room)) as large:
        proposal = _proposal(given, data)
    for one in large:
        print(words(given.lang).say("parts.large", file=one.name, size_n=one.stat().st_size // 10**6) + "\n")
    print(proposal_text(proposal, given.lang))
    return take_in(
        data,
        proposal,
        out=given.out,
        agreed=given.yes,
        force=given.force,
        lang=given.lang,
        as_of=given.as_of or None,
        large=bool(large),
    )


def _snapshot(given: argparse.Namespace) -> int:
    from funnelnb.analysis.forecast.snapshots import snapshots
    from funnelnb.data.load import load
    from funnelnb.show.text.words import words

    data = _data(given)
    store = snapshots(given.store)
    book = load(
        data[0] if len(data) == 1 else list(data),
        mapping=given.mapping or None,
        playbook=given.playbook or None,
        as_of=given.as_of or None,
    )
    kept = store.append(book, anew=given.anew)
    facts = {
        "day": kept.day,
        "deals_n": kept.deals_n,
        "snapshots_n": kept.snapshots_n,
        "store": str(store.path),
    }
    print(words(given.lang).say(f"snapshot.{kept.state}", **facts))
    return OK


def _clean(given: argparse.Namespace) -> int:
    from funnelnb.batch.tidy_up import tidy_up, undone

    if given.undo:
        print(undone(_data(given), out=given.out, force=given.force, lang=given.lang))
        return OK
    asked = {
        name: getattr(given, name) for name in ("mapping", "playbook", "out", "changes", "force", "lang")
    }
    print(tidy_up(_data(given), **asked))
    return OK


def _check(given: argparse.Namespace) -> int:
    from funnelnb.data.read.files import read_once

    data = _data(given)
    with read_once():
        return _checked(given, data)


def _checked(given: argparse.Namespace, data: tuple[str, ...]) -> int:
    """Do what ``funnelnb check`` is asked for; each file is read once."""
    from funnelnb.data.check import check_data

    if given.harm or given.html or given.json:
        return _harm(given, data)
    if given.write_settings is not None or not _described(given, data):
        return _look(given, data)
    report = check_data(
        data[0] if len(data) == 1 else list(data),
        mapping=given.mapping or None,
        playbook=given.playbook or None,
        as_of=given.as_of or None,
    )
    print(report.text(given.lang, width=_terminal_width()))
    return _tried(given, data) if report.ok else FOUND


def _harm(given: argparse.Namespace, data: tuple[str, ...]) -> int:
    from funnelnb.batch.harm_report import harm_of, write_harm

    result = harm_of(data, mapping=given.mapping, playbook=given.playbook, as_of=given.as_of)
    print(f"{result.finding(given.lang)}\n\n{result.text(given.lang, width=_terminal_width())}")
    write_harm(result, html=given.html, into=given.json, lang=given.lang)
    return ALARM if result.broken_n else OK


def _described(given: argparse.Namespace, data: tuple[str, ...]) -> bool:
    """Whether somebody has said what the data are: a stage model, or settings."""
    from funnelnb.data.recognise.sources import gather

    if given.playbook or given.mapping:
        return True
    return bool(gather(data[0] if len(data) == 1 else list(data)).settings.playbook)


def _look(given: argparse.Namespace, data: tuple[str, ...]) -> int:
    """Show what an export that nobody described seems to hold, then check it as proposed."""
    from funnelnb.batch.intake import write_settings
    from funnelnb.data.check import check_data
    from funnelnb.show.pages.proposal import proposal_text

    proposal = _proposal(given, data)
    print(proposal_text(proposal, given.lang))
    report = check_data(
        data[0] if len(data) == 1 else list(data), mapping=proposal, playbook=given.playbook or None,
        as_of=given.as_of or None,
    )  # fmt: skip
    print()
    print(report.text(given.lang, width=_terminal_width()))
    if given.write_settings is not None:
        where = Path(given.write_settings) if given.write_settings else None
        print(write_settings(proposal, data, where=where, force=given.force, lang=given.lang))
    return OK if report.ok and proposal.sure else FOUND


def _tried(given: argparse.Namespace, data: tuple[str, ...]) -> int:
    """Say what would stop a report, and which sections it would leave out."""
    from funnelnb.batch.opened import load
    from funnelnb.batch.plan import Request, tried
    from funnelnb.show.text.errors import error_text
    from funnelnb.show.text.words import words

    say = words(given.lang)
    request = Request(data=data, mapping=given.mapping, playbook=given.playbook, as_of=given.as_of)
    refused, lacking = tried(load(request))
    for title, found in (("check.would_stop", refused), ("check.left_out", lacking)):
        if found:
            print(f"\n{say.get(title)}")
        for error in found:
            print("- " + error_text(str(error), say).replace("\n", "\n  "))
    return FOUND if refused else OK


def _terminal_width() -> int:
    """Return how many columns to fill: those of the terminal, but 80 at least and 100 at most."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 80), 100)


def _lab(given: argparse.Namespace) -> int:
    from funnelnb.batch import workfolder

    folder = workfolder.to_open(Path(given.folder) if given.folder else None)
    from jupyterlab.labapp import LabApp

    first = workfolder.first_notebook(folder)
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{quote(first)}" if first else "--LabApp.default_url=/lab",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.news_url=None",  # nothing is asked about a host outside
    ]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(workfolder.config_path())
    arguments += ["--no-browser"] if given.no_browser else []
    arguments += [f"--port={given.port}"] if given.port else []
    LabApp.launch_instance(argv=[*arguments, *given.more])
    return OK


def _new(given: argparse.Namespace) -> int:
    from funnelnb.batch import workfolder

    folder = workfolder.make(Path(given.folder), given.lang)
    print(_say(given, "new", folder=str(folder), name=given.folder))
    return OK


def _course(given: argparse.Namespace) -> int:
    from funnelnb.teach import course

    if not given.check:
        folder = course.write(
            given.folder, lang=given.lang, seed=given.seed, audience=given.audience, learner=given.learner,
            floor=given.floor,
        )  # fmt: skip
        print(_say(given, "course", folder=str(folder), name=given.folder))
        return OK
    wrong = course.broken(given.folder)
    print("\n".join(wrong) or _say(given, "course_good"))
    return FOUND if wrong else OK


def _course_results(given: argparse.Namespace) -> int:
    from funnelnb.teach import course
    from funnelnb.teach.keep import write_text

    table, finished = course.results(given.folders), course.games(given.folders)
    print(table.to_string(index=False) if len(table) else _say(given, "no_answers"))
    for one in (course.hardest(table), finished):
        if len(one):
            print()
            print(one.to_string(index=False))
    for file, frame in ((given.out, table), (given.games, finished)):
        if file:
            write_text(file, frame.to_csv(index=False))
    if given.page:
        write_text(given.page, course.page(table, finished, given.lang))
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
    from funnelnb.batch import notebooks
    from funnelnb.batch.plan import OPTIONS

    for notebook in notebooks.notebooks(given.lang):
        print(f"{notebook.name}: {notebook.title}")
        for one in notebook.parameters.values():
            option = f"  [{OPTIONS[one.name]}]" if one.name in OPTIONS else ""
            print(f"    {one.name}: {one.type} = {one.default!r}  {one.help}{option}")
    return OK


_COMMANDS: dict[
    str, tuple[Callable[[argparse.Namespace], int], Callable[[argparse.ArgumentParser], None]]
] = {
    "new": (_new, _new_words),
    "lab": (_lab, _lab_words),
    "check": (_check, _check_words),
    "import": (_import, _import_words),
    "clean": (_clean, _clean_words),
    "report": (_report, _report_words),
    "snapshot": (_snapshot, _snapshot_words),
    "schedule": (_schedule, _schedule_words),
    "warm": (_warm, _language),
    "playbooks": (_playbooks, _playbook_words),
    "course": (_course, _course_words),
    "course-results": (_course_results, _class_words),
    "list": (_list, _language),
}
"""Each command with what runs it and what it may be told; their words: ``help`` in ``show/lang/help.*.toml``."""
