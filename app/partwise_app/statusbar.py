"""The bottom row: what is going on at the left, what is under the cursor at the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QWidget

from partwise_app.controls import label
from partwise_app.jobchip import JobChip
from partwise_app.words import tr

__all__ = ["StatusBar", "reading_texts"]


def reading_texts(reading: Any) -> tuple[str, ...]:
    """Return what is under the cursor: position, light, strengths with their unit, residual."""
    if reading is None:
        return ()
    if isinstance(reading, tuple):  # the words of a plot
        return reading
    texts = []
    if reading.microns is not None:
        texts.append(f"x {reading.microns[0]:,.1f}  y {reading.microns[1]:,.1f} µm")
    else:
        texts.append(f"x {reading.x:,}  y {reading.y:,} px")
    texts.append("RGB " + " ".join(f"{v}" for v in reading.rgb))
    if reading.strengths:
        pairs = zip(reading.names, reading.strengths, strict=False)
        texts.append("  ".join(f"{name} {value:.3f}" for name, value in pairs) + f" {reading.unit}")
    if reading.residual is not None:
        texts.append(f"residual {reading.residual:.3f} {reading.unit}")
    return tuple(texts)


class StatusBar(QWidget):
    """The bottom row of the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(28)
        self.job = JobChip()
        self._reading = label("")
        self._reading.setAccessibleName(tr("Under the cursor"))
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 0, 14, 0)
        row.addWidget(self.job)
        row.addStretch()
        row.addWidget(self._reading)

    def set_reading(self, reading: object) -> None:
        """Show what is under the cursor, or nothing."""
        self._reading.setText("     ".join(reading_texts(reading)))
