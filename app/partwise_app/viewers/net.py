"""How is a net drawn? Ties by strength and colour, the weakest first, and over them its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QSize
from PySide6.QtGui import QColor, QPainter, QPen

from partwise_app.theme import Tokens, mixed
from partwise_app.viewers.gradual import Stroke

__all__ = ["CLASSES", "Disc", "Scene", "disc", "draw_discs", "in_sight", "strokes"]

CLASSES = 5  # of strength
_RUN, _NODES = 500, 100  # ties and nodes drawn in one go

Disc = tuple[QPen, QColor, QPointF, float]


class Scene(NamedTuple):
    """All that a drawing of ties and nodes needs, in pixels."""

    spots: NDArray[np.float64]
    edges: NDArray[np.intp]
    level: NDArray[np.intp]
    strength: NDArray[np.float64]
    radii: NDArray[np.float64]
    colors: tuple[str, ...]
    tokens: Tokens
    size: QSize


def strokes(scene: Scene) -> Iterator[Stroke]:
    """Ties by strength and colour, the weakest first, and over them nodes; some at a time.

    Apart from the widget, which may be gone before the last stroke.
    """
    spots, colors = scene.spots, scene.colors
    kinds = {color: k for k, color in enumerate(sorted(set(colors)))}
    kind = np.array([kinds[color] for color in colors])
    i, j = scene.edges.T
    inner = np.where(kind[i] == kind[j], kind[i], -1)
    ends = np.concatenate([spots[i], spots[j]], axis=1)
    seen = in_sight(ends, scene.size.width(), scene.size.height())
    crowd = min(1.0, (2500 / max(len(ends), 1)) ** 0.5)
    for strength in range(CLASSES):
        wide = 0.7 + 0.35 * strength * (1.0 if crowd == 1.0 else 0.0)
        alpha = max(0.08, (0.14 + 0.14 * strength) * crowd)
        for which, name in ((-1, ""), *((k, color) for color, k in kinds.items())):
            chosen = ends[(scene.level == strength) & (inner == which) & seen]
            ink = QColor(name or scene.tokens.muted)
            ink.setAlphaF(alpha)
            for k in range(0, len(chosen), _RUN):
                yield partial(_draw_ties, QPen(ink, wide), chosen[k : k + _RUN])
    order = np.argsort(scene.strength, kind="stable")
    for k in range(0, len(order), _NODES):
        yield partial(
            draw_discs,
            [
                disc(colors[n], QPointF(*spots[n].tolist()), float(scene.radii[n]), scene.tokens)
                for n in order[k : k + _NODES].tolist()
            ],
        )


def disc(color: str, spot: QPointF, radius: float, tokens: Tokens) -> Disc:
    """Return a node as it is drawn; without a colour it belongs to no part shown."""
    pen = QPen(QColor(tokens.canvas), 1 if radius > 3 else 0.6)
    return pen, QColor(color or mixed(tokens.muted, tokens.canvas, 0.5)), spot, radius


def _draw_ties(pen: QPen, ends: NDArray[np.float64], painter: QPainter) -> None:
    painter.setPen(pen)
    painter.drawLines([QLineF(*each) for each in ends.tolist()])


def draw_discs(discs: Sequence[Disc], painter: QPainter) -> None:
    """Draw nodes, one over the other."""
    for pen, color, spot, radius in discs:
        painter.setPen(pen)
        painter.setBrush(color)
        painter.drawEllipse(spot, radius, radius)


def in_sight(ends: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """Ties that may cross the screen: not with both ends beyond the same border."""
    x, y = ends[:, 0::2], ends[:, 1::2]
    beyond = (x < 0).all(1) | (x > width).all(1) | (y < 0).all(1) | (y > height).all(1)
    return np.asarray(~beyond)
