"""Where do we begin?

Random starts are scaled to the data; NNDSVD follows Boutsidis and Gallopoulos
(Pattern Recognition 41, 2008), with the singular vectors from a random
projection (Halko, Martinsson and Tropp, SIAM Review 53, 2011). "kmeans" begins
from the centres of groups of samples with the same direction (Wild, Curry and
Dougherty, Pattern Recognition 37, 2004), "spa" from the samples that lie
farthest out (Araújo et al., Chemom. Intell. Lab. Syst. 57, 2001).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import check_factor, check_seed
from partwise.engine.kernels import nnls_columns
from partwise.engine.pool import single_blas
from partwise.engine.problem import Problem
from partwise.engine.unit import from_unit

__all__ = ["INITS", "begin", "generator"]

Array = NDArray[Any]
INITS = ("auto", "random", "nndsvd", "nndsvda", "nndsvdar", "kmeans", "spa")
_FEW = 4096  # samples that a grouping looks at
_PURPOSES = {"start": 0, "sample": 1, "revive": 2, "holdout": 3}
_LARGE = 1 << 21  # entries


def generator(seed: int, rank: int, start: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one (rank, start, purpose) of a seed."""
    seed = check_seed(seed)
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
        W, H = _named("random" if init == "auto" and start > 0 else init, problem, rng)
    else:
        try:
            W0, H0 = init
        except (TypeError, ValueError):
            raise InputProblem(
                "init must be a name or a pair (W0, H0)", argument="init", fix="pass both factors"
            ) from None
        W = check_factor(W0, (m, problem.rank), "init", problem.dtype).copy()
        H = from_unit(problem, check_factor(H0, (problem.rank, n), "init", problem.dtype).copy())
        if problem.loss.beta != 2:
            W, H = _told_apart(problem, W, H, generator(seed, problem.rank, start, "start"))
    if problem.fixed is not None:
        W[:, : problem.fixed_count] = problem.fixed
    return W, H


