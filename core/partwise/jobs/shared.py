"""How do large arrays cross to another of our processes, and leave nothing behind?

A message is pickled with its arrays out of band (protocol 5); together they go into one block
of shared memory, the rest through the pipe. The receiver copies and unlinks the block at once.
Names are counted per direction, so whoever survives knows which block the other may have left.

Both ends are our own processes on this machine, joined by an anonymous pipe: what is read from
disk never comes this way.
"""

from __future__ import annotations

import os
import pickle
import secrets
import sys
import threading
from collections import deque
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

__all__ = ["Channel", "new_name"]

_INLINE = 1 << 15  # bytes; less than this goes through the pipe, which then never blocks
_ALIGN = 64
# On Windows a block vanishes with its last handle, before the receiver has opened it.
_BLOCKS = sys.platform != "win32"


def new_name() -> str:
    """Return a fresh prefix for the blocks of one direction (macOS allows 31 characters).

    It begins with the process that asks, so that what is left over can be told from the blocks
    of another session.
    """
    return f"pw{os.getpid():x}-{secrets.token_hex(4)}"


class Channel:
    """One end of a pipe between two processes of ours.

    Parameters
    ----------
    connection : Connection
    out, into : str
        Prefixes of the blocks that this end writes and reads; crossed over at the other end.
    """

    def __init__(self, connection: Connection, out: str, into: str) -> None:
        self._connection = connection
        self._out = out
        self._into = into
        self._written = 0
        self._read = 0
        self._unanswered: deque[str] = deque(maxlen=64)
        self._sending = threading.Lock()  # several threads may have something to say

    def send(self, message: Any) -> None:
        """Send a message; raises `OSError` where the other end is gone."""
        found: list[pickle.PickleBuffer] = []
        body = pickle.dumps(message, protocol=5, buffer_callback=found.append)
        buffers = [buffer.raw() for buffer in found]
        spans, total = _layout([buffer.nbytes for buffer in buffers])
        with self._sending:
            self._post(body, spans, total, buffers)

    def _post(
        self, body: bytes, spans: list[tuple[int, int]], total: int, buffers: list[memoryview]
    ) -> None:
        name = f"{self._out}{self._written}"
        if total > _INLINE and _BLOCKS and _write_block(name, total, spans, buffers):
            self._written += 1
            self._unanswered.append(name)
            envelope = (body, name, spans, b"")
        else:
            name = ""
            pool = bytearray(total)
            for (start, stop), buffer in zip(spans, buffers, strict=True):
                pool[start:stop] = buffer
            envelope = (body, name, spans, bytes(pool))
        self._connection.send_bytes(pickle.dumps(envelope, protocol=5))

    def receive(self) -> Any:
        """Wait for a message; raises `EOFError` or `OSError` where the other end is gone."""
        body, name, spans, inline = pickle.loads(self._connection.recv_bytes())  # noqa: S301
        if name:
            self._read += 1
            pool = _take_block(name)
        else:
            pool = np.frombuffer(bytearray(inline), np.uint8)
        view = pool.data
        return pickle.loads(body, buffers=[view[a:b] for a, b in spans])  # noqa: S301

    def acknowledged(self) -> None:
        """Note that the other end has read all that was sent."""
        self._unanswered.clear()

    def sweep(self) -> None:
        """Unlink what a process that is gone left unread or half sent; then close the pipe."""
        for name in (f"{self._into}{self._read}", *self._unanswered):
            _unlink(name)
        self._connection.close()


def _layout(sizes: list[int]) -> tuple[list[tuple[int, int]], int]:
    spans, end = [], 0
    for size in sizes:
        start = -(-end // _ALIGN) * _ALIGN
        end = start + size
        spans.append((start, end))
    return spans, end


def _write_block(
    name: str, total: int, spans: list[tuple[int, int]], buffers: list[memoryview]
) -> bool:
    """Write a block; returns whether there was room for it."""
    try:
        block = SharedMemory(name, create=True, size=total)
    except OSError:
        return False
    try:
        _claim(name, total)
        pool = _bytes_of(block)
        for (start, stop), buffer in zip(spans, buffers, strict=True):
            pool[start:stop] = np.frombuffer(buffer, np.uint8)
        del pool  # the block cannot be closed while an array looks at it
    except OSError:
        block.unlink()
        return False
    finally:
        block.close()
    return True


def _claim(name: str, total: int) -> None:
    """Take the memory of a block now; raises `OSError` where there is none.

    Linux only promises it, and ends the process that writes to what is not there (containers have
    64 MB by default).
    """
    path = f"/dev/shm/{name}"  # noqa: S108 - where the system keeps blocks, no file of ours
    if hasattr(os, "posix_fallocate") and os.path.exists(path):
        handle = os.open(path, os.O_RDWR)
        try:
            os.posix_fallocate(handle, 0, total)
        finally:
            os.close(handle)


def _take_block(name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    block = SharedMemory(name)
    try:
        pool = np.array(_bytes_of(block))
    finally:
        # Unlinking also takes the name off the resource tracker, which both processes share.
        block.unlink()
        block.close()
    return pool


def _bytes_of(block: SharedMemory) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.ndarray((block.size,), np.uint8, buffer=block.buf)


def _unlink(name: str) -> None:
    try:
        block = SharedMemory(name)
    except (FileNotFoundError, ValueError):  # ValueError: made, but not yet given a size
        return
    block.unlink()
    block.close()
