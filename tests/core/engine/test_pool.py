"""Blocks of work: each is done once, also from within a block, and errors come out."""

from __future__ import annotations

import numpy as np
import pytest

from partwise.engine.pool import blocks, limit_threads, run_blocks


def test_every_block_is_done_once_by_any_number_of_threads() -> None:
    cuts = blocks(1000, 7)
    for threads in (1, 2, 5):
        done = np.zeros(1000, int)

        def work(slot: int, lo: int, hi: int, done: np.ndarray = done) -> None:
            done[lo:hi] += 1

        with limit_threads(threads):
            run_blocks(work, cuts)
        assert (done == 1).all()


@pytest.mark.timeout(30)
def test_blocks_may_be_run_from_within_a_block() -> None:
    inner = np.zeros((40, 40), int)

    def outside(slot: int, lo: int, hi: int) -> None:
        def inside(place: int, low: int, high: int) -> None:
            inner[slot, low:high] += 1

        run_blocks(inside, blocks(40, 1))

    with limit_threads(4):
        run_blocks(outside, blocks(40, 1))
    assert (inner == 1).all()


def test_an_error_in_a_block_is_not_lost() -> None:
    def work(slot: int, lo: int, hi: int) -> None:
        if slot == 3:
            raise ValueError("slot 3")

    with limit_threads(3), pytest.raises(ValueError, match="slot 3"):
        run_blocks(work, blocks(64, 1))
