"""Which libraries read a slide? OpenSlide first, then tifffile: levels, regions, facts."""

from __future__ import annotations

import math
import threading
import weakref
from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import openslide
import tifffile
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = [
    "MOST_PIXELS",
    "UNREADABLE",
    "WHITE",
    "Image",
    "Source",
    "on_white",
    "open_source",
    "reason",
    "vendor_of",
]

MOST_PIXELS = 170_000_000  # what is decoded whole: half a gigabyte of RGB
_GRAIN = 512  # px; side of a tile where nothing tells it
_TILES = 64 << 20  # bytes of decoded TIFF tiles kept: neighbours share them
WHITE = 255
_PROFILE = 34675  # tag of a TIFF: InterColorProfile

UNREADABLE = (openslide.OpenSlideError, tifffile.TiffFileError, OSError, ValueError)
"""What reading a region of a damaged file raises."""

Image = NDArray[np.uint8]


class Source(Protocol):
    """What a file offers: its own levels, and facts about it."""

    levels: tuple[tuple[int, int], ...]  # (width, height), finest first
    facts: dict[str, Any]

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image: ...

    def grain(self, level: int) -> tuple[int, int]: ...  # width and height of a tile or strip

    def profile(self) -> bytes: ...  # of its colours (ICC), empty where there is none


def vendor_of(path: Path) -> str:
    """Return OpenSlide's name of the slide format, empty where it knows none."""
    try:
        return str(openslide.OpenSlide.detect_format(str(path)) or "")
    except openslide.OpenSlideError:
        return ""


def open_source(path: Path) -> Source:
    """Open a slide.

    Raises
    ------
    FileProblem
        Damaged, or none that can be read.
    """
    vendor = vendor_of(path)
    problem: Exception | None = None
    if vendor and vendor != "generic-tiff":
        try:
            return _OpenSlide(path)
        except openslide.OpenSlideError as error:
            problem = error  # tifffile reads some that OpenSlide refuses
    try:
        return _Tiff(path)
    except FileProblem:
        raise
    except (tifffile.TiffFileError, OSError, ValueError, KeyError, IndexError) as error:
        raise FileProblem(
            path,
            f"is damaged or no slide that can be read ({reason(problem or error)})",
            fix="copy it again from the scanner, or convert it to a tiled TIFF",
        ) from error


def reason(error: Exception) -> str:
    """Return what went wrong in a line."""
    if isinstance(error, KeyError | IndexError):
        return "its directory leads nowhere"
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


class _OpenSlide:
    """A slide by OpenSlide, which is safe to read from several threads."""

    def __init__(self, path: Path) -> None:
        self._slide = openslide.OpenSlide(str(path))
        self.levels = tuple((int(w), int(h)) for w, h in self._slide.level_dimensions)
        known = self._slide.properties
        mpp = (_number(known.get("openslide.mpp-x")), _number(known.get("openslide.mpp-y")))
        self.facts: dict[str, Any] = {
            "format": "slide",
            "vendor": known.get("openslide.vendor", ""),
            "magnification": _number(known.get("openslide.objective-power")),
            "mpp": list(mpp) if mpp[0] and mpp[1] else None,
            "icc": bool(self._slide.color_profile),
        }

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        # OpenSlide wants the corner in pixels of level 0.
        scale_x = self.levels[0][0] / self.levels[level][0]
        scale_y = self.levels[0][1] / self.levels[level][1]
        corner = (round(x * scale_x), round(y * scale_y))
        return on_white(np.asarray(self._slide.read_region(corner, level, (width, height))))

    def grain(self, level: int) -> tuple[int, int]:
        known = self._slide.properties
        sides = [
            _number(known.get(f"openslide.level[{level}].tile-{s}")) for s in ("width", "height")
        ]
        wide, high = (round(side) if side and side >= 1 else _GRAIN for side in sides)
        return wide, high

    def profile(self) -> bytes:
        known = self._slide.color_profile
        return known.tobytes() if known is not None else b""


