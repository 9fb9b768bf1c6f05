"""Which regions of a slide did a person draw? Outlines in pixels of level 0, as values and files.

Files are GeoJSON (RFC 7946) as QuPath writes and reads it: a feature each, a name and the kind
of drawing in its properties, coordinates in pixels with y downwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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

_Ring = tuple[tuple[float, float], ...]

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
    holes : tuple of tuples of (x, y)
        Outlines inside of it that do not belong to it.
    """

    key: str
    name: str
    kind: str
    points: _Ring
    holes: tuple[_Ring, ...] = ()

    @property
    def area(self) -> float:
        """Area in pixels of level 0."""
        return _area(self.points) - sum(map(_area, self.holes))

    def reshaped(self, points: Sequence[tuple[float, float]], *, whole: bool) -> Region:
        """Return the same with other points; holes move along where it moves as a whole."""
        new, holes = tuple(points), self.holes
        if whole and len(new) == len(self.points):
            right, down = new[0][0] - self.points[0][0], new[0][1] - self.points[0][1]
            holes = tuple(tuple((x + right, y + down) for x, y in hole) for hole in holes)
        return replace(self, points=new, holes=holes)


def _area(ring: _Ring) -> float:
    """Area of an outline, by the shoelace formula."""
    x, y = np.array(ring).T
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
    mask = np.zeros((height, width), np.bool_)
    for number, ring in enumerate((region.points, *region.holes)):
        points = np.array(ring) / downsample
        # A pixel counts when its middle lies inside.
        rows, columns = points[:, 1] - y - 0.5, points[:, 0] - x - 0.5
        mask[draw.polygon(rows, columns, mask.shape)] = number == 0  # type: ignore[no-untyped-call]  # scikit-image's
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
            "points": _rounded(region.points),
            **({"holes": [_rounded(hole) for hole in region.holes]} if region.holes else {}),
        }
        for region in regions
    ]


def _rounded(ring: _Ring) -> list[list[float]]:
    return [[round(x, 2), round(y, 2)] for x, y in ring]


def from_json(data: object) -> tuple[Region, ...]:
    """Read regions of a project; what is damaged is left out, since the rest can be used."""
    found: list[Region] = []
    for entry in data if isinstance(data, list | tuple) else ():
        if not isinstance(entry, Mapping):
            continue
        points = _points(entry.get("points"))
        kind = str(entry.get("kind"))
        if points is not None and kind in KINDS:
            key, name = str(entry.get("key")), str(entry.get("name"))
            found.append(Region(key, name, kind, points, _holes(entry.get("holes"))))
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
                "coordinates": [
                    [list(point) for point in (*ring, ring[0])]
                    for ring in (region.points, *region.holes)
                ],
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
    """Read the polygons of a GeoJSON file, with their holes.

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
        for outer, *inner in _polygons(feature.get("geometry")):
            points = _points(outer)
            if points is None:
                continue
            number = len(found) + 1
            name = str(about.get("name") or _class_of(about) or f"Region {number}")[:80]
            found.append(Region(f"region-{number}", name, str(kind), points, _holes(inner)))
    if not found or len(found) > _MOST:
        what = f"holds {len(found)} regions" if found else "holds no polygon"
        raise FileProblem(path, what, fix=_FIX)
    return tuple(found)


def _class_of(about: Mapping[str, Any]) -> str:
    """What QuPath calls a region that has no name of its own."""
    found = about.get("classification")
    return str(found.get("name") or "") if isinstance(found, dict) else ""


def _polygons(geometry: object) -> list[list[object]]:
    """The polygons of a geometry, each its outer ring and then its holes."""
    if not isinstance(geometry, dict):
        return []
    inner = geometry.get("coordinates")
    if not isinstance(inner, list):
        return []
    parts = {"Polygon": [inner], "MultiPolygon": inner}.get(str(geometry.get("type")), [])
    return [part for part in parts if isinstance(part, list) and part]


def _holes(data: object) -> tuple[_Ring, ...]:
    rings = [_points(ring) for ring in data] if isinstance(data, list | tuple) else []
    return tuple(ring for ring in rings if ring is not None)


def _points(data: object) -> _Ring | None:
    """Read a ring; a last point that is the first again is left out."""
    if not isinstance(data, list | tuple) or not 3 <= len(data) <= _CORNERS:
        return None
    try:
        points = tuple((float(x), float(y)) for x, y, *_ in data)
    except (TypeError, ValueError):
        return None
    if len(points) > 3 and points[0] == points[-1]:
        points = points[:-1]
    sane = all(math.isfinite(x) and math.isfinite(y) and abs(x) + abs(y) < 1e9 for x, y in points)
    return points if sane else None
