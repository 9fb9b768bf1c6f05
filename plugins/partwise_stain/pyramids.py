"""How is a slide of any size written as an OME-TIFF pyramid, when it is read only once?

Tiles are made in the order of a quadtree: four of them give the one above as soon as they are
there, so that memory holds a few tiles per level whatever the size of the slide. A TIFF wants one
channel and one level after the other; compressed tiles therefore wait in a file beside.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from partwise.api import Dataset, Job, Pyramid, halved, stop_if_cancelled
from partwise_stain.ahead import ahead

__all__ = ["PRESSED", "Channel", "Picture", "write_pyramid"]

_TILE = 512
_TOP = 1024  # px; a level this small has none above it
_CLASSIC = 3_900_000_000  # bytes; a classic TIFF ends at 4 GiB
# On a slide of 16 Mpx, level 1 gave 93 to 105 % of the bytes of level 4, in less time.
PRESSED = 1

_Tile = NDArray[Any]
_Cell = tuple[int, int]  # column, row


@dataclass(frozen=True)
class Channel:
    """Name and colour (``#rrggbb``) of a plane."""

    name: str
    color: str


@dataclass(frozen=True)
class Picture:
    """What is written.

    Attributes
    ----------
    make : callable
        From pixels (height, width, 3) of uint8 to values (height, width, planes).
    channels : sequence of Channel
        One per plane; empty for an RGB image.
    dtype : dtype
    title, description : str
    """

    make: Callable[[NDArray[np.uint8]], _Tile]
    channels: tuple[Channel, ...]
    dtype: np.dtype[Any]
    title: str
    description: str

    @property
    def rgb(self) -> bool:
        """Whether it is one image in colours."""
        return not self.channels


class _Spool:
    """Compressed tiles by plane, level and place, in a file that vanishes by itself."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: dict[tuple[int, int, _Cell], tuple[int, int]] = {}
        self._end = 0

    def put(self, plane: int, level: int, cell: _Cell, data: bytes) -> None:
        self._file.write(data)
        self._places[plane, level, cell] = (self._end, len(data))
        self._end += len(data)

    def plane(self, plane: int, level: int, grid: _Cell, job: Job) -> Iterator[bytes]:
        """Yield the tiles of one level of a plane, row by row."""
        for row in range(grid[1]):
            stop_if_cancelled(job)
            for column in range(grid[0]):
                start, count = self._places[plane, level, (column, row)]
                self._file.seek(start)
                yield self._file.read(count)


def write_pyramid(path: Path, dataset: Dataset, picture: Picture, job: Job) -> None:
    """Write an OME-TIFF with levels, each half of the one before, reading the slide once.

    Parameters
    ----------
    path : Path
    dataset : Dataset
    picture : Picture
    job : Job
        Asked for each tile.

    Raises
    ------
    Cancelled
    """
    pyramid = dataset.pyramid
    assert pyramid is not None
    sizes = _sizes(pyramid.levels[0].width, pyramid.levels[0].height)
    with tempfile.TemporaryFile(dir=path.parent, prefix=".partwise-tiles-") as file:
        spool = _Spool(file)
        _fill(spool, pyramid, picture, sizes, job)
        _write(path, spool, dataset, picture, sizes, job)


def _sizes(width: int, height: int) -> list[tuple[int, int]]:
    sizes = [(width, height)]
    while max(sizes[-1]) > _TOP:
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    return sizes


def _grid(size: tuple[int, int]) -> _Cell:
    return -(-size[0] // _TILE), -(-size[1] // _TILE)


def _fill(
    spool: _Spool,
    pyramid: Pyramid,
    picture: Picture,
    sizes: Sequence[tuple[int, int]],
    job: Job,
) -> None:
    """Make all tiles of all levels, in the order of a quadtree."""
    grids = [_grid(size) for size in sizes]
    width, height = sizes[0]
    top = len(sizes) - 1

    def work(cell: _Cell) -> tuple[_Tile, list[bytes]]:
        x, y = cell[0] * _TILE, cell[1] * _TILE
        values = picture.make(
            pyramid.read(0, x, y, min(_TILE, width - x), min(_TILE, height - y))
        ).astype(picture.dtype, copy=False)
        short = _TILE - values.shape[0], _TILE - values.shape[1]
        if short != (0, 0):  # what lies beyond the edge is not seen, but takes part in means
            values = np.pad(values, ((0, short[0]), (0, short[1]), (0, 0)), mode="edge")
        return values, _pressed(values, picture)

    cells = [cell for head in _cells(grids[top]) for cell in _below(head, top, grids)]
    made = ahead(cells, work, job)
    done = 0

    def tile(level: int, cell: _Cell) -> _Tile:
        nonlocal done
        if level == 0:
            values, pressed = next(made)
            done += 1
            job.report(0.9 * done / len(cells), "Writing")
        else:
            values = _joined(
                {child: tile(level - 1, child) for child in _children(cell, grids[level - 1])},
                cell,
            )
            pressed = _pressed(values, picture)
        for plane, data in enumerate(pressed):
            spool.put(plane, level, cell, data)
        return values

    for head in _cells(grids[top]):
        tile(top, head)


def _cells(grid: _Cell) -> Iterator[_Cell]:
    return ((column, row) for row in range(grid[1]) for column in range(grid[0]))


def _children(cell: _Cell, grid: _Cell) -> list[_Cell]:
    return [
        (column, row)
        for row in (2 * cell[1], 2 * cell[1] + 1)
        for column in (2 * cell[0], 2 * cell[0] + 1)
        if column < grid[0] and row < grid[1]
    ]


def _below(cell: _Cell, level: int, grids: Sequence[_Cell]) -> Iterator[_Cell]:
    """The tiles of level 0 below a tile, in the order in which they are asked for."""
    if level == 0:
        yield cell
        return
    for child in _children(cell, grids[level - 1]):
        yield from _below(child, level - 1, grids)


def _joined(children: dict[_Cell, _Tile], cell: _Cell) -> _Tile:
    """Halve the tiles below a tile into it; beyond the edge the last pixels go on."""
    first = next(iter(children.values()))
    half = _TILE // 2
    out = np.zeros(first.shape, first.dtype)
    known = {(c - 2 * cell[0], r - 2 * cell[1]): values for (c, r), values in children.items()}
    for (right, below), values in known.items():
        place = slice(below * half, (below + 1) * half), slice(right * half, (right + 1) * half)
        out[place] = halved(values)
    if (1, 0) not in known:
        out[:, half:] = out[:, half - 1 : half]
    if (0, 1) not in known:
        out[half:] = out[half - 1 : half]
    return out


def _pressed(values: _Tile, picture: Picture) -> list[bytes]:
    """Compress a tile, one piece per plane, with the predictor of its kind of numbers."""
    if picture.rgb:
        return [_deflated(imagecodecs.delta_encode(values, axis=1))]
    return [
        _deflated(imagecodecs.floatpred_encode(np.ascontiguousarray(values[..., k]), axis=1))
        for k in range(values.shape[2])
    ]


def _deflated(values: _Tile) -> bytes:
    # libdeflate: the same format as zlib's, in less than half of its time.
    return bytes(imagecodecs.deflate_encode(values.tobytes(), PRESSED))


def _write(
    path: Path,
    spool: _Spool,
    dataset: Dataset,
    picture: Picture,
    sizes: Sequence[tuple[int, int]],
    job: Job,
) -> None:
    planes = max(len(picture.channels), 1)
    pixels = sum(width * height for width, height in sizes)
    size = pixels * planes * picture.dtype.itemsize * (3 if picture.rgb else 1)
    x, y = dataset.axis("x"), dataset.axis("y")
    with tifffile.TiffWriter(path, bigtiff=size > _CLASSIC, ome=False) as writer:
        for level, (width, height) in enumerate(sizes):
            shape = (height, width, 3) if picture.rgb else (planes, height, width)
            down = sizes[0][0] / width
            writer.write(
                _planes(spool, planes, level, _grid((width, height)), job),
                shape=shape,
                dtype=picture.dtype,
                tile=(_TILE, _TILE),
                photometric="rgb" if picture.rgb else "minisblack",
                compression="zlib",
                predictor=2 if picture.rgb else 3,
                subifds=len(sizes) - 1 if level == 0 else None,
                subfiletype=1 if level else 0,
                description=_ome_xml(dataset, picture, *sizes[0]) if level == 0 else None,
                metadata=None,
                software="Partwise",
                resolution=(1e4 / x.step / down, 1e4 / y.step / down) if x.unit == "µm" else None,
                resolutionunit="CENTIMETER" if x.unit == "µm" else None,
                maxworkers=1,
            )
            job.report(0.9 + 0.1 * (level + 1) / len(sizes), "Writing")


def _planes(spool: _Spool, planes: int, level: int, grid: _Cell, job: Job) -> Iterator[bytes]:
    for plane in range(planes):
        yield from spool.plane(plane, level, grid, job)


def _ome_xml(dataset: Dataset, picture: Picture, width: int, height: int) -> str:
    """OME-XML of the 2016-06 schema, in ASCII as TIFF wants it."""
    x, y = dataset.axis("x"), dataset.axis("y")
    size = ""
    if x.unit == "µm":
        size = (
            f' PhysicalSizeX="{x.step:.9g}" PhysicalSizeXUnit="µm"'
            f' PhysicalSizeY="{y.step:.9g}" PhysicalSizeYUnit="µm"'
        )
    count = 3 if picture.rgb else len(picture.channels)
    channels = (
        '<Channel ID="Channel:0:0" SamplesPerPixel="3"/>'
        if picture.rgb
        else "".join(
            f'<Channel ID="Channel:0:{k}" Name="{html.escape(channel.name)}"'
            f' SamplesPerPixel="1" Color="{_ome_color(channel.color)}"/>'
            for k, channel in enumerate(picture.channels)
        )
    )
    planes = "".join(
        f'<TiffData IFD="{k}" FirstC="{k}" FirstT="0" FirstZ="0" PlaneCount="1"/>'
        for k in range(1 if picture.rgb else count)
    )
    whole = ' Interleaved="true"' if picture.rgb else ""
    kind = "uint8" if picture.dtype == np.uint8 else "float"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:schemaLocation="http://www.openmicroscopy.org/Schemas/OME/2016-06'
        ' http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd" Creator="Partwise">'
        f'<Image ID="Image:0" Name="{html.escape(picture.title)}">'
        f"<Description>{html.escape(picture.description)}</Description>"
        f'<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{kind}" SizeX="{width}"'
        f' SizeY="{height}" SizeC="{count}" SizeZ="1" SizeT="1"{size}{whole}>'
        f"{channels}{planes}</Pixels></Image></OME>"
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _ome_color(color: str) -> int:
    """OME's signed RGBA integer of ``#rrggbb``."""
    value = (int(color[1:], 16) << 8) | 0xFF
    return value - (1 << 32) if value >= 1 << 31 else value
