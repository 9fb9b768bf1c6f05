"""What is a strip of the mixer, and what becomes of it on a re-run and under a hand?

Pure functions from strips to strips. Names and colours belong to the person, so a re-run hands
them on: to the part of the same key, or, where an analysis only numbers its parts, to the part
whose profile is most alike.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from partwise.result import Part

__all__ = [
    "RESIDUAL",
    "Strip",
    "before_run",
    "changed",
    "expanded",
    "fresh_strip",
    "handed_on",
    "in_part_order",
    "joined",
    "moved",
    "numbered",
    "parted",
    "residual_strip",
]

RESIDUAL = "residual"  # key of the residual's strip, always the last
_NUMBERED = re.compile(r"^(.*?)[-_ ]?\d+$")
_ALIKE = 0.5  # cosine below which a numbered part is another one


@dataclass(frozen=True)
class Strip:
    """One part in the mixer: what the person chose for it.

    Attributes
    ----------
    key : str
        `Part.key`; the residual's strip has the key ``"residual"``.
    name, color : str
    show, solo, locked : bool
    profile : tuple of float or None
        The part's profile as corrected by hand; None while it is as found.
    joined : tuple of str
        Keys of further parts that this strip stands for: it shows and counts their sum.
    """

    key: str
    name: str
    color: str
    show: bool = True
    solo: bool = False
    locked: bool = False
    profile: tuple[float, ...] | None = None
    joined: tuple[str, ...] = ()


def fresh_strip(part: Part) -> Strip:
    """Return the strip of a part for which nothing was chosen."""
    return Strip(part.key, part.name, part.color)


def residual_strip() -> Strip:
    """Return the residual's strip: hidden in the sum of the parts, beside which it is drawn."""
    return Strip(RESIDUAL, "Residual", "#8b929a", show=False)


def changed(strips: Sequence[Strip], key: str, **changes: Any) -> tuple[Strip, ...]:
    """Return the strips with fields of one of them changed."""
    return tuple(dataclasses.replace(s, **changes) if s.key == key else s for s in strips)


def moved(strips: Sequence[Strip], key: str, place: int) -> tuple[Strip, ...]:
    """Return the strips with one at another place; the residual stays last."""
    parts = [s for s in strips if s.key != RESIDUAL]
    rest = [s for s in strips if s.key == RESIDUAL]
    at = next((k for k, s in enumerate(parts) if s.key == key), None)
    if at is None:
        return tuple(strips)
    strip = parts.pop(at)
    parts.insert(min(max(place, 0), len(parts)), strip)
    return (*parts, *rest)


def joined(strips: Sequence[Strip], key: str, other: str) -> tuple[Strip, ...]:
    """Return the strips with the part `other` joined to `key`: one strip for the sum of both.

    The parts themselves stay as found; what is shown, named and counted is their sum, which is
    exact and can be taken apart again.
    """
    known = {s.key: s for s in strips}
    if key == other or RESIDUAL in (key, other) or not {key, other} <= known.keys():
        return tuple(strips)
    members = (*known[key].joined, other, *known[other].joined)
    name = f"{known[key].name} + {known[other].name}"
    return tuple(
        dataclasses.replace(s, name=name, joined=members) if s.key == key else s
        for s in strips
        if s.key != other
    )


def parted(strips: Sequence[Strip], key: str, found: Mapping[str, Strip]) -> tuple[Strip, ...]:
    """Return the strips with a joined one taken apart; `found` are the strips as first made."""
    out: list[Strip] = []
    for strip in strips:
        if strip.key == key and strip.joined:
            members = (found[name] for name in strip.joined if name in found)
            own = found[key].name if key in found and " + " in strip.name else strip.name
            out += [dataclasses.replace(strip, name=own, joined=()), *members]
        else:
            out.append(strip)
    return tuple(out)


def expanded(strips: Sequence[Strip], found: Mapping[str, Strip]) -> tuple[Strip, ...]:
    """Return one strip per part: what is joined is shown and kept together, under own names.

    Parameters
    ----------
    strips : sequence of Strip
        As in the mixer.
    found : mapping of str to Strip
        Strips as first made, by key: what a member was called before it was joined.
    """
    out: list[Strip] = []
    for strip in strips:
        first = found.get(strip.key) if strip.joined else None
        out.append(dataclasses.replace(strip, name=first.name) if first else strip)
        for name in strip.joined:
            own = found.get(name)
            if own is not None:
                show, solo, locked = strip.show, strip.solo, strip.locked
                out.append(dataclasses.replace(own, show=show, solo=solo, locked=locked))
    return tuple(out)


def in_part_order(strips: Sequence[Strip], parts: Sequence[Part]) -> tuple[Strip, ...]:
    """Return the strips in the order of the parts, others after them, the residual last."""
    places = {part.key: k for k, part in enumerate(parts)}
    last = len(places)

    def place(strip: Strip) -> int:
        return last + 1 if strip.key == RESIDUAL else places.get(strip.key, last)

    return tuple(sorted(strips, key=place))


