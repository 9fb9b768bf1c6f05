"""Is a run's provenance complete, and do messages cross whole and leave nothing behind?"""

from __future__ import annotations

import datetime as dt
import errno
import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.fixtures import pebble

from partwise.errors import (
    AnalysisProblem,
    Cancelled,
    FileProblem,
    InputProblem,
    UsageProblem,
    WorkerLost,
)
from partwise.job import LocalJob
from partwise.jobs import shared
from partwise.jobs.perform import Request, perform
from partwise.result import Part


def _request(**parameters: Any) -> Request:
    return Request("pebble", "", pebble.load(pebble.sample()), parameters)


def test_provenance_is_enough_to_get_it_again(tmp_path: Path) -> None:
    reference = tmp_path / "reference.txt"
    reference.write_text("r")
    request = _request(cut=0.25, reference=str(reference))
    about = perform(request, LocalJob(), pebble.registry()).provenance
    assert about is not None
    assert (about.plugin, about.plugin_version, about.analysis) == ("pebble", "1.2.0", "sort")
    assert about.parameters == {
        "cut": 0.25,
        "mode": "plain",
        "pebbles": 1,
        "reference": str(reference),
    }
    assert [Path(i.path).name for i in about.inputs] == ["pebbles.txt", "reference.txt"]
    assert {"python", "partwise", "numpy"} <= about.versions.keys()
    assert dt.datetime.fromisoformat(about.started).tzinfo is not None
    assert about.stop == "converged"


def test_seed_and_kept_parts_are_the_requests_whatever_the_job_says() -> None:
    kept = Part("small", "Mine", "#000000", np.array([7.0, 7.0]))
    dataset = pebble.load(pebble.sample())
    request = Request("pebble", "sort", dataset, {}, seed=4, kept=(kept,))
    result = perform(request, LocalJob(seed=9), pebble.registry())
    assert result.parts[1] is kept
    assert result.provenance is not None
    assert result.provenance.kept == ("small",)
    other = perform(Request("pebble", "", dataset, {}, seed=9), LocalJob(4), pebble.registry())
    assert not np.array_equal(result.parts[0].profile, other.parts[0].profile)


def test_an_unexpected_error_keeps_its_cause() -> None:
    with pytest.raises(AnalysisProblem, match="grains overflow") as caught:
        perform(_request(mode="raise"), LocalJob(), pebble.registry())
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_numbers_that_are_not_finite_are_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pebble.Analysis.run

    def broken(*arguments: Any) -> Any:
        result = whole(*arguments)
        result.parts[0].profile[0] = np.nan
        return result

    monkeypatch.setattr(pebble.Analysis, "run", broken)
    with pytest.raises(AnalysisProblem, match="no finite numbers"):
        perform(_request(), LocalJob(), pebble.registry())


def test_a_cancelled_job_is_cancelled() -> None:
    with pytest.raises(Cancelled):
        perform(_request(), LocalJob(is_cancelled=lambda: True), pebble.registry())


@pytest.mark.parametrize(
    "problem",
    [
        InputProblem("what", argument="x", fix="fix"),
        FileProblem("/a/b", "what", fix="fix"),
        UsageProblem("what", fix="fix"),
        AnalysisProblem("what"),
        WorkerLost("what", fix="fix"),
        Cancelled(),
    ],
)
def test_problems_cross_to_another_process_unchanged(problem: Exception) -> None:
    back = pickle.loads(pickle.dumps(problem))
    assert type(back) is type(problem)
    assert str(back) == str(problem)
    assert vars(back) == vars(problem)


# --- shared memory ---------------------------------------------------------------------------


def _blocks() -> set[str]:
    return (
        {p.name for p in Path("/dev/shm").glob(f"pw{os.getpid():x}-*")}
        if sys.platform == "linux"
        else set()
    )


@pytest.fixture(scope="module")
def ends() -> Iterator[tuple[shared.Channel, shared.Channel]]:
    one, two = multiprocessing.Pipe()
    a, b = shared.new_name(), shared.new_name()
    before = _blocks()
    first, second = shared.Channel(one, a, b), shared.Channel(two, b, a)
    yield first, second
    first.sweep()
    second.sweep()
    assert _blocks() == before


@given(
    st.lists(
        hnp.arrays(
            st.sampled_from([np.float64, np.float32, np.uint8, np.bool_]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6),
        ),
        max_size=4,
    ),
    st.integers(0, 60_000),
)
def test_any_arrays_cross_unchanged(
    ends: tuple[shared.Channel, shared.Channel], arrays: list[Any], extra: int
) -> None:
    sent = [*arrays, np.arange(extra), {"f": np.asfortranarray(np.ones((3, extra % 7)))}]
    ends[0].send(sent)
    back = ends[1].receive()
    for one, other in zip(sent[:-1], back[:-1], strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
        assert other.flags.writeable
    assert back[-1]["f"].flags.f_contiguous


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="blocks cannot be claimed here")
def test_without_room_for_a_block_arrays_go_through_the_pipe(
    ends: tuple[shared.Channel, shared.Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = _blocks()
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        ends[0].send(np.arange(7_000.0))
        assert _blocks() == before
    ends[0].send(np.arange(8_000.0))
    for size in (7_000, 8_000):
        np.testing.assert_array_equal(ends[1].receive(), np.arange(float(size)))


def test_what_was_not_read_is_swept() -> None:
    before = _blocks()
    one, two = multiprocessing.Pipe()
    a, b = shared.new_name(), shared.new_name()
    first, second = shared.Channel(one, a, b), shared.Channel(two, b, a)
    first.send(np.zeros(100_000))
    second.send(np.zeros(100_000))
    if sys.platform == "linux":
        assert len(_blocks() - before) == 2
    first.sweep()  # the survivor frees both directions
    assert _blocks() == before
    two.close()
