"""What kind of sound is this file, and how does it become a dataset?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, FileProblem, fingerprint
from partwise_speech.makes import PATTERNS
from partwise_speech.packed import is_packed, unpacked
from partwise_speech.tags import info_of

__all__ = ["load_sound", "probe_sound"]

_SUFFIXES = frozenset(pattern[1:] for pattern in PATTERNS)
_HEAD = 64
_IN_MEMORY = 32_000_000  # samples over all channels, 128 MB; longer ones are read piece by piece
_RATES = 2_000, 768_000
_LONGEST_S = 24 * 3600.0
_MOST_CHANNELS = 64
_TAGS = ("title", "artist", "album", "date", "comment", "copyright", "genre", "tracknumber")
_LOST = "\ufffd"  # what stands for a letter that cannot be read
_LOUDEST = 2.0**32  # float samples of whole numbers are read; their squares must stay finite
_UNKNOWN = 1 << 62  # samples that a file says it has where its writer never came to its end
_AT_ONCE = 4096
_SHORT = re.compile(
    r"^\s*(?:RIFF|FORM|riff|Riff size|Data Size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_PREFIX = re.compile(r"^Error(?: opening .*'|) ?: ")  # which names the file once more
_SLOPPY = 64  # bytes by which writers are off
# What is written for a length that is not known yet, by those that write into a pipe.
_PLACEHOLDERS = (range(1), range(0x7FFF_F000, 0x8000_0001), range(0xFFFF_F000, 0x1_0000_0000))


def probe_sound(path: Path) -> float:
    """Return how surely this is a sound that we read: by content, the suffix tips the scale."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return 0.0
    named = path.suffix.lower() in _SUFFIXES
    if _is_sound(head):
        return 0.9 if named else 0.7
    if is_packed(head):
        return 0.9 if named else 0.3
    if named and head[:2] in (b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xfa"):
        return 0.9
    # Wrong content under a sound's name: we claim it faintly, to say what is wrong with it.
    return 0.05 if named else 0.0


def _is_sound(head: bytes) -> bool:
    if head[:4] in (b"RIFF", b"RF64", b"RIFX"):
        return head[8:12] == b"WAVE"
    if head[:4] == b"FORM":
        return head[8:12] in (b"AIFF", b"AIFC")
    return head[:4] in (b"fLaC", b"OggS", b"caff", b".snd", b"riff") or head[:3] == b"ID3"


def load_sound(path: Path) -> Dataset:
    """Read a recording: samples in memory, or left in the file where they are many.

    Returns
    -------
    Dataset
        Axes channel and time in seconds; values float32 in [-1, 1] or None.

    Raises
    ------
    FileProblem
        Empty, damaged, no sound, without samples, or at a rate at which nothing is speech.
    """
    path = Path(path)
    source = fingerprint(path)
    if not source.size:
        raise FileProblem(path, "is empty", fix="copy or record it again")
    with path.open("rb") as start:
        packed = is_packed(start.read(_HEAD))
    shape, values, facts = _of_packed(path) if packed else _of_file(path)
    rate = facts["rate"]
    assert isinstance(rate, int)
    return Dataset(
        kind="sound",
        title=path.name,
        axes=(
            Axis("channel", shape[0], labels=_names(shape[0])),
            Axis("time", shape[1], "s", 1.0 / rate),
        ),
        values=values,
        source=source,
        meta=facts,
    )


_Found = tuple[tuple[int, int], NDArray[np.float32] | None, dict[str, object]]


def _of_file(path: Path) -> _Found:
    """Channels and samples, values where they are few, and facts, by the library."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            endless = file.frames >= _UNKNOWN or not file.seekable()
            values = _rescued(path, file) if endless else None
            samples = file.frames if values is None else values.shape[1]
            _check(path, samples, file.samplerate, file.channels)
            _check_whole(path, file, samples)
            if values is None and samples * file.channels <= _IN_MEMORY:
                values = file.read(dtype="float32", always_2d=True).T
            if values is not None:
                values = _checked(path, values, samples, file.samplerate)
            return (file.channels, samples), values, _facts(path, file)
    except (OSError, RuntimeError, TypeError) as error:
        raise _unreadable(path, error) from error


def _of_packed(path: Path) -> _Found:
    """The same of what a program of its own unpacks."""
    found = unpacked(path)
    samples, channels = found.samples, found.channels
    _check(path, samples, found.rate, channels)
    few = samples * channels <= _IN_MEMORY
    values = _checked(path, found.read(0, samples), samples, found.rate) if few else None
    tags = {name: text for name, text in found.tags.items() if name != "decoder"}
    facts: dict[str, object] = {
        "format": path.suffix[1:].upper(),
        "subtype": "FLOAT",  # what is unpacked is no whole number, and may pass full scale
        "unpacked": found.tags.get("decoder", ""),
        "rate": found.rate,
        "tags": tags,
    }
    return (channels, samples), values, facts


def _rescued(path: Path, file: Any) -> NDArray[np.float32]:
    """All that is there of a recording whose writer never came to its end, as after a crash."""
    found, count = [np.zeros((0, file.channels), np.float32)], 0
    try:
        while len(block := file.read(_AT_ONCE, dtype="float32", always_2d=True)):
            found.append(block)
            count += block.size
            if count > _IN_MEMORY:  # it cannot be read from its middle either
                raise FileProblem(
                    path,
                    "was not ended by the program that wrote it, and is long",
                    fix="save it anew from an audio editor",
                )
    except RuntimeError:
        pass  # it broke off in the middle of a block; what came before is all there is
    return np.concatenate(found).T


def _check(path: Path, samples: int, rate: int, channels: int) -> None:
    if samples <= 0:
        raise FileProblem(path, "holds no samples", fix="copy or record it again")
    if not _RATES[0] <= rate <= _RATES[1]:
        raise FileProblem(
            path,
            f"has {rate:,} samples per second",
            fix="speech needs at least 2,000; convert it to 16,000 or more",
        )
    if channels > _MOST_CHANNELS:
        raise FileProblem(path, f"has {channels} channels", fix="export at most 64")
    seconds = samples / rate
    if seconds > _LONGEST_S:
        raise FileProblem(
            path,
            f"says that it lasts {seconds / 3600:,.0f} hours",
            fix="cut it into pieces of at most 24 hours",
        )


def _check_whole(path: Path, file: Any, samples: int) -> None:
    missing, seconds = _missing(str(file.extra_info)), samples / file.samplerate
    if missing:
        raise FileProblem(
            path,
            f"breaks off after {seconds:.2f} s: {missing:,} bytes of it are not there",
            fix="copy it again; if there is no more of it, save what is there from an audio editor",
        )


def _missing(log: str) -> int:
    """Bytes that a file promises and does not hold, by what the library found of its header."""
    for promised, held in _SHORT.findall(log):
        if not any(int(promised) in known for known in _PLACEHOLDERS):
            lacks = int(promised) - int(held)
            if lacks > _SLOPPY:
                return lacks
    return 0


def _checked(
    path: Path, found: NDArray[np.float32], samples: int, rate: int
) -> NDArray[np.float32]:
    if found.shape[1] != samples:
        raise FileProblem(
            path,
            f"breaks off after {found.shape[1] / rate:.2f} s of {samples / rate:.2f} s",
            fix="copy it again",
        )
    each = np.count_nonzero(~np.isfinite(found), axis=1)
    if each.any():
        where = np.flatnonzero(each)
        lies = f", all in {_names(len(each))[where[0]]}" if len(where) == 1 < len(each) else ""
        raise FileProblem(
            path,
            f"has {each.sum():,} samples that are no numbers{lies}",
            fix="export it again from the program that wrote it"
            + (", without that channel" if lies else ""),
        )
    top = float(np.abs(found).max(initial=0.0))
    if top > _LOUDEST:
        raise FileProblem(
            path,
            f"has samples of up to {top:.0e}, where 1 is full scale",
            fix="export it again, as whole numbers of 16 or 24 bits",
        )
    return np.ascontiguousarray(found)


def _facts(path: Path, file: Any) -> dict[str, object]:
    tags = {name: getattr(file, name) for name in _TAGS}
    if any(_LOST in str(text) for text in tags.values()):  # it was written on Windows, long ago
        tags |= {name: text for name, text in info_of(path).items() if name in _TAGS}
    return {
        "format": str(file.format),
        "subtype": str(file.subtype),
        "endian": str(file.endian),
        "rate": int(file.samplerate),
        "tags": {name: str(text) for name, text in tags.items() if text},
    }


def _names(channels: int) -> tuple[str, ...]:
    if channels == 1:
        return ("Mono",)
    if channels == 2:
        return ("Left", "Right")
    return tuple(f"Channel {k + 1}" for k in range(channels))


def _unreadable(path: Path, error: BaseException) -> FileProblem:
    if isinstance(error, FileProblem):
        return error
    words = (str(error).splitlines() or [type(error).__name__])[0]
    words = _PREFIX.sub("", words).strip(" .")[:120]
    return FileProblem(
        path,
        f"is damaged, cut or no sound ({words})",
        fix="give WAV, FLAC, OGG, Opus, MP3, M4A, AIFF, CAF or W64",
    )
