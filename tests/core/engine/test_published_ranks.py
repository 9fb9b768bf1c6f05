"""Nonnegative ranks that mathematics knows: slack matrices of regular polygons.

A slack matrix of an n-gon has rank 3, but its nonnegative rank is the extension
complexity of the polygon: 5 for the hexagon and 6 for the octagon (Fiorini,
Rothvoß and Tiwary, Discrete Comput. Geom. 48, 2012; Vandaele, Gillis, Glineur
and Tuyttens, J. Glob. Optim. 65, 2016).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from partwise.engine.fit import nmf


def slack(corners: int) -> Any:
    """How far each corner lies inside each edge of a regular polygon."""
    angle = 2 * np.pi * np.arange(corners) / corners
    corner = np.stack([np.cos(angle), np.sin(angle)])
    edge = angle + np.pi / corners
    normal = np.stack([np.cos(edge), np.sin(edge)], axis=1)
    distance = np.cos(np.pi / corners) - normal @ corner
    return np.where(distance > 1e-12, distance, 0) / distance.max()


@pytest.mark.parametrize(("corners", "rank"), [(6, 5), (8, 6)])
def test_the_nonnegative_rank_is_reached_and_not_undercut(corners: int, rank: int) -> None:
    X = slack(corners)
    assert np.linalg.matrix_rank(X, tol=1e-9) == 3

    def misfit(parts: int) -> float:
        fit = nmf(X, parts, starts=20, tol=1e-9, max_iter=3000)
        return float(np.linalg.norm(X - fit.W @ fit.H) / np.linalg.norm(X))

    assert misfit(rank) < 1e-6
    assert misfit(rank - 1) > 0.02
