"""Which channels take part? A list to tick, with the muscle that each name stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from partwise.api import InputProblem, UsageProblem
from partwise_app.api import Host, SectionLabel, label, tr
from partwise_emg.channels import muscle_name
from partwise_emg.prepared import rows_wanted

__all__ = ["ChannelList"]

_ROW = 30
_MOST_SHOWN = 6


class ChannelList(QWidget):
    """The channels of the recording; a tick is an edit of the parameter."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._filling = False
        self._shown: object = None
        self._list = QListWidget()
        self._list.setAccessibleName(tr("Channels that take part"))
        self._list.setUniformItemSizes(True)
        self._list.itemChanged.connect(self._ticked)
        self._left = label("", "muted", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Channels")))
        box.addWidget(self._list)
        box.addWidget(self._left)
        host.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw the channels of the input that is looked at."""
        dataset = self._host.dataset
        self.setVisible(dataset is not None)
        if dataset is None:
            return
        wanted = str(self._host.parameters.get("channels", ""))
        if self._shown == (id(dataset), wanted):
            return
        self._shown = (id(dataset), wanted)
        try:
            ticked = set(rows_wanted(dataset, wanted))
        except (InputProblem, UsageProblem):
            ticked = set()
        about = list(dataset.meta.get("channels") or ())
        labels = dataset.axes[0].labels
        self._filling = True
        self._list.clear()
        for row, name in enumerate(labels):
            full = muscle_name(name)
            kind = str(about[row].get("kind", "emg")) if row < len(about) else "emg"
            words = name if full == name else f"{name}  ·  {full}"
            item = QListWidgetItem(words if kind == "emg" else f"{name}  ·  {tr('not EMG')}")
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if row in ticked else Qt.CheckState.Unchecked)
            item.setToolTip(str(about[row].get("why", "")) if row < len(about) else "")
            self._list.addItem(item)
        self._list.setFixedHeight(_ROW * min(len(labels), _MOST_SHOWN) + 6)
        gone = about[len(labels) :]
        self._left.setText(_words_for(gone))
        self._left.setToolTip("\n".join(f"{each['label']}: {each['why']}" for each in gone[:40]))
        self._left.setVisible(bool(gone))
        self._filling = False

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        dataset = self._host.dataset
        if dataset is None:
            return
        labels = dataset.axes[0].labels
        rows = [
            row
            for row in range(self._list.count())
            if self._list.item(row).checkState() == Qt.CheckState.Checked
        ]
        usual = rows_wanted(dataset, "")
        text = "" if rows == usual else ", ".join(labels[row] for row in rows)
        if not rows:
            self._shown = None
            self.refresh()
            return
        self._host.set_parameter("channels", text, tr("Choose channels"))


def _words_for(gone: list[Mapping[str, Any]]) -> str:
    flat = sum(each.get("kind") == "flat" for each in gone)
    rest = len(gone) - flat
    said = [tr("{n} flat").format(n=flat)] if flat else []
    said += [tr("{n} with gaps or too slow").format(n=rest)] if rest else []
    return tr("Left out: {what}").format(what=", ".join(said)) if said else ""
