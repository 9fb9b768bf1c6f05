"""What is seen of an input before any run? Views that its analysis offers, or that follow."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from partwise.data.dataset import Axis, Dataset
from partwise.result import View

__all__ = ["completed", "views_of_input"]

_log = logging.getLogger("partwise.app")

_SPACE = ("z", "y", "x")
# The array that a kind cannot be drawn without.
_MAIN = {"traces": "y", "spectrogram": "whole", "volume": "values"}


def views_of_input(dataset: Dataset, analysis: Any) -> tuple[View, ...]:
    """Return what the stage shows of an input before a run, and beside its results.

    An analysis may bring ``preview(dataset) -> sequence of View``; else signals are drawn as
    traces and volumes as slices. Images and tables have stages of their own.
    """
    offered = getattr(analysis, "preview", None)
    if callable(offered):
        try:
            return tuple(offered(dataset))
        except Exception:  # noqa: BLE001 - a stranger's code may raise anything
            _log.exception("the preview of %s failed; the stage does without", dataset.title)
    if dataset.values is None or dataset.pyramid is not None or dataset.kind == "table":
        return ()
    view = _volume(dataset) if dataset.kind == "volume" else _traces(dataset)
    return (view,) if view is not None else ()


def completed(view: View, of_input: Sequence[View]) -> View:
    """Return a result's view with the arrays of the input's, where it says only what to add.

    Inputs are linked and not swallowed: a result need not carry what its file holds.
    """
    main = _MAIN.get(view.kind)
    if main is None or main in view.arrays:
        return view
    known = next((v for v in of_input if v.kind == view.kind and main in v.arrays), None)
    if known is None:
        return view
    return dataclasses.replace(
        view,
        arrays={**known.arrays, **view.arrays},
        axes=view.axes or known.axes,
        options={**known.options, **view.options},
    )


def _traces(dataset: Dataset) -> View | None:
    values = np.asarray(dataset.values)
    places = [k for k, axis in enumerate(dataset.axes) if axis.name == "time" or axis.unit == "s"]
    if values.ndim not in (1, 2) or len(places) != 1 or len(dataset.axes) != values.ndim:
        return None
    time = dataset.axes[places[0]]
    if values.ndim == 1:
        channel, y = Axis("channel", 1), values[None]
    else:
        channel = dataset.axes[1 - places[0]]
        y = values if places[0] == 1 else values.T
    return View("traces", dataset.title, {"y": y}, (channel, time), {"tab": "Recording"})


def _volume(dataset: Dataset) -> View | None:
    values = np.asarray(dataset.values)
    names = [axis.name for axis in dataset.axes]
    if values.ndim not in (3, 4) or len(names) != values.ndim or not set(_SPACE) <= set(names):
        return None
    others = [k for k, name in enumerate(names) if name not in _SPACE]
    order = [*others, *(names.index(name) for name in _SPACE)]
    axes = tuple(dataset.axes[k] for k in order)
    return View(
        "volume", dataset.title, {"values": values.transpose(order)}, axes, {"tab": "Whole"}
    )
