"""Which drawing shows which kind of view?"""

from __future__ import annotations

from partwise_app.viewers.bars import BarsView
from partwise_app.viewers.curves import CurvesView
from partwise_app.viewers.graph import GraphView
from partwise_app.viewers.matrix import MatrixView
from partwise_app.viewers.plotting import Plot
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.viewers.traces import TracesView
from partwise_app.viewers.volume import VolumeView

__all__ = ["KINDS"]

KINDS: dict[str, type[Plot]] = {
    "bars": BarsView,
    "curves": CurvesView,
    "graph": GraphView,
    "matrix": MatrixView,
    "spectrogram": SpectrogramView,
    "traces": TracesView,
    "volume": VolumeView,
}
