"""The promised names for the panel of a plugin: the one module of the window that it may import."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from partwise_app.controls import Choice, Elided, Rule, SectionLabel, Switch, button, label
from partwise_app.drawings import Dot, ShareBar, Swatch
from partwise_app.host import Host
from partwise_app.icons import icon
from partwise_app.theme import DARK, LIGHT, Tokens
from partwise_app.viewers.curve import ConvergenceCurve
from partwise_app.viewers.later import Later
from partwise_app.viewers.layers import Extra
from partwise_app.viewers.marks import Mask, Shape
from partwise_app.viewers.scatter import ScatterView
from partwise_app.viewers.stage import CursorReading, ImageStage
from partwise_app.viewers.tips import TipPlot
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise_app.viewers.graph import GraphView
    from partwise_app.viewers.painting import Brush, Dab, Patch
    from partwise_app.viewers.spectrogram import SpectrogramView
    from partwise_app.viewers.timeline import Span, Window
    from partwise_app.viewers.traces import TracesView
    from partwise_app.viewers.volume import VolumeView
    from partwise_app.viewers.volumebrush import VolumeBrush, VolumeStroke

__all__ = [
    "DARK",
    "LIGHT",
    "Brush",
    "Choice",
    "ConvergenceCurve",
    "CursorReading",
    "Dab",
    "Dot",
    "Elided",
    "Extra",
    "GraphView",
    "Host",
    "ImageStage",
    "Later",
    "Mask",
    "Patch",
    "Rule",
    "ScatterView",
    "SectionLabel",
    "Shape",
    "ShareBar",
    "Span",
    "SpectrogramView",
    "Swatch",
    "Switch",
    "TipPlot",
    "Tokens",
    "TracesView",
    "VolumeBrush",
    "VolumeStroke",
    "VolumeView",
    "Window",
    "button",
    "icon",
    "label",
    "tr",
]

# Drawings that only some panels need, loaded when they are asked for.
_LATER = {
    "Brush": "painting",
    "Dab": "painting",
    "GraphView": "graph",
    "Patch": "painting",
    "Span": "timeline",
    "SpectrogramView": "spectrogram",
    "TracesView": "traces",
    "VolumeBrush": "volumebrush",
    "VolumeStroke": "volumebrush",
    "VolumeView": "volume",
    "Window": "timeline",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"partwise_app.viewers.{_LATER[name]}"), name)
