"""The project as a list: inputs with a picture and their facts, runs under them with a verdict."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetrics,
    QKeySequence,
    QPainter,
    QPixmap,
    QShortcut,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from partwise_app.controls import SectionLabel, label
from partwise_app.drawings import paint_verdict
from partwise_app.rows import SMALL_PX, TITLE_PX, Rows, broken
from partwise_app.theme import Tokens
from partwise_app.words import mark, tr

__all__ = ["Entry", "ProjectTree"]

_ROW = 46  # px, with one line of title and one of facts
_TITLE_LINE, _FACTS_LINE = 16, 14
_INDENT = 14
_THUMB = QSize(38, 26)
_ENTRY = Qt.ItemDataRole.UserRole + 1
_VERDICTS = {
    "good": mark("no doubts found"),
    "look": mark("worth a look"),
    "bad": mark("something is wrong"),
}


@dataclass(frozen=True)
class Entry:
    """One line of the list.

    Attributes
    ----------
    id : str
        Of the source or run.
    is_run : bool
    title, facts : str
    verdict : str
        Of a run: ``"good"``, ``"look"``, ``"bad"`` or empty.
    lost : bool
        The input is not where it was.
    story : str
        Of a run: what it did otherwise than the one before it, for the tooltip.
    """

    id: str
    is_run: bool
    title: str
    facts: str
    verdict: str = ""
    lost: bool = False
    story: str = ""


class ProjectTree(QWidget):
    """The list on the left of the window."""

    chosen = Signal(str, bool)  # id, whether it is a run
    renamed = Signal(str, str)
    remove_asked = Signal(str)
    menu_asked = Signal(str, QPoint)  # id of the entry, where on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(168)
        self._thumbs: dict[str, QPixmap] = {}
        self._model = QStandardItemModel(self)
        self._delegate = _Rows(self)
        self._view = _List()
        self._view.setModel(self._model)
        self._view.setItemDelegate(self._delegate)
        self._view.setAccessibleName(tr("Inputs and runs of the project"))
        self._view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._view.setResizeMode(QListView.ResizeMode.Adjust)  # lines break anew
        self._view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._view.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self._view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._view.customContextMenuRequested.connect(self._on_menu)
        remove = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self._view)
        remove.setContext(Qt.ShortcutContext.WidgetShortcut)
        remove.activated.connect(self._on_delete)
        self._view.selectionModel().currentChanged.connect(self._on_current)
        self._model.itemChanged.connect(self._on_item_changed)
        title = SectionLabel(tr("Project"))
        self._empty = label(tr("Drop a file here, or press Ctrl+O."), "muted", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 14, 0, 0)
        box.setSpacing(8)
        for widget in (title, self._empty):
            widget.setContentsMargins(14, 0, 14, 0)
            box.addWidget(widget)
        box.addWidget(self._view, 1)

    def entries(self) -> tuple[Entry, ...]:
        """Return what is listed, from top to bottom."""
        return tuple(self._model.item(row).data(_ENTRY) for row in range(self._model.rowCount()))

    def set_entries(self, entries: tuple[Entry, ...], current: str) -> None:
        """List `entries` with the one called `current` marked."""
        self._empty.setVisible(not entries)
        blocked = self._view.selectionModel().blockSignals(True)
        self._model.blockSignals(True)
        if [e.id for e in entries] != [e.id for e in self.entries()]:
            self._model.blockSignals(False)
            self._model.clear()
            for _ in entries:
                self._model.appendRow(QStandardItem())
            self._model.blockSignals(True)
        for row, entry in enumerate(entries):
            self._fill(self._model.item(row), entry)
            if entry.id == current:
                self._view.setCurrentIndex(self._model.index(row, 0))
        self._model.blockSignals(False)
        self._view.selectionModel().blockSignals(blocked)
        self._view.scheduleDelayedItemsLayout()  # more words may need another line

    def set_thumbnail(self, source_id: str, picture: QPixmap) -> None:
        """Give an input its small picture."""
        self._thumbs[source_id] = picture
        self._view.viewport().update()

    def row_width(self) -> int:
        """Return how wide a row is, in px."""
        return self._view.viewport().width()

    def set_theme(self, tokens: Tokens) -> None:
        self._delegate.tokens = tokens
        self._view.viewport().update()

    def thumbnail(self, source_id: str) -> QPixmap | None:
        return self._thumbs.get(source_id)

    @staticmethod
    def _fill(item: QStandardItem, entry: Entry) -> None:
        item.setData(entry, _ENTRY)
        item.setText(entry.title)
        doubt = tr(_VERDICTS.get(entry.verdict, ""))
        words = [
            entry.title,
            entry.facts,
            doubt,
            tr("the file is not where it was") if entry.lost else "",
        ]
        said = ", ".join(word for word in words if word)
        item.setData(said, Qt.ItemDataRole.AccessibleTextRole)
        item.setToolTip(entry.story or said)

    def _on_current(self, index: QModelIndex) -> None:
        entry = index.data(_ENTRY)
        if isinstance(entry, Entry):
            self.chosen.emit(entry.id, entry.is_run)

    def edit_title(self, entry_id: str) -> None:
        """Let the person write another title."""
        for row, entry in enumerate(self.entries()):
            if entry.id == entry_id:
                self._view.edit(self._model.index(row, 0))

    def _on_delete(self) -> None:
        entry = self._view.currentIndex().data(_ENTRY)
        if isinstance(entry, Entry):
            self.remove_asked.emit(entry.id)

    def _on_menu(self, at: QPoint) -> None:
        entry = self._view.indexAt(at).data(_ENTRY)
        if isinstance(entry, Entry):
            self.menu_asked.emit(entry.id, self._view.viewport().mapToGlobal(at))

    def _on_item_changed(self, item: QStandardItem) -> None:
        entry = item.data(_ENTRY)
        title = item.text().strip()
        if isinstance(entry, Entry) and title and title != entry.title:
            self.renamed.emit(entry.id, title)


class _List(QListView):
    """A list in which the keyboard's arrival chooses nothing."""

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Qt makes the first entry the current one where there is none: nobody asked for it.
        blocked = self.selectionModel().blockSignals(not self.currentIndex().isValid())
        super().focusInEvent(event)
        self.selectionModel().blockSignals(blocked)


