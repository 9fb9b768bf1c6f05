"""Which gains stand now? Those of the run, with all that a hand has chosen since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from partwise.api import Result
from partwise_speech.panel.asking import Asking
from partwise_speech.panel.marking import Marking
from partwise_speech.panel.piecewise import Codes
from partwise_speech.panel.refitting import Refitting, Wish
from partwise_speech.panel.remasking import Remasking
from partwise_speech.panel.streaming import Wanted
from partwise_speech.sound import Recording

__all__ = ["Gains"]


class Gains(QObject):
    """Atoms moved make other masks, marks hold at once inside, a fit brings what follows elsewhere.

    Attributes
    ----------
    remasking : Remasking
    refitting : Refitting
    """

    remade = Signal()
    """Gains in sight are others now."""

    def __init__(self, asking: Asking, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asking = asking
        self.remasking, self._marking, self.refitting = Remasking(self), Marking(), Refitting(self)
        self.remasking.remade.connect(self.remade)
        self.refitting.remade.connect(self.remade)

    @property
    def codes(self) -> Codes | None:
        """Gains as they stand."""
        return self.refitting.codes

    @property
    def version(self) -> int:
        """Another one whenever `codes` were changed in their place."""
        return self._marking.version + self.refitting.version  # both of them only grow

    @property
    def is_tried(self) -> bool:
        """Whether others are tried out than the run has found."""
        return self.remasking.is_tried or self._marking.is_tried or self.refitting.is_tried

    def follow(
        self,
        recording: Recording | None,
        result: Result | None,
        values: Mapping[str, Any],
        sight: tuple[float, float],
    ) -> None:
        """Make gains for a result, as parameters are chosen, for what is in sight in seconds."""
        moved, painted = self._asking.moved, self._asking.painted
        remasking, marking = self.remasking, self._marking
        remasking.follow(recording, result, moved, sight)
        marking.follow(remasking.codes, remasking.version, result, painted)
        wish = Wish.of(Wanted.of(values), painted, moved)
        self.refitting.follow(recording, result, wish, marking.codes, marking.version, sight)

    def look(self, sight: tuple[float, float]) -> None:
        """See to what is in sight now, soon."""
        self.remasking.look(sight)
        self.refitting.look(sight)

    def close(self) -> None:
        """Want no answer any more."""
        self.remasking.close()
        self.refitting.close()
