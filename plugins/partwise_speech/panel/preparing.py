"""Which sound belongs to what is looked at, and is it ready? Tracks, prepared in a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import Dataset, FileProblem, Result
from partwise_app.api import Later
from partwise_speech.panel.heard import SPEECH, WHOLE, Heard, Samples, heard_of
from partwise_speech.panel.single import sound_of_atoms
from partwise_speech.sound import Recording, recording_of

__all__ = ["ATOMS", "Preparing", "array_of"]

ATOMS = "atoms"
_LONGEST_S = 30.0  # of atoms that are heard alone


class Preparing(QObject):
    """Makes the tracks of a recording, of a result at a strength, and of single atoms.

    The newest question wins; the whole is read once per recording.

    Attributes
    ----------
    recording : Recording or None
    waiting : bool
        Whether tracks are still being prepared.
    """

    ready = Signal(object)
    """A `Heard`."""
    tried = Signal(object)
    """A `Heard` that is about as loud as the one before."""
    atoms_ready = Signal(float, float)
    """Atoms can be heard in a stretch, from and to in seconds."""
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._dataset: Dataset | None = None
        self._asked: tuple[object, ...] = ()
        self._codes: NDArray[np.uint8] | None = None
        self._heard = Heard(16_000)
        self._carried: Samples | None = None  # atoms that are heard at any strength
        self.recording: Recording | None = None
        self.waiting = False
        self._tracks = Later(self)
        self._tracks.done.connect(self._on_tracks)
        self._atoms = Later(self)
        self._atoms.done.connect(self._on_atoms)

    @property
    def heard(self) -> Heard:
        """What is ready."""
        return self._heard

    @property
    def codes(self) -> NDArray[np.uint8] | None:
        """Gains of the result that is looked at."""
        return self._codes

    def follow(self, dataset: Dataset | None, result: Result | None, strength: float) -> None:
        """Prepare what belongs to a dataset, a result and a strength, where it is another."""
        codes = array_of(result, "gain")
        asked = (dataset, id(codes), strength if codes is not None else 1.0)
        if asked == self._asked:
            return
        other = dataset is not self._dataset
        if other or codes is not self._codes:
            self._atoms.forget()
            self._carried = None
        self._asked, self._dataset, self._codes = asked, dataset, codes
        if dataset is None:
            self.recording = None
            self._tracks.forget()
            self._give(Heard(16_000))
            return
        if other:
            self.recording = recording_of(dataset)
            self._give(Heard(round(self.recording.rate)))
        recording = self.recording
        assert recording is not None
        whole = self._heard.tracks.get(WHOLE)
        self.waiting = True
        self._tracks.ask(
            _safely(lambda: heard_of(recording, codes, strength, whole=whole)), at_once=False
        )

    def patch(self, start: int, sound: Samples) -> None:
        """Put a stretch of speech in place of the one there, as tried out."""
        speech = self._heard.tracks.get(SPEECH)
        if speech is None or isinstance(speech, np.memmap):
            return  # of an hour, what is in sight is heard once all of it is ready
        patched = speech.copy()
        patched[start : start + len(sound)] = sound[: len(patched) - start]
        self._heard = replace(self._heard, tracks={**self._heard.tracks, SPEECH: patched})
        self.tried.emit(self._heard)

    def ask_atoms(
        self,
        atoms: NDArray[np.float32],
        chosen: tuple[int, ...],
        stretch: tuple[float, float],
    ) -> None:
        """Prepare the sound of some atoms, half a minute at most, as the track `ATOMS`."""
        recording, codes = self.recording, self._codes
        if recording is None or codes is None:
            return
        start, end = stretch[0], min(stretch[1], stretch[0] + _LONGEST_S, recording.seconds)

        def work() -> tuple[float, float, Samples]:
            found = sound_of_atoms(recording, codes, atoms, chosen, (start, end))
            return start, end, _at_rate(found, recording)

        self._atoms.ask(_safely(work), at_once=False)

    def close(self) -> None:
        """Want no answer any more."""
        self._tracks.forget()
        self._atoms.forget()

    def _give(self, heard: Heard) -> None:
        self._heard = heard
        self.ready.emit(heard)

    def _on_tracks(self, answer: object) -> None:
        self.waiting = False
        if isinstance(answer, Heard):
            self._give(_with_atoms(answer, self._carried))
        else:
            self.failed.emit(str(answer))

    def _on_atoms(self, answer: object) -> None:
        recording, whole = self.recording, self._heard.tracks.get(WHOLE)
        if not isinstance(answer, tuple) or recording is None or whole is None:
            return
        start, end, sound = answer
        track = np.zeros_like(whole)
        first = round(start * recording.rate)
        stop = min(first + len(sound), len(track))
        track[first:stop] = sound[: stop - first, None]
        self._carried = track
        self._give(_with_atoms(self._heard, track))
        self.atoms_ready.emit(start, end)


def _with_atoms(heard: Heard, track: Samples | None) -> Heard:
    if track is None:
        return heard
    return Heard(heard.rate, {**heard.tracks, ATOMS: track}, {**heard.mixes, ATOMS: {ATOMS: 1.0}})


def array_of(result: Result | None, name: str) -> NDArray[Any] | None:
    """Return the array of that name in a result's views, or None."""
    views = result.views if result is not None else ()
    return next((view.arrays[name] for view in views if name in view.arrays), None)


def _safely(work: Callable[[], object]) -> Callable[[], object]:
    """A file that is gone ends the question, not the thread."""

    def done() -> object:
        try:
            return work()
        except (FileProblem, MemoryError, OSError) as problem:
            return str(problem) or type(problem).__name__

    return done


def _at_rate(sound: NDArray[np.float32], recording: Recording) -> Samples:
    """Bring sound at the model's rate to that of the recording."""
    from partwise_speech.frames import RATE

    rate = round(recording.rate)
    if rate == RATE:
        return sound
    import soxr

    return np.asarray(soxr.resample(sound, RATE, rate), dtype=np.float32)
