"""What can a hand do for a PET series? Anchors, region, frame table."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QVBoxLayout, QWidget

from partwise.api import Dataset, FileProblem, InputProblem
from partwise_app.api import (
    Host,
    Rule,
    SectionLabel,
    VolumeBrush,
    VolumeStroke,
    VolumeView,
    button,
    label,
    tr,
)
from partwise_pet.panel.bar import Bar
from partwise_pet.panel.timing import Timing
from partwise_pet.region import check_points, check_region, dab, written_points, written_stroke
from partwise_pet.series import Settings, affine_of, looked_at

__all__ = ["Panel"]

Array = NDArray[np.float64]
Voxel = tuple[int, int, int]

_POINT = re.compile(r"(\d+)@(\d+),(\d+),(\d+)")
_COLORS = ("#d1495b", "#4f7cc4", "#e0a93b", "#3f9d6b", "#5fb3c9", "#a05fb4", "#9a8f5b", "#c27ba0")
_INKS = {"paint": "#ffffff", "erase": "#ff6b6b"}
_USUAL = 4  # factors that are offered while their number is left to the data


class Panel(QWidget):
    """Anchors, region and frame table of the series that is looked at.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._view: VolumeView | None = None
        self._outlined: tuple[object, ...] = ()
        self._mask: NDArray[np.bool_] | None = None
        self._preview: NDArray[np.bool_] | None = None
        self._dabs = 0
        self.under_stage = Bar()
        self._anchors = label("", "", wrap=True)
        self._clear = button(tr("Remove all anchors"), "link")
        self._region = label("", "", wrap=True)
        self.timing = Timing(host, self)
        self._lay_out()
        self._connect()
        self.refresh()

    def refresh(self) -> None:
        """Draw what holds now."""
        self._take_view()
        points = self.points
        self.under_stage.set_factors(self._names())
        self.under_stage.set_state(anchors=bool(points), region=bool(self._told("region")))
        self._draw_anchors(points)
        self._draw_region()
        self.timing.refresh()

    @property
    def points(self) -> list[tuple[int, Voxel]]:
        """Anchors: factor from 1, and voxel x, y, z."""
        text = self._told("points")
        if check_points(text):
            return []
        return [(int(k), (int(x), int(y), int(z))) for k, x, y, z in _POINT.findall(text)]

    # Made once

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for title, rows in (
            (tr("Anchors"), (self._anchors, self._clear)),
            (tr("Region"), (self._region,)),
            (tr("Frames"), self.timing.rows),
        ):
            holder = QWidget()
            inner = QVBoxLayout(holder)
            inner.setContentsMargins(14, 10, 14, 10)
            inner.setSpacing(6)
            inner.addWidget(SectionLabel(title))
            for row in rows:
                inner.addWidget(row)
            box.addWidget(Rule())
            box.addWidget(holder)
        inner.addWidget(label(tr("Research use, not diagnostic."), "muted", wrap=True))

    def _connect(self) -> None:
        host, bar = self._host, self.under_stage
        host.changed.connect(self.refresh)
        host.stage_changed.connect(self.refresh)
        bar.tool_changed.connect(self._on_tool)
        bar.brush_changed.connect(self._on_tool)
        bar.back_asked.connect(self._take_last_back)
        bar.box_asked.connect(self._box)
        bar.whole_asked.connect(self._whole)
        self._clear.clicked.connect(self._remove_all)
        self.timing.chosen.connect(self._set)

    def _take_view(self) -> None:
        found = self._host.view("volume")
        if found is self._view:
            return
        if self._view is not None:
            self._view.removeEventFilter(self)
            self._view.anchor_clicked.disconnect(self._on_click)
            self._view.stroke_grown.disconnect(self._on_stroke)
            self._view.stroke_done.disconnect(self._on_painted)
        self._view = found if isinstance(found, VolumeView) else None
        self._outlined = ()
        if self._view is not None:
            self._view.installEventFilter(self)
            self.under_stage.set_at_hand(self._view.isVisible())
            self._view.anchor_clicked.connect(self._on_click)
            self._view.stroke_grown.connect(self._on_stroke)
            self._view.stroke_done.connect(self._on_painted)
            self._on_tool()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow whether the slices are in sight."""
        if watched is self._view and event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self.under_stage.set_at_hand(event.type() == QEvent.Type.Show)
        return super().eventFilter(watched, event)

    # Clicks

    def _on_tool(self, _tool: str = "") -> None:
        tool, view = self.under_stage.tool, self._view
        if view is None:
            return
        view.set_anchoring(tool == "anchor")
        brush = VolumeBrush(float(self.under_stage.brush_size.value()), _INKS.get(tool, "#ffffff"))
        view.set_brush(brush if tool in _INKS else None)

    def _on_click(self, z: int, y: int, x: int) -> None:
        factor = max(self.under_stage.factor.currentIndex(), 0) + 1
        points = [point for point in self.points if point[1] != (x, y, z)]
        points.append((factor, (x, y, z)))
        self._set("points", written_points(points), tr("Set anchor"))
        if self._view is not None:
            self._view.set_voxel((z, y, x))

    def _take_last_back(self) -> None:
        self._set("points", written_points(self.points[:-1]), tr("Remove anchor"))

    def _remove_all(self) -> None:
        self._set("points", "", tr("Remove anchors"))

    # The brush

    def _on_stroke(self, stroke: VolumeStroke | None) -> None:
        """Show a stroke while it is drawn; the region follows when it is done."""
        if self._view is None:
            return
        if stroke is None or self._preview is None or len(stroke.voxels) < self._dabs:
            whole, adds = self._mask, self.under_stage.tool == "paint"
            fresh = adds and not self._told("region") and not self._told("mask")
            shape = self._shape()
            if whole is None or fresh:
                whole = np.full(shape, not fresh) if shape is not None else None
            self._preview, self._dabs = (whole.copy() if whole is not None else None), 0
        if stroke is None:
            self._preview = None
            self._view.set_region(self._mask)
            return
        if self._preview is None:
            return
        for z, y, x in stroke.voxels[self._dabs :]:
            dab(self._preview, (x, y, z), self._radii(stroke), self.under_stage.tool == "paint")
        self._dabs = len(stroke.voxels)
        self._view.set_region(self._preview)

    def _on_painted(self, stroke: VolumeStroke) -> None:
        self._preview, self._dabs = None, 0
        told, adds = self._told("region").strip().rstrip(";"), self.under_stage.tool == "paint"
        sign = "-" if not adds else "+" if told or self._told("mask") else ""
        middles = [(x, y, z) for z, y, x in stroke.voxels]
        step = written_stroke(sign, self._radii(stroke), middles)
        words = tr("Paint region") if adds else tr("Erase from region")
        self._set("region", f"{told}; {step}" if told else step, words)

    def _radii(self, stroke: VolumeStroke) -> tuple[float, float, float]:
        """Of the brush in voxels along x, y and z."""
        size = self.under_stage.brush_size.value()
        found = [size / each for each in self._spacing()]
        if self.under_stage.flat.isChecked():
            found[2 - stroke.through] = 0.0
        return found[0], found[1], found[2]

    def _box(self) -> None:
        if self._view is None:
            return
        z, y, x = self._view.voxel
        reach = self.under_stage.reach.value()
        halves = [max(reach / size, 1.0) for size in self._spacing()]
        spans = [
            f"{max(round(v - half), 0)}:{round(v + half) + 1}"
            for v, half in zip((x, y, z), halves, strict=True)
        ]
        self._set("region", f"box {' '.join(spans)}", tr("Box around the cross"))

    def _whole(self) -> None:
        self._set("region", "", tr("Whole region"))

    # What is drawn

    def _draw_anchors(self, points: list[tuple[int, Voxel]]) -> None:
        names = self._names()
        counts: dict[int, int] = {}
        for factor, _ in points:
            counts[factor] = counts.get(factor, 0) + 1
        lines = [
            f"{factor}  {names[factor - 1] if factor <= len(names) else tr('Factor')} · "
            + (tr("1 click") if count == 1 else tr("{count} clicks", count=count))
            for factor, count in sorted(counts.items())
        ]
        empty = tr(
            "None. Press Anchor, choose a factor and click voxels that hold it alone: the middle "
            "of a blood pool, the middle of a wall."
        )
        self._anchors.setText("\n".join(lines) or empty)
        self._clear.setVisible(bool(points))
        if self._view is not None:
            colors = self._colors()
            self._view.set_anchors(
                [((z, y, x), colors[(factor - 1) % len(colors)]) for factor, (x, y, z) in points]
            )

    def _draw_region(self) -> None:
        dataset, view = self._host.dataset, self._view
        text = self._told("region")
        if dataset is None or dataset.values is None or dataset.values.ndim != 4:
            self._region.setText("")
            return
        threshold = self._host.parameters.get("threshold")
        told = (text, self._told("mask"), threshold, id(dataset), id(view))
        if told == self._outlined:
            return
        self._outlined = told
        words, self._mask = self._region_now(dataset)
        self._region.setText(words)
        if view is not None:
            view.set_region(self._mask)

    def _region_now(self, dataset: Dataset) -> tuple[str, NDArray[np.bool_] | None]:
        """What a run would look at, in words and as voxels; no voxels where all count."""
        values: Any = dataset.values
        text, mask = self._told("region"), self._told("mask")
        if not (text or mask):
            return tr("All voxels above the threshold."), None
        if check_region(text):
            return str(check_region(text)), None
        spans = self.timing.spans
        if spans is None or len(spans) != len(values):
            spans = np.stack([np.arange(len(values)), np.arange(len(values)) + 1.0], axis=1)
        try:
            threshold = float(self._host.parameters.get("threshold", Settings.threshold))
            asked = Settings(mask=mask, region=text, threshold=threshold)
            found, odd = looked_at(values, spans, asked, affine_of(dataset))
        except (FileProblem, InputProblem) as problem:
            return str(problem), None
        words = tr("{count} voxels.", count=f"{int(found.sum()):,}")
        return f"{words} {odd}".strip(), found

    # Small answers

    def _names(self) -> list[str]:
        names = [strip.name for strip in self._host.strips if strip.key != "residual"]
        rank = self._told("rank").strip()
        wanted = int(rank) if rank.isdigit() else max(len(names), _USUAL)
        return [*names, *(tr("Factor {k}", k=k + 1) for k in range(len(names), wanted))][:wanted]

    def _colors(self) -> tuple[str, ...]:
        found = [strip.color for strip in self._host.strips if strip.key != "residual"]
        return (*found, *_COLORS[len(found) :]) or _COLORS

    def _shape(self) -> tuple[int, int, int] | None:
        dataset = self._host.dataset
        if dataset is None or dataset.values is None or dataset.values.ndim != 4:
            return None
        _, nz, ny, nx = dataset.values.shape
        return nz, ny, nx

    def _spacing(self) -> tuple[float, float, float]:
        """Size of a voxel along x, y and z in mm."""
        dataset = self._host.dataset
        if dataset is None:
            return 1.0, 1.0, 1.0
        x, y, z = (abs(dataset.axis(name).step) or 1.0 for name in "xyz")
        return x, y, z

    def _told(self, name: str) -> str:
        return str(self._host.parameters.get(name, "") or "")

    def _set(self, name: str, value: str, title: str) -> None:
        self._host.set_parameter(name, value, title)
