"""What does this machine have to give?"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ONE_BOUND = threading.Lock()


def free_bytes() -> int:
    """How much memory may still be taken, in bytes?

    Returns
    -------
    int
        The least of what the system says is available and what the control group leaves (files that it only holds
        for reading again do not count as taken); 0 where neither tells.
    """
    found = []
    with contextlib.suppress(OSError, ValueError):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        most = int((group / "memory.max").read_text(encoding="ascii"))
        taken = int((group / "memory.current").read_text(encoding="ascii"))
        parts = dict(
            line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines()
        )
        found.append(most - taken + int(parts.get("inactive_file", 0)) + int(parts.get("active_file", 0)))
    return max(min(found), 1) if found else 0


@contextlib.contextmanager
def memory_bound(bytes_n: int) -> Iterator[None]:
    """Let the process take at most so much more memory while the block runs: what asks for more fails by itself.

    Parameters
    ----------
    bytes_n : int

    Notes
    -----
    Bounds the address space (``RLIMIT_AS``), of all threads. Where the system knows no such bound nothing is bounded.
    """
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError, ValueError):
        yield
        return
    with _ONE_BOUND:
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + bytes_n
        kept = [one for one in (soft, hard) if one != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_AS, (min([most, *kept]), hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
