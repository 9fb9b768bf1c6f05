"""What is in a project, and how does it change?

State is one frozen value. Choices (names, colours, show, solo, lock, corrections, parameters,
notes) change by named edits that can be undone; sources and finished runs are facts and only
accumulate. Views subscribe and redraw what they draw.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from partwise.data.fingerprint import InputFile
from partwise.project.history import History
from partwise.project.strips import (
    Strip,
    before_run,
    changed,
    expanded,
    handed_on,
    in_part_order,
)
from partwise.result import Part, Result

__all__ = ["Choices", "Document", "Run", "Source", "State", "Strip"]


@dataclass(frozen=True)
class Source:
    """An input of the project: linked, not swallowed.

    Attributes
    ----------
    id : str
        Unique in the project.
    plugin, title : str
    file : InputFile
        As it was when it was added.
    beside : tuple of InputFile
        Further files of its folder that were read with it.
    relative : str
        Path relative to the project file, POSIX form; empty while the project is unsaved.
    """

    id: str
    plugin: str
    title: str
    file: InputFile
    relative: str = ""
    beside: tuple[InputFile, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """A finished (or stopped) run: the result as it came, and the strips it started with."""

    id: str
    source: str
    plugin: str
    analysis: str
    title: str
    result: Result
    strips: tuple[Strip, ...]


@dataclass(frozen=True)
class Choices:
    """All that a person can edit, and undo.

    `removed` are ids of sources and runs that were taken out: they can be brought back by undo
    until the project is closed, and are in no file (see `State.without_removed`).
    """

    strips: Mapping[str, tuple[Strip, ...]] = field(default_factory=dict)  # by run id
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by source id
    titles: Mapping[str, str] = field(default_factory=dict)  # by source or run id
    notes: str = ""
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class State:
    """The whole project at one moment.

    `sections` holds what plugins keep in the file, by name; `unknown` holds top-level keys that a
    newer version wrote, carried along untouched.
    """

    sources: tuple[Source, ...] = ()
    runs: tuple[Run, ...] = ()
    choices: Choices = field(default_factory=Choices)
    sections: Mapping[str, Any] = field(default_factory=dict)
    unknown: Mapping[str, Any] = field(default_factory=dict)

    def source(self, source_id: str) -> Source:
        """Return a source; raises `KeyError`."""
        return _by_id(self.sources, source_id)

    def run(self, run_id: str) -> Run:
        """Return a run; raises `KeyError`."""
        return _by_id(self.runs, run_id)

    @property
    def listed(self) -> tuple[Source, ...]:
        """The sources that were not removed."""
        return tuple(s for s in self.sources if s.id not in self.choices.removed)

    def runs_of(self, source_id: str) -> tuple[Run, ...]:
        """Return the runs of a source that were not removed, oldest first."""
        gone = self.choices.removed
        return tuple(r for r in self.runs if r.source == source_id and r.id not in gone)

    def without_removed(self) -> State:
        """Return the state as a file holds it: what was removed is not in it."""
        gone = set(self.choices.removed)
        if not gone:
            return self
        sources = tuple(s for s in self.sources if s.id not in gone)
        runs = tuple(r for r in self.runs if r.id not in gone and r.source not in gone)
        kept = {s.id for s in sources} | {r.id for r in runs}
        choices = dataclasses.replace(
            self.choices,
            strips={k: v for k, v in self.choices.strips.items() if k in kept},
            parameters={k: v for k, v in self.choices.parameters.items() if k in kept},
            titles={k: v for k, v in self.choices.titles.items() if k in kept},
            removed=(),
        )
        return dataclasses.replace(self, sources=sources, runs=runs, choices=choices)

    def strips(self, run_id: str) -> tuple[Strip, ...]:
        """Return the mixer's strips of a run, as chosen, the residual last."""
        return self.choices.strips.get(run_id) or self.run(run_id).strips

    def part_strips(self, run_id: str) -> tuple[Strip, ...]:
        """Return one strip per part of a run in the parts' order, joined ones taken apart."""
        run = self.run(run_id)
        found = {strip.key: strip for strip in run.strips}
        return in_part_order(expanded(self.strips(run_id), found), run.result.parts)

    def title(self, entry_id: str, fallback: str) -> str:
        """Return the title that the person gave a source or run, else `fallback`."""
        return self.choices.titles.get(entry_id, fallback)


_Entry = TypeVar("_Entry", Source, Run)
Listener = Callable[[State, State], None]
_Editable = tuple[Choices, Mapping[str, Any]]  # the choices, and the sections of plugins


