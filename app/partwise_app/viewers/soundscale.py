"""What do places and colours of a spectrogram mean? Frequencies upwards, levels in colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from partwise.data.dataset import Axis
from partwise_app.theme import Tokens
from partwise_app.viewers.maps import packed_table
from partwise_app.viewers.peaks import FrequencyRows
from partwise_app.viewers.plotting import number, ticks
from partwise_app.words import tr

__all__ = ["GAIN_LEVELS", "FrequencyScale", "Levels", "paint_level_bar", "paint_upright", "shades"]

_GAIN_LOWEST = -255 / 8  # dB of a gain's byte 0
_LOWEST = 50.0  # Hz where a logarithmic axis begins
_MAP = "magma"
_ROUND_HZ = (20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
_BAR = 10.0  # px


@dataclass(frozen=True)
class Levels:
    """What the bytes 0 and 255 are, in dB, and up to where all is drawn darkest."""

    low: float
    high: float
    floor: float

    def value(self, byte: int) -> float:
        """Return the level of a byte."""
        return self.low + byte / 255 * (self.high - self.low)


GAIN_LEVELS = Levels(_GAIN_LOWEST, 0.0, _GAIN_LOWEST)


@dataclass(frozen=True)
class FrequencyScale:
    """Where frequencies lie in a pane.

    Attributes
    ----------
    axis : Axis
        Of the bins, in Hz.
    bins : int
    logarithmic : bool
    """

    axis: Axis
    bins: int
    logarithmic: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        """The frequencies at the lower and upper border, in Hz."""
        low = self.axis.start
        high = low + (self.bins - 1) * self.axis.step
        return (max(low, min(_LOWEST, high / 4)), high) if self.logarithmic else (low, high)

    def y_of(self, hertz: float, pane: QRectF) -> float:
        """Return where a frequency lies in a pane."""
        low, high = self.ends
        if self.logarithmic:
            low, high, hertz = np.log(low), np.log(high), np.log(max(hertz, 1e-9))
        return float(pane.bottom() - (hertz - low) / (high - low) * pane.height())

    def at(self, y: float, pane: QRectF) -> float:
        """Return the frequency at a place of a pane."""
        low, high = self.ends
        share = (pane.bottom() - y) / pane.height()
        return float(
            low * (high / low) ** share if self.logarithmic else low + share * (high - low)
        )

    def bin_of(self, hertz: float) -> int:
        """Return the bin that is nearest to a frequency."""
        return min(max(round((hertz - self.axis.start) / self.axis.step), 0), self.bins - 1)

    def rows(self, height: int) -> FrequencyRows:
        """Return which bins each row of so many shows."""
        return FrequencyRows(
            self.axis.start,
            self.axis.step,
            self.bins,
            *self.ends,
            logarithmic=self.logarithmic,
            height=height,
        )

    def paint(self, painter: QPainter, pane: QRectF, tokens: Tokens) -> None:
        """Write frequencies and the axis' title left of a pane."""
        metrics = QFontMetricsF(painter.font())
        rungs: Sequence[float] = _ROUND_HZ
        if not self.logarithmic:
            rungs = ticks(*self.ends, max(int(pane.height() / 26), 2))
        painter.setPen(QColor(tokens.muted))
        last = pane.bottom() + metrics.height()
        for hertz in rungs:
            y = self.y_of(hertz, pane)
            if not pane.top() - 1 <= y <= pane.bottom() + 1 or last - y < metrics.height():
                continue
            last = y
            painter.drawLine(QPointF(pane.left() - 4, y), QPointF(pane.left() - 1, y))
            middle = min(max(y, pane.top() + 5), pane.bottom() - 5)
            box = QRectF(0, middle - metrics.height() / 2, pane.left() - 8, metrics.height())
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, right, number(hertz / 1000))
        paint_upright(painter, pane, tr("Frequency (kHz)"), "kHz")


def paint_upright(painter: QPainter, pane: QRectF, title: str, short: str) -> None:
    """Write an axis' title upwards left of a pane, the short one where there is little room."""
    metrics = QFontMetricsF(painter.font())
    painter.save()
    painter.translate(5, pane.center().y())
    painter.rotate(-90)
    box = QRectF(-pane.height() / 2, 0, pane.height(), metrics.height())
    words = title if metrics.horizontalAdvance(title) < pane.height() else short
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()


def paint_level_bar(
    painter: QPainter, beside: QRectF, levels: Levels, unit: str, tokens: Tokens
) -> None:
    """Draw what the colours mean, right of a picture."""
    metrics = QFontMetricsF(painter.font())
    tall = min(beside.height() - metrics.height() - 6, 220.0)
    bar = QRectF(beside.right() + 12, beside.top() + metrics.height() + 6, _BAR, tall)
    ramp_of = np.repeat(packed_table(_MAP)[::-1, None], 1, axis=1)
    ramp = QImage(ramp_of.data, 1, 256, 4, QImage.Format.Format_RGB32).copy()
    painter.drawImage(bar, ramp)
    painter.setPen(QColor(tokens.muted))
    painter.drawText(QPointF(bar.left(), beside.top() + metrics.ascent()), unit)
    for level in ticks(levels.floor, levels.high, max(int(tall / 44), 2)):
        y = bar.bottom() - (level - levels.floor) / (levels.high - levels.floor) * bar.height()
        painter.drawLine(QPointF(bar.right() + 1, y), QPointF(bar.right() + 3, y))
        painter.drawText(QPointF(bar.right() + 6, y + metrics.ascent() / 2 - 1), number(level))


@lru_cache(maxsize=32)
def shades(levels: Levels) -> NDArray[np.uint32]:
    """Return the colours of the 256 levels."""
    table = packed_table(_MAP)
    decibels = levels.low + np.arange(256) / 255 * (levels.high - levels.low)
    share = np.clip((decibels - levels.floor) / (levels.high - levels.floor), 0, 1)
    return table[np.round(share * 255).astype(np.intp)]
