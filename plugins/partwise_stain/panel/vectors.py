"""Which vector has each stain? Numbers to be typed, picked, dragged, or taken from a preset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, button, label, tr
from partwise_stain.panel.case import Case
from partwise_stain.panel.wheel import Wheel
from partwise_stain.presets import PROTOCOLS, published

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QAction

__all__ = ["Vectors"]

_COLUMNS = ("Red", "Green", "Blue")
_WHITE = "white"


class Vectors(QWidget):
    """Unit vectors in optical density, as found or as corrected, and the angle between them."""

    moved = Signal(str, object)
    """Key of a stain and its new vector."""
    typed = Signal(str)
    """The numbers of a stain shall be typed."""
    picked = Signal(str)
    """A stain shall be picked from pixels."""
    back_asked = Signal()
    white_asked = Signal()
    """The white as found shall hold again."""
    preset_asked = Signal(str)
    """Key of a protocol, or "" to find the stains blind."""
    load_asked = Signal()
    save_asked = Signal()

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case
        self._cells: list[QWidget] = []
        self._rows: dict[str, _Row] = {}
        self._known = ""
        self._menu = QMenu(self)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        box.addWidget(SectionLabel(tr("Stain vectors, optical density")))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(7)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 1)
        self._back = button(
            tr("Take back"), "link", tip=tr("Take corrections back: the vectors as found")
        )
        self._back.clicked.connect(self.back_asked)
        keeps = self._back.sizePolicy()
        keeps.setRetainSizeWhenHidden(True)  # nothing below jumps at the first correction
        self._back.setSizePolicy(keeps)
        self._grid.addWidget(self._back, 0, 0, Qt.AlignmentFlag.AlignLeft)
        box.addLayout(self._grid)
        self._angle = label("", "muted")
        box.addWidget(self._angle)
        self.wheel = Wheel()
        self.wheel.moved.connect(self.moved)
        box.addWidget(self.wheel)
        row = QHBoxLayout()
        row.setSpacing(6)
        self._preset = button(
            tr("Preset…"), "small", tip=tr("Published vectors, to begin from and to edit")
        )
        self._load = button(
            tr("Open profile…"), "small", tip=tr("Use the vectors and the white of another slide")
        )
        self._save = button(
            tr("Save profile…"), "small", tip=tr("Keep these vectors and this white for others")
        )
        self._preset.clicked.connect(self._on_preset)
        self._load.clicked.connect(self.load_asked)
        self._save.clicked.connect(self.save_asked)
        for made in (self._preset, self._load, self._save):
            row.addWidget(made)
        row.addStretch()
        box.addLayout(row)

    def refresh(self) -> None:
        """Draw the vectors that hold now."""
        case = self._case
        keys, names, vectors = case.keys, case.names, case.vectors
        white, locked = case.white, case.locked
        put = case.corrected.union(case.asked)
        rows = {
            key: _Told(name, [f"{v:.3f}" for v in vector], key in put, key not in locked)
            for key, name, vector in zip(keys, names, vectors, strict=True)
        }
        if white is not None:
            levels = [f"{level:.0f}" for level in white]
            rows[_WHITE] = _Told(tr("White, levels"), levels, white != case.found_white, True)
        if list(rows) != list(self._rows):
            self._lay_cells(rows)
        for key, told in rows.items():
            self._rows[key].show(told)
        words = _between(vectors)
        if put and words:
            words = tr("{angle}; * not yet run", angle=words)
        self._angle.setText(words)
        self._angle.setVisible(len(vectors) > 1)
        self._back.setVisible(bool(case.corrected))
        self.wheel.setVisible(bool(keys))
        self._save.setEnabled(case.mixing is not None)
        self.wheel.set_stains(
            dict(zip(keys, vectors, strict=True)),
            {key: (name, color) for key, name, color in zip(keys, names, case.colors, strict=True)},
            case.locked,
        )
        if case.protocol != self._known and case.protocol in PROTOCOLS:
            self._known = case.protocol
            self.wheel.set_published(published(case.protocol))

    def show_tissue(self, od: NDArray[np.floating]) -> None:
        """Draw the colours of tissue, densities (n, 3), as a cloud on the wheel."""
        self.wheel.set_tissue(od)

    def _lay_cells(self, keys: Iterable[str]) -> None:
        """Make a row of cells for each stain, and for the white."""
        self._clear()
        for row, key in enumerate(keys, 1):
            made = self._rows[key] = _Row(key)
            made.more.clicked.connect(self._on_more)
            for column, cell in enumerate((made.name, *made.numbers, made.more)):
                self._put(row, column, cell)
        for column, title in enumerate(_COLUMNS if self._rows else (), 1):
            self._put(0, column, label(tr(title), "small"))

    def _on_more(self) -> None:
        sender = self.sender()
        if not isinstance(sender, QWidget):
            return
        key = str(sender.property("key"))
        self._menu.clear()
        other = (tr("As found"), "found") if key == _WHITE else (tr("Type its numbers…"), "type")
        for words, what in ((tr("Pick from the slide"), "pick"), other):
            action = self._menu.addAction(words)
            action.setData((what, key))
        self._open(self._menu, sender)

    def _on_preset(self) -> None:
        self._menu.clear()
        for protocol in PROTOCOLS.values():
            action = self._menu.addAction(protocol.title)
            action.setData(("preset", protocol.key))
            action.setToolTip("\n".join(protocol.sources))
        self._menu.addSeparator()
        self._menu.addAction(tr("None: find them on the slide")).setData(("preset", ""))
        self._open(self._menu, self._preset)

    def _open(self, menu: QMenu, below: QWidget) -> None:
        menu.setToolTipsVisible(True)
        chosen: QAction | None = menu.exec(below.mapToGlobal(QPoint(0, below.height())))
        if chosen is None:
            return
        what, key = chosen.data()
        if what == "found":
            self.white_asked.emit()
            return
        {"pick": self.picked, "type": self.typed, "preset": self.preset_asked}[what].emit(key)

    def _clear(self) -> None:
        for cell in self._cells:
            self._grid.removeWidget(cell)
            cell.hide()
            cell.deleteLater()
        self._cells, self._rows = [], {}

    def _put(self, row: int, column: int, cell: QWidget) -> None:
        if column and isinstance(cell, QLabel):
            cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.addWidget(cell, row, column)
        self._cells.append(cell)


class _Told(NamedTuple):
    """What a row says: a name, three numbers, whether by a hand, and whether a hand may."""

    name: str
    numbers: list[str]
    changed: bool
    free: bool


class _Row:
    """The cells of a stain or of the white; their texts change, they stay."""

    def __init__(self, key: str) -> None:
        self.name = label("")
        self.numbers = [label("", "number") for _ in _COLUMNS]
        self.more = button("⋯", "icon", tip=tr("Type, pick, …"))
        self.more.setFixedWidth(22)
        self.more.setProperty("key", key)

    def show(self, told: _Told) -> None:
        self.name.setText(f"{told.name} *" if told.changed else told.name)
        self.name.setToolTip(tr("Changed by hand since the run") if told.changed else "")
        for cell, text in zip(self.numbers, told.numbers, strict=True):
            cell.setText(text)
        self.more.setAccessibleName(tr("Change {name}", name=told.name))
        self.more.setEnabled(told.free)


def _between(vectors: Sequence[tuple[float, ...]]) -> str:
    """The smallest angle between two of them, in words."""
    if len(vectors) < 2:
        return ""
    angles = []
    for first, second in combinations(vectors, 2):
        dot = sum(a * b for a, b in zip(first, second, strict=True))
        length = math.hypot(*first) * math.hypot(*second)
        angles.append(math.degrees(math.acos(min(dot / length, 1.0))))
    if len(vectors) == 2:
        return tr("{angle}° between the two", angle=f"{angles[0]:.1f}")
    return tr("{angle}° between the nearest two", angle=f"{min(angles):.1f}")
