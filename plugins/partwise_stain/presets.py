"""What are the stains called, which colours do they have, and where do we expect their vectors?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PROTOCOLS",
    "STAINS",
    "Protocol",
    "Stain",
    "is_inky",
    "preset",
    "published",
    "swatch",
    "unit",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Stain:
    """A dye: identity and words."""

    key: str
    name: str


@dataclass(frozen=True)
class Protocol:
    """A way of staining: its dyes, and vectors of it that were published, with their sources."""

    key: str
    title: str
    stains: tuple[Stain, ...]
    vectors: tuple[tuple[tuple[float, float, float], ...], ...]
    sources: tuple[str, ...]


def _read() -> dict[str, Protocol]:
    text = (files("partwise_resources") / "stains" / "presets.json").read_text(encoding="utf-8")
    return {
        entry["key"]: Protocol(
            entry["key"],
            entry["title"],
            tuple(Stain(stain["key"], stain["name"]) for stain in entry["stains"]),
            tuple(tuple(map(tuple, known["vectors"])) for known in entry["published"]),
            tuple(known["source"] for known in entry["published"]),
        )
        for entry in json.loads(text)
    }


PROTOCOLS = _read()
STAINS = {key: protocol.stains for key, protocol in PROTOCOLS.items()}


def published(stains: str) -> Vector:
    """Return the published vectors of a protocol, unit columns, shape (sets, 3, stains)."""
    return np.stack([unit(np.array(known).T) for known in PROTOCOLS[stains].vectors])


def preset(stains: str) -> Vector:
    """Return the middle of the published vectors, unit columns, shape (3, stains)."""
    return unit(published(stains).mean(axis=0))


def is_inky(stains: str) -> bool:
    """Whether a stain of the protocol has the hue of blue or green ink; False for ``auto``."""
    if stains not in PROTOCOLS:
        return False
    red, green = published(stains)[:, 0], published(stains)[:, 1]
    return bool((red > 1.3 * green).any())


def unit(vectors: ArrayLike) -> Vector:
    """Scale a vector, or each column, to unit length."""
    array = np.asarray(vectors, dtype=np.float64)
    return np.asarray(array / np.linalg.norm(array, axis=0))


def swatch(vector: ArrayLike) -> str:
    """Return the colour of a stain at an optical density of three quarters, ``#rrggbb``."""
    light = 255 * 10 ** (-0.75 * unit(vector))
    return "#" + "".join(f"{round(level):02x}" for level in light)
