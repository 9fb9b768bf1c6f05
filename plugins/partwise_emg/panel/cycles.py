"""Which cycles count? A number per cycle to tick, and cycles that are marked on the recording."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from partwise.api import FileProblem, InputProblem
from partwise_app.api import Host, SectionLabel, Span, TracesView, button, label, tr
from partwise_emg.events import Events
from partwise_emg.panel.asking import asked
from partwise_emg.prepared import events_for, rejected_by
from partwise_emg.views import stances

__all__ = ["CycleList"]

_MOST = 400


class CycleList(QWidget):
    """Cycles by their numbers; a tick taken away rejects one, a span drawn marks one."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._filling = False
        self._view: TracesView | None = None
        self._known: object = None
        self._list = QListWidget()
        self._list.setAccessibleName(tr("Cycles that count"))
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setGridSize(QSize(52, 24))
        self._list.itemChanged.connect(self._ticked)
        self._words = label("", "muted", wrap=True)
        self._clear = button(tr("Clear the marks"), "link")
        self._clear.clicked.connect(self._on_clear)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Cycles")))
        box.addWidget(self._list)
        box.addWidget(self._words)
        box.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignLeft)
        host.changed.connect(self.refresh)
        host.stage_changed.connect(self._listen)
        self._listen()
        self.refresh()

    def refresh(self) -> None:
        """Draw the cycles that the events make."""
        dataset, params = self._host.dataset, asked(self._host)
        raw = dataset is not None and not dataset.meta.get("preprocessed")
        self.setVisible(raw and params is not None and not params.preprocessed)
        if dataset is None or params is None or not raw:
            return
        key = (id(dataset), params.events, params.marks, params.side, params.reject)
        if key == self._known:
            return
        self._known = key
        try:
            events = events_for(dataset, params)
        except (FileProblem, InputProblem) as problem:
            self._fill(0, set())
            self._words.setText(str(problem))
            return
        count = len(events.touchdown) - 1 if events is not None else 0
        self._fill(min(count, _MOST), rejected_by(params))
        how = tr("Shift and drag over the recording from touch-down to lift-off to mark a cycle.")
        self._words.setText(how if events is None else events.source)
        self._clear.setVisible(bool(params.marks.strip()))
        self._draw(events)

    def _fill(self, count: int, rejected: set[int]) -> None:
        self._filling = True
        self._list.clear()
        for number in range(1, count + 1):
            item = QListWidgetItem(str(number))
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            on = number not in rejected
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self._list.addItem(item)
        self._list.setVisible(count > 0)
        self._list.setFixedHeight(24 * min(-(-count // 4), 5) + 8)
        self._filling = False

    def _draw(self, events: Events | None) -> None:
        """The stances over the recording, while that is what the stage shows."""
        if self._view is None or self._host.result is not None:
            return
        self._view.set_spans(
            [Span(each["start"], each["end"], each["name"], fixed=True) for each in stances(events)]
        )

    def _listen(self) -> None:
        view = self._host.view("traces")
        if view is self._view or not isinstance(view, TracesView):
            return
        self._view = view
        view.span_drawn.connect(self._marked)
        self._known = None
        self.refresh()

    def _marked(self, start: float, end: float) -> None:
        dataset, params = self._host.dataset, asked(self._host)
        if dataset is None or params is None or dataset.meta.get("preprocessed"):
            return
        if self._host.result is not None and not params.marks.strip():
            return  # the first view is of envelopes then, whose axis is no time
        pieces = [piece.strip() for piece in params.marks.split(",") if piece.strip()]
        pieces.append(f"{start:.4g}:{end:.4g}")
        pieces.sort(key=_touch)
        self._host.set_parameter("marks", ", ".join(pieces), tr("Mark a cycle"))

    def _on_clear(self) -> None:
        self._host.set_parameter("marks", "", tr("Clear the marks"))

    def _ticked(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        out = [
            self._list.item(row).text()
            for row in range(self._list.count())
            if self._list.item(row).checkState() == Qt.CheckState.Unchecked
        ]
        self._host.set_parameter("reject", ", ".join(out), tr("Choose cycles"))


def _touch(piece: str) -> float:
    return float(piece.partition(":")[0])
