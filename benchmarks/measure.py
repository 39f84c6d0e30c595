"""Processor time and peak memory of one call. Needs nothing but Python, so that every environment can use it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def measured(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Call `work` once; return its processor and wall-clock seconds and its peak memory in MB, and its result."""
    forget_peak()
    before = memory("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    took = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    return took | {"added_mb": memory("VmHWM") - before}, result


def median(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of every measure."""
    return {name: statistics.median(one[name] for one in runs) for name in runs[0]}


def forget_peak() -> None:
    """Start the kernel's peak-memory mark anew."""
    Path("/proc/self/clear_refs").write_text("5")


def memory(field: str) -> float:
    """Return resident (VmRSS) or peak (VmHWM) memory of this process in MB."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(field))
    return int(line.split()[1]) / 1024
