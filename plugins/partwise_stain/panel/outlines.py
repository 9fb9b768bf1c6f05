"""Which regions are drawn over the slide by hand, and which one is chosen?"""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from partwise_app.api import ImageStage, Shape, tr
from partwise_stain.panel.case import Case

__all__ = ["Outlines"]

_MARK, _CHOSEN = "#ffd54a", "#4bd0ea"


class Outlines(QObject):
    """Draws the regions of a case on the stage, and takes what hands do to them.

    Parameters
    ----------
    case : Case
    """

    drawn = Signal()
    """There is one more."""
    turned = Signal()
    """Another one is chosen."""

    def __init__(self, case: Case, parent: QObject) -> None:
        super().__init__(parent)
        self._case = case
        self._stage: ImageStage | None = None
        self.chosen = ""  # key of a region

    def take(self, stage: ImageStage) -> None:
        """Draw on a stage from now on, and listen to its marks."""
        self._stage = stage
        marks = stage.marks
        marks.drawn.connect(self.add)
        marks.reshaped.connect(self._case.reshape)
        marks.chosen.connect(self.choose)
        marks.removal_asked.connect(self.remove)

    def draw(self) -> None:
        """Draw those that there are, where there is a slide."""
        if self._stage is None or self._case.pyramid is None:
            return
        self._stage.marks.set_shapes(
            [
                Shape(
                    region.key,
                    region.points,
                    region.name,
                    _CHOSEN if region.key == self.chosen else _MARK,
                    region.key == self.chosen,
                    region.kind,
                )
                for region in self._case.regions
            ]
        )

    def add(self, tool: str, points: tuple[tuple[float, float], ...]) -> None:
        """Keep what was drawn with a tool, and choose it."""
        if self._case.pyramid is None:
            return
        self.chosen = self._case.add(tool, points).key
        if self._stage is not None:
            self._stage.marks.set_tool("")  # its grips are there, and the hand is free
        self.drawn.emit()

    def add_view(self) -> None:
        """Keep all that is in sight as a rectangle."""
        if self._stage is not None:
            box = self._stage.view_rect()
            left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
            self.add("rectangle", ((left, top), (right, top), (right, bottom), (left, bottom)))

    def choose(self, key: str) -> None:
        """Choose one, or none."""
        if key != self.chosen:
            self.chosen = key
            self.draw()
            self.turned.emit()

    def remove(self, key: str) -> None:
        """Take one away."""
        names = {region.key: region.name for region in self._case.regions}
        if key in names:
            left = [region for region in self._case.regions if region.key != key]
            self.chosen = ""
            self._case.keep(left, tr("Remove {name}", name=names[key]))

    def clear(self) -> None:
        """Take all away."""
        if self._case.regions:
            self.chosen = ""
            self._case.keep((), tr("Remove all regions"))
