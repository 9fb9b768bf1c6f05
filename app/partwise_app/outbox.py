"""What leaves the project as files? Exports and reports of one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from partwise.plugins.contract import Exporter
from partwise.project.document import Run, State
from partwise_app import resolve, writing
from partwise_app.errands import Errands
from partwise_app.notices import Notice
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise_app.session import Session

__all__ = ["Outbox", "as_chosen", "as_tried"]


class Outbox(QObject):
    """Writes files of the run that is looked at, in the background and as it was chosen.

    Parameters
    ----------
    session : Session
    errands : Errands
    """

    def __init__(self, session: Session, errands: Errands) -> None:
        super().__init__(session)
        self._session = session
        self._errands = errands

    def export(
        self, chosen: Sequence[tuple[Exporter, int | None]], folder: Path, stem: str
    ) -> None:
        """Write files into a folder; large ones can be cancelled."""
        session = self._session
        if session.run is None or session.input is None:
            return
        dataset = session.input.dataset
        run = as_tried(as_chosen(session.state, session.run), session.parameters)

        def written(paths: tuple[Path, ...]) -> None:
            count = f"{len(paths)} file{'s' if len(paths) != 1 else ''}"
            self._errands.noticed.emit(
                Notice(
                    "good",
                    tr("{count} exported.", count=count),
                    tr("They are in {folder}", folder=folder),
                )
            )

        self._errands.do_long(
            tr("Exporting to {name}", name=folder.name),
            lambda job: writing.write_exports(chosen, dataset, run, folder, stem, job),
            written,
        )

    def report(self, path: Path, pictures: Sequence[tuple[str, bytes]]) -> None:
        """Write the report; `pictures` are PNGs by role."""
        session = self._session
        opened = session.input
        if session.run is None or opened is None:
            return
        registry, run = session.registry, as_chosen(session.state, session.run)
        self._errands.do(
            tr("Writing {name}", name=path.name),
            lambda: writing.write_report(registry, opened, run, pictures, path),
            self._told_written,
        )

    def figure(self, path: Path, data: bytes) -> None:
        """Write a figure that is drawn already."""
        self._errands.do(
            tr("Writing {name}", name=path.name),
            lambda: writing.write_whole(path, data),
            self._told_written,
        )

    def _told_written(self, path: Path) -> None:
        self._errands.noticed.emit(
            Notice(
                "good",
                tr("{name} written.", name=path.name),
                tr("It is in {parent}", parent=path.parent),
            )
        )


def as_tried(run: Run, parameters: Mapping[str, Any]) -> Run:
    """Return a run with what exporters apply by themselves as it is chosen now.

    A result names such parameters, which need no new run, in its fact ``late``.
    """
    facts = run.result.facts
    late = {name: parameters[name] for name in facts.get("late", ()) if name in parameters}
    if not late:
        return run
    return dataclasses.replace(run, result=dataclasses.replace(run.result, facts={**facts, **late}))


def as_chosen(state: State, run: Run) -> Run:
    """Return a run with names, colours and profiles as chosen, for files that leave the house."""
    strips = {strip.key: strip for strip in state.part_strips(run.id)}
    parts = tuple(
        dataclasses.replace(
            resolve.corrected(part, strips.get(part.key)),
            name=strips[part.key].name if part.key in strips else part.name,
            color=strips[part.key].color if part.key in strips else part.color,
        )
        for part in run.result.parts
    )
    return dataclasses.replace(run, result=dataclasses.replace(run.result, parts=parts))
