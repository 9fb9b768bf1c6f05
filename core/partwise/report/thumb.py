"""What does a project look like in a file browser? A small picture of its last result."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from partwise.report.charts import charts_of
from partwise.report.pictures import spectrogram_of
from partwise.report.story import overview
from partwise.report.words import safe_color

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset
    from partwise.result import Result

__all__ = ["thumbnail"]

_WIDE, _HIGH = 256, 192


def thumbnail(dataset: Dataset, result: Result) -> bytes | None:
    """Return a PNG: the measured image or spectrogram, else the curves of the parts, else None."""
    from PIL import Image, ImageDraw

    pixels = overview(dataset)
    if pixels is not None:
        image = Image.fromarray(pixels)
        image.thumbnail((_WIDE, _WIDE), Image.Resampling.BOX)
    elif (sound := spectrogram_of(result)) is not None:
        image = Image.fromarray(255 - sound.arrays["whole"][::-1])
        image = image.resize((_WIDE, _HIGH), Image.Resampling.BOX)
    else:
        charts = charts_of(result)
        if not charts:
            return None
        left, right, low, high = charts[0].bounds
        # Drawn at four times the size: the lines come out smooth.
        image = Image.new("RGB", (4 * _WIDE, 4 * _HIGH), "white")
        draw = ImageDraw.Draw(image)
        for line in charts[0].lines:
            points = [
                (
                    4 * (8 + (_WIDE - 16) * (x - left) / (right - left)),
                    4 * (_HIGH - 8 - (_HIGH - 16) * (y - low) / (high - low)),
                )
                for x, y in zip(line.x, line.y, strict=True)
            ]
            draw.line(points, fill=safe_color(line.color), width=8, joint="curve")
        image = image.resize((_WIDE, _HIGH), Image.Resampling.BOX)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
