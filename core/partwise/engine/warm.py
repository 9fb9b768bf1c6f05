"""How is the first click kept from waiting for the compiler?"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import scipy.sparse as sp

from partwise.engine.fit import nmf
from partwise.engine.refitting import refit

__all__ = ["warm_up"]


def warm_up(
    *, dtypes: tuple[Any, ...] = (np.float32, np.float64), everything: bool = False
) -> float:
    """Compile the common loops, or fetch them from the cache; return the seconds it took.

    Parameters
    ----------
    dtypes
        Precisions to make ready.
    everything
        Also what is asked for less often: sparse data, missing entries, data
        in Fortran order.

    Notes
    -----
    Runs the engine itself on tiny problems, so that it compiles exactly what a
    real one calls. Safe to call from a background thread.
    """
    began = time.perf_counter()
    for dtype in dtypes:
        X = np.arange(1, 5 * 7 + 1, dtype=dtype).reshape(5, 7) % 5 + 1
        long = np.resize(X[:2], (70, 66))  # both sides beyond what is called skinny
        # What `auto` chooses: skinny, exact to 3, to 5 and beyond; hals; ccd.
        for rank in (2, 4, 6):
            nmf(X, rank, max_iter=2)
        nmf(long, 2, max_iter=2)
        nmf(X, 2, "kl", max_iter=2)
        refit(X, X[:, :2])
        if everything:
            gap = X.copy()
            gap[0, 0] = np.nan
            for rank in (2, 4):  # from 4 on gaps are filled in
                nmf(gap, rank, max_iter=2)
            refit(gap, X[:, :2])
            nmf(np.asfortranarray(X), 2, max_iter=2)
            nmf(np.asfortranarray(long), 2, max_iter=2)
            nmf(X, 2, weights=np.ones((5, 1)) * np.arange(1.0, 8.0), max_iter=2)
            for thin in (sp.csr_array(X), sp.csr_array(X.T)):
                nmf(thin, 2, max_iter=2)
            nmf(sp.csr_array(X), 2, "kl", max_iter=2)
    return time.perf_counter() - began
