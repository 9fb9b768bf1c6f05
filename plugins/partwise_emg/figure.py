"""How are synergies printed? Weights beside activations, one row each, as a drawing in vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, Job, Part, Result, View, stop_if_cancelled

__all__ = ["write_figure"]

Array = NDArray[np.floating[Any]]

# Points of a page: two columns of a journal are 180 mm, 510 points.
_WIDE, _ROW, _TOP, _FOOT = 510.0, 74.0, 26.0, 44.0
_LEFT, _MIDDLE, _GAP = 34.0, 232.0, 44.0
_INK, _PALE = "#22262b", "#c9ced4"


def write_figure(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write weights with their intervals and mean activations with their band as SVG."""
    stop_if_cancelled(job)
    path.write_text("\n".join(_lines(result)) + "\n", "utf-8")


def _lines(result: Result) -> Iterator[str]:
    bars = next(v for v in result.views if v.kind == "bars" and v.options.get("of") == "parts")
    curves = next(v for v in result.views if v.kind == "curves" and v.options.get("of") == "parts")
    height = _TOP + _ROW * len(result.parts) + _FOOT
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE:g}pt" height="{height:g}pt" '
        f'viewBox="0 0 {_WIDE:g} {height:g}" font-family="Inter, Helvetica, Arial, sans-serif" '
        f'font-size="7.5" fill="{_INK}">'
    )
    yield f"<title>{escape(_caption(result))}</title>"
    yield f'<rect width="{_WIDE:g}" height="{height:g}" fill="#ffffff"/>'
    yield _text(_LEFT, 12, "Weight of each muscle, columns of unit length", weight=600)
    yield _text(_MIDDLE + _GAP, 12, "Activation over the cycle", weight=600)
    tops = _highest(bars, "values"), _highest(curves, "y")
    for place, each in enumerate(result.parts):
        y = _TOP + place * _ROW
        yield from _weights(each, bars, place, (y, tops[0]))
        yield from _activation(each, curves, place, (y, tops[1]))
    bottom = _TOP + _ROW * len(result.parts)
    yield from _axes(bars, curves, bottom)
    yield _text(_LEFT, height - 6, _caption(result), size=6.5)
    yield "</svg>"


def _caption(result: Result) -> str:
    facts = result.facts
    bands = " Lines and bands: 95 % intervals over cycles." if _has_bands(result) else ""
    rule = f" ({facts['rank_rule']})" if facts.get("rank_rule") else ""
    if "vaf" not in facts:
        return f"{len(result.parts)} classes, VAF {100 * result.fit.explained:.1f} % (uncentred)."
    return (
        f"{facts['rank']} synergies{rule}, VAF {100 * facts['vaf']:.1f} % (uncentred), "
        f"R² {facts['r2']:.3f} (about the grand mean), {facts['cycles']} cycles.{bands}"
    )


def _has_bands(result: Result) -> bool:
    return any("course_low" in view.arrays for view in result.views)


def _weights(part: Part, view: View, row: int, at: tuple[float, float]) -> Iterator[str]:
    y, top = at
    values = np.asarray(view.arrays["values"])[row]
    low, high = view.arrays.get("low"), view.arrays.get("high")
    cell = (_MIDDLE - _LEFT) / len(values)
    foot, tall = y + _ROW - 12, _ROW - 26
    yield _text(_LEFT, y + 8, part.name, size=7)
    yield _line(_LEFT, foot, _MIDDLE, foot, _INK)
    for k, value in enumerate(values):
        x, rise = _LEFT + k * cell, tall * float(value) / top
        yield (
            f'<rect x="{x + 0.12 * cell:.2f}" y="{foot - rise:.2f}" width="{0.76 * cell:.2f}" '
            f'height="{rise:.2f}" fill="{part.color}"/>'
        )
        if low is not None and high is not None:
            ends = [foot - tall * min(float(v[row, k]), top) / top for v in (low, high)]
            yield _line(x + cell / 2, ends[0], x + cell / 2, ends[1], _INK)
    yield from _scale(_LEFT, foot, tall, top)


