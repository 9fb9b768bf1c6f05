"""What can be heard of a recording and a result? Tracks of one length, and mixtures of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partwise_speech.loudness import Loudness
from partwise_speech.sound import Recording
from partwise_speech.strength import render
from partwise_speech.track import Patched, Track

__all__ = [
    "RESIDUAL",
    "SPEECH",
    "WHOLE",
    "Heard",
    "Levels",
    "Measured",
    "heard_of",
    "mixed_under",
    "room",
    "speech_of",
]

Samples = NDArray[np.float32]
Codes = NDArray[np.uint8]
Mix = Mapping[str, float]

WHOLE, SPEECH, RESIDUAL = "whole", "speech", "residual"

_TARGET = -23.0  # LUFS, EBU R 128
_HEADROOM_DB = -1.0
_MOST_GAIN_DB = 30.0  # more would be the hiss of nothing
_AT_ONCE_S = 20.0
_IN_MEMORY = 1 << 26  # bytes of one track; longer ones lie in a file that nobody else sees


@dataclass(frozen=True, eq=False)
class Heard:
    """Tracks and what can be made of them.

    Attributes
    ----------
    rate : int
        Samples per second.
    tracks : mapping of str to Track, shape (samples, channels)
    mixes : mapping of str to mapping of str to float
        What can be chosen: gains of tracks, by key. What was taken away is the whole less the
        speech, so that the two add up to the whole without a track of their own.
    """

    rate: int
    tracks: Mapping[str, Track] = field(default_factory=dict)
    mixes: Mapping[str, Mix] = field(default_factory=dict)


@dataclass(frozen=True)
class Levels:
    """How loud each mixture is, and the gain that makes them equal.

    Attributes
    ----------
    target : float
        LUFS that all come to.
    gains : mapping of str to float
        1 where a mixture is too faint to be matched.
    faint : frozenset of str
        Mixtures that stay as they are.
    """

    target: float
    gains: Mapping[str, float]
    faint: frozenset[str] = frozenset()


def heard_of(
    recording: Recording,
    codes: Codes | None,
    strength: float = 1.0,
    *,
    whole: Track | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Heard:
    """Prepare the tracks of a recording and, where there is a result, of its speech.

    Parameters
    ----------
    recording : Recording
    codes : ndarray of uint8, or None
        Gains as `partwise_speech.strength` keeps them.
    strength : float
    whole : Track, optional
        The recording's own track, where it is at hand already.
    cancelled : callable
        Asked once per stretch; what is left stays silent.
    """
    rate = round(recording.rate)
    if whole is None:
        read = whole = room(recording.samples, recording.channels)
        for start, stop in recording.blocks(_AT_ONCE_S):
            if cancelled():
                break
            read[start:stop] = recording.read(start, stop).T
    tracks: dict[str, Track] = {WHOLE: whole}
    mixes: dict[str, Mix] = {WHOLE: {WHOLE: 1.0}}
    if codes is not None:
        tracks[SPEECH] = speech_of(recording, codes, strength, cancelled=cancelled)
        mixes[SPEECH] = {SPEECH: 1.0}
        mixes[RESIDUAL] = {WHOLE: 1.0, SPEECH: -1.0}
    return Heard(rate, tracks, mixes)


def speech_of(
    recording: Recording,
    codes: Codes,
    strength: float,
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Samples:
    """Return the speech of a whole recording, stretch by stretch, (samples, channels)."""
    out = room(recording.samples, recording.channels)
    for start, stop in recording.blocks(_AT_ONCE_S):
        if cancelled():
            break
        out[start:stop] = render(recording, codes, start, stop, strength).T
    return out


def mixed_under(mixes: Mapping[str, Mix], original: float) -> dict[str, Mix]:
    """Return mixtures with a share of the original, 0 to 1, under the speech.

    Less is then taken away, by the same share: speech and residual still add up to the whole.
    """
    wet = 1.0 - original
    out = dict(mixes)
    if SPEECH in mixes:
        out[SPEECH] = {WHOLE: original, SPEECH: wet} if original else {SPEECH: 1.0}
    if RESIDUAL in mixes:
        out[RESIDUAL] = {WHOLE: wet, SPEECH: -wet}
    return out


class Measured:
    """What has been measured of tracks, so that any mixture's loudness follows at once.

    Gated loudness after ITU-R BS.1770-5. All mixtures come to −23 LUFS, or lower where the peaks
    of one of them leave no room; then all of them are lower.

    Parameters
    ----------
    heard : Heard
    before : Measured, optional
        Of the same whole and speech, perhaps: then they are not measured again.
    """

    def __init__(self, heard: Heard, before: Measured | None = None) -> None:
        self.whole = heard.tracks.get(WHOLE)  # whose loudness it is
        self._mixes = heard.mixes
        stretches = _stretches(heard)
        self._long = {key: track for key, track in heard.tracks.items() if key not in stretches}
        self._tops: dict[str, float] = {}
        same = before if before is not None and before._knows(self._long) else None
        self._known: Loudness = (
            same._known if same is not None else Loudness(self._long, heard.rate)
        )
        if same is not None:
            self._tops |= same._tops
        self._short = {key: Loudness({key: one}, heard.rate) for key, one in stretches.items()}
        for key, mix in heard.mixes.items():
            if key in stretches:
                self._tops[key] = _peak(stretches, mix, heard.rate)
            elif key not in self._tops:
                self._tops[key] = _peak(heard.tracks, mix, heard.rate)

    def _knows(self, tracks: Mapping[str, Track]) -> bool:
        """Whether these very tracks were measured."""
        mine = self._long
        return mine.keys() == tracks.keys() and all(mine[key] is tracks[key] for key in mine)

    def levels(self, original: float = 0.0) -> Levels:
        """Say which gains make all equally loud, with a share of the original under the speech."""
        mixes = mixed_under(self._mixes, original)
        loud = {key: self._short.get(key, self._known).of(mix) for key, mix in mixes.items()}
        within = {key: level for key, level in loud.items() if level > _TARGET - _MOST_GAIN_DB}
        target = _TARGET
        for key, level in within.items():
            peak_db = 20 * np.log10(max(self._top(key, original), 1e-9))
            target = min(target, level + _HEADROOM_DB - peak_db)
        gains = dict.fromkeys(loud, 1.0)
        gains |= {key: float(10 ** ((target - level) / 20)) for key, level in within.items()}
        # Atoms share a noise out, and each alone may be faint: it is heard as well as may be.
        for key in self._short.keys() - within.keys():
            most = 10 ** (_HEADROOM_DB / 20) / max(self._top(key, original), 1e-9)
            gains[key] = float(min(10 ** (_MOST_GAIN_DB / 20), max(most, 1.0)))
        return Levels(float(target), gains, frozenset(loud) - frozenset(within))

    def _top(self, key: str, original: float) -> float:
        """The largest sample, or a little more: that of a sum is no larger than both."""
        top = self._tops[key]
        if key == SPEECH:
            return (1 - original) * top + original * self._tops[WHOLE]
        return (1 - original) * top if key == RESIDUAL else top


def _peak(tracks: Mapping[str, Track], mix: Mix, rate: int) -> float:
    """The largest sample of a mixture, stretch by stretch."""
    step, top = round(_AT_ONCE_S * rate), 0.0
    length = max((len(tracks[key]) for key in mix), default=0)
    for start in range(0, length, step):
        cut = [amount * tracks[key][start : start + step] for key, amount in mix.items()]
        top = max(top, float(np.abs(np.sum(cut, axis=0)).max()))
    return top


def _stretches(heard: Heard) -> dict[str, Track]:
    """What sounds of tracks that are heard alone, and silent but for a stretch, by their mixture.

    The silence around it counts neither as loudness nor as peak.
    """
    found: dict[str, Track] = {}
    for key, mix in heard.mixes.items():
        track = heard.tracks[key] if set(mix) == {key} else None
        others = [other for name, other in heard.mixes.items() if name != key]
        if isinstance(track, Patched) and not any(key in other for other in others):
            found[key] = track.piece
    return found


def room(samples: int, channels: int) -> Samples:
    """Return room for a track, (samples, channels): in memory, or where it is long in a file."""
    if 4 * samples * channels <= _IN_MEMORY:
        return np.zeros((samples, channels), np.float32)
    with tempfile.TemporaryFile(prefix="partwise-sound-") as file:
        return np.memmap(file, np.float32, "w+", shape=(samples, channels))
