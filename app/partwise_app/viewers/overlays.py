"""What lies over an image: names, scale, colour bar, overview and the swipe line?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.maps import color_table
from partwise_app.viewers.viewport import Box
from partwise_app.words import tr

__all__ = [
    "ColorBar",
    "OverviewInset",
    "SwipeHandle",
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


class SwipeHandle(QWidget):
    """The line between two layers; dragged, or moved by the arrow keys while it has the focus."""

    moved = Signal(float)
    """New place, 0 at the left border and 1 at the right."""

    WIDTH = 28
    _REACH = 4  # px on either side of the line
    _STEP = 0.02

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pane = parent
        self._fraction = 0.5
        self._tokens = DARK
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Swipe line"))
        self.setAccessibleDescription(tr("Moves the border between the whole and the parts"))
        self.setToolTip(tr("Drag to compare; left and right arrow keys move it"))

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def place(self, fraction: float, pane: QSize) -> None:
        """Lie at `fraction` of the width of a pane."""
        self._fraction = fraction
        left = round(fraction * pane.width() - self.WIDTH / 2)
        self.setGeometry(left, 0, self.WIDTH, pane.height())
        # What lies beside the line and the knob belongs to the image: hands draw there.
        middle, knob = self.WIDTH // 2, QRect(0, 0, self.WIDTH, self.WIDTH)
        knob.moveCenter(QPoint(middle, pane.height() // 2))
        line = QRect(middle - self._REACH, 0, 2 * self._REACH, pane.height())
        self.setMask(QRegion(line).united(QRegion(knob)))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle = self.width() / 2
        painter.fillRect(QRectF(middle - 2, 0, 4, self.height()), QColor(0, 0, 0, 60))
        painter.fillRect(QRectF(middle - 1, 0, 2, self.height()), QColor("#ffffff"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        focus = self.hasFocus()
        ring = QPen(QColor(self._tokens.accent), 2.5) if focus else QPen(QColor(0, 0, 0, 70), 1)
        painter.setPen(ring)
        painter.setBrush(QColor("#ffffff"))
        centre = QPointF(middle, self.height() / 2)
        painter.drawEllipse(centre, 12, 12)
        painter.setPen(QPen(QColor("#1c2126"), 1.6, c=Qt.PenCapStyle.RoundCap))
        for side in (-1, 1):
            tip = QPointF(centre.x() + side * 6.5, centre.y())
            painter.drawLine(tip, QPointF(centre.x() + side * 2, centre.y()))
            painter.drawLine(tip, QPointF(tip.x() - side * 2.6, tip.y() - 2.8))
            painter.drawLine(tip, QPointF(tip.x() - side * 2.6, tip.y() + 2.8))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask(self.mapToParent(event.position()).x() / self._pane.width())
        else:
            event.ignore()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._ask(0.5)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # zooms the image below

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -self._STEP, Qt.Key.Key_Right: self._STEP}
        ends = {Qt.Key.Key_Home: 0.0, Qt.Key.Key_End: 1.0}
        key = Qt.Key(event.key())
        if key in steps:
            self._ask(self._fraction + steps[key])
        elif key in ends:
            self._ask(ends[key])
        else:
            super().keyPressEvent(event)

    def _ask(self, fraction: float) -> None:
        self.moved.emit(min(max(fraction, 0.0), 1.0))


class OverviewInset(QWidget):
    """The whole image, small, with a frame around what is on screen; a click goes there."""

    asked = Signal(float, float)
    """Scene point to look at."""

    _LONGEST = 150
    _BORDER = 2

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pane = parent
        self._image = QImage()
        self._scene = (1, 1)
        self._box = Box(0, 0, 1, 1)
        self._tokens = DARK
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Overview"))
        self.setAccessibleDescription(tr("The whole image; click to look there"))
        self.setToolTip(tr("Click to look there"))
        self.hide()

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        self.update()

    def set_image(self, image: QImage, scene: tuple[int, int]) -> None:
        """Show a picture of the whole scene of the given size."""
        self._scene = scene
        longest = max(scene)
        width = max(24, round(self._LONGEST * scene[0] / longest)) + 2 * self._BORDER
        height = max(24, round(self._LONGEST * scene[1] / longest)) + 2 * self._BORDER
        self.resize(width, height)
        self._image = image
        if not image.isNull():
            self._image = image.scaled(
                self._inner().size().toSize() * self.devicePixelRatioF(),
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        self.update()

    def set_box(self, box: Box) -> None:
        """Frame a rectangle of the scene; hidden while nothing lies outside."""
        self._box = box
        inside = (
            box.x <= 0.5
            and box.y <= 0.5
            and box.x + box.width >= self._scene[0] - 0.5
            and box.y + box.height >= self._scene[1] - 0.5
        )
        parent = self._pane.size()
        small = parent.width() < 3 * self.width() or parent.height() < 2 * self.height()
        self.setVisible(not inside and not small and not self._image.isNull())
        self.update()

    def frame(self) -> QRectF:
        """The frame in the inset's own pixels."""
        inner = self._inner()
        across, down = inner.width() / self._scene[0], inner.height() / self._scene[1]
        framed = QRectF(
            inner.left() + self._box.x * across,
            inner.top() + self._box.y * down,
            self._box.width * across,
            self._box.height * down,
        ).intersected(inner)
        if framed.width() < 5 or framed.height() < 5:
            framed = QRectF(framed.center() - QPointF(2.5, 2.5), framed.center() + QPointF(3, 3))
        return framed

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#ffffff"))
        painter.drawImage(self._inner(), self._image)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0, 0, -1, -1))
        frame = self.frame()
        painter.setPen(QPen(QColor("#ffffff"), 3))
        painter.drawRect(frame)
        painter.setPen(QPen(QColor("#1b6ec2"), 1.5))
        painter.drawRect(frame)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(event)

    def _inner(self) -> QRectF:
        edge = self._BORDER
        return QRectF(self.rect()).adjusted(edge, edge, -edge, -edge)

    def _go(self, event: QMouseEvent) -> None:
        if not event.buttons() & Qt.MouseButton.LeftButton:
            return
        inner = self._inner()
        x = (event.position().x() - inner.left()) / inner.width() * self._scene[0]
        y = (event.position().y() - inner.top()) / inner.height() * self._scene[1]
        self.asked.emit(x, y)
