"""How do concentrations, single stains, residual and normalised slide become files?

Every file is written tile by tile, so that memory does not grow with the slide, and without
dates or random identifiers, so that the same result gives the same bytes.
"""

from __future__ import annotations

import html
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from partwise.api import Dataset, InputProblem, Job, Mixing, Pyramid, Result, stop_if_cancelled
from partwise_stain.normalise import Recolouring
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
_CLASSIC = 3_900_000_000  # bytes; a classic TIFF ends at 4 GiB

# On a slide of 16 Mpx, level 1 gave 93 to 105 % of the bytes of level 4, in less time.
_PRESSED = 1
_HANDS = 2  # threads that read ahead

_Tile = NDArray[Any]
_Cut = tuple[int, int, int, int]
_Make = Callable[[NDArray[np.uint8]], _Tile]


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
    mixing = mixing_of(result)
    pyramid = _pyramid(dataset)
    width, height = pyramid.levels[0].width, pyramid.levels[0].height

    def planes() -> Iterator[_Tile]:
        for channel in range(mixing.parts):
            # The file wants one whole plane after the other; holding the later planes meanwhile
            # would take memory that grows with the slide, so each plane reads the slide anew.
            span = (channel / mixing.parts, (channel + 1) / mixing.parts)
            yield from _tiled(pyramid, job, partial(_one_strength, mixing, channel), span)

    _write_tiff(
        path,
        planes(),
        (mixing.parts, height, width),
        np.dtype(np.float32),
        photometric="minisblack",
        description=_ome_xml(dataset, result, width, height),
        resolution=_per_centimetre(dataset),
    )


def _one_strength(mixing: Mixing, part: int, rgb: NDArray[np.uint8]) -> _Tile:
    return mixing.strengths(rgb)[..., part]


