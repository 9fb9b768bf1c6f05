"""The few small widgets that every room shares."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QIcon,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from partwise_app.theme import DARK, Tokens

__all__ = [
    "Choice",
    "Dot",
    "Elided",
    "Rule",
    "SectionLabel",
    "ShareBar",
    "Swatch",
    "Switch",
    "Thumbnail",
    "Tick",
    "button",
    "label",
    "paint_verdict",
    "restyle",
    "set_icon",
]

_ARROW = 34  # px beside the words of a choice
_DIMMED = 0.72  # of a picture whose part is not on the stage: set back, still to be read


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet looks at, and let it look again."""
    if widget.property(name) != value:
        widget.setProperty(name, value)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def label(text: str = "", tone: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label in one of the tones of the style sheet."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    if tone:
        made.setProperty("tone", tone)
    made.setWordWrap(wrap)
    return made


def button(
    text: str, kind: str = "", *, name: str = "", tip: str = "", checkable: bool = False
) -> QPushButton:
    """Return a button in one of the kinds of the style sheet, with a name for screen readers."""
    made = QPushButton(text)
    if kind:
        made.setProperty("kind", kind)
    made.setAccessibleName(name or text)
    made.setToolTip(tip)
    made.setCheckable(checkable)
    made.setAutoDefault(False)
    return made


class SectionLabel(QLabel):
    """The heading of a section: small capitals, spaced, muted; shortened where it is too long."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._words = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("tone", "section")
        font = QFont(self.font())
        font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.9)
        self.setFont(font)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.set_words(text)

    def set_words(self, text: str) -> None:
        """Set the heading; it is shown in capitals."""
        self._words = text
        self.setAccessibleName(text)
        self._fit()

    def words(self) -> str:
        """Return the heading as it was set."""
        return self._words

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        full = " ".join(_capitals(word) for word in self._words.split(" "))
        margins = self.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        cut = self.fontMetrics().elidedText(full, Qt.TextElideMode.ElideRight, max(width, 40))
        self.setText(cut)


def _capitals(word: str) -> str:
    """A word in capitals; a unit or symbol, such as kBq/mL, means something else in them."""
    return word if word[1:] != word[1:].lower() else word.upper()


class Rule(QFrame):
    """A line of one pixel between sections."""

    def __init__(self, *, upright: bool = False) -> None:
        super().__init__()
        self.setObjectName("rule")
        if upright:
            self.setFixedWidth(1)
        else:
            self.setFixedHeight(1)


class Elided(QLabel):
    """A label that shortens its text with an ellipsis, and tells the whole in its tooltip."""

    def __init__(self, text: str = "", tone: str = "") -> None:
        super().__init__()
        self._full = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        if tone:
            self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full(text)

    def set_full(self, text: str) -> None:
        """Set the whole text."""
        self._full = text
        self._fit()

    def full(self) -> str:
        """Return the whole text."""
        return self._full

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(
            self.fontMetrics().horizontalAdvance(self._full) + 4, super().sizeHint().height()
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        width = max(self.width(), 24)
        shown = self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideRight, width)
        self.setText(shown)
        self.setAccessibleName(self._full)
        self.setToolTip(self._full if shown != self._full else "")


class Dot(QWidget):
    """A verdict: its colour, and for those who do not see the colour, its shape."""

    def __init__(self, verdict: str = "", size: int = 8) -> None:
        super().__init__()
        self._verdict = verdict
        self._tokens = DARK
        self.setFixedSize(size, size)

    def set_verdict(self, verdict: str) -> None:
        """Show another verdict; empty for none."""
        self._verdict = verdict
        self.update()

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_verdict(painter, QRectF(self.rect()), self._verdict, self._tokens)
        painter.end()


def paint_verdict(painter: QPainter, box: QRectF, verdict: str, tokens: Tokens) -> None:
    """Draw a verdict: a disc is good, a triangle wants a look, a square is bad."""
    color = {"good": tokens.good, "look": tokens.look, "bad": tokens.bad}.get(verdict)
    if color is None:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    if verdict == "good":
        painter.drawEllipse(box.adjusted(0.5, 0.5, -0.5, -0.5))
    elif verdict == "look":
        corners = [
            QPointF(box.center().x(), box.top()),
            QPointF(box.right(), box.bottom() - 0.5),
            QPointF(box.left(), box.bottom() - 0.5),
        ]
        painter.drawPolygon(QPolygonF(corners))
    else:
        painter.drawRect(box.adjusted(1, 1, -1, -1))
    painter.restore()


class Swatch(QAbstractButton):
    """A part's colour; a click asks for another."""

    def __init__(self, color: str, name: str, size: int = 14) -> None:
        super().__init__()
        self._color = color
        self._side = size
        self.setFixedSize(size + 4, size + 4)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(name)
        self.setToolTip(name)

    def set_color(self, color: str) -> None:
        if color != self._color:
            self._color = color
            self.update()

    def color(self) -> str:
        """Return the colour shown, ``#rrggbb``."""
        return self._color

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 1.5))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 5, 5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawRoundedRect(QRectF(2.5, 2.5, self._side - 1, self._side - 1), 3.5, 3.5)
        painter.end()


