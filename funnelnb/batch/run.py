"""The run from request to pages: what is finished is kept, what fails leaves the others whole, nothing is hidden.

Longer than most modules: one run, from what is finished already to its summary, is read together.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TextIO

from funnelnb.batch import digest, folder, forkserver, index, lists, manifest, pages, plan, workers
from funnelnb.batch.manifest import Entry, Failure
from funnelnb.batch.opened import opened
from funnelnb.core.errors import FunnelError
from funnelnb.core.options import options
from funnelnb.data.contract.settings import FILE_NAME, Settings, read_settings
from funnelnb.data.prepared import prepare
from funnelnb.show.text.errors import error_text
from funnelnb.show.text.words import told_of, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from funnelnb.batch import body
    from funnelnb.batch.folder import Folder
    from funnelnb.batch.pages import Headlines
    from funnelnb.batch.plan import Job, Plan, Request
    from funnelnb.show.text.words import Words

Outcome = Literal["ok", "failed", "killed", "stopped", "alarm"]

LOST = ("WorkerLostError", "KilledWorker", "BrokenProcessPool", "CommClosedError", "BrokenThreadPool")
"""Errors of executors that say nothing of the report: the process that made it is gone."""


class Tell(Protocol):
    """How the run tells of its progress."""

    def begin(self, to_do_n: int, finished_n: int) -> None: ...  # noqa: D102
    def done(self, name: str, entry: Entry) -> None: ...  # noqa: D102
    def end(self) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What came of a run.

    Attributes
    ----------
    index : pathlib.Path
        The page that lists all reports.
    made, kept : tuple of str
        Reports made now, and those that were still good, by name.
    failed : Mapping of str to Failure
        Report to why it failed.
    missing : tuple of str
        Reports that were asked for and are not there.
    stopped : bool
        True when the run was stopped before all was made.
    digest : str
        What changed since the last run, as Markdown.
    alarms : tuple of str
        Rules of ``--fail-on`` that were broken, in words.
    """

    index: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    failed: Mapping[str, Failure]
    missing: tuple[str, ...] = ()
    stopped: bool = False
    digest: str = ""
    alarms: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """How the run ended, the worst first; ``"ok"`` only when every report asked for is there and whole."""
        if self.stopped:
            return "stopped"
        kinds = {one.kind for one in self.failed.values()}
        if "notebook" in kinds:
            return "failed"
        if kinds or self.missing:
            return "killed"
        return "alarm" if self.alarms else "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the plan: a report, and whether and why it would be made.

    Attributes
    ----------
    name, file : str
    reason : str
        Empty: it is still good. Else a code of :func:`funnelnb.batch.manifest.why`, or ``"force"``.
    """

    name: str
    file: str
    reason: str


def run(
    request: Request,
    tell: Tell,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    fail_on: tuple[str, ...] = (),
) -> Summary:
    """Make the reports that were asked for.

    Parameters
    ----------
    request : Request
    tell : Tell
        Hears of each finished report.
    executor : Executor or callable, optional
        Where reports are made: any ``concurrent.futures`` executor, such as a Dask client's
        (``client.get_executor()``), or a function that makes one and is called again when it breaks. None: processes
        of this machine.
    fail_on : tuple of str
        Rules of :data:`funnelnb.batch.digest.RULES` that make the run end as an alarm.

    Returns
    -------
    Summary

    Raises
    ------
    FunnelError
        Before anything is made: a wrong parameter, data that cannot be used, an output folder that cannot be
        written to. In the middle: the output folder is full; reports made until then are whole.
    """
    request, settings, checked = _checked(request)
    with contextlib.ExitStack() as ends:
        out = ends.enter_context(folder.opened(request.out))
        scratch = ends.enter_context(folder.scratch())
        clears = (scratch, out.scratch)
        # a server warms up while the data are read, unless all may be finished already
        early = executor is None and (request.force or not manifest.read(out).entries)
        server = ends.enter_context(forkserver.started(clears)) if early else None
        ready = []
        if early:
            jobs = request.jobs or workers.advised_n(request.data)
            ready.append(workers.local(jobs, server, scratch, request.longest_s, early=True))
            ends.callback(_sent_home, ready[0])
        book, horizon = opened(request, checked, settings.horizon_days)
        whole = plan.make(checked, book, horizon)
        work = _Work(request, whole, out, settings)
        out.room_for(len(work.to_do))
        if work.to_do and executor is None and not early:
            server = ends.enter_context(forkserver.started(clears))
        jobs = min(request.jobs or workers.advised_n(request.data), max(len(work.to_do), 1))
        if work.to_do and executor is None:
            prepare(book, scratch, plan.asked(request))

        def own() -> Executor:
            return ready.pop() if ready else workers.local(jobs, server, scratch, request.longest_s)

        make = _executors(executor, own)
        return work.run(tell, make, fail_on, ours=not isinstance(executor, Executor))


def steps(request: Request) -> list[Step]:
    """Return what a run would do and why, without doing it."""
    request, settings, checked = _checked(request)
    whole = plan.make(checked, *opened(request, checked, settings.horizon_days))
    work = _Work(request, whole, folder.Folder(request.out.absolute(), request.out), settings)
    return [
        Step(name=work.name(job), file=f"{job.stem}.html", reason=work.reasons[job.stem])
        for job in whole.jobs
        if job.wanted
    ]


def _checked(request: Request) -> tuple[Request, Settings, plan.Checked]:
    settings = settings_of(request)
    by = "" if request.whole and not request.by else request.by or settings.by
    by = ",".join(_canonical(one.strip(), settings) for one in by.split(","))
    request = replace(request, by=by, lang=request.lang or settings.language)
    return request, settings, plan.check_request(request)


def request_of(given: Mapping[str, Any]) -> tuple[Request, Mapping[str, Any]]:
    """Turn what the command line gives into a request; the table ``[report]`` of the settings fills what it leaves.

    Parameters
    ----------
    given : Mapping
        Fields of :class:`funnelnb.batch.plan.Request`; None and empty mean not given, but 0 and False are given.

    Returns
    -------
    tuple of Request and Mapping
        The request, and the settings' other keys: ``fail_on``, ``dask``, ``digest``.
    """
    data, mapping = tuple(given["data"]), given.get("mapping") or ""
    said = dict(settings_of(plan.Request(data=data, mapping=mapping)).report)
    rest: dict[str, Any] = {name: said.pop(name) for name in ("fail_on", "dask", "digest") if name in said}
    values: dict[str, Any] = {_FIELDS.get(name, name): one for name, one in said.items()}
    for name in ("notebooks", "only"):
        if name in values:
            values[name] = tuple([values[name]] if isinstance(values[name], str) else values[name])
    if isinstance(values.get("by"), list):
        values["by"] = ",".join(values["by"])
    if "out" in values:
        values["out"] = Path(values["out"])
    asked = {name: one for name, one in given.items() if not (one is None or one in ("", (), {}))}
    parameters = {**values.pop("parameters", {}), **asked.pop("parameters", {})}
    values["by_set"] = "by" in values and "by" not in asked
    return plan.Request(**{**values, **asked, "data": data, "parameters": parameters}), rest


_FIELDS = {"timeout": "cell_timeout_s", "report_timeout": "longest_s"}


def settings_of(request: Request) -> Settings:
    """Return the settings that go with the data: the mapping file, or the ``funnelnb.toml`` beside them."""
    if request.mapping:
        return read_settings(request.mapping)
    first = Path(request.data[0])
    if first.suffix.lower() == ".toml":
        return read_settings(first)
    beside = (first if first.is_dir() else first.parent) / FILE_NAME
    return read_settings(beside) if beside.is_file() else Settings()


def _canonical(by: str, settings: Settings) -> str:
    """Return the attribute that the mapping makes of a column of the source, or `by` as it is."""
    deals = settings.table("opportunities")
    named = [deals.columns, deals.attributes, *(join.columns for join in deals.joins)]
    return next((name for columns in named for name, source in columns.items() if source == by), by)


# ---- the work ---------------------------------------------------------------------------------------------


class _Work:
    """One run: which reports are good already, which are to be made, what became of them."""

    def __init__(self, request: Request, whole: Plan, out: Folder, settings: Settings) -> None:
        self.request, self.out = request, out
        self.record = manifest.read(out)
        self.sources = manifest.sources_of(whole, settings, lists.asked(request))
        before = self.record.entries
        self.reasons = {
            job.stem: manifest.why(before.get(job.stem), self.sources[job.stem], out) for job in whole.jobs
        }
        self.plan = replace(
            whole, jobs=tuple(job for job in whole.jobs if job.wanted or not self.reasons[job.stem])
        )
        if request.force:
            self.reasons |= {job.stem: self.reasons[job.stem] or "force" for job in whole.jobs if job.wanted}
        self.to_do = self._longest_first([job for job in self.plan.jobs if self.reasons[job.stem]])
        redone = {job.stem for job in self.to_do}
        self.kept = [job for job in self.plan.jobs if job.stem not in redone]
        self.entries = {job.stem: before[job.stem] for job in self.kept}
        self.told: dict[str, Mapping[str, Any]] = {}
        self.several = len({job.notebook.name for job in whole.jobs}) > 1, len(whole.splits) > 1
        out.strangers(name for job in self.plan.jobs for name in _files(job))

    def name(self, job: Job) -> str:
        """Return what messages call a report."""
        notebook, attribute = self.several
        called = f"{job.by} {job.value}" if attribute and job.by else job.value or folder.WHOLE
        return f"{called} · {job.notebook.name}" if notebook else called

    def _longest_first(self, jobs: list[Job]) -> list[Job]:
        """Return `jobs` in an order in which the last ones are short, so that all workers end together."""
        known = [one for one in self.record.entries.values() if one.seconds]
        seconds = {one.stem: one.seconds for one in known}
        usual: dict[str, float] = {}
        for name in {one.notebook for one in known}:
            took = [one.seconds for one in known if one.notebook == name]
            usual[name] = sum(took) / len(took)
        return sorted(
            jobs, key=lambda job: -seconds.get(job.stem, usual.get(job.notebook.name, 0.0)), reverse=False
        )

    def run(
        self, tell: Tell, make: Callable[[], Executor], fail_on: tuple[str, ...], *, ours: bool = True
    ) -> Summary:
        """Make what is to be made, then write what all reports share."""
        stopped = False
        lines = _Lines(self, make, ours)
        try:
            lines.begin()
            figures, facts = lines.figures()
            lines.ask_pictures(figures)
            self._refresh(figures)
            if self.to_do:
                tell.begin(len(self.to_do), len(self.kept))
                stopped = lines.follow(tell, figures)
            pictures = {} if stopped else lines.pictures()
        except FunnelError:
            with contextlib.suppress(FunnelError):  # the folder is full: the first message is the one
                self._remember()
            raise
        finally:
            lines.end()
            tell.end()
        with told_of(self.plan.subject):
            told = digest.compare(self._earlier(facts), facts, self.plan)
        self._remember(facts)
        before = self._earlier(facts)
        with told_of(self.plan.subject):
            page = index.index(
                self.plan, self.entries, figures, told=self.told, before=before, now=facts, pictures=pictures
            )
        self.out.write(folder.INDEX, page)
        return self._summary(stopped, told, fail_on)

    def _earlier(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the figures of the last run on other data."""
        same = self.record.figures.get("data") == facts["data"]
        return self.record.before if same else self.record.figures

    def keep(self, job: Job, done: workers.Done, figures: Headlines) -> None:
        """Write notebook and page of one report, and remember them."""
        name = f"{job.stem}.ipynb"
        self.told[job.stem] = done.inside.brief.get("facts", {})
        self.out.write(name, done.notebook)
        self.out.write(f"{job.stem}.html", self._page(job, done.inside, figures, done.failure))
        self._write_deals(job, done.inside)
        self._enter(job, done.seconds, done.failure, {name: manifest.hash_of(done.notebook.encode())})

    def lose(self, job: Job, error: BaseException, figures: Headlines) -> None:
        """Write the page of a report whose process was killed."""
        from funnelnb.batch.body import NOTHING, Body

        inside = Body(title="", html=NOTHING, sections=())
        gone = type(error).__name__ in LOST or isinstance(error, BrokenExecutor)
        failure = Failure(
            error="WorkerLostError" if gone else type(error).__name__,
            message=str(error) or "the process that made the report was killed",
            kind="killed",
        )
        self.out.write(f"{job.stem}.html", self._page(job, inside, figures, failure))
        self._enter(job, 0.0, failure, {})

    def _page(self, job: Job, inside: Any, figures: Headlines, failure: Failure | None) -> str:
        with told_of(self.plan.subject):
            return pages.report(self.plan, job, inside, figures, failure, alone=self.request.standalone)

    def since(self, job: Job) -> Mapping[str, Any]:
        """Return what the last report of this kind, made from other data, had kept."""
        last = self.record.entries.get(job.stem)
        if last is None:
            return {}
        same = last.sources.get("data") == self.sources[job.stem]["data"]
        return last.since if same else last.kept

    def parameters(self, job: Job) -> Mapping[str, Any]:
        """Return what a notebook is given: what was asked for, and what the last report kept."""
        given = job.parameters
        if manifest.SINCE not in job.notebook.parameters or given.get(manifest.SINCE):
            return given
        return {**given, manifest.SINCE: dict(self.since(job))}

    def _enter(self, job: Job, seconds: float, failure: Failure | None, files: Mapping[str, str]) -> None:
        last = self.record.entries.get(job.stem)
        kept = self.told.get(job.stem, {}).get("kept", {})
        self.entries[job.stem] = Entry(
            stem=job.stem,
            status="failed" if failure else "ok",
            seconds=round(seconds, 3),
            sources=self.sources[job.stem],
            parameters=dict(job.shown),
            notebook=job.notebook.name,
            by=job.by,
            value=job.value,
            failure=failure,
            files=files,
            kept=last.kept if failure and last is not None else kept,
            since=self.since(job),
        )
        self._remember()

    def _refresh(self, figures: Headlines) -> None:
        """Write the pages of finished notebooks again where their frame has changed; nothing is executed."""
        import nbformat

        from funnelnb.batch import body

        labels = pages.labels_of(self.plan.lang)
        for job in self.kept:
            node = nbformat.reads((self.out.read(f"{job.stem}.ipynb") or b"").decode(), as_version=4)
            inside = body.render(node, code=self.request.code, labels=labels)
            self.told[job.stem] = inside.brief.get("facts", {})
            page = self._page(job, inside, figures, None)
            if self.out.read(f"{job.stem}.html") != page.encode():
                self.out.write(f"{job.stem}.html", page)
            self._write_deals(job, inside)

    def _write_deals(self, job: Job, inside: body.Body) -> None:
        """Write the deals behind the counts of a page beside it; take away what an earlier run left."""
        name = f"{job.stem}{lists.SUFFIX}"
        if not inside.lists.lists:
            self.out.remove(name)
            return
        with told_of(self.plan.subject):
            text = lists.as_csv(inside.lists, words(self.plan.lang))
        if self.out.read(name) != text.encode():
            self.out.write(name, text)

    def _remember(self, facts: Mapping[str, Any] | None = None) -> None:
        known = facts if facts is not None else self.record.figures
        about = {
            "name": self.plan.book.name,
            "as_of": str(self.plan.book.as_of),
            "by": [one.by for one in self.plan.splits],
            "lang": self.plan.lang,
            "figures": known,
            "before": self._earlier(facts) if facts is not None else self.record.before,
        }
        manifest.write(self.out, {**self.record.entries, **self.entries}.values(), about)

    def _summary(self, stopped: bool, told: digest.Digest, fail_on: tuple[str, ...]) -> Summary:
        entries = self.entries
        redone = [job for job in self.to_do if job.stem in entries]
        wanted = [job for job in self.plan.jobs if job.wanted]
        return Summary(
            index=self.out.path / folder.INDEX,
            made=tuple(self.name(job) for job in redone if not entries[job.stem].failure),
            kept=tuple(self.name(job) for job in self.kept),
            failed={self.name(job): found for job in wanted if (found := _failure_of(entries, job))},
            missing=tuple(self.name(job) for job in wanted if job.stem not in entries),
            stopped=stopped,
            digest=told.markdown,
            alarms=told.broken(fail_on),
        )


