"""What of this recording is speech? From samples to parts, gain, measures and trust."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Dataset,
    Fit,
    InputProblem,
    Job,
    Part,
    Residual,
    Result,
    View,
    param,
    stop_if_cancelled,
)
from partwise_speech.dictionary import DEPTH, Dictionary, banded, patches
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE, stft_for
from partwise_speech.outlook import view_of_recording
from partwise_speech.painted import Painted, check_painted
from partwise_speech.separator import (
    Separator,
    Settings,
    frames_of,
    model_frames,
)
from partwise_speech.sound import Recording, recording_of
from partwise_speech.sources import GENERIC, noise_of, voice_of
from partwise_speech.spans import check_span, find_lead_in, read_span
from partwise_speech.summary import Summary
from partwise_speech.taught import obeyed, taught
from partwise_speech.tell import measures, tables, views
from partwise_speech.trust import lines

__all__ = ["SpeechAnalysis"]

_SHORTEST_S = 0.3
_LOOK_S = 20.0  # in which a lead-in is looked for

SPEECH_COLOR, NOISE_COLOR = "#3f8fd2", "#e08a2c"

Array = NDArray[np.float32]


def _check_voice(text: str) -> str | None:
    if text.strip().lower() == GENERIC or Path(text).is_file():
        return None
    return "give generic, a saved dictionary, or a clean recording of the voice"


@dataclass(frozen=True)
class _Params:
    noise_span: str = param(
        "auto",
        label="Noise alone",
        check=check_span,
        help="Where there is noise and no speech, START:END in seconds; auto looks, none does not.",
    )
    speech_dictionary: str = param(
        GENERIC,
        label="Voice",
        check=_check_voice,
        help="Which voice to look for: generic, a saved dictionary, or a clean recording.",
    )
    strength: float = param(
        1.0,
        ge=0.0,
        le=2.0,
        label="Strength",
        help="How much of the noise to take away: 0 nothing, 1 as found, 2 twice the decibels.",
    )
    noise_file: str = param(
        "",
        label="Noise from a file",
        kind="file",
        help="A recording of the noise alone, or a saved noise; empty for this recording's own.",
    )
    noise_atoms: int = param(
        16,
        ge=1,
        le=64,
        label="Atoms of noise",
        advanced=True,
        help="How many spectral patterns the noise is made of.",
    )
    painted: str = param(
        "",
        label="Marks",
        advanced=True,
        check=check_painted,
        help="What is surely speech or noise: KIND START:END LOW:HIGH in s and Hz, joined by ;",
    )


@dataclass(frozen=True, eq=False)
class _Noise:
    """Atoms and level to begin with, and where they come from in words and seconds."""

    atoms: Array
    level: NDArray[np.floating[Any]]
    span: tuple[float, float] | None
    origin: str


class SpeechAnalysis:
    """Speech and noise by dictionaries and a tracked noise spectrum."""

    id: ClassVar[str] = "denoise"
    title: ClassVar[str] = "Separate speech"
    Params: ClassVar[type] = _Params

    def warm_up(self) -> None:
        """Compile the tracker and read the generic voice."""
        from partwise_speech.tracker import Tracker

        Tracker(np.ones(257)).gains(np.ones((257, 2), np.float32))
        voice_of(GENERIC)

    def preview(self, dataset: Dataset) -> tuple[View, ...]:
        """Return waveform and spectrogram, to be seen before a run."""
        return (view_of_recording(dataset),)

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes: a stretch, and a byte per bin and frame."""
        recording = recording_of(dataset)
        return 600_000_000 + model_frames(recording) * 257 * 5

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Separate a recording.

        Raises
        ------
        InputProblem
            No sound, too short, silent, or a span beyond it.
        FileProblem
            A voice or a noise that cannot be read.
        """
        job.report(0.0, "Listening")
        recording = recording_of(dataset)
        _check_length(recording)
        voice = voice_of(params.speech_dictionary, job.seed)
        stop_if_cancelled(job)
        noise = _noise(recording, params, job)
        stop_if_cancelled(job)
        painted = Painted.read(params.painted)
        marks = taught(recording, painted, job.seed)
        settings = Settings()
        voice, atoms = marks.voice(voice), marks.with_noise(noise.atoms)
        separator = Separator(recording, voice, atoms, noise.level, settings)
        summary = Summary(recording, separator.frames, noise.span)
        stopped = False

        def on_step(share: float, atoms: Array) -> bool:
            job.report(0.05 + 0.85 * share, "Separating speech from noise")
            return not job.cancelled

        for stretch in separator.stretches(on_step):
            stop_if_cancelled(job)
            gain = obeyed(stretch.gain, stretch.first, painted, settings.floor)
            summary.add(replace(stretch, gain=gain))
            job.snapshot(_parts(summary), summary.trace)
        if not summary.energy > 0:
            raise InputProblem(
                f"{dataset.title} is silent",
                argument="input",
                fix="check the microphone or the file",
            )
        job.report(0.92, "Measuring")
        return _result(recording, params, voice, noise, summary, stopped)


def _check_length(recording: Recording) -> None:
    if recording.seconds < _SHORTEST_S:
        raise InputProblem(
            f"{recording.title} lasts {recording.seconds:.2f} s",
            argument="input",
            fix=f"give at least {_SHORTEST_S} s",
        )


def _noise(recording: Recording, params: _Params, job: Job) -> _Noise:
    given = noise_of(params.noise_file)
    stft = stft_for(RATE)
    span: tuple[float, float] | None = None
    asked = params.noise_span.strip().lower()
    if asked not in ("auto", "none"):
        span = read_span(params.noise_span, recording.seconds)
    elif asked == "auto" and given is None:
        look = frames_of(
            recording, 0, min(round(_LOOK_S * RATE / stft.hop), model_frames(recording))
        )
        span = find_lead_in(banded(np.abs(look)), stft.hop / RATE)
    if given is not None and given.sound is not None:
        found, origin = np.abs(stft.forward(given.sound)), "noise file"
    elif span is not None:
        found, origin = _inside(recording, span), "span" if asked != "auto" else "lead-in"
    else:
        found, origin = _quietest(recording), "quietest moments"
    level = np.maximum(np.square(found).mean(axis=1), 1e-12)
    if given is not None and given.dictionary is not None:
        return _Noise(given.dictionary.atoms, level, span, "saved noise")
    V = patches(banded(found), 1)

    def on_step(atoms: Array) -> bool:
        return not job.cancelled

    atoms = learn_noise(V, params.noise_atoms, seed=job.seed, on_step=on_step)
    return _Noise(atoms, level, span, origin)


def _inside(recording: Recording, span: tuple[float, float]) -> Array:
    """Magnitudes of the frames that lie wholly inside a span."""
    stft = stft_for(RATE)
    first = -(-int(span[0] * RATE + stft.lead) // stft.hop)
    last = int((span[1] * RATE - stft.hop) // stft.hop)
    last = min(max(last, first + DEPTH + 1), model_frames(recording))
    return np.abs(frames_of(recording, min(first, last - DEPTH - 1), last))


def _quietest(recording: Recording) -> Array:
    """Magnitudes of the quietest tenth of the frames, at least half a second."""
    stft = stft_for(RATE)
    found = np.abs(frames_of(recording, 0, min(model_frames(recording), 60 * RATE // stft.hop)))
    size = max(DEPTH * 2, 1)
    count = max(found.shape[1] // size, 1)
    energy = [float(np.square(found[:, k * size : (k + 1) * size]).mean()) for k in range(count)]
    keep = max(count // 10, min(4, count))
    chosen = np.sort(np.argsort(energy, kind="stable")[:keep])
    return np.concatenate([found[:, k * size : (k + 1) * size] for k in chosen], axis=1)


def _parts(summary: Summary) -> tuple[Part, ...]:
    share = summary.shares()
    made = []
    told = (("speech", "Speech", SPEECH_COLOR), ("noise", "Noise", NOISE_COLOR))
    for k, (key, name, color) in enumerate(told):
        made.append(
            Part(
                key, name, color, summary.spectrum(k), share[k], summary.course(k), "relative level"
            )
        )
    return tuple(made)


def _result(
    recording: Recording,
    params: _Params,
    voice: Dictionary,
    noise: _Noise,
    summary: Summary,
    stopped: bool,
) -> Result:
    facts: dict[str, Any] = {
        "rate": recording.rate,
        "channels": recording.channels,
        "samples": recording.samples,
        "seconds": recording.seconds,
        "strength": params.strength,
        "noise_span": list(noise.span) if noise.span else None,
        "noise_origin": noise.origin,
        "voice": voice.name,
        "processed": "not for acoustic measurement",
    }
    left = summary.left
    return Result(
        parts=_parts(summary),
        residual=Residual(left, f"{left:.1%} of the spectrogram is in neither part"),
        fit=Fit(
            "kl",
            summary.trace[-1] if summary.trace else 0.0,
            summary.explained,
            summary.updates,
            "cancelled" if stopped else "max_iter",
            summary.kkt,
            tuple(summary.trace),
        ),
        measures=measures(summary, params.strength),
        trust=lines(summary, noise.span, noise.origin, voice.name),
        views=views(recording, summary),
        tables=tables(summary),
        facts=facts,
    )
