"""papermill's road with our kernels: the engine ``funnelnb``, which papermill finds by its entry point.

``papermill in.ipynb out.ipynb --engine funnelnb`` and the batch run notebooks through the same engine. What
papermill leaves to others, and where people asked for it:

- a kernel forked from a warm process where a run has one, and killed at the end instead of asked to leave;
- a misspelt parameter is refused with the nearest name (papermill 667, 818), and a text that papermill would have
  turned into a number where the notebook declares a text (55);
- no output, and no state of controls (400), of an earlier run survives;
- passwords stay out of notebook and metadata (271, 706), and so do paths with a user's name;
- a dead kernel ends the notebook with a reason (125), a cell or a whole notebook that takes too long as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner
from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines
from papermill.translators import PythonTranslator, papermill_translators

from funnelnb.batch import forkserver, notebooks
from funnelnb.core.options import LISTS
from funnelnb.show.charts.render import LATER, drawn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from nbformat import NotebookNode

NAME = "funnelnb"
"""What papermill knows the engine by."""

PROVISIONER = "funnelnb-fork"
"""What jupyter_client knows the provisioner by."""

OWN_KERNELS = ("", "python3", "python")
"""Kernel names that mean this interpreter; any other is started as it is registered."""

START = (
    "import sys; sys.modules.setdefault('rfc3987_syntax', None); "
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)
"""What an ordinary kernel runs. rfc3987_syntax checks web addresses for jsonschema; it loads for a second."""

NO_HISTORY = "--HistoryManager.enabled=False"
"""What reports run is not what their user typed: it does not come into IPython's history, nor wait for its disk."""

CELL_TIMEOUT_S = 600
"""A cell that runs longer is stopped and its report counts as failed."""

STARTUP_TIMEOUT_S = 120
"""A kernel that is not ready by then counts as failed."""

SCRATCH = "FUNNELNB_SCRATCH"
"""Environment variable: folder of the run for what lives as long as a kernel."""

_GLANCE_S = 0.005
"""How often to look whether something has happened."""

_SOCKET_PATH_BYTES = 90
"""Longest path of a socket's folder; a Unix socket's whole path may have 107."""


class KernelNotReadyError(RuntimeError):
    """The kernel ended or kept silent before the first cell."""


class TooLongError(RuntimeError):
    """The whole notebook took longer than it may."""


# ---- kernels ----------------------------------------------------------------------------------------------


class Manager(AsyncKernelManager):
    """A kernel manager of this interpreter's own kernels."""

    async def bound(self, until: float) -> None:
        """Wait until the kernel has opened its sockets, it has ended, or the time is up.

        A connection made earlier would be tried again only after a tenth of a second.
        """
        if self.transport != "ipc":
            return
        ports = (self.shell_port, self.iopub_port, self.stdin_port, self.hb_port, self.control_port)
        sockets = [Path(f"{self.ip}-{port}") for port in ports]
        while not all(one.exists() for one in sockets):
            if time.monotonic() > until or not await self.is_alive():
                return
            await asyncio.sleep(_GLANCE_S)


class ForkProvisioner(LocalProvisioner):
    """Has the kernel forked by the run's server; starts it the ordinary way when there is none."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel that `cmd` describes."""
        line = forkserver.line()
        output: Any = kwargs.get("stdout") or sys.__stdout__  # unsaid: where ours goes, as with any process
        if line is not None and hasattr(output, "fileno"):
            wish = {
                "arguments": cmd[cmd.index("-f") :],
                "folder": str(kwargs.get("cwd") or Path.cwd()),
                "environment": dict(kwargs.get("env") or os.environ),
            }
            try:
                self.process = await asyncio.to_thread(line.fork, "kernel", wish, output.fileno())
            except OSError:
                forkserver.forget(line)
            else:
                self.pid = self.pgid = self.process.pid
                self.cwd = wish["folder"]
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def wait(self) -> int | None:
        """Wait until the kernel has ended, looking more often than ten times a second."""
        while self.process is not None and await self.poll() is None:
            await asyncio.sleep(_GLANCE_S)
        return await super().wait()


