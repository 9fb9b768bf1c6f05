"""What of this recording is speech? From samples to parts, gain, measures and trust."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Dataset,
    Fit,
    InputProblem,
    Job,
    Residual,
    Result,
    View,
    single_blas,
    stop_if_cancelled,
)
from partwise_speech.arranged import separator_for
from partwise_speech.asked import Params as _Params
from partwise_speech.begun import begun_atoms
from partwise_speech.dictionary import Dictionary
from partwise_speech.drift import Drift, drift_of
from partwise_speech.learned import Noise, hear_noise
from partwise_speech.live import Live
from partwise_speech.moved import Moved
from partwise_speech.outlook import view_of_recording, waveform
from partwise_speech.painted import Painted
from partwise_speech.separator import Separator, model_frames
from partwise_speech.sound import Recording, recording_of
from partwise_speech.sources import GENERIC, facts_of, recording_behind, table_of, voice_of
from partwise_speech.summary import Summary
from partwise_speech.tell import measures, parts_of, tables, views
from partwise_speech.trust import by_hand, cut_off, lines
from partwise_speech.usable import check_length, check_sound, share_cut_off

__all__ = ["SpeechAnalysis"]

Array = NDArray[np.float32]


class SpeechAnalysis:
    """Speech and noise by dictionaries and a tracked noise spectrum."""

    id: ClassVar[str] = "denoise"
    title: ClassVar[str] = "Separate speech"
    Params: ClassVar[type] = _Params

    def warm_up(self) -> None:
        """Compile the tracker and read the generic voice."""
        from partwise_speech.cepstral import Steadied
        from partwise_speech.voice import measure_voice

        Steadied(np.ones(257)).gains(np.ones((257, 2), np.float32))
        phase = 2 * np.pi * 150 * np.arange(16_000) / 16_000
        measure_voice(np.sin(phase).astype(np.float32), 16_000)
        voice_of(GENERIC)

    def preview(self, dataset: Dataset) -> tuple[View, ...]:
        """Return waveform and spectrogram, to be seen before a run."""
        return (view_of_recording(dataset),)

    def memory(self, dataset: Dataset, params: _Params) -> int:
        """Return about how many bytes a run takes: a stretch, and a byte per bin and frame."""
        return 500_000_000 + model_frames(recording_of(dataset)) * 257 * 4

    def run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        """Separate a recording.

        Raises
        ------
        InputProblem
            No sound, too short, silent, or a span beyond it.
        FileProblem
            A voice or a noise that cannot be read.
        """
        # Many small products: beside a busy neighbour, threads of BLAS would wait for each other.
        with single_blas():
            return self._run(dataset, params, job)

    def _run(self, dataset: Dataset, params: _Params, job: Job) -> Result:
        job.report(0.0, "Listening")
        recording = recording_of(dataset)
        check_length(recording)
        _check_locks(job)
        painted, moved = Painted.read(params.painted), Moved.read(params.moved)
        _check_painted_within(painted, recording.seconds)
        wave = waveform(recording)
        check_sound(recording, wave)
        voice = voice_of(params.speech_dictionary, job.seed)
        stop_if_cancelled(job)
        live = Live(job, recording)
        noise = hear_noise(
            recording,
            params.noise_span,
            params.noise_file,
            params.noise_atoms,
            voice,
            job.seed,
            live.atoms,
            begun_atoms(job.start, params.noise_atoms),
        )
        _check_moved_among(moved, noise.atoms.shape[1])
        stop_if_cancelled(job)
        separator = separator_for(recording, voice, noise, params.method, painted, moved)
        summary = Summary(recording, separator.frames, noise.span)

        def on_step(share: float, atoms: Array) -> bool:
            job.report(0.05 + 0.85 * share, "Separating speech from noise")
            return live.atoms(atoms)

        for stretch in separator.stretches(on_step):
            stop_if_cancelled(job)
            summary.add(stretch)
            if summary.reached < summary.frames:
                live.picture(summary, wave)
        job.report(0.92, "Measuring")
        drift = (
            drift_of(recording, summary, params.strength, params.original / 100)
            if params.drift
            else None
        )
        drawn = views(summary, wave)
        cut = share_cut_off(recording)
        return _result(recording, params, voice, noise, separator, summary, drawn, drift, cut)


def _check_painted_within(painted: Painted, seconds: float) -> None:
    late = next((box for box in painted.boxes if box.start >= seconds), None)
    if late is not None:
        raise InputProblem(
            f"{late.start:g}:{late.end:g} s was painted, and the recording lasts {seconds:.2f} s",
            argument="painted",
            fix="paint inside it, or leave painted empty",
        )


def _check_moved_among(moved: Moved, atoms: int) -> None:
    if moved.noise and max(moved.noise) >= atoms:
        raise InputProblem(
            f"atom {max(moved.noise) + 1} of the noise was moved, and it has {atoms}",
            argument="moved",
            fix="leave moved empty, or ask for more atoms of noise",
        )


def _facts_of(noise: Noise, recording: Recording) -> dict[str, Any]:
    """Name, number of atoms and origin of the noise, whether given or learned here."""
    count = noise.atoms.shape[1]
    if noise.given is not None:
        return facts_of(noise.given, count)
    where = noise.origin
    if noise.span is not None:
        where += f", {noise.span[0]:.2f} to {noise.span[1]:.2f} s"
    return {"name": f"Noise of {recording.title}", "atoms": count, "source": where}


def _check_locks(job: Job) -> None:
    for part in job.kept:
        raise InputProblem(
            f"{part.name} is locked, and the rest of the recording is then fixed as well",
            argument="input",
            fix="unlock it; to keep what it is made of, save the noise or the voice and choose it",
        )


def _result(
    recording: Recording,
    params: _Params,
    voice: Dictionary,
    noise: Noise,
    separator: Separator,
    summary: Summary,
    drawn: tuple[View, ...],
    drift: Drift | None,
    cut: float,
) -> Result:
    choice = separator.choice
    used = facts_of(voice, voice.count), _facts_of(noise, recording)
    facts: dict[str, Any] = {
        "rate": recording.rate,
        "channels": recording.channels,
        "samples": recording.samples,
        "seconds": recording.seconds,
        "strength": params.strength,
        "original": params.original,
        "flac": params.flac,
        "late": ["strength", "original", "flac"],  # what is chosen later holds for what is exported
        "noise_span": list(noise.span) if noise.span else None,
        "noise_origin": noise.origin if noise.given is None else "noise file",
        "noise": used[1],
        "noise_like_voices": noise.alike.value,
        "voice": used[0],
        "voice_recording": recording_behind(params.speech_dictionary),
        "method": {
            "mask": choice.mask,
            "sharp": choice.sharp,
            "tracked": choice.tracked,
            "floor": choice.floor,
            "why": choice.why,
            "learns": separator.settings.adapts if separator.settings.adapt_every else "nothing",
            "level_in_fit": separator.settings.level,
        },
        "processed": "not for acoustic measurement",
    }
    # Gains share the recording out: speech and noise are all of it, sample by sample. How well the
    # atoms render its spectrogram is another question, which the trust card answers.
    missed = f"{summary.left:.1%} of its spectrogram in bands is rendered by neither model"
    return Result(
        parts=parts_of(summary),
        residual=Residual(0.0, f"Speech and noise add up to the recording; {missed}"),
        fit=Fit(
            "kl",
            summary.trace[-1] if summary.trace else 0.0,
            summary.explained,
            summary.updates,
            "max_iter",
            summary.kkt,
            tuple(summary.trace),
        ),
        measures=(
            *measures(summary, noise, params.strength, params.original / 100),
            *((drift.measure(),) if drift is not None else ()),
        ),
        trust=(
            *lines(summary, noise, choice, drift),
            *cut_off(cut),
            *by_hand(Moved.read(params.moved), Painted.read(params.painted), params.original),
        ),
        views=drawn,
        tables=(*tables(drift), table_of(*used)),
        facts=facts,
    )
