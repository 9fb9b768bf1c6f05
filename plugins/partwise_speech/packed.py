"""How is sound unpacked that our library does not read? By the program ffmpeg, where there is one.

M4A, AAC, WMA, AMR and the sound of a video. What comes out lies in an unnamed file, which is gone
with the process however that ends, so that an hour takes no memory.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_speech.tags import texts_of

__all__ = ["Unpacked", "is_packed", "unpacked"]

_PROGRAM = "ffmpeg"
# Only what needs nothing but itself: a play list could name other files, or a server.
_KINDS = "mov,matroska,aac,asf,amr,avi"
_PICTURES = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ")  # in the same boxes
_LONGEST_S = 24 * 3600
_MOST_CHANNELS = 64
_AT_ONCE = 1 << 20
_MOST_HEADER = 1 << 20
_MOST_TOLD = 4000
_KEPT = 2  # recordings of which a process has what was unpacked at hand


class Unpacked:
    """What was in a file; its samples lie in an unnamed one, from which they are read.

    Parameters
    ----------
    rate, channels, samples : int
    tags : dict of str
        And ``decoder``, the library that unpacked it.
    file : binary file
        Float32, all channels of a sample in turn.
    """

    def __init__(
        self, rate: int, channels: int, samples: int, tags: dict[str, str], file: IO[bytes]
    ) -> None:
        self.rate, self.channels, self.samples, self.tags = rate, channels, samples, tags
        self._reading = threading.Lock()
        self._handle = os.dup(file.fileno())  # of our own: files complain where nobody closes them

    def __del__(self) -> None:
        os.close(self._handle)

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return samples from `start` to before `stop`, float32 (channels, samples)."""
        each = 4 * self.channels
        with self._reading:  # mapped memory would do without, and count as memory
            os.lseek(self._handle, start * each, os.SEEK_SET)
            left, found = max(min(stop, self.samples) - start, 0) * each, bytearray()
            while len(found) < left and (more := os.read(self._handle, left - len(found))):
                found += more
        return np.frombuffer(found, "<f4").reshape(-1, self.channels).T


def is_packed(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of a container that is unpacked here."""
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURES
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head[:2] in (b"\xff\xf1", b"\xff\xf9"):  # AAC in frames, with or without a check sum
        return True
    starts = (b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"#!AMR")
    return head[4:8] in (b"moov", b"mdat", b"wide") or head.startswith(starts)


def unpacked(path: Path) -> Unpacked:
    """Return the first sound of a file, unpacked once per process while it stays as it is.

    Raises
    ------
    FileProblem
        There is no ffmpeg, no sound, it is cut or damaged, longer than a day, or there is no room.
    """
    state = path.stat()
    key = str(path.resolve()), state.st_size, state.st_mtime_ns
    with _lock:
        if key not in _known:
            _known[key] = _unpack(path)
            while len(_known) > _KEPT:
                _known.popitem(last=False)
        _known.move_to_end(key)
        return _known[key]


_known: OrderedDict[tuple[str, int, int], Unpacked] = OrderedDict()
_lock = threading.Lock()  # two threads that ask for the same wait for one


def _unpack(path: Path) -> Unpacked:
    with tempfile.TemporaryFile() as told, _running(path, told) as (program, out):
        try:
            header = _Header.read(path, out)
            count, file = _spooled(path, out, header)
        except EOFError as error:
            program.wait()
            raise _refused(path, told) from error
        if program.wait() or _was_cut(told):
            file.close()
            raise _refused(path, told)
    with file:
        return Unpacked(header.rate, header.channels, count, header.tags, file)


@contextmanager
def _running(path: Path, told: IO[bytes]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The program at work on a file; however this is left, it runs no more."""
    found = shutil.which(_PROGRAM)
    if found is None:
        raise FileProblem(
            path,
            "is packed in a way that takes the program ffmpeg to read, and there is none here",
            fix="install ffmpeg (ffmpeg.org), or export the sound as WAV or FLAC",
        )
    command = [found, "-nostdin", "-v", "error", "-xerror"]
    command += ["-protocol_whitelist", "file", "-format_whitelist", _KINDS]
    command += ["-i", f"file:{path.resolve()}", "-map", "0:a:0", "-c:a", "pcm_f32le"]
    command += ["-f", "wav", "pipe:1"]
    try:
        program = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        why = f"takes the program ffmpeg to read, which does not start ({error.strerror})"
        raise FileProblem(path, why, fix="install it anew, or export WAV or FLAC") from error
    with program:
        assert program.stdout is not None
        try:
            yield program, program.stdout
        finally:
            program.kill()


class _Header(NamedTuple):
    """What stands before the samples of a WAV of floating-point numbers."""

    rate: int
    channels: int
    tags: dict[str, str]

    @classmethod
    def read(cls, path: Path, out: IO[bytes]) -> _Header:
        """Read up to the first sample; raises `EOFError` where it ends before."""
        rate = channels = 0
        tags: dict[str, str] = {}
        _exactly(out, 12)
        while True:
            name, size = struct.unpack("<4sI", _exactly(out, 8))
            if name == b"data":
                break
            if size > _MOST_HEADER:
                raise EOFError
            chunk = _exactly(out, size + size % 2)
            if name == b"fmt ":
                channels, rate = struct.unpack("<HI", chunk[2:8])
            elif name == b"LIST":
                tags |= texts_of(chunk)
        if not rate or not 1 <= channels <= _MOST_CHANNELS:
            raise FileProblem(
                path, f"has {channels} channels", fix=f"export 1 to {_MOST_CHANNELS} of them"
            )
        return cls(rate, channels, tags)


def _exactly(out: IO[bytes], size: int) -> bytes:
    found = out.read(size)
    if len(found) < size:
        raise EOFError
    return found


def _spooled(path: Path, out: IO[bytes], header: _Header) -> tuple[int, IO[bytes]]:
    """Whole samples that come out, in an unnamed file, and how many they are."""
    each, size = 4 * header.channels, 0
    file = tempfile.TemporaryFile(prefix="partwise-unpacked-")  # noqa: SIM115 - the caller closes it
    try:
        while block := out.read(_AT_ONCE):
            file.write(block)
            size += len(block)
            if size > _LONGEST_S * header.rate * each:
                fix = "cut it into pieces of at most 24 hours"
                raise FileProblem(path, "lasts longer than a day", fix=fix)
        file.flush()
    except OSError as error:
        file.close()
        what = f"cannot be unpacked: there is no room for it in {tempfile.gettempdir()}"
        fix = "make room there, or export the sound as WAV or FLAC"
        raise FileProblem(path, what, fix=fix) from error
    except FileProblem:
        file.close()
        raise
    return size // each, file


def _was_cut(told: IO[bytes]) -> bool:
    """Whether it came to the end of the file before that of the sound, which is no error to it."""
    told.seek(0)
    words = told.read(_MOST_TOLD)
    return b"ended prematurely" in words or b"partial file" in words


def _refused(path: Path, told: IO[bytes]) -> FileProblem:
    """Say why nothing came, or not all of it."""
    told.seek(0)
    words = told.read(_MOST_TOLD).decode("utf-8", "replace")
    if "matches no streams" in words:
        return FileProblem(path, "holds no sound", fix="give a recording with sound")
    lines = [line for line in words.splitlines() if line.strip()] or ["nothing came out of it"]
    why = lines[0].rpartition("] ")[2].replace(str(path.resolve()), path.name)[:120].strip(" .")
    return FileProblem(
        path,
        f"is damaged, cut, or packed in a way that this ffmpeg does not know ({why})",
        fix="copy it again, or export the sound as WAV or FLAC",
    )