def manager(private: Path) -> Manager:
    """Prepare a kernel of this interpreter, whatever kernels are registered on the machine.

    Parameters
    ----------
    private : pathlib.Path
        Folder for its connection file and sockets, which only we can enter.
    """
    made = Manager(connection_file=str(private / "kernel.json"))
    argv = [sys.executable, "-c", START, "-f", "{connection_file}", NO_HISTORY]
    spec = KernelSpec(argv=argv, language="python", display_name="Python 3")
    spec.metadata = {"kernel_provisioner": {"provisioner_name": _registered()}}
    made._kernel_spec = spec  # noqa: SLF001 - there is no public way to give a manager its spec
    if os.name == "posix" and len(os.fsencode(private)) <= _SOCKET_PATH_BYTES:
        made.transport, made.ip = "ipc", str(private / "k")
    return made


def _registered() -> str:
    """Return the provisioner's name, made known where the package runs without being installed."""
    from importlib.metadata import EntryPoint

    from jupyter_client.provisioning import KernelProvisionerFactory

    known = KernelProvisionerFactory.instance().provisioners
    if PROVISIONER not in known:
        place = f"{ForkProvisioner.__module__}:{ForkProvisioner.__name__}"
        known[PROVISIONER] = EntryPoint(PROVISIONER, place, KernelProvisionerFactory.GROUP_NAME)
    return PROVISIONER


# ---- the client -------------------------------------------------------------------------------------------


class Client(PapermillNotebookClient):
    """papermill's client with our own kernel and ending."""

    place = -1
    last_words = ""
    until = float("inf")
    longest_s = 0.0
    lists = ""

    @contextlib.contextmanager
    def setup_kernel(self, **kwargs: Any) -> Iterator[None]:
        """Start the kernel, and kill it at the end; nbclient's way asks it to leave and waits."""
        if self.kernel_name not in OWN_KERNELS:
            with super().setup_kernel(**kwargs):
                yield
            return
        kernel = self._kernel(**kwargs)
        run_sync(kernel.__aenter__)()
        try:
            yield
        finally:
            run_sync(kernel.__aexit__)(None, None, None)

    @contextlib.asynccontextmanager
    async def _kernel(self, **kwargs: Any) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(
            prefix="funnelnb-", dir=os.environ.get(SCRATCH) or None, ignore_cleanup_errors=True
        ) as private:
            own = self.km = manager(Path(private))
            said = Path(private) / "said.txt"
            try:
                with said.open("wb") as output:
                    # Pictures are drawn here, see `draw`; what a kernel leaves lies where it goes with it.
                    environment = {**os.environ, LATER: "1", LISTS: self.lists, "TMPDIR": private}
                    await self.async_start_new_kernel(stdout=output, stderr=output, env=environment, **kwargs)
                await self._connect(own)
                yield
            finally:
                if self.kc is not None:
                    self.kc.stop_channels()
                with contextlib.suppress(Exception):  # it may have died, or never have lived
                    await own.shutdown_kernel(now=True)
                with contextlib.suppress(Exception):
                    await own.cleanup_resources()
                with contextlib.suppress(OSError):
                    self.last_words = said.read_text(encoding="utf-8", errors="replace")[-2000:]

    async def _connect(self, own: Manager) -> None:
        """Open the channels and wait until the kernel answers on both; nbclient's own way idles as well."""
        until = time.monotonic() + STARTUP_TIMEOUT_S
        await own.bound(until)
        self.kc = own.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        while not await _answers(self.kc):
            if not await own.is_alive():
                raise KernelNotReadyError("the kernel ended before it was ready")
            if time.monotonic() > until:
                raise KernelNotReadyError(f"the kernel was not ready after {STARTUP_TIMEOUT_S} s")

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, **kwargs: Any) -> NotebookNode:
        """Run one cell within the time that is left for it."""
        self.place = cell_index
        left = self.until - time.monotonic()
        whole = left < (self.timeout or float("inf"))
        if whole:
            self.timeout_func = lambda _: max(left, 0.001)
        try:
            return await super().async_execute_cell(cell, cell_index, **kwargs)
        except CellTimeoutError:
            if whole:
                raise TooLongError(f"it took longer than {self.longest_s:g} s and was stopped") from None
            raise
        finally:
            self.timeout_func = None  # type: ignore[assignment]

    execute_cell = run_sync(async_execute_cell)

    def execute(self, **kwargs: Any) -> NotebookNode:
        """Run all cells; the description of the language that papermill asks for at the end is known."""
        self.reset_execution_trackers()
        with self.setup_kernel(**kwargs):
            self.papermill_execute_cells()
            self.set_widgets_metadata()
        return self.nb


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


