"""What may a hand change? Each edit under the name that undo says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from partwise.project import strips as mixer
from partwise.project.document import Run, Source, Strip
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise_app.session import Session

__all__ = ["Edits"]


class Edits:
    """The edits of a session's project, each one step that can be undone.

    Those of strips and parameters go to the run and the input that are looked at.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- strips --------------------------------------------------------------------------

    def strips(
        self,
        edit: str,
        change: Callable[[tuple[Strip, ...]], tuple[Strip, ...]],
        *,
        merge: str = "",
    ) -> None:
        """Change the strips.

        Parameters
        ----------
        edit : str
            What undo says.
        change : callable
            Pure function from strips to strips.
        merge : str
            Edits with the same key in quick succession are one step.
        """
        run = self._session.run
        if run is None:
            return
        run_id, strips = run.id, change(self._session.strips)
        self._session.edit(
            edit,
            lambda c: dataclasses.replace(c, strips={**c.strips, run_id: strips}),
            merge=merge,
        )

    def strip(self, key: str, edit: str, changes: Mapping[str, Any], *, merge: str = "") -> None:
        """Change fields of one part's strip."""
        self.strips(edit, lambda s: mixer.changed(s, key, **changes), merge=merge)

    def move(self, key: str, place: int) -> None:
        """Put a part at another place among the parts."""
        self.strips(
            tr("Move {name}", name=self._name(key)),
            lambda s: mixer.moved(s, key, place),
            merge=f"move-{key}",
        )

    def join(self, key: str, other: str) -> None:
        """Let one strip stand for the sum of two parts."""
        name = f"Join {self._name(other)} to {self._name(key)}"
        self.strips(name, lambda s: mixer.joined(s, key, other))

    def part(self, key: str) -> None:
        """Take a joined strip apart."""
        run = self._session.run
        if run is not None:
            found = {strip.key: strip for strip in run.strips}
            self.strips(
                tr("Take {name} apart", name=self._name(key)), lambda s: mixer.parted(s, key, found)
            )

    def reset_profiles(self) -> None:
        """Take all corrections by hand back."""
        self.strips(
            tr("Take corrections back"),
            lambda strips: tuple(dataclasses.replace(s, profile=None) for s in strips),
        )

    # --- parameters ----------------------------------------------------------------------

    def parameter(
        self, name: str, value: Any, title: str = "", *, merge: str | None = None
    ) -> None:
        """Choose a parameter's value, by an edit called `title` or after the parameter.

        Without `merge` the edit merges with others of its title, as typing does.
        """
        opened = self._session.input
        if opened is not None:
            label = next(spec.label for spec in opened.specs if spec.name == name)
            self.parameters(
                title or tr("Set {lower}", lower=label.lower()),
                {**self._session.parameters, name: value},
                merge=merge,
            )

    def reset_parameters(self) -> None:
        """Choose every parameter's default."""
        if self._session.input is not None:
            self.parameters(tr("Set defaults"), self._session.input.defaults)

    def parameters(self, edit: str, values: Mapping[str, Any], *, merge: str | None = None) -> None:
        """Choose all parameters; as `parameter` does."""
        source = self._session.source
        if source is None:
            return
        source_id = source.id
        self._session.edit(
            edit,
            lambda c: dataclasses.replace(c, parameters={**c.parameters, source_id: dict(values)}),
            merge=edit if merge is None else merge,
        )
        if any(self._session.parameters.get(name) != values[name] for name in values):
            # The same had been chosen before a run was turned to whose parameters differ.
            self._session.follow_no_run()

    def take(
        self, edit: str, values: Mapping[str, Any], profiles: Mapping[str, Sequence[float]]
    ) -> None:
        """Choose some parameters, and profiles of parts in place of those found, in one step."""
        source, run = self._session.source, self._session.run
        if source is None:
            return
        known = self._session.strips if run is not None else ()
        strips = tuple(
            dataclasses.replace(s, profile=tuple(profiles[s.key])) if s.key in profiles else s
            for s in known
        )
        chosen = {**self._session.parameters, **values}
        source_id, by_run = source.id, {run.id: strips} if run is not None else {}
        self._session.edit(
            edit,
            lambda c: dataclasses.replace(
                c,
                parameters={**c.parameters, source_id: chosen},
                strips={**c.strips, **by_run},
            ),
        )
        if any(self._session.parameters.get(name) != value for name, value in chosen.items()):
            self._session.follow_no_run()

    # --- entries of the list -------------------------------------------------------------

    def rename(self, entry_id: str, title: str) -> None:
        """Give a source or run another title."""
        self._session.edit(
            tr("Rename"), lambda c: dataclasses.replace(c, titles={**c.titles, entry_id: title})
        )

    def remove(self, entry_id: str) -> None:
        """Take a source or a run out of the project; undo brings it back."""
        state = self._session.state
        entries: tuple[Source | Run, ...] = (*state.sources, *state.runs)
        found = next((entry for entry in entries if entry.id == entry_id), None)
        if found is not None:
            name = state.title(entry_id, found.title)
            self._session.edit(
                tr("Remove {name}", name=name),
                lambda c: dataclasses.replace(c, removed=(*c.removed, entry_id)),
            )

    def _name(self, key: str) -> str:
        return next((s.name for s in self._session.strips if s.key == key), key)
