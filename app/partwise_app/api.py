"""The promised names for the panel of a plugin: the one module of the window that it may import."""

from __future__ import annotations

from partwise_app.controls import (
    Choice,
    Dot,
    Elided,
    Rule,
    SectionLabel,
    ShareBar,
    Swatch,
    Switch,
    button,
    label,
)
from partwise_app.host import Host
from partwise_app.theme import DARK, LIGHT, Tokens
from partwise_app.viewers.curve import ConvergenceCurve
from partwise_app.viewers.scatter import ScatterView
from partwise_app.viewers.stage import CursorReading, ImageStage

__all__ = [
    "DARK",
    "LIGHT",
    "Choice",
    "ConvergenceCurve",
    "CursorReading",
    "Dot",
    "Elided",
    "Host",
    "ImageStage",
    "Rule",
    "ScatterView",
    "SectionLabel",
    "ShareBar",
    "Swatch",
    "Switch",
    "Tokens",
    "button",
    "label",
]
