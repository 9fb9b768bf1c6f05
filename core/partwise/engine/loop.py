"""What is alike in every fit, whatever is fitted? Trace, report, stop, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import is_whole
from partwise.engine.stop import Clock, Rule, said_no

__all__ = ["Driven", "OnStep", "Step", "Stepper", "drive", "drive_starts", "rule_for"]

Array = NDArray[Any]


class Stepper(Protocol):
    """Something that can take one step, and keeps its objective from rising."""

    def value(self) -> float:
        """Objective where it stands before the first step."""

    def step(self, show: bool) -> float:
        """Move on and return the objective; `factors` must be current if `show`."""

    def kkt(self) -> float:
        """Optimality residual as far as it is known, infinite if it is not."""

    def factors(self) -> tuple[Any, ...]:
        """The factors in the user's terms, the dictionary first and the courses last."""


@runtime_checkable
class Rehearsing(Protocol):
    """A stepper that finds its way on a sample before it takes a step."""

    def rehearse(self) -> Iterator[None]:
        """Go on with the sample, a step for each round."""

    def look(self) -> float:
        """Bring the factors up to where the sample has come; return the objective there."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a running fit shows: at most every 50 ms, without copying anything.

    `factors` holds read-only views of all working factors, which hold good
    until the callback returns; `W` is the first of them and `H` the last. Their
    scale is not the canonical one of the result.
    """

    iteration: int
    objective: float
    factors: tuple[Any, ...]
    start: int = 0
    seconds: float = 0.0

    @property
    def W(self) -> Any:  # noqa: N802 - the name in the literature
        return self.factors[0]

    @property
    def H(self) -> Any:  # noqa: N802 - the name in the literature
        return self.factors[-1]


OnStep = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Driven:
    """How one run went: objective before and after each step, and why it ended."""

    trace: NDArray[np.float64]
    stop: str

    @property
    def objective(self) -> float:
        return float(self.trace[-1])

    @property
    def iterations(self) -> int:
        return len(self.trace) - 1


_Some = TypeVar("_Some", bound=Stepper)


def drive(
    stepper: Stepper, rule: Rule, clock: Clock, on_step: OnStep | None = None, start: int = 0
) -> Driven:
    """Let `stepper` run from where it stands until there is a reason to stop."""
    ended = _rehearsed(stepper, clock, on_step, start)
    if ended is not None:
        return ended
    trace = [stepper.value()]
    stop = "max_iter"
    for iteration in range(1, rule.max_iter + 1):
        show = on_step is not None and clock.due
        trace.append(stepper.step(show))
        if show and on_step is not None:
            if said_no(_told(on_step, stepper, iteration, trace[-1], start, clock)):
                stop = "cancelled"
                break
            clock.reported()
        if rule.met(trace, stepper.kkt()):
            stop = "converged"
            break
        if clock.over:
            stop = "max_seconds"
            break
    return Driven(np.array(trace), stop)


def _told(
    on_step: OnStep, stepper: Stepper, iteration: int, objective: float, start: int, clock: Clock
) -> object:
    factors = tuple(_locked(F) for F in stepper.factors())
    return on_step(Step(iteration, objective, factors, start, clock.seconds))


def _rehearsed(stepper: Stepper, clock: Clock, on_step: OnStep | None, start: int) -> Driven | None:
    """Let a solver that begins on a sample do so; the outcome if the run ends there.

    What is shown meanwhile is exact: the sample's dictionary on all of the
    data, as iteration 0. It may rise, since a sample knows little of the whole,
    and does not enter the trace.
    """
    if not isinstance(stepper, Rehearsing):
        return None
    for _ in stepper.rehearse():
        stop = "max_seconds" if clock.over else ""
        if not stop and on_step is not None and clock.due:
            objective = stepper.look()
            if said_no(_told(on_step, stepper, 0, objective, start, clock)):
                stop = "cancelled"
            clock.reported()
        if stop:
            return Driven(np.array([stepper.look()]), stop)
    return None


def drive_starts(
    begin: Callable[[int], _Some],
    starts: int,
    rule: Rule,
    clock: Clock,
    on_step: OnStep | None = None,
) -> tuple[_Some, Driven, tuple[float, ...]]:
    """Drive ``begin(0), begin(1), …`` and keep the one that got lowest.

    Returns
    -------
    stepper, driven, reached
        The best, how it went, and the objective that every start reached. If
        the budget or the person ended a later start, `stop` says so.
    """
    best: tuple[_Some, Driven] | None = None
    reached: list[float] = []
    for start in range(starts):
        stepper = begin(start)
        driven = drive(stepper, rule, clock, on_step, start)
        reached.append(driven.objective)
        if best is None or driven.objective < best[1].objective:
            best = stepper, driven
        if driven.stop in ("cancelled", "max_seconds"):
            best = best[0], replace(best[1], stop=driven.stop)
            break
    assert best is not None  # starts >= 1, see `rule_for`
    return *best, tuple(reached)


def rule_for(tol: float, max_iter: int, max_seconds: float | None, starts: int) -> Rule:
    """Check the budgets of a fit and return its rule.

    Raises
    ------
    InputProblem
        Naming the budget that makes no sense.
    """
    if not (_is_number(tol) and np.isfinite(tol) and tol >= 0):
        raise InputProblem(f"tol must be 0 or more, got {tol}", argument="tol", fix="try 1e-5")
    for name, number in (("max_iter", max_iter), ("starts", starts)):
        if not is_whole(number, 1):
            raise InputProblem(
                f"{name} must be a whole number of at least 1, got {number}",
                argument=name,
                fix="use 1 or more",
            )
    if max_seconds is not None and not (_is_number(max_seconds) and max_seconds > 0):
        raise InputProblem(
            f"max_seconds must be above 0, got {max_seconds}",
            argument="max_seconds",
            fix="leave it out for no limit",
        )
    return Rule(tol, int(max_iter))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


def _locked(F: Any) -> Any:
    if isinstance(F, list | tuple):
        return tuple(_locked(one) for one in F)
    if F is None:
        return None
    view = F.view()
    view.flags.writeable = False
    return view
