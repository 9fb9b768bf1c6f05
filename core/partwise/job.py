"""What may a running analysis tell, and ask, its surroundings?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from partwise.errors import Cancelled

if TYPE_CHECKING:
    from partwise.result import Part

__all__ = ["Job", "LocalJob", "stop_if_cancelled"]


class Job(Protocol):
    """The surroundings of one run.

    Three verbs (`report`, `snapshot`, `cancelled`) and two facts that came with the request:
    `seed`, from which every random choice follows, and `kept`, the parts that the person locked
    and that stay exactly as they are while the others are found again.
    """

    @property
    def seed(self) -> int: ...

    @property
    def kept(self) -> tuple[Part, ...]: ...

    @property
    def cancelled(self) -> bool:
        """Whether to leave; look once per tile. Leave by raising `Cancelled`."""
        ...

    def report(self, fraction: float, text: str = "") -> None:
        """Say how far the run is, 0 to 1, and what it is doing."""
        ...

    def snapshot(self, parts: Sequence[Part], trace: Sequence[float] = ()) -> None:
        """Show the parts as they stand; passed on at most ten times a second, newest wins."""
        ...


class LocalJob:
    """A job in this process, for the command line, tests and notebooks.

    Parameters
    ----------
    seed : int
    kept : sequence of Part
    on_report : callable, optional
        Called with (fraction, text).
    on_snapshot : callable, optional
        Called with (parts, trace).
    is_cancelled : callable, optional
        Asked for `cancelled`.
    """

    def __init__(
        self,
        seed: int = 0,
        kept: Sequence[Part] = (),
        *,
        on_report: Callable[[float, str], None] | None = None,
        on_snapshot: Callable[[tuple[Part, ...], tuple[float, ...]], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.seed = seed
        self.kept = tuple(kept)
        self._on_report = on_report
        self._on_snapshot = on_snapshot
        self._is_cancelled = is_cancelled

    @property
    def cancelled(self) -> bool:
        return self._is_cancelled is not None and self._is_cancelled()

    def report(self, fraction: float, text: str = "") -> None:
        if self._on_report is not None:
            self._on_report(fraction, text)

    def snapshot(self, parts: Sequence[Part], trace: Sequence[float] = ()) -> None:
        if self._on_snapshot is not None:
            self._on_snapshot(tuple(parts), tuple(trace))


def stop_if_cancelled(job: Job) -> None:
    """Raise `Cancelled` where the person asked to stop; call once per tile."""
    if job.cancelled:
        raise Cancelled
