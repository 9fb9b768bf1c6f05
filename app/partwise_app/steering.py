"""From which parts does the next run begin? Pure functions from a run and its strips."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from partwise.project.document import Run, Strip
from partwise.project.strips import RESIDUAL, numbered
from partwise.result import Part
from partwise.steer import joined_part, split_part
from partwise_app import resolve

__all__ = ["RANK", "beginning", "halved", "is_steered", "with_count"]

RANK = "rank"  # the parameter that says how many parts, in analyses that have one
_SECOND = "#c94fa0"  # until the mixer gives it a colour of its own


def is_steered(run: Run | None, strips: Sequence[Strip]) -> bool:
    """Whether a hand corrected or joined parts of a run."""
    return run is not None and any(s.profile is not None or s.joined for s in strips)


def beginning(run: Run | None, strips: Sequence[Strip], kept: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts that a run goes on from: what stood when it was stopped, and corrections.

    Empty where the run came to its end and nothing was changed by hand, or was stopped while it
    only tried how many parts there are (their fact ``tried``).

    Parameters
    ----------
    run : Run or None
    strips : sequence of Strip
        As in the mixer, joined ones joined.
    kept : sequence of Part
        Parts that stay as they are; they are not begun from.
    """
    if run is None:
        return ()
    tried = any(part.facts.get("tried") for part in run.result.parts)
    stood = not resolve.is_whole(run) and not tried
    if not (is_steered(run, strips) or stood):
        return ()
    stays = {part.key for part in kept}
    return tuple(part for part in _as_mixed(run, strips) if part.key not in stays)


def halved(run: Run, strips: Sequence[Strip], key: str, kept: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts to begin from where the part `key` is to become two."""
    parts = _as_mixed(run, strips)
    taken = {part.key for part in parts}
    out: list[Part] = []
    for part in parts:
        if part.key != key:
            out.append(part)
            continue
        fresh = _free_key(part.key, taken, counted=numbered(parts))
        out += split_part(part, fresh, f"{part.name} 2", _SECOND)
    stays = {part.key for part in kept} - {key}
    return tuple(part for part in out if part.key not in stays)


def with_count(values: Mapping[str, Any], count: int, *, whole: int) -> dict[str, Any]:
    """Return parameters that ask for `count` parts, where these ask for a number of them.

    Parameters
    ----------
    values : mapping
    count : int
        Parts to begin from and parts kept.
    whole : int
        Parts of the run that is gone on from; another number was chosen since and stays.
    """
    asked = values.get(RANK)
    if isinstance(asked, bool) or not isinstance(asked, int | str) or str(asked) != str(whole):
        return dict(values)
    return {**values, RANK: type(asked)(count)}


def _as_mixed(run: Run, strips: Sequence[Strip]) -> tuple[Part, ...]:
    """The parts of a run as corrected and joined, in the order found."""
    found = {part.key: part for part in run.result.parts}
    heads = {strip.key: strip for strip in strips if strip.key != RESIDUAL}
    out = []
    for part in run.result.parts:
        strip = heads.get(part.key)
        if strip is None:
            continue  # joined to another
        members = [found[key] for key in strip.joined if key in found]
        mixed = resolve.corrected(joined_part([part, *members]), strip)
        if strip.profile is not None:
            mixed = dataclasses.replace(mixed, facts={**mixed.facts, "corrected": True})
        out.append(dataclasses.replace(mixed, name=strip.name, color=strip.color))
    return tuple(out)


def _free_key(key: str, taken: set[str], *, counted: bool) -> str:
    if counted:
        stem = key.rstrip("0123456789")
        return next(f"{stem}{k}" for k in range(1, len(taken) + 2) if f"{stem}{k}" not in taken)
    return next(f"{key}-{k}" for k in range(2, len(taken) + 3) if f"{key}-{k}" not in taken)
