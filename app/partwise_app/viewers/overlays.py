"""What is written over an image: names, scale, colour bar, a message?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QLinearGradient,
    QPainter,
)

from partwise_app.theme import Tokens
from partwise_app.viewers.maps import color_table

__all__ = [
    "ColorBar",
    "magnification",
    "nice_length",
    "paint_badge",
    "paint_color_bar",
    "paint_message",
    "paint_scale_bar",
    "small_font",
]

_MARGIN = 12.0
_PLATE_ALPHA = 225
_RADIUS = 4.0
_TIMES_MICRONS = 10.0  # magnification times micrometres per pixel, on slide scanners


@dataclass(frozen=True)
class ColorBar:
    """What the colours of a map mean: from 0 to `limit` in `unit`."""

    limit: float
    unit: str


def nice_length(
    longest_px: float, microns_per_pixel: float | None, scale: float
) -> tuple[float, str]:
    """Choose a round length for a scale bar.

    Parameters
    ----------
    longest_px : float
        Longest bar that fits, in screen pixels.
    microns_per_pixel : float or None
        Of level 0; None counts in pixels.
    scale : float
        Screen pixels per level-0 pixel.

    Returns
    -------
    length : float
        In screen pixels, at most `longest_px`.
    text : str
        Such as ``"100 µm"``, ``"2 mm"``, ``"500 px"``.
    """
    unit_px = scale / microns_per_pixel if microns_per_pixel else scale
    longest = longest_px / unit_px
    power = 10.0 ** math.floor(math.log10(longest))
    value = max((m * power for m in (1, 2, 5) if m * power <= longest * (1 + 1e-9)), default=power)
    if not microns_per_pixel:
        return value * unit_px, f"{value:,.4g} px" if value < 1e4 else f"{value:,.0f} px"
    if value >= 1000:
        return value * unit_px, f"{value / 1000:g} mm"
    if value < 1:
        return value * unit_px, f"{value * 1000:g} nm"
    return value * unit_px, f"{value:g} µm"


def magnification(scale: float, microns_per_pixel: float) -> str:
    """Return how large an image is shown, as ``"20×"``.

    Parameters
    ----------
    scale : float
        Screen pixels per level-0 pixel.
    microns_per_pixel : float
        Of level 0.
    """
    times = _TIMES_MICRONS * scale / microns_per_pixel
    return f"{times:.0f}×" if times >= 9.95 else f"{times:.2g}×"


def small_font(font: QFont) -> QFont:
    """Return the smaller of the two sizes that overlays use."""
    small = QFont(font)
    if font.pixelSize() > 0:
        small.setPixelSize(max(10, font.pixelSize() - 2))
    else:
        small.setPointSizeF(max(7.5, font.pointSizeF() * 0.86))
    return small


def _plate(painter: QPainter, rect: QRectF, tokens: Tokens) -> None:
    color = QColor(tokens.window)
    color.setAlpha(_PLATE_ALPHA)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.drawRoundedRect(rect, _RADIUS, _RADIUS)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_badge(
    painter: QPainter, area: QRectF, text: str, tokens: Tokens, *, color: str = "", right: bool
) -> QRectF:
    """Write a layer's name into an upper corner of `area`, its swatch before it."""
    painter.setFont(small_font(painter.font()))
    metrics = QFontMetricsF(painter.font())
    swatch = 16.0 if color else 0.0
    room = area.width() - 2 * _MARGIN - 16 - swatch
    if room < 24:
        return QRectF()
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
    width = metrics.horizontalAdvance(shown) + 16 + swatch
    left = area.right() - _MARGIN - width if right else area.left() + _MARGIN
    rect = QRectF(round(left), area.top() + _MARGIN, math.ceil(width), metrics.height() + 8)
    _plate(painter, rect, tokens)
    if color:
        square = QRectF(rect.left() + 8, rect.center().y() - 4.5, 9, 9)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(square, 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QColor(tokens.text))
    words = rect.adjusted(8 + swatch, 0, -8, 0)
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
    return rect


