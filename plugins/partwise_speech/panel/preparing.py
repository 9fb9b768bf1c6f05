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
from partwise_speech.panel.atoms import Picked
from partwise_speech.panel.heard import SPEECH, WHOLE, Heard, Samples, heard_of
from partwise_speech.panel.regain import Voice
from partwise_speech.panel.single import sound_of_atoms
from partwise_speech.panel.told import told
from partwise_speech.sound import Recording, recording_of
from partwise_speech.track import Patched, Track, silence

__all__ = ["ATOMS", "LONGEST_S", "LONGEST_VOICE_S", "MOST_VOICE", "Preparing", "array_of"]

ATOMS = "atoms"
Codes = NDArray[np.uint8]

LONGEST_S = 30.0  # of atoms that are heard alone
LONGEST_VOICE_S = 10.0  # the same of the voice, whose atoms are many
MOST_VOICE = 400


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
        self._codes: Codes | None = None
        self._heard = Heard(16_000)
        self._carried: Track | None = None  # atoms that are heard at any strength
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
    def codes(self) -> Codes | None:
        """Gains of the result that is looked at."""
        return self._codes

    def open(self, dataset: Dataset | None) -> None:
        """Turn to a dataset, where it is another."""
        if dataset is self._dataset:
            return
        self._dataset = dataset
        self._asked, self._codes, self._carried = (), None, None
        self._tracks.forget()
        self._atoms.forget()
        self.recording = recording_of(dataset) if dataset is not None else None
        self._give(Heard(round(self.recording.rate) if self.recording is not None else 16_000))

    def follow(self, codes: Codes | None, strength: float, version: int = 0) -> None:
        """Prepare what belongs to gains and a strength, where they are others.

        Gains that were changed in their place come with another `version`.
        """
        recording = self.recording
        asked = (recording, id(codes), version, strength if codes is not None else 1.0)
        if recording is None or asked == self._asked:
            return
        if codes is not self._codes:
            self._atoms.forget()
            self._carried = None
        self._asked, self._codes = asked, codes
        whole = self._heard.tracks.get(WHOLE)
        self.waiting = True
        self._tracks.ask(
            _safely(lambda: heard_of(recording, codes, strength, whole=whole)), at_once=False
        )

    def patch(self, start: int, sound: Samples) -> None:
        """Put a stretch of speech in place of the one there, as tried out."""
        speech = self._heard.tracks.get(SPEECH)
        if speech is None:
            return
        made = speech.base if isinstance(speech, Patched) else speech
        patched = Patched(made, start, sound)
        self._heard = replace(self._heard, tracks={**self._heard.tracks, SPEECH: patched})
        self.tried.emit(self._heard)

    def ask_atoms(
        self,
        noise: NDArray[np.float32],
        voice: Voice | None,
        picked: Picked,
        stretch: tuple[float, float],
    ) -> None:
        """Prepare the sound of some atoms, half a minute at most, as the track `ATOMS`."""
        recording, codes = self.recording, self._codes
        if recording is None or codes is None:
            return
        longest = LONGEST_VOICE_S if picked.voice else LONGEST_S
        start, end = stretch[0], min(stretch[1], stretch[0] + longest, recording.seconds)

        def work() -> tuple[float, float, Samples]:
            found = np.zeros(1, np.float32)
            if picked.noise:
                found = sound_of_atoms(recording, codes, noise, picked.noise, (start, end))
            if picked.voice and voice is not None:
                atoms, chosen = voice.some(MOST_VOICE, picked.voice)
                found = found + sound_of_atoms(
                    recording, codes, atoms, chosen, (start, end), kept=True
                )
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
        first = round(start * recording.rate)
        piece = np.repeat(sound[:, None], whole.shape[1], axis=1)
        track = self._carried = Patched(silence(whole), first, piece)
        self._give(_with_atoms(self._heard, track))
        self.atoms_ready.emit(start, end)


def _with_atoms(heard: Heard, track: Track | None) -> Heard:
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
            return told(problem)

    return done


def _at_rate(sound: NDArray[np.float32], recording: Recording) -> Samples:
    """Bring sound at the model's rate to that of the recording."""
    from partwise_speech.frames import RATE

    rate = round(recording.rate)
    if rate == RATE:
        return sound
    import soxr

    return np.asarray(soxr.resample(sound, RATE, rate), dtype=np.float32)
