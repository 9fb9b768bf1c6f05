"""The few small widgets that every room shares."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QIcon,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from partwise_app.keyed import is_keyed

__all__ = [
    "Choice",
    "Elided",
    "Rule",
    "SectionLabel",
    "Switch",
    "Tick",
    "button",
    "label",
    "restyle",
    "set_icon",
]

_ARROW = 34  # px beside the words of a choice
_FADED = 0.4  # of a switch that cannot be turned
_BETWEEN = " · "  # facts of a line


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
    """A label that shortens its text with an ellipsis, and tells the whole in its tooltip.

    Facts with " · " between them are told whole or not at all.
    """

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
        width, metrics = max(self.width(), 24), self.fontMetrics()
        facts = self._full.split(_BETWEEN)
        # Of several facts as many as there is room for: half a number is worse than none.
        heads = [f"{_BETWEEN.join(facts[:k])} …" for k in range(len(facts) - 1, 0, -1)]
        fits = (text for text in (self._full, *heads) if metrics.horizontalAdvance(text) <= width)
        cut = metrics.elidedText(self._full, Qt.TextElideMode.ElideRight, width)
        shown = next(fits, cut)
        self.setText(shown)
        self.setAccessibleName(self._full)
        self.setToolTip(self._full if shown != self._full else "")


class Choice(QComboBox):
    """A choice among words; the wheel scrolls the form instead of changing it by accident."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)

    def take_others(self) -> QLineEdit:
        """Let other words be typed than those that are offered; returns where."""
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        line = self.lineEdit()
        assert line is not None  # it is editable
        line.setCompleter(None)  # type: ignore[arg-type]  # none: words are not finished by it
        return line

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
        painter.setOpacity(1.0 if self.isEnabled() else _FADED)
        track = QRectF(2, 4, 30, 16)
        palette = self.palette()
        painter.setPen(QPen(palette.text().color(), 1.5) if is_keyed(self) else Qt.PenStyle.NoPen)
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
        keyed = is_keyed(self)
        edge = palette.highlight() if on or keyed else palette.mid()
        painter.setPen(QPen(edge.color(), 1.5 if keyed else 1.0))
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
