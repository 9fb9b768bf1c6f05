"""What does a hand ask of the host? Edits of parameters, under the names that undo says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from partwise.api import UsageProblem
from partwise_app.api import Host, tr
from partwise_speech.moved import Moved
from partwise_speech.painted import Kind, Painted
from partwise_speech.panel.tile import NOISE
from partwise_speech.sources import GENERIC

__all__ = ["Asking"]

_TOP_HZ = 8000.0


class Asking:
    """The panel's edits; what is refused is said.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    # What is chosen

    @property
    def painted(self) -> Painted:
        """What is marked as speech and as noise."""
        try:
            return Painted.read(str(self._host.parameters.get("painted", "")))
        except ValueError:
            return Painted()

    @property
    def moved(self) -> Moved:
        """Which atoms count on the other side."""
        try:
            return Moved.read(str(self._host.parameters.get("moved", "")))
        except ValueError:
            return Moved()

    @property
    def strength(self) -> float:
        return float(self._host.parameters.get("strength", 1.0))

    @property
    def original(self) -> float:
        """Share of the original under the speech, 0 to 1."""
        return float(self._host.parameters.get("original", 0.0)) / 100

    @property
    def noise_span(self) -> str:
        return str(self._host.parameters.get("noise_span", ""))

    @property
    def voice(self) -> str:
        return self.chosen_voice()

    def chosen_voice(self) -> str:
        """Return which voice is looked for: generic, a dictionary or a recording."""
        return str(self._host.parameters.get("speech_dictionary", GENERIC))

    @property
    def noise(self) -> str:
        return str(self._host.parameters.get("noise_file", ""))

    @property
    def noise_atoms(self) -> int:
        return int(self._host.parameters.get("noise_atoms", 16))

    # What is asked

    def paint(self, kind: Kind | None, dabs: Iterable[Sequence[float]]) -> None:
        """Mark what a stroke touched; None erases."""
        titles = {"speech": tr("Paint speech"), "noise": tr("Paint noise")}
        title = titles[kind] if kind else tr("Erase marks")
        self._set("painted", self.painted.painted(kind, dabs).text, title)

    def mark_noise(self, stretch: tuple[float, float]) -> None:
        """Mark all frequencies of a stretch as noise."""
        painted = self.painted.painted("noise", [(*stretch, 0.0, _TOP_HZ)], round_=False)
        self._set("painted", painted.text, tr("Mark a stretch as noise"))

    def clear_marks(self) -> None:
        self._set("painted", "", tr("Clear marks"))

    def set_strength(self, value: float) -> None:
        self._set("strength", value, tr("Set strength"), "strength")

    def set_original(self, share: float) -> None:
        self._set("original", 100 * share, tr("Mix the original under the speech"), "original")

    def set_noise(self, start: float, end: float, merge: str = "") -> bool:
        """Say where noise is alone, in seconds."""
        text = f"{start:.3f}:{end:.3f}"
        return self._set("noise_span", text, tr("Set where noise is alone"), merge)

    def turn(self, side: str, number: int) -> None:
        """Let an atom, by its number from 0 on, count on the other side, or on its own again."""
        moved = self.moved.turned(side, number)
        names = {"number": number + 1}
        title = tr("Move atom {number}", **names)
        if side != NOISE:
            title = tr("Move group {number} of the voice", **names)
        self._set("moved", moved.text, title)

    def choose_voice(self, value: str) -> None:
        self._set("speech_dictionary", value, tr("Choose a voice"))

    def choose_noise(self, value: str) -> None:
        self._set("noise_file", value, tr("Choose a noise"))

    def _set(self, name: str, value: Any, title: str, merge: str = "") -> bool:
        if name not in self._host.parameters:
            return False
        try:
            self._host.set_parameter(name, value, title, merge)
        except UsageProblem as problem:
            self._host.notify(problem.fix or problem.what, "warn")
            return False
        return True
