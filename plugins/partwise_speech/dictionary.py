"""What is a voice, or a noise, made of? Patches of its spectrogram, kept as a named asset.

A dictionary is a file of its own (a NumPy archive without pickle): the atoms, how they were cut,
and where they come from. It is made once and used at every visit.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem
from partwise_speech.bands import band_matrix
from partwise_speech.frames import RATE, stft_for

__all__ = [
    "BANDS",
    "DEPTH",
    "SUFFIX",
    "Dictionary",
    "banded",
    "is_dictionary",
    "learn_voice",
    "load_dictionary",
    "patches",
    "save_dictionary",
]

BANDS = 96
DEPTH = 8  # frames of 8 ms in one patch
SUFFIX = ".dictionary.npz"

_KIND = "partwise-speech-dictionary"
_VERSION = 1
_ATOMS = 1000
_FAINT = 0.01  # of the loudest patch: below it is silence, not voice
_MOST_BYTES = 64_000_000
_MOST_ATOMS = 20_000
_LEAST_S = 1.0
_LONGEST_PIECE = 60 * RATE

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Dictionary:
    """A named set of atoms.

    Attributes
    ----------
    name : str
        "Generic voice", "Voice of the visit in March".
    kind : str
        ``"voice"`` or ``"noise"``.
    atoms : ndarray of float32, shape (DEPTH * BANDS, atoms)
        Nonnegative columns that add up to one; `DEPTH` frames of `BANDS` bands one after the other.
    about : mapping
        Where it comes from: sources, licence, attribution, seconds; JSON types only.
    """

    name: str
    kind: str
    atoms: Array
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return int(self.atoms.shape[1])

    @property
    def is_own(self) -> bool:
        """Whether it was learned from one talker alone."""
        return self.kind == "voice" and self.about.get("talkers", 1) == 1

    def spectra(self) -> Array:
        """Return the mean spectrum of each atom, (atoms, BANDS)."""
        return np.asarray(self.atoms.reshape(DEPTH, BANDS, -1).mean(axis=0).T)


def banded(magnitudes: Array) -> Array:
    """Return magnitudes of bins gathered in bands, float32 (BANDS, frames)."""
    return np.asarray(band_matrix(len(magnitudes), RATE, BANDS) @ magnitudes)


def patches(bands: Array, every: int) -> Array:
    """Return stacks of `DEPTH` frames, one every `every` frames.

    Parameters
    ----------
    bands : ndarray, shape (BANDS, frames)
    every : int

    Returns
    -------
    ndarray of float32, shape (DEPTH * BANDS, patches)
    """
    if bands.shape[1] < DEPTH:
        return np.zeros((DEPTH * len(bands), 0), np.float32)
    cut = np.lib.stride_tricks.sliding_window_view(bands, DEPTH, axis=1)[:, ::every]
    stacked = cut.transpose(2, 0, 1).reshape(DEPTH * len(bands), -1)
    return np.ascontiguousarray(stacked, dtype=np.float32)


def learn_voice(
    sounds: Iterable[NDArray[np.float32]],
    name: str,
    *,
    atoms: int = _ATOMS,
    seed: int = 0,
    about: Mapping[str, Any] | None = None,
) -> Dictionary:
    """Draw exemplars of a voice from clean recordings.

    Parameters
    ----------
    sounds : iterable of ndarray of float32
        Clean speech at `RATE`, one channel each; brought to equal loudness.
    name : str
    atoms : int
        How many patches to draw.
    seed : int
    about : mapping, optional

    Raises
    ------
    InputProblem
        There is less than a second of sound above silence.
    """
    stft = stft_for(RATE)
    found, seconds = [], 0.0
    for sound in sounds:
        level = float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if len(sound) else 0.0
        if level <= 0 or not np.isfinite(level):
            continue
        seconds += len(sound) / RATE
        for start in range(0, len(sound), _LONGEST_PIECE):
            piece = sound[start : start + _LONGEST_PIECE] / np.float32(level)
            found.append(patches(banded(np.abs(stft.forward(piece))), 1))
    pool = np.concatenate(found, axis=1) if found else np.zeros((DEPTH * BANDS, 0), np.float32)
    mass = pool.sum(axis=0)
    pool = pool[:, mass > _FAINT * mass.max(initial=0.0)]
    if seconds < _LEAST_S or pool.shape[1] < RATE / stft.hop * _LEAST_S / 4:
        raise InputProblem(
            f"{name} holds {seconds:.1f} s of sound, too little to learn a voice from",
            argument="speech_dictionary",
            fix="give at least a few seconds of clean speech; 30 s are good",
        )
    rng = np.random.default_rng(seed)
    chosen = pool[:, np.sort(rng.choice(pool.shape[1], min(atoms, pool.shape[1]), replace=False))]
    told = {"seconds": round(seconds, 2), **(about or {})}
    return Dictionary(name, "voice", np.asarray(chosen / chosen.sum(axis=0), np.float32), told)


def save_dictionary(dictionary: Dictionary, path: Path) -> None:
    """Write a dictionary; atoms are kept to eleven bits, which nobody hears."""
    about = {
        "format": _KIND,
        "version": _VERSION,
        "name": dictionary.name,
        "kind": dictionary.kind,
        "rate": RATE,
        "bands": BANDS,
        "depth": DEPTH,
        "about": dict(dictionary.about),
    }
    text = np.frombuffer(json.dumps(about, ensure_ascii=False).encode(), np.uint8)
    scale = max(float(np.abs(dictionary.atoms).max(initial=0.0)), 1e-6)
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            about=text,
            atoms=(dictionary.atoms / scale).astype(np.float16),
        )


def is_dictionary(path: Path) -> bool:
    """Whether a file may be a dictionary: an archive by its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\3\4"
    except OSError:
        return False


