"""What shall be heard of what is looked at? Tracks, solo in the mixer, atoms picked, playhead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise_app.api import tr
from partwise_speech.panel.atoms import Picked
from partwise_speech.panel.heard import RESIDUAL, SPEECH, WHOLE, Heard
from partwise_speech.panel.listening import Listening
from partwise_speech.panel.preparing import ATOMS, Preparing
from partwise_speech.panel.regain import Voice
from partwise_speech.panel.showing import name_of
from partwise_speech.panel.stagehand import Stagehand
from partwise_speech.panel.streaming import Streaming
from partwise_speech.panel.transport import Transport

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Hearing"]

_SOLO = {("speech",): SPEECH, ("noise",): RESIDUAL}


class Hearing(QObject):
    """Lets one track after another be heard.

    Parameters
    ----------
    stage : Stagehand
    parent : QObject

    Attributes
    ----------
    listening : Listening
    preparing : Preparing
    streaming : Streaming
    transport : Transport
    """

    failed = Signal(str)

    def __init__(self, stage: Stagehand, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage = stage
        self.listening = Listening(self)
        self.preparing = Preparing(self)
        self.streaming = Streaming(self.listening, self)
        self.transport = Transport(self.listening)
        self._solo: tuple[str, ...] = ()
        self._before_solo = WHOLE
        self._picked = Picked()
        prepared = self.preparing
        prepared.ready.connect(self._on_ready)
        prepared.tried.connect(self._on_tried)
        prepared.failed.connect(self._on_failed)
        prepared.atoms_ready.connect(self._on_atoms_ready)
        self.listening.moved.connect(self._on_moved)
        self.listening.wanted.connect(self.streaming.begin)
        self.streaming.changed.connect(self.show_state)
        self.streaming.failed.connect(self.failed)
        self.transport.loop.clicked.connect(self._on_loop)
        stage.sought.connect(self.listening.seek)

    def show_state(self) -> None:
        """Say what is still being prepared: a result is there before its sound is."""
        prepared = self.preparing
        missing = prepared.codes is not None and SPEECH not in prepared.heard.tracks
        words = tr("Preparing the sound …") if missing and prepared.waiting else ""
        self.transport.set_state(words or self.streaming.words)

    def follow_solo(self, solo: Sequence[str]) -> None:
        """Solo in the mixer is what is heard; ending it goes back to what was heard before."""
        solo = tuple(solo)
        if solo == self._solo:
            return
        before, self._solo = self._solo, solo
        if solo in _SOLO:
            if not before:
                self._before_solo = self.listening.key
            self.listening.choose(_SOLO[solo])
        elif before in _SOLO and not solo:
            self.listening.choose(self._before_solo)

    def pick_atoms(
        self, picked: Picked | None, noise: NDArray[np.float32] | None, voice: Voice | None
    ) -> None:
        """Hear some atoms of what is in sight; None hears all again."""
        if picked is None or noise is None:
            if self.listening.key == ATOMS:
                self.listening.choose(SPEECH if self._picked.voice else RESIDUAL)
            return
        self._picked = picked
        self.preparing.ask_atoms(noise, voice, picked, self._stage.window)

    def close(self) -> None:
        """Let the device go and want no answers any more."""
        self.streaming.stop(wait=True)
        self.listening.close()
        self.preparing.close()

    def _on_ready(self, heard: object) -> None:
        assert isinstance(heard, Heard)
        self.streaming.stop()
        self.listening.set_heard(heard)
        self.show_state()

    def _on_tried(self, heard: object) -> None:
        assert isinstance(heard, Heard)
        self.listening.set_heard(heard, as_loud=True)

    def _on_failed(self, why: str) -> None:
        self.failed.emit(why)
        self.show_state()

    def _on_moved(self, at: float) -> None:
        follow = self.transport.follow.isChecked() and self.listening.playing
        self._stage.set_playhead(at, follow=follow)

    def _on_loop(self) -> None:
        wanted = self.transport.loop.isChecked()
        stretch = self._stage.selection or self._stage.window
        self.listening.set_loop(stretch if wanted else None)

    def _on_atoms_ready(self, start: float, end: float) -> None:
        name = name_of(self._picked)
        words = tr("{name}, {start}–{end} s", name=name, start=f"{start:.0f}", end=f"{end:.0f}")
        self.transport.set_title(words)
        self.listening.choose(ATOMS)
        if not start <= self.listening.position < end:
            self.listening.seek(start)
