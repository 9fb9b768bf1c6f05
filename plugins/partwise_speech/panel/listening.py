"""What is heard, and where in it are we? The player as the panel's widgets see it."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from partwise_app.api import Later
from partwise_speech import device
from partwise_speech.panel.heard import (
    RESIDUAL,
    SPEECH,
    WHOLE,
    Heard,
    Levels,
    Measured,
    mixed_under,
)
from partwise_speech.player import NoSound, Player

__all__ = ["Listening"]

_TICK_MS = 33


class Listening(QObject):
    """Plays mixtures of the tracks that there are, equally loud, and tells where it is.

    Whether there is anything to play on is asked in a thread, for sound systems take their time.
    """

    changed = Signal()
    """What can be heard, what is heard, whether it plays, loop or loudness are others."""
    moved = Signal(float)
    """The playhead, in seconds, while it moves."""
    wanted = Signal(str)
    """What is not there yet was chosen, and could be made while it plays."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._player = Player(device.open_speaker)
        self._heard = Heard(16_000)
        self._measured: Measured | None = None
        self._last: Measured | None = None  # that there was, of these tracks or of others
        self._levels: Levels | None = None
        self._original = 0.0
        self._key, self._back = WHOLE, SPEECH
        self._matching, self._offers = True, False
        self._reason = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._measuring = Later(self)
        self._measuring.done.connect(self._on_measured)
        self._asking = Later(self)
        self._asking.done.connect(self._on_device)
        self.look_for_device()

    # What there is

    @property
    def reason(self) -> str:
        """Why nothing can be played; empty where it can."""
        return self._reason

    @property
    def ready(self) -> bool:
        """Whether there is a sound and something to play it on."""
        return not self._reason and self._player.duration > 0

    @property
    def playing(self) -> bool:
        return self._player.playing

    @property
    def keys(self) -> tuple[str, ...]:
        """What can be chosen."""
        more = (SPEECH, RESIDUAL) if self._offers else ()
        return tuple(dict.fromkeys((*self._heard.mixes, *more)))

    @property
    def key(self) -> str:
        """What is chosen."""
        return self._key

    @property
    def position(self) -> float:
        """Where it is, in seconds."""
        return self._player.position

    def place(self) -> float:
        """Return where it is, in seconds; may be called from any thread."""
        return self._player.position

    @property
    def duration(self) -> float:
        return self._player.duration

    @property
    def loop(self) -> tuple[float, float] | None:
        return self._player.loop

    @property
    def matching(self) -> bool:
        """Whether all are made equally loud."""
        return self._matching

    @property
    def loudness(self) -> float | None:
        """LUFS that what is chosen is heard at; None while unknown, or where it is not matched."""
        levels = self._levels
        if levels is None or not self._matching or self._key not in levels.gains:
            return None
        if self._key in levels.faint:
            return None
        return levels.target

    @property
    def faint(self) -> bool:
        """Whether what is chosen is too faint to be made as loud as the others."""
        return self._levels is not None and self._key in self._levels.faint

    @property
    def original(self) -> float:
        """Share of the recording that is heard under the speech, 0 to 1."""
        return self._original

    @property
    def heard(self) -> Heard:
        """Tracks and mixtures as given."""
        return self._heard

    # What is asked

    def set_heard(self, heard: Heard, *, as_loud: bool = False) -> None:
        """Take other tracks; of the same recording they go on where they are.

        Parameters
        ----------
        heard : Heard
        as_loud : bool
            Whether they are about as loud as those before, so that gains can stay.
        """
        same = heard.tracks.get(WHOLE) is self._heard.tracks.get(WHOLE)
        if not same:
            self._levels = None
        if not (same and as_loud):
            self._measured = None  # measured anew; till then what was measured before will do
        self._heard = heard
        self._player.load(heard.tracks, heard.rate)
        if self._key not in heard.mixes:
            self._key = WHOLE
        self._choose()
        if heard.mixes and self._measured is None:
            before = self._last
            self._measuring.ask(lambda: Measured(heard, before), at_once=False)
        self.changed.emit()

    def choose(self, key: str) -> None:
        """Hear one of `keys` from this very sample on."""
        if key not in self._heard.mixes and key in self.keys:
            self.wanted.emit(key)
        elif key in self._heard.mixes and key != self._key:
            self._key, self._back = key, self._key
            self._choose()
            self.changed.emit()

    def set_offers(self, offers: bool) -> None:
        """Say whether speech and residual can be had before there is a result."""
        if offers != self._offers:
            self._offers = offers
            self.changed.emit()

    def set_original(self, share: float) -> None:
        """Hear so much of the recording under the speech, 0 to 1, from this very sample on."""
        if share == self._original:
            return
        self._original = share
        if self._measured is not None:
            self._levels = self._measured.levels(share)
        self._choose()
        self.changed.emit()

    def back_and_forth(self) -> None:
        """Hear again what was heard before."""
        self.choose(self._back)

    def set_matching(self, on: bool) -> None:
        """Make all equally loud, or leave each as it is."""
        self._matching = on
        self._choose()
        self.changed.emit()

    def toggle(self) -> None:
        """Play, or pause."""
        if not self.ready:
            return
        try:
            self._player.toggle()
        except NoSound as reason:
            self._reason = str(reason)
        if self._player.playing:
            self._timer.start()
        self.changed.emit()

    def pause(self) -> None:
        if self._player.playing:
            self._player.pause()
            self.changed.emit()

    def seek(self, at: float) -> None:
        """Go to a moment."""
        self._player.seek(at)
        self.moved.emit(at)
        self.changed.emit()

    def set_loop(self, stretch: tuple[float, float] | None) -> None:
        """Play a stretch again and again; None plays on."""
        self._player.set_loop(stretch)
        self.changed.emit()

    def look_for_device(self) -> None:
        """Ask again whether there is something to play on."""
        self._asking.ask(device.why_no_speaker, at_once=False)

    def close(self) -> None:
        """Let the device go."""
        self._timer.stop()
        self._asking.forget()
        self._measuring.forget()
        self._player.close()

    # Within

    def _choose(self) -> None:
        mix = mixed_under(self._heard.mixes, self._original).get(self._key, {})
        gain = 1.0
        if self._matching and self._levels is not None:
            gains = self._levels.gains  # what is still being made is about as loud as the whole
            gain = gains.get(self._key, gains.get(WHOLE, 1.0))
        self._player.choose({key: amount * gain for key, amount in mix.items()})

    def _on_measured(self, answer: object) -> None:
        assert isinstance(answer, Measured)
        if answer.whole is self._heard.tracks.get(WHOLE):
            self._measured = self._last = answer
            self._levels = answer.levels(self._original)
            self._choose()
            self.changed.emit()

    def _on_device(self, reason: object) -> None:
        if str(reason) != self._reason:
            self._reason = str(reason)
            self.changed.emit()

    def _on_tick(self) -> None:
        self.moved.emit(self._player.position)
        if not self._player.playing and self._player.silent:
            self._player.rest()
            self._timer.stop()
            self.changed.emit()