def write_residual(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the root mean square OD that the stains leave over, float32."""
    assert part is None
    pyramid = _pyramid(dataset)
    width, height = pyramid.levels[0].width, pyramid.levels[0].height
    _write_tiff(
        path,
        _tiled(pyramid, job, mixing_of(result).residual, (0, 1)),
        (height, width),
        np.dtype(np.float32),
        photometric="minisblack",
        description="Root mean square optical density that no stain explains",
        resolution=_per_centimetre(dataset),
    )


def write_normalized(
    dataset: Dataset, result: Result, path: Path, job: Job, part: int | None
) -> None:
    """Write the slide with the reference's vectors, white and 99th percentiles, 8-bit RGB.

    Macenko et al., ISBI 2009: concentrations are scaled so that their high ends agree.
    """
    assert part is None
    if not has_reference(result):
        raise InputProblem("there is no reference", argument="reference", fix="set one and run")
    reference = result.facts["reference"]
    recolour = Recolouring(mixing_of(result), result.facts).exact
    pyramid = _pyramid(dataset)
    width, height = pyramid.levels[0].width, pyramid.levels[0].height
    _write_tiff(
        path,
        _tiled(pyramid, job, recolour, (0, 1)),
        (height, width, 3),
        np.dtype(np.uint8),
        photometric="rgb",
        description=f"Colours of {reference['name']}",
        resolution=_per_centimetre(dataset),
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

    for done, (cut, drawn) in enumerate(zip(cuts, _ahead(cuts, draw, job), strict=True)):
        x, y, width, height = cut
        picture[y : y + height, x : x + width] = drawn
        job.report((done + 1) / len(cuts), f"Writing level {number} as PNG")
    Image.fromarray(picture).save(path, format="PNG", compress_level=_PRESSED)


def _pyramid(dataset: Dataset) -> Pyramid:
    assert dataset.pyramid is not None
    return dataset.pyramid


def _tiled(
    pyramid: Pyramid, job: Job, make: _Make, progress: tuple[float, float]
) -> Iterator[_Tile]:
    """Yield tiles of level 0, row by row, full size with zeros beyond the edge."""
    level = pyramid.levels[0]
    cuts = tiles(level.width, level.height, _TILE)

    def work(cut: _Cut) -> _Tile:
        values = make(pyramid.read(0, *cut))
        if cut[2:] == (_TILE, _TILE):
            return np.ascontiguousarray(values)
        full = np.zeros((_TILE, _TILE, *values.shape[2:]), values.dtype)
        full[: cut[3], : cut[2]] = values
        return full

    for done, values in enumerate(_ahead(cuts, work, job)):
        yield values
        start, stop = progress
        job.report(start + (stop - start) * (done + 1) / len(cuts), "Writing")


def _ahead(cuts: Sequence[_Cut], work: Callable[[_Cut], _Tile], job: Job) -> Iterator[_Tile]:
    """Yield ``work(cut)`` in order; a few tiles are read while earlier ones are compressed."""
    with ThreadPoolExecutor(_HANDS, thread_name_prefix="partwise-export") as pool:
        waiting: deque[Future[_Tile]] = deque()
        try:
            for cut in cuts:
                stop_if_cancelled(job)
                waiting.append(pool.submit(work, cut))
                if len(waiting) > 2 * _HANDS:
                    yield waiting.popleft().result()
            while waiting:
                stop_if_cancelled(job)
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _write_tiff(
    path: Path,
    data: Iterator[_Tile],
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    photometric: str,
    description: str,
    resolution: tuple[float, float] | None,
) -> None:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    with tifffile.TiffWriter(path, bigtiff=size > _CLASSIC, ome=False) as writer:
        writer.write(
            data,
            shape=shape,
            dtype=dtype,
            tile=(_TILE, _TILE),
            photometric=photometric,
            compression="zlib",
            compressionargs={"level": _PRESSED},
            predictor=True,
            description=description,
            metadata=None,
            software="Partwise",
            resolution=resolution,
            resolutionunit="CENTIMETER" if resolution else None,
            maxworkers=1,  # tiles are compressed as they come; a crowd of them would be held
        )


def _per_centimetre(dataset: Dataset) -> tuple[float, float] | None:
    x, y = dataset.axis("x"), dataset.axis("y")
    return (1e4 / x.step, 1e4 / y.step) if x.unit == "µm" else None


def _ome_xml(dataset: Dataset, result: Result, width: int, height: int) -> str:
    """OME-XML of the 2016-06 schema, in ASCII as TIFF wants it."""
    parts = result.parts
    x, y = dataset.axis("x"), dataset.axis("y")
    size = ""
    if x.unit == "µm":
        size = (
            f' PhysicalSizeX="{x.step:.9g}" PhysicalSizeXUnit="µm"'
            f' PhysicalSizeY="{y.step:.9g}" PhysicalSizeYUnit="µm"'
        )
    channels = "".join(
        f'<Channel ID="Channel:0:{k}" Name="{html.escape(part.name)}" SamplesPerPixel="1"'
        f' Color="{_ome_color(part.color)}"/>'
        for k, part in enumerate(parts)
    )
    planes = "".join(
        f'<TiffData IFD="{k}" FirstC="{k}" FirstT="0" FirstZ="0" PlaneCount="1"/>'
        for k in range(len(parts))
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06'
        ' http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="Partwise">'
        f'<Image ID="Image:0" Name="{html.escape(dataset.title)}">'
        "<Description>Concentrations in decimal optical density per unit vector</Description>"
        f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="float" SizeX="{width}"'
        f' SizeY="{height}" SizeC="{len(parts)}" SizeZ="1" SizeT="1"{size}>'
        f"{channels}{planes}</Pixels></Image></OME>"
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _ome_color(color: str) -> int:
    """OME's signed RGBA integer of ``#rrggbb``."""
    value = (int(color[1:], 16) << 8) | 0xFF
    return value - (1 << 32) if value >= 1 << 31 else value
