"""Prints how fast the engine is, beside scikit-learn, in one interleaved run.

    python tests/bench/engine.py [--rows a,b] [--quick] [--seeds 3]

Both begin at the same factors. The peer's time is the best it can claim: its
iterations are counted until it first comes within 0.1 % of the best objective
that anyone reached, and a run of just so many is timed. Ours stops itself, and
everything is timed, the checking of the data included. Reported is the worst
ratio of several seeds; `first` is the first call of all in a process, with the
loops compiled or fetched from the cache on disk.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.decomposition import _nmf as peer
from sklearn.exceptions import ConvergenceWarning

from partwise.engine import nmf

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    about: str
    make: Callable[[np.random.Generator, float], tuple[Any, Any]]
    rank: int
    loss: str
    peer: str
    cap: int  # most iterations the peer is given


def _density(rng: np.random.Generator, part: float) -> tuple[Array, None]:
    n = int(4_000_000 * part)
    stains = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
    amount = np.stack([rng.gamma(1.2, 0.3, n), rng.gamma(2.0, 0.2, n)])
    amount *= rng.random((2, n)) > 0.3
    noisy = stains @ amount + rng.normal(0, 0.02, (3, n))
    return np.maximum(noisy, 0).astype(np.float32), None


def _spectrogram(rng: np.random.Generator, part: float) -> tuple[Array, None]:
    n = int(4_000 * part)
    f = np.arange(513)[:, None]
    pitch = rng.uniform(5, 60, 64)
    comb = np.exp(-((((f / pitch) % 1) - 0.5) ** 2) * 40) * np.exp(-f / rng.uniform(40, 300, 64))
    gains = rng.gamma(0.4, 1.0, (64, n)) * (rng.random((64, n)) < 0.2)
    return (rng.gamma(1.0, 1.0, (513, n)) * (comb @ gains + 1e-3)).astype(np.float32), None


def _muscles(rng: np.random.Generator, part: float) -> tuple[Array, None]:
    n = int(40_000 * part)
    t = np.arange(n)
    synergies = rng.gamma(0.5, 1.0, (16, 5))
    phase = (t / 200.0)[None] + rng.random((5, 1))
    bursts = np.exp(8 * (np.cos(2 * np.pi * phase) - 1)) * rng.uniform(0.5, 1.5, (5, n))
    return np.maximum(synergies @ bursts + rng.normal(0, 0.03, (16, n)), 0).astype(np.float32), None


def _frames(rng: np.random.Generator, part: float) -> tuple[Array, Array]:
    n = int(300_000 * part)
    t = np.linspace(0.05, 60, 40)[:, None]
    rate = np.array([0.02, 0.1, 0.5, 2.0])
    curves = t * np.exp(-rate * t) + 0.05
    images = rng.gamma(0.6, 1.0, (4, n))
    X = np.maximum(curves @ images + rng.normal(0, 0.2, (40, n)), 0)
    return X.astype(np.float32), rng.uniform(0.2, 2.0, (40, 1))


def _dense(rng: np.random.Generator, part: float) -> tuple[Array, None]:
    m, n = int(5_000 * part), int(1_000 * part)
    W = rng.random((m, 10)) * (rng.random((m, 10)) < 0.4)
    H = rng.random((10, n)) * (rng.random((10, n)) < 0.4)
    return (W @ H + 0.1 * rng.random((m, n))).astype(np.float32), None


def _sparse(rng: np.random.Generator, part: float) -> tuple[Any, None]:
    m, n = int(10_000 * part), int(50_000 * part)
    topics = rng.gamma(0.1, 1.0, (m, 20)).cumsum(axis=0)
    topics /= topics[-1]
    count = int(0.005 * m * n)
    topic = rng.integers(0, 20, n).repeat(max(1, count // n))
    rows = np.empty(topic.size, np.int64)
    for k in range(20):
        mine = topic == k
        rows[mine] = np.searchsorted(topics[:, k], rng.random(int(mine.sum())))
    columns = np.arange(n).repeat(max(1, count // n))
    values = np.ones(rows.size, np.float32)
    X = sp.csr_array((values, (np.minimum(rows, m - 1), columns)), shape=(m, n))
    X.sum_duplicates()
    return X, None


ROWS = (
    Row("a", "3 x 4,000,000 rank 2 (optical density)", _density, 2, "frobenius", "cd", 200),
    Row("b", "513 x 4,000 KL rank 64 (spectrogram)", _spectrogram, 64, "kl", "mu", 400),
    Row("c", "16 x 40,000 rank 5 (EMG)", _muscles, 5, "frobenius", "cd", 400),
    Row("d", "40 x 300,000 rank 4, frame weights (PET)", _frames, 4, "frobenius", "cd", 200),
    Row("e", "5,000 x 1,000 rank 10", _dense, 10, "frobenius", "cd", 400),
    Row("f", "sparse 10,000 x 50,000, 0.5 %, rank 20", _sparse, 20, "frobenius", "cd", 200),
)


def main() -> int:
    """Run the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="a,b,c,d,e,f")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, one seed")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    chosen = [row for row in ROWS if row.name in asked.rows.split(",")]
    if asked.first:
        print(_first_call(next(row for row in ROWS if row.name == asked.first)))
        return 0
    part, seeds = (0.1, 1) if asked.quick else (1.0, asked.seeds)
    print(f"memory triad {_triad():.1f} GB/s")
    print("row  shape                                     peer s   ours s  ratio  objective   "
          "kkt      iterations stop        first s")  # fmt: skip
    for row in chosen:
        _print(row, min((_measure(row, seed, part) for seed in range(seeds)), key=_ratio))
    return 0


