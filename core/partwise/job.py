"""What may a running analysis tell, and ask, its surroundings?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from partwise.errors import Cancelled

if TYPE_CHECKING:
    from partwise.result import Part, View

__all__ = ["Job", "LocalJob", "stop_if_cancelled"]


class Job(Protocol):
    """The surroundings of one run.

    Three verbs (`report`, `snapshot`, `cancelled`) and three facts that came with the request:
    `seed`, from which every random choice follows; `kept`, the parts that the person locked and
    that stay exactly as they are while the others are found again; and `start`, the parts to begin
    from, as they stood when a run was stopped or as a hand corrected, joined or split them.
    Both may be empty, and a part may be in both. An analysis that finds `start` begins there; see
    `partwise.api.start_factors`.
    """

    @property
    def seed(self) -> int: ...

    @property
    def kept(self) -> tuple[Part, ...]: ...

    @property
    def start(self) -> tuple[Part, ...]: ...

    @property
    def cancelled(self) -> bool:
        """Whether to leave; look once per tile. Leave by raising `Cancelled`."""
        ...

    def report(self, fraction: float, text: str = "") -> None:
        """Say how far the run is, 0 to 1, and what it is doing."""
        ...

    def snapshot(
        self, parts: Sequence[Part], trace: Sequence[float] = (), views: Sequence[View] = ()
    ) -> None:
        """Show the parts as they stand; passed on at most ten times a second, newest wins.

        `views` are drawn in place of those of the result before, kind by kind and in their order;
        without them the stage draws what follows from the parts. Parts that are only tried, while
        their number is sought, carry the fact ``tried``: a run that is stopped then is not gone on
        from.
        """
        ...


class LocalJob:
    """A job in this process, for the command line, tests and notebooks.

    Parameters
    ----------
    seed : int
    kept, start : sequence of Part
    on_report : callable, optional
        Called with (fraction, text).
    on_snapshot : callable, optional
        Called with (parts, trace).
    on_views : callable, optional
        Called with the views of a snapshot that has some.
    is_cancelled : callable, optional
        Asked for `cancelled`.
    """

    def __init__(
        self,
        seed: int = 0,
        kept: Sequence[Part] = (),
        start: Sequence[Part] = (),
        *,
        on_report: Callable[[float, str], None] | None = None,
        on_snapshot: Callable[[tuple[Part, ...], tuple[float, ...]], None] | None = None,
        on_views: Callable[[tuple[View, ...]], None] | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.seed = seed
        self.kept = tuple(kept)
        self.start = tuple(start)
        self._on_report = on_report
        self._on_snapshot = on_snapshot
        self._on_views = on_views
        self._is_cancelled = is_cancelled

    @property
    def cancelled(self) -> bool:
        return self._is_cancelled is not None and self._is_cancelled()

    def report(self, fraction: float, text: str = "") -> None:
        if self._on_report is not None:
            self._on_report(fraction, text)

    def snapshot(
        self, parts: Sequence[Part], trace: Sequence[float] = (), views: Sequence[View] = ()
    ) -> None:
        if self._on_snapshot is not None:
            self._on_snapshot(tuple(parts), tuple(trace))
        if views and self._on_views is not None:
            self._on_views(tuple(views))


def stop_if_cancelled(job: Job) -> None:
    """Raise `Cancelled` where the person asked to stop; call once per tile."""
    if job.cancelled:
        raise Cancelled
