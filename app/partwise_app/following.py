"""Which parameters does the form show: those chosen by hand, or those of the run looked at?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partwise.project.document import Run, State

__all__ = ["Following", "shown_parameters"]


@dataclass(frozen=True)
class Following:
    """A run whose parameters the form shows, until a hand chooses others.

    Looking at a run is no edit, so its parameters are not written into the project.

    Attributes
    ----------
    run : Run
    chosen : mapping or None
        What had been chosen by hand for its input when the run was turned to.
    asked : bool
        Whether the person turned to this very run, rather than to its input or project.
    """

    run: Run
    chosen: Mapping[str, Any] | None
    asked: bool


def shown_parameters(
    state: State, source_id: str, defaults: Mapping[str, Any], following: Following | None
) -> dict[str, Any]:
    """Return every parameter of an input, as the form shows it and the next run takes it.

    Parameters
    ----------
    state : State
    source_id : str
    defaults : mapping
        Of the analysis; what is not in it is no parameter of this version.
    following : Following or None
    """
    chosen = state.choices.parameters.get(source_id)
    by_hand = _known(chosen or {}, defaults)
    if following is None or following.run.source != source_id or chosen != following.chosen:
        return by_hand
    used = _used_by(following.run, defaults)
    waits = chosen is not None and not any(
        by_hand == _used_by(run, defaults) for run in state.runs_of(source_id)
    )
    # A choice that was not run yet stays in the form, unless another run was asked for.
    return by_hand if used is None or (waits and not following.asked) else used


def _used_by(run: Run, defaults: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return every parameter that a run used; None where it does not say."""
    about = run.result.provenance
    return _known(about.parameters, defaults) if about is not None else None


def _known(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {**defaults, **{name: values[name] for name in values if name in defaults}}