class ShareBar(QWidget):
    """How much of the whole: a bar of four pixels."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self._color = color
        self._share = 0.0
        self.setFixedHeight(4)

    def set_share(self, share: float, color: str) -> None:
        """Show `share`, 0 to 1."""
        self._share = min(max(share, 0.0), 1.0) if math.isfinite(share) else 0.0
        self._color = color
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().light())
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
        if self._share > 0:
            painter.setBrush(QColor(self._color))
            width = max(4.0, self.width() * self._share)
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 2, 2)
        painter.end()


class Thumbnail(QAbstractButton):
    """A small picture that fills its frame; a click shows the part alone on the stage."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._picture = QPixmap()
        self.dimmed = False  # the part is not in the picture on the stage
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_picture(self, picture: QPixmap) -> None:
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        frame = QRectF(self.rect())
        painter.fillRect(frame, self.palette().light())
        if not self._picture.isNull():
            painter.setOpacity(_DIMMED if self.dimmed else 1.0)
            painter.drawPixmap(frame, self._picture, _cover(self._picture, frame))
            painter.setOpacity(1.0)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(frame.adjusted(1, 1, -1, -1))
        painter.end()


def _cover(picture: QPixmap, frame: QRectF) -> QRectF:
    """The middle of the picture that has the frame's proportions."""
    width, height = float(picture.width()), float(picture.height())
    if frame.width() <= 0 or frame.height() <= 0:
        return QRectF(0, 0, width, height)
    ratio = frame.width() / frame.height()
    if width / height > ratio:
        kept = height * ratio
        return QRectF((width - kept) / 2, 0, kept, height)
    kept = width / ratio
    return QRectF(0, (height - kept) / 2, width, kept)


class Choice(QComboBox):
    """A choice among words; the wheel scrolls the form instead of changing it by accident."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def wheelEvent(self, event: object) -> None:
        event.ignore()  # type: ignore[attr-defined]  # a QWheelEvent; the stubs want its exact class

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        room = self.width() - _ARROW
        cut = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        option.currentText = cut
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().mid().color(), 1.5))
        x, y = self.width() - 13.0, self.height() / 2.0
        painter.drawPolyline(
            [QPointF(x - 3.5, y - 1.8), QPointF(x, y + 1.8), QPointF(x + 3.5, y - 1.8)]
        )
        painter.end()


class Switch(QCheckBox):
    """A yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(34, 24)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def hitButton(self, pos: object) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return QSize(34, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(2, 4, 30, 16)
        palette = self.palette()
        painter.setPen(QPen(palette.text().color(), 1.5) if self.hasFocus() else Qt.PenStyle.NoPen)
        on = self.isChecked()
        painter.setBrush(palette.highlight() if on else palette.mid())
        painter.drawRoundedRect(track, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        # The sheet has made the base transparent; the ground behind the data is as good.
        painter.setBrush(palette.highlightedText() if on else palette.shadow())
        painter.drawEllipse(QPointF(24.0 if on else 10.0, 12.0), 5.5, 5.5)
        painter.end()


class Tick(QCheckBox):
    """One of several things that can be chosen together."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, on = self.palette(), self.isChecked()
        top = (self.height() - 16) / 2
        box = QRectF(0.75, top + 0.75, 14.5, 14.5)
        edge = palette.highlight() if on or self.hasFocus() else palette.mid()
        painter.setPen(QPen(edge.color(), 1.5 if self.hasFocus() else 1.0))
        painter.setBrush(palette.highlight() if on else palette.button())
        painter.drawRoundedRect(box, 3, 3)
        if on:
            painter.setPen(QPen(palette.highlightedText().color(), 1.8))
            corners = [QPointF(4.2, top + 8.2), QPointF(7, top + 11), QPointF(12, top + 5.2)]
            painter.drawPolyline(corners)
        painter.setPen(palette.text().color())
        words = QRectF(25, 0, self.width() - 25, self.height())
        painter.drawText(
            words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text()
        )
        painter.end()

    def sizeHint(self) -> QSize:
        return QSize(30 + self.fontMetrics().horizontalAdvance(self.text()), 24)

    def hitButton(self, pos: object) -> bool:
        return True


def set_icon(widget: QAbstractButton, picture: QIcon, size: int = 16) -> None:
    """Give a button its picture."""
    widget.setIcon(picture)
    widget.setIconSize(QSize(size, size))
