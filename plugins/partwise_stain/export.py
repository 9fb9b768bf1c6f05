"""How do concentrations, single stains, residual and normalised slide become files?

Every file is written tile by tile, so that memory does not grow with the slide, and without
dates or random identifiers, so that the same result gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from partwise.api import Dataset, InputProblem, Job, Mixing, Pyramid, Result
from partwise_stain.ahead import ahead
from partwise_stain.normalise import Recolouring
from partwise_stain.pyramids import PRESSED, Channel, Picture, write_pyramid
from partwise_stain.survey import tiles

__all__ = [
    "has_reference",
    "mixing_of",
    "write_concentrations",
    "write_normalized",
    "write_residual",
    "write_stain",
]

_TILE = 512
_PICTURE = 25_000_000  # pixels of a PNG; a larger slide is written at a coarser level

_Tile = NDArray[Any]
_Cut = tuple[int, int, int, int]


def mixing_of(result: Result) -> Mixing:
    """Return the mixture that a stain result describes."""
    vectors = np.stack([part.profile for part in result.parts], axis=1).astype(np.float64)
    r, g, b = result.facts["white"]
    return Mixing(vectors, (r, g, b))


def has_reference(result: Result) -> bool:
    """Whether the slide can be written in the colours of a reference."""
    return "reference" in result.facts


def write_concentrations(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write an OME-TIFF of float32 concentrations in decimal OD, one channel per stain."""
    assert part is None
    write_pyramid(
        path,
        dataset,
        Picture(
            mixing_of(result).strengths,
            tuple(Channel(part.name, part.color) for part in result.parts),
            np.dtype(np.float32),
            dataset.title,
            "Concentrations in decimal optical density per unit vector",
        ),
        job,
    )


def write_residual(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the root mean square OD that the stains leave over, float32."""
    assert part is None
    mixing = mixing_of(result)
    write_pyramid(
        path,
        dataset,
        Picture(
            lambda rgb: mixing.residual(rgb)[..., None],
            (Channel("Residual", "#ffffff"),),
            np.dtype(np.float32),
            dataset.title,
            "Root mean square optical density that no stain explains",
        ),
        job,
    )


def write_normalized(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the slide with the reference's vectors, white and 99th percentiles, 8-bit RGB."""
    assert part is None
    if not has_reference(result):
        raise InputProblem("there is no reference", argument="reference", fix="set one and run")
    write_pyramid(
        path,
        dataset,
        Picture(
            Recolouring(mixing_of(result), result.facts).exact,
            (),
            np.dtype(np.uint8),
            dataset.title,
            f"Colours of {result.facts['reference']['name']}",
        ),
        job,
    )


def write_stain(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the picture that one stain alone would make, at full size up to 25 megapixels."""
    assert part is not None
    mixing = mixing_of(result)
    shown = [k == part for k in range(mixing.parts)]
    pyramid = _pyramid(dataset)
    number = next(
        (k for k, lv in enumerate(pyramid.levels) if lv.width * lv.height <= _PICTURE),
        len(pyramid.levels) - 1,
    )
    level = pyramid.levels[number]
    picture = np.empty((level.height, level.width, 3), np.uint8)
    cuts = tiles(level.width, level.height, _TILE)

    def draw(cut: _Cut) -> _Tile:
        return mixing.render(pyramid.read(number, *cut), shown)

    for done, (cut, drawn) in enumerate(zip(cuts, ahead(cuts, draw, job), strict=True)):
        x, y, width, height = cut
        picture[y : y + height, x : x + width] = drawn
        job.report((done + 1) / len(cuts), f"Writing level {number} as PNG")
    Image.fromarray(picture).save(path, format="PNG", compress_level=PRESSED)


def _pyramid(dataset: Dataset) -> Pyramid:
    assert dataset.pyramid is not None
    return dataset.pyramid
