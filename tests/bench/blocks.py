"""Prints what it takes to factor an optical-density stream that is never in memory.

    python tests/bench/blocks.py [--columns 400000000]

Three rows and as many columns as asked for, made on the fly from their number,
so that nothing is read from a disk. `making` is the time of making them alone.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np

from partwise.engine.blocks import ColumnBlocks, nmf_blocks

Array = np.ndarray[Any, Any]
_STAINS = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]], np.float32)
_PERIOD = 1 << 20
_RNG = np.random.default_rng(0)
# A period of amounts with noise; where it stands shifts, so that blocks differ.
_AMOUNTS = (_RNG.gamma(1.2, 0.3, (2, _PERIOD)) * (_RNG.random((2, _PERIOD)) > 0.3)).astype(
    np.float32
)
_NOISE = _RNG.normal(0, 0.02, (3, _PERIOD + 4096)).astype(np.float32)


def columns(start: int, stop: int) -> Array:
    """Columns start:stop of the stream, from their number alone."""
    X = np.empty((3, stop - start), np.float32)
    at = start
    while at < stop:
        period, lo = divmod(at, _PERIOD)
        hi = min(_PERIOD, lo + stop - at)
        part = X[:, at - start : at - start + hi - lo]
        np.matmul(_STAINS, _AMOUNTS[:, lo:hi], out=part)
        shift = period % 4096
        part += _NOISE[:, lo + shift : hi + shift]
        np.maximum(part, 0, out=part)
        at += hi - lo
    return X


def main() -> int:
    """Factor the stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=400_000_000)
    asked = parser.parse_args()
    source = ColumnBlocks(3, asked.columns, columns)
    began = time.perf_counter()
    step = 1 << 22
    few = range(0, min(asked.columns, 4 * step), step)
    for start in few:
        columns(start, min(start + step, asked.columns))
    making = (time.perf_counter() - began) / min(asked.columns, 4 * step) * asked.columns
    began = time.perf_counter()
    fit = nmf_blocks(source, 2, seed=0)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"3 x {asked.columns:,} float32, {asked.columns * 12 / 1e9:.1f} GB if it were stored")
    print(
        f"{seconds:.1f} s in {fit.passes} passes (making the columns: {making:.1f} s a pass), "
        f"{fit.stop}, kkt {fit.kkt:.1e}, loss {fit.loss / asked.columns:.3e} a column"
    )
    print(f"most memory held: {peak:.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