def _activation(part: Part, view: View, row: int, at: tuple[float, float]) -> Iterator[str]:
    y, top = at
    values = np.asarray(view.arrays["y"])[row]
    left, right = _MIDDLE + _GAP, _WIDE - 14
    foot, tall = y + _ROW - 12, _ROW - 26
    x = left + (np.arange(values.size) + 0.5) / values.size * (right - left)
    yield _line(left, foot, right, foot, _INK)
    for mark in view.options.get("marks", ()):
        at_x = left + float(mark["x"]) / 100 * (right - left)
        yield _line(at_x, foot - tall, at_x, foot, _PALE)
    low, high = view.arrays.get("low"), view.arrays.get("high")
    if low is not None and high is not None:
        up = _points(x, foot - tall * np.minimum(high[row], top) / top)
        down = _points(x[::-1], foot - tall * np.asarray(low[row])[::-1] / top)
        yield f'<polygon points="{up} {down}" fill="{part.color}" fill-opacity="0.25"/>'
    line = _points(x, foot - tall * values / top)
    yield (
        f'<polyline points="{line}" fill="none" stroke="{part.color}" stroke-width="1.4" '
        'stroke-linejoin="round"/>'
    )
    yield from _scale(left, foot, tall, top)


def _axes(bars: View, curves: View, bottom: float) -> Iterator[str]:
    names = bars.axes[0].labels
    cell = (_MIDDLE - _LEFT) / max(len(names), 1)
    for k, name in enumerate(names):
        x, y = _LEFT + (k + 0.5) * cell, bottom - 4
        short = escape(name if len(name) <= 9 else f"{name[:8]}…")
        turn = f' transform="rotate(-90 {x + 2.5:.2f} {y:.2f})"' if cell < 22 else ""
        anchor = "end" if turn else "middle"
        yield (
            f'<text x="{x + (2.5 if turn else 0):.2f}" y="{y:.2f}" font-size="6.5" '
            f'text-anchor="{anchor}"{turn}>{short}</text>'
        )
    left, right = _MIDDLE + _GAP, _WIDE - 14
    axis = curves.axes[0]
    if axis.unit == "%":
        for share in (0, 25, 50, 75, 100):
            x = left + share / 100 * (right - left)
            yield f'<text x="{x:.2f}" y="{bottom - 2:.2f}" text-anchor="middle">{share}</text>'
    middle, words = (left + right) / 2, f"{axis.name} ({axis.unit})" if axis.unit else axis.name
    yield (
        f'<text x="{middle:.2f}" y="{bottom + 10:.2f}" text-anchor="middle">'
        f"{escape(words[:1].upper() + words[1:])}</text>"
    )


def _scale(x: float, foot: float, tall: float, top: float) -> Iterator[str]:
    """The upright axis: zero, and a round amount."""
    power = 10.0 ** np.floor(np.log10(top))
    amount = max(step * power for step in (1, 2, 5) if step * power <= top)
    yield _line(x, foot, x, foot - tall, _INK)
    for value in (0.0, amount):
        y = foot - tall * value / top
        yield _line(x - 3, y, x, y, _INK)
        yield f'<text x="{x - 5:.2f}" y="{y + 2.4:.2f}" text-anchor="end">{value:g}</text>'


def _highest(view: View, name: str) -> float:
    arrays: Sequence[Any] = [
        view.arrays[name],
        *(view.arrays[k] for k in ("high",) if k in view.arrays),
    ]
    return max(float(np.nanmax(np.asarray(each))) for each in arrays) or 1.0


def _points(x: Array, y: Array) -> str:
    return " ".join(f"{a:.2f},{b:.2f}" for a, b in zip(x, y, strict=True))


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return (
        f'<line x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}" stroke="{color}" '
        'stroke-width="0.6"/>'
    )


def _text(x: float, y: float, words: str, *, size: float = 7.5, weight: int = 400) -> str:
    return (
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size:g}" font-weight="{weight}">'
        f"{escape(words)}</text>"
    )
