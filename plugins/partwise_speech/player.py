"""What sounds now? One sink that asks for samples, over tracks of equal length.

Whatever is chosen, sought or looped is a new voice that fades in at the very sample where the
one before fades out. Both take 10 ms and their gains add up to one: the tracks are versions of
the same sound, so that what they share neither dips nor swells.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partwise_speech.track import Track

__all__ = ["FADE_S", "NoSound", "OpenSink", "Player", "Pull", "Sink"]

Samples = NDArray[np.float32]
Pull = Callable[[Samples], None]
"""Fills an array of frames × channels with what comes next; called from the sink's thread."""

FADE_S = 0.010
_LEAST_LOOP_S = 0.05


class NoSound(Exception):
    """There is nothing to play on, or to record from; the words say why."""


class Sink(Protocol):
    """Where sound goes: it asks for samples whenever it needs them."""

    @property
    def latency(self) -> float:
        """Seconds from asking for a sample until it is heard."""
        ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...


OpenSink = Callable[[Pull, int, int], Sink]
"""Opens a sink for a pull, a rate in Hz and a number of channels; raises `NoSound`."""


@dataclass
class _Voice:
    """A mixture at a place, fading in (step > 0), out (step < 0) or steady."""

    mix: tuple[tuple[Track, float], ...]
    at: int
    gain: float = 0.0
    step: float = 0.0