class Document:
    """The open project: its state, its undo history, and who listens.

    Examples
    --------
    >>> document = Document()
    >>> document.edit("Note", lambda c: dataclasses.replace(c, notes="fixed overnight"))
    >>> document.state.choices.notes, document.undo_name
    ('fixed overnight', 'Note')
    >>> document.undo()
    >>> document.state.choices.notes
    ''
    """

    def __init__(self, state: State | None = None) -> None:
        self._state = state or State()
        self._saved = self._state
        self._history: History[_Editable] = History()
        self._listeners: list[Listener] = []

    @property
    def state(self) -> State:
        return self._state

    @property
    def dirty(self) -> bool:
        """Whether there is something that the file has not."""
        return self._state is not self._saved

    def mark_saved(self, state: State | None = None) -> None:
        """Note that `state` (by default the present one) is in the file now."""
        self._saved = state or self._state
        self._tell(self._state, self._state)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(before, after)`` on each change; returns how to stop that."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def add_source(self, source: Source) -> None:
        """Add an input."""
        self._become(dataclasses.replace(self._state, sources=(*self._state.sources, source)))

    def relink(self, source_id: str, file: InputFile, beside: tuple[InputFile, ...] = ()) -> None:
        """Point a source at where its file is now, and what was read with it."""
        sources = tuple(
            dataclasses.replace(s, file=file, relative="", beside=beside)
            if s.id == source_id
            else s
            for s in self._state.sources
        )
        self._become(dataclasses.replace(self._state, sources=sources))

    def add_run(
        self,
        source_id: str,
        plugin: str,
        analysis: str,
        title: str,
        result: Result,
        *,
        after: str = "",
    ) -> Run:
        """Add a finished run; like parts of the run before hand on names, colours and locks.

        `after` is the id of the run that it was asked from; by default the newest of its source.
        """
        run = Run(
            id=_fresh_id("run", [r.id for r in self._state.runs]),
            source=source_id,
            plugin=plugin,
            analysis=analysis,
            title=title,
            result=result,
            strips=self._first_strips(source_id, result, after),
        )
        self._become(dataclasses.replace(self._state, runs=(*self._state.runs, run)))
        return run

    def edit(self, name: str, change: Callable[[Choices], Choices], *, merge: str = "") -> None:
        """Change the choices by a named, undoable edit.

        Parameters
        ----------
        name : str
            What undo says, such as "Hide eosin".
        change : callable
            Pure function from the choices before to the choices after.
        merge : str
            Edits with the same non-empty key within a second of each other (a slider being
            dragged) become one step.
        """
        self._edit(name, change(self._state.choices), self._state.sections, merge)

    def edit_section(
        self, section: str, name: str, data: Mapping[str, Any], *, merge: str = ""
    ) -> None:
        """Replace a plugin's own section by a named, undoable edit; JSON types only."""
        sections = {**self._state.sections, section: dict(data)}
        self._edit(name, self._state.choices, sections, merge)

    def edit_strip(
        self, run_id: str, key: str, name: str, /, *, merge: str = "", **changes: Any
    ) -> None:
        """Change fields of one strip of a run by an undoable edit."""
        strips = changed(self._state.strips(run_id), key, **changes)
        self.edit(
            name,
            lambda c: dataclasses.replace(c, strips={**c.strips, run_id: strips}),
            merge=merge,
        )

    @property
    def undo_name(self) -> str:
        """Name of the edit that undo takes back, or empty."""
        return self._history.undo_name

    @property
    def redo_name(self) -> str:
        """Name of the edit that redo brings back, or empty."""
        return self._history.redo_name

    def undo(self) -> None:
        """Take the last edit back; nothing where there is none."""
        self._restore(self._history.undo())

    def redo(self) -> None:
        """Bring the edit back that was undone last; nothing where there is none."""
        self._restore(self._history.redo())

    def _first_strips(self, source_id: str, result: Result, after: str) -> tuple[Strip, ...]:
        earlier = self._state.runs_of(source_id)
        parts_before: tuple[Part, ...] = ()
        before: tuple[Strip, ...] = ()
        if earlier:
            last = next((run for run in earlier if run.id == after), earlier[-1])
            start = result.provenance.start if result.provenance is not None else ()
            found = {strip.key: strip for strip in last.strips}
            parts_before, before = before_run(
                last.result.parts, self._state.strips(last.id), found, start
            )
        return handed_on(result.parts, parts_before, before)

    def _edit(self, name: str, choices: Choices, sections: Mapping[str, Any], merge: str) -> None:
        before, after = (self._state.choices, self._state.sections), (choices, sections)
        if after != before:
            self._history.push(name, before, after, merge)
            self._restore(after)

    def _restore(self, found: _Editable | None) -> None:
        if found is not None:
            choices, sections = found
            self._become(dataclasses.replace(self._state, choices=choices, sections=sections))

    def _become(self, state: State) -> None:
        before, self._state = self._state, state
        self._tell(before, state)

    def _tell(self, before: State, after: State) -> None:
        for listener in tuple(self._listeners):
            listener(before, after)


def _fresh_id(prefix: str, taken: list[str]) -> str:
    number = 1 + max((int(i.removeprefix(f"{prefix}-")) for i in taken), default=0)
    return f"{prefix}-{number}"


def _by_id(entries: tuple[_Entry, ...], entry_id: str) -> _Entry:
    for entry in entries:
        if entry.id == entry_id:
            return entry
    raise KeyError(entry_id)
