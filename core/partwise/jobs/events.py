"""What does a worker say? Events, each under the number of the request that it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# Names alone: the worker says how modest it is before anything imports numpy.
if TYPE_CHECKING:
    from partwise.result import Result, Snapshot  # noqa: TC004 - annotations are never read

__all__ = [
    "Beat",
    "Began",
    "CancelledRun",
    "Event",
    "Failed",
    "Finished",
    "Preparing",
    "Progress",
    "Quiet",
    "Ready",
    "Snapshotted",
    "Unprepared",
    "Warm",
]


@dataclass(frozen=True, eq=False)
class Event:
    """Something that the worker says; `generation` is the number that `submit` returned."""

    generation: int


@dataclass(frozen=True, eq=False)
class Ready(Event):
    """The process takes requests; `generation` is 0."""


@dataclass(frozen=True, eq=False)
class Unprepared(Event):
    """Loops that runs need are still to be compiled; kept to ourselves."""


@dataclass(frozen=True, eq=False)
class Preparing(Event):
    """While nothing runs, a process compiles loops for the runs to come; `generation` is 0.

    `Worker.leave_cold` ends it. So does a run, and after the run it goes on.
    """


@dataclass(frozen=True, eq=False)
class Warm(Event):
    """No loop of our own analyses is left to compile; `generation` is 0."""


@dataclass(frozen=True, eq=False)
class Began(Event):
    """The process has taken the request up."""


@dataclass(frozen=True, eq=False)
class Beat(Event):
    """The process lives; kept to ourselves."""


@dataclass(frozen=True, eq=False)
class Quiet(Event):
    """The process gives no sign of life, for `seconds` now; it may be in a long step, or hang.

    Said once; any later event of the run says that it goes on. `Worker.cancel` ends it.
    """

    seconds: float


@dataclass(frozen=True, eq=False)
class Progress(Event):
    """How far the run is, 0 to 1, and what it is doing."""

    fraction: float
    text: str


@dataclass(frozen=True, eq=False)
class Snapshotted(Event):
    """The parts as they stand."""

    snapshot: Snapshot


@dataclass(frozen=True, eq=False)
class Finished(Event):
    """The answer."""

    result: Result


@dataclass(frozen=True, eq=False)
class Failed(Event):
    """No answer: an `InputProblem`, `AnalysisProblem`, `UsageProblem` or `WorkerLost`.

    `trace` is the traceback for the log.
    """

    problem: Exception
    trace: str = ""


@dataclass(frozen=True, eq=False)
class CancelledRun(Event):
    """The run left early, as asked."""
