"""Which vector has each stain? Numbers beside the form, live while a ray is dragged."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from partwise_app.api import Host, SectionLabel, button, label

__all__ = ["Panel"]

_COLUMNS = ("Red", "Green", "Blue")


class Panel(QWidget):
    """Unit vectors in optical density, as found or as corrected, and the angle between them.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._angle = label("", "muted")
        self._back = button("Take corrections back", "link", tip="Return to the vectors as found")
        self._back.clicked.connect(host.take_back)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        box.addWidget(SectionLabel("Stain vectors, optical density"))
        box.addLayout(self._grid)
        box.addWidget(self._angle)
        box.addWidget(self._back, 0, Qt.AlignmentFlag.AlignLeft)
        self._cells: list[QLabel] = []
        host.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the vectors that hold now."""
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self._cells = []
        strips = {strip.key: strip for strip in self._host.strips}
        vectors = []
        for column, title in enumerate(_COLUMNS, 1):
            self._put(0, column, title, "small")
        for row, part in enumerate(self._host.parts, 1):
            strip = strips.get(part.key)
            corrected = strip is not None and strip.profile is not None
            vector = strip.profile if strip and strip.profile else tuple(part.profile)
            vectors.append(vector)
            name = strip.name if strip else part.name
            self._put(row, 0, f"{name} *" if corrected else name, "")
            for column, value in enumerate(vector, 1):
                self._put(row, column, f"{value:.3f}", "number")
        self._angle.setText(_between(vectors))
        self._angle.setVisible(len(vectors) > 1)
        self._back.setVisible(any(strip.profile is not None for strip in strips.values()))
        self.setVisible(bool(vectors))

    def _put(self, row: int, column: int, text: str, tone: str) -> None:
        cell = label(text, tone)
        if column:
            cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(cell, row, column)
        self._cells.append(cell)


def _between(vectors: list[tuple[float, ...]]) -> str:
    """The angle between the first two, in words."""
    if len(vectors) < 2:
        return ""
    first, second = vectors[:2]
    dot = sum(a * b for a, b in zip(first, second, strict=True))
    length = math.hypot(*first) * math.hypot(*second)
    return f"{math.degrees(math.acos(min(dot / length, 1.0))):.1f}° between the first two"
