"""Prints what a cluster of processes on this machine adds to one, and that no bit differs.

python tests/bench/cluster.py [--columns 20000000] [--workers 2]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))  # workers import the stream by its name

from blocks import columns  # type: ignore[import-not-found]  # a script beside this one

from partwise.engine.blocks import ColumnBlocks, nmf_blocks
from partwise.jobs.cluster import cluster_nmf, connected


def main() -> int:
    """Factor the same stream twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=20_000_000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    source = ColumnBlocks(3, asked.columns, columns)
    began = time.perf_counter()
    here = nmf_blocks(source, 2, max_iter=5)
    alone = time.perf_counter() - began
    with connected(workers=asked.workers) as client:
        client.run(sys.path.insert, 0, str(Path(__file__).parent))
        cluster_nmf(client, source, 2, max_iter=1)  # workers import and compile
        began = time.perf_counter()
        there = cluster_nmf(client, source, 2, max_iter=5)
        together = time.perf_counter() - began
    same = np.array_equal(here.W, there.W) and np.array_equal(here.trace, there.trace)
    print(f"one process {alone:.2f} s, {asked.workers} workers {together:.2f} s, same bits: {same}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
