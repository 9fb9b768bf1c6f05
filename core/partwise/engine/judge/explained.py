"""How much of X do the parts explain?"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.given import plain

__all__ = ["Explained", "explained"]

Array = NDArray[Any]
_BLOCK = 1 << 20  # entries of X handled at once


class Explained(NamedTuple):
    """Two shares that are both called "variance explained", and are not the same.

    ``vaf`` = 1 − SSE/Σx², uncentred: an X that is far from zero everywhere is
    explained by one part. ``r2`` = 1 − SSE/Σ(x − mean)², about the grand mean
    of all entries; NaN where X is constant.
    """

    vaf: float
    r2: float


def explained(X: Any, W: Array, H: Array, weights: Any = None) -> Explained:
    """Return both shares of X that W·H explains, over the entries that count.

    Parameters
    ----------
    X
        (features, samples), dense, NaN for missing, or sparse.
    W, H
        (features, rank) and (rank, samples).
    weights
        Like X, or (features, 1), or (1, samples), or None.

    Examples
    --------
    >>> import numpy as np
    >>> share = explained(np.array([[1.0, 3.0]]), np.ones((1, 1)), np.array([[1.0, 2.0]]))
    >>> round(share.vaf, 3), round(share.r2, 3)
    (0.9, 0.5)
    """
    X = plain(X)
    m, n = X.shape
    W = np.asarray(W, dtype=np.float64)
    H = np.asarray(H, dtype=np.float64)
    given = np.ones((1, 1)) if weights is None else np.asarray(weights, dtype=np.float64)
    columns = sp.csc_array(X) if bool(sp.issparse(X)) else None
    total = np.zeros(4)  # weight, Σ w x, Σ w x², Σ w (x − wh)²
    width = max(1, _BLOCK // m)
    for lo in range(0, n, width):
        cut = slice(lo, min(lo + width, n))
        block = X[:, cut] if columns is None else columns[:, cut].toarray()
        x = np.asarray(block, dtype=np.float64)
        v = np.broadcast_to(given if given.shape[1] == 1 else given[:, cut], x.shape)
        missing = np.isnan(x)
        if missing.any():
            v = np.where(missing, 0.0, v)
            x = np.where(missing, 0.0, x)
        rest = x - W @ H[:, cut]
        total += (v.sum(), (v * x).sum(), (v * x * x).sum(), (v * rest * rest).sum())
    weight, sum_x, square, error = total.tolist()
    about_mean = square - sum_x * sum_x / weight if weight > 0 else 0.0
    return Explained(
        1 - error / square if square > 0 else float("nan"),
        1 - error / about_mean if about_mean > 1e-12 * square else float("nan"),
    )
