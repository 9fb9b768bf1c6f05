"""Which views are pictures on paper? Spectrograms and slices of volumes, in ink on white.

Each part is drawn in its colour and the measurement in black, so that dark is much in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partwise.report.charts import ticks
from partwise.report.words import number, safe_color

if TYPE_CHECKING:
    from PIL.Image import Image

    from partwise.data.dataset import Axis, Dataset
    from partwise.result import Part, Result, View

__all__ = ["drawings_of", "spectrogram_of"]

_WIDE, _HIGH = 820, 200  # px, of a spectrogram
_LEFT, _BELOW, _ABOVE = 72, 56, 30  # px, for the numbers and names of its axes
_TALL = 420  # px, of a slice
_TEXT = 20  # px
_INK = "#222222"
_LAST = {"R": True, "A": True, "S": True, "L": False, "P": False, "I": False}  # drawn flipped


def drawings_of(
    dataset: Dataset, result: Result, views: Sequence[View] = ()
) -> list[tuple[str, Image]]:
    """Return captions and pictures of what is seen in a spectrogram or in volumes.

    Parameters
    ----------
    dataset, result
    views : sequence of View
        Of the input, for what a result need not carry.
    """
    found = spectrogram_of(result, views)
    if found is not None:
        return _sounds(found, result)
    return _slices(dataset, result, [*result.views, *views])


def spectrogram_of(result: Result, views: Sequence[View] = ()) -> View | None:
    """Return the first spectrogram that carries its numbers, the result's or the input's."""
    known = (v for v in (*result.views, *views) if v.kind == "spectrogram")
    return next((v for v in known if _drawable(v.arrays.get("whole")) and len(v.axes) >= 2), None)


def _drawable(levels: NDArray[Any] | None) -> bool:
    return levels is not None and levels.ndim == 2 and levels.dtype == np.uint8 and levels.size > 0


def _sounds(view: View, result: Result) -> list[tuple[str, Image]]:
    from PIL import Image

    drawn = [_with_axes(view.arrays["whole"], "As measured", _INK, view.axes)]
    parts = view.arrays.get("parts")
    if parts is not None and len(parts) == len(result.parts) and all(map(_drawable, parts)):
        for part, levels in zip(result.parts, parts, strict=True):
            drawn.append(_with_axes(levels, part.name, part.color, view.axes))
    sheet = Image.new("RGB", (drawn[0].width, sum(one.height for one in drawn)), "white")
    for place, one in enumerate(drawn):
        sheet.paste(one, (0, place * one.height))
    low, high = (number(value) for value in _two(view.options.get("level"), (0.0, 255.0)))
    unit = str(view.options.get("unit", ""))
    return [(f"{view.title}: white is {low}, full colour {high} {unit}".rstrip(), sheet)]


def _two(told: Any, otherwise: tuple[float, float]) -> tuple[float, float]:
    """Return two numbers that an option tells; a file may hold anything there."""
    try:
        low, high = (float(value) for value in told)
    except (TypeError, ValueError):
        return otherwise
    return low, high


def _with_axes(levels: NDArray[np.uint8], name: str, color: str, axes: Sequence[Axis]) -> Image:
    """Draw levels (frequencies, times) under their name, with the low ones below, and both axes."""
    from PIL import Image, ImageDraw

    inner = Image.fromarray(_tinted(levels[::-1] / 255.0, color))
    inner = inner.resize((_WIDE, _HIGH), Image.Resampling.BOX)
    sheet = Image.new("RGB", (_LEFT + _WIDE + 20, _ABOVE + _HIGH + _BELOW), "white")
    sheet.paste(inner, (_LEFT, _ABOVE))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((_LEFT - 1, _ABOVE - 1, _LEFT + _WIDE, _ABOVE + _HIGH), outline="#999999")
    font = _font()
    draw.text((_LEFT, 3), name, _INK, font)
    up, along = axes[0], axes[1]
    for value, share in _marks(up, levels.shape[0], 5):
        high = _ABOVE + (1 - share) * _HIGH
        draw.text((_LEFT - 8, high), number(value), _INK, font, anchor="rm")
    for value, share in _marks(along, levels.shape[1], 8):
        far = _LEFT + share * _WIDE
        draw.text((far, _ABOVE + _HIGH + 6), number(value), _INK, font, anchor="ma")
    names = [f"{axis.name} ({axis.unit})" if axis.unit else axis.name for axis in (up, along)]
    said = f"{names[1].capitalize()}, upwards {names[0]}"
    draw.text((_LEFT + _WIDE, _ABOVE + _HIGH + 29), said, _INK, font, anchor="ra")
    return sheet


def _marks(axis: Axis, size: int, most: int) -> list[tuple[float, float]]:
    """Return round values along an axis, and how far along they are, 0 to 1."""
    span = max(size - 1, 1) * axis.step
    return [(v, (v - axis.start) / span) for v in ticks(axis.start, axis.start + span, most)]


def _slices(dataset: Dataset, result: Result, views: Sequence[View]) -> list[tuple[str, Image]]:
    """Return the slice of each part's volume, and of each map, where it holds most."""
    volumes = [view for view in views if view.kind == "volume"]
    if dataset.kind != "volume" or not volumes or len(dataset.axes) < 3:
        return []
    axes = dataset.axes[-3:]
    shape = tuple(axis.size for axis in axes)
    told = (str(view.options.get("orientation", "")) for view in volumes)
    orientation = next((letters for letters in told if len(letters) == 3), "")
    drawn = []
    for part in result.parts:
        volume = _volume_of(part, shape)
        if volume is not None:
            drawn.append(_slice(part.name, volume, axes, orientation, part.color, "its largest"))
    for view in result.views:
        values = view.arrays.get("values") if view.kind == "volume" else None
        if values is not None and values.shape == shape:
            unit = str(view.options.get("unit", ""))
            _, top = _two(view.options.get("window"), (0.0, float(np.nan_to_num(values).max())))
            full = f"{number(top)} {unit}".rstrip()
            drawn.append(_slice(view.title, values, axes, orientation, _INK, full, top))
    return drawn


