"""Can it be heard before a run? Speech and residual, separated while they play."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from partwise_app.api import tr
from partwise_speech.panel.ahead import Ahead
from partwise_speech.panel.heard import RESIDUAL, SPEECH, WHOLE, Heard, room
from partwise_speech.panel.listening import Listening
from partwise_speech.sound import Recording

if TYPE_CHECKING:
    from partwise_speech.dictionary import Dictionary
    from partwise_speech.learned import Noise
    from partwise_speech.stream import Known

__all__ = ["Streaming", "Wanted"]

_FIRST_S = 0.5  # that has to be there before it is heard
_TICK_MS = 50


@dataclass(frozen=True)
class Wanted:
    """What a preview is made with: parameters of a run."""

    noise_span: str = "auto"
    noise_file: str = ""
    noise_atoms: int = 16
    voice: str = "generic"
    method: str = "auto"
    strength: float = 1.0

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Wanted:
        """Take what the form says."""
        return cls(
            str(values.get("noise_span", "auto")),
            str(values.get("noise_file", "")),
            int(values.get("noise_atoms", 16)),
            str(values.get("speech_dictionary", "generic")),
            str(values.get("method", "auto")),
            float(values.get("strength", 1.0)),
        )

    def heard(self, recording: Recording, seed: int = 0) -> tuple[Dictionary, Noise]:
        """Learn voice and noise, as a run would.

        Raises
        ------
        InputProblem
            The span of noise lies beyond the recording.
        FileProblem
            A voice or a noise cannot be read.
        """
        from partwise_speech.learned import hear_noise
        from partwise_speech.sources import voice_of

        voice = voice_of(self.voice, seed)
        span, file, atoms = self.noise_span, self.noise_file, self.noise_atoms
        return voice, hear_noise(recording, span, file, atoms, voice, seed, _go_on)

    def known(self, recording: Recording) -> Callable[[], Known]:
        """Return what learns voice and noise for a stream."""

        def learn() -> Known:
            from partwise_speech.stream import Known

            return Known.of(*self.heard(recording), self.method)

        return learn


def _go_on(_: object) -> bool:
    return True


class Streaming(QObject):
    """Lets speech be heard while it is separated, where no run has been made.

    Parameters
    ----------
    listening : Listening
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, listening: Listening, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listening = listening
        self._recording: Recording | None = None
        self._wanted: Wanted | None = None
        self._ahead: Ahead | None = None
        self._heard = self._given = Heard(16_000)  # what is made, and what was given to be heard
        self._key, self._from = "", WHOLE  # what is waited for, and what is heard meanwhile
        self._behind = False  # what is heard now is not made yet
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._look)

    @property
    def words(self) -> str:
        """What it does, and how far behind a live sound it would be; empty while it rests."""
        if self._ahead is None:
            return ""
        if self._key:
            return tr("Learning the noise …")
        if self._behind:
            return tr("the preview is catching up …")
        latency = f"{1e3 * self._ahead.latency:.0f}"
        return tr("preview, {latency} ms late", latency=latency)

    def offer(self, recording: Recording | None, wanted: Wanted | None) -> None:
        """Say what could be previewed; None where there is a result, or a run goes on."""
        known = recording if WHOLE in self._listening.heard.tracks else None
        if known is self._recording and wanted == self._wanted:
            return
        playing = self._ahead is not None and known is self._recording
        self._follow_choice()
        key = self._key or self._listening.key
        self._recording, self._wanted = known, wanted
        self.stop()
        self._listening.set_offers(known is not None and wanted is not None)
        if playing and wanted is not None and key != WHOLE:
            self.begin(key)  # the same place, made anew
        elif self._listening.heard is self._given:
            self._take_back()

    def begin(self, key: str) -> None:
        """Make speech from where it is heard on, and let it be heard as soon as there is some."""
        recording, wanted = self._recording, self._wanted
        whole = self._listening.heard.tracks.get(WHOLE)
        if recording is None or wanted is None or whole is None:
            return
        self._key, self._from = key, self._listening.key
        if self._ahead is None:
            track = room(*whole.shape)
            self._heard = Heard(
                self._listening.heard.rate,
                {WHOLE: whole, SPEECH: track},
                {WHOLE: {WHOLE: 1.0}, SPEECH: {SPEECH: 1.0}, RESIDUAL: {WHOLE: 1.0, SPEECH: -1.0}},
            )
            known, place = wanted.known(recording), self._listening.place
            self._ahead = Ahead(recording, known, track, place, wanted.strength)
            self._timer.start()
        self.changed.emit()

    def stop(self, *, wait: bool = False) -> None:
        """Make no more; waits for the thread to end where that is asked."""
        self._timer.stop()
        self._key = ""
        if self._ahead is not None:
            self._ahead.stop(wait=wait)
            self._ahead = None
            self.changed.emit()

    def _follow_choice(self) -> None:
        """Whoever chooses something else meanwhile does not wait any more."""
        if self._key and self._listening.key != self._from:
            self._key = ""

    def _take_back(self) -> None:
        """What was made is no longer what would be made."""
        rate, whole = self._given.rate, self._given.tracks[WHOLE]
        self._listening.set_heard(Heard(rate, {WHOLE: whole}, {WHOLE: {WHOLE: 1.0}}), as_loud=True)

    def _look(self) -> None:
        """See how far it is."""
        ahead = self._ahead
        assert ahead is not None
        self._follow_choice()
        if ahead.problem:
            self.stop()
            self.failed.emit(ahead.problem)
            return
        if self._key and ahead.has(self._listening.position, _FIRST_S):
            key, self._key = self._key, ""
            self._given = self._heard
            self._listening.set_heard(self._given, as_loud=True)
            self._listening.choose(key)
            self.changed.emit()
        heard = self._listening.playing and self._listening.key != WHOLE
        behind = heard and not ahead.has(self._listening.position, 0.0)
        if behind != self._behind:
            self._behind = behind
            self.changed.emit()
        if ahead.done:
            self._timer.stop()
