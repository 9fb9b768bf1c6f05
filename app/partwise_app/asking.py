"""What is asked of the next run? A request from what stands: parameters, locks, a beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from partwise_app import resolve, steering

if TYPE_CHECKING:
    from partwise.jobs.perform import Request
    from partwise.project.document import Run, Strip
    from partwise_app.filework import Opened

__all__ = ["request_of"]


def request_of(
    opened: Opened,
    values: Mapping[str, Any],
    run: Run | None,
    strips: Sequence[Strip],
    part_strips: Sequence[Strip],
    *,
    anew: bool = False,
    from_here: bool = False,
    split: str = "",
) -> Request:
    """Return the request for a run of an input.

    Parameters
    ----------
    opened : Opened
    values : mapping
        Parameters as the form shows them.
    run : Run or None
        The run that is looked at.
    strips, part_strips : sequence of Strip
        Its strips as in the mixer, and one per part.
    anew : bool
        Whether to begin from nothing, whatever stands.
    from_here : bool
        Whether parts that were corrected by hand stay as they were put, as locked ones do.
    split : str
        Key of a part that is to become two.
    """
    from partwise.jobs.perform import Request

    kept = resolve.kept_parts(run, part_strips, corrected_too=from_here)
    start = () if anew else steering.beginning(run, strips, kept)
    if split and run is not None:
        kept = tuple(part for part in kept if part.key != split)
        start = steering.halved(run, strips, split, kept)
    if start and run is not None:
        count = len(start) + len(kept)
        values = steering.with_count(values, count, whole=len(run.result.parts))
    return Request(
        plugin=opened.plugin.id,
        analysis=opened.analysis_id,
        dataset=opened.dataset,
        parameters=values,
        kept=kept,
        start=start,
    )
