"""What is told of a separated recording? Views, measures and tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Measure, Part, Table, View
from partwise_speech.bands import band_matrix
from partwise_speech.begun import packed
from partwise_speech.dictionary import BANDS, DEPTH
from partwise_speech.drift import Drift
from partwise_speech.frames import RATE, stft_for
from partwise_speech.gain import BINS
from partwise_speech.learned import Noise
from partwise_speech.outlook import Wave
from partwise_speech.separator import EVERY
from partwise_speech.strength import gains_of
from partwise_speech.summary import Summary

__all__ = [
    "Levels",
    "measures",
    "mixed_db",
    "parts_of",
    "parts_to_be",
    "quieter_db",
    "tables",
    "view_of_atoms",
    "views",
]

_RANGE_DB = 80.0
_ATOM_RANGE_DB = 40.0
_COLORS = {"speech": "#3f8fd2", "noise": "#e08a2c"}

Array = NDArray[np.float32]


class Levels:
    """What is drawn of whole, speech and noise, made anew only where a run has gone on."""

    def __init__(self) -> None:
        self._top = 0.0
        self._reached = 0
        self._made = np.zeros((3, 0, 0), np.uint8)

    def of(self, summary: Summary) -> tuple[float, NDArray[np.uint8]]:
        """Return the power that is drawn brightest, and levels below it (3, 257, columns)."""
        top, first = float(summary.power.max()) or 1.0, self._reached // summary.every
        if top != self._top or self._made.shape[1:] != summary.power.shape:
            self._top, first = top, 0
            self._made = np.empty((3, *summary.power.shape), np.uint8)
        power = summary.power[:, first:]
        gain = np.square(gains_of(summary.codes[:, first * summary.every :: summary.every]))
        if first:  # what comes later is as it was: all of it to the one part, nothing to the other
            last = -(-summary.reached // summary.every) - first
            power, gain = power[:, :last], gain[:, :last]
        for place, part in enumerate((power, power * gain, power * (1 - gain))):
            self._made[place, :, first : first + part.shape[1]] = _levels(part, top)
        self._reached = summary.reached
        return top, self._made.copy()


def views(summary: Summary, wave: Wave, levels: Levels | None = None) -> tuple[View, ...]:
    """Return the spectrogram with its parts and gains, and the atoms of noise.

    The spectrogram carries, beside what is drawn, ``gain`` (257, frames): gains as bytes, from
    which speech and noise are rendered at any strength.

    Parameters
    ----------
    summary : Summary
        Of the whole recording, or of what has gone by so far; then the option ``reached`` says how
        many seconds that is.
    wave : Wave
    levels : Levels, optional
        Of the pictures before of this run.
    """
    active = np.concatenate(summary.active, axis=1)
    return (
        _spectrogram(summary, wave, levels or Levels()),
        view_of_atoms(summary.atoms, active, summary.used),
    )


def _spectrogram(summary: Summary, wave: Wave, levels: Levels) -> View:
    hop_s = stft_for(RATE).hop / RATE
    top, made = levels.of(summary)
    sound, step = wave
    high = 10 * float(np.log10(top)) - stft_for(RATE).full_scale_db
    options: dict[str, object] = {
        "level": [high - _RANGE_DB, high],
        "unit": "dBFS",
        "frequency": "linear",
        "wave_step": step,
    }
    if summary.reached < summary.frames:
        options["reached"] = summary.reached * hop_s
    if summary.span is not None:
        start, end = summary.span
        options["spans"] = [{"start": start, "end": end, "name": "Noise alone"}]
    return View(
        "spectrogram",
        "Spectrogram",
        {"whole": made[0], "parts": made[1:], "wave": sound, "gain": summary.codes},
        (
            Axis("frequency", made.shape[1], "Hz", RATE / 2 / (made.shape[1] - 1)),
            Axis("time", made.shape[2], "s", hop_s * summary.every),
        ),
        options,
    )


def _levels(power: Array, top: float) -> NDArray[np.uint8]:
    decibels = 10 * np.log10(np.maximum(power / top, 1e-12))
    steps = np.rint((decibels + _RANGE_DB) / _RANGE_DB * 255)
    return np.asarray(np.clip(steps, 0, 255), np.uint8)


def view_of_atoms(atoms: Array, active: Array | None = None, used: Array | None = None) -> View:
    """Return the atoms of the noise, each a spectrum in a lane of its own.

    Parameters
    ----------
    atoms : ndarray of float32, shape (features, atoms)
    active : ndarray of float32, shape (atoms, patches), optional
        None while they are only being learned.
    used : ndarray of float32, shape (voice atoms,), optional
        How much of the recording each atom of the voice renders.
    """
    spectra = _spectra(atoms)
    none = np.zeros((len(spectra), 0), np.float32)
    top = np.maximum(spectra.max(axis=1, keepdims=True), 1e-20)
    level = 20 * np.log10(np.maximum(spectra / top, 10 ** (-_ATOM_RANGE_DB / 20)))
    weights = band_matrix(BINS, RATE, BANDS)
    middle = weights @ np.linspace(0, RATE / 2, BINS) / weights.sum(axis=1)
    return View(
        "curves",
        "Atoms of the noise",
        {
            "x": (middle / 1000).astype(np.float32),
            "y": level,
            "atoms": atoms,
            "active": none if active is None else active,
            "used": none[0] if used is None else used,
        },
        (Axis("frequency", BANDS, "kHz"), Axis("level", 0, "dB")),
        {
            "names": [f"Noise {k + 1}" for k in range(len(spectra))],
            "colors": [_COLORS["noise"]] * len(spectra),
            "lanes": True,
            "range": [-_ATOM_RANGE_DB - 10, 10.0],  # room between the numbers of two lanes
            "tab": "Noise atoms",
            "patch_step": EVERY,
        },
    )


def _spectra(atoms: Array) -> Array:
    return np.asarray(atoms.reshape(DEPTH, BANDS, -1).mean(axis=0).T)


def parts_of(summary: Summary) -> tuple[Part, ...]:
    """Return speech and noise; the noise carries its atoms, for a run that goes on from here."""
    share = summary.shares()
    facts: tuple[dict[str, object], ...] = ({}, packed(summary.atoms))
    return tuple(
        Part(
            key,
            key.capitalize(),
            color,
            summary.spectrum(k),
            share[k],
            summary.course(k),
            "relative level",
            facts[k],
        )
        for k, (key, color) in enumerate(_COLORS.items())
    )


def parts_to_be(atoms: Array) -> tuple[Part, ...]:
    """Return the parts of a run that is still learning the noise: nothing to go on from."""
    level = band_matrix(BINS, RATE, BANDS).T @ _spectra(atoms).mean(axis=0)
    profiles = (np.zeros(BINS), level.astype(np.float64))
    return tuple(
        Part(key, key.capitalize(), color, profile, facts={"tried": True})
        for (key, color), profile in zip(_COLORS.items(), profiles, strict=True)
    )


def measures(
    summary: Summary, noise: Noise, strength: float, original: float = 0.0
) -> tuple[Measure, ...]:
    """Return what was measured without a reference.

    Parameters
    ----------
    summary : Summary
    noise : Noise
    strength : float
    original : float
        Share of the recording that is mixed under the speech, 0 to 1.
    """
    lead = summary.lead_in
    told = [
        Measure(
            "Speech-to-noise ratio before",
            noise.snr_db if lead is None else summary.snr_before(),
            "dB",
            f"Of the recording, its noise taken from the {noise.origin}.",
        )
    ]
    if lead is not None:
        less = mixed_db(quieter_db(lead) * strength, original)
        told += [
            Measure(
                "Speech-to-noise ratio after",
                summary.snr_after(less),
                "dB",
                "The same of what was kept, its noise taken from the same stretch.",
            ),
            Measure(
                "Lead-in attenuation",
                less,
                "dB",
                "How much quieter the stretch of noise alone has become.",
            ),
        ]
    told.append(
        Measure(
            "Energy taken away",
            100 * summary.shares()[1],
            "%",
            "Share of the recording's energy that is no longer in the speech.",
        )
    )
    told.append(
        Measure(
            "Likeness of the noise to voices",
            noise.alike.value,
            "",
            "0 nothing like voices, 1 voices: by pitch, mean spectrum and syllables.",
        )
    )
    return tuple(told)


def quieter_db(lead: tuple[float, float]) -> float:
    """Return by how many dB a stretch has become quieter, from its energy before and after."""
    return 10 * float(np.log10(lead[0] / max(lead[1], 1e-6 * lead[0])))


def mixed_db(quieter: float, original: float) -> float:
    """Return by how many dB it is quieter with a share of the original, 0 to 1, mixed under it."""
    return -20 * float(np.log10((1 - original) * 10 ** (-quieter / 20) + original))


def tables(drift: Drift | None) -> tuple[Table, ...]:
    """Return the measures of the voice before and after."""
    if drift is None:
        return ()
    return (
        Table(
            "Measures of the voice, before and after (not for acoustic measurement)",
            ("Measure", "Whole", "Speech", "Change"),
            drift.rows(),
        ),
    )
