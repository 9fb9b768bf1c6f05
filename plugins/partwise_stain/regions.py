"""Which regions of a slide did a person draw? Outlines in pixels of level 0, as values and files.

Files are GeoJSON (RFC 7946) as QuPath writes and reads it: a feature each, a name and the kind
of drawing in its properties, coordinates in pixels with y downwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import draw

from partwise.api import FileProblem

__all__ = [
    "KINDS",
    "Region",
    "as_json",
    "bounds",
    "from_json",
    "mask_of",
    "migrate",
    "read_regions",
    "sampled_mask",
    "write_regions",
]

KINDS = ("rectangle", "ellipse", "polygon", "freehand")
_LARGEST = 32 << 20  # bytes of a file
_MOST = 2000  # regions
_CORNERS = 50_000  # of one region
_FIX = "give GeoJSON with polygons in pixels of the slide, as Partwise or QuPath writes it"


@dataclass(frozen=True)
class Region:
    """A closed outline with a name.

    Attributes
    ----------
    key, name, kind : str
        Identity, words on screen, one of `KINDS`.
    points : tuple of (x, y)
        Corners in pixels of level 0, at least three.
    """

    key: str
    name: str
    kind: str
    points: tuple[tuple[float, float], ...]

    @property
    def area(self) -> float:
        """Area in pixels of level 0, by the shoelace formula."""
        x, y = np.array(self.points).T
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def bounds(region: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Return (x, y, width, height) of the pixels that a region touches within an image."""
    xs, ys = zip(*region.points, strict=True)
    left, top = max(math.floor(min(xs)), 0), max(math.floor(min(ys)), 0)
    right, bottom = min(math.ceil(max(xs)), width), min(math.ceil(max(ys)), height)
    return left, top, max(right - left, 0), max(bottom - top, 0)


def mask_of(region: Region, cut: tuple[int, int, int, int], downsample: float) -> NDArray[np.bool_]:
    """Return which pixels of a cut of a level lie in a region, shape (height, width).

    Parameters
    ----------
    region : Region
    cut : (x, y, width, height)
        In pixels of the level.
    downsample : float
        Level-0 pixels per pixel of the level.
    """
    x, y, width, height = cut
    points = np.array(region.points) / downsample
    # A pixel counts when its middle lies inside.
    rows, columns = points[:, 1] - y - 0.5, points[:, 0] - x - 0.5
    mask = np.zeros((height, width), np.bool_)
    mask[draw.polygon(rows, columns, mask.shape)] = True  # type: ignore[no-untyped-call]  # scikit-image's
    return mask


def sampled_mask(
    mask: NDArray[np.bool_],
    cut: tuple[int, int, int, int],
    downsample: float,
    full: tuple[int, int],
) -> NDArray[np.bool_]:
    """Return what a mask over the whole image says of a cut of a level, shape (height, width).

    Parameters
    ----------
    mask : bool, shape (rows, columns)
        Of any resolution.
    cut, downsample
        As in `mask_of`.
    full : (width, height)
        Of level 0.
    """
    x, y, width, height = cut
    rows = ((np.arange(y, y + height) + 0.5) * downsample * mask.shape[0] / full[1]).astype(int)
    columns = ((np.arange(x, x + width) + 0.5) * downsample * mask.shape[1] / full[0]).astype(int)
    inner = np.ix_(np.clip(rows, 0, mask.shape[0] - 1), np.clip(columns, 0, mask.shape[1] - 1))
    return np.asarray(mask[inner])


def as_json(regions: Sequence[Region]) -> list[dict[str, Any]]:
    """Return regions as plain JSON, for the project."""
    return [
        {
            "key": region.key,
            "name": region.name,
            "kind": region.kind,
            "points": [[round(x, 2), round(y, 2)] for x, y in region.points],
        }
        for region in regions
    ]


def from_json(data: object) -> tuple[Region, ...]:
    """Read regions of a project; what is damaged is left out, since the rest can be used."""
    found: list[Region] = []
    for entry in data if isinstance(data, list | tuple) else ():
        if not isinstance(entry, Mapping):
            continue
        points = _points(entry.get("points"))
        kind = str(entry.get("kind"))
        if points is not None and kind in KINDS:
            found.append(Region(str(entry.get("key")), str(entry.get("name")), kind, points))
    return tuple(found)


def migrate(old: int, data: dict[str, Any]) -> dict[str, Any]:
    """Bring the plugin's section of a project one version on; there is only the first."""
    return data


def write_regions(regions: Sequence[Region], path: Path) -> None:
    """Write regions as GeoJSON."""
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Polygon",
                "coordinates": [[list(point) for point in (*region.points, region.points[0])]],
            },
            "properties": {
                "objectType": "annotation",
                "name": region.name,
                "kind": region.kind,
            },
        }
        for region in regions
    ]
    whole = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_regions(path: Path) -> tuple[Region, ...]:
    """Read the polygons of a GeoJSON file; holes are passed over.

    Raises
    ------
    FileProblem
        Absent, no GeoJSON, or without a polygon that can be measured.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise FileProblem(path, "is too large for regions", fix=_FIX)
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileProblem(path, "cannot be read", fix=_FIX) from error
    except (ValueError, RecursionError) as error:
        raise FileProblem(path, "is no GeoJSON", fix=_FIX) from error
    features = data.get("features") if isinstance(data, dict) else data
    if isinstance(data, dict) and data.get("type") == "Feature":
        features = [data]
    found: list[Region] = []
    for feature in features if isinstance(features, list) else ():
        if not isinstance(feature, dict):
            continue
        about = feature.get("properties")
        about = about if isinstance(about, dict) else {}
        kind = about.get("kind") if about.get("kind") in KINDS else "polygon"
        for ring in _rings(feature.get("geometry")):
            points = _points(ring)
            if points is None:
                continue
            closed = len(points) > 3 and points[0] == points[-1]
            number = len(found) + 1
            name = str(about.get("name") or f"Region {number}")[:80]
            ends = points[:-1] if closed else points
            found.append(Region(f"region-{number}", name, str(kind), ends))
    if not found or len(found) > _MOST:
        what = f"holds {len(found)} regions" if found else "holds no polygon"
        raise FileProblem(path, what, fix=_FIX)
    return tuple(found)


def _rings(geometry: object) -> list[object]:
    """The outer rings of a geometry."""
    if not isinstance(geometry, dict):
        return []
    inner = geometry.get("coordinates")
    if not isinstance(inner, list):
        return []
    if geometry.get("type") == "Polygon":
        return inner[:1]
    if geometry.get("type") == "MultiPolygon":
        return [part[0] for part in inner if isinstance(part, list) and part]
    return []


def _points(data: object) -> tuple[tuple[float, float], ...] | None:
    if not isinstance(data, list | tuple) or not 3 <= len(data) <= _CORNERS:
        return None
    try:
        points = tuple((float(x), float(y)) for x, y, *_ in data)
    except (TypeError, ValueError):
        return None
    sane = all(math.isfinite(x) and math.isfinite(y) and abs(x) + abs(y) < 1e9 for x, y in points)
    return points if sane else None
