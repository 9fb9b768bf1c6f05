"""How does a laboratory make its norm? From projects and norms, by a button."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from partwise.api import FileProblem
from partwise_app.api import Host, SectionLabel, button, label, tr
from partwise_emg.norm import build_norm, write_norm

__all__ = ["Norms"]


class Norms(QWidget):
    """Builds a norm and compares with it."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._build = button(
            tr("Build a norm from projects…"),
            "link",
            tip=tr("Choose projects or norms of one protocol; no name of a person goes in."),
        )
        self._build.clicked.connect(self._ask)
        self._words = label("", "muted", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Norm")))
        box.addWidget(self._build, 0, Qt.AlignmentFlag.AlignLeft)
        box.addWidget(self._words)
        host.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Say what is compared with."""
        against = str(self._host.parameters.get("against", ""))
        self.setVisible(self._host.dataset is not None)
        self._words.setText(
            tr("Compared with {name}").format(name=Path(against).name)
            if against and self._host.parameters.get("compare") == "file"
            else tr("Nothing is compared: choose Compare in the form.")
        )

    def build(self, paths: list[Path], target: Path) -> bool:
        """Write a norm of `paths` to `target` and compare with it; says why where it cannot."""
        try:
            norm = build_norm(paths)
            write_norm(target, norm)
        except (FileProblem, OSError) as problem:
            self._host.notify(str(problem), "warn")
            return False
        self._host.set_parameter("against", str(target), tr("Compare with a norm"), "norm")
        self._host.set_parameter("compare", "file", tr("Compare with a norm"), "norm")
        self._host.notify(
            tr("A norm of {n} members was written to {name}").format(
                n=len(norm.members), name=target.name
            )
        )
        return True

    def _ask(self) -> None:
        chosen, _ = QFileDialog.getOpenFileNames(
            self, tr("Projects and norms"), "", tr("Projects and norms (*.partwise *.json)")
        )
        if not chosen:
            return
        target, _ = QFileDialog.getSaveFileName(
            self, tr("Save the norm"), "norm.json", tr("Norm (*.json)")
        )
        if target:
            self.build([Path(name) for name in chosen], Path(target))
