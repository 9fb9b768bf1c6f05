"""What stands when a run is stopped? A result of what was seen last, that claims no more."""

from __future__ import annotations

import datetime as dt
import math
import platform
from typing import TYPE_CHECKING

import partwise
from partwise.result import Fit, Part, Provenance, Residual, Result, Snapshot, Trust

if TYPE_CHECKING:
    from partwise.jobs.perform import Request

__all__ = ["live_result", "standing_result"]


def standing_result(snapshot: Snapshot, request: Request, version: str, seconds: float) -> Result:
    """Return the parts of a run that was stopped, as they stood.

    What the end of a run computes (fit, residual, stability) is not there and is given as not a
    number, never as a guess.

    Parameters
    ----------
    snapshot : Snapshot
    request : Request
        What was asked.
    version : str
        Of the plugin.
    seconds : float
        From the start to the stop.
    """
    steps = len(snapshot.trace)
    loss = snapshot.trace[-1] if steps else math.nan
    since = f"after {steps:,} step{'s' if steps != 1 else ''} " if steps else ""
    started = dt.datetime.now().astimezone() - dt.timedelta(seconds=seconds)
    source = request.dataset.source
    return Result(
        parts=snapshot.parts,
        residual=Residual(math.nan, "Not computed: the run was stopped."),
        fit=Fit("", loss, math.nan, steps, "cancelled", math.nan, snapshot.trace),
        trust=(
            Trust(
                "stopped",
                None,
                "look",
                "Stopped before the end",
                f"The parts as they stood {since}and {seconds:.1f} s. "
                "Fit, residual and stability were not computed; run again for them.",
            ),
        ),
        views=snapshot.views,
        facts=_common_facts(snapshot.parts),
        provenance=Provenance(
            plugin=request.plugin,
            plugin_version=version,
            analysis=request.analysis,
            parameters=dict(request.parameters),
            seed=request.seed,
            inputs=(source,) if source is not None else (),
            versions={"partwise": partwise.__version__, "python": platform.python_version()},
            started=started.isoformat(timespec="seconds"),
            seconds=seconds,
            stop="cancelled",
            kept=tuple(part.key for part in request.kept),
            start=request.start,
        ),
    )


def live_result(snapshot: Snapshot) -> Result:
    """Return what stands while a run goes on, with no number that only its end computes."""
    loss = snapshot.trace[-1] if snapshot.trace else math.nan
    return Result(
        parts=snapshot.parts,
        residual=Residual(math.nan),
        fit=Fit("", loss, math.nan, len(snapshot.trace), "", math.nan, snapshot.trace),
        views=snapshot.views,
        facts=_common_facts(snapshot.parts),
    )


def _common_facts(parts: tuple[Part, ...]) -> dict[str, object]:
    """What all parts say alike, such as the white that their light is measured against."""
    if not parts:
        return {}
    first, *others = (part.facts for part in parts)
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}
