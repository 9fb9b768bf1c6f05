"""How many synergies does each rule say? A line per rule, and a button that takes its answer."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from partwise_app.api import Elided, Host, SectionLabel, button, label, tr
from partwise_emg.synergies import RULES

__all__ = ["Rules"]


class Rules(QWidget):
    """The rules for the number of synergies, side by side, of the run that is looked at."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self._said: dict[str, int] = {}
        self._taking: dict[QPushButton, str] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("How many, by each rule")))
        box.addLayout(self._grid)
        self._rows = []
        for row, (name, words) in enumerate(RULES.items()):
            said, take = label("", "number"), button(tr("Take"), "link")
            take.setAccessibleName(tr("Take the number of: {rule}").format(rule=words))
            take.clicked.connect(self._take)
            self._taking[take] = name
            title = Elided(words[:1].upper() + words[1:])
            said.setMinimumWidth(24)
            said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            for column, widget in enumerate((title, said, take)):
                self._grid.addWidget(widget, row, column)
            self._rows.append((name, title, said, take))
        host.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw what the rules say now."""
        result = self._host.result
        rules = dict(result.facts.get("rules") or {}) if result is not None else {}
        rank = result.facts.get("rank") if result is not None else None
        self.setVisible(bool(rules))
        self._said = {name: int(value) for name, value in rules.items() if value is not None}
        for name, title, said, take in self._rows:
            value = self._said.get(name)
            said.setText("–" if value is None else str(value))
            take.setEnabled(value is not None and value != rank and not self._host.running)
            title.setToolTip("" if value is not None else tr("This rule does not decide here."))

    def _take(self) -> None:
        sender = self.sender()
        name = self._taking.get(sender) if isinstance(sender, QPushButton) else None
        if name is None or name not in self._said:
            return
        count = self._said[name]
        self._host.set_parameter("rank", str(count), tr("Take {n} synergies").format(n=count))
        self._host.run()
