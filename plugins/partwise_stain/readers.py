"""What kind of image is this file, and how does it become a dataset?"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from partwise.api import ArrayPyramid, Axis, Dataset, FileProblem, Pyramid, fingerprint
from partwise_stain.slide import SlidePyramid
from partwise_stain.sources import MOST_PIXELS, on_white, open_source, vendor_of

__all__ = ["colour_profile", "load_picture", "load_slide", "probe_picture", "probe_slide"]

_HEAD = 1024  # bytes; every signature stands at the start
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Pillow's readers by signature. They are called by name, not through Image.open: that one warns
# of large images by a process-wide switch, and we check the size ourselves.
_PICTURES: dict[str, tuple[bytes, Any]] = {
    "PNG": (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    "JPEG": (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    "BMP": (b"BM", BmpImagePlugin.BmpImageFile),
    "JPEG 2000": (b"\0\0\0\x0cjP  ", Jpeg2KImagePlugin.Jpeg2KImageFile),
    "WebP": (b"RIFF", WebPImagePlugin.WebPImageFile),
}
_SLIDE_SUFFIXES = frozenset(
    {".svs", ".ndpi", ".scn", ".mrxs", ".bif", ".vms", ".vmu", ".svslide", ".tif", ".tiff"}
)
_PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".jp2", ".webp"})
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error, IndexError)


def probe_slide(path: Path) -> float:
    """Return how surely this is a slide or TIFF: by content, the suffix only tips the scale."""
    head = _head(path)
    suffix = path.suffix.lower()
    if head.startswith(_TIFF):
        return 0.9 if suffix in _SLIDE_SUFFIXES else 0.7
    if suffix == ".mrxs" and path.with_suffix("").is_dir():
        return 0.95  # the file itself is a small JPEG, the slide is in the folder beside it
    if suffix in (".vms", ".vmu") and b"Hamamatsu" in head:
        return 0.9
    # Wrong content under a slide's name: we claim it faintly, to say what is wrong with it.
    return 0.05 if suffix in _SLIDE_SUFFIXES else 0.0


def probe_picture(path: Path) -> float:
    """Return how surely this is a picture that we read."""
    head = _head(path)
    if _kind(head):
        grey = head.startswith(b"\x89PNG") and head[25:26] in (b"\0", b"\4")
        return 0.2 if grey else 0.8
    return 0.05 if path.suffix.lower() in _PICTURE_SUFFIXES else 0.0


def load_slide(path: Path) -> Dataset:
    """Open a slide or TIFF; nothing but its directory is read.

    Raises
    ------
    FileProblem
        Empty, damaged, not a slide, one channel, or a layout that cannot be read by region.
    """
    path = Path(path)
    head = _checked_head(path)
    if not head.startswith(_TIFF) and not vendor_of(path):
        if _kind(head):
            return load_picture(path)
        raise _not_an_image(path)
    pyramid = SlidePyramid(path)
    return _dataset(path, pyramid, pyramid.facts)


def load_picture(path: Path) -> Dataset:
    """Read a PNG, JPEG, BMP, JPEG 2000 or WebP picture into memory.

    Raises
    ------
    FileProblem
        Empty, damaged, grey, animated, or too large to be decoded at once.
    """
    path = Path(path)
    head = _checked_head(path)
    kind = _kind(head)
    if not kind:
        if head.startswith(_TIFF):
            return load_slide(path)
        raise _not_an_image(path)
    try:
        # A reader by class takes an open file and neither closes nor owns it.
        with path.open("rb") as file, _PICTURES[kind][1](file) as image:
            _check(path, image, kind)
            icc = bool(image.info.get("icc_profile"))
            pixels = on_white(np.asarray(_rgb(image)))
    except _DAMAGE as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(
            path, f"is a damaged or cut {kind} ({_words(error)})", fix="copy or export it again"
        ) from error
    facts = {"format": kind, "vendor": "", "magnification": None, "mpp": None, "icc": icc}
    return _dataset(path, ArrayPyramid(pixels), facts)


def colour_profile(path: Path) -> bytes:
    """Return the colour profile (ICC) that a slide or picture carries, empty where it has none.

    Raises
    ------
    FileProblem
        The file cannot be read any more.
    """
    path = Path(path)
    kind = _kind(_checked_head(path))
    if not kind:
        return open_source(path).profile()
    try:
        with path.open("rb") as file, _PICTURES[kind][1](file) as image:
            return bytes(image.info.get("icc_profile") or b"")
    except _DAMAGE as error:
        raise FileProblem(
            path, f"is a damaged or cut {kind} ({_words(error)})", fix="copy or export it again"
        ) from error


def _check(path: Path, image: Image.Image, kind: str) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise FileProblem(
            path,
            f"is a {kind} of {width:,} × {height:,} pixels, too large to be decoded at once",
            fix="convert it to a tiled TIFF, such as OME-TIFF, which is read by region",
        )
    if getattr(image, "n_frames", 1) > 1:
        raise FileProblem(path, "is an animation", fix="export one frame as PNG")
    if image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;"):
        raise FileProblem(
            path,
            "is a grey image, and one channel cannot carry two stains",
            fix="use the colour image as it came from the scanner or camera",
        )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("RGB", "RGBA"):
        image.load()
        return image
    see_through = image.mode in ("P", "PA") and "transparency" in image.info
    return image.convert("RGBA" if see_through or image.mode == "PA" else "RGB")


def _dataset(path: Path, pyramid: Pyramid, facts: dict[str, Any]) -> Dataset:
    level = pyramid.levels[0]
    step_x, step_y = facts["mpp"] or (1.0, 1.0)
    unit = "µm" if facts["mpp"] else "px"
    return Dataset(
        kind="image",
        title=path.name,
        axes=(
            Axis("y", level.height, unit, step_y),
            Axis("x", level.width, unit, step_x),
        ),
        pyramid=pyramid,
        source=fingerprint(path),
        meta={**facts, "levels": len(pyramid.levels)},
    )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return b""


def _checked_head(path: Path) -> bytes:
    fingerprint(path, full=False)  # says in words what is wrong with a path
    head = _head(path)
    if not head:
        raise FileProblem(path, "is empty", fix="copy it again")
    return head


def _kind(head: bytes) -> str:
    for kind, (signature, _reader) in _PICTURES.items():
        if head.startswith(signature) and (kind != "WebP" or head[8:12] == b"WEBP"):
            return kind
    return ""


def _not_an_image(path: Path) -> FileProblem:
    return FileProblem(
        path,
        "is not an image that Partwise knows, whatever its name says",
        fix="give a slide (SVS, NDPI, MRXS, SCN, tiled TIFF) or a PNG, JPEG or TIFF picture",
    )


def _words(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
