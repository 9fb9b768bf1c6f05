"""What is kept for other visits? Voices and noises: learned, saved, looked into, forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from partwise.api import FileProblem
from partwise_app.api import Host, tr
from partwise_speech import library
from partwise_speech.dictionary import load_dictionary
from partwise_speech.makes import PATTERNS
from partwise_speech.panel.asking import Asking
from partwise_speech.panel.inspecting import Inspector
from partwise_speech.panel.learning import Learning
from partwise_speech.panel.shelf import Shelf
from partwise_speech.sound import Recording
from partwise_speech.sources import GENERIC, generic_voice

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Keeping"]


class Keeping(QObject):
    """The shelf of voices and noises, and what goes onto it.

    Parameters
    ----------
    host : Host
    asking : Asking
    parent : QWidget
        What dialogs belong to.
    """

    changed = Signal()
    """Others are chosen, or kept."""
    kept = Signal()
    """A stretch became a voice, or atoms a noise."""

    def __init__(self, host: Host, asking: Asking, parent: QWidget) -> None:
        super().__init__(parent)
        self._host, self._asking, self._window = host, asking, parent
        self.shelf = Shelf()
        self.shelf.save_noise.hide()  # until there is one
        self.learning = Learning(self)
        self._shown: tuple[object, ...] = ()
        self.shelf.voice_chosen.connect(self._choose_voice)
        self.shelf.noise_chosen.connect(self._choose_noise)
        self.shelf.forget_asked.connect(self._forget)
        self.shelf.look_asked.connect(self._inspect)
        self.shelf.gather_asked.connect(self.gather)
        self.learning.learned.connect(self._on_learned)
        self.learning.failed.connect(host.notify)

    def show_all(self, has_noise: bool) -> None:
        """Show what is kept and what is chosen, where it is other than shown."""
        self.shelf.save_noise.setVisible(has_noise)
        voice, noise = self._asking.voice, self._asking.noise
        place = library.folder()
        stamp = place.stat().st_mtime_ns if place.is_dir() else 0
        if (voice, noise, stamp) != self._shown:
            self._shown = voice, noise, stamp
            self.shelf.show_all(library.saved(), voice, noise)

    def learn_voice(self, sound: Recording, stretch: tuple[float, float]) -> None:
        """Ask for a name, and learn a voice from a stretch of clean speech."""
        name = self._ask_name(tr("Learn this voice"), Path(sound.title).stem)
        if name:
            self.learning.voice(sound, stretch, name)

    def save_noise(self, sound: Recording, atoms: NDArray[np.float32]) -> None:
        """Ask for a name, and keep the atoms of the noise."""
        result = self._host.result
        name = self._ask_name(tr("Save this noise"), tr("Noise of {name}", name=sound.title))
        if name and result is not None:
            span = result.facts.get("noise_span")
            self.learning.noise(atoms, sound.title, tuple(span) if span else None, name)

    def gather(self, kind: str) -> None:
        """Ask for recordings and a name, and learn a voice or a class of noise from them."""
        is_voice = kind == "voice"
        title = tr("Clean recordings of one voice") if is_voice else tr("Recordings of noise alone")
        sounds = tr("Recordings ({patterns})", patterns=" ".join(PATTERNS))
        chosen, _ = QFileDialog.getOpenFileNames(self._window, title, "", sounds)
        paths = [Path(name) for name in chosen]
        if not paths:
            return
        stem = paths[0].stem if len(paths) == 1 else paths[0].parent.name
        name = self._ask_name(tr("Learn this voice") if is_voice else tr("Save this noise"), stem)
        if not name:
            return
        if is_voice:
            self.learning.voice_of_all(paths, name)
        else:
            self.learning.noise_of_all(paths, name, self._asking.noise_atoms)

    def close(self) -> None:
        """Want no answer any more."""
        self.learning.close()

    def _ask_name(self, title: str, name: str) -> str:
        said, sure = QInputDialog.getText(self._window, title, tr("Name"), text=name)
        return said.strip() if sure else ""

    def _on_learned(self, kind: str, path: str, others: bool) -> None:
        self._shown = ()
        if kind == "voice":
            self._choose_voice(path)
            self._host.notify(tr("The voice is kept, used where you look, and in the next run."))
        elif others:
            self._choose_noise(path)
            self._host.notify(tr("The noise is kept, used where you look, and in the next run."))
        else:
            self._host.notify(tr("The noise is kept for other recordings."))
            self.changed.emit()
        self.kept.emit()

    def _choose_voice(self, value: str) -> None:
        self._asking.choose_voice(value)
        self.changed.emit()

    def _choose_noise(self, value: str) -> None:
        self._asking.choose_noise(value)
        self.changed.emit()

    def _inspect(self, value: str) -> None:
        try:
            found = generic_voice() if value == GENERIC else load_dictionary(Path(value))
        except FileProblem as problem:
            self._host.notify(tr("{what}; {fix}", what=problem.what, fix=problem.fix), "warn")
            return
        Inspector(found, self._window).show()

    def _forget(self, path: object) -> None:
        assert isinstance(path, Path)
        if self._asking.voice == str(path):
            self._asking.choose_voice(GENERIC)
        if self._asking.noise == str(path):
            self._asking.choose_noise("")
        library.forget(path)
        self._shown = ()
        self.changed.emit()
