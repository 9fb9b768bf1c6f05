"""Are loops fetched while nobody waits, and compiled by a process that steps aside for a run?"""

from __future__ import annotations

import dataclasses
import os
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import pebble

from partwise.jobs import warm
from partwise.jobs import worker as w
from partwise.jobs.perform import Request
from partwise.plugins.registry import Registry

_PATIENCE_S = 60


class _Chilly(pebble.Analysis):
    """Its loops are on disk once the file named by the environment is there."""

    def warm_up(self) -> None:
        mark = Path(os.environ["COLD_UNTIL"])
        if mark.exists():
            return
        if threading.current_thread() is not threading.main_thread():
            raise warm.Cold
        if mark.name == "never":
            threading.Event().wait()
        mark.touch()


def registry() -> Registry:
    here = "tests.core.jobs.test_warm:_Chilly"
    return Registry([dataclasses.replace(pebble.PLUGIN, analyses=(here,))])


@pytest.fixture
def heard() -> queue.Queue[w.Event]:
    return queue.Queue()


@pytest.fixture
def worker(heard: queue.Queue[w.Event]) -> Iterator[w.Worker]:
    made = w.Worker(heard.put, registry="tests.core.jobs.test_warm:registry")
    yield made
    made.close()


def _next(heard: queue.Queue[w.Event], *kinds: type[w.Event]) -> w.Event:
    while True:
        event = heard.get(timeout=_PATIENCE_S)
        if isinstance(event, kinds):
            return event


def test_what_is_not_on_disk_is_compiled_by_another_process_and_told(
    worker: w.Worker,
    heard: queue.Queue[w.Event],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLD_UNTIL", str(tmp_path / "soon"))
    worker.start()
    assert isinstance(_next(heard, w.Preparing, w.Warm), w.Preparing)
    _next(heard, w.Warm)
    assert (tmp_path / "soon").exists()


def test_a_run_goes_before_what_is_prepared_which_can_be_ended(
    worker: w.Worker,
    heard: queue.Queue[w.Event],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLD_UNTIL", str(tmp_path / "never"))
    request = Request("pebble", "", pebble.load(pebble.sample()))
    worker.start()
    _next(heard, w.Preparing)
    worker.submit(request)
    _next(heard, w.Finished)
    _next(heard, w.Preparing)  # it goes on where it was
    worker.leave_cold()
    worker.submit(request)
    assert isinstance(_next(heard, w.Finished, w.Preparing, w.Warm), w.Finished)


def test_steps_are_taken_until_one_is_cold() -> None:
    taken: list[str] = []

    def step(name: str, problem: type[Exception] | None = None) -> Callable[[], object]:
        def take() -> None:
            taken.append(name)
            if problem is not None:
                raise problem

        return take

    answers: queue.Queue[bool] = queue.Queue()
    todo = [step("broken", ValueError), step("fine"), step("cold", warm.Cold), step("later")]
    warm.Warming(todo, lambda: True, answers.put).start()
    assert answers.get(timeout=_PATIENCE_S) is False
    assert taken == ["broken", "fine", "cold"]
    warm.Warming(todo[:2], lambda: True, answers.put).start()
    assert answers.get(timeout=_PATIENCE_S) is True


def _one_more(x: float) -> float:
    return x + 1


def test_a_loop_that_a_listener_refuses_is_not_compiled() -> None:
    import numba

    told: list[bool] = []

    def tell(on: bool) -> None:
        told.append(on)
        if refusing:
            raise warm.Cold

    inner: Any = numba.njit(_one_more)
    outer: Any = numba.njit(lambda x: inner(x) * 2)
    refusing = True
    end = warm.on_compiling(tell)
    try:
        with pytest.raises(warm.Cold):
            outer(1.0)
        assert not outer.signatures
        refusing = False
        told.clear()
        assert outer(1.0) == 4.0
        assert told == [True, False]  # once, though two were compiled
    finally:
        end()
