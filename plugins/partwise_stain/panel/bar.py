"""Which tool is in hand, and how true is the reconstruction? The row under the stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from partwise_app.api import Elided, Rule, button, tr
from partwise_stain.panel.table import RegionTable

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

__all__ = ["TOOL_KEYS", "Bar"]

TOOL_KEYS = {"M": "", "B": "rectangle", "O": "ellipse", "P": "polygon", "F": "freehand"}
"""Letters that take a tool in hand while the image has the keyboard."""

_TOOLS = (
    ("", "Move", "Drag moves the image, and what of a chosen outline is taken hold of (M, Esc)"),
    ("rectangle", "Rectangle", "Drag a rectangle to measure in it; with Shift a square (B)"),
    ("ellipse", "Ellipse", "Drag an ellipse to measure in it; with Shift a circle (O)"),
    ("polygon", "Polygon", "Click corners; a double click or Enter ends it (P)"),
    ("freehand", "Freehand", "Draw around what is to be measured (F)"),
)
_FILES = (
    ("csv", "Save numbers as CSV…"),
    ("save", "Save outlines as GeoJSON…"),
    ("load", "Open outlines from GeoJSON…"),
    ("all", "Add the whole view as a region"),
    ("remove", "Remove the chosen region"),
    ("clear", "Remove all regions"),
)


class Bar(QWidget):
    """Tools, picks, wipes and the readout of ΔE; below them the table of regions."""

    tool_asked = Signal(str)
    pick_asked = Signal(str)
    """Key of a stain, or "white"."""
    wipe_asked = Signal(str)
    """``"parts"`` for the reconstruction, ``"extra"`` for the colours of the reference."""
    deed_asked = Signal(str)
    """What to do with the regions: one of "csv", "save", "load", "all", "remove", "clear"."""

    def __init__(self) -> None:
        super().__init__()
        self._menu = QMenu(self)
        self._stains: tuple[tuple[str, str], ...] = ()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(Rule())
        row = QHBoxLayout()
        row.setContentsMargins(8, 4, 10, 4)
        row.setSpacing(2)
        self._group = QButtonGroup(self)
        self._tools: dict[str, QPushButton] = {}
        for tool, words, tip in _TOOLS:
            made = button(tr(words), "toggle", tip=tr(tip), checkable=True)
            made.setProperty("tool", tool)
            self._group.addButton(made)
            self._tools[tool] = made
            row.addWidget(made)
        self._tools[""].setChecked(True)
        self._pick = button(
            tr("Pick…"), "toggle", tip=tr("Take a stain or the white from pixels"), checkable=True
        )
        row.addWidget(self._pick)
        self._regions = button(
            tr("Regions…"), "toggle", tip=tr("Save, open and remove outlines and their numbers")
        )
        row.addWidget(self._regions)
        row.addSpacing(8)
        row.addWidget(Rule(upright=True))
        row.addSpacing(8)
        self._wipes: dict[str, QPushButton] = {}
        for mode, words, tip in (
            ("parts", "Reconstruction", "The slide against what its stains make of it"),
            ("extra", "Normalised", "The slide against itself in the colours of the reference"),
        ):
            made = button(tr(words), "toggle", tip=tr(tip), checkable=True)
            made.setProperty("wipe", mode)
            made.clicked.connect(self._on_wipe)
            self._wipes[mode] = made
        self._readout = Elided("", "muted")
        row.addWidget(self._wipes["parts"])
        row.addSpacing(6)
        row.addWidget(self._readout, 1)
        row.addWidget(self._wipes["extra"])
        box.addLayout(row)
        self.table = RegionTable()
        self.table.hide()
        box.addWidget(self.table)
        self._group.buttonClicked.connect(self._on_tool)
        self._pick.clicked.connect(self._on_pick)
        self._regions.clicked.connect(self._on_regions)

    def set_ready(self, image: bool, stains: tuple[tuple[str, str], ...], reference: bool) -> None:
        """Enable what can be done: an image, (key, name) of its stains, and a reference."""
        self._stains = stains
        for made in (*self._tools.values(), self._pick, self._regions):
            made.setEnabled(image)
        self._wipes["parts"].setEnabled(bool(stains))
        self._wipes["extra"].setVisible(reference)

    def set_tool(self, tool: str) -> None:
        """Mark the tool in hand."""
        picking = tool == "pick"
        self._group.setExclusive(False)
        for name, made in self._tools.items():
            made.setChecked(name == tool)
        self._group.setExclusive(True)
        self._pick.setChecked(picking)

    def set_wipe(self, mode: str) -> None:
        """Mark what stands beyond the line; "" where neither does."""
        for name, made in self._wipes.items():
            made.setChecked(name == mode)

    def readout(self) -> str:
        """Return what is said of the reconstruction."""
        return self._readout.full()

    def set_readout(self, text: str, tip: str = "") -> None:
        """Show how different whole and reconstruction look."""
        self._readout.set_full(text)
        if tip:
            self._readout.setToolTip(tip)

    def _on_tool(self, made: QPushButton) -> None:
        self.tool_asked.emit(str(made.property("tool")))

    def _on_wipe(self) -> None:
        sender = self.sender()
        if isinstance(sender, QPushButton):
            self.wipe_asked.emit(str(sender.property("wipe")) if sender.isChecked() else "")

    def _on_pick(self) -> None:
        entries = [(key, tr("{name} from pixels", name=name)) for key, name in self._stains]
        entries.append(("white", tr("White, from glass without tissue")))
        chosen = self._choose(entries, self._pick)
        if chosen:
            self.pick_asked.emit(chosen)
        else:
            self.tool_asked.emit("")

    def _on_regions(self) -> None:
        chosen = self._choose([(key, tr(words)) for key, words in _FILES], self._regions)
        if chosen:
            self.deed_asked.emit(chosen)

    def _choose(self, entries: list[tuple[str, str]], above: QWidget) -> str:
        self._menu.clear()
        for key, words in entries:
            self._menu.addAction(words).setData(key)
        size = self._menu.sizeHint()
        chosen: QAction | None = self._menu.exec(above.mapToGlobal(QPoint(0, -size.height())))
        return str(chosen.data()) if chosen is not None else ""
