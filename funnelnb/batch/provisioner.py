"""How a kernel comes to life: forked from the warm server where there is one, else in the ordinary way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

if TYPE_CHECKING:
    from funnelnb.batch.forkserver import Server

NAME = "funnelnb-fork"

START = (
    "import sys; sys.modules.setdefault('rfc3987_syntax', None); "
    "from ipykernel import kernelapp; kernelapp.launch_new_instance()"
)
"""What an ordinary kernel runs. rfc3987_syntax checks web addresses for jsonschema; it loads for a second."""

_GLANCE_S = 0.005
"""How often to look whether something has happened."""

_SOCKET_PATH_BYTES = 90
"""Longest path of a socket's folder; a Unix socket's whole path may have 107."""


class Manager(AsyncKernelManager):
    """A kernel manager that knows the server its kernel may be forked from."""

    server: Server | None = None
    line: asyncio.Lock | None = None

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
    """Has the kernel forked by the manager's server; starts it the ordinary way when that does not answer."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel that `cmd` describes."""
        manager = self.parent
        if isinstance(manager, Manager) and manager.server is not None and manager.line is not None:
            arguments = cmd[cmd.index("-f") :]
            folder, environment = str(kwargs.get("cwd") or Path.cwd()), dict(kwargs.get("env") or os.environ)
            with contextlib.suppress(OSError):
                async with manager.line:
                    self.process = await asyncio.to_thread(
                        manager.server.launch, arguments, folder, environment, kwargs["stdout"].fileno()
                    )
                self.pid = self.pgid = self.process.pid
                self.cwd = folder
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def wait(self) -> int | None:
        """Wait until the kernel has ended, looking more often than ten times a second."""
        while self.process is not None and await self.poll() is None:
            await asyncio.sleep(_GLANCE_S)
        return await super().wait()


def manager(private: Path, server: Server | None, line: asyncio.Lock) -> Manager:
    """Prepare a kernel of this interpreter, whatever kernels are registered on the machine.

    Parameters
    ----------
    private : pathlib.Path
        Folder for its connection file and sockets, which only we can enter.
    server : Server or None
        Where it may be forked from.
    line : asyncio.Lock
        One question to the server at a time.
    """
    made = Manager(connection_file=str(private / "kernel.json"))
    argv = [sys.executable, "-c", START, "-f", "{connection_file}"]
    spec = KernelSpec(argv=argv, language="python", display_name="Python 3")
    if server is not None:
        place = f"{ForkProvisioner.__module__}:{ForkProvisioner.__name__}"
        known = KernelProvisionerFactory.instance().provisioners
        known[NAME] = EntryPoint(NAME, place, KernelProvisionerFactory.GROUP_NAME)
        spec.metadata = {"kernel_provisioner": {"provisioner_name": NAME}}
        made.server, made.line = server, line
    made._kernel_spec = spec  # noqa: SLF001 - there is no public way to give a manager its spec
    if os.name == "posix" and len(os.fsencode(private)) <= _SOCKET_PATH_BYTES:
        made.transport, made.ip = "ipc", str(private / "k")
    return made