def _failure_of(entries: Mapping[str, Entry], job: Job) -> Failure | None:
    return entries[job.stem].failure if job.stem in entries else None


def _files(job: Job) -> tuple[str, str]:
    return f"{job.stem}.html", f"{job.stem}.ipynb"


# ---- following the work -----------------------------------------------------------------------------------


def _executors(
    given: Executor | Callable[[], Executor] | None, own: Callable[[], Executor]
) -> Callable[[], Executor]:
    if given is None:
        return own
    return (lambda: given) if isinstance(given, Executor) else given


@dataclass
class _Lines:
    """The jobs under way: handed to an executor, handed again when its process is killed, taken back at the end."""

    work: _Work
    make: Callable[[], Executor]
    ours: bool = True
    executor: Executor | None = None
    under_way: dict[Future[Any], Job] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    events: queue.SimpleQueue[Future[Any] | None] = field(default_factory=queue.SimpleQueue)
    drawn: dict[str, Future[str]] = field(default_factory=dict)
    asked: Future[tuple[Headlines, dict[str, Any]]] | None = None

    def begin(self) -> None:
        """Hand out all jobs, and before them the question for the figures that head their pages."""
        if self.work.to_do:
            self.executor = self.make()
            if isinstance(self.executor, workers.Workers):
                light = replace(self.work.plan, book=None, jobs=())  # type: ignore[arg-type]
                self.asked = self.executor.submit(
                    digest.asked_elsewhere, light, self.work.record.figures, plan.asked(self.work.request),
                    options().confidence_level, cycle=pages.tells_cycle(self.work.plan),
                )  # fmt: skip
            for job in self.work.to_do:
                self._hand(job)

    def _hand(self, job: Job) -> None:
        assert self.executor is not None  # noqa: S101 - for the type checker
        self.tries[job.stem] = self.tries.get(job.stem, -1) + 1
        future = self.executor.submit(workers.make, self._spelled(job))
        self.under_way[future] = job
        future.add_done_callback(self.events.put)

    def _spelled(self, job: Job) -> workers.Work:
        import nbformat

        asked = self.work.request
        return workers.Work(
            notebook=nbformat.writes(job.notebook.blank(whole=not job.by)),
            parameters=self.work.parameters(job),
            hidden=self.work.plan.hidden,
            folder=str(Path.cwd()),
            cell_timeout_s=asked.cell_timeout_s,
            longest_s=asked.longest_s,
            code=asked.code,
            labels=pages.labels_of(self.work.plan.lang),
            lists=lists.asked(asked),
        )

    def figures(self) -> tuple[Headlines, dict[str, Any]]:
        """Return the figures that head the pages, and those that the next run compares with."""
        if self.asked is not None:
            with contextlib.suppress(
                Exception
            ):  # its process was lost, or what it says is better said from here
                return self.asked.result()
        found = pages.headlines(self.work.plan, cycle=pages.tells_cycle(self.work.plan))
        return found, digest.figures(self.work.plan, found, self.work.record.figures)

    def ask_pictures(self, figures: Headlines) -> None:
        """Have the pictures of the index drawn after the reports, where drawing has begun already."""
        if self.executor is not None:
            whole = self.work.plan
            for by, found in figures.compared.items():
                self.drawn[by] = self.executor.submit(index.picture, found, whole.lang, whole.subject)

    def pictures(self) -> dict[str, str]:
        """Return the pictures of the index by attribute; one whose process was lost is left out."""
        found = {}
        for by, future in self.drawn.items():
            with contextlib.suppress(Exception):
                found[by] = future.result()
        return found

    def follow(self, tell: Tell, figures: Headlines) -> bool:
        """Write each report as it comes; return whether the run was stopped before all were there."""
        with _stopping(self.events):
            while self.under_way:
                future = self.events.get()
                if future is None:
                    return True
                job = self.under_way.pop(future, None)
                if job is not None:
                    self._take(job, future, figures, tell)
        return False

    def _take(self, job: Job, future: Future[Any], figures: Headlines, tell: Tell) -> None:
        try:
            done: workers.Done = future.result()
        except CancelledError as error:
            done_or_error: workers.Done | BaseException = error
        except Exception as error:
            done_or_error = error
        else:
            done_or_error = done
        lost = isinstance(done_or_error, BaseException) or (
            done_or_error.failure is not None and done_or_error.failure.kind == "killed"
        )
        if lost and self.tries[job.stem] < self.work.request.retries:
            self._again(job, done_or_error)
            return
        if isinstance(done_or_error, BaseException):
            self.work.lose(job, done_or_error, figures)
        else:
            self.work.keep(job, done_or_error, figures)
        tell.done(self.work.name(job), self.work.entries[job.stem])

    def _again(self, job: Job, error: Any) -> None:
        """Hand out a job again whose process was killed; a pool that broke as a whole is made anew."""
        if isinstance(error, BrokenExecutor):
            _sent_home(self.executor)
            self.executor = self.make()
            others = [*self.under_way.values()]
            self.under_way.clear()
            for one in others:
                self.tries[one.stem] -= 1  # not their fault
                self._hand(one)
        self._hand(job)

    def end(self) -> None:
        """Take back what is still under way."""
        for future in list(self.under_way):
            future.cancel()
        if self.ours:
            _sent_home(self.executor)


