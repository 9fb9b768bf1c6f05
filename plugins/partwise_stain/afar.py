"""How is a slide of one level seen from afar? By the means that its JPEG tiles carry.

JPEG stores the mean of each 8 × 8 pixels by itself (ITU-T T.81, the DC coefficient), so that an
eighth of a tile is decoded in a fifth of the time of the whole, and without the way through
OpenSlide in a twentieth.
"""

from __future__ import annotations

import io
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import JpegImagePlugin

from partwise_stain.sources import WHITE, Image

__all__ = ["STEPS", "Afar", "see_from_afar"]

STEPS = 3  # halvings
_DOWN = 1 << STEPS
_JPEG = 7  # compression of a TIFF
# Says which colours follow (Adobe technical note 5116): 0 for RGB, 1 for luma and chroma.
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00%c"


def see_from_afar(path: Path, size: tuple[int, int]) -> Afar | None:
    """Return the level of `size` (width, height) seen from afar; None where it is no tiled JPEG."""
    try:
        file = tifffile.TiffFile(path)
    except (tifffile.TiffFileError, OSError, ValueError):
        return None
    try:
        for level in file.series[0].levels:
            page = level.keyframe
            if (page.imagewidth, page.imagelength) == size and _is_plain(page):
                return Afar(file, page)
    except (tifffile.TiffFileError, OSError, ValueError, KeyError, IndexError):
        pass  # what reads the slide itself says what is wrong with it
    file.close()
    return None


class Afar:
    """An eighth of a level of tiled JPEG, read by region from several threads."""

    def __init__(self, file: tifffile.TiffFile, page: Any) -> None:
        self._file, self._page = file, page
        weakref.finalize(self, file.close)
        self._lock = threading.Lock()
        tables = page.jpegtables or b"\xff\xd8\xff\xd9"
        colours = int(page.photometric == tifffile.PHOTOMETRIC.YCBCR)
        self._head = tables[:2] + _ADOBE % colours + tables[2:-2]

    def read(self, x: int, y: int, width: int, height: int) -> Image:
        """Read a region in eighths of the level's pixels, inside of it.

        Raises
        ------
        OSError, ValueError
            A tile is damaged.
        """
        page = self._page
        wide, tall = page.tilewidth // _DOWN, page.tilelength // _DOWN
        across = -(-page.imagewidth // page.tilewidth)
        out = np.empty((height, width, 3), np.uint8)
        for row in range(y // tall, (y + height - 1) // tall + 1):
            for column in range(x // wide, (x + width - 1) // wide + 1):
                top, left = row * tall, column * wide
                y0, x0 = max(top, y), max(left, x)
                y1, x1 = min(top + tall, y + height), min(left + wide, x + width)
                tile = self._tile(row * across + column)
                out[y0 - y : y1 - y, x0 - x : x1 - x] = tile[
                    y0 - top : y1 - top, x0 - left : x1 - left
                ]
        return out

    def _tile(self, index: int) -> Image:
        page = self._page
        size = page.tilewidth, page.tilelength
        if page.databytecounts[index] == 0:  # never written: background
            return np.full((size[1] // _DOWN, size[0] // _DOWN, 3), WHITE, np.uint8)
        with self._lock:
            self._file.filehandle.seek(page.dataoffsets[index])
            data = self._file.filehandle.read(page.databytecounts[index])
        try:
            with JpegImagePlugin.JpegImageFile(io.BytesIO(self._head + data[2:])) as tile:
                if tile.size != size or tile.mode != "RGB":
                    msg = f"a tile is {tile.mode} of {tile.size[0]} × {tile.size[1]} pixels"
                    raise ValueError(msg)
                tile.draft("RGB", (size[0] // _DOWN, size[1] // _DOWN))
                return np.asarray(tile)
        except SyntaxError as error:  # Pillow's word for what is no JPEG
            raise ValueError(str(error)) from error


def _is_plain(page: Any) -> bool:
    return bool(
        page.is_tiled
        and page.compression == _JPEG
        and page.photometric in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
        and page.samplesperpixel == 3
        and page.dtype == np.uint8
        and page.planarconfig == tifffile.PLANARCONFIG.CONTIG
        and page.tilewidth % _DOWN == page.tilelength % _DOWN == 0
    )
