"""When were the frames taken? A table to look at and to correct."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from partwise.api import FileProblem
from partwise_app.api import Choice, label, tr
from partwise_pet.times import checked_frames

__all__ = ["FrameDialog", "decay_words"]

Array = NDArray[np.float64]


class FrameDialog(QDialog):
    """Start and duration of every frame in s; what cannot be is said at once, and not taken.

    Parameters
    ----------
    spans : float64, shape (frames, 2), or None
        Start and end in s; None where nothing is known.
    count : int
        Frames of the series.
    source : str
    decay : {"file", "corrected", "uncorrected"}
        What was asked for.
    told : bool or None
        Whether the file says that decay was corrected.
    parent : QWidget, optional
    """

    def __init__(
        self,
        spans: Array | None,
        count: int,
        source: str,
        decay: str = "file",
        told: bool | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Frame times"))
        self.resize(420, 560)
        self.spans: Array | None = None
        self._known = spans
        self._count = count
        self._words = label("", "muted", wrap=True)
        self.decay = Choice()
        self.decay.setAccessibleName(tr("Decay correction"))
        self.decay.setToolTip(tr("What is not corrected for decay, is corrected by a run"))
        for key, words in (
            ("file", tr("As the file says: {what}", what=decay_words(told))),
            ("corrected", tr("Is corrected")),
            ("uncorrected", tr("Not corrected")),
        ):
            self.decay.addItem(words, key)
        self.decay.setCurrentIndex(max(self.decay.findData(decay), 0))
        self.table = QTableWidget(count, 3)
        self.table.setHorizontalHeaderLabels([tr("Start, s"), tr("Duration, s"), tr("End, s")])
        self.table.setAccessibleName(tr("Frame times"))
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setDefaultSectionSize(24)
        for row in range(count):
            known = spans is not None and row < len(spans)
            values = (
                (spans[row, 0], spans[row, 1] - spans[row, 0])
                if known and spans is not None
                else ()
            )
            for column in range(3):
                text = f"{values[column]:g}" if column < len(values) else ""
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if column == 2:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.table.setItem(row, column, item)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(8)
        box.addWidget(
            label(tr("From: {source}", source=source or tr("nothing")), "muted", wrap=True)
        )
        box.addWidget(self.table, 1)
        box.addWidget(self._words)
        below = QHBoxLayout()
        below.addWidget(label(tr("Decay"), "muted"))
        below.addWidget(self.decay, 1)
        box.addLayout(below)
        box.addWidget(self._buttons)
        self.table.itemChanged.connect(self.check)
        self.check()

    @property
    def problem(self) -> str:
        """What is wrong with the table as it stands; empty where nothing is."""
        return "" if self.spans is not None else self._words.text()

    @property
    def edited(self) -> bool:
        """Whether the times are others than at first."""
        known, now = self._known, self.spans
        return now is not None and (
            known is None or known.shape != now.shape or not np.allclose(known, now, atol=1e-6)
        )

    def check(self) -> None:
        """Check the table and show where frames end."""
        cells = [[self._text(row, column) for row in range(self._count)] for column in range(2)]
        try:
            table = checked_frames(
                Path(tr("the table")), cells[0], cells[1], self._count, tr("frame table, edited")
            )
        except FileProblem as problem:
            self.spans = None
            self._words.setText(tr("The table {problem}.", problem=problem.what))
        else:
            self.spans = table.spans
            minutes = f"{(table.spans[-1, 1] - table.spans[0, 0]) / 60:.2f}"
            told = tr("{count} frames, {minutes} min.", count=self._count, minutes=minutes)
            self._words.setText(" ".join([told, *table.notes]))
        self._buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.spans is not None)
        self._show_ends()

    def _show_ends(self) -> None:
        self.table.blockSignals(True)
        for row in range(self._count):
            text = f"{self.spans[row, 1]:g}" if self.spans is not None else ""
            item = self.table.item(row, 2)
            if item is not None:
                item.setText(text)
        self.table.blockSignals(False)

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text().strip().replace(",", ".") if item is not None else ""


def decay_words(told: bool | None) -> str:
    """Return what a file says of decay."""
    return {True: tr("corrected"), False: tr("not corrected")}.get(
        told,  # type: ignore[arg-type]  # None finds the default
        tr("nothing, so corrected"),
    )
