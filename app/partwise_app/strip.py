"""What does one strip of the mixer show and let a hand do?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QStyle,
    QStyleOptionFrame,
    QVBoxLayout,
)

from partwise.project.document import Strip
from partwise_app.controls import button, label
from partwise_app.drawings import ShareBar, Swatch, Thumbnail
from partwise_app.resolve import percent
from partwise_app.words import tr

__all__ = ["THUMB_HEIGHT", "WIDTHS", "Share", "StripView"]

WIDTHS = 128, 208  # px, narrowest and widest
THUMB_HEIGHT = 66
_RESIDUAL = "residual"
_NARROW = 140  # px of a strip: its name has no margin of its own
_GAP, _SIDES = 5, 15  # px between what stands in a row, and around it
_MARGIN = 2  # px that Qt leaves before the words of a field
_INSIDE = 6, 18  # px of a name's field that are no name: in a narrow strip, in others


@dataclass(frozen=True)
class Share:
    """How much a part is: a fraction, and of what, for the tooltip."""

    value: float
    meaning: str


class _Name(QLineEdit):
    """A field whose words are shortened with dots while nobody writes in it."""

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        inner = QStyle.SubElement.SE_LineEditContents
        box = self.style().subElementRect(inner, option, self)
        metrics = self.fontMetrics()
        if self.hasFocus() or metrics.horizontalAdvance(self.text()) <= box.width():
            super().paintEvent(event)
            return
        painter = QPainter(self)
        panel = QStyle.PrimitiveElement.PE_PanelLineEdit
        self.style().drawPrimitive(panel, option, painter, self)
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        box.setLeft(box.left() + _MARGIN)
        words = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()


class StripView(QFrame):
    """One strip; its background is its handle: drag it, or Alt with the arrow keys."""

    switched = Signal(str, str, bool)
    renamed = Signal(str, str)
    recolored = Signal(str, str)
    activated = Signal(str)
    stepped = Signal(str, int)  # key, one place to the left (-1) or right (1)
    joined = Signal(str, str)
    parted = Signal(str)
    split_asked = Signal(str)
    dragged = Signal(str, int)  # key, where the cursor is from the left of the screen
    dropped = Signal(str, int)

    def __init__(self, strip: Strip) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setMinimumWidth(WIDTHS[0])
        self.setMaximumWidth(WIDTHS[1])
        if strip.key != _RESIDUAL:
            self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            self.setAccessibleName(strip.name)
            self.setAccessibleDescription(tr("Alt with the arrow keys moves this part"))
        self._pressed: QPoint | None = None
        self._dragging = False
        self._members = 0
        self._others: tuple[tuple[str, str], ...] = ()
        self._live = self._divisible = False
        self._key = strip.key
        self._name = strip.name
        self._swatch = Swatch(strip.color, tr("Colour of {name}", name=strip.name))
        self._edit = _Name(strip.name)
        self._edit.setProperty("kind", "inline")
        self._edit.setReadOnly(strip.key == _RESIDUAL)
        self._number = label("", "small")
        self._thumb = Thumbnail(tr("Look at {name} alone", name=strip.name))
        self._thumb.setFixedHeight(THUMB_HEIGHT)
        self._share = label("", "number")
        self._share.setMinimumWidth(42)
        self._share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._bar = ShareBar(strip.color)
        self._toggles = {
            "show": button(tr("Show"), "toggle", checkable=True),
            "solo": button(
                tr("Solo"), "toggle", tip=tr("Show this part and no other"), checkable=True
            ),
            "locked": button(
                tr("Lock"),
                "toggle",
                tip=tr("Keep this part as it is in the next run"),
                checkable=True,
            ),
        }
        self._lay_out()
        self._swatch.clicked.connect(self._on_swatch)
        self._edit.editingFinished.connect(self._on_name)
        self._thumb.clicked.connect(self._on_thumb)
        self._toggles["show"].clicked.connect(self._on_show)
        self._toggles["solo"].clicked.connect(self._on_solo)
        self._toggles["locked"].clicked.connect(self._on_lock)

    def set_number(self, number: int) -> None:
        """Say which key shows and hides the part; from 10 on there is none."""
        keys = f" ({number})" if number < 10 else ""
        self._number.setText(str(number) if number < 10 else "")
        self._make_room()
        self._toggles["show"].setToolTip(tr("Show this part in the picture{keys}", keys=keys))

    def draw(self, strip: Strip, share: Share | None, *, dimmed: bool, live: bool) -> None:
        """Draw the strip as chosen."""
        self._name, self._live = strip.name, live
        self._members = len(strip.joined)
        if not self._edit.hasFocus():
            self._edit.setText(strip.name)
            self._edit.setCursorPosition(0)
            self._make_room()
        if self._key != _RESIDUAL:
            self.setAccessibleName(strip.name)
        self._edit.setAccessibleName(tr("Name of {name}", name=strip.name))
        self._edit.setToolTip(tr("Name of {name}", name=strip.name))
        self._swatch.set_color(strip.color)
        self._swatch.setAccessibleName(tr("Colour of {name}", name=strip.name))
        self._swatch.setToolTip(tr("Colour of {name}", name=strip.name))
        self._thumb.setAccessibleName(tr("Look at {name} alone", name=strip.name))
        self._thumb.setToolTip(tr("Look at {name} alone on the stage", name=strip.name))
        for name, on in (("show", strip.show), ("solo", strip.solo), ("locked", strip.locked)):
            toggle = self._toggles[name]
            toggle.setChecked(on)
            toggle.setAccessibleName(f"{toggle.text()} {strip.name}")
            toggle.setEnabled(not live)
        for widget in (self._swatch, self._edit):
            widget.setEnabled(not live)
        self._thumb.dimmed = dimmed
        self._thumb.update()
        self._share.setText(percent(share.value) if share else "")
        self._share.setToolTip(share.meaning if share else "")
        self._bar.set_share(share.value if share else 0.0, strip.color)

    def set_others(self, others: Sequence[tuple[str, str]], *, divisible: bool) -> None:
        """Take (key, name) of the parts that this one could be joined with.

        `divisible`: whether a run can make two parts of it.
        """
        self._others = tuple(others)
        self._divisible = divisible

    def menu(self) -> QMenu:
        """Return what can be done with the part, as a menu."""
        menu = QMenu(self)
        self._offer(menu, tr("Rename"), self._edit.setFocus)
        self._offer(menu, tr("Colour…"), self._on_swatch)
        menu.addSeparator()
        if self._key != _RESIDUAL:
            self._offer(menu, tr("Move left"), self._step_left, "Alt+Left")
            self._offer(menu, tr("Move right"), self._step_right, "Alt+Right")
            if self._others:
                join = menu.addMenu(tr("Join with"))
                for key, name in self._others:
                    join.addAction(name).setData(key)
                join.triggered.connect(self._on_join)
            if self._members:
                self._offer(menu, tr("Take apart"), self._on_part)
            elif self._divisible:
                self._offer(menu, tr("Split in two, and run"), self._on_split)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._live:
            return
        menu = self.menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        steps = {int(Qt.Key.Key_Left): -1, int(Qt.Key.Key_Right): 1}
        if alt and event.key() in steps and not self._live:
            self.stepped.emit(self._key, steps[event.key()])
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        movable = self._key != _RESIDUAL and not self._live
        if movable and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        way = (event.position().toPoint() - self._pressed).manhattanLength()
        if self._dragging or way >= QApplication.startDragDistance():
            self._dragging = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.dragged.emit(self._key, event.globalPosition().toPoint().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragging, self._dragging, self._pressed = self._dragging, False, None
        self.unsetCursor()
        if dragging:
            self.dropped.emit(self._key, event.globalPosition().toPoint().x())

    def set_picture(self, picture: QPixmap | None) -> None:
        """Show a small picture; without one there is no frame for it either."""
        self._thumb.setVisible(picture is not None)
        if picture is not None:
            self._thumb.set_picture(picture)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """A name that does not fit takes the room of its number, which the tip of Show tells."""
        narrow = self.width() < _NARROW
        sheet = "padding-left: 1px; padding-right: 0px;" if narrow else ""
        if self._edit.styleSheet() != sheet:
            self._edit.setStyleSheet(sheet)
        words = self._edit.fontMetrics().horizontalAdvance(self._edit.text())
        number = self._number.sizeHint().width() + _GAP
        room = self.width() - _SIDES - self._swatch.width() - _GAP
        self._number.setVisible(words + number + (_INSIDE[0] if narrow else _INSIDE[1]) <= room)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(_GAP)
        head.addWidget(self._swatch)
        head.addWidget(self._edit, 1)
        head.addWidget(self._number)
        keys = QHBoxLayout()
        keys.setSpacing(2)
        for toggle in self._toggles.values():
            keys.addWidget(toggle)
        if self._key == _RESIDUAL:
            self._toggles["locked"].hide()  # what is left over cannot be kept
            self._thumb.hide()  # until there is a picture of it
        keys.addStretch()
        amount = QHBoxLayout()
        amount.setSpacing(8)
        amount.addWidget(self._bar, 1)
        amount.addWidget(self._share)
        box = QVBoxLayout(self)
        box.setContentsMargins(7, 10, 8, 10)
        box.setSpacing(7)
        box.addLayout(head)
        box.addWidget(self._thumb)
        box.addLayout(keys)
        box.addLayout(amount)
        box.addStretch()

    def _on_swatch(self) -> None:
        color = QColorDialog.getColor(
            QColor(self._swatch.color()), self, tr("Colour of {name}", name=self._name)
        )
        if color.isValid():
            self.recolored.emit(self._key, color.name())

    def _on_name(self) -> None:
        name = self._edit.text().strip()
        if name and name != self._name:
            self.renamed.emit(self._key, name)
        elif not name:
            self._edit.setText(self._name)

    def _on_thumb(self) -> None:
        self.activated.emit(self._key)

    def _on_show(self, on: bool) -> None:
        self.switched.emit(self._key, "show", on)

    def _on_solo(self, on: bool) -> None:
        self.switched.emit(self._key, "solo", on)

    def _on_lock(self, on: bool) -> None:
        self.switched.emit(self._key, "locked", on)

    def _step_left(self) -> None:
        self.stepped.emit(self._key, -1)

    def _step_right(self) -> None:
        self.stepped.emit(self._key, 1)

    def _on_join(self, action: QAction) -> None:
        self.joined.emit(self._key, str(action.data()))

    def _on_part(self) -> None:
        self.parted.emit(self._key)

    def _on_split(self) -> None:
        self.split_asked.emit(self._key)

    @staticmethod
    def _offer(menu: QMenu, title: str, slot: Callable[[], None], keys: str = "") -> None:
        action = menu.addAction(f"{title}\t{keys}" if keys else title)
        action.triggered.connect(slot)
