"""How do many measured channels run in time? One below the other, each to the common scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.curves import CurvesView

__all__ = ["TracesView"]


class TracesView(CurvesView):
    """A ``"traces"`` view: ``y`` (channels, samples); axes (channel with labels, time)."""

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        count = len(np.atleast_2d(view.arrays["y"]))
        axes = view.axes
        labels = axes[0].labels if axes else ()
        names = list(labels) if len(labels) == count else [f"{k}" for k in range(1, count + 1)]
        amount = axes[2:3]
        time = axes[1:2]
        turned = dataclasses.replace(
            view,
            kind="curves",
            axes=(*time, *amount),
            options={"names": names, **view.options, "lanes": True},
        )
        super().set_view(turned, parts, strips)
        self._of_parts = True  # solid lines: the lanes tell the channels apart
