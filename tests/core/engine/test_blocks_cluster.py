"""Does a cluster give the numbers of one process?"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest

from partwise.engine import InputProblem
from partwise.engine.blocks import ColumnBlocks, nmf_blocks
from partwise.jobs.cluster import cluster_nmf, connected


def columns(start: int, stop: int) -> np.ndarray[Any, Any]:
    at = np.arange(start, stop)
    H = np.stack([np.sin(at * 0.37) ** 2, np.cos(at * 0.011) ** 2])
    W = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
    # No product by BLAS: with other threads it may give other bits.
    X = W[:, :1] * H[:1] + W[:, 1:] * H[1:] + 0.01 * np.sin(at * 1.7) ** 2
    return np.asarray(X, dtype=np.float32)


def test_workers_send_sums_that_add_up_to_the_same_bits() -> None:
    pytest.importorskip("distributed", reason="the optional package distributed is not installed")
    source = ColumnBlocks(3, 600_000, columns, block_bytes=180_000 * 12)
    here = nmf_blocks(source, 2, max_iter=4)
    with warnings.catch_warnings():
        # Its own shutdown leaves sockets to the collector.
        warnings.simplefilter("ignore", ResourceWarning)
        with connected(workers=1) as client:
            there = cluster_nmf(client, source, 2, max_iter=4)
    np.testing.assert_array_equal(there.W, here.W)
    np.testing.assert_array_equal(there.trace, here.trace)


def test_a_missing_package_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputProblem, match="pip install distributed"), connected():
        pass
