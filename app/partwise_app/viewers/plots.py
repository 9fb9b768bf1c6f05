"""How does the stage show a table as whole = parts + residual, and a result's further views?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QImage, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from partwise.data.dataset import Axis, Dataset
from partwise.project.document import Strip
from partwise.result import Part, Result, View
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.drawn import PagedStage
from partwise_app.viewers.grids import Factors, Lens, TableGrid
from partwise_app.viewers.kinds import KINDS
from partwise_app.viewers.matrix import Layer, MatrixPane, MatrixView, cells_image
from partwise_app.viewers.plotting import Plot, name_of, number
from partwise_app.viewers.table import TablesView
from partwise_app.viewers.tabs import TabRow
from partwise_app.words import mark, tr

__all__ = ["PlotStage", "is_table"]

_WHOLE, _SIDE, _PARTS, _RESIDUAL, _TABLES = "whole", "side", "parts", "residual", "tables"
_ALONE, _VIEW = "part:", "view:"
_TABS = (
    (_WHOLE, mark("Whole")),
    (_SIDE, mark("Side by side")),
    (_PARTS, mark("Parts")),
    (_RESIDUAL, mark("Residual")),
)
_ZOOM = 1.25
_FEW = 3


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
        self._grid: TableGrid | None = None
        self._axes = (Axis("row", 1), Axis("column", 1))
        self._factors: Factors | None = None
        self._parts: tuple[Part, ...] = ()
        self._strips: tuple[Strip, ...] = ()
        self._views: tuple[View, ...] = ()
        self._rest_limit = 1.0
        self._mode = _WHOLE
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
        self._factors, self._parts, self._strips, self._views = None, (), (), ()
        self._mode = _WHOLE
        self.setAccessibleDescription(dataset.title)
        self._refresh()

    def set_result(self, result: Result | None, strips: Sequence[Strip]) -> None:
        """Show a result and follow the mixer; None shows the table alone."""
        if self._dataset is None:
            return
        had = bool(self._parts)
        self._strips = tuple(strips)
        views = result.views if result is not None else ()
        if views != self._views:
            self._views = views
            main = next((v for v in views if _is_model(v)), None)
            self._place(main or View("matrix", self._dataset.title, axes=self._dataset.axes))
        self._take(result.parts if result is not None else ())
        self._tables.set_tables(result.tables if result is not None else ())
        if not self._parts:
            self._mode = _WHOLE
        elif not had and self._mode == _WHOLE:
            self._mode = _SIDE
        self._refresh()

    def set_live(
        self, parts: Sequence[Part], strips: Sequence[Strip], views: Sequence[View] = ()
    ) -> None:
        """Show parts that are still emerging, and views of them."""
        first = not self._parts
        self._strips = tuple(strips)
        if self._dataset is not None and views:
            self._views = tuple(views)
            main = next((v for v in views if _is_model(v)), None)
            self._place(main or View("matrix", self._dataset.title, axes=self._dataset.axes))
        self._take(tuple(parts))
        if first and self._parts and self._mode == _WHOLE:
            self._mode = _SIDE
        self._refresh()

    def modes(self) -> tuple[tuple[str, str], ...]:
        """Return what can be looked at: (mode, words on its tab)."""
        tabs = _TABS if self._parts else _TABS[:1]
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
        alone = mode.startswith(_ALONE) and any(
            part.key == mode.removeprefix(_ALONE) for part in self._parts
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
        elif self._grid is not None:
            rows, columns = self._grid.shape
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
        if self._grid is not None:
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
        out = QImage(size, QImage.Format.Format_RGB32)
        out.fill(QColor(self._tokens.canvas))
        part = next((p for p in self._parts if p.key == what), None)
        if part is not None:
            self._paint_profile(out, part)
            return out
        layer = self._layer(_RESIDUAL if what == _RESIDUAL else _WHOLE)
        if layer.means is None or self._grid is None:
            return out
        rows, columns = self._grid.shape
        down = np.unique(np.linspace(0, rows, min(rows, size.height()) + 1).astype(np.intp))
        across = np.unique(np.linspace(0, columns, min(columns, size.width()) + 1).astype(np.intp))
        painter = QPainter(out)
        image = cells_image(layer.means(down, across), layer, self._tokens)
        painter.drawImage(QRectF(out.rect()), image)
        painter.end()
        return out

    # Within

    def _place(self, main: View) -> None:
        """Lay the table as a result's main view wants it."""
        assert self._dataset is not None
        values = np.asarray(self._dataset.values)
        turned = bool(main.options.get("transposed"))
        grid = TableGrid(values.T if turned else values, float(main.options.get("offset", 0.0)))
        known = self._grid
        self._grid = grid
        axes = main.axes if len(main.axes) == 2 else self._dataset.axes
        self._axes = axes[0], axes[1]
        for pane in self._panes:
            pane.set_axes(self._axes, grid.shape, square=False)
        if known is None or known.shape != grid.shape or not self._parts:
            rows, columns = grid.shape
            self._lens = Lens(0, columns, 0, rows)
        for pane in self._panes:
            pane.set_lens(self._lens)

    def _take(self, parts: tuple[Part, ...]) -> None:
        """Take the parts that are rows and columns of this table."""
        assert self._grid is not None
        rows, columns = self._grid.shape
        fitting = [
            part
            for part in parts
            if part.profile.size == rows and part.course is not None and part.course.size == columns
        ]
        self._parts = tuple(fitting) if len(fitting) == len(parts) else ()
        self._factors = None
        if self._parts:
            W = np.stack([np.asarray(p.profile, dtype=np.float64) for p in self._parts], axis=1)
            H = np.stack([np.asarray(p.course, dtype=np.float64) for p in self._parts])
            self._factors = Factors(W, H)
            self._rest_limit = self._grid.residual_limit(self._factors)

    def _refresh(self) -> None:
        if self._mode not in dict(self.modes()) and not self._mode.startswith(_ALONE):
            self._mode = _WHOLE
        self._bar.set_tabs(self.modes(), self._mode)
        if self._mode == _TABLES:
            self._show(self._scrolled(_TABLES, self._tables))
            return
        if self._mode.startswith(_VIEW):
            self._show_view(int(self._mode.removeprefix(_VIEW)))
            return
        layers = (_WHOLE, _PARTS, _RESIDUAL) if self._mode == _SIDE else (self._mode,)
        for place, pane in enumerate(self._panes):
            pane.setHidden(place >= len(layers))
            if place < len(layers):
                pane.set_layer(self._layer(layers[place]), with_names=place == 0)
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
            drawing.set_view(view, self._parts, self._strips)
        return drawing

    def _scrolled(self, key: str, widget: QWidget) -> QScrollArea:
        if key not in self._scrolls:
            scroll = QScrollArea()
            scroll.setObjectName("canvas")
            scroll.setWidgetResizable(True)
            scroll.setFrameShape(QFrame.Shape.NoFrame)
            scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            scroll.setWidget(widget)
            self._pages.addWidget(scroll)
            self._scrolls[key] = scroll
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

    def _shown(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        known = {strip.key: strip for strip in self._strips}
        soloed = any(strip.solo for strip in self._strips)
        found = []
        for part in self._parts:
            strip = known.get(part.key, Strip(part.key, part.name, part.color))
            found.append(strip.solo if soloed else strip.show)
        return np.array(found, dtype=bool)

    def _layer(self, what: str) -> Layer:
        grid, factors = self._grid, self._factors
        if grid is None:
            return Layer("", message=tr("Open a table, or drop one here"))
        limit, cut = grid.limit
        if what == _WHOLE:
            title = tr("Whole") if self._parts else (self._dataset.title if self._dataset else "")
            return Layer(title, grid.means, limit, cut, value=tr("The table as measured"))
        if factors is None:
            return Layer(tr(what.capitalize()), message=tr("Run to find the parts"))
        if what == _RESIDUAL:
            return Layer(
                tr("Residual"),
                _Rest(grid, factors),
                self._rest_limit,
                cut=True,
                signed=True,
                value=tr("The table less all parts"),
            )
        shown, color = self._shown(), ""
        if what.startswith(_ALONE):
            key = what.removeprefix(_ALONE)
            shown = np.array([part.key == key for part in self._parts])
        chosen = [self._strip_of(p) for p, on in zip(self._parts, shown, strict=True) if on]
        if len(chosen) == 1:
            color = chosen[0].color
        value = tr("The sum of the parts shown")
        return Layer(
            _words(chosen, len(shown)),
            _Sum(grid, factors, shown),
            limit,
            cut,
            False,
            color,
            "",
            value,
        )

    def _strip_of(self, part: Part) -> Strip:
        found = next((s for s in self._strips if s.key == part.key), None)
        return found or Strip(part.key, part.name, part.color)

    def _zoom(self, factor: float) -> None:
        drawing = self._drawing()
        if drawing is not None or self._grid is None:
            return
        lens = self._lens
        x, y = (lens.left + lens.right) / 2, (lens.top + lens.bottom) / 2
        self._look(lens.zoomed(factor, x, y, self._grid.shape))

    def _look(self, lens: Lens) -> None:
        self._lens = lens
        for pane in self._panes:
            pane.set_lens(lens)

    def _hovered(self, cell: tuple[int, int] | None) -> None:
        for pane in self._panes:
            pane.set_mark(cell)
        if cell is None or self._grid is None:
            self.cursor_moved.emit(None)
            return
        row, column = cell
        value = self._grid.at(row, column)
        words = [
            f"{name_of(self._axes[0], row)}, {name_of(self._axes[1], column)}",
            tr("whole {value}", value=number(value, 4)),
        ]
        if self._factors is not None:
            each = self._factors.W[row] * self._factors.H[:, column]
            if len(each) <= _FEW:
                words.append(
                    "  ".join(
                        f"{self._strip_of(p).name} {number(float(v))}"
                        for p, v in zip(self._parts, each, strict=True)
                    )
                )
            else:
                most = int(each.argmax())
                words.append(
                    f"{self._strip_of(self._parts[most]).name} {number(float(each[most]))}"
                )
                words.append(tr("all parts {value}", value=number(float(each.sum()), 4)))
            words.append(tr("residual {value}", value=number(value - float(each.sum()))))
        self.cursor_moved.emit(tuple(words))

    def _paint_profile(self, out: QImage, part: Part) -> None:
        """Draw what a part is made of as bars in its colour."""
        values = np.asarray(part.profile, dtype=np.float64)
        if len(values) > out.width():
            edges = np.linspace(0, len(values), out.width() + 1).astype(np.intp)[:-1]
            values = np.maximum.reduceat(values, edges)
        top = float(values.max()) or 1.0
        painter = QPainter(out)
        color = QColor(self._strip_of(part).color)
        cell = out.width() / len(values)
        gap = 1.0 if cell >= 4 else 0.0
        for place, value in enumerate(values):
            height = 0.9 * out.height() * max(float(value), 0.0) / top
            bar = QRectF(place * cell, out.height() - height, max(cell - gap, 1.0), height)
            painter.fillRect(bar, color)
        painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Not a focus proxy: Tab would come by here on its way round, and leave out the top row.
        self._panes[0].setFocus(event.reason())


class _Rest:
    """The means of what is left, by blocks."""

    def __init__(self, grid: TableGrid, factors: Factors) -> None:
        self._grid, self._factors = grid, factors

    def __call__(self, rows: Any, columns: Any) -> Any:
        return self._grid.residual(rows, columns, self._factors)


class _Sum:
    """The means of the parts shown, by blocks."""

    def __init__(self, grid: TableGrid, factors: Factors, shown: Any) -> None:
        self._grid, self._factors, self._shown = grid, factors, shown

    def __call__(self, rows: Any, columns: Any) -> Any:
        return self._grid.modelled(rows, columns, self._factors, self._shown)


def _is_model(view: View) -> bool:
    return view.kind == "matrix" and view.options.get("model") == "product"


def _words(chosen: Sequence[Strip], of: int) -> str:
    if not chosen:
        return tr("No part shown")
    if len(chosen) == of > 1:
        return tr("Parts")
    if len(chosen) <= _FEW:
        return " + ".join(strip.name for strip in chosen)
    return tr("{some} of {all} parts", some=len(chosen), all=of)
