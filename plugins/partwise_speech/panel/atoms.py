"""What does the noise consist of? Its atoms as small spectra, each to be heard or muted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, label, tr

__all__ = ["AtomGrid", "AtomTile"]

_ACROSS = 4
_RANGE_DB = 40.0


class AtomTile(QAbstractButton):
    """One spectrum; a click hears it alone, ``M`` or Ctrl and a click mutes it."""

    muted_asked = Signal()

    def __init__(self, number: int, color: str, of: str = "") -> None:
        super().__init__()
        self.number = number
        self._of = of or tr("the noise")
        self._share: float | None = None
        self.muted = False
        self._color = color
        self._line: NDArray[np.float64] = np.zeros(2)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumSize(40, 34)
        self._name()

    def set_spectrum(self, spectrum: NDArray[np.floating], share: float | None) -> None:
        """Show a spectrum, low frequencies left, and say its share of the noise."""
        top = float(spectrum.max(initial=0.0)) or 1.0
        level = 20 * np.log10(np.maximum(np.asarray(spectrum, np.float64) / top, 1e-6))
        self._line = np.clip(1 + level / _RANGE_DB, 0, 1)
        self._share = share
        self._name()
        self.update()

    def set_muted(self, muted: bool) -> None:
        self.muted = muted
        self._name()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(60, 38)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        palette = self.palette()
        painter.fillRect(frame, palette.shadow())
        inner = frame.adjusted(2, 4, -2, -2)
        across = np.linspace(inner.left(), inner.right(), self._line.size)
        down = inner.bottom() - self._line * inner.height()
        points = [QPointF(float(x), float(y)) for x, y in zip(across, down, strict=True)]
        ink = QColor(self._color)
        if self.muted:
            ink = palette.mid().color()
        fill = QColor(ink)
        fill.setAlphaF(0.45)
        painter.setPen(QPen(ink, 1.2))
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF([inner.bottomLeft(), *points, inner.bottomRight()]))
        if self.muted:
            painter.setPen(QPen(palette.text().color(), 1.2))
            painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.isChecked() or self.hasFocus():
            width = 2 if self.isChecked() else 1
            painter.setPen(QPen(palette.highlight().color(), width))
            painter.drawRect(frame.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.muted_asked.emit()
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_M:
            self.muted_asked.emit()
        else:
            super().keyPressEvent(event)

    def _name(self) -> None:
        words = tr("Atom {number} of {name}", number=self.number, name=self._of)
        if self._share is None:
            self.setAccessibleName(words)
            self.setToolTip(words + "\n" + tr("Click to hear noise of this shape"))
            return
        words += tr(", {share} % of it", share=f"{100 * self._share:.0f}")
        if self.muted:
            words += tr(", muted")
        self.setAccessibleName(words)
        self.setToolTip(
            words
            + "\n"
            + tr("Click to hear it alone, Ctrl and click (M) to hear the rest without it")
        )


class AtomGrid(QWidget):
    """All atoms of the noise; what is soloed or muted is heard so, and changes no result."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tiles: list[AtomTile] = []
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Atoms of the noise")))
        box.addLayout(self._grid)
        box.addWidget(
            label(tr("0 to 8 kHz in bands, 40 dB high. Click to hear one."), "small", wrap=True)
        )
        self.hide()

    def set_atoms(
        self, spectra: NDArray[np.floating] | None, shares: Sequence[float], color: str
    ) -> None:
        """Show spectra, shape (atoms, bands), strongest first as given; None shows nothing."""
        count = 0 if spectra is None else len(spectra)
        while len(self.tiles) > count:
            tile = self.tiles.pop()
            self._grid.removeWidget(tile)
            tile.hide()
            tile.deleteLater()
        while len(self.tiles) < count:
            tile = AtomTile(len(self.tiles) + 1, color)
            tile.toggled.connect(self._on_toggled)
            tile.muted_asked.connect(self._on_muted)
            place = len(self.tiles)
            self._grid.addWidget(tile, place // _ACROSS, place % _ACROSS)
            self.tiles.append(tile)
        for k, tile in enumerate(self.tiles):
            assert spectra is not None
            tile.blockSignals(True)
            tile.setChecked(False)
            tile.blockSignals(False)
            tile.set_muted(False)
            tile.set_spectrum(spectra[k], shares[k])
        self.setVisible(count > 0)

    def heard(self) -> tuple[int, ...] | None:
        """Return which atoms are to be heard; None while all are, as in the residual."""
        solo = tuple(k for k, tile in enumerate(self.tiles) if tile.isChecked())
        if solo:
            return solo
        left = tuple(k for k, tile in enumerate(self.tiles) if not tile.muted)
        return left if len(left) < len(self.tiles) else None

    def let_go(self) -> None:
        """End every solo and mute."""
        for tile in self.tiles:
            tile.blockSignals(True)
            tile.setChecked(False)
            tile.blockSignals(False)
            tile.set_muted(False)

    def _on_toggled(self, on: bool) -> None:
        self.changed.emit()

    def _on_muted(self) -> None:
        tile = self.sender()
        assert isinstance(tile, AtomTile)
        tile.set_muted(not tile.muted)
        self.changed.emit()
