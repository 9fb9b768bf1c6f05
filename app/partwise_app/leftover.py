"""What is left over when the parts are taken from the whole? A curve, from what is on the stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partwise.result import Part, View

__all__ = ["left_over"]

_MOST = 4_000_000  # values read: the curve is a small picture, a whole series may be gigabytes


def left_over(views: Sequence[View], parts: Sequence[Part]) -> NDArray[np.float64] | None:
    """Return the root of the mean squared residual along the series, in the unit of the data.

    Parameters
    ----------
    views : sequence of View
        As they are drawn; the first whose rows and columns the parts are of counts.
    parts : sequence of Part
        As found.

    Returns
    -------
    ndarray, shape (samples,) or (frames,), or None
        Of signals over their channels, for each sample; of a series of volumes over the voxels
        that the parts are in, for each frame. None where the parts make nothing that is drawn.
    """
    rows = [np.ravel(part.course) for part in parts if part.course is not None]
    columns = [np.ravel(part.profile) for part in parts]
    alike = len({row.size for row in rows}) == 1 == len({column.size for column in columns})
    if not alike or len(rows) < len(parts):
        return None
    profiles, courses = np.stack(columns, axis=1).astype(np.float64), np.stack(rows)
    shape = len(profiles), courses.shape[1]
    for view in views:
        if view.kind == "traces" and "y" in view.arrays:
            values = np.asarray(view.arrays["y"])
            if values.shape == shape:
                return _over_channels(values, profiles, courses)
        if view.kind == "volume" and "values" in view.arrays:
            values = np.asarray(view.arrays["values"])
            if values.ndim == 4 and (len(values), values[0].size) == shape:
                return _over_voxels(values, profiles, courses)
    return None


def _over_channels(
    values: NDArray[np.floating], profiles: NDArray[np.float64], courses: NDArray[np.floating]
) -> NDArray[np.float64]:
    step = max(1, values.size // _MOST)
    left = values[:, ::step] - profiles @ courses[:, ::step].astype(np.float64)
    return _root_mean(left, axis=0)


def _over_voxels(
    values: NDArray[np.floating], profiles: NDArray[np.float64], courses: NDArray[np.floating]
) -> NDArray[np.float64]:
    # Outside of all parts nothing was explained, and nothing was asked to be.
    inside = np.flatnonzero(courses.any(axis=0))
    inside = inside[:: max(1, inside.size * len(values) // _MOST)]
    if not inside.size:
        return np.zeros(len(values))
    amounts = courses[:, inside].astype(np.float64)
    return np.array(
        [
            _root_mean(frame.ravel()[inside] - row @ amounts, axis=0)
            for frame, row in zip(values, profiles, strict=True)
        ]
    )


def _root_mean(left: NDArray[np.float64], *, axis: int) -> NDArray[np.float64]:
    known = np.isfinite(left)
    squares = np.where(known, left, 0.0) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=axis) / np.maximum(known.sum(axis=axis), 1)))
