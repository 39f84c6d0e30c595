"""What does this machine have to give?"""

from __future__ import annotations

import contextlib
from pathlib import Path


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
