"""The per-region run from request to pages: what is finished is kept, what fails leaves the others whole."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from funnelnb import __version__
from funnelnb.batch import folder, forkserver, listing, manifest, pages, plan
from funnelnb.batch.manifest import Entry
from funnelnb.core.errors import FunnelError, ParameterError
from funnelnb.data.contract.settings import FILE_NAME, Settings, read_settings

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from funnelnb.batch.execute import Run
    from funnelnb.batch.folder import Folder
    from funnelnb.batch.forkserver import Server
    from funnelnb.batch.pages import Headlines
    from funnelnb.batch.plan import Job, Plan, Request


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
        Values whose reports were made now, and those that were still good.
    failed : Mapping of str to str
        Value to why its report failed.
    stopped : bool
        True when the run was stopped before all was made.
    """

    index: Path
    made: tuple[str, ...]
    kept: tuple[str, ...]
    failed: dict[str, str]
    stopped: bool


def run(request: Request, tell: Tell) -> Summary:
    """Make the reports that were asked for.

    Parameters
    ----------
    request : Request
    tell : Tell
        Hears of each finished report.

    Returns
    -------
    Summary

    Raises
    ------
    FunnelError
        Before anything is made: a wrong parameter, data that cannot be used, an output folder that cannot be
        written to. In the middle: the output folder is full; reports made until then are whole.
    """
    settings = settings_of(request)
    by = _canonical(request.by or settings.by, settings)
    request = replace(request, by=by, lang=request.lang or settings.language)
    if not request.by:
        raise ParameterError(
            "no attribute to split the reports by", expected='--by region, or by = "region" in the settings'
        )
    checked = plan.check_request(request)
    with folder.opened(request.out) as out, contextlib.ExitStack() as ends:
        # a server warms up while the data are read, unless all may be finished already
        early = request.force or not manifest.read(out)
        server = ends.enter_context(forkserver.started()) if early else None
        book = _load(request)
        whole = plan.make(checked, book, request.by, settings.horizon_days)
        work = _Work(request, whole, out, repr(settings))
        out.room_for(len(work.to_do))
        if work.to_do and not early:
            server = ends.enter_context(forkserver.started())
        return work.run(tell, server)


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


def _load(request: Request) -> Any:
    from funnelnb.data.load import load

    source: Any = request.data[0] if len(request.data) == 1 else list(request.data)
    return load(
        source,
        mapping=request.mapping or None,
        playbook=request.playbook or None,
        as_of=request.as_of or None,
    )


class _Work:
    """One run: which reports are good already, which are to be made, what became of them."""

    def __init__(self, request: Request, whole: Plan, out: Folder, settings: str) -> None:
        self.request = request
        self.out = out
        self.before = manifest.read(out)
        self.keys = {job.stem: manifest.key_of(_facts(whole, job, settings)) for job in whole.jobs}
        good = {job.stem for job in whole.jobs if self._good(job)}
        self.plan = replace(whole, jobs=tuple(job for job in whole.jobs if job.wanted or job.stem in good))
        self.to_do = [job for job in self.plan.jobs if job.stem not in good or (request.force and job.wanted)]
        redone = {job.stem for job in self.to_do}
        self.kept = [job for job in self.plan.jobs if job.stem not in redone]
        self.entries = {job.stem: self.before[job.stem] for job in self.kept}
        out.strangers(name for job in self.plan.jobs for name in _files(job))

    def _good(self, job: Job) -> bool:
        entry = self.before.get(job.stem)
        return manifest.is_good(entry, self.keys[job.stem], self.out)

    def run(self, tell: Tell, server: Server | None) -> Summary:
        figures = pages.headlines(self.plan)
        self._refresh(figures)
        stopped = False
        if self.to_do:
            tell.begin(len(self.to_do), len(self.kept))
            try:
                stopped = self._execute(figures, tell, server)
            except FunnelError:
                with contextlib.suppress(FunnelError):  # the folder is full: the first message is the one
                    self._remember()
                raise
            finally:
                tell.end()
        self._remember()
        self.out.write(folder.INDEX, listing.render(self.plan, self.entries, figures))
        return self._summary(stopped)

    def _execute(self, figures: Headlines, tell: Tell, server: Server | None) -> bool:
        """Run what is to be done; return whether the run was stopped."""
        from funnelnb.batch.execute import Stopped, Task, execute

        tasks = [Task(notebook=job.notebook, parameters=job.parameters) for job in self.to_do]

        def done(place: int, run: Run) -> None:
            job = self.to_do[place]
            self._keep(job, run, figures)
            tell.done(job.value, self.entries[job.stem])

        timeout = self.request.cell_timeout_s
        try:
            execute(tasks, done, workers=self.request.jobs, cell_timeout_s=timeout, server=server)
        except Stopped:
            return True
        return False

    def _keep(self, job: Job, run: Run, figures: Headlines) -> None:
        """Write notebook and page of one report, and remember them."""
        import nbformat

        run.node.metadata["funnelnb"] = {"version": __version__, "key": self.keys[job.stem]}
        page = pages.report(self.plan, job, run.node, figures, run.failure, code=self.request.code)
        name = f"{job.stem}.ipynb"
        text = nbformat.writes(run.node) + "\n"
        self.out.write(name, text)
        self.out.write(f"{job.stem}.html", page)
        self.entries[job.stem] = Entry(
            stem=job.stem,
            key=self.keys[job.stem],
            status="failed" if run.failure else "ok",
            seconds=round(run.seconds, 3),
            parameters=dict(job.parameters),
            notebook=job.notebook.name,
            value=job.value,
            failure=run.failure,
            files={name: manifest.hash_of(text.encode())},
        )
        self._remember()

    def _refresh(self, figures: Headlines) -> None:
        """Write the pages of finished notebooks again where their frame has changed; nothing is executed."""
        for job in self.kept:
            page = pages.report(self.plan, job, self._node(job), figures, None, code=self.request.code)
            if self.out.read(f"{job.stem}.html") != page.encode():
                self.out.write(f"{job.stem}.html", page)

    def _node(self, job: Job) -> NotebookNode:
        import nbformat

        return nbformat.reads((self.out.read(f"{job.stem}.ipynb") or b"").decode(), as_version=4)

    def _remember(self) -> None:
        book = self.plan.book
        facts = {
            "data": book.fingerprint,
            "as_of": str(book.as_of),
            "by": self.plan.by,
            "lang": self.plan.lang,
        }
        manifest.write(self.out, {**self.before, **self.entries}.values(), facts)

    def _summary(self, stopped: bool) -> Summary:
        redone = [job for job in self.to_do if job.stem in self.entries]
        failures = {job.value: self.entries[job.stem].failure for job in redone}
        return Summary(
            index=self.out.path / folder.INDEX,
            made=tuple(job.value for job in redone if not self.entries[job.stem].failure),
            kept=tuple(job.value for job in self.kept),
            failed={value: one.line() for value, one in failures.items() if one},
            stopped=stopped,
        )


def _files(job: Job) -> tuple[str, str]:
    return f"{job.stem}.html", f"{job.stem}.ipynb"


def _facts(whole: Plan, job: Job, settings: str) -> dict[str, Any]:
    """Return everything that an executed notebook depends on, besides the package's code."""
    book = whole.book
    return {
        "data": book.fingerprint,
        "book": [book.name, repr(book.notes), repr(book.playbook)],
        "settings": settings,
        "notebook": job.notebook.fingerprint,
        "parameters": dict(job.parameters),
    }
