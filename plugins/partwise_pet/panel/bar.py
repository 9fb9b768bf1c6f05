"""What does a click into the slices do? The bar between stage and mixer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSpinBox, QWidget

from partwise_app.api import Choice, Rule, button, label, tr

__all__ = ["Bar"]

_LOOK, _ANCHOR, _PAINT, _ERASE = "look", "anchor", "paint", "erase"


class Bar(QWidget):
    """Tools for the slices: look, set anchors, paint the region, erase from it."""

    tool_changed = Signal(str)
    """``"look"``, ``"anchor"``, ``"paint"`` or ``"erase"``."""
    brush_changed = Signal()
    """The size of the brush is another one."""
    back_asked = Signal()
    """The last anchor is to go."""
    box_asked = Signal()
    """The region is to be a box around the cross."""
    whole_asked = Signal()
    """The region is to be forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self._tools: dict[str, QPushButton] = {}
        self._anchored = False
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 5, 10, 5)
        row.setSpacing(6)
        for key, words, tip in (
            (_LOOK, tr("Look"), tr("Clicks move the cross")),
            (
                _ANCHOR,
                tr("Anchor"),
                tr("Clicks, or A at the cross, mark voxels that belong to one factor alone"),
            ),
            (_PAINT, tr("Paint"), tr("Drag over a slice to paint the region that is looked at")),
            (_ERASE, tr("Erase"), tr("Drag over a slice to take voxels out of the region")),
        ):
            row.addWidget(self._tool(key, words, tip))
        row.addWidget(Rule(upright=True))
        self.factor = Choice()
        self.factor.setAccessibleName(tr("Factor of the anchors"))
        self.factor.setToolTip(tr("Which factor the next click is an anchor of"))
        self.factor.setMinimumWidth(150)
        row.addWidget(self.factor)
        self._back = button(tr("Undo anchor"), "link", tip=tr("Remove the last anchor"))
        self._back.clicked.connect(self.back_asked)
        row.addWidget(self._back)
        self._radius = label(tr("Radius"), "muted")
        row.addWidget(self._radius)
        self.brush_size = _millimetres(2, 100, 8, tr("Radius of the brush"))
        self.brush_size.valueChanged.connect(self._on_size)
        row.addWidget(self.brush_size)
        self.flat = button(
            tr("One slice"), "toggle", checkable=True,
            tip=tr("The brush is a disc in the slice painted on; else it is a ball"),
        )  # fmt: skip
        row.addWidget(self.flat)
        self._apart = Rule(upright=True)
        row.addWidget(self._apart)
        box = button(
            tr("Box at cross"), "link", tip=tr("Look at a box of this half width around the cross")
        )
        box.clicked.connect(self.box_asked)
        row.addWidget(box)
        self.reach = _millimetres(4, 400, 40, tr("Half width of the box"))
        row.addWidget(self.reach)
        self._whole = button(tr("Whole"), "link", tip=tr("Look at all voxels above the threshold"))
        self._whole.clicked.connect(self.whole_asked)
        row.addWidget(self._whole)
        row.addStretch(1)
        self._tools[_LOOK].setChecked(True)
        self.set_factors(())
        self._show_own()

    @property
    def tool(self) -> str:
        """What a click does now."""
        return next((key for key, tool in self._tools.items() if tool.isChecked()), _LOOK)

    def set_tool(self, tool: str) -> None:
        """Choose what a click does."""
        for key, each in self._tools.items():
            each.setChecked(key == tool)
        self._show_own()
        self.tool_changed.emit(self.tool)

    def set_at_hand(self, at_hand: bool) -> None:
        """Say whether the slices are on the stage: what works on them waits while they are not."""
        self.setEnabled(at_hand)
        self.setToolTip("" if at_hand else tr("These tools are for the tab Slices"))

    def set_factors(self, names: Sequence[str]) -> None:
        """Offer factors by their names, numbered from 1."""
        words = [f"{k}  {name}" for k, name in enumerate(names, 1)]
        if [self.factor.itemText(k) for k in range(self.factor.count())] == words:
            return
        chosen = max(self.factor.currentIndex(), 0)
        self.factor.blockSignals(True)
        self.factor.clear()
        self.factor.addItems(words)
        self.factor.setCurrentIndex(min(chosen, max(len(words) - 1, 0)))
        self.factor.blockSignals(False)

    def set_state(self, *, anchors: bool, region: bool) -> None:
        """Say whether there are anchors and a region to take back."""
        self._anchored = anchors
        self._whole.setVisible(region)
        self._show_own()

    def _show_own(self) -> None:
        """Show what belongs to the tool that is in hand."""
        tool = self.tool
        self.factor.setVisible(tool == _ANCHOR)
        self._back.setVisible(tool == _ANCHOR and self._anchored)
        for each in (self._radius, self.brush_size, self.flat):
            each.setVisible(tool in (_PAINT, _ERASE))
        self._apart.setVisible(tool != _LOOK)

    def _tool(self, key: str, words: str, tip: str) -> QPushButton:
        made = button(words, "toggle", tip=tip, checkable=True)
        made.setProperty("tool", key)
        made.clicked.connect(self._on_tool)
        self._tools[key] = made
        return made

    def _on_size(self, _size: int) -> None:
        self.brush_changed.emit()

    def _on_tool(self) -> None:
        self.set_tool(str(self.sender().property("tool")))


def _millimetres(least: int, most: int, value: int, words: str) -> QSpinBox:
    made = QSpinBox()
    made.setRange(least, most)
    made.setValue(value)
    made.setSuffix(tr(" mm"))
    made.setAlignment(Qt.AlignmentFlag.AlignRight)
    made.setFixedWidth(84)
    made.setAccessibleName(words)
    made.setToolTip(words)
    return made
