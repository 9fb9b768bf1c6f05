"""What differs between two runs? Parameters, measures and parts, number by number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from partwise.project.document import Run, Strip
    from partwise.result import Measure

__all__ = ["Difference", "changed_parameters", "differences"]

_WORDS = {
    "converged": "converged",
    "max_iter": "most steps reached",
    "max_seconds": "time over",
    "cancelled": "stopped by hand",
}


@dataclass(frozen=True)
class Difference:
    """One line of a comparison.

    Attributes
    ----------
    group : {"How it ran", "Parameter", "Measure", "Part"}
    name : str
    before, after : str
        As text with units; empty where one run has no such thing.
    change : str
        How far apart, such as "+2.1" or "3.4°"; empty where that has no number.
    """

    group: str
    name: str
    before: str
    after: str
    change: str = ""


def changed_parameters(before: Run, after: Run) -> tuple[tuple[str, Any, Any], ...]:
    """Return (name, value before, value after) of parameters that two runs do not share."""
    one, two = _parameters(before), _parameters(after)
    names = dict.fromkeys((*one, *two))
    return tuple((n, one.get(n), two.get(n)) for n in names if one.get(n) != two.get(n))


def differences(
    before: Run,
    after: Run,
    strips_before: Sequence[Strip],
    strips_after: Sequence[Strip],
    labels: Mapping[str, str] | None = None,
) -> tuple[Difference, ...]:
    """Compare two runs line by line: what was asked, what was measured, what was found.

    Parameters
    ----------
    before, after : Run
    strips_before, strips_after : sequence of Strip
        One per part: names and corrections as chosen.
    labels : mapping of str to str, optional
        Words for parameters, by name.
    """
    words = labels or {}
    found = [
        Difference("How it ran", "Time", _seconds(before), _seconds(after)),
        Difference("How it ran", "Ended", _stop(before), _stop(after)),
    ]
    kept = [_kept(before, strips_before), _kept(after, strips_after)]
    if any(kept):
        found.append(Difference("How it ran", "Kept parts", kept[0] or "none", kept[1] or "none"))
    found += [
        Difference("Parameter", words.get(name, name), _plain(one), _plain(two))
        for name, one, two in changed_parameters(before, after)
    ]
    fits = before.result.fit.explained, after.result.fit.explained
    found.append(
        Difference("Measure", "Explained", _percent(fits[0]), _percent(fits[1]), _points(*fits))
    )
    found += _measures(before, after)
    found += _parts(before, after, strips_before, strips_after)
    return tuple(found)


def _measures(before: Run, after: Run) -> list[Difference]:
    one = {m.name: m for m in before.result.measures}
    two = {m.name: m for m in after.result.measures}
    out = []
    for name in dict.fromkeys((*one, *two)):
        a, b = one.get(name), two.get(name)
        change = ""
        if a is not None and b is not None and a.unit == b.unit:
            same = _number(a.value) == _number(b.value)  # as far as is shown
            change = "0" if same else _signed(b.value - a.value)
        out.append(Difference("Measure", name, _measured(a), _measured(b), change))
    return out


def _parts(
    before: Run, after: Run, strips_before: Sequence[Strip], strips_after: Sequence[Strip]
) -> list[Difference]:
    """Shares, and the angle between profiles, of parts that go by the same name or key."""
    old_strips = {s.key: s for s in strips_before}
    new_strips = {s.key: s for s in strips_after}
    old = {p.key: p for p in before.result.parts}
    by_name = {old_strips[k].name: p for k, p in old.items() if k in old_strips}
    out, met = [], set()
    for part in after.result.parts:
        strip = new_strips.get(part.key)
        name = strip.name if strip is not None else part.name
        former = by_name.get(name) or old.get(part.key)
        if former is None or former.key in met:
            out.append(Difference("Part", name, "", _percent(part.share)))
            continue
        met.add(former.key)
        turn = _angle(
            _profile(former.profile, old_strips.get(former.key)), _profile(part.profile, strip)
        )
        one, two = _percent(former.share), _percent(part.share)
        out.append(Difference("Part", name, one, two, turn))
    for key, part in old.items():
        if key not in met:
            name = old_strips[key].name if key in old_strips else part.name
            out.append(Difference("Part", name, _percent(part.share), ""))
    return out


def _profile(found: Any, strip: Strip | None) -> Any:
    return strip.profile if strip is not None and strip.profile is not None else found


def _angle(one: Any, two: Any) -> str:
    a, b = (np.asarray(v, dtype=np.float64).ravel() for v in (one, two))
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    if a.size != b.size or length == 0 or not math.isfinite(length):
        return ""
    # Twice the arctangent of half-differences stays exact for small angles, where arccos does not.
    u, v = a / np.linalg.norm(a), b / np.linalg.norm(b)
    angle = math.degrees(2 * math.atan2(float(np.linalg.norm(u - v)), float(np.linalg.norm(u + v))))
    return "0°" if angle == 0 else "< 0.1°" if angle < 0.1 else f"{angle:.1f}°"


def _parameters(run: Run) -> Mapping[str, Any]:
    return run.result.provenance.parameters if run.result.provenance is not None else {}


def _seconds(run: Run) -> str:
    about = run.result.provenance
    return f"{about.seconds:.1f} s" if about is not None else ""


def _stop(run: Run) -> str:
    return _WORDS.get(run.result.fit.stop, run.result.fit.stop)


def _kept(run: Run, strips: Sequence[Strip]) -> str:
    about = run.result.provenance
    names = {s.key: s.name for s in strips}
    return ", ".join(names.get(k, k) for k in about.kept) if about is not None else ""


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _measured(measure: Measure | None) -> str:
    return f"{_number(measure.value)} {measure.unit}".strip() if measure is not None else ""


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "not computed"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.4g}"


def _signed(value: float) -> str:
    if not math.isfinite(value):
        return ""
    return "0" if value == 0 else f"{value:+.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if math.isfinite(share) else "not computed"


def _points(one: float, two: float) -> str:
    """The difference of two shares in percentage points."""
    if not (math.isfinite(one) and math.isfinite(two)):
        return ""
    points = 100 * (two - one)
    if one == two:
        return "0"
    return f"{points:+.1f} points" if abs(points) >= 0.05 else "< 0.1 points"