def paint_scale_bar(
    painter: QPainter,
    area: QRectF,
    scale: float,
    microns_per_pixel: float | None,
    tokens: Tokens,
) -> QRectF:
    """Draw a scale bar of round length into the lower right corner of `area`.

    Where the size of a pixel is known, the magnification stands beside it: by the usage of slide
    scanners, 40 is a quarter of a micrometre per pixel of the screen.
    """
    painter.setFont(small_font(painter.font()))
    metrics = QFontMetricsF(painter.font())
    longest = min(120.0, area.width() * 0.35)
    if longest < 24:
        return QRectF()
    length, text = nice_length(longest, microns_per_pixel, scale)
    if microns_per_pixel:
        text += f" · {magnification(scale, microns_per_pixel)}"
    width = max(length, metrics.horizontalAdvance(text)) + 16
    height = metrics.height() + 14
    rect = QRectF(
        round(area.right() - _MARGIN - width),
        round(area.bottom() - _MARGIN - height),
        math.ceil(width),
        math.ceil(height),
    )
    _plate(painter, rect, tokens)
    painter.fillRect(
        QRectF(rect.left() + (rect.width() - length) / 2, rect.top() + 7, length, 3),
        QColor(tokens.text),
    )
    painter.setPen(QColor(tokens.text))
    painter.drawText(rect.adjusted(0, 8, 0, 0), Qt.AlignmentFlag.AlignCenter, text)
    return rect


def paint_color_bar(
    painter: QPainter, area: QRectF, bar: ColorBar, tokens: Tokens, *, above: float
) -> QRectF:
    """Draw the colours of a map with numbers and unit, in the lower right, `above` the border."""
    painter.setFont(small_font(painter.font()))
    metrics = QFontMetricsF(painter.font())
    width = min(184.0, area.width() - 2 * _MARGIN)
    if width < 120:
        return QRectF()
    height = metrics.height() + 20
    rect = QRectF(
        round(area.right() - _MARGIN - width),
        round(area.bottom() - above - _MARGIN - height),
        round(width),
        math.ceil(height),
    )
    _plate(painter, rect, tokens)
    ramp = rect.adjusted(8, 7, -8, 0)
    ramp.setHeight(7)
    shades = QLinearGradient(ramp.topLeft(), ramp.topRight())
    table = color_table("viridis")
    for step in range(0, 256, 15):
        shades.setColorAt(step / 255, QColor(*(int(v) for v in table[step])))
    painter.fillRect(ramp, shades)
    painter.setPen(QColor(tokens.text))
    words = rect.adjusted(8, 17, -8, 0)
    centre = Qt.AlignmentFlag.AlignVCenter
    painter.drawText(words, centre | Qt.AlignmentFlag.AlignLeft, "0")
    painter.drawText(words, centre | Qt.AlignmentFlag.AlignHCenter, f"{bar.limit / 2:g}")
    painter.drawText(words, centre | Qt.AlignmentFlag.AlignRight, f"≥ {bar.limit:g} {bar.unit}")
    return rect


def paint_message(
    painter: QPainter, area: QRectF, title: str, detail: str, tokens: Tokens, *, plate: bool
) -> None:
    """Write one calm line, and a quieter one below, in the middle of `area`."""
    font = QFont(painter.font())
    font.setWeight(QFont.Weight.Medium)
    small = small_font(font)
    small.setWeight(QFont.Weight.Normal)
    upper, lower = QFontMetricsF(font), QFontMetricsF(small)
    room = max(area.width() - 48, 40)
    title = upper.elidedText(title, Qt.TextElideMode.ElideRight, room)
    detail = lower.elidedText(detail, Qt.TextElideMode.ElideRight, room)
    gap = 5 if detail else 0
    height = upper.height() + (lower.height() + gap if detail else 0)
    top = area.center().y() - height / 2
    if plate:
        width = max(upper.horizontalAdvance(title), lower.horizontalAdvance(detail)) + 32
        _plate(painter, QRectF(area.center().x() - width / 2, top - 10, width, height + 20), tokens)
    painter.setFont(font)
    painter.setPen(QColor(tokens.text))
    line = QRectF(area.left(), top, area.width(), upper.height())
    painter.drawText(line, Qt.AlignmentFlag.AlignCenter, title)
    if detail:
        painter.setFont(small)
        painter.setPen(QColor(tokens.muted))
        line = QRectF(area.left(), top + upper.height() + gap, area.width(), lower.height())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, detail)
