"""Which channels of a file are muscles, which are usable, and what are they called?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from partwise.api import UsageProblem

__all__ = [
    "MUSCLES",
    "SLOWEST_HZ",
    "Channel",
    "Health",
    "Hum",
    "chosen",
    "clean_names",
    "find_channels",
    "health_of",
    "hum_of",
    "muscle_name",
]

Array = NDArray[np.floating[Any]]

SLOWEST_HZ = 200.0  # a slower channel holds no raw EMG
_SATURATED = 0.005  # share of samples at the very ends, in runs
_GAPS = 0.01  # share of missing samples that can be bridged
_LINE = 12.0  # times the power around it

# What laboratories write, and what they mean.
MUSCLES: Mapping[str, str] = {
    "ME": "gluteus medius",
    "MA": "gluteus maximus",
    "FL": "tensor fasciae latae",
    "RF": "rectus femoris",
    "VM": "vastus medialis",
    "VL": "vastus lateralis",
    "ST": "semitendinosus",
    "SM": "semimembranosus",
    "BF": "biceps femoris",
    "TA": "tibialis anterior",
    "PL": "peroneus longus",
    "GM": "gastrocnemius medialis",
    "GL": "gastrocnemius lateralis",
    "MG": "gastrocnemius medialis",
    "LG": "gastrocnemius lateralis",
    "SO": "soleus",
    "SOL": "soleus",
    "HAM": "hamstrings",
    "MH": "medial hamstrings",
    "LH": "lateral hamstrings",
    "AD": "adductors",
    "ES": "erector spinae",
    "RA": "rectus abdominis",
    "EO": "external oblique",
    "DELT_ANT": "anterior deltoid",
    "DELT_MED": "middle deltoid",
    "DELT_POST": "posterior deltoid",
    "TRAP_SUP": "upper trapezius",
    "TRAP_INF": "lower trapezius",
    "GD_DENT": "serratus anterior",
    "GD_DORS": "latissimus dorsi",
    "INFRA": "infraspinatus",
    "SUPRA": "supraspinatus",
    "SUBSCAP": "subscapularis",
    "PEC": "pectoralis major",
    "BICEPS": "biceps brachii",
    "TRICEPS": "triceps brachii",
}
_SIDE = re.compile(
    r"^(?:(l|lt|left|r|rt|right)[ _.\-])?(.*?)(?:[ _.\-](l|lt|left|r|rt|right))?$", re.I
)
_SUFFIX = re.compile(r"[ ._\-]*(?:im[ ._\-]*)?emg[ ._\-]*\d*$", re.I)
_PREFIX = re.compile(r"^emg[ ._\-]+", re.I)
_EMG = re.compile(r"emg|electromyo", re.I)
_OTHER = re.compile(
    r"^(volt|fx|fy|fz|mx|my|mz|force|moment|cop|grf|acc|gyr|mag|imu\b|angle|gonio|foot[ _]?sw|"
    r"fsr|trig|sync|pedal|ecg|ekg|eeg|eog|temp|resp|pressure|marker|status|counter|timestamp)"
    r"|(force|moment|acc(el)?|gyro|angle|goniometer|trigger|sync)([ ._\-]|[xyz]?$)",
    re.I,
)


@dataclass(frozen=True)
class Channel:
    """One channel of a file: its name there and here, and whether it is taken for EMG.

    `kind` is ``"emg"``, ``"flat"``, ``"gaps"``, ``"slow"`` or ``"other"``; `why` says so in words.
    """

    label: str
    name: str
    unit: str
    kind: str
    why: str = ""


@dataclass(frozen=True)
class Hum:
    """A narrow line in the spectrum, as mains leave it.

    `at_hz` is where it stands; `expected` whether that is a frequency that mains have. An odd
    one speaks for a wrong sampling rate in the header. `strength` is its power over that around.
    """

    at_hz: float
    strength: float
    expected: bool


@dataclass(frozen=True)
class Health:
    """What is wrong with the channels that are used: names by finding."""

    saturated: tuple[str, ...] = ()
    hum: Mapping[str, Hum] = field(default_factory=dict)
    rest: tuple[str, ...] = ()

    @property
    def mains(self) -> float:
        """The frequency of the hum that most channels have, 0 where there is none."""
        usual = [round(h.at_hz / 10) * 10.0 for h in self.hum.values() if h.expected]
        return max(set(usual), key=usual.count) if usual else 0.0

    @property
    def odd(self) -> float:
        """Where an odd line stands in at least two channels, or in the only one; else 0."""
        odd = [h.at_hz for h in self.hum.values() if not h.expected]
        return float(np.median(odd)) if len(odd) > 1 and len(odd) * 2 > len(self.hum) else 0.0


def find_channels(
    labels: Sequence[str],
    signals: Array,
    rate_hz: float,
    units: Sequence[str] = (),
    descriptions: Sequence[str] = (),
) -> list[Channel]:
    """Say of each channel whether it is a muscle, live and fast enough.

    Parameters
    ----------
    labels : sequence of str
    signals : ndarray, shape (channels, samples)
        NaN where a sample is missing.
    rate_hz : float
    units, descriptions : sequence of str, optional
        As the file gives them.
    """
    names = clean_names(labels)
    units = units or [""] * len(labels)
    notes = descriptions or [""] * len(labels)
    says_so = any(_EMG.search(label) for label in labels)
    found = []
    for place, label in enumerate(labels):
        kind, why = "emg", ""
        values = signals[place]
        missing = float(np.isnan(values).mean())
        known = values[np.isfinite(values)]
        if known.size == 0 or np.ptp(known) == 0:
            kind, why = "flat", "no signal: the sensor was not in use, or unplugged"
        elif missing > _GAPS:
            kind, why = "gaps", f"{100 * missing:.1f} % of its samples are missing"
        elif rate_hz <= SLOWEST_HZ:
            kind, why = "slow", f"{rate_hz:g} Hz is too slow for raw EMG"
        elif _OTHER.search(label) or _OTHER.search(names[place]):
            kind, why = "other", "its name is that of another kind of measurement"
        elif says_so and not _EMG.search(label) and not _known(names[place]):
            kind, why = "other", "other channels are named EMG, this one is not"
        elif not says_so and notes[place] and _OTHER.search(notes[place]):
            kind, why = "other", "its description is that of another kind of measurement"
        found.append(Channel(label, names[place], units[place], kind, why))
    return found


def clean_names(labels: Sequence[str]) -> list[str]:
    """Return labels without the words that a system adds (``.EMG4``), as long as they differ."""
    short = [_PREFIX.sub("", _SUFFIX.sub("", label.strip())).strip(" ._-") for label in labels]
    short = [name or label.strip() for name, label in zip(short, labels, strict=True)]
    taken = [name for name in short if short.count(name) > 1]
    return [
        label.strip() if name in taken else name for name, label in zip(short, labels, strict=True)
    ]


def muscle_name(short: str) -> str:
    """Return the muscle that an abbreviation stands for, or the abbreviation itself."""
    match = _SIDE.match(short.strip())
    if match is None:
        return short
    side = (match[1] or match[3] or "").lower()[:1]
    known = MUSCLES.get(match[2].upper().replace(" ", "_"))
    if known is None:
        return short
    return f"{'left ' if side == 'l' else 'right ' if side == 'r' else ''}{known}"


def chosen(text: str, names: Sequence[str], labels: Sequence[str] = ()) -> list[int]:
    """Return the places of the channels that a list asks for, ``TA, SO`` or ``1-4, 7``.

    Parameters
    ----------
    text : str
        Names, numbers counted from 1, or ranges of these; a leading ``-`` or ``!`` leaves one out.
    names, labels : sequence of str
        As shown here, and as in the file.

    Raises
    ------
    UsageProblem
        Naming what there is.
    """
    wanted: list[int] = []
    without: set[int] = set()
    lower = [name.lower() for name in names]
    inner = [label.lower() for label in labels]
    for piece in text.replace(";", ",").split(","):
        word = piece.strip()
        if not word:
            continue
        left_out = word[0] in "!-" and word.lower() not in lower
        bare = word[1:].strip() if left_out else word
        places = _places(bare, lower, inner)
        if not places:
            raise UsageProblem(
                f"there is no channel {bare}", fix=f"channels are {', '.join(names)}"
            )
        if left_out:
            without.update(places)
        else:
            wanted += [place for place in places if place not in wanted]
    return [place for place in (wanted or range(len(names))) if place not in without]


def _places(word: str, names: Sequence[str], labels: Sequence[str]) -> list[int]:
    for known in (names, labels):
        if word.lower() in known:
            return [list(known).index(word.lower())]
    first, dash, last = word.partition("-")
    if first.strip().isdigit() and (not dash or last.strip().isdigit()):
        low = int(first)
        high = int(last) if dash else low
        if 1 <= low <= high <= len(names):
            return list(range(low - 1, high))
    return []


def health_of(names: Sequence[str], signals: Array, rate_hz: float) -> Health:
    """Look for saturation, hum of the mains, and channels that hardly speak.

    Parameters
    ----------
    names : sequence of str
    signals : ndarray, shape (channels, samples)
        Raw, without gaps.
    rate_hz : float
    """
    saturated, resting, hum = [], [], {}
    strength = [float(np.std(channel)) for channel in signals]
    usual = float(np.median(strength)) if strength else 0.0
    for name, channel, spread in zip(names, signals, strength, strict=True):
        if _clipped(channel) > _SATURATED:
            saturated.append(name)
        if usual > 0 and spread < usual / 1000:
            resting.append(name)
        line = hum_of(channel, rate_hz)
        if line is not None:
            hum[name] = line
    return Health(tuple(saturated), hum, tuple(resting))


def hum_of(channel: Array, rate_hz: float) -> Hum | None:
    """Return the strongest narrow line between 20 and 150 Hz, where there is one."""
    if channel.size < 2 * rate_hz or rate_hz < 2 * SLOWEST_HZ:
        return None
    width = int(rate_hz)  # bins of 1 Hz
    frequency, power = scipy.signal.welch(
        channel - channel.mean(), rate_hz, nperseg=width, detrend=False
    )
    step = float(frequency[1])
    reach, own = max(round(12 / step), 3), max(round(1.5 / step), 1)
    best: Hum | None = None
    low, high = round(20 / step), min(round(150 / step), len(power) - reach - 1)
    for place in range(max(low, reach), high):
        around = np.r_[power[place - reach : place - own], power[place + own + 1 : place + reach]]
        level = float(np.median(around))
        ratio = float(power[place]) / level if level > 0 else 0.0
        if ratio > _LINE and (best is None or ratio > best.strength):
            at = float(frequency[place])
            best = Hum(
                at, ratio, min(abs(at - 50), abs(at - 60), abs(at - 100), abs(at - 120)) <= 1
            )
    return best


def _clipped(channel: Array) -> float:
    """Share of samples that stay at the very top or bottom for three samples and more."""
    low, high = float(channel.min()), float(channel.max())
    if low == high:
        return 0.0
    at = (channel == high) | (channel == low)
    runs = at[:-2] & at[1:-1] & at[2:]
    return float(runs.mean()) if runs.size else 0.0


def _known(name: str) -> bool:
    return muscle_name(name) != name or name.upper() in MUSCLES
