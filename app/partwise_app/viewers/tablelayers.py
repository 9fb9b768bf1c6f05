"""What fills the cells of a table: the whole, its parts, what is left? And what is said of one?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part
from partwise_app.theme import Tokens
from partwise_app.viewers.cells import Layer, cells_image
from partwise_app.viewers.grids import Factors, TableGrid
from partwise_app.viewers.plotting import name_of, number
from partwise_app.words import tr

__all__ = ["ALONE", "PARTS", "RESIDUAL", "WHOLE", "TableLayers"]

WHOLE, PARTS, RESIDUAL, ALONE = "whole", "parts", "residual", "part:"
_FEW = 3


class TableLayers:
    """One table and the parts that were found in it.

    Attributes
    ----------
    title : str
    grid : TableGrid or None
        None where no table is open.
    axes : tuple of Axis
        Of rows and columns.
    strips : tuple of Strip
        What the mixer has chosen.
    """

    def __init__(self) -> None:
        self.title = ""
        self.grid: TableGrid | None = None
        self.axes = (Axis("row", 1), Axis("column", 1))
        self.strips: tuple[Strip, ...] = ()
        self.parts: tuple[Part, ...] = ()
        self.factors: Factors | None = None
        self._rest_limit = 1.0

    def clear(self) -> None:
        """Have no parts."""
        self.factors, self.parts, self.strips = None, (), ()

    def take_parts(self, parts: tuple[Part, ...]) -> None:
        """Take the parts that are rows and columns of this table."""
        assert self.grid is not None
        rows, columns = self.grid.shape
        fitting = [
            part
            for part in parts
            if part.profile.size == rows and part.course is not None and part.course.size == columns
        ]
        self.parts = tuple(fitting) if len(fitting) == len(parts) else ()
        self.factors = None
        if self.parts:
            W = np.stack([np.asarray(p.profile, dtype=np.float64) for p in self.parts], axis=1)
            H = np.stack([np.asarray(p.course, dtype=np.float64) for p in self.parts])
            self.factors = Factors(W, H)
            self._rest_limit = self.grid.residual_limit(self.factors)

    def layer(self, what: str) -> Layer:
        """Return ``"whole"``, ``"parts"``, ``"residual"``, or a part alone: ``"part:<key>"``."""
        grid, factors = self.grid, self.factors
        if grid is None:
            return Layer("", message=tr("Open a table, or drop one here"))
        limit, cut = grid.limit
        if what == WHOLE:
            title = tr("Whole") if self.parts else self.title
            return Layer(title, grid.means, limit, cut, value=tr("The table as measured"))
        if factors is None:
            return Layer(tr(what.capitalize()), message=tr("Run to find the parts"))
        if what == RESIDUAL:
            return Layer(
                tr("Residual"),
                _Rest(grid, factors),
                self._rest_limit,
                cut=True,
                signed=True,
                value=tr("The table less all parts"),
            )
        shown, color = self._shown(), ""
        if what.startswith(ALONE):
            key = what.removeprefix(ALONE)
            shown = np.array([part.key == key for part in self.parts])
        chosen = [self.strip_of(p) for p, on in zip(self.parts, shown, strict=True) if on]
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

    def strip_of(self, part: Part) -> Strip:
        """Return the strip of a part."""
        found = next((s for s in self.strips if s.key == part.key), None)
        return found or Strip(part.key, part.name, part.color)

    def words_at(self, row: int, column: int) -> tuple[str, ...] | None:
        """Return what is said of a cell: its names, its value, and what it is made of."""
        if self.grid is None:
            return None
        value = self.grid.at(row, column)
        words = [
            f"{name_of(self.axes[0], row)}, {name_of(self.axes[1], column)}",
            tr("whole {value}", value=number(value, 4)),
        ]
        if self.factors is not None:
            each = self.factors.W[row] * self.factors.H[:, column]
            if len(each) <= _FEW:
                words.append(
                    "  ".join(
                        f"{self.strip_of(p).name} {number(float(v))}"
                        for p, v in zip(self.parts, each, strict=True)
                    )
                )
            else:
                most = int(each.argmax())
                words.append(f"{self.strip_of(self.parts[most]).name} {number(float(each[most]))}")
                words.append(tr("all parts {value}", value=number(float(each.sum()), 4)))
            words.append(tr("residual {value}", value=number(value - float(each.sum()))))
        return tuple(words)

    def thumbnail(self, what: str, size: QSize, tokens: Tokens) -> QImage:
        """Return a small picture of ``"whole"``, ``"residual"`` or a part by its key."""
        out = QImage(size, QImage.Format.Format_RGB32)
        out.fill(QColor(tokens.canvas))
        part = next((p for p in self.parts if p.key == what), None)
        if part is not None:
            self._paint_profile(out, part)
            return out
        layer = self.layer(RESIDUAL if what == RESIDUAL else WHOLE)
        if layer.means is None or self.grid is None:
            return out
        rows, columns = self.grid.shape
        down = np.unique(np.linspace(0, rows, min(rows, size.height()) + 1).astype(np.intp))
        across = np.unique(np.linspace(0, columns, min(columns, size.width()) + 1).astype(np.intp))
        painter = QPainter(out)
        image = cells_image(layer.means(down, across), layer, tokens)
        painter.drawImage(QRectF(out.rect()), image)
        painter.end()
        return out

    def _shown(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        known = {strip.key: strip for strip in self.strips}
        soloed = any(strip.solo for strip in self.strips)
        found = []
        for part in self.parts:
            strip = known.get(part.key, Strip(part.key, part.name, part.color))
            found.append(strip.solo if soloed else strip.show)
        return np.array(found, dtype=bool)

    def _paint_profile(self, out: QImage, part: Part) -> None:
        """Draw what a part is made of as bars in its colour."""
        values = np.asarray(part.profile, dtype=np.float64)
        if len(values) > out.width():
            edges = np.linspace(0, len(values), out.width() + 1).astype(np.intp)[:-1]
            values = np.maximum.reduceat(values, edges)
        top = float(values.max()) or 1.0
        painter = QPainter(out)
        color = QColor(self.strip_of(part).color)
        cell = out.width() / len(values)
        gap = 1.0 if cell >= 4 else 0.0
        for place, value in enumerate(values):
            height = 0.9 * out.height() * max(float(value), 0.0) / top
            bar = QRectF(place * cell, out.height() - height, max(cell - gap, 1.0), height)
            painter.fillRect(bar, color)
        painter.end()


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


def _words(chosen: Sequence[Strip], of: int) -> str:
    if not chosen:
        return tr("No part shown")
    if len(chosen) == of > 1:
        return tr("Parts")
    if len(chosen) <= _FEW:
        return " + ".join(strip.name for strip in chosen)
    return tr("{some} of {all} parts", some=len(chosen), all=of)
