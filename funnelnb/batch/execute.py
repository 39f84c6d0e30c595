"""Run notebooks, several at a time, each in a kernel of its own, and never hang or leave one behind.

The notebooks run through nbclient on one event loop. Kernels start with this interpreter whatever kernels are
registered on the machine, get their working folder one by one (nothing here changes the process's own), talk
over sockets in a private folder, and are killed at the end, not asked to leave: that saves a second each.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import re
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from funnelnb.batch import parameters, provisioner
from funnelnb.batch.manifest import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from nbformat import NotebookNode

    from funnelnb.batch.catalog import Notebook
    from funnelnb.batch.forkserver import Server

CELL_TIMEOUT_S = 600
"""A cell that runs longer is stopped and its report counts as failed."""

STARTUP_TIMEOUT_S = 120
"""A kernel that is not ready by then counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One notebook to be run with one set of parameters.

    Attributes
    ----------
    notebook : Notebook
    parameters : Mapping of str to object
    """

    notebook: Notebook
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of a task.

    Attributes
    ----------
    node : NotebookNode
        The notebook with its outputs, up to the failing cell if one failed.
    seconds : float
    failure : Failure or None
    """

    node: NotebookNode
    seconds: float
    failure: Failure | None


class _Terms(NamedTuple):
    """What holds for all tasks."""

    cell_timeout_s: float
    folder: Path
    server: Server | None


class Stopped(Exception):  # noqa: N818 - a wish of the user, not an error
    """The user or the system asked to stop; all kernels have been killed."""


def execute(
    tasks: Sequence[Task],
    done: Callable[[int, Run], None],
    *,
    workers: int,
    cell_timeout_s: float = CELL_TIMEOUT_S,
    folder: Path | None = None,
    server: Server | None = None,
) -> None:
    """Run all tasks and hand each result to `done` as it comes.

    Parameters
    ----------
    tasks : sequence of Task
    done : callable
        Called with the task's position and its :class:`Run`, in the order in which they finish.
    workers : int
        How many run at a time.
    cell_timeout_s : float
        Seconds after which a cell is stopped.
    folder : pathlib.Path, optional
        Working folder of the kernels; None: the current one.
    server : Server, optional
        Where kernels are forked from; None: they start the ordinary way.

    Raises
    ------
    Stopped
        On SIGINT or SIGTERM, after every kernel has been killed.
    """
    try:
        asyncio.run(_all(tasks, done, workers, _Terms(cell_timeout_s, folder or Path.cwd(), server)))
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise Stopped from None
    except BaseExceptionGroup as group:  # what `done` raised
        raise group.exceptions[0] from None


async def _all(tasks: Sequence[Task], done: Callable[[int, Run], None], workers: int, terms: _Terms) -> None:
    waiting = iter(enumerate(tasks))
    stop, line = asyncio.Event(), asyncio.Lock()

    async def work() -> None:
        for place, task in waiting:
            run = await _one(task, terms, line)
            if stop.is_set():  # nbclient takes being cancelled for a dead kernel
                raise asyncio.CancelledError
            try:
                done(place, run)
            except BaseException:
                stop.set()
                raise

    with _stopping(stop, asyncio.current_task(), terms.server):
        async with asyncio.TaskGroup() as group:
            for _ in range(min(workers, len(tasks))):
                group.create_task(work())


@contextlib.contextmanager
def _stopping(stop: asyncio.Event, main: asyncio.Task[Any] | None, server: Server | None) -> Iterator[None]:
    """Cancel `main` on the first SIGINT or SIGTERM; further ones must not disturb the cleaning up."""
    loop = asyncio.get_running_loop()

    def asked() -> None:
        if not stop.is_set() and main is not None:
            stop.set()
            main.cancel()
            if server is not None:
                server.close()  # whoever waits for its answer need not wait on

    signals = (signal.SIGINT, signal.SIGTERM)
    with contextlib.suppress(
        NotImplementedError, RuntimeError, ValueError
    ):  # Windows, or not the main thread
        for one in signals:
            loop.add_signal_handler(one, asked)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for one in signals:
                loop.remove_signal_handler(one)


