"""How does a stretch become a voice that is kept, and atoms a noise? Learned in a thread, saved."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import FileProblem, InputProblem
from partwise_app.api import Later
from partwise_speech import library
from partwise_speech.classes import noise_of_all, voice_of_all
from partwise_speech.dictionary import Dictionary, learn_voice
from partwise_speech.frames import RATE
from partwise_speech.panel.told import told
from partwise_speech.sound import Recording, mono_at

__all__ = ["Learning"]

_Kept = tuple[str, str, bool]


class Learning(QObject):
    """Makes dictionaries of what is looked at."""

    learned = Signal(str, str, bool)
    """Kind and path of a dictionary that was saved, and whether it comes from other recordings."""
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._later = Later(self)
        self._later.done.connect(self._on_done)

    def voice(self, recording: Recording, stretch: tuple[float, float], name: str) -> None:
        """Learn a voice from a stretch of clean speech and keep it."""

        def work() -> _Kept:
            start, end = stretch
            first, last = int(start), int(np.ceil(end))
            sound = mono_at(recording, RATE, first, last)
            cut = sound[round((start - first) * RATE) : round((end - first) * RATE)]
            about = _about(recording.title, stretch)
            return _kept(learn_voice([cut], name, about=about))

        self._later.ask(_safely(work), at_once=False)

    def noise(
        self,
        atoms: NDArray[np.float32],
        title: str,
        stretch: tuple[float, float] | None,
        name: str,
    ) -> None:
        """Keep the atoms of a noise."""

        def work() -> _Kept:
            return _kept(Dictionary(name, "noise", np.asarray(atoms), _about(title, stretch)))

        self._later.ask(_safely(work), at_once=False)

    def voice_of_all(self, paths: Sequence[Path], name: str) -> None:
        """Learn a voice from clean recordings of it and keep it."""

        def work() -> _Kept:
            return _kept(voice_of_all(paths, name), others=True)

        self._later.ask(_safely(work), at_once=False)

    def noise_of_all(self, paths: Sequence[Path], name: str, count: int) -> None:
        """Learn a class of noise from recordings of it and keep it, `count` atoms."""

        def work() -> _Kept:
            return _kept(noise_of_all(paths, name, count), others=True)

        self._later.ask(_safely(work), at_once=False)

    def close(self) -> None:
        """Want no answer any more."""
        self._later.forget()

    def _on_done(self, answer: object) -> None:
        if isinstance(answer, tuple):
            self.learned.emit(*answer)
        else:
            self.failed.emit(str(answer))


def _kept(dictionary: Dictionary, *, others: bool = False) -> _Kept:
    about = {"learned": _today(), **dictionary.about}
    return dictionary.kind, str(library.keep(replace(dictionary, about=about))), others


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _about(title: str, stretch: tuple[float, float] | None) -> dict[str, object]:
    """Where a dictionary comes from, as JSON types."""
    about: dict[str, object] = {"source": title}
    if stretch is not None:
        about["span_s"] = [round(edge, 3) for edge in stretch]
        about["seconds"] = round(stretch[1] - stretch[0], 2)
    return about


def _safely(work: Callable[[], object]) -> Callable[[], object]:
    def done() -> object:
        try:
            return work()
        except (FileProblem, InputProblem, MemoryError, OSError) as problem:
            return told(problem)

    return done
