"""How do speech and noise become files? At the rate, length and tags of the recording."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import AnalysisProblem, Dataset, Job, Result, stop_if_cancelled
from partwise_speech.dictionary import Dictionary, save_dictionary
from partwise_speech.sound import Recording, recording_of
from partwise_speech.sources import voice_of
from partwise_speech.strength import render

__all__ = [
    "NOTE",
    "gain_codes",
    "has_learned_voice",
    "wants_flac",
    "write_noise",
    "write_noise_dictionary",
    "write_noise_flac",
    "write_speech",
    "write_speech_flac",
    "write_voice_dictionary",
]

NOTE = "Processed by Partwise: not for acoustic measurement"

_BLOCK_S = 20.0
_WIDE = ("PCM_24", "PCM_32", "FLOAT", "DOUBLE")
_FLAC_CHANNELS, _FLAC_RATE = 8, 655_350
_CLASSIC = 3_900_000_000  # bytes; a classic WAV ends at 4 GiB


def gain_codes(result: Result) -> NDArray[np.uint8]:
    """Return the gains of a result, uint8 (257, frames); see `partwise_speech.strength`."""
    for view in result.views:
        if view.kind == "spectrogram" and "gain" in view.arrays:
            return np.asarray(view.arrays["gain"], dtype=np.uint8)
    raise AnalysisProblem("this result holds no gains", fix="run the analysis again")


def write_speech(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the speech as WAV."""
    _write(dataset, result, path, job, speech=True)


def write_noise(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write what was taken away as WAV; with the speech it adds up to the recording."""
    _write(dataset, result, path, job, speech=False)


def wants_flac(result: Result) -> bool:
    """Whether FLAC is to be written beside WAV, and can hold the recording."""
    facts = result.facts
    fits = facts.get("channels", 1) <= _FLAC_CHANNELS and facts.get("rate", 0) <= _FLAC_RATE
    return bool(facts.get("flac")) and fits


def write_speech_flac(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the speech as FLAC."""
    _write(dataset, result, path, job, speech=True, flac=True)


def write_noise_flac(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write what was taken away as FLAC."""
    _write(dataset, result, path, job, speech=False, flac=True)


def write_noise_dictionary(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the atoms of the noise, to be used on other recordings."""
    atoms = next(view.arrays["atoms"] for view in result.views if "atoms" in view.arrays)
    about = {"source": dataset.title, "span_s": result.facts.get("noise_span")}
    save_dictionary(
        Dictionary(f"Noise of {dataset.title}", "noise", np.asarray(atoms), about), path
    )


def has_learned_voice(result: Result) -> bool:
    """Whether the voice was learned from a recording in this run."""
    return bool(result.facts.get("voice_recording"))


def write_voice_dictionary(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the voice that this run learned, to be used at other visits."""
    seed = result.provenance.seed if result.provenance else 0
    save_dictionary(voice_of(str(result.facts["voice_recording"]), seed), path)


def _write(
    dataset: Dataset, result: Result, path: Path, job: Job, *, speech: bool, flac: bool = False
) -> None:
    """Write a file; raises `OSError` where that cannot be done, as any writer does."""
    import soundfile

    try:
        _write_sound(dataset, result, path, job, speech, flac)
    except soundfile.LibsndfileError as error:  # what fails in reading is a `FileProblem` already
        why = "the disk is full, or takes no file there"
        raise OSError(errno.EIO, why, str(path)) from error


def _write_sound(
    dataset: Dataset, result: Result, path: Path, job: Job, speech: bool, flac: bool
) -> None:
    import soundfile

    recording = recording_of(dataset)
    codes = gain_codes(result)
    strength = float(result.facts.get("strength", 1.0))
    original = float(result.facts.get("original", 0.0)) / 100
    subtype, container = _flac(dataset) if flac else _format(dataset, recording)
    with soundfile.SoundFile(
        path,
        "w",
        samplerate=round(recording.rate),
        channels=recording.channels,
        format=container,
        subtype=subtype,
    ) as file:
        _tag(file, dataset, speech)
        for start, stop in recording.blocks(_BLOCK_S):
            stop_if_cancelled(job)
            job.report(start / recording.samples, "Writing sound")
            made = render(recording, codes, start, stop, strength, original)
            if not speech:
                made = recording.read(start, stop) - made
            file.write(_fitting(made, subtype).T)


def _format(dataset: Dataset, recording: Recording) -> tuple[str, str]:
    given = str(dataset.meta.get("subtype", ""))
    subtype = given if given in _WIDE else "PCM_16"
    size = {"PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}[subtype]
    large = recording.samples * recording.channels * size > _CLASSIC
    return subtype, "RF64" if large else "WAV"


def _flac(dataset: Dataset) -> tuple[str, str]:
    given = str(dataset.meta.get("subtype", ""))
    return ("PCM_24" if given in _WIDE else "PCM_16"), "FLAC"


def _fitting(sound: NDArray[np.float32], subtype: str) -> NDArray[np.float32]:
    """Whole numbers end at full scale; what lies beyond would wrap or be clipped anyway."""
    return sound if subtype in ("FLOAT", "DOUBLE") else np.clip(sound, -1.0, 1.0)


def _tag(file: Any, dataset: Dataset, speech: bool) -> None:
    tags = dataset.meta.get("tags")
    if isinstance(tags, dict):
        for name, text in tags.items():
            if name != "comment":
                setattr(file, name, str(text))
    file.comment = NOTE
    file.software = "Partwise"
    if not speech:
        file.title = f"What was taken away from {dataset.title}"
