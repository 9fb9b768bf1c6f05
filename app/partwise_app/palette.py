"""Which command is meant by a few letters? A palette over every command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QKeyEvent,
    QPainter,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QLineEdit,
    QListView,
    QVBoxLayout,
    QWidget,
)

from partwise_app.controls import label
from partwise_app.rows import Rows
from partwise_app.theme import Tokens
from partwise_app.words import tr

__all__ = ["Offer", "Palette", "match_score"]

_OFFER = Qt.ItemDataRole.UserRole + 1
_WIDTH = 560
_ROW = 34
_ROWS = 11
_BEGINS, _FOLLOWS = 2.0, 1.5  # what a letter is worth more at a word's start, or after the last


@dataclass(frozen=True)
class Offer:
    """One line of the palette: a command, a sample, or something to do with a part.

    Attributes
    ----------
    id : str
        What is given back when it is chosen.
    title, group, shortcut : str
    enabled : bool
    """

    id: str
    title: str
    group: str
    shortcut: str = ""
    enabled: bool = True


def match_score(query: str, text: str) -> float | None:
    """Return how well a few letters fit a text, higher is better; None where they do not.

    The letters have to occur in order. Letters that begin words, and letters that follow each
    other, count more; short texts win among equals.
    """
    query, low = query.casefold().replace(" ", ""), text.casefold()
    if not query:
        return 0.0
    # Best score with the letters so far, by the place of the last of them.
    best: dict[int, float] = {-2: 0.0}
    for letter in query:
        here = [place for place, other in enumerate(low) if other == letter]
        best = {
            place: max(reached) + _worth(low, place)
            for place in here
            if (
                reached := [
                    score + (_FOLLOWS if place == last + 1 else 0.0)
                    for last, score in best.items()
                    if last < place
                ]
            )
        }
    return max(best.values()) - 0.01 * len(text) if best else None


def _worth(text: str, place: int) -> float:
    begins = place == 0 or not text[place - 1].isalnum()
    return 1.0 + (_BEGINS if begins else 0.0)


class Palette(QFrame):
    """The palette, over the window."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self._offers: tuple[Offer, ...] = ()
        self._line = QLineEdit()
        self._line.setProperty("kind", "palette")
        self._line.setPlaceholderText(tr("Search commands, samples, parts"))
        self._line.setAccessibleName(tr("Search commands, samples and parts"))
        self._line.installEventFilter(self)
        self._model = QStandardItemModel(self)
        self._view = QListView()
        self._view.setModel(self._model)
        self._view.setAccessibleName(tr("Commands found"))
        self._view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._delegate = _Rows(self, QSize(200, _ROW), _OFFER)
        self._view.setItemDelegate(self._delegate)
        self._view.setMouseTracking(True)
        self._none = label(tr("Nothing of that name. Try fewer letters."), "muted")
        self._none.setContentsMargins(16, 8, 0, 10)
        box = QVBoxLayout(self)
        box.setContentsMargins(1, 1, 1, 6)
        box.setSpacing(4)
        for widget in (self._line, self._none, self._view):
            box.addWidget(widget)
        self._line.textChanged.connect(self._filter)
        self._view.clicked.connect(self._on_clicked)
        self.hide()

    def open(self, offers: Sequence[Offer]) -> None:
        """Show the palette over its window, with the letters of last time gone."""
        self._offers = tuple(offers)
        self._line.clear()
        self._filter("")
        parent = self.parentWidget()
        assert parent is not None
        width = min(_WIDTH, parent.width() - 40)
        self.setGeometry((parent.width() - width) // 2, 52, width, 60)
        self._fit()
        self.show()
        self.raise_()
        self._line.setFocus()

    def found(self) -> tuple[Offer, ...]:
        """Return what is listed, the best first."""
        return tuple(self._model.item(row).data(_OFFER) for row in range(self._model.rowCount()))

    def type(self, text: str) -> None:
        """Type into the line."""
        self._line.setText(text)

    def set_theme(self, tokens: Tokens) -> None:
        self._delegate.tokens = tokens

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._line and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress:
                return self._on_key(Qt.Key(event.key()))
        elif watched is self._line and event.type() == QEvent.Type.FocusOut:
            self.hide()
        return super().eventFilter(watched, event)

    def _on_key(self, key: Qt.Key) -> bool:
        row = self._view.currentIndex().row()
        steps = {
            Qt.Key.Key_Down: 1,
            Qt.Key.Key_Up: -1,
            Qt.Key.Key_PageDown: 8,
            Qt.Key.Key_PageUp: -8,
        }
        if key in steps:
            row = min(max(row + steps[key], 0), self._model.rowCount() - 1)
            self._view.setCurrentIndex(self._model.index(row, 0))
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self._view.currentIndex())
            return True
        if key == Qt.Key.Key_Escape:
            self.hide()
            return True
        return False

    def _filter(self, text: str) -> None:
        scored = [
            (score, offer)
            for offer in self._offers
            if (score := match_score(text, f"{offer.title} {offer.group}")) is not None
        ]
        if text.strip():
            scored.sort(key=lambda pair: (-pair[0], not pair[1].enabled))
        self._model.clear()
        for _, offer in scored:
            item = QStandardItem(offer.title)
            item.setData(offer, _OFFER)
            item.setData(f"{offer.title}, {offer.group}", Qt.ItemDataRole.AccessibleTextRole)
            self._model.appendRow(item)
        first = next((row for row, (_, offer) in enumerate(scored) if offer.enabled), 0)
        self._view.setCurrentIndex(self._model.index(first, 0))
        self._none.setVisible(not scored)
        self._view.setVisible(bool(scored))
        self._fit()

    def _fit(self) -> None:
        rows = min(self._model.rowCount(), _ROWS)
        self._view.setFixedHeight(rows * _ROW + 2)
        self.resize(self.width(), self.sizeHint().height())

    def _on_clicked(self, index: QModelIndex) -> None:
        self._choose(index)

    def _choose(self, index: QModelIndex) -> None:
        offer = index.data(_OFFER)
        if isinstance(offer, Offer) and offer.enabled:
            self.hide()
            self.chosen.emit(offer.id)


class _Rows(Rows):
    """Draws one line: title, group, shortcut at the right edge."""

    def draw(self, painter: QPainter, box: QRect, held: object) -> None:
        assert isinstance(held, Offer)
        self.write_title(painter, self.tokens.text if held.enabled else self.tokens.muted)
        line = box.adjusted(16, 0, -16, 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, left, held.title)
        width = painter.fontMetrics().horizontalAdvance(held.title)
        self.write_small(painter)
        painter.drawText(line.adjusted(width + 12, 0, 0, 0), left, held.group)
        painter.drawText(line, right, held.shortcut)
