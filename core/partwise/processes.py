"""Does the process that left a note still run?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["alive", "born"]


def born(pid: int) -> str:
    """Return what tells a process from a later one of the same number; empty where nobody knows."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
        # The name, in brackets, may hold anything; the start is the 20th word behind it (proc(5)).
        start = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return f"{boot}-{start[19]}"
    except (OSError, ValueError, IndexError):
        return ""


def alive(pid: int, was_born: str = "") -> bool:
    """Whether a process with this number exists.

    After a restart of the machine another process may have the number: with `was_born`, what
    `born` said of it, it does not count.
    """
    if not _exists(pid):
        return False
    now = born(pid) if was_born else ""
    return not now or now == was_born


def _exists(pid: int) -> bool:
    if pid <= 0:
        return False
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
        if handle:
            kernel.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):  # OverflowError: no number of a process
        return False
    except PermissionError:
        return True
    return True
