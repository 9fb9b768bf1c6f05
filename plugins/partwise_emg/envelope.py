"""How does a raw recording become an envelope? Filters, rectification, scaling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from partwise.api import InputProblem

__all__ = ["PRESETS", "Filters", "envelopes", "filters_of", "linear_envelope", "notched"]

Array = NDArray[np.floating[Any]]

_TAIL = 10  # zeros behind the end, where the way back begins: 2 × the taps of a fourth order
_NOTCH_Q = 30.0  # as narrow as 50/30 Hz
_ORDER = 4


@dataclass(frozen=True)
class Filters:
    """Corner frequencies in Hz of a zero-phase Butterworth filter of fourth order each way.

    `mains` is the frequency of hum to be taken out with its harmonics, 0 for none; `source` says
    who used these settings.
    """

    highpass: float
    lowpass: float
    mains: float = 0.0
    source: str = ""


PRESETS: Mapping[str, Filters] = {
    "santuz": Filters(50.0, 20.0, source="musclesyneRgies: Santuz, iScience 25:103574, 2022"),
    "clark": Filters(40.0, 4.0, source="Clark and others, J. Neurophysiol. 103:844, 2010"),
}


def filters_of(preset: str, highpass: float, lowpass: float, mains: float) -> Filters:
    """Return the filters that a preset names, or those given where it is ``"own"``."""
    known = PRESETS.get(preset)
    if known is None:
        return Filters(highpass, lowpass, mains, "chosen by hand")
    return Filters(known.highpass, known.lowpass, mains, known.source)


def envelopes(signals: Array, rate_hz: float, filters: Filters) -> NDArray[np.float64]:
    """Turn raw channels into envelopes from 0 to 1.

    Demean, high-pass, rectify, low-pass, non-positive values to the smallest positive one of all
    channels, less the channel's minimum, by the channel's maximum: the order of musclesyneRgies.

    Parameters
    ----------
    signals : ndarray, shape (channels, samples)
    rate_hz : float
    filters : Filters

    Returns
    -------
    float64, shape (channels, samples)
        A channel without any signal stays zero.

    Raises
    ------
    InputProblem
        A corner frequency that this rate cannot have, or too few samples.
    """
    smooth = linear_envelope(signals, rate_hz, filters)
    above = smooth[smooth > 0]
    # One floor for all channels, as there: it decides what a muscle at rest comes out as.
    smooth[smooth <= 0] = above.min() if above.size else 0.0
    smooth -= smooth.min(axis=1, keepdims=True)
    top = smooth.max(axis=1, keepdims=True)
    return np.asarray(smooth / np.where(top > 0, top, 1.0))


def linear_envelope(signals: Array, rate_hz: float, filters: Filters) -> NDArray[np.float64]:
    """Return filtered, rectified and smoothed channels in the unit of the recording."""
    x = np.atleast_2d(np.asarray(signals, dtype=np.float64))
    _check(x.shape[1], rate_hz, filters)
    x = x - x.mean(axis=1, keepdims=True)
    if filters.mains:
        x = notched(x, rate_hz, filters.mains)
    x = np.abs(_both_ways(_butter(filters.highpass, "highpass", rate_hz), x))
    return _both_ways(_butter(filters.lowpass, "lowpass", rate_hz), x)


def notched(signals: Array, rate_hz: float, mains_hz: float) -> NDArray[np.float64]:
    """Take the hum of the mains and its harmonics out, without a shift in time."""
    x = np.asarray(signals, dtype=np.float64)
    for k in range(1, int(rate_hz / 2 / mains_hz) + 1):
        if k * mains_hz >= 0.49 * rate_hz or k * mains_hz > 500:
            break
        b, a = scipy.signal.iirnotch(k * mains_hz, _NOTCH_Q, rate_hz)
        x = _both_ways(scipy.signal.tf2sos(b, a), x)
    return x


def _butter(
    corner: float, kind: Literal["highpass", "lowpass"], rate_hz: float
) -> NDArray[np.float64]:
    made = scipy.signal.butter(_ORDER, corner, btype=kind, fs=rate_hz, output="sos")
    return np.asarray(made)


def _both_ways(sos: NDArray[np.float64], x: Array) -> NDArray[np.float64]:
    """Filter there and back from rest, as R's ``signal::filtfilt`` does: no edge is made up."""
    longer = np.concatenate([x, np.zeros((x.shape[0], _TAIL))], axis=1)
    there = scipy.signal.sosfilt(sos, longer, axis=1)
    back = scipy.signal.sosfilt(sos, there[:, ::-1], axis=1)[:, ::-1]
    return np.ascontiguousarray(back[:, : x.shape[1]])


def _check(samples: int, rate_hz: float, filters: Filters) -> None:
    highest = max(filters.highpass, filters.lowpass)
    if not rate_hz > 2 * highest:
        raise InputProblem(
            f"at {rate_hz:g} Hz there is nothing above {rate_hz / 2:g} Hz, and the filters begin "
            f"at {highest:g} Hz",
            argument="input",
            fix="these look like envelopes: set preprocessed=true, or choose lower corners",
        )
    if filters.highpass <= 0 or filters.lowpass <= 0:
        raise InputProblem(
            "a corner frequency is above zero", argument="highpass", fix="give a value in Hz"
        )
    if samples < rate_hz / filters.lowpass:
        raise InputProblem(
            f"{samples} samples are {samples / rate_hz:.2f} s, shorter than one period of the "
            "smoothing",
            argument="input",
            fix="record longer, or set preprocessed=true for an envelope",
        )
