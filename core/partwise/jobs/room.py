"""Will it fit? What a run needs, against the memory that is free."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partwise.data.dataset import Dataset
from partwise.errors import AnalysisProblem

__all__ = ["Room", "available_memory", "check_room", "room_for"]

_CGROUP = Path("/sys/fs/cgroup")
_MEMINFO = Path("/proc/meminfo")


def available_memory() -> int | None:
    """Return the bytes that a process may still take; None where the system does not tell."""
    if sys.platform == "win32":
        return _windows()
    found = [free for free in (_meminfo(), _container()) if free is not None]
    if found:
        return min(found)
    try:  # macOS tells only the whole; half of it is a fair guess of what is free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return None


@dataclass(frozen=True)
class Room:
    """What a run needs at its largest beside what there is, in bytes."""

    needed: int
    free: int

    @property
    def fits(self) -> bool:
        """Whether the run can be begun."""
        return self.needed <= self.free

    @property
    def words(self) -> str:
        """Both numbers, such as ``"needs about 3.1 GB of memory, and 24.0 GB are free"``."""
        needed, free = (f"{size / 1e9:.1f} GB" for size in (self.needed, self.free))
        return f"needs about {needed} of memory, and {free} are free"


def room_for(analysis: Any, dataset: Dataset, params: Any) -> Room | None:
    """Return what a run needs and what is free; None where nobody tells one of them.

    An analysis may bring ``memory(dataset, params) -> int``: about how many bytes it takes at its
    largest.
    """
    estimate = getattr(analysis, "memory", None)
    free = available_memory() if callable(estimate) else None
    if estimate is None or free is None:
        return None
    try:
        return Room(int(estimate(dataset, params)), free)
    except Exception:  # noqa: BLE001 - an estimate is a stranger's code, and no reason to refuse
        return None


def check_room(analysis: Any, dataset: Dataset, params: Any) -> None:
    """Refuse a run that does not fit in memory, before it brings the machine to its knees.

    Raises
    ------
    AnalysisProblem
    """
    room = room_for(analysis, dataset, params)
    if room is not None and not room.fits:
        raise AnalysisProblem(
            f"{dataset.title} {room.words}",
            fix="close other programs, choose a smaller region, or use a machine with more memory",
        )


def _meminfo() -> int | None:
    try:
        lines = _MEMINFO.read_text("ascii").splitlines()
        return next(1024 * int(x.split()[1]) for x in lines if x.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _container() -> int | None:
    """Return what a container has left (control groups, version 2)."""
    try:
        most = int((_CGROUP / "memory.max").read_text("ascii"))
        used = int((_CGROUP / "memory.current").read_text("ascii"))
        stat = (_CGROUP / "memory.stat").read_text("ascii").splitlines()
        # Pages of files that were read can be given back at any time.
        cached = next(int(x.split()[1]) for x in stat if x.startswith("inactive_file "))
    except (OSError, ValueError, StopIteration):  # "max" is no number: there is no limit
        return None
    return max(0, most - used + cached)


def _windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((f"size{k}", ctypes.c_ulonglong) for k in range(7)),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel: Any = getattr(ctypes, "windll").kernel32  # noqa: B009 - other systems have no such name
    if not kernel.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.size1)
