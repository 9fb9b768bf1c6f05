"""What does the filter do to a channel? Before and after, live while the form is changed."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from partwise.api import Axis, Dataset, InputProblem, UsageProblem, View
from partwise_app.api import DARK, LIGHT, Choice, Host, SectionLabel, TracesView, label, tr
from partwise_emg.asked import Params
from partwise_emg.envelope import filters_of, linear_envelope
from partwise_emg.panel.asking import asked
from partwise_emg.prepared import rows_wanted
from partwise_emg.views import UNTOLD

__all__ = ["BeforeAfter"]

_HEIGHT = 190  # px
_LONGEST_S = 20.0  # of a record, from its middle, that is filtered while one looks


class BeforeAfter(QWidget):
    """One channel as it was recorded, and its envelope below."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._known: object = None
        self._plot = TracesView()
        self._channel = Choice()
        self._channel.setAccessibleName(tr("Channel shown before and after the filter"))
        self._channel.currentIndexChanged.connect(self._chosen)
        self._follow()
        self._plot.setFixedHeight(_HEIGHT)
        self._words = label("", "muted", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Filter, before and after")))
        box.addWidget(self._channel)
        box.addWidget(self._plot)
        box.addWidget(self._words)
        host.changed.connect(self.refresh)
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._follow()

    def _follow(self) -> None:
        """Use the theme of the window, which its palette tells."""
        dark = self.palette().window().color().lightness() < 128
        self._plot.set_theme(DARK if dark else LIGHT)

    def refresh(self) -> None:
        """Filter the channel again where what is asked has changed."""
        dataset, params = self._host.dataset, asked(self._host)
        raw = dataset is not None and not dataset.meta.get("preprocessed")
        self.setVisible(raw and params is not None and not params.preprocessed)
        if dataset is None or params is None or not self.isVisibleTo(self.parentWidget() or self):
            return
        self._offer(dataset, params)
        self._draw(dataset, params)

    def _offer(self, dataset: Dataset, params: Params) -> None:
        try:
            rows = rows_wanted(dataset, params.channels)
        except (InputProblem, UsageProblem):
            return
        names = [dataset.axes[0].labels[row] for row in rows]
        if names == [self._channel.itemText(k) for k in range(self._channel.count())]:
            return
        before = self._channel.currentText()
        self._channel.blockSignals(True)
        self._channel.clear()
        self._channel.addItems(names)
        self._channel.setCurrentIndex(names.index(before) if before in names else 0)
        self._channel.blockSignals(False)

    def _draw(self, dataset: Dataset, params: Params) -> None:
        name = self._channel.currentText()
        key = (
            id(dataset),
            name,
            params.preset,
            params.highpass,
            params.lowpass,
            params.notch,
        )
        if key == self._known or name not in dataset.axes[0].labels:
            return
        self._known = key
        time = dataset.axes[1]
        assert dataset.values is not None
        row = dataset.axes[0].labels.index(name)
        size = dataset.values.shape[1]
        wide = min(size, int(_LONGEST_S / time.step))
        first = (size - wide) // 2
        x = np.asarray(dataset.values[row : row + 1, first : first + wide], dtype=np.float64)
        mains = 0.0 if params.notch == "none" else float(params.notch)
        filters = filters_of(params.preset, params.highpass, params.lowpass, mains)
        try:
            smooth = linear_envelope(x, 1 / time.step, filters)
        except InputProblem as problem:
            self._words.setText(str(problem))
            return
        unit = str((dataset.meta.get("channels") or [{}])[row].get("unit") or UNTOLD)
        self._plot.set_view(
            View(
                "traces",
                tr("Filter, before and after"),
                {"y": np.concatenate([x, np.maximum(smooth, 0.0)])},
                (
                    Axis("channel", 2, labels=(tr("Before"), tr("After"))),
                    Axis("time", wide, "s", time.step, time.start + first * time.step),
                ),
                {"scale": "own", "units": [unit, unit]},
            ),
            (),
            (),
        )
        self._words.setText(
            tr("High-pass {high:g} Hz, rectified, low-pass {low:g} Hz. {source}").format(
                high=filters.highpass, low=filters.lowpass, source=filters.source
            )
        )

    def _chosen(self, place: int) -> None:
        self.refresh()
