"""How does the stage show signals, volumes and nets? One drawing per view, behind its tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QImage, QPainter
from PySide6.QtWidgets import QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from partwise.project.document import Strip
from partwise.result import Part, Result, View
from partwise_app.preview import completed
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.drawn import PagedStage
from partwise_app.viewers.kinds import KINDS
from partwise_app.viewers.plotting import Plot, scrolled
from partwise_app.viewers.table import TablesView
from partwise_app.viewers.tabs import TabRow
from partwise_app.viewers.timed import TimedPlot
from partwise_app.words import mark, tr

__all__ = ["ViewStage"]

_TABLES, _VIEW = "tables", "view:"
_MODES = ("whole", "compare", "side", "parts", "residual")  # of the keys that all stages know
_TITLES = {
    "bars": mark("Bars"),
    "curves": mark("Curves"),
    "graph": mark("Network"),
    "matrix": mark("Matrix"),
    "spectrogram": mark("Spectrogram"),
    "traces": mark("Traces"),
    "volume": mark("Volume"),
}


@dataclass(frozen=True, eq=False)
class _Entry:
    """A view and the name of the drawing that shows it: the same view keeps its drawing."""

    key: str
    view: View


class ViewStage(PagedStage):
    """The views of an input and of its result, each filling the stage."""

    cursor_moved = Signal(object)
    """A tuple of words, or None."""
    mode_changed = Signal(str)
    drawings_changed = Signal()
    """Other drawings can be asked for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = DARK
        self._title = ""
        self._input: tuple[View, ...] = ()
        self._entries: tuple[_Entry, ...] = ()
        self._parts: tuple[Part, ...] = ()
        self._strips: tuple[Strip, ...] = ()
        self._has_tables = False
        self._mode = f"{_VIEW}0"
        self._drawings: dict[str, Plot] = {}
        self._left: list[Plot] = []  # drawings that were looked at before, the last one first
        self._stale: set[str] = set()
        self._scrolls: dict[str, QScrollArea] = {}
        self._bar = TabRow()
        self._bar.asked.connect(self.set_mode)
        self._tables = TablesView(self)
        self._tables.hide()
        self._pages = QStackedWidget()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._bar)
        box.addWidget(self._pages, 1)
        self.setAccessibleName(tr("Stage"))

    # What is shown

    def set_input(self, title: str, views: Sequence[View]) -> None:
        """Show another input, without parts."""
        self._title, self._input = title, tuple(views)
        self._parts, self._strips, self._has_tables = (), (), False
        self.setAccessibleDescription(title)
        self._take(())

    def set_result(self, result: Result | None, strips: Sequence[Strip]) -> None:
        """Show a result and follow the mixer; None shows the input alone."""
        self._strips = tuple(strips)
        self._parts = result.parts if result is not None else ()
        self._tables.set_tables(result.tables if result is not None else ())
        self._has_tables = bool(result is not None and result.tables)
        self._take(result.views if result is not None else ())

    def set_live(
        self, parts: Sequence[Part], strips: Sequence[Strip], views: Sequence[View] = ()
    ) -> None:
        """Show parts that are still emerging; without views, over those of the input."""
        self._strips, self._parts = tuple(strips), tuple(parts)
        self._has_tables = False
        self._take(views)

    def modes(self) -> tuple[tuple[str, str], ...]:
        """Return what can be looked at: (mode, words on its tab)."""
        found: list[tuple[str, str]] = []
        for place, entry in enumerate(self._entries):
            layers = self._fresh(entry).layers() if place == 0 else ()
            found += layers or [(f"{_VIEW}{place}", _words_of(entry.view))]
        if self._has_tables:
            found.append((_TABLES, tr("Tables")))
        return tuple(found)

    def set_mode(self, mode: str) -> None:
        """Show a view (``"view:<place>"``), the tables, or a layer of the first view."""
        modes = [name for name, _ in self.modes()]
        if mode not in modes and mode in _MODES:
            # Keys that choose how an image is looked at go through the tabs in their order.
            place = _MODES.index(mode)
            mode = modes[place] if place < len(modes) else mode
        if mode == self._mode or mode not in modes:
            return
        before, self._mode = self._shown(), mode
        self._refresh()
        self._look_on(before)
        self.mode_changed.emit(mode)

    def mode(self) -> str:
        """Return the mode."""
        return self._mode

    def drawing(self, kind: str) -> Plot | None:
        """Return the drawing of the first view of a kind, up to date; None where there is none."""
        entry = next((e for e in self._entries if e.view.kind == kind), None)
        return self._fresh(entry) if entry is not None else None

    @property
    def is_building(self) -> bool:
        """Whether the first drawing still prepares what it shows, in the background."""
        drawing = self.first()
        return isinstance(drawing, TimedPlot) and drawing.is_building()

    def first(self) -> Plot | None:
        """Return the drawing of the first view, up to date; None where there is none."""
        return self._fresh(self._entries[0]) if self._entries else None

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        for drawing in self._drawings.values():
            drawing.set_theme(tokens)

    # Where it looks

    def fit(self) -> None:
        """Show all of the view."""
        drawing = self._shown()
        if drawing is not None:
            drawing.fit()

    def zoom_in(self) -> None:
        """Look closer at the middle."""
        drawing = self._shown()
        if drawing is not None:
            drawing.zoom_in()

    def zoom_out(self) -> None:
        """Step back from the middle."""
        drawing = self._shown()
        if drawing is not None:
            drawing.zoom_out()

    def zoom_to(self, factor: float) -> None:
        """Drawings with axes have no pixels to be shown one to one."""

    def views(self) -> tuple[View, ...]:
        """Return the views as they are drawn, with what they take from the input."""
        return tuple(entry.view for entry in self._entries)

    # Pictures for elsewhere

    def picture(self) -> QImage:
        """Return what is on the stage now."""
        drawing = self._shown()
        if drawing is not None:
            return drawing.picture()
        return self._pages.grab().toImage()

    def thumbnail(self, what: str, size: QSize) -> QImage:
        """Return a small picture of the whole; parts have curves of their own."""
        out = QImage(size, QImage.Format.Format_RGB32)
        out.fill(QColor(self._tokens.canvas))
        if what != "whole" or not self._entries:
            return out
        drawn = self._fresh(self._entries[0]).picture()
        drawn.setDevicePixelRatio(1.0)
        scaled = drawn.scaled(
            size,
            Qt.AspectRatioMode.KeepAspectRatioByExpanding,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter = QPainter(out)
        left, top = (size.width() - scaled.width()) // 2, (size.height() - scaled.height()) // 2
        painter.drawImage(left, top, scaled)
        painter.end()
        return out

    # Within

    def _take(self, views: Sequence[View]) -> None:
        """Put the views of a result before those of the input that it does not redraw."""
        known = [completed(view, self._input) for view in views if view.kind in KINDS]
        kinds = {view.kind for view in known}
        rest = [view for view in self._input if view.kind not in kinds and view.kind in KINDS]
        counts: dict[str, int] = {}
        entries = []
        # What was measured comes first, whoever draws it.
        kinds = {view.kind for view in self._input}
        first = [v for v in known if v.kind in kinds and not v.options.get("map")]
        others = [view for view in known if not any(view is v for v in first)]
        for view in (*first, *rest, *others):
            number = counts[view.kind] = counts.get(view.kind, 0) + 1
            entries.append(_Entry(f"{view.kind}-{number}", view))
        before = [entry.key for entry in self._entries]
        self._entries = tuple(entries)
        self._stale = {entry.key for entry in entries}
        self._refresh()
        if [entry.key for entry in entries] != before:
            self.drawings_changed.emit()

    def _refresh(self) -> None:
        modes = self.modes()
        names = [name for name, _ in modes]
        if self._mode not in names:
            self._mode = names[0] if names else f"{_VIEW}0"
        self._bar.set_tabs(modes, self._mode)
        if self._mode == _TABLES:
            self._tables.make()
            self._pages.setCurrentWidget(self._scrolled(_TABLES, self._tables))
            return
        entry = self._entry()
        if entry is None:
            return
        drawing = self._fresh(entry)
        if not self._mode.startswith(_VIEW):
            drawing.show_layer(self._mode)
        self._pages.setCurrentWidget(self._scrolled(entry.key, drawing))

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Not a focus proxy: Tab would come by here on its way round, and leave out the top row.
        page = self._pages.currentWidget()
        inside = [page, *page.findChildren(QWidget)] if page is not None else []
        for widget in inside:
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                widget.setFocus(event.reason())
                return

    def _look_on(self, before: Plot | None) -> None:
        """Have the drawing shown now look where the last one of its kind did."""
        now = self._shown()
        if before is not None and before is not now:
            self._left = [before, *(each for each in self._left if each is not before)]
        for each in self._left:
            if now is not None and each is not now and now.look_as(each):
                return

    def _entry(self) -> _Entry | None:
        if self._mode == _TABLES or not self._entries:
            return None
        if not self._mode.startswith(_VIEW):
            return self._entries[0]
        place = int(self._mode.removeprefix(_VIEW))
        return self._entries[place] if place < len(self._entries) else None

    def _looked_at(self) -> QWidget:
        return self._shown() or self._pages

    def _shown(self) -> Plot | None:
        entry = self._entry()
        return self._drawings.get(entry.key) if entry is not None else None

    def _made(self, entry: _Entry) -> Plot:
        if entry.key not in self._drawings:
            made = KINDS[entry.view.kind]()
            made.set_theme(self._tokens)
            made.read.connect(self.cursor_moved)
            self._drawings[entry.key] = made
            self._stale.add(entry.key)
        return self._drawings[entry.key]

    def _fresh(self, entry: _Entry) -> Plot:
        drawing = self._made(entry)
        if entry.key in self._stale:
            self._stale.discard(entry.key)
            drawing.set_view(entry.view, self._parts, self._strips)
        return drawing

    def _scrolled(self, key: str, widget: QWidget) -> QScrollArea:
        if key not in self._scrolls:
            self._scrolls[key] = scrolled(widget)
            self._pages.addWidget(self._scrolls[key])
        return self._scrolls[key]


def _words_of(view: View) -> str:
    words = view.options.get("tab")
    return str(words) if words else tr(_TITLES.get(view.kind, view.title))
