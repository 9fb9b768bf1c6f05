"""Where do we begin?

Random starts are scaled to the data; NNDSVD follows Boutsidis and Gallopoulos
(Pattern Recognition 41, 2008), with the singular vectors from a random
projection (Halko, Martinsson and Tropp, SIAM Review 53, 2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.problem import Problem, check_factor

__all__ = ["INITS", "begin", "generator"]

Array = NDArray[Any]
INITS = ("auto", "random", "nndsvd")
_PURPOSES = {"start": 0, "sample": 1, "revive": 2, "holdout": 3}


def generator(seed: int, rank: int, start: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one (rank, start, purpose) of a seed."""
    key = (rank, start, _PURPOSES[purpose])
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def begin(problem: Problem, init: Any, seed: int, start: int) -> tuple[Array, Array]:
    """Return (W, H) to begin from, in the user's terms, at the scale of the data.

    Raises
    ------
    InputProblem
        For an unknown name or given factors of the wrong shape.
    """
    m, n = problem.shape
    if isinstance(init, str):
        if init not in INITS:
            raise InputProblem(
                f"init {init!r} is not known",
                argument="init",
                fix=f"use one of {', '.join(INITS)} or a pair (W0, H0)",
            )
        rng = generator(seed, problem.rank, start, "start")
        singular = init == "nndsvd" or (init == "auto" and start == 0)
        if singular and problem.rank <= min(m, n) and problem.weights is None:
            W, H = _nndsvd(problem, rng)
        else:
            W, H = _random(problem, rng)
    else:
        try:
            W0, H0 = init
        except (TypeError, ValueError):
            raise InputProblem(
                "init must be a name or a pair (W0, H0)", argument="init", fix="pass both factors"
            ) from None
        W = check_factor(W0, (m, problem.rank), "init", problem.dtype).copy()
        H = check_factor(H0, (problem.rank, n), "init", problem.dtype).copy()
    if problem.fixed is not None:
        W[:, : problem.fixed_count] = problem.fixed
    return W, H


def _random(problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    m, n = problem.shape
    mean = max(float(problem.X.sum(dtype=np.float64)) / (m * n), 1e-300)
    size = 2 * float(np.sqrt(mean / problem.rank))
    W = size * rng.random((m, problem.rank))
    H = size * rng.random((problem.rank, n))
    return W.astype(problem.dtype), H.astype(problem.dtype)


def _nndsvd(problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    X, rank = problem.X, problem.rank
    m, n = problem.shape
    left, values, right = _leading_svd(X, rank, rng)
    W = np.empty((m, rank))
    H = np.empty((rank, n))
    for k in range(rank):
        u, v = left[:, k], right[k]
        up, un = np.maximum(u, 0), np.maximum(-u, 0)
        vp, vn = np.maximum(v, 0), np.maximum(-v, 0)
        plus = np.linalg.norm(up) * np.linalg.norm(vp)
        minus = np.linalg.norm(un) * np.linalg.norm(vn)
        if minus > plus:
            up, vp, plus = un, vn, minus
        root = np.sqrt(values[k] * plus) if plus > 0 else 0.0
        W[:, k] = root * up / max(float(np.linalg.norm(up)), 1e-300)
        H[k] = root * vp / max(float(np.linalg.norm(vp)), 1e-300)
    # Exact zeros would never leave zero under multiplicative updates, and make
    # coordinate descent slow to take a part up again.
    mean = float(X.sum(dtype=np.float64)) / (m * n)
    fill = 0.1 * np.sqrt(mean / rank)
    W[W < fill * 1e-3] = fill
    H[H < fill * 1e-3] = fill
    return W.astype(problem.dtype), H.astype(problem.dtype)


def _leading_svd(X: Any, rank: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Leading `rank` singular triplets of a dense or sparse (m, n) matrix, approximately."""
    m, n = X.shape
    width = min(rank + 8, m, n)
    if n >= m:
        Q = rng.standard_normal((m, width)).astype(X.dtype)
        for _ in range(3):
            Q, _r = np.linalg.qr(X @ (X.T @ np.linalg.qr(Q)[0]))
        left, values, right = np.linalg.svd((X.T @ Q).T, full_matrices=False)
        left = Q @ left
    else:
        Q = rng.standard_normal((n, width)).astype(X.dtype)
        for _ in range(3):
            Q, _r = np.linalg.qr(X.T @ (X @ np.linalg.qr(Q)[0]))
        left, values, right = np.linalg.svd(X @ Q, full_matrices=False)
        right = right @ Q.T
    return left[:, :rank], values[:rank], right[:rank]