def load_dictionary(path: Path) -> Dictionary:
    """Read a dictionary; nothing in the file is run.

    Raises
    ------
    FileProblem
        Missing, damaged, too large, or no dictionary of ours.
    """
    if not path.is_file():
        raise FileProblem(path, "there is no such file", fix="check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
            if set(sizes) != {"about.npy", "atoms.npy"} or sum(sizes.values()) > _MOST_BYTES:
                raise _foreign(path)
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(bytes(archive["about"]).decode("utf-8"))
            atoms = np.asarray(archive["atoms"], dtype=np.float32)
    except FileProblem:
        raise
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError, RecursionError) as error:
        raise FileProblem(
            path, "is damaged or no dictionary", fix="save it again, or learn the voice anew"
        ) from error
    return _checked(path, about, atoms)


def _checked(path: Path, about: Any, atoms: Array) -> Dictionary:
    if not isinstance(about, dict) or about.get("format") != _KIND:
        raise _foreign(path)
    if about.get("version") != _VERSION:
        raise FileProblem(
            path,
            f"is a dictionary of version {about.get('version')}, and this program knows {_VERSION}",
            fix="learn the voice anew, or update Partwise",
        )
    expected = {"rate": RATE, "bands": BANDS, "depth": DEPTH}
    sound = (
        all(about.get(name) == value for name, value in expected.items())
        and atoms.ndim == 2
        and len(atoms) == BANDS * DEPTH
        and 0 < atoms.shape[1] <= _MOST_ATOMS
        and np.isfinite(atoms).all()
        and bool((atoms >= 0).all())
        and bool((atoms.sum(axis=0) > 0).all())
        and about.get("kind") in ("voice", "noise")
    )
    if not sound:
        raise FileProblem(path, "holds atoms that do not fit", fix="learn the dictionary anew")
    inner = about.get("about")
    return Dictionary(
        str(about.get("name", path.stem))[:200],
        str(about["kind"]),
        atoms / atoms.sum(axis=0),
        inner if isinstance(inner, dict) else {},
    )


def _foreign(path: Path) -> FileProblem:
    return FileProblem(
        path,
        "is no dictionary of Partwise",
        fix=f"give a saved dictionary (*{SUFFIX}) or a clean recording of the voice",
    )
