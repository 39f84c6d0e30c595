"""One report's work as a value that any executor can carry, and the executor of our own.

:func:`make` is what every executor runs: a thread, a process pool, a Dask cluster, or :class:`Workers`, which keeps
some processes at hand and loses only the job of one that is killed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import re
import select
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnelnb import __version__
from funnelnb.batch import body, engine, forkserver
from funnelnb.batch.manifest import Failure
from funnelnb.core.machine import free_bytes
from funnelnb.data.prepared import PLACE
from funnelnb.show.charts import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

LONGEST_S = 3600
"""A report that takes longer is stopped and counts as failed."""

_GRACE_S = 120
"""A worker that keeps silent for so much longer than a report may take is ended."""

_LENGTH_BYTES = 8
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class WorkerLostError(RuntimeError):
    """The process that made a report was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """All that is needed to make one report, wherever.

    Attributes
    ----------
    notebook : str
        The notebook as JSON, without outputs.
    parameters : Mapping of str to object
    hidden : Mapping of str to str
        Texts that must not be kept, and what stands in their place.
    folder : str
        Where the kernel works; the present folder where there is no such folder.
    cell_timeout_s, longest_s : float
        Seconds for a cell and for the whole.
    code : bool
        Whether the page holds the code, folded.
    labels : Labels
        What the page's folds are called.
    lists : {"1", "nameless", ""}
        Whether the deals behind counts come with the page, or are left out with the names of customers.
    """

    notebook: str
    parameters: Mapping[str, Any]
    hidden: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    cell_timeout_s: float = engine.CELL_TIMEOUT_S
    longest_s: float = LONGEST_S
    code: bool = False
    labels: body.Labels = field(default_factory=body.Labels)
    lists: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came of it.

    Attributes
    ----------
    notebook : str
        The executed notebook as JSON, up to the failing cell if one failed.
    inside : Body
        The inside of its page.
    seconds : float
    failure : Failure or None
    """

    notebook: str
    inside: body.Body
    seconds: float
    failure: Failure | None


def make(work: Work) -> Done:
    """Run one notebook through papermill and return what a reader sees of it.

    Parameters
    ----------
    work : Work

    Returns
    -------
    Done
        Also for a notebook that fails: no error of a notebook is raised here.
    """
    import nbformat
    from papermill import execute_notebook
    from papermill.execute import remove_error_markers

    forkserver.ensure()
    engine.known_to_papermill()
    node = nbformat.reads(work.notebook, as_version=4)
    kept: list[engine.Client] = []
    folder = work.folder if work.folder and Path(work.folder).is_dir() else str(Path.cwd())
    started = time.perf_counter()
    failure = None
    try:
        execute_notebook(
            node, None, parameters=dict(work.parameters), engine_name=engine.NAME, progress_bar=False,
            execution_timeout=work.cell_timeout_s, longest_s=work.longest_s, folder=folder,
            known=True, hidden=work.hidden, lists=work.lists, keep=kept.append,
        )  # fmt: skip
    except Exception as error:
        if kept:
            remove_error_markers(
                kept[0].nb
            )  # papermill's own words about the error; the page has better ones
        failure = _failure(error, kept[0] if kept else None, work.hidden)
    node = kept[0].nb if kept else node
    _plain(node)
    inside = body.render(_until(node, failure), code=work.code, labels=work.labels)
    return Done(
        notebook=nbformat.writes(node) + "\n",
        inside=inside,
        seconds=time.perf_counter() - started,
        failure=failure,
    )


def _plain(node: NotebookNode) -> None:
    """Take papermill's clock times and paths out, so that the same work gives the same notebook."""
    told = node.metadata.pop("papermill", {})
    node.metadata["papermill"] = {"parameters": told.get("parameters", {})}
    node.metadata["funnelnb"] = {"version": __version__}  # how a later run knows that the file is its own
    for cell in node.cells:
        cell.metadata.pop("papermill", None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if "injected-parameters" in cell.metadata.get("tags", ()):
            cell["id"] = "injected-parameters"


def _until(node: NotebookNode, failure: Failure | None) -> NotebookNode:
    """Return the notebook as far as it ran: words after a failed cell would read outputs that are not there."""
    import nbformat

    return node if failure is None else nbformat.from_dict({**node, "cells": node.cells[: failure.cell]})


def _failure(error: Exception, client: engine.Client | None, hidden: Mapping[str, str]) -> Failure:
    """Say in facts why a notebook stopped."""
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    name, message, details, kind = type(error).__name__, str(error), "", "notebook"
    place = client.place if client is not None else -1
    last = client.last_words if client is not None else ""
    if isinstance(error, PapermillExecutionError):
        name, message, details = error.ename, error.evalue, "\n".join(error.traceback)
    elif isinstance(error, engine.TooLongError):
        kind = "time"
    elif isinstance(error, CellTimeoutError):
        message, kind = (
            f"the cell ran longer than {client.timeout if client else 0} s and was stopped",
            "time",
        )
    elif isinstance(error, DeadKernelError):
        message = "the kernel died while the cell ran: it was killed, or there was too little memory"
        details, kind = last, "killed"
    elif place < 0:
        details, kind = last, "killed"
    source = client.nb.cells[place].source if client is not None and place >= 0 else ""
    said = {"message": _COLOUR.sub("", message).strip(), "details": _COLOUR.sub("", details).strip()}
    engine.hide(said, hidden)
    return Failure(
        error=name,
        cell=place + 1,
        source=next((line for line in source.splitlines() if line.strip()), ""),
        kind=kind,  # type: ignore[arg-type]
        **said,
    )


# ---- how many at a time -----------------------------------------------------------------------------------

_WORKER_BYTES, _PER_BYTE = 200_000_000, 12
"""Memory that one report takes besides its data, and how much larger data are in memory than on disk."""


def advised_n(data: Sequence[str]) -> int:
    """How many reports can be made at a time: one for each processor, fewer where memory is short.

    Parameters
    ----------
    data : sequence of str
        Files and folders that each report reads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    files = [one for name in data for one in _files_of(Path(name))]
    needed = _WORKER_BYTES + _PER_BYTE * sum(one.stat().st_size for one in files)
    free = free_bytes()
    return max(1, min(cores, int(free // needed))) if free else cores


def _files_of(path: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        if path.is_dir():
            return [one for one in path.iterdir() if one.is_file()]
        return [path] if path.is_file() else []
    return []


# ---- our own executor -------------------------------------------------------------------------------------


class Workers(Executor):
    """Processes that make reports; one that is killed loses its own job only, and another takes its place.

    Parameters
    ----------
    workers_n : int
        How many work at a time.
    server : Server, Lent or None
        Where they are forked from; None: they start the ordinary way.
    scratch : pathlib.Path or None
        Folder of the run for what lives as long as a kernel.
    longest_s : float
        Seconds that one job may take.
    early : bool
        Whether they come before there is work, and get ready to draw.
    """

    def __init__(
        self,
        workers_n: int,
        server: forkserver.Server | forkserver.Lent | None = None,
        *,
        scratch: Path | None = None,
        longest_s: float = LONGEST_S,
        early: bool = False,
    ) -> None:
        self._early = early
        self._server, self._scratch, self._longest_s = server, scratch, longest_s
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._living: set[_Worker] = set()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers_n)]
        for one in self._threads:
            one.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn` called in one of the processes."""
        if self._closed.is_set():
            raise RuntimeError("these workers have been sent home")
        future: Future[Any] = Future()
        self._waiting.put((future, (fn, args, kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Send the workers home; with `cancel_futures` at once, whatever they do."""
        self._closed.set()
        for _ in self._threads:
            self._waiting.put(None)
        if cancel_futures:
            for one in list(self._living):
                one.end()
        if wait:
            for thread in self._threads:
                thread.join()

    def pids(self) -> list[int]:
        """Return the process ids of those that live now."""
        return [one.process.pid for one in list(self._living)]

    def _work(self) -> None:
        worker = self._readied() if self._early else None
        while (item := self._waiting.get()) is not None:
            future, job = item
            if self._closed.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                worker = worker or self._hire()
                good, answer = worker.ask(job, self._longest_s + _GRACE_S)
            except Exception as error:
                if worker is not None:
                    self._dismiss(worker)
                    worker = None
                lost = isinstance(error, OSError | EOFError | pickle.UnpicklingError)
                future.set_exception(WorkerLostError("the process was killed") if lost else error)
            else:
                (future.set_result if good else future.set_exception)(answer)
        if worker is not None:
            self._dismiss(worker)

    def _readied(self) -> _Worker | None:
        """Return a worker that has drawn once; None where that fails, and the first job will say why."""
        with contextlib.suppress(Exception):
            worker = self._hire()
            try:
                worker.ask((render.begin, (), {}), self._longest_s)
            except Exception:
                self._dismiss(worker)
                raise
            return worker
        return None

    def _dismiss(self, worker: _Worker) -> None:
        self._living.discard(worker)
        worker.end()

    def _hire(self) -> _Worker:
        address = self._server.alive() if self._server is not None else ""
        environment = {**os.environ, forkserver.ADDRESS: address}
        if self._scratch is not None:
            environment |= {engine.SCRATCH: str(self._scratch), PLACE: str(self._scratch)}
        hired = _Worker(address, environment)
        self._living.add(hired)
        return hired


def local(
    workers_n: int,
    server: forkserver.Server | forkserver.Lent | None,
    scratch: Path,
    longest_s: float,
    *,
    early: bool = False,
) -> Executor:
    """Return the executor of this machine: processes of our own, threads where the system cannot pass sockets on."""
    if os.name != "posix":
        return ThreadPoolExecutor(workers_n)
    return Workers(workers_n, server, scratch=scratch, longest_s=longest_s, early=early)


class _Worker:
    """The run's end of the line to one worker."""

    def __init__(self, address: str, environment: dict[str, str]) -> None:
        self._line, other = socket.socketpair()
        try:
            self.process: Any = self._forked(address, environment, other) or subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-c",
                    f"from funnelnb.batch import workers; workers.serve({other.fileno()})",
                ],
                pass_fds=[other.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            self._line.close()
            raise
        finally:
            other.close()

    @staticmethod
    def _forked(address: str, environment: dict[str, str], other: socket.socket) -> Any:
        line = forkserver.line(address) if address else None
        if line is None:
            return None
        wish = {
            "folder": str(Path.cwd()),
            "environment": environment,
            "serve": f"{__name__}:{serve.__name__}",
        }
        try:
            return line.fork("worker", wish, other.fileno())
        except OSError:
            forkserver.forget(line)
            return None

    def ask(self, job: Any, longest_s: float) -> Any:
        """Have a job done; raises OSError or EOFError when the worker is killed meanwhile."""
        self._line.settimeout(longest_s)
        send(self._line, job)
        return receive(self._line)

    def end(self) -> None:
        """End the process at once."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        with contextlib.suppress(Exception):
            self.process.kill()
            self.process.wait(timeout=10)


def send(line: socket.socket, thing: Any) -> None:
    """Send one value over a socket."""
    content = pickle.dumps(thing)
    line.sendall(len(content).to_bytes(_LENGTH_BYTES, "big") + content)


def receive(line: socket.socket) -> Any:
    """Receive one value; EOFError when the other end has gone."""
    length = int.from_bytes(_exactly(line, _LENGTH_BYTES), "big")
    return pickle.loads(_exactly(line, length))  # noqa: S301 - from our own process over a socket without a name


def _exactly(line: socket.socket, bytes_n: int) -> bytes:
    parts = []
    while bytes_n:
        part = line.recv(min(bytes_n, 1 << 20))
        if not part:
            raise EOFError("the other end has gone")
        parts.append(part)
        bytes_n -= len(part)
    return b"".join(parts)


def serve(connection: int) -> None:
    """Do what is asked over the socket `connection`, until its other end is gone.

    Parameters
    ----------
    connection : int
        Descriptor of the socket.
    """
    line = socket.socket(fileno=connection)
    threading.Thread(target=_watch, args=(line,), daemon=True).start()
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    while True:
        try:
            function, arguments, options = receive(line)
        except (EOFError, OSError):
            os._exit(0)
        try:
            answer = (True, function(*arguments, **options))
        except Exception as error:
            answer = (False, error)
        try:
            content = pickle.dumps(answer)
        except Exception as error:
            content = pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
        try:
            line.sendall(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
        except OSError:
            os._exit(0)


def _watch(line: socket.socket) -> None:
    """End this process as soon as the run is gone, also in the middle of a job."""
    gone = select.poll()
    gone.register(line, getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR)
    gone.poll()
    os._exit(1)