async def _one(task: Task, terms: _Terms, line: asyncio.Lock) -> Run:
    node = task.notebook.blank()
    parameters.inject(node, task.parameters)
    client = _Client(
        node,
        timeout=math.ceil(terms.cell_timeout_s),
        record_timing=False,
        resources={"metadata": {"path": str(terms.folder)}},
    )
    client.server, client.line = terms.server, line
    started = time.perf_counter()
    failure = None
    try:
        await client.async_execute()
    except Exception as error:
        failure = _failure(error, client)
    return Run(node=node, seconds=time.perf_counter() - started, failure=failure)


class _Client(NotebookClient):
    """nbclient with our own kernel and ending; its signal handlers are made for one notebook at a time."""

    place = -1
    last_words = ""
    server: Server | None = None
    line: asyncio.Lock

    @contextlib.asynccontextmanager
    async def async_setup_kernel(self, **kwargs: Any) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(prefix="funnelnb-") as private:
            manager = self.km = provisioner.manager(Path(private), self.server, self.line)
            said = Path(private) / "said.txt"
            try:
                with said.open("wb") as output:
                    await self.async_start_new_kernel(stdout=output, stderr=output, **kwargs)
                await self._connect(manager)
                yield
            finally:
                if self.kc is not None:
                    self.kc.stop_channels()
                with contextlib.suppress(Exception):  # it may have died, or never have lived
                    await manager.shutdown_kernel(now=True)
                await manager.cleanup_resources()
                self.last_words = said.read_text(encoding="utf-8", errors="replace")[-2000:]

    async def _connect(self, manager: provisioner.Manager) -> None:
        """Open the channels and wait until the kernel answers on both; nbclient's own way idles as well."""
        until = time.monotonic() + STARTUP_TIMEOUT_S
        await manager.bound(until)
        self.kc = manager.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        while not await _answers(self.kc):
            if not await manager.is_alive():
                raise RuntimeError("the kernel ended before it was ready")
            if time.monotonic() > until:
                raise RuntimeError(f"the kernel was not ready after {STARTUP_TIMEOUT_S} s")

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **kwargs: Any) -> NotebookNode:
        self.place = cell_index
        return await super().async_execute_cell(cell, cell_index, **kwargs)


async def _answers(client: Any) -> bool:
    """Ask the kernel who it is; return whether the reply and the end of its work were heard."""
    asked = client.kernel_info()
    try:
        while (await client.shell_channel.get_msg(timeout=1))["parent_header"].get("msg_id") != asked:
            pass
        while True:
            heard = await client.iopub_channel.get_msg(timeout=0.5)
            ours = heard["parent_header"].get("msg_id") == asked
            if ours and heard["content"].get("execution_state") == "idle":
                return True
    except queue.Empty:
        return False


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _failure(error: Exception, client: _Client) -> Failure:
    """Say in facts why a notebook stopped."""
    running = 0 <= client.place < len(client.nb.cells)
    source = client.nb.cells[client.place].source if running else ""
    name, message, details = type(error).__name__, str(error), ""
    if isinstance(error, CellExecutionError):
        name, message, details = error.ename, error.evalue, _traceback(client.nb.cells[client.place])
    elif isinstance(error, CellTimeoutError):
        message = f"the cell ran longer than {client.timeout} s and was stopped"
    elif isinstance(error, DeadKernelError):
        message = "the kernel died while the cell ran: it was killed, or there was too little memory"
        details = client.last_words
    elif not running:
        details = client.last_words
    return Failure(
        error=name,
        message=_COLOUR.sub("", message).strip(),
        cell=client.place + 1,
        source=next((line for line in source.splitlines() if line.strip()), ""),
        details=_COLOUR.sub("", details).strip(),
    )


def _traceback(cell: NotebookNode) -> str:
    shown = [output.traceback for output in cell.get("outputs", ()) if output.output_type == "error"]
    return "\n".join(shown[-1]) if shown else ""