class _Tiff:
    """A TIFF in strips or tiles, and its pyramid where it has one."""

    def __init__(self, path: Path) -> None:
        self._file = tifffile.TiffFile(path)
        # Closed with its owner, also when the directory turns out to be of no use.
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._cache: OrderedDict[tuple[int, int], Image] = OrderedDict()
        self._bytes = 0
        series = self._file.series[0]
        self._pages = [_checked(path, level) for level in series.levels]
        if any(
            a.imagewidth <= b.imagewidth for a, b in zip(self._pages, self._pages[1:], strict=False)
        ):
            self._pages = self._pages[:1]
        self.levels = tuple((int(p.imagewidth), int(p.imagelength)) for p in self._pages)
        first = self._pages[0]
        self.facts: dict[str, Any] = {
            "format": "tiff",
            "vendor": "",
            "magnification": None,
            "mpp": _resolution(self._file, first),
            "icc": _PROFILE in first.tags,
        }

    def profile(self) -> bytes:
        tag = self._pages[0].tags.get(_PROFILE)
        return bytes(tag.value) if tag is not None else b""

    def grain(self, level: int) -> tuple[int, int]:
        page = self._pages[level]
        if page.is_tiled:
            return int(page.tilewidth), int(page.tilelength)
        return int(page.imagewidth), int(min(page.rowsperstrip, page.imagelength))

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image:
        page = self._pages[level]
        wide, tall = self.grain(level)
        across = -(-page.imagewidth // wide)
        out = np.full((height, width, 3), WHITE, np.uint8)
        for row in range(y // tall, (y + height - 1) // tall + 1):
            for column in range(x // wide, (x + width - 1) // wide + 1):
                tile = self._tile(level, row * across + column)
                if tile is None:
                    continue
                top, left = row * tall, column * wide
                y0, x0 = max(top, y), max(left, x)
                y1 = min(top + tile.shape[0], y + height)
                x1 = min(left + tile.shape[1], x + width)
                if y1 > y0 and x1 > x0:
                    out[y0 - y : y1 - y, x0 - x : x1 - x] = tile[
                        y0 - top : y1 - top, x0 - left : x1 - left
                    ]
        return out

    def _tile(self, level: int, index: int) -> Image | None:
        key = (level, index)
        page = self._pages[level]
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            if page.databytecounts[index] == 0:
                return None  # a tile that was never written is background
            handle = self._file.filehandle
            handle.seek(page.dataoffsets[index])
            data = handle.read(page.databytecounts[index])
        try:
            segment, _place, _shape = page.decode(data, index, jpegtables=page.jpegtables)
        except RuntimeError as error:  # each decoder of imagecodecs has its own kind of these
            raise ValueError(str(error)) from error
        if segment is None:
            return None
        tile = on_white(_as_rgb8(segment[0]))
        with self._lock:
            self._cache[key] = tile
            self._bytes += tile.nbytes
            while self._bytes > _TILES and len(self._cache) > 1:
                self._bytes -= self._cache.popitem(last=False)[1].nbytes
        return tile


def _checked(path: Path, level: Any) -> tifffile.TiffPage:
    """Return the one page of a level if we can read it by region."""
    page = level.keyframe
    size = page.imagewidth * page.imagelength
    samples = page.samplesperpixel
    if samples < 3 or len(level.pages) != 1 or page.dtype is None:
        what = "has one channel" if samples < 3 else "is a stack, not one image"
        raise FileProblem(
            path, what, fix="stains are told apart by colour: export it as one RGB image"
        )
    if page.dtype not in (np.uint8, np.uint16):
        raise FileProblem(
            path, f"holds {page.dtype} values", fix="export it as 8-bit or 16-bit RGB"
        )
    if page.photometric not in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR):
        raise FileProblem(
            path, f"has {page.photometric.name} colours", fix="export it as an RGB image"
        )
    if page.planarconfig != tifffile.PLANARCONFIG.CONTIG:
        raise FileProblem(
            path, "keeps its colours in separate planes", fix="export it with interleaved RGB"
        )
    whole = page.imagewidth * (page.tilelength if page.is_tiled else page.rowsperstrip)
    if not page.is_tiled and min(whole, size) > MOST_PIXELS:
        raise FileProblem(
            path, "is one strip of huge size", fix="convert it to a tiled TIFF, such as OME-TIFF"
        )
    ends = [
        offset + count
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)
        if count
    ]
    if not ends or max(ends) > path.stat().st_size:
        raise FileProblem(
            path, "ends before its last pixel", fix="it was copied in part: copy it again"
        )
    assert isinstance(page, tifffile.TiffPage)
    return page


def _resolution(file: tifffile.TiffFile, page: tifffile.TiffPage) -> list[float] | None:
    """Microns per pixel from OME-XML or the resolution tags; None where neither says."""
    if file.is_ome and file.ome_metadata:
        pixels = tifffile.xml2dict(file.ome_metadata).get("OME", {}).get("Image", {})
        pixels = (pixels[0] if isinstance(pixels, list) else pixels).get("Pixels", {})
        found = [_number(pixels.get(f"PhysicalSize{axis}")) for axis in "XY"]
        unit = pixels.get("PhysicalSizeXUnit", "µm")
        if found[0] and found[1] and unit in ("µm", "um"):
            return [found[0], found[1]]
        return None
    unit_tag = page.tags.get("ResolutionUnit")
    if unit_tag is None or unit_tag.value not in (2, 3):
        return None
    per_unit = 25_400.0 if unit_tag.value == 2 else 10_000.0  # microns per inch, centimetre
    mpp = []
    for name in ("XResolution", "YResolution"):
        tag = page.tags.get(name)
        if tag is None or not tag.value[0] or not tag.value[1]:
            return None
        mpp.append(per_unit * tag.value[1] / tag.value[0])
    # 72 or 300 dots per inch are a printer's figures, not a microscope's.
    return mpp if max(mpp) < 20 else None


def _as_rgb8(values: NDArray[Any]) -> Image:
    """Scale 16-bit values to 8 bits; keep three or four channels."""
    if values.dtype == np.uint16:
        # 65535 / 255 = 257: exact at both ends.
        values = (values.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(values[..., :4], dtype=np.uint8)


def on_white(pixels: NDArray[np.uint8]) -> Image:
    """Lay RGBA over white; RGB passes unchanged."""
    if pixels.shape[-1] == 3:
        return np.ascontiguousarray(pixels)
    alpha = pixels[..., 3:]
    if alpha.size == 0 or alpha.min() == WHITE:
        return np.ascontiguousarray(pixels[..., :3])
    cover = alpha.astype(np.uint16)
    mixed = pixels[..., :3].astype(np.uint16) * cover + WHITE * (WHITE - cover)
    return ((mixed + 127) // WHITE).astype(np.uint8)


def _number(text: object) -> float | None:
    try:
        value = float(str(text))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None