def _told_apart(
    problem: Problem, W: Array, H: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Given factors, with parts that are the same made to differ.

    Multiplicative updates treat equal parts equally: from all ones, or from zeros, every one
    of them would end as the same single part.
    """
    if not (W.any() and H.any()):
        return _random(problem, rng)
    seen: dict[bytes, int] = {}
    for k in range(problem.fixed_count, problem.rank):
        first = seen.setdefault(W[:, k].tobytes(), k)
        if first != k and W[:, k].any() and H[k].any() and np.array_equal(H[first], H[k]):
            W[:, k] *= 0.5 + rng.random(len(W), W.dtype)
            H[k] *= 0.5 + rng.random(H.shape[1], H.dtype)
    return W, H


def _random(problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    m, n = problem.shape
    mean = max(float(problem.X.sum(dtype=np.float64)) / (m * n), 1e-300)
    size = 2 * float(np.sqrt(mean / problem.rank))
    W = size * rng.random((m, problem.rank))
    H = size * rng.random((problem.rank, n))
    return W.astype(problem.dtype), H.astype(problem.dtype)


def _named(init: str, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    if init == "random" or problem.rank > min(problem.shape):
        return _random(problem, rng)
    X = _filled(problem)
    if init in ("kmeans", "spa"):
        W = (_centres if init == "kmeans" else _outermost)(X, problem.rank, rng)
        H = np.empty((problem.rank, problem.shape[1]))
        nnls_columns(W.T @ W, np.ascontiguousarray((X.T @ W).T, dtype=np.float64), H)
        return W.astype(problem.dtype), H.astype(problem.dtype)
    W, H = _nndsvd(X, problem.rank, rng)
    # Exact zeros would never leave zero under multiplicative updates, and make
    # coordinate descent slow to take a part up again.
    mean = float(X.sum(dtype=np.float64)) / (X.shape[0] * X.shape[1])
    level = np.sqrt(mean / problem.rank)
    for F in (W, H):
        if init == "auto":
            F[F < 1e-4 * level] = 0.1 * level
        elif init == "nndsvda":
            F[F == 0] = level
        elif init == "nndsvdar":
            F[F == 0] = 0.01 * level * rng.random(int((F == 0).sum()))
    return W.astype(problem.dtype), H.astype(problem.dtype)


def _filled(problem: Problem) -> Any:
    """The data, with what is missing or weighs nothing filled by the mean of its row."""
    V = problem.weights
    if V is None:
        return problem.X
    total = V.sum(axis=1, dtype=np.float64, keepdims=True)
    level = np.divide(
        (V * problem.X).sum(axis=1, dtype=np.float64, keepdims=True),
        total,
        out=np.zeros_like(total),
        where=total > 0,
    )
    return np.where(V > 0, problem.X, level.astype(problem.dtype))


def _nndsvd(X: Any, rank: int, rng: np.random.Generator) -> tuple[Array, Array]:
    m, n = X.shape
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
    return W, H


def _columns(X: Any, picks: Array) -> Array:
    """Some columns of a dense or sparse X, dense, in float64."""
    few = X[:, picks]
    return np.asarray(few if isinstance(few, np.ndarray) else few.toarray(), dtype=np.float64)


def _outermost(X: Any, rank: int, rng: np.random.Generator) -> Array:
    """Columns found by successive projection: each the longest beside those before."""
    squares = np.asarray((X * X if isinstance(X, np.ndarray) else X.multiply(X)).sum(axis=0))
    left = squares.astype(np.float64).ravel()
    picks: list[int] = []
    basis = np.empty((X.shape[0], 0))
    for _ in range(rank):
        pick = int(left.argmax())
        direction = _columns(X, np.array([pick]))[:, 0]
        direction -= basis @ (basis.T @ direction)
        length = float(np.linalg.norm(direction))
        if pick in picks or length <= 1e-7 * np.sqrt(squares.max()):
            pick = int(rng.integers(X.shape[1]))  # nothing is left over: any will do
        else:
            basis = np.column_stack([basis, direction / length])
            left -= np.square(X.T @ (direction / length))
        picks.append(pick)
    return _columns(X, np.array(picks))


def _centres(X: Any, rank: int, rng: np.random.Generator) -> Array:
    """Centres of groups of columns by their direction, far apart to begin with."""
    n = X.shape[1]
    picks = np.arange(n) if n <= _FEW else np.sort(rng.choice(n, _FEW, replace=False))
    points = _columns(X, picks)
    lengths = np.linalg.norm(points, axis=0)
    size = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    unit = points * size
    centres = np.empty((X.shape[0], rank))
    nearest = np.zeros(picks.size)
    for k in range(rank):
        # Careful seeding, after Arthur and Vassilvitskii (SODA 2007).
        chance = lengths**2 * (1 - nearest) + 1e-300
        centres[:, k] = unit[:, rng.choice(picks.size, p=chance / chance.sum())]
        nearest = np.clip(np.maximum(nearest, centres[:, k] @ unit), 0, 1)
    for _ in range(30):
        group = (centres.T @ unit).argmax(axis=0)
        new = centres.copy()
        for k in range(rank):
            total = points[:, group == k].sum(axis=1)
            length = np.linalg.norm(total)
            if length > 0:
                new[:, k] = total / length
        if np.allclose(new, centres):
            break
        centres = new
    return np.asarray(centres)


def _leading_svd(X: Any, rank: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Leading `rank` singular triplets of a dense or sparse (m, n) matrix, approximately."""
    m, n = X.shape
    width = min(rank + 8, m, n)
    # Randomised subspace iteration (Halko, Martinsson, Tropp 2011). It only says where to begin:
    # on a large matrix, where each round is two reads, one is enough.
    rounds = 3 if m * n < _LARGE else 1
    # Its small factorizations wait for each other's threads a hundred times.
    with single_blas():
        return _projected_svd(X, rank, width, rounds, rng)


def _projected_svd(
    X: Any, rank: int, width: int, rounds: int, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    m, n = X.shape
    if n >= m:
        Q = rng.standard_normal((m, width)).astype(X.dtype)
        for _ in range(rounds):
            Q, _r = np.linalg.qr(X @ (X.T @ np.linalg.qr(Q)[0]))
        left, values, right = np.linalg.svd((X.T @ Q).T, full_matrices=False)
        left = Q @ left
    else:
        Q = rng.standard_normal((n, width)).astype(X.dtype)
        for _ in range(rounds):
            Q, _r = np.linalg.qr(X.T @ (X @ np.linalg.qr(Q)[0]))
        left, values, right = np.linalg.svd(X @ Q, full_matrices=False)
        right = right @ Q.T
    return left[:, :rank], values[:rank], right[:rank]
