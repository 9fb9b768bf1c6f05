"""What do missing entries, weights, penalties and robust losses cost?

    python tests/bench/weights.py

Prints, for each shape, the seconds of one iteration without anything special
and the ratio of the others to it: the same solver where it takes both, and
"auto" for the plain fit beside it. Medians of interleaved repeats. The goal for
gaps and weights of any pattern is a ratio of at most 3 to the same solver.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from partwise.engine.fit import nmf
from partwise.engine.loss import Huber
from partwise.engine.penalties import Simplex, Smooth, TotalVariation
from partwise.engine.penalty import L1

Array = np.ndarray[Any, Any]
SHAPES = {
    "16 x 40,000, rank 5": (16, 40_000, 5),
    "40 x 60,000, rank 4": (40, 60_000, 4),
    "600 x 1,000, rank 10": (600, 1000, 10),
}
REPEATS = 5
STEPS = 10


def data(m: int, n: int, rank: int) -> Array:
    rng = np.random.default_rng(0)
    X = rng.random((m, rank)) @ rng.gamma(0.7, 1.0, (rank, n)) + 0.05 * rng.random((m, n))
    return (X + 1e-3).astype(np.float32)


def cases(X: Array, rank: int) -> dict[str, Callable[[int], object]]:
    rng = np.random.default_rng(1)
    m, n = X.shape
    gap = np.where(rng.random((m, n)) < 0.1, np.float32(np.nan), X)
    table = rng.uniform(0.5, 2, (m, n))
    rows = rng.uniform(0.5, 2, (m, 1))
    init = rng.random((m, rank)), rng.random((rank, n))

    def fit(Y: Array, **options: Any) -> Callable[[int], object]:
        return lambda steps: nmf(Y, rank, init=init, tol=0, max_iter=steps, **options)

    return {
        "hals": fit(X, solver="hals"),
        "hals, weights per row": fit(X, solver="hals", weights=rows),
        "hals, gaps": fit(gap, solver="hals"),
        "hals, weights of any pattern": fit(X, solver="hals", weights=table),
        "kl": fit(X, loss="kl", solver="mu"),
        "kl, gaps": fit(gap, loss="kl", solver="mu"),
        "kl, weights of any pattern": fit(X, loss="kl", solver="mu", weights=table),
        "hals, huber": fit(X, solver="hals", loss=Huber(0.1)),
        "hals, smooth H": fit(X, solver="hals", penalty_H=Smooth(1.0)),
        "hals, total variation": fit(X, solver="hals", penalty_H=TotalVariation(0.1)),
        "hals, L1 and gaps": fit(gap, solver="hals", penalty_H=L1(0.1)),
        "hals, simplex": fit(X, solver="hals", constraint_H=Simplex()),
    }


def seconds(run: Callable[[int], object]) -> float:
    """One iteration: the difference of a long and a short fit, so that starting is not counted."""
    began = time.perf_counter()
    run(2)
    middle = time.perf_counter()
    run(2 + STEPS)
    return max((time.perf_counter() - middle - (middle - began)) / STEPS, 1e-7)


def main() -> None:
    for title, (m, n, rank) in SHAPES.items():
        X = data(m, n, rank)
        asked = cases(X, rank)
        for run in asked.values():
            run(2)
        found: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(REPEATS):
            for name, run in asked.items():
                found[name].append(seconds(run))
        print(f"\n{title}")
        for name, times in found.items():
            base = found["kl" if name.startswith("kl") else "hals"]
            ratio = np.median(np.array(times) / np.array(base))
            print(f"  {name:32} {1000 * np.median(times):8.2f} ms  {ratio:6.2f} x")


if __name__ == "__main__":
    main()