# ---- the engine -------------------------------------------------------------------------------------------


class FunnelEngine(Engine):
    """Runs notebooks for papermill with this package's kernels and rules."""

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        """Return the kernel that was asked for; a notebook without one gets this interpreter."""
        return name or nb.metadata.get("kernelspec", {}).get("name") or OWN_KERNELS[1]

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        """Return the language that was asked for; a notebook without one is Python."""
        return language or nb.metadata.get("kernelspec", {}).get("language") or "python"

    @classmethod
    def execute_notebook(
        cls, nb: NotebookNode, kernel_name: str, output_path: Any = None, **given: Any
    ) -> Any:
        """Run the notebook; where it holds a password, nothing is stored before that is taken out.

        A caller that keeps the client has the notebook from it: for papermill, which would spell out all of it for
        no file, there is then only what failed.
        """
        made = nb.metadata.get("papermill", {}).get("parameters", {})
        if passwords(made):
            output_path = None
        ran = super().execute_notebook(nb, kernel_name, output_path=output_path, **given)
        if given.get("keep") and not any(map(_failed, ran.cells)):
            return nbformat.v4.new_notebook()
        return ran

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **given: Any) -> None:
        """Run the notebook in place.

        Parameters
        ----------
        nb_man : papermill.engines.NotebookExecutionManager
        kernel_name : str
        **given
            What papermill passes on; of it ``execution_timeout`` (seconds a cell may take), ``start_timeout``, and
            of ours ``longest_s`` (seconds the whole may take), ``folder`` (where the kernel works), ``known``
            (parameters have been checked), ``hidden`` (texts that must not be kept), ``lists`` (see
            ``core.options.LISTS``), ``keep`` (called with the client before it runs).
        """
        made = nb_man.nb.metadata.get("papermill", {}).get("parameters", {})
        if not given.get("known"):
            _refuse(nb_man.nb, made)
        hidden = dict(given.get("hidden") or passwords(made))
        nb_man.nb.metadata.pop("widgets", None)
        longest = given.get("longest_s")
        client = Client(
            nb_man,
            timeout=int(given.get("execution_timeout") or CELL_TIMEOUT_S) or 1,
            startup_timeout=given.get("start_timeout") or STARTUP_TIMEOUT_S,
            kernel_name=kernel_name,
            log_output=bool(given.get("log_output")),
            stdout_file=given.get("stdout_file"),
            stderr_file=given.get("stderr_file"),
            record_timing=False,
            resources={"metadata": {"path": str(given.get("folder") or Path.cwd())}},
        )
        if longest:
            client.longest_s, client.until = float(longest), time.monotonic() + float(longest)
        client.lists = str(given.get("lists") or "")
        if given.get("keep"):
            given["keep"](client)
        try:
            client.execute()
        except (DeadKernelError, CellTimeoutError, KernelNotReadyError, TooLongError) as error:
            if 0 <= client.place < len(nb_man.nb.cells):
                nb_man.cell_exception(nb_man.nb.cells[client.place], client.place, exception=error)
            raise
        finally:
            draw(nb_man.nb)
            hide(nb_man.nb, hidden)