class Player:
    """Plays mixtures of tracks without a gap between one and the next.

    All positions are samples inside and seconds outside. The methods may be called from any
    thread but the sink's.

    Parameters
    ----------
    open_sink : callable
        See `OpenSink`; called when something is played for the first time.
    """

    def __init__(self, open_sink: OpenSink) -> None:
        self._open_sink = open_sink
        self._sink: Sink | None = None
        self._lock = threading.Lock()
        self._tracks: dict[str, Track] = {}
        self._rate, self._channels, self._length = 16_000, 1, 0
        self._mix: dict[str, float] = {}
        self._voices: list[_Voice] = []
        self._lead: _Voice | None = None
        self._at = 0  # where a lead would begin
        self._loop: tuple[int, int] | None = None
        self._fade = 1
        self._playing = False

    # What there is

    @property
    def duration(self) -> float:
        """How long the tracks are, in seconds."""
        return self._length / self._rate

    @property
    def playing(self) -> bool:
        """Whether something sounds, or is about to."""
        return self._playing

    @property
    def silent(self) -> bool:
        """Whether the last fade is over, so that the sink may rest."""
        with self._lock:
            return not self._voices

    @property
    def mix(self) -> Mapping[str, float]:
        """What is chosen: gains by track."""
        return dict(self._mix)

    @property
    def loop(self) -> tuple[float, float] | None:
        """The stretch that is played again and again, in seconds."""
        with self._lock:
            return None if self._loop is None else _seconds(self._loop, self._rate)

    @property
    def position(self) -> float:
        """What is heard now, in seconds: what was asked for, less the way to the ear."""
        with self._lock:
            at = self._lead.at if self._lead is not None else self._at
            if self._lead is None or self._sink is None:
                return at / self._rate
            at -= round(self._sink.latency * self._rate)
            if self._loop is not None and at < self._loop[0] <= self._lead.at:
                at += self._loop[1] - self._loop[0]  # the end of the round before
            return max(at, 0) / self._rate

    # What is asked

    def load(self, tracks: Mapping[str, Track], rate: int) -> None:
        """Take other tracks, all of one length; what plays ends.

        Parameters
        ----------
        tracks : mapping of str to Track, shape (samples,) or (samples, channels)
            Kept, not copied.
        rate : int
            Samples per second.
        """
        shapes = {track.shape for track in tracks.values()}
        if len(shapes) > 1:
            raise ValueError(f"tracks of one shape, got {sorted(shapes)}")
        length, channels = 0, 1
        for shape in shapes:
            length, channels = shape[0], shape[1] if len(shape) > 1 else 1
        if (rate, channels) != (self._rate, self._channels):
            self.close()
        with self._lock:
            same = length == self._length and rate == self._rate
            self._tracks = {k: _in_columns(t) for k, t in tracks.items()}
            self._rate, self._channels, self._length = rate, channels, length
            self._fade = max(round(FADE_S * rate), 1)
            if not same:
                self._at, self._loop = 0, None
                self._end_voices()
            elif self._lead is not None:  # the same recording, worked on anew: go on in it
                self._mix = {k: g for k, g in self._mix.items() if k in self._tracks}
                self._turn(self._lead.at)
            self._mix = {k: g for k, g in self._mix.items() if k in self._tracks}

    def choose(self, mix: Mapping[str, float]) -> None:
        """Hear other tracks from this very sample on; `mix` gives their gains."""
        unknown = [key for key in mix if key not in self._tracks]
        if unknown:
            raise KeyError(f"no track {unknown[0]!r}")
        with self._lock:
            if dict(mix) == self._mix:
                return
            self._mix = dict(mix)
            if self._lead is not None:
                self._turn(self._lead.at)

    def play(self) -> None:
        """Play on from where it stands, from the start of the loop or of the file at its end.

        Raises
        ------
        NoSound
            There is nothing to play on.
        """
        if not self._length or self._playing:
            return
        sink = self._sink
        if sink is None:
            sink = self._sink = self._open_sink(self.pull, self._rate, self._channels)
        with self._lock:
            low, high = self._loop or (0, self._length)
            if not low <= self._at < high - self._fade:
                self._at = low
            self._playing = True
            self._turn(self._at)
        sink.start()

    def pause(self) -> None:
        """Fade out and keep the place."""
        with self._lock:
            if self._lead is not None:
                self._at = self._lead.at
            self._playing = False
            self._leave()

    def rest(self) -> None:
        """Let the sink stop asking; call it once all is `silent`."""
        if self._sink is not None and not self._playing:
            self._sink.stop()

    def toggle(self) -> None:
        """Play, or pause."""
        if self._playing:
            self.pause()
        else:
            self.play()

    def seek(self, at: float) -> None:
        """Go to a moment; what plays fades over to it."""
        with self._lock:
            place = min(max(round(at * self._rate), 0), self._length)
            if self._loop is not None and not self._loop[0] <= place < self._loop[1]:
                self._loop = None
            self._at = place
            if self._lead is not None:
                self._turn(place)

    def set_loop(self, stretch: tuple[float, float] | None) -> None:
        """Play a stretch again and again; None plays on to the end."""
        with self._lock:
            self._loop = None
            if stretch is None:
                return
            low, high = (min(max(round(s * self._rate), 0), self._length) for s in stretch)
            if high - low < round(_LEAST_LOOP_S * self._rate):
                return
            self._loop = low, high
            inside = self._lead is not None and low <= self._lead.at < high
            if not inside:
                self._at = low
                if self._lead is not None:
                    self._turn(low)

    def close(self) -> None:
        """Let the sink go; the tracks stay."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.stop()
            sink.close()
        with self._lock:
            if self._lead is not None:
                self._at = self._lead.at
            self._end_voices()

    # The sink's side

    def pull(self, out: Samples) -> None:
        """Fill frames × channels with what comes next; silence where nothing plays."""
        out[:] = 0
        with self._lock:
            done = 0
            while done < len(out):
                frames = min(len(out) - done, self._frames_left())
                for voice in self._voices:
                    _add(voice, out[done : done + frames])
                self._voices = [v for v in self._voices if v.gain > 0 or v.step > 0]
                done += frames
                self._come_to_an_end()
        np.clip(out, -1.0, 1.0, out=out)

    def _frames_left(self) -> int:
        """How far to the next turn of the lead: the end of the loop, or the fade at the end."""
        lead = self._lead
        if lead is None:
            return 1 << 30
        if self._loop is not None and lead.at < self._loop[1]:
            return self._loop[1] - lead.at
        return max(self._length - self._fade - lead.at, 0) or 1

    def _come_to_an_end(self) -> None:
        lead = self._lead
        if lead is None:
            return
        if self._loop is not None and lead.at == self._loop[1]:
            self._turn(self._loop[0])
        elif lead.at >= self._length - self._fade:
            self._leave()
            self._at, self._playing = self._length, False

    # Within, the lock being held

    def _turn(self, place: int) -> None:
        """Fade over to the mixture chosen, at a place."""
        self._leave()
        mix = tuple((self._tracks[key], gain) for key, gain in self._mix.items())
        self._lead = _Voice(mix, place, 0.0, 1 / self._fade)
        self._voices.append(self._lead)

    def _leave(self) -> None:
        if self._lead is not None:
            self._lead.step = -1 / self._fade
            self._lead = None

    def _end_voices(self) -> None:
        self._voices, self._lead, self._playing = [], None, False


def _add(voice: _Voice, out: Samples) -> None:
    """Add what a voice says next, and let it go on."""
    frames = len(out)
    stop = voice.at + frames
    gain = np.full((frames, 1), voice.gain, np.float32)
    if voice.step:
        ramp = voice.gain + voice.step * np.arange(1, frames + 1, dtype=np.float32)
        gain[:, 0] = np.clip(ramp, 0.0, 1.0)
        voice.gain = float(gain[-1, 0])
        # A step of 1/n taken n times may miss the end by rounding; nobody hears a millionth.
        if voice.gain >= 1 - 1e-4 and voice.step > 0:
            voice.gain, voice.step = 1.0, 0.0
        elif voice.gain <= 1e-4 and voice.step < 0:
            voice.gain = 0.0
    for track, amount in voice.mix:
        piece = track[voice.at : stop]
        out[: len(piece)] += piece * gain[: len(piece)] * np.float32(amount)
    voice.at = stop


def _in_columns(track: Track) -> Track:
    return np.asarray(track)[:, None] if len(track.shape) == 1 else track


def _seconds(ends: tuple[int, int], rate: int) -> tuple[float, float]:
    return ends[0] / rate, ends[1] / rate
