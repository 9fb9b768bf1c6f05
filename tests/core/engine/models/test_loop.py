"""The loop that all models share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from partwise.engine import InputProblem
from partwise.engine.loop import drive, drive_starts, rule_for
from partwise.engine.stop import Clock, Rule


class _Halving:
    """Halves its objective at every step, or divides it by another number."""

    def __init__(self, value: float, residual: float = np.inf, by: float = 2.0) -> None:
        self._value, self._residual, self._by = value, residual, by
        self.steps = 0

    def value(self) -> float:
        return self._value

    def step(self, show: bool) -> float:
        self.steps += 1
        self._value /= self._by
        return self._value

    def kkt(self) -> float:
        return self._residual

    def factors(self) -> tuple[Any, ...]:
        return [np.ones(2), None], np.zeros(3)


def test_the_trace_holds_the_start_and_every_step() -> None:
    driven = drive(_Halving(8.0), Rule(0.0, 3), Clock(None))
    assert driven.trace.tolist() == [8, 4, 2, 1]
    assert (driven.stop, driven.iterations, driven.objective) == ("max_iter", 3, 1.0)


def test_it_ends_for_the_reason_it_says() -> None:
    settled = drive(_Halving(8.0, 0.1, by=1.0), Rule(0.2, 99), Clock(None))
    assert (settled.iterations, settled.stop) == (1, "converged")
    assert drive(_Halving(0.0), Rule(0.0, 99), Clock(None)).stop == "converged"
    assert drive(_Halving(8.0), Rule(0.0, 99), Clock(1e-12)).stop == "max_seconds"
    seen: list[Any] = []

    def no(step: Any) -> bool:
        seen.append(step)
        return False

    assert drive(_Halving(8.0), Rule(0.0, 99), Clock(None), no, start=4).stop == "cancelled"
    (step,) = seen
    assert (step.iteration, step.objective, step.start) == (1, 4.0, 4)
    assert isinstance(step.W, tuple)
    with pytest.raises(ValueError, match="read-only"):
        step.H[0] = 1


def test_a_small_residual_ends_nothing_while_the_objective_still_falls() -> None:
    assert drive(_Halving(8.0, 0.1), Rule(0.2, 30), Clock(None)).stop == "max_iter"
    assert drive(_Halving(8.0, 0.001), Rule(0.2, 30), Clock(None)).iterations == 1


def test_reports_wait_for_their_time() -> None:
    clock = Clock(None, every=1e9)
    seen: list[int] = []
    drive(_Halving(8.0), Rule(0.0, 50), clock, lambda step: seen.append(step.iteration))
    assert seen == [1]


def test_the_lowest_start_is_kept_and_a_cut_is_said() -> None:
    values = [4.0, 1.0, 9.0]
    best, driven, reached = drive_starts(
        lambda start: _Halving(values[start]), 3, Rule(0.0, 2), Clock(None)
    )
    assert reached == (1.0, 0.25, 2.25)
    assert driven.objective == best.value() == 0.25
    told: list[int] = []

    def in_the_second(step: Any) -> bool:
        told.append(step.start)
        return step.start == 0

    _, driven, reached = drive_starts(
        lambda start: _Halving(values[2 - start]),
        3,
        Rule(0.0, 2),
        Clock(None, every=0.0),
        in_the_second,
    )
    assert driven.stop == "cancelled"
    assert len(reached) == 2


def test_budgets_are_checked() -> None:
    assert rule_for(0.0, 5, None, 1) == Rule(0.0, 5)
    for arguments, name in (
        ((float("nan"), 5, None, 1), "tol"),
        ((1e-5, 1.5, None, 1), "max_iter"),
        ((1e-5, 5, -1.0, 1), "max_seconds"),
        ((1e-5, 5, None, 0), "starts"),
    ):
        with pytest.raises(InputProblem) as caught:
            rule_for(*arguments)
        assert caught.value.argument == name