def _failed(cell: NotebookNode) -> bool:
    told = cell.metadata.get("papermill", {}).get("exception") is True
    return told or any(one.output_type == "error" for one in cell.get("outputs", ()))


_PICTURES_N = 200
_pictures: dict[str, str] = {}


def draw(node: NotebookNode) -> None:
    """Put the pictures into a notebook's outputs, in place, where its kernel left marks for them."""
    while len(_pictures) > _PICTURES_N:
        _pictures.pop(next(iter(_pictures)), None)
    for cell in node.cells:
        for output in cell.get("outputs", ()):
            for kind, content in output.get("data", {}).items():
                if isinstance(content, str):
                    output["data"][kind] = drawn(content, _pictures)


def _refuse(node: NotebookNode, given: Mapping[str, Any]) -> None:
    """Refuse parameters that the notebook does not declare, or of another kind, as papermill's own error."""
    import click

    from funnelnb.core.errors import FunnelError

    declared = notebooks.declared(node)
    try:
        for name, value in given.items():
            if name not in declared:
                raise notebooks.unknown(name, declared, "")
            notebooks.fits(declared[name], value)
    except FunnelError as error:
        raise click.UsageError(str(error)) from None


class Translator(PythonTranslator):
    """Writes parameters as papermill does, with text that stays readable (papermill escapes all but ASCII)."""

    @classmethod
    def translate_str(cls, val: str) -> str:
        """Return a text as it is written in Python."""
        return repr(str(val))


def known_to_papermill() -> None:
    """Make engine and translator known to papermill in this process, also where the package is not installed."""
    papermill_engines.register(NAME, FunnelEngine)
    papermill_translators.register("python", Translator)


# ---- what must not be kept --------------------------------------------------------------------------------

HIDDEN = "***"
_ADDRESS = re.compile(r"(?P<before>[a-zA-Z][\w+.-]*://[^\s/:@'\"]*:)(?P<word>[^\s'\"/]*)@")
_SECRET_NAME = re.compile(r"(?i)(?:^|_)(?:password|passwd|pwd|secret|token|api_?key|credentials?)(?:$|_)")


def passwords(given: Mapping[str, Any]) -> dict[str, str]:
    """Which texts among these parameters are passwords, and what stands in their place?

    Parameters
    ----------
    given : Mapping
        Name = value.

    Returns
    -------
    dict of str to str
        Password to ``"***"``: that of an address such as ``postgresql://user:word@host/db``, and the value of a
        parameter called password, token, secret or api key.

    Examples
    --------
    >>> passwords({"data": "postgresql://ann:s3cret@db/crm", "api_token": "abc", "by": "region"})
    {'s3cret': '***', 'abc': '***'}
    """
    found = {}
    for name, value in given.items():
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str):
                words = [one["word"] for one in _ADDRESS.finditer(text)]
                words += [text] if _SECRET_NAME.search(name) else []
                found.update(dict.fromkeys(filter(None, words), HIDDEN))
    return found


def hide(node: NotebookNode, hidden: Mapping[str, str]) -> None:
    """Replace texts everywhere in a notebook, in place: sources, outputs, metadata."""
    if hidden:
        ordered = sorted(hidden, key=len, reverse=True)
        pattern = re.compile("|".join(map(_whole, ordered)))
        _hide(node, lambda text: pattern.sub(lambda found: hidden[found.group()], text))


def _whole(text: str) -> str:
    """Return a pattern for `text`; a path is not the beginning of another name."""
    return re.escape(text) + (r"(?![\w.-])" if text.startswith(os.sep) else "")


def _hide(part: Any, replace: Any) -> Any:
    if isinstance(part, str):
        return replace(part)
    if isinstance(part, list):
        part[:] = [_hide(one, replace) for one in part]
    elif isinstance(part, dict):
        for key in list(part):
            part[key] = _hide(part[key], replace)
    return part
