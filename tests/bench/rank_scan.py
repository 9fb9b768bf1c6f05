"""Prints how long it takes to choose a rank and to bound its parts.

    python tests/bench/rank_scan.py [--starts 50] [--ranks 12] [--samples 40000]

The data are simulated muscle envelopes, 16 muscles by default 40,000 samples
(200 gait cycles), with 5 planted synergies; and one walker of 30 cycles. For
each piece the wall and processor seconds are printed, and for the intervals how
often they hold what the fit of 1,000 cycles gives.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from partwise.engine import bootstrap, match_parts, nmf, rank_scan, uniqueness

Array = np.ndarray[Any, Any]
_MUSCLES, _SYNERGIES, _PHASES = 16, 5, 200


def _walk(cycles: int, seed: int, wobble: float = 0.2) -> Array:
    """Envelopes (muscles, cycles * phases) whose synergies differ a little each cycle."""
    W = np.random.default_rng(99).gamma(0.5, 1.0, (_MUSCLES, _SYNERGIES))
    rng = np.random.default_rng(seed)
    phase = np.arange(_PHASES) / _PHASES
    centre = (np.arange(_SYNERGIES) + 0.5)[:, None] / _SYNERGIES
    bursts = np.exp(8 * (np.cos(2 * np.pi * (phase - centre)) - 1))
    runs = [
        (W * rng.lognormal(0, wobble, W.shape)) @ (bursts * rng.uniform(0.5, 1.5, (_SYNERGIES, 1)))
        for _ in range(cycles)
    ]
    noisy = np.concatenate(runs, axis=1)
    noisy *= rng.gamma(50, 1 / 50, noisy.shape)
    return noisy.astype(np.float32)


def _timed(name: str, work: Callable[[], Any]) -> Any:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:<58}{wall:8.1f} s wall{cpu:8.1f} s cpu", flush=True)
    return answer


def _coverage(level: float) -> float:
    many = nmf(_walk(1000, 1), _SYNERGIES, starts=3).W
    held = []
    for seed in range(10, 18):
        X = _walk(30, seed)
        fit = nmf(X, _SYNERGIES, starts=3)
        cycle = np.repeat(np.arange(30), _PHASES)
        doubt = bootstrap(X, fit, groups=cycle, level=level, intervals_H=False, seed=seed)
        order = match_parts(many, fit.W).permutation
        inside = (doubt.W_low[:, order] <= many) & (many <= doubt.W_high[:, order])
        held.append(inside[many > 0.02].mean())
    return float(np.mean(held))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=50)
    parser.add_argument("--ranks", type=int, default=12)
    parser.add_argument("--samples", type=int, default=40_000)
    asked = parser.parse_args()
    X = _walk(max(2, asked.samples // _PHASES), 0)
    rank_scan(X[:, :600], 4, starts=2)  # compile, or fetch from the cache
    title = f"{X.shape[0]} x {X.shape[1]}, ranks 1-{asked.ranks}, {asked.starts} starts"
    for held in (0.0, 0.1):
        scan = _timed(
            f"{title}, held out {held:g}",
            partial(rank_scan, X, asked.ranks, starts=asked.starts, heldout=held),
        )
    print("rank      ", *(f"{r:7d}" for r in scan.rank))
    for name in ("r2", "vaf", "stability", "chance", "cophenetic", "heldout"):
        print(f"{name:<10}", *(f"{value:7.4f}" for value in getattr(scan, name)))
    print(*scan.words, sep="\n")
    walker = _walk(30, 2)
    cycle = np.repeat(np.arange(30), _PHASES)
    fit = _timed("one walker: 5 parts, 20 starts", lambda: nmf(walker, _SYNERGIES, starts=20))
    _timed("one walker: ranks 1-10, 5 starts", lambda: rank_scan(walker, 10, starts=5))
    _timed("one walker: 200 resamples, W and H", lambda: bootstrap(walker, fit, groups=cycle))
    seen = _timed("one walker: uniqueness, 20 starts", lambda: uniqueness(walker, fit))
    print(seen.text)
    print(f"95 % intervals hold the fit of 1,000 cycles in {100 * _coverage(0.95):.0f} %")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