def _sent_home(executor: Executor | None) -> None:
    """End an executor at once, whatever its workers do."""
    if executor is not None:
        with contextlib.suppress(Exception):
            executor.shutdown(wait=False, cancel_futures=True)


@contextlib.contextmanager
def _stopping(events: queue.SimpleQueue[Any]) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into an event: the file being written is finished first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = {one: signal.signal(one, lambda *_: events.put(None)) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, before in asked.items():
            signal.signal(one, before)


# ---- progress: a bar on a terminal, few plain lines in a log --------------------------------------------------

_EACH_N = 20
"""Up to so many reports a log names each; of more only tenths and failures."""


def printable(text: str) -> str:
    """Return `text` without characters that steer a terminal, cut after 300: names come from data."""
    return "".join(one if one.isprintable() else "�" for one in text[:300])


def failure_line(failure: Failure, say: Words) -> str:
    """Return why a report failed, in one line and the language of who made it."""
    first = (error_text(failure.message, say).splitlines() or [""])[0]
    where = say.say("console.cell", cell=failure.cell, source=failure.source) if failure.cell else ""
    return f"{failure.error}: {first}{where}"


class Progress:
    """Tells of finished reports on `stream`; a bar with the time that remains where that is a terminal."""

    def __init__(self, stream: TextIO | None = None, lang: str = "en") -> None:
        self._say = words(lang)
        self.stream = sys.stderr if stream is None else stream
        self._bar: Any = None
        self._done_n = self._to_do_n = 0
        self._since = 0.0

    def begin(self, to_do_n: int, finished_n: int) -> None:
        """Say how many reports there are to make."""
        from tqdm import tqdm

        self._to_do_n, self._done_n, self._since = to_do_n, 0, time.monotonic()
        if finished_n:
            self._line(self._say.say("console.earlier", finished_n=finished_n))
        if self.stream.isatty():
            self._bar = tqdm(total=to_do_n, unit="report", file=self.stream, leave=False, dynamic_ncols=True)

    def done(self, name: str, entry: Entry) -> None:
        """Say that a report is finished, and how it went."""
        self._done_n += 1
        share = 10 * self._done_n // self._to_do_n
        quiet = self._bar is None and self._to_do_n > _EACH_N
        tenth = share > 10 * (self._done_n - 1) // self._to_do_n
        if not quiet or entry.failure is not None or tenth:
            left = "" if not quiet else "  " + self._say.say("console.to_go", time=self._left())
            how = self._say.get("console.ok" if entry.status == "ok" else "console.not_ok")
            line = f"[{self._done_n}/{self._to_do_n}] {printable(name)}  {how}"
            line += f"  {entry.seconds:.1f} s{left}"
            if entry.failure is not None:
                line += f"\n    {printable(failure_line(entry.failure, self._say))}"
            self._line(line)
        if self._bar is not None:
            self._bar.update()

    def _left(self) -> str:
        seconds = (time.monotonic() - self._since) / self._done_n * (self._to_do_n - self._done_n)
        return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=self.stream)
        else:
            print(line, file=self.stream, flush=True)