class _Rows(Rows):
    """Draws one line: picture, title over facts, verdict at the right edge."""

    def __init__(self, tree: ProjectTree) -> None:
        super().__init__(tree, QSize(120, _ROW), _ENTRY)
        self._tree = tree
        self.marked = True

    def updateEditorGeometry(
        self,
        editor: QWidget,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        box: QRect = option.rect
        editor.setGeometry(box.adjusted(30, 8, -8, -8))

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        held = index.data(_ENTRY)
        if not isinstance(held, Entry):
            return QSize(120, _ROW)
        _, width = self._room(held, self._tree.row_width())
        title, facts = self._lines(held, width)
        return QSize(120, _ROW + _TITLE_LINE * (len(title) - 1) + _FACTS_LINE * (len(facts) - 1))

    def draw(self, painter: QPainter, box: QRect, held: object) -> None:
        assert isinstance(held, Entry)
        if not held.is_run:
            at = QPoint(box.x() + _INDENT, box.y() + (_ROW - _THUMB.height()) // 2)
            self._paint_thumb(painter, QRect(at, _THUMB), held)
        left, width = self._room(held, box.width())
        self._paint_words(painter, held, box.x() + left, width, box.y())
        dot = QRectF(box.right() - 20, box.center().y() - 3.5, 8, 8)
        paint_verdict(painter, dot, "look" if held.lost else held.verdict, self.tokens)

    def _paint_thumb(self, painter: QPainter, frame: QRect, entry: Entry) -> None:
        picture = self._tree.thumbnail(entry.id)
        if picture is None or picture.isNull():
            painter.fillRect(frame, QColor(self.tokens.raised))
            return
        painter.setOpacity(0.35 if entry.lost else 1.0)
        painter.drawPixmap(frame, picture)
        painter.setOpacity(1.0)

    @staticmethod
    def _room(entry: Entry, width: int) -> tuple[int, int]:
        """Where in a row its words begin, and how wide they may be, in px."""
        left = 2 * _INDENT + 4 if entry.is_run else _INDENT + _THUMB.width() + 10
        return left, width - left - (27 if entry.verdict or entry.lost else 11)

    def _lines(self, entry: Entry, width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Title and facts, in as many lines as they need."""
        large, small = (QFontMetrics(self.font_of(size)) for size in (TITLE_PX, SMALL_PX))
        return broken(entry.title, large, width), broken(entry.facts, small, width)

    def _paint_words(self, painter: QPainter, entry: Entry, x: int, width: int, top: int) -> None:
        title, facts = self._lines(entry, width)
        self.write_title(painter, self.tokens.text)
        y = top + 20
        for words in title:
            painter.drawText(x, y, words)
            y += _TITLE_LINE
        self.write_small(painter)
        for words in facts:
            painter.drawText(x, y, words)
            y += _FACTS_LINE
