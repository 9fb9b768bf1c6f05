"""Which files, and where to? The export dialog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QWidget

from partwise.plugins.contract import Exporter
from partwise.project.document import Run
from partwise_app.controls import Elided, SectionLabel, Tick, button, label
from partwise_app.dialogs.frame import Frame
from partwise_app.words import tr
from partwise_app.writing import name_of_export

__all__ = ["ExportDialog"]


class ExportDialog(Frame):
    """Asks which of a run's files to write into which folder.

    Parameters
    ----------
    parent : QWidget
    offers : sequence of (Exporter, part or None)
    run : Run
    folder : Path
        Proposed.
    stem : str
        Proposed beginning of the files' names.
    """

    def __init__(
        self,
        parent: QWidget,
        offers: Sequence[tuple[Exporter, int | None]],
        run: Run,
        folder: Path,
        stem: str,
    ) -> None:
        super().__init__(
            parent, tr("Export"), tr("Full-resolution files with units and names inside.")
        )
        self._offers = tuple(offers)
        self._run = run
        self.body.addWidget(SectionLabel(tr("Files")))
        self._boxes: list[Tick] = []
        self._names: list[Elided] = []
        for exporter, part in self._offers:
            name = f" · {run.result.parts[part].name}" if part is not None else ""
            box = Tick(f"{exporter.title}{name}")
            box.setAccessibleName(f"{box.text()} {exporter.suffix}")
            box.setChecked(True)
            box.toggled.connect(self._check)
            self._boxes.append(box)
            file = Elided("", "small")
            file.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self._names.append(file)
            line = QHBoxLayout()
            line.setSpacing(12)
            line.addWidget(box)
            line.addWidget(file, 1)
            self.body.addLayout(line)
        if not offers:
            self.body.addWidget(label(tr("This result has no files to export."), "muted"))
        self.body.addSpacing(8)
        self.body.addWidget(SectionLabel(tr("Where")))
        self._folder = _line(tr("Folder"), str(folder))
        self._stem = _line(tr("Names begin with"), stem)
        browse = button(tr("Choose…"), name=tr("Choose a folder"))
        browse.clicked.connect(self._on_browse)
        for title, widget, extra in (
            (tr("Folder"), self._folder, browse),
            (tr("Names begin with"), self._stem, None),
        ):
            row = QHBoxLayout()
            name_label = label(title, "muted")
            name_label.setFixedWidth(120)
            row.addWidget(name_label)
            row.addWidget(widget, 1)
            if extra is not None:
                row.addWidget(extra)
            self.body.addLayout(row)
        self._wrong = label("", "bad", wrap=True)
        self.body.addWidget(self._wrong)
        cancel = self.add_button(tr("Cancel"))
        cancel.clicked.connect(self.reject)
        self._go = self.add_button(tr("Export"), primary=True)
        self._go.clicked.connect(self.accept)
        self._folder.textChanged.connect(self._check)
        self._stem.textChanged.connect(self._check)
        self._check()

    @property
    def chosen(self) -> tuple[tuple[Exporter, int | None], ...]:
        """The files that are ticked."""
        pairs = zip(self._offers, self._boxes, strict=True)
        return tuple(offer for offer, box in pairs if box.isChecked())

    @property
    def folder(self) -> Path:
        return Path(self._folder.text()).expanduser()

    @property
    def stem(self) -> str:
        return self._stem.text().strip()

    def problem(self) -> str:
        """Return why nothing can be exported yet, in words, or nothing."""
        if not self.chosen:
            return tr("Tick a file.") if self._offers else tr("There is nothing to export.")
        if not self.stem or "/" in self.stem or "\\" in self.stem:
            return tr("Names begin with a word without slashes.")
        if not self.folder.is_dir():
            return tr("There is no such folder.")
        return ""

    def _check(self) -> None:
        for (exporter, part), file in zip(self._offers, self._names, strict=True):
            file.set_full(name_of_export(exporter, part, self._run, self.stem))
        problem = self.problem()
        self._wrong.setText(problem)
        self._go.setEnabled(not problem)

    def _on_browse(self) -> None:
        found = QFileDialog.getExistingDirectory(self, tr("Export to"), str(self.folder))
        if found:
            self._folder.setText(found)


def _line(name: str, text: str) -> QLineEdit:
    made = QLineEdit(text)
    made.setAccessibleName(name)
    made.setMinimumHeight(28)
    made.setAlignment(Qt.AlignmentFlag.AlignLeft)
    return made
