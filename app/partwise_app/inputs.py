"""Which inputs are read, where are they, and which are lost?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from partwise.data.fingerprint import fingerprint
from partwise.errors import InputProblem, PartwiseProblem
from partwise.job import Job
from partwise.plugins import safety
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry, resolve
from partwise.project.document import Source
from partwise_app import filework
from partwise_app.errands import Errands
from partwise_app.filework import Opened
from partwise_app.notices import Notice
from partwise_app.words import tr

__all__ = ["Chooser", "Inputs"]

_log = logging.getLogger("partwise.app")

Chooser = Callable[[Path, Sequence[Plugin]], str]
"""Asks which of several plugins reads a file; returns its id, or "" for none."""


class Inputs(QObject):
    """The inputs of one project, read in the background and kept while it is open.

    Parameters
    ----------
    registry : Registry
    errands : Errands
    """

    arrived = Signal(object)  # Opened: a file that the person opened
    fetched = Signal(str)  # source id: an input of the project is read
    lost_now = Signal(str)  # source id: it cannot be read
    relinked = Signal(str, object)  # source id, Opened
    foreseen = Signal(object)  # Plugin whose file is about to be read, its panel imported

    def __init__(self, registry: Registry, errands: Errands, parent: QObject) -> None:
        super().__init__(parent)
        self._registry = registry
        self._errands = errands
        self._opened: dict[str, Opened] = {}
        self._places: dict[str, Path] = {}
        self._lost: dict[str, str] = {}
        self.chooser: Chooser | None = None

    @property
    def lost(self) -> Mapping[str, str]:
        """Inputs that are not where they were, and why, by source id."""
        return self._lost

    def opened(self, source_id: str) -> Opened | None:
        """Return an input, once it is read."""
        return self._opened.get(source_id)

    def begin(
        self, places: Mapping[str, Path] | None = None, lost: Mapping[str, str] | None = None
    ) -> None:
        """Forget everything and begin with a project's inputs."""
        self._opened = {}
        self._places, self._lost = dict(places or {}), dict(lost or {})

    def keep(self, source_id: str, opened: Opened) -> None:
        """Take an input that was read."""
        self._opened[source_id] = opened

    # --- opening -------------------------------------------------------------------------

    def open(
        self,
        path: Path,
        plugin_id: str = "",
        parameters: Mapping[str, Any] | None = None,
        title: str = "",
    ) -> None:
        """Read a file; where several plugins could and none is named, the chooser is asked."""
        if plugin_id or self.chooser is None:
            self._read(path, plugin_id, parameters or {}, title)
            return

        def known(plugins: tuple[Plugin, ...]) -> None:
            if len(plugins) < 2:
                self._read(path, plugins[0].id, {}, title)
                return
            chosen = self.chooser(path, plugins) if self.chooser is not None else plugins[0].id
            if chosen:
                self._read(path, chosen, {}, title)

        self._errands.do(
            tr("Opening {name}", name=path.name),
            lambda: filework.readers_of(self._registry, path),
            known,
        )

    def open_sample(self, key: str) -> None:
        """Open a sample that a plugin brings, with the parameters that suit it."""
        try:
            plugin, sample, path = self._registry.sample(key)
        except (PartwiseProblem, InputProblem, OSError, ImportError) as problem:
            self._errands.tell(problem, tr("Opening the sample"))
            return
        self._read(path, plugin.id, dict(sample.parameters), sample.title)

    def glimpse(self, path: Path, plugin_id: str, then: Callable[[Opened], None]) -> None:
        """Read a file for a picture of it that nobody waits for."""

        def read() -> Opened:
            return filework.read_input(self._registry, path, plugin_id)

        self._errands.quietly(read, then=then)

    def fetch(self, source: Source) -> None:
        """Read an input of the project from where it is."""
        place = self._places.get(source.id, Path(source.file.path))

        def found(opened: Opened) -> None:
            self._opened[source.id] = opened
            self.fetched.emit(source.id)

        def missing(problem: Exception) -> None:
            self._lost[source.id] = f"{source.title} cannot be opened"
            self._errands.tell(problem, tr("Opening {title}", title=source.title))
            self.lost_now.emit(source.id)

        self._errands.do_long(
            tr("Opening {title}", title=source.title),
            lambda job: self._foreseen(
                source.plugin,
                lambda: filework.read_input(self._registry, place, source.plugin, job=job),
            ),
            found,
            missing,
        )

    # --- finding again -------------------------------------------------------------------

    def relink(self, source: Source, path: Path, others: Sequence[Source] = ()) -> None:
        """Point an input at where its file is now, and all that moved along with it.

        Parameters
        ----------
        source : Source
            The one that was found.
        path : Path
            Where.
        others : sequence of Source
            Further inputs that are lost; those at the same new place are mended as well.
        """

        def read(job: Job) -> tuple[Opened, bool, dict[str, Path]]:
            opened = filework.read_input(self._registry, path, source.plugin, job=job)
            same = fingerprint(path, full=False).quick == source.file.quick
            return opened, same, filework.moved_along(source, path, others)

        def found(answer: tuple[Opened, bool, dict[str, Path]]) -> None:
            opened, same, along = answer
            self._lost.pop(source.id, None)
            self._places[source.id] = path
            self._opened[source.id] = opened
            for other_id, place in along.items():
                self._lost.pop(other_id, None)
                self._places[other_id] = place
            if not same:
                text = f"{path.name} is not the file that these results were made from."
                told = Notice(
                    "look", text, tr("The results are kept as they were; run again to compare.")
                )
                self._errands.noticed.emit(told)
            elif along:
                count = len(along)
                words = f"{count} more file{'s' if count > 1 else ''} found in the same place."
                self._errands.noticed.emit(Notice("good", words))
            self.relinked.emit(source.id, opened)

        self._errands.do_long(tr("Opening {name}", name=path.name), read, found)

    def _read(self, path: Path, plugin_id: str, parameters: Mapping[str, Any], title: str) -> None:
        self._errands.do_long(
            tr("Opening {name}", name=path.name),
            lambda job: self._foreseen(
                plugin_id,
                lambda: filework.read_input(
                    self._registry, path, plugin_id, parameters, title, job=job
                ),
            ),
            self.arrived.emit,
        )

    def _foreseen(self, plugin_id: str, read: Callable[[], Opened]) -> Opened:
        """Read, after importing the panel that will be shown; both in the file thread.

        The window makes the panel while the file is read, and neither import nor panel keeps it
        from hearing keys when the file is there.
        """
        plugin = self._registry.plugins.get(plugin_id)
        if plugin is not None and plugin.panel:
            try:
                with safety.loading(plugin.id):
                    resolve(plugin.panel)
            except Exception:  # noqa: BLE001 - a stranger's code may raise anything
                _log.debug("the panel of %s is tried again later, and told of then", plugin.id)
            else:
                self.foreseen.emit(plugin)
        return read()
