"""Will the next run fit into memory, and which other choice would?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from partwise import params
from partwise.errors import AnalysisProblem, UsageProblem
from partwise.jobs.room import Room, room_for
from partwise_app import steering
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.params import ParamSpec
    from partwise.plugins.registry import Registry
    from partwise_app.filework import Opened

__all__ = ["need_room", "room_of", "words_of_room"]

_WORTH_TELLING = 1_000_000_000  # bytes, or so much of what is free:
_PART = 0.25
_FEW = "4"  # parts, where a run would compare many numbers of them


def room_of(registry: Registry, opened: Opened, values: Mapping[str, Any]) -> Room | None:
    """Return what a run of an input needs and what is free; None where that is not known.

    Parameters
    ----------
    registry : Registry
    opened : Opened
    values : mapping
        Every parameter.
    """
    analysis = registry.analysis(opened.plugin, opened.analysis_id)
    try:
        return room_for(analysis, opened.dataset, params.from_json(analysis.Params, values))
    except UsageProblem:
        return None  # the form says what is wrong with a value


def need_room(registry: Registry, opened: Opened, values: Mapping[str, Any]) -> None:
    """Raise `AnalysisProblem` where a run of an input does not fit into what is free."""
    room = room_of(registry, opened, values)
    if room is not None and not room.fits:
        raise AnalysisProblem(
            tr("A run of {title} {needs}", title=opened.title, needs=room.words),
            fix=_way_out(registry, opened, values),
        )


def words_of_room(
    registry: Registry, opened: Opened, values: Mapping[str, Any]
) -> tuple[str, bool]:
    """Return what the form says of memory before a run, and whether the run fits.

    Nothing is said where a run needs next to nothing, or nobody knows.
    """
    room = room_of(registry, opened, values)
    if room is None or room.needed < min(_WORTH_TELLING, _PART * room.free):
        return "", True
    if room.fits:
        return tr("A run {needs}.", needs=room.words), True
    said = tr("A run will not fit: it {needs}.", needs=room.words)
    return f"{said} {_way_out(registry, opened, values)}", False


def _way_out(registry: Registry, opened: Opened, values: Mapping[str, Any]) -> str:
    found = next(_smaller(registry, opened, values), "")
    if found:
        return tr("It would fit with {choice}.", choice=found)
    return tr("Close other programs, choose a smaller region, or use another computer.")


def _smaller(registry: Registry, opened: Opened, values: Mapping[str, Any]) -> Iterator[str]:
    """Other choices with which a run would fit, in words, one changed at a time."""
    for spec in opened.specs:
        for value, words in _others(spec, values.get(spec.name, spec.default)):
            room = room_of(registry, opened, {**values, spec.name: value})
            if room is not None and room.fits:
                yield f"{spec.label}: {words}"


def _others(spec: ParamSpec, now: Any) -> Iterator[tuple[Any, str]]:
    if spec.choices:
        yield from ((value, words) for value, words in spec.choices.items() if value != now)
    elif spec.type is bool:
        yield not now, tr("off") if now else tr("on")
    elif spec.name == steering.RANK and str(now).strip().lower() == "auto":
        yield _FEW, _FEW
