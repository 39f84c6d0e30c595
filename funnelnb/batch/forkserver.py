"""Processes forked from a warm one: a report then waits for its own work only, not for imports.

A server process imports what notebooks and workers use, once, and forks itself for each kernel and each worker.
What keeps this safe:

- The server is a fresh interpreter that only imports public modules. It opens no database and draws no chart
  (the chart renderer's threads do not survive a fork), and it is never the process that runs the batch.
- A child gets the environment, folder and output file of its kind, a session of its own, and new random numbers.
  It dies with the server; the server ends with the run, however that ends, and clears what it left on disk.
- A kernel also ends with the process that asked for it, so a killed worker leaves none behind.
- Only processes of the same user are answered, on a socket that is no file and so cannot be left behind.
- Linux only. Wherever it cannot be had, processes start the ordinary way; only the time differs.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OFF = "FUNNELNB_PLAIN_KERNELS"
"""Environment variable: set to anything, processes start the ordinary way."""

ADDRESS = "FUNNELNB_KERNELS"
"""Environment variable: name of the server's socket, for all processes of a run."""

ANSWER_TIMEOUT_S = 60
"""After this long without an answer, processes start the ordinary way."""

PRELOADED = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.core.interactiveshell", "IPython.display"),
    *("numpy", "pandas", "pyarrow.compute", "pyarrow.csv", "pyarrow.parquet"),
    *("pyarrow.pandas_compat",),
    *("scipy.stats", "scipy.optimize", "altair", "narwhals", "ipywidgets", "charset_normalizer"),
    *("papermill", "nbclient", "nbformat.v4", "nbconvert.filters", "jupyter_client.asynchronous", "jinja2"),
    *("pathvalidate", "tqdm", "jsonschema", "python_calamine", "holidays", "psutil"),
)
"""What notebooks and workers use besides this package."""

_MESSAGE_BYTES = 200_000
_PR_SET_PDEATHSIG = 1
_UNUSED = ("rfc3987_syntax", "debugpy")
"""A checker of web addresses that takes a second to load, and a debugger: of no use here."""


def available() -> bool:
    """Can processes be forked here?"""
    linux = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")
    return linux and not os.environ.get(OFF)


@contextlib.contextmanager
def started(scratch: Sequence[Path] = ()) -> Iterator[Server | Lent | None]:
    """Start a server in the background, and end it with all its children.

    Parameters
    ----------
    scratch : sequence of pathlib.Path
        Folders of the run that the server removes if the run is killed.

    Yields
    ------
    Server, Lent or None
        None where processes cannot be forked.
    """
    lent = os.environ.get(ADDRESS, "")
    if line(lent) is not None:  # `funnelnb warm` has one ready
        yield Lent(lent)
        return
    server = None
    if available():
        with contextlib.suppress(OSError):
            server = Server(scratch)
    try:
        yield server
    finally:
        if server is not None:
            server.close()


