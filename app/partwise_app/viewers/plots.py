"""How does the stage show a table as whole = parts + residual, and a result's further views?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from partwise.data.dataset import Dataset
from partwise.project.document import Strip
from partwise.result import Part, Result, View
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.drawn import PagedStage
from partwise_app.viewers.grids import Lens, TableGrid
from partwise_app.viewers.kinds import KINDS
from partwise_app.viewers.matrix import MatrixPane, MatrixView
from partwise_app.viewers.plotting import Plot, scrolled
from partwise_app.viewers.table import TablesView
from partwise_app.viewers.tablelayers import ALONE, PARTS, RESIDUAL, WHOLE, TableLayers
from partwise_app.viewers.tabs import TabRow
from partwise_app.words import mark, tr

if TYPE_CHECKING:
    from PySide6.QtGui import QFocusEvent, QImage

__all__ = ["PlotStage", "is_table"]

_SIDE, _TABLES, _VIEW = "side", "tables", "view:"
_TABS = (
    (WHOLE, mark("Whole")),
    (_SIDE, mark("Side by side")),
    (PARTS, mark("Parts")),
    (RESIDUAL, mark("Residual")),
)
_ZOOM = 1.25


def is_table(dataset: Dataset) -> bool:
    """Whether a dataset is drawn as cells: a table of two ways, held in memory."""
    return dataset.kind == "table" and dataset.values is not None and dataset.values.ndim == 2


class PlotStage(PagedStage):
    """Whole, parts and residual of one table, side by side or alone, and the result's views."""

    cursor_moved = Signal(object)
    """A tuple of words, or None."""
    mode_changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = DARK
        self._dataset: Dataset | None = None
        self._table = TableLayers()
        self._views: tuple[View, ...] = ()
        self._mode = WHOLE
        self._lens = Lens(0, 1, 0, 1)
        self._bar = TabRow()
        self._bar.asked.connect(self.set_mode)
        self._panes = tuple(MatrixPane() for _ in range(3))
        cells = QWidget()
        row = QHBoxLayout(cells)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for pane in self._panes:
            row.addWidget(pane, 1)
            pane.looked.connect(self._look)
            pane.fit_asked.connect(self.fit)
            pane.hovered.connect(self._hovered)
        self._cells, self._row = cells, row
        self._drawings: dict[str, Plot] = {}
        self._tables = TablesView(self)
        self._tables.hide()
        self._pages = QStackedWidget()
        self._pages.addWidget(cells)
        self._scrolls: dict[str, QScrollArea] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self._bar)
        box.addWidget(self._pages, 1)
        self.setAccessibleName(tr("Stage"))

    # What is shown

    def set_dataset(self, dataset: Dataset) -> None:
        """Show another table, all of it, without parts."""
        assert dataset.values is not None
        self._dataset = dataset
        self._place(View("matrix", dataset.title, axes=dataset.axes))
        self._table.clear()
        self._views = ()
        self._mode = WHOLE
        self.setAccessibleDescription(dataset.title)
        self._refresh()

    def set_result(self, result: Result | None, strips: Sequence[Strip]) -> None:
        """Show a result and follow the mixer; None shows the table alone."""
        if self._dataset is None:
            return
        had = bool(self._table.parts)
        self._table.strips = tuple(strips)
        views = result.views if result is not None else ()
        if views != self._views:
            self._views = views
            main = next((v for v in views if _is_model(v)), None)
            self._place(main or View("matrix", self._dataset.title, axes=self._dataset.axes))
        self._table.take_parts(result.parts if result is not None else ())
        self._tables.set_tables(result.tables if result is not None else ())
        if not self._table.parts:
            self._mode = WHOLE
        elif not had and self._mode == WHOLE:
            self._mode = _SIDE
        self._refresh()

    def set_live(
        self, parts: Sequence[Part], strips: Sequence[Strip], views: Sequence[View] = ()
    ) -> None:
        """Show parts that are still emerging, and views of them."""
        first = not self._table.parts
        self._table.strips = tuple(strips)
        if self._dataset is not None and views:
            self._views = tuple(views)
            main = next((v for v in views if _is_model(v)), None)
            self._place(main or View("matrix", self._dataset.title, axes=self._dataset.axes))
        self._table.take_parts(tuple(parts))
        if first and self._table.parts and self._mode == WHOLE:
            self._mode = _SIDE
        self._refresh()

    def modes(self) -> tuple[tuple[str, str], ...]:
        """Return what can be looked at: (mode, words on its tab)."""
        tabs = _TABS if self._table.parts else _TABS[:1]
        found = [(mode, tr(words)) for mode, words in tabs]
        for place, view in enumerate(self._views):
            if view.kind in KINDS and not _is_model(view):
                found.append((f"{_VIEW}{place}", str(view.options.get("tab", view.title))))
        if self._views:
            found.append((_TABLES, tr("Tables")))
        return tuple(found)

    def set_mode(self, mode: str) -> None:
        """Show ``"whole"``, ``"side"``, ``"parts"``, ``"residual"``, ``"part:<key>"``, a view."""
        mode = _SIDE if mode == "compare" else mode
        alone = mode.startswith(ALONE) and any(
            part.key == mode.removeprefix(ALONE) for part in self._table.parts
        )
        if mode == self._mode or not (alone or mode in dict(self.modes())):
            return
        self._mode = mode
        self._refresh()
        self.mode_changed.emit(mode)

    def mode(self) -> str:
        """Return the mode."""
        return self._mode

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        for pane in (*self._panes, *self._drawings.values()):
            pane.set_theme(tokens)

    def drawing(self, kind: str) -> QWidget | None:
        """Return the drawing of the first further view of a kind, or a pane of cells."""
        if kind == "matrix":
            return self._panes[0]
        for place, view in enumerate(self._views):
            if view.kind == kind and view.kind in KINDS:
                return self._drawn(place)
        return None

    # Where it looks

    def fit(self) -> None:
        """Show all of the table, or of the view."""
        drawing = self._drawing()
        if drawing is not None:
            drawing.fit()
        elif self._table.grid is not None:
            rows, columns = self._table.grid.shape
            self._look(Lens(0, columns, 0, rows))

    def zoom_in(self) -> None:
        """Look closer at the middle."""
        drawing = self._drawing()
        if drawing is not None:
            drawing.zoom_in()
        else:
            self._zoom(_ZOOM)

    def zoom_out(self) -> None:
        """Step back from the middle."""
        drawing = self._drawing()
        if drawing is not None:
            drawing.zoom_out()
        else:
            self._zoom(1 / _ZOOM)

    def zoom_to(self, factor: float) -> None:
        """Show `factor` screen pixels per cell, as near as whole cells allow."""
        if self._table.grid is not None:
            plot, lens = self._panes[0].plot(), self._lens
            now = plot.width() / (lens.right - lens.left)
            self._zoom(factor / now)

    # Pictures for elsewhere

    def picture(self) -> QImage:
        """Return what is on the stage now."""
        ratio = self.devicePixelRatioF()
        drawn = self._pages.grab().toImage()
        drawn.setDevicePixelRatio(ratio)
        return drawn

    def thumbnail(self, what: str, size: QSize) -> QImage:
        """Return a small picture of ``"whole"``, ``"residual"`` or a part by its key."""
        return self._table.thumbnail(what, size, self._tokens)

    # Within

    def _place(self, main: View) -> None:
        """Lay the table as a result's main view wants it."""
        assert self._dataset is not None
        values = np.asarray(self._dataset.values)
        turned = bool(main.options.get("transposed"))
        grid = TableGrid(values.T if turned else values, float(main.options.get("offset", 0.0)))
        table, known = self._table, self._table.grid
        axes = main.axes if len(main.axes) == 2 else self._dataset.axes
        table.grid, table.axes, table.title = grid, (axes[0], axes[1]), self._dataset.title
        for pane in self._panes:
            pane.set_axes(table.axes, grid.shape, square=False)
        if known is None or known.shape != grid.shape or not table.parts:
            rows, columns = grid.shape
            self._lens = Lens(0, columns, 0, rows)
        for pane in self._panes:
            pane.set_lens(self._lens)

    def _refresh(self) -> None:
        if self._mode not in dict(self.modes()) and not self._mode.startswith(ALONE):
            self._mode = WHOLE
        self._bar.set_tabs(self.modes(), self._mode)
        if self._mode == _TABLES:
            self._tables.make()
            self._show(self._scrolled(_TABLES, self._tables))
            return
        if self._mode.startswith(_VIEW):
            self._show_view(int(self._mode.removeprefix(_VIEW)))
            return
        layers = (WHOLE, PARTS, RESIDUAL) if self._mode == _SIDE else (self._mode,)
        for place, pane in enumerate(self._panes):
            pane.setHidden(place >= len(layers))
            if place < len(layers):
                pane.set_layer(self._table.layer(layers[place]), with_names=place == 0)
        # The first pane carries the row names and wants the room for them.
        self._row.setStretch(0, 6 if len(layers) > 1 else 1)
        for place in (1, 2):
            self._row.setStretch(place, 5)
        self._show(self._cells)

    def _show(self, page: QWidget) -> None:
        self._pages.setCurrentWidget(page)

    def _show_view(self, place: int) -> None:
        key = f"{place}-{self._views[place].kind}"
        self._show(self._scrolled(key, self._drawn(place)))

    def _drawn(self, place: int) -> Plot:
        view = self._views[place]
        key = f"{place}-{view.kind}"
        if key not in self._drawings:
            made = KINDS[view.kind]()
            made.set_theme(self._tokens)
            made.read.connect(self.cursor_moved)
            self._drawings[key] = made
        drawing = self._drawings[key]
        if not isinstance(drawing, MatrixView) or drawing.accessibleName() != view.title:
            drawing.set_view(view, self._table.parts, self._table.strips)
        return drawing

    def _scrolled(self, key: str, widget: QWidget) -> QScrollArea:
        if key not in self._scrolls:
            self._scrolls[key] = scrolled(widget)
            self._pages.addWidget(self._scrolls[key])
        return self._scrolls[key]

    def _looked_at(self) -> QWidget:
        page = self._pages.currentWidget()
        inner = page.widget() if isinstance(page, QScrollArea) else page
        return inner or self._pages

    def _drawing(self) -> Plot | None:
        if not self._mode.startswith(_VIEW):
            return None
        place = int(self._mode.removeprefix(_VIEW))
        return self._drawings.get(f"{place}-{self._views[place].kind}")

    def _zoom(self, factor: float) -> None:
        drawing = self._drawing()
        if drawing is not None or self._table.grid is None:
            return
        lens = self._lens
        x, y = (lens.left + lens.right) / 2, (lens.top + lens.bottom) / 2
        self._look(lens.zoomed(factor, x, y, self._table.grid.shape))

    def _look(self, lens: Lens) -> None:
        self._lens = lens
        for pane in self._panes:
            pane.set_lens(lens)

    def _hovered(self, cell: tuple[int, int] | None) -> None:
        for pane in self._panes:
            pane.set_mark(cell)
        self.cursor_moved.emit(self._table.words_at(*cell) if cell is not None else None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Not a focus proxy: Tab would come by here on its way round, and leave out the top row.
        self._panes[0].setFocus(event.reason())


def _is_model(view: View) -> bool:
    return view.kind == "matrix" and view.options.get("model") == "product"