def _volume_of(part: Part, shape: tuple[int, ...]) -> NDArray[Any] | None:
    course = part.course
    return course.reshape(shape) if course is not None and course.size == np.prod(shape) else None


def _slice(
    name: str,
    volume: NDArray[Any],
    axes: Sequence[Axis],
    orientation: str,
    color: str,
    full: str,
    top: float | None = None,
) -> tuple[str, Image]:
    from PIL import Image

    values = np.nan_to_num(np.asarray(volume, dtype=np.float64))
    number_of = int(values.sum(axis=(1, 2)).argmax())
    cut = values[number_of]
    top = float(cut.max()) if top is None else top
    if orientation and _LAST.get(orientation[0].upper(), False):
        cut = cut[:, ::-1]
    if orientation and _LAST.get(orientation[1].upper(), False):
        cut = cut[::-1]
    image = Image.fromarray(_tinted(cut / max(top, 1e-300), color))
    high = max(cut.shape[0] * axes[1].step, 1e-9)
    wide = cut.shape[1] * axes[2].step
    image = image.resize((max(round(_TALL * wide / high), 1), _TALL), Image.Resampling.NEAREST)
    lies = ", the right of the body on the left" if orientation else ""
    where = f"slice {number_of + 1} of {len(values)} along {axes[0].name}{lies}"
    return f"{name}: {where}; white none, full {full}", image


def _tinted(amounts: NDArray[np.float64], color: str) -> NDArray[np.uint8]:
    """Return amounts from 0 (white) to 1 (the colour) as pixels."""
    digits = safe_color(color)[1:]
    ink = np.array([int(digits[k : k + 2], 16) for k in (0, 2, 4)], dtype=np.float64)
    shade = 255.0 + np.clip(amounts, 0.0, 1.0)[..., None] * (ink - 255.0)
    return np.asarray(np.rint(shade), dtype=np.uint8)


def _font() -> Any:
    from PIL import ImageFont

    from partwise_resources import resource

    return ImageFont.truetype(str(resource("fonts", "Inter-Regular.ttf")), _TEXT)
