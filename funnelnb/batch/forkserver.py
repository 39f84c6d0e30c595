"""Kernels forked from a warm process: a report then waits for its own work only, not for imports.

A server process imports everything that notebooks use, once, and forks itself for each kernel. What keeps
this safe:

- The server is a fresh interpreter that only imports. It opens no database and draws no chart (the chart
  renderer's threads do not survive a fork), and it is never the process that runs the batch.
- A child gets the environment, folder, output file and connection file of its kernel, a session of its own,
  and new random numbers. It dies with the server; the server ends with the batch and takes all along.
- The two talk over a socket pair that nobody else can name.
- Linux only. Wherever it cannot be had, kernels start the ordinary way; only the time differs.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

OFF = "FUNNELNB_PLAIN_KERNELS"
"""Environment variable: set to anything, kernels start the ordinary way."""

ANSWER_TIMEOUT_S = 60
"""After this long without an answer, kernels start the ordinary way."""

PRELOADED = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.core.interactiveshell", "IPython.display"),
    *("numpy", "pandas", "pyarrow.compute", "pandera.pandas", "scipy.stats", "scipy.optimize", "altair"),
    *("pandera.backends.pandas.register", "pandera.strategies.pandas_strategies", "pyarrow.pandas_compat"),
    *("narwhals._pandas_like.dataframe", "narwhals._pandas_like.namespace", "pyarrow.csv"),
    *("ipywidgets", "charset_normalizer"),
)
"""What notebooks use besides this package."""

ROOMS = ("core", "stats", "playbooks", "data", "analysis", "show", "notebook")
"""Rooms of this package that notebooks reach."""

_MESSAGE_BYTES = 200_000
_PR_SET_PDEATHSIG = 1


def available() -> bool:
    """Can kernels be forked here?"""
    linux = sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(socket, "SOCK_SEQPACKET")
    return linux and not os.environ.get(OFF)


@contextlib.contextmanager
def started() -> Iterator[Server | None]:
    """Start a server in the background, and end it with all its kernels.

    Yields
    ------
    Server or None
        None where kernels cannot be forked.
    """
    server = None
    if available():
        with contextlib.suppress(OSError):
            server = Server()
    try:
        yield server
    finally:
        if server is not None:
            server.close()


class Server:
    """The batch's end of the line to a server."""

    def __init__(self) -> None:
        self._line, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = f"from funnelnb.batch import forkserver; forkserver.serve({other.fileno()})"
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-c", program],
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            self._line.close()
            raise
        finally:
            other.close()
        self._line.settimeout(ANSWER_TIMEOUT_S)

    def launch(self, arguments: list[str], folder: str, environment: dict[str, str], output: int) -> Process:
        """Fork a kernel.

        Parameters
        ----------
        arguments : list of str
            Arguments of the kernel program, the connection file among them.
        folder : str
            Its working folder.
        environment : dict of str to str
        output : int
            File that it writes to, as a descriptor.

        Raises
        ------
        OSError
            The server does not answer.
        """
        wish = {"arguments": arguments, "folder": folder, "environment": environment}
        socket.send_fds(self._line, [json.dumps(wish).encode()], [output])
        answer, handles, _, _ = socket.recv_fds(self._line, _MESSAGE_BYTES, 1)
        if not answer or not handles:
            raise ConnectionError("the kernel server has gone")
        return Process(json.loads(answer)["pid"], handles[0])

    def close(self) -> None:
        """End the server at once; the system ends its kernels with it."""
        self._process.kill()
        self._process.wait()
        self._line.close()


class Process:
    """A forked kernel, with those methods of ``subprocess.Popen`` that a provisioner uses.

    It is a grandchild, so it is watched and signalled through a handle that can never mean another process.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle = handle

    def poll(self) -> int | None:
        """Return None while it runs."""
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait until it has ended; how it ended is not known here."""
        if self.returncode is None and select.select([self._handle], [], [], timeout)[0]:
            self.returncode = 0
            os.close(self._handle)
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


# ---- in the server ----------------------------------------------------------------------------------------


def serve(number: int) -> None:
    """Import, then fork a kernel for each message until the other end closes.

    Parameters
    ----------
    number : int
        Descriptor of our end of the socket pair.
    """
    import gc

    for slow in ("rfc3987_syntax", "debugpy"):  # a web address checker and a debugger: of no use here
        sys.modules.setdefault(slow, None)  # type: ignore[arg-type]
    _preload()
    gc.collect()
    gc.freeze()  # what is imported is never looked at again, so its memory stays shared
    children: set[int] = set()
    with socket.socket(fileno=number) as line:
        while True:
            ready = select.select([line], [], [], 1.0)[0]
            _reap(children)
            if not ready:
                continue
            message, handles, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 1)
            if not message:
                break
            pid = os.fork()
            if pid == 0:
                line.close()
                _become_kernel(json.loads(message), handles[0])
            children.add(pid)
            handle = os.pidfd_open(pid)
            socket.send_fds(line, [json.dumps({"pid": pid}).encode()], [handle])
            for one in (handle, *handles):
                os.close(one)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _preload() -> None:
    import importlib
    import pkgutil

    names = [*PRELOADED, *(f"funnelnb.{room}" for room in ROOMS)]
    for room in ROOMS:
        folder = [str(Path(__file__).resolve().parents[1] / room)]
        names += [one.name for one in pkgutil.walk_packages(folder, f"funnelnb.{room}.")]
    for name in names:
        with contextlib.suppress(Exception):  # what cannot be imported here will say so in the notebook
            importlib.import_module(name)


def _reap(children: set[int]) -> None:
    for pid in list(children):
        if os.waitpid(pid, os.WNOHANG)[0]:
            children.discard(pid)


def _become_kernel(wish: dict[str, Any], output: int) -> None:
    """Turn this forked process into a kernel; never returns."""
    server = os.getppid()
    try:
        os.setsid()
        _die_with_parent()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.chdir(wish["folder"])
        os.environ.clear()
        os.environ.update(wish["environment"], JPY_PARENT_PID=str(server))
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()  # else every kernel would draw the same
        from ipykernel.kernelapp import IPKernelApp

        app = IPKernelApp.instance(parent_handle=server)
        app.initialize(wish["arguments"])
        app.start()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