@dataclass(frozen=True)
class _Outcome:
    peer_seconds: float
    peer_reached: bool
    ours_seconds: float
    objective_ratio: float
    fit: Any


def _ratio(outcome: _Outcome) -> float:
    return outcome.peer_seconds / outcome.ours_seconds


def _print(row: Row, out: _Outcome) -> None:
    first = subprocess.run(
        [sys.executable, __file__, "--first", row.name], capture_output=True, text=True, check=True
    ).stdout.strip()
    reached = " " if out.peer_reached else ">"
    print(
        f"{row.name}    {row.about:<41}{reached}{out.peer_seconds:7.3f}  {out.ours_seconds:7.3f}"
        f"  {_ratio(out):5.1f}  {out.objective_ratio:9.6f}  {out.fit.kkt:8.1e} "
        f"{out.fit.iterations:5d}      {out.fit.stop:<11} {float(first):5.2f}",
        flush=True,
    )


def _measure(row: Row, seed: int, part: float) -> _Outcome:
    rng = np.random.default_rng(seed)
    X, weights = row.make(rng, part)
    m, n = X.shape
    scaled = X if weights is None else X * np.sqrt(weights).astype(np.float32)
    size = np.sqrt(float(scaled.mean()) / row.rank) * 2
    W0 = (size * rng.random((m, row.rank))).astype(np.float32)
    H0 = (size * rng.random((row.rank, n))).astype(np.float32)
    begin = W0 if weights is None else W0 / np.sqrt(weights).astype(np.float32)
    ours, fit = np.inf, None
    nmf(X, row.rank, row.loss, weights=weights, init=(begin, H0), max_iter=1)
    peer_seconds = np.inf
    for _ in range(2):
        began = time.perf_counter()
        fit = nmf(X, row.rank, row.loss, weights=weights, init=(begin, H0))
        ours = min(ours, time.perf_counter() - began)
        if peer_seconds == np.inf:
            count, objective, reached = _peer_count(row, scaled, W0, H0, fit.loss)
        seconds = _peer_run(row, scaled, W0, H0, count)[0]
        peer_seconds = min(peer_seconds, seconds)
    assert fit is not None
    return _Outcome(peer_seconds, reached, ours, fit.loss / objective, fit)


def _peer_run(row: Row, X: Any, W0: Array, H0: Array, count: int) -> tuple[float, Array, Array]:
    kind = "kullback-leibler" if row.loss == "kl" else "frobenius"
    data, W, H = X, W0, H0
    if X.shape[1] > 10 * X.shape[0]:
        data, W, H = X.T, H0.T, W0.T  # samples x features, its own layout
    data = sp.csr_matrix(data) if _is_sparse(data) else np.ascontiguousarray(data)
    W, H = np.ascontiguousarray(W), np.ascontiguousarray(H)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        began = time.perf_counter()
        W, H, _ = peer.non_negative_factorization(
            data, W=W.copy(), H=H.copy(), n_components=row.rank, init="custom", solver=row.peer,
            beta_loss=kind, tol=0, max_iter=count,
        )  # fmt: skip
        seconds = time.perf_counter() - began
    if data.shape != X.shape:
        W, H = H.T, W.T
    return seconds, W, H


def _is_sparse(X: Any) -> bool:
    return bool(sp.issparse(X))


def _loss(row: Row, X: Any, W: Array, H: Array) -> float:
    if _is_sparse(X):
        W, H = W.astype(np.float64), H.astype(np.float64)
        cross = float((X @ H.T * W).sum())
        return (
            0.5 * float((X.data.astype(np.float64) ** 2).sum())
            - cross
            + 0.5 * float(((W.T @ W) * (H @ H.T)).sum())
        )
    total = 0.0
    for lo in range(0, X.shape[1], 100_000):
        x = X[:, lo : lo + 100_000].astype(np.float64)
        y = W.astype(np.float64) @ H[:, lo : lo + 100_000]
        if row.loss == "kl":
            y = np.maximum(y, 1e-300)
            positive = x > 0
            total += float((x[positive] * np.log(x[positive] / y[positive])).sum())
            total += float((y - x).sum())
        else:
            total += 0.5 * float(((x - y) ** 2).sum())
    return total


_PATIENCE = 15.0  # seconds after which a peer that is not there yet is given up


def _peer_count(row: Row, X: Any, W0: Array, H0: Array, ours: float) -> tuple[int, float, bool]:
    """Iterations until the peer is within 0.1 % of the best, by doubling and halving."""
    low, high = 0, 8
    goal = 1.001 * ours
    best = np.inf
    while True:
        seconds, W, H = _peer_run(row, X, W0, H0, high)
        best = min(best, _loss(row, X, W, H))
        if best <= goal or high >= row.cap or seconds > _PATIENCE:
            break
        low, high = high, min(2 * high, row.cap)
    reached = best <= goal
    while reached and high - low > max(1, high // 4):
        middle = (low + high) // 2
        _, W, H = _peer_run(row, X, W0, H0, middle)
        if _loss(row, X, W, H) <= goal:
            high = middle
        else:
            low = middle
    return high, best, reached


def _first_call(row: Row) -> float:
    X, weights = row.make(np.random.default_rng(0), 0.02)
    began = time.perf_counter()
    nmf(X, row.rank, row.loss, weights=weights, max_iter=2)
    return time.perf_counter() - began


def _triad() -> float:
    """Bytes moved per second by a = b + c over arrays far beyond the caches, one thread."""
    a, b, c = (np.ones(20_000_000, np.float32) for _ in range(3))
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        np.add(b, c, out=a)
        best = min(best, time.perf_counter() - began)
    return 3 * a.nbytes / best / 1e9


if __name__ == "__main__":
    raise SystemExit(main())
