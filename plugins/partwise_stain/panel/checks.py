"""What was flagged on the slide? A line each with its share, to be laid over the image."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, Switch, label, tr
from partwise_stain.quality import FLAGS, Flag
from partwise_stain.trust import percent

__all__ = ["Checks"]

_WORDS = 26  # px to the words of a flag, past the ring around it and its box


class _Chip(QCheckBox):
    """A flag that can be laid over the image; its box has the colour of its mask."""

    def __init__(self, flag: Flag) -> None:
        super().__init__(tr(flag.name))
        self.key = flag.key
        self._color = QColor(flag.color)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Lay over the image: {name}", name=tr(flag.name)))
        self.setToolTip(tr(flag.help))
        self.setMinimumHeight(22)

    def sizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(_WORDS + wide + 5, max(super().sizeHint().height(), 22))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(5, (self.height() - 13) / 2, 13, 13)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        painter.setPen(QPen(self._color, 1.6))
        painter.setBrush(self._color if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(self.palette().text().color())
        words = QRectF(_WORDS, 0, self.width() - _WORDS, self.height())
        painter.drawText(
            words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text()
        )

    def hitButton(self, pos: object) -> bool:
        return True


class Checks(QWidget):
    """Flags with their shares; those ticked are laid over the image."""

    chosen = Signal(tuple)
    """Keys of the flags that are ticked."""
    cleaned = Signal(bool)
    """Whether what is flagged shall be left out of the numbers."""
    toned = Signal(bool)
    """Whether colours shall be shown as the slide's profile says."""

    def __init__(self) -> None:
        super().__init__()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Slide check")))
        self._hint = label("", "small", wrap=True)
        box.addWidget(self._hint)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(0, 1)
        box.addLayout(self._grid)
        self._chips: dict[str, _Chip] = {}
        self._shares = {}
        for row, flag in enumerate(FLAGS):
            chip, share = _Chip(flag), label("", "number")
            share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            share.setToolTip(tr("Of tissue") if flag.of_tissue else tr("Of the whole slide"))
            chip.toggled.connect(self._tell)
            self._grid.addWidget(chip, row, 0)
            self._grid.addWidget(share, row, 1)
            self._chips[flag.key], self._shares[flag.key] = chip, share
        self._clean, self._asked = _switched(
            tr("Measure clean tissue"),
            tr("Leave pen, folds, blur, red cells, pigment and clipped light out of all numbers"),
        )
        self._clean.toggled.connect(self.cleaned)
        self._tone, self._offered = _switched(
            tr("Colours as the slide's profile says"),
            tr("By the ICC profile in the file, for the eye alone: numbers are of the light as is"),
        )
        self._tone.toggled.connect(self.toned)
        self._offered.hide()
        box.addWidget(self._asked)
        box.addWidget(self._offered)
        self.set_shares(None)

    def set_clean(self, on: bool) -> None:
        """Show whether what is flagged is left out of the numbers."""
        self._clean.blockSignals(True)
        self._clean.setChecked(on)
        self._clean.blockSignals(False)

    def offer_tone(self, there: bool) -> None:
        """Offer the colours of a profile, off at first; or not where the slide has none."""
        self.set_tone(False)
        self._offered.setVisible(there)

    def set_tone(self, on: bool) -> None:
        """Show whether colours are as the slide's profile says."""
        self._tone.blockSignals(True)
        self._tone.setChecked(on)
        self._tone.blockSignals(False)

    def set_shares(self, shares: Mapping[str, float] | None, problem: str = "") -> None:
        """Show the shares that are known; None while the slide is looked at."""
        self._hint.setText(problem or tr("Looking at the slide…"))
        self._hint.setVisible(shares is None)
        self._asked.setVisible(shares is not None)
        for key, chip in self._chips.items():
            there = shares is not None and key in shares
            chip.setVisible(there)
            self._shares[key].setVisible(there)
            if there and shares is not None:
                self._shares[key].setText(percent(shares[key]))

    def ticked(self) -> tuple[str, ...]:
        """Keys of the flags that are ticked and known."""
        return tuple(
            key for key, chip in self._chips.items() if chip.isChecked() and not chip.isHidden()
        )

    def tick(self, key: str, on: bool = True) -> None:
        """Lay a flag over the image, or take it away."""
        self._chips[key].setChecked(on)

    def _tell(self, on: bool) -> None:
        self.chosen.emit(self.ticked())


def _switched(words: str, tip: str) -> tuple[Switch, QWidget]:
    """Return a switch, and the line with its words and itself."""
    made, line = Switch(), QWidget()
    made.setAccessibleName(words)
    made.setToolTip(tip)
    row = QHBoxLayout(line)
    row.setContentsMargins(0, 2, 0, 0)
    row.addWidget(label(words), 1)
    row.addWidget(made)
    line.setToolTip(tip)
    return made, line
