"""What is true of a session now? The words that commands ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise_app import resolve, steering

if TYPE_CHECKING:
    from partwise_app.session import Session

__all__ = ["facts_of"]


def facts_of(session: Session) -> frozenset[str]:
    """Return the names of all that holds, as `Command.when` has them."""
    state, run, strips = session.state, session.run, session.strips
    source = session.source
    source_id = source.id if source is not None else ""
    ready = session.input is not None
    runs = ready and not session.running and not session.look_only
    saves = bool(state.listed) and not session.look_only
    found = {
        "project": bool(state.listed),
        "savable": saves,
        "writable": saves and session.holder is None,
        "newer": session.refused is not None,
        "source": ready,
        "listed": bool(source_id),
        "run": run is not None,
        "whole": run is not None and resolve.is_whole(run),
        "two-runs": run is not None and len(state.runs_of(run.source)) > 1,
        "runnable": runs,
        "corrected": any(s.profile is not None for s in strips),
        "steered": runs and any(s.profile for s in strips),
        "divisible": runs and run is not None and steering.RANK in session.parameters,
        "running": session.running,
        "stoppable": session.running or session.stoppable or session.preparing,
        "undo": bool(session.undo_name),
        "redo": bool(session.redo_name),
        "missing": source_id in session.lost,
    }
    names = {name for name, holds in found.items() if holds}
    return frozenset(names | {f"part-{k}" for k in range(1, len(strips))})