class Server:
    """A run's hold on its server: it lives as long as this does.

    Attributes
    ----------
    address : str
        Where it is asked (see :class:`Line`).
    """

    def __init__(self, scratch: Sequence[Path] = ()) -> None:
        self._scratch = [str(one) for one in scratch]
        self._lock = threading.Lock()
        self._closed = False
        self.address = ""
        self._begin()

    def _begin(self) -> None:
        self.address = f"funnelnb-{os.getuid()}-{secrets.token_hex(12)}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, theirs = socket.socketpair()
        try:
            listener.bind(f"\0{self.address}")  # listening before it is ready: whoever asks early waits
            listener.listen(64)
            wish = {"listener": listener.fileno(), "life": theirs.fileno(), "scratch": self._scratch}
            program = f"from funnelnb.batch import forkserver; forkserver.serve({json.dumps(wish)!r})"
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-c", program],
                pass_fds=[listener.fileno(), theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            listener.close()
            theirs.close()
        self._life = ours

    def alive(self) -> str:
        """Return the address, of a new server where the earlier one was killed; empty when that fails."""
        with self._lock:
            if self._closed:
                return ""
            if self.process.poll() is not None:
                self._life.close()
                try:
                    self._begin()
                except OSError:
                    return ""
            return self.address

    def close(self) -> None:
        """End the server at once; the system ends its children with it."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self.process.kill()
                self.process.wait()
                self._life.close()
                known = _LINES.pop((os.getpid(), self.address), None)
                if known is not None:
                    known.close()


class Lent:
    """A server that somebody else keeps.

    Attributes
    ----------
    address : str
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def alive(self) -> str:
        """Return the address while the server answers, else nothing."""
        return self.address if line(self.address) is not None else ""

    def close(self) -> None:
        """Leave it as it is."""


class Line:
    """One process's line to a server; the kernels asked for here end when it closes."""

    def __init__(self, address: str) -> None:
        self._lock = threading.Lock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.settimeout(ANSWER_TIMEOUT_S)
            self._socket.connect(f"\0{address}")
            if _peer(self._socket)[1] != os.getuid():
                raise ConnectionError("the kernel server belongs to another user")
        except BaseException:
            self._socket.close()
            raise

    def fork(self, kind: str, wish: dict[str, Any], handle: int) -> Process:
        """Fork a kernel or a worker.

        Parameters
        ----------
        kind : {"kernel", "worker"}
        wish : dict
            ``folder`` and ``environment``; for a kernel also ``arguments``, for a worker ``serve``: the function
            that it becomes, as ``module:name``.
        handle : int
            Descriptor that it gets: a kernel's output file, a worker's socket.

        Raises
        ------
        OSError
            The server does not answer.
        """
        with self._lock:
            message = json.dumps({**wish, "kind": kind}).encode()
            socket.send_fds(self._socket, [message], [handle])
            answer, handles, _, _ = socket.recv_fds(self._socket, _MESSAGE_BYTES, 1)
        if not answer or not handles:
            raise ConnectionError("the kernel server has gone")
        return Process(json.loads(answer)["pid"], handles[0])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


_LINES: dict[tuple[int, str], Line] = {}


@atexit.register
def _hang_up() -> None:
    for (pid, _), one in list(_LINES.items()):
        if pid == os.getpid():
            one.close()


_LINES_LOCK = threading.Lock()


def line(address: str = "") -> Line | None:
    """Return this process's line to the run's server; None when there is none that answers."""
    address = address or os.environ.get(ADDRESS, "")
    if not address or not available():
        return None
    with _LINES_LOCK:
        known = _LINES.get((os.getpid(), address))
        if known is None:
            try:
                known = _LINES[os.getpid(), address] = Line(address)
            except OSError:
                return None
        return known


def ensure() -> None:
    """Give this process a server of its own where the run has none for it: a worker on another machine."""
    if available() and not os.environ.get(ADDRESS):
        with _LINES_LOCK, contextlib.suppress(OSError):
            if not os.environ.get(ADDRESS):
                own = Server()
                atexit.register(own.close)
                os.environ[ADDRESS] = own.address


def forget(broken: Line) -> None:
    """Hang up a line that gave no answer."""
    with _LINES_LOCK:
        for key in [key for key, one in _LINES.items() if one is broken]:
            del _LINES[key]
    broken.close()


class Process:
    """A forked process, with those methods of ``subprocess.Popen`` that a provisioner uses.

    It is not our child, so it is watched and signalled through a handle that can never mean another process. The
    handle stays open as long as this object: several threads may wait at once, and none may close a number that
    by then means somebody else's file.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle = handle
        self._closes = weakref.finalize(self, os.close, handle)

    def poll(self) -> int | None:
        """Return None while it runs."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended; how it ended is not known here."""
        if self.returncode is None and select.select([self._handle], [], [], timeout)[0]:
            self.returncode = 0
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def _peer(connection: socket.socket) -> tuple[int, int, int]:
    """Return process, user and group at the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, gid = struct.unpack("3i", found)
    return pid, uid, gid


# ---- in the server ----------------------------------------------------------------------------------------


def serve(wish: str) -> None:
    """Import, then fork for each message until the run at the other end of ``life`` is gone.

    Parameters
    ----------
    wish : str
        JSON with the descriptors ``listener`` and ``life``, and ``scratch``, the folders to clear at the end.
    """
    import fcntl
    import gc

    given = json.loads(wish)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener, life = socket.socket(fileno=given["listener"]), socket.socket(fileno=given["life"])
    forks = _Forks(listener, life)

    def look(*_: Any) -> None:
        """End everything as soon as the run is gone, also while this process still imports."""
        with contextlib.suppress(BlockingIOError, OSError):
            if not life.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                forks.end()
                for one in given["scratch"]:
                    shutil.rmtree(one, ignore_errors=True)
                os._exit(0)

    signal.signal(signal.SIGIO, look)
    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC)
    look()  # it may have gone before
    for slow in _UNUSED:
        sys.modules.setdefault(slow, None)  # type: ignore[arg-type]
    _preload()
    _rehearse()
    gc.collect()
    gc.freeze()  # what is imported is never looked at again, so its memory stays shared
    forks.loop(look)


class _Forks:
    """The server's work: who is connected, and which children belong to whom."""

    def __init__(self, listener: socket.socket, life: socket.socket) -> None:
        self.listener, self.life = listener, life
        self.children: dict[socket.socket, set[int]] = {}

    def end(self) -> None:
        """End all children."""
        self._end(*self.children)

    def loop(self, look: Callable[[], None]) -> NoReturn:
        """Answer whoever asks; `look` ends this process when the run is gone."""
        while True:
            ready = select.select([self.listener, self.life, *self.children], [], [], 1.0)[0]
            self._reap()
            for one in ready:
                if one is self.life:
                    look()
                elif one is self.listener:
                    self._welcome()
                elif one in self.children:
                    self._answer(one)

    def _welcome(self) -> None:
        caller, _ = self.listener.accept()
        if _peer(caller)[1] == os.getuid():
            self.children[caller] = set()
        else:
            caller.close()

    def _answer(self, caller: socket.socket) -> None:
        try:
            message, handles, _, _ = socket.recv_fds(caller, _MESSAGE_BYTES, 1)
        except OSError:
            message, handles = b"", []
        if not message:
            self._end(caller)
            return
        pid = os.fork()
        if pid == 0:
            for one in (self.listener, self.life, *self.children):
                one.close()
            _become(json.loads(message), handles[0])
        self.children[caller].add(pid)
        handle = os.pidfd_open(pid)
        with contextlib.suppress(OSError):  # the caller was killed: the next look finds it gone
            socket.send_fds(caller, [json.dumps({"pid": pid}).encode()], [handle])
        for descriptor in (handle, *handles):
            os.close(descriptor)

    def _end(self, *callers: socket.socket) -> None:
        """End the children of those who have gone."""
        for caller in callers:
            for pid in self.children.pop(caller):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            caller.close()

    def _reap(self) -> None:
        for pids in self.children.values():
            for pid in list(pids):
                with contextlib.suppress(ChildProcessError):
                    if not os.waitpid(pid, os.WNOHANG)[0]:
                        continue
                pids.discard(pid)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:  # children whose caller has gone
                pass


def _preload() -> None:
    import importlib
    import pkgutil

    root = [str(Path(__file__).resolve().parents[1])]
    names = [*PRELOADED]
    names += [
        one.name
        for one in pkgutil.walk_packages(root, "funnelnb.", onerror=lambda _: None)
        if not any(part.startswith("_") for part in one.name.split("."))
        and one.name.split(".")[1] not in {"cli", "simulate"}
    ]
    for name in names:
        with contextlib.suppress(Exception):  # what cannot be imported here will say so in the notebook
            importlib.import_module(name)
    package = importlib.import_module("funnelnb")
    for name in package.__all__:
        with contextlib.suppress(Exception):
            getattr(package, name)


def _rehearse() -> None:
    """Do once what every child would do first and what only fills tables of Python: words, stage models, one chart."""
    with contextlib.suppress(Exception):
        from funnelnb.playbooks import library, load_playbook
        from funnelnb.show.charts.render import rehearse
        from funnelnb.show.text.words import words

        for lang in ("en", "zh"):
            words(lang)
        for one in library():
            load_playbook(one)
        rehearse()


def _become(wish: dict[str, Any], handle: int) -> NoReturn:
    """Turn this forked process into a kernel or a worker; never returns."""
    server = os.getppid()
    try:
        os.setsid()
        _die_with_parent()
        if os.getppid() != server:
            os._exit(0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGIO):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        os.chdir(wish["folder"])
        os.environ.clear()
        os.environ.update(wish["environment"], JPY_PARENT_PID=str(server))
        tempfile.tempdir = None  # the place is that of this environment
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # else every child would draw the same
        (_kernel if wish["kind"] == "kernel" else _worker)(wish, handle, server)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)


def _kernel(wish: dict[str, Any], output: int, server: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    from ipykernel.kernelapp import IPKernelApp

    app = IPKernelApp.instance(parent_handle=server)
    app.initialize(wish["arguments"])
    app.start()


def _worker(wish: dict[str, Any], connection: int, server: int) -> None:
    import importlib

    del server
    module, _, name = wish["serve"].partition(":")
    getattr(importlib.import_module(module), name)(connection)


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
