"""What is seen and heard of the atoms? The board, kept up with result, gains and sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from partwise.api import Result, View
from partwise_app.api import Host
from partwise_speech.dictionary import Dictionary
from partwise_speech.moved import Moved
from partwise_speech.panel.atoms import AtomBoard
from partwise_speech.panel.heard import SPEECH, Heard
from partwise_speech.panel.hearing import Hearing
from partwise_speech.panel.preparing import ATOMS, array_of
from partwise_speech.panel.remasking import Remasking
from partwise_speech.panel.showing import Showing
from partwise_speech.panel.stagehand import Stagehand

if TYPE_CHECKING:
    import numpy as np

__all__ = ["AtomWork"]


class AtomWork(QObject):
    """Fills the board, and lets be heard and drawn what is chosen there.

    Parameters
    ----------
    host : Host
    stage : Stagehand
    hearing : Hearing
    remasking : Remasking
        Knows the voice.
    parent : QObject

    Attributes
    ----------
    board : AtomBoard
    showing : Showing
    noise : ndarray of float32, shape (features, atoms), or None
        Atoms of the noise, as they are seen.
    """

    drawn = Signal()
    """The board was filled, or emptied."""

    def __init__(
        self,
        host: Host,
        stage: Stagehand,
        hearing: Hearing,
        remasking: Remasking,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._host, self._hearing, self._remasking = host, hearing, remasking
        self.board = AtomBoard()
        self.showing = Showing(stage, self)
        self.noise: NDArray[np.float32] | None = None
        self._then = QTimer(self)  # tiles after the stage: between the two the window hears keys
        self._then.setSingleShot(True)
        self._then.setInterval(0)
        self._then.timeout.connect(self._draw)
        remasking.voice_known.connect(self._draw_voice)
        self.board.changed.connect(self._hear)
        self.board.shown.connect(self._show)
        self.showing.failed.connect(self.board.show_none)
        hearing.preparing.ready.connect(self._on_ready)

    def follow(self, result: Result | None, moved: Moved) -> None:
        """Show the atoms of a result, while they form too, each on the side it counts to."""
        self.board.set_moved(moved)
        noise = array_of(result, "atoms")
        if noise is not self.noise:
            self.noise = noise
            self.showing.end()
            self._then.start()

    def close(self) -> None:
        """Want no answer any more."""
        self._then.stop()
        self.showing.close()

    def _draw(self) -> None:
        result, noise = self._host.result, self.noise
        if array_of(result, "atoms") is not noise:
            return  # others have come since, and will be drawn
        active = array_of(result, "active")
        spectra = Dictionary("", "noise", noise).spectra() if noise is not None else None
        if spectra is None or self._host.running or active is None:
            self.board.show_noise(spectra, None)
        else:
            weight = active.sum(axis=1, dtype="f8")
            self.board.show_noise(spectra, list(weight / (weight.sum() or 1.0)))
        self._draw_voice()

    def _draw_voice(self) -> None:
        """Groups of the voice, once it is known."""
        result, voice = self._host.result, self._remasking.voice
        used = array_of(result, "used")
        if self._host.running or voice is None or used is None or len(used) != len(voice.groups):
            self.board.show_voice(None, None)
        else:
            self.board.show_voice(voice.spectra(used), voice.shares(used))
        self.drawn.emit()

    def _hear(self) -> None:
        self._hearing.pick_atoms(self.board.heard(), self.noise, self._remasking.voice)

    def _show(self) -> None:
        """Draw atoms alone, where the picture below the whole is in sight."""
        picked, prepared = self.board.seen(), self._hearing.preparing
        view, sound, codes = self._spectrogram(), prepared.recording, prepared.codes
        if picked is None or view is None or sound is None or codes is None or self.noise is None:
            self.showing.end()
            return
        self._host.look("compare")
        self.showing.ask(sound, view, codes, self.noise, self._remasking.voice, picked)

    def _spectrogram(self) -> View | None:
        result = self._host.result
        views = result.views if result is not None else ()
        return next((v for v in views if v.kind == "spectrogram" and "gain" in v.arrays), None)

    def _on_ready(self, heard: object) -> None:
        """Other gains take what atoms carry with them; what was chosen is made of them anew."""
        if isinstance(heard, Heard) and SPEECH in heard.mixes and ATOMS not in heard.mixes:
            if self.board.heard() is not None:
                self._hear()
            if self.board.seen() is not None:
                self._show()