def handed_on(
    parts: Sequence[Part], parts_before: Sequence[Part], before: Sequence[Strip]
) -> tuple[Strip, ...]:
    """Return the strips of a new result: what was chosen for like parts, in the order chosen.

    Corrections by hand belong to the result that they corrected and are not handed on, nor are
    joints.

    Parameters
    ----------
    parts, parts_before : sequence of Part
        Of the new result and of the one before it.
    before : sequence of Strip
        One per part before (see `expanded`), and the residual's.
    """
    origin = _origins(parts, parts_before)
    known = {strip.key: strip for strip in before}
    taken = {known[old].name for old in origin.values() if old in known}
    colors = {known[old].color for old in origin.values() if old in known}
    strips: dict[str, Strip] = {}
    for part in parts:
        old = known.get(origin.get(part.key, ""))
        if old is not None:
            strips[part.key] = dataclasses.replace(old, key=part.key, profile=None, joined=())
            continue
        fresh = fresh_strip(part)
        # A numbered part that is new must not answer to the name or colour of one that was kept.
        if fresh.name in taken:
            fresh = dataclasses.replace(fresh, name=_free([p.name for p in parts], taken))
        if fresh.color in colors:
            fresh = dataclasses.replace(fresh, color=_free([p.color for p in parts], colors))
        taken.add(fresh.name)
        colors.add(fresh.color)
        strips[part.key] = fresh
    places = {strip.key: k for k, strip in enumerate(before)}
    keys = [part.key for part in parts]
    keys.sort(key=lambda key: places.get(origin.get(key, ""), len(places)))
    residual = known.get(RESIDUAL) or residual_strip()
    return (*(strips[key] for key in keys), residual)


def before_run(
    parts: Sequence[Part],
    strips: Sequence[Strip],
    found: Mapping[str, Strip],
    start: Sequence[Part],
) -> tuple[tuple[Part, ...], tuple[Strip, ...]]:
    """Return the parts and strips that those of the next run continue, for `handed_on`.

    Parameters
    ----------
    parts : sequence of Part
        Of the run before.
    strips : sequence of Strip
        Its strips as chosen.
    found : mapping of str to Strip
        Its strips as first made, by key.
    start : sequence of Part
        What the next run begins from: a joined strip is one part there, and a part that was split
        is two.
    """
    each = expanded(strips, found)
    if not start:
        return tuple(parts), each
    known = {strip.key: strip for strip in strips}
    begun = {part.key: part for part in start}
    gone = {key for name in begun if name in known for key in known[name].joined}
    kept = {part.key: part for part in parts if part.key not in gone and part.key not in begun}
    heads: list[Strip] = []
    for strip in each:
        if strip.key in begun:
            heads.append(dataclasses.replace(known.get(strip.key, strip), joined=()))
        elif strip.key in kept or strip.key == RESIDUAL:
            heads.append(strip)
    fresh = [part for part in start if part.key not in {strip.key for strip in heads}]
    for part in fresh:
        before = start[list(begun).index(part.key) - 1].key
        place = next((k for k, s in enumerate(heads) if s.key == before), -1)
        heads.insert(place + 1, fresh_strip(part))
    return (*start, *kept.values()), tuple(heads)


def _origins(parts: Sequence[Part], before: Sequence[Part]) -> dict[str, str]:
    """Key of the part before that each part continues; parts without one are left out."""
    if not parts or not before:
        return {}
    if not numbered(parts) or not numbered(before):
        old = {part.key for part in before}
        return {part.key: part.key for part in parts if part.key in old}
    sizes = {np.size(part.profile) for part in (*parts, *before)}
    if len(sizes) != 1:
        return {}
    from partwise.engine.judge.match import match_parts

    mine, theirs = _columns(parts), _columns(before)
    fewer, more = (mine, theirs) if mine.shape[1] <= theirs.shape[1] else (theirs, mine)
    match = match_parts(fewer, more)
    found = {}
    for k, (other, cosine) in enumerate(zip(match.permutation, match.cosine, strict=True)):
        if cosine >= _ALIKE:
            new, old_place = (k, other) if fewer is mine else (other, k)
            found[parts[new].key] = before[old_place].key
    return found


def numbered(parts: Sequence[Part]) -> bool:
    """Whether keys only count the parts, as in part-1, part-2."""
    stems = {m.group(1) for part in parts if (m := _NUMBERED.match(part.key))}
    return len(stems) == 1 and all(_NUMBERED.match(part.key) for part in parts)


def _columns(parts: Sequence[Part]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.column_stack([np.asarray(p.profile, dtype=np.float64).ravel() for p in parts])


def _free(offered: Sequence[str], taken: set[str]) -> str:
    """The first that nobody has; with a number where all are taken."""
    for one in offered:
        if one not in taken:
            return one
    return offered[-1]
