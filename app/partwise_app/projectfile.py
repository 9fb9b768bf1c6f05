"""Where is the project on the disk, who else has it open, and how does it get there and back?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from partwise.project.document import Document, State
from partwise.project.recovery import Holder
from partwise_app import filework, resolve, writing
from partwise_app.errands import Errands
from partwise_app.notices import notice_of
from partwise_app.words import tr

__all__ = ["ProjectFile"]


class ProjectFile(QObject):
    """The file of one session's project.

    Parameters
    ----------
    errands : Errands
        Reads and writes; what is under way is forgotten when the project changes.

    Attributes
    ----------
    path : Path or None
        None while the project is unsaved.
    holder : Holder or None
        Who else has the file open; while there is somebody it is only read here.
    look_only : bool
        Whether the project is of a newer Partwise: it is neither run nor saved here.
    packing : bool
        Whether the file holds its inputs when it is saved.
    refused : Path or None
        The project that is too new to be opened but for a look, asked for last.
    """

    changed = Signal()
    saved = Signal(Path)
    read = Signal(object)  # filework.OpenedProject

    def __init__(self, errands: Errands, parent: QObject) -> None:
        super().__init__(parent)
        self._errands = errands
        self._packed = False  # whether the file on the disk holds its inputs
        self.begin(None)

    @property
    def repacks(self) -> bool:
        """Whether the next save puts the inputs into the file, or takes them out."""
        return self.packing != self._packed

    def begin(self, path: Path | None) -> None:
        """Begin with another project, which is in a file or in none yet."""
        self.path = path
        self.holder: Holder | None = None
        self.refused: Path | None = None
        self.look_only = self.packing = self._packed = False

    def take(self, project: filework.OpenedProject) -> None:
        """Note how the project that was begun with stands in its file."""
        self.look_only = project.look_only
        self.packing = self._packed = project.packed

    def set_packing(self, on: bool) -> None:
        """Choose whether the file holds its inputs, from the next save on."""
        self.packing = on
        self.changed.emit()

    def set_holder(self, holder: Holder | None) -> None:
        """Note who else has the file open: from now on it is only read here, or no longer."""
        if holder != self.holder:
            self.holder = holder
            self.changed.emit()

    def open(self, path: Path, *, look: bool = False) -> None:
        """Read a project; `read` follows.

        Parameters
        ----------
        path : Path
        look : bool
            Open one of a newer Partwise too, as far as it is understood, never to be saved.
        """
        doing = tr("Opening {name}", name=path.name)

        def not_read(problem: Exception) -> None:
            notice = notice_of(problem, doing)
            if isinstance(problem, filework.NewerProject):
                self.refused = path
                self.changed.emit()
                notice = dataclasses.replace(notice, tone="look", action="file_look")
            self._errands.noticed.emit(notice)

        self._errands.do(
            doing, lambda: filework.read_project(path, look=look), self.read.emit, not_read
        )

    def recover(
        self, copy: Path, project: Path | None, found: Callable[[filework.OpenedProject], None]
    ) -> None:
        """Read work that a crash left beside its project, which may be unsaved."""
        self._errands.do(tr("Recovering"), lambda: filework.read_recovered(copy, project), found)

    def save(self, document: Document, title: str, path: Path | None, thumb: bytes | None) -> None:
        """Write the document as it stands now, to its own file or to `path`.

        `saved` follows when the file is whole on the disk.

        Raises
        ------
        ValueError
            It has no file yet, and none is named.
        """
        target = path or self.path
        if target is None:
            msg = "a project that has no file needs a path"
            raise ValueError(msg)
        if self.look_only:
            self._errands.noticed.emit(resolve.look_notice(title))
            return
        if self.holder is not None and target == self.path:
            self._errands.noticed.emit(resolve.held_notice(target, self.holder))
            return
        state, packing, held_by = document.state, self.packing, self.path
        unpacks = self._packed and not packing

        def written(stored: State) -> None:
            if target != self.path:
                self.holder = None
            self.path, self._packed = target, packing
            _note_written(document, state, stored)
            self.saved.emit(target)

        self._errands.do(
            tr("Saving {name}", name=target.name),
            lambda: writing.write_project(
                state, target, thumb, packed=packing, held_by=held_by, unpacks=unpacks
            ),
            written,
        )


def _note_written(document: Document, state: State, stored: State) -> None:
    """Note that a state is in the file, and the hashes that packing found out."""
    still = document.state is state
    known = {source.id: source.file for source in document.state.sources}
    for source in stored.sources:
        if source.id in known and known[source.id].sha256 != source.file.sha256:
            document.relink(source.id, source.file, source.beside)
    document.mark_saved(document.state if still else state)
