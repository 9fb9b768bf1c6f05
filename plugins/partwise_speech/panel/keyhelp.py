"""Which keys are there? A page of them, for the ear, the eye and the hand."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from partwise_app.api import SectionLabel, label, tr

__all__ = ["KeyHelp"]

_KEYS = (
    (
        "Hear",
        (
            ("Space", "Play, pause"),
            ("1  2  3", "Whole, speech, residual, from this very sample on"),
            ("A", "Back and forth between the last two"),
            ("R", "Repeat the selection, or what is in sight"),
            ("Click", "Move the playhead"),
        ),
    ),
    (
        "Look",
        (
            ("Wheel, + −", "Zoom; 0 or a double click shows all"),
            ("← →, drag", "Pan"),
            ("L", "Frequencies by their ratios, or evenly"),
            ("↑ ↓", "The level that is drawn darkest"),
        ),
    ),
    (
        "Teach",
        (
            ("Drag", "Over the waveform: select. Elsewhere with Shift"),
            ("[  ]", "Start and end of the selection at the cursor"),
            ("S  N  E", "Paint speech, paint noise, eraser; again to lay it down"),
            ("Esc", "Drop the selection"),
            ("T  M", "On an atom: move it across, mute it"),
            ("Click", "On an atom: hear and see it alone"),
        ),
    ),
)


class KeyHelp(QDialog):
    """The keys of the speech panel; Esc closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keys"))
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 18)
        box.setSpacing(8)
        for title, keys in _KEYS:
            box.addWidget(SectionLabel(tr(title)))
            grid = QGridLayout()
            grid.setHorizontalSpacing(18)
            grid.setVerticalSpacing(4)
            grid.setColumnMinimumWidth(0, 96)
            grid.setColumnStretch(1, 1)
            for row, (key, does) in enumerate(keys):
                grid.addWidget(label(tr(key), "number"), row, 0)
                grid.addWidget(label(tr(does)), row, 1)
            box.addLayout(grid)
            box.addSpacing(6)
        self.resize(460, self.sizeHint().height())
