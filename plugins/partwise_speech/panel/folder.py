"""How does a whole folder get the same? The command line, started here, with what is chosen."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QProcess, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from partwise_app.api import Elided, SectionLabel, button, label, tr
from partwise_speech.library import saved
from partwise_speech.sources import GENERIC

__all__ = ["Folder", "words_for"]

# What was painted, moved or dragged belongs to the recording that it was done in.
_SAME = ("noise_file", "speech_dictionary", "strength", "original", "method", "noise_atoms")
_CHECKED = ("drift", "flac")


def words_for(values: Mapping[str, Any], inputs: Path, output: Path) -> list[str]:
    """Return what the command line is told, for a folder and parameters as they are chosen.

    Parameters
    ----------
    values : mapping
        As the form has them. The noise of each recording is looked for in itself, unless one
        comes from a file: then that one serves for all.
    inputs, output : Path
    """
    told = [f"{name}={values[name]}" for name in _SAME if values.get(name, "") != ""]
    told += [f"{name}={str(bool(values[name])).lower()}" for name in _CHECKED if name in values]
    said = [word for one in told for word in ("-p", one)]
    return ["batch", "speech", str(inputs), "-o", str(output), *said]


class Folder(QWidget):
    """Separates all recordings of a folder as this one, in a process of its own."""

    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._values: Mapping[str, Any] = {}
        self._told: tuple[str, str] | None = None
        self._output = Path()
        self._done: list[str] = []
        self._refused: list[str] = []
        self.process: QProcess | None = None
        self.start = button(
            tr("Same on a folder…"),
            "small",
            tip=tr("Separate all recordings of a folder with the choices above"),
        )
        self.start.clicked.connect(self._on_start)
        self.look = button(tr("Open the table"), "link", tip=tr("Open the page of all results"))
        self.look.clicked.connect(self._on_look)
        self.look.hide()
        self.words = Elided("", "small")
        self._hint = label("", "small", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.start)
        line.addWidget(self.look)
        line.addStretch()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Many recordings")))
        box.addWidget(self._hint)
        box.addLayout(line)
        box.addWidget(self.words)
        self.words.hide()
        self.follow({})

    def follow(self, values: Mapping[str, Any]) -> None:
        """Take what is chosen, and say what it means for other recordings."""
        self._values = dict(values)
        chosen = str(values.get("speech_dictionary", GENERIC)), str(values.get("noise_file", ""))
        if chosen == self._told:
            return
        self._told = chosen
        voice, file = chosen
        known = {str(one.path): one.name for one in saved()} if {*chosen} - {GENERIC, ""} else {}
        noise = tr("each with its own noise, found by itself")
        if file:
            noise = tr("all with the noise {name}", name=known.get(file, Path(file).stem))
        spoken = tr("the generic voice")
        if voice != GENERIC:
            spoken = tr("the voice {name}", name=known.get(voice, Path(voice).stem))
        self._hint.setText(tr("With {voice}, {noise}.", voice=spoken, noise=noise))

    def run(self, inputs: Path, output: Path) -> None:
        """Separate what lies in a folder; results go into another one."""
        self._output, self._done, self._refused = output, [], []
        self.look.hide()
        process = self.process = QProcess(self)
        process.setProcessChannelMode(QProcess.ProcessChannelMode.MergedChannels)
        process.readyRead.connect(self._on_words)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        frozen = getattr(sys, "frozen", False)
        begin = [] if frozen else ["-m", "partwise"]
        process.start(sys.executable, [*begin, *words_for(self._values, inputs, output)])
        self.start.setText(tr("Stop"))
        self._tell(tr("Beginning …"))

    def close_process(self) -> None:
        """End what runs; what is done stays."""
        process, self.process = self.process, None
        if process is not None:
            process.finished.disconnect(self._on_finished)
            process.errorOccurred.disconnect(self._on_error)
            process.kill()
            process.waitForFinished(3000)
            process.deleteLater()

    def _on_start(self) -> None:
        if self.process is not None:
            self.close_process()
            self._rest(tr("Stopped: {count}", count=self._count()))
            return
        inputs = QFileDialog.getExistingDirectory(self, tr("A folder of recordings"))
        if not inputs:
            return
        output = QFileDialog.getExistingDirectory(self, tr("Where the results go"), inputs)
        if output:
            self.run(Path(inputs), Path(output) / f"{Path(inputs).name}-speech")

    def _on_words(self) -> None:
        """A line for each recording: its name, and how it ended."""
        process = self.process
        if process is None:
            return
        while process.canReadLine():
            line = bytes(process.readLine().data()).decode("utf-8", "replace").strip()
            if line.startswith("partwise:") or ": " not in line:
                continue  # what it says of all of them together
            if line.endswith(": done"):
                self._done.append(line.removesuffix(": done"))
            else:
                self._refused.append(line)
        self._tell(self._count())

    def _on_finished(self, code: int, _status: object) -> None:
        self._on_words()
        process, self.process = self.process, None
        if process is not None:
            process.deleteLater()
        self._rest(self._count() if self._done or self._refused or not code else tr("Nothing read"))

    def _on_error(self, _error: object) -> None:
        process = self.process
        if process is not None and process.state() == QProcess.ProcessState.NotRunning:
            self.failed.emit(tr("The folder could not be begun: {why}", why=process.errorString()))
            self.process = None
            self._rest("")

    def _on_look(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._output / "index.html")))

    def _count(self) -> str:
        words = tr("{count} done", count=len(self._done))
        if self._refused:
            words += tr(", {count} refused", count=len(self._refused))
        return words

    def _tell(self, words: str) -> None:
        self.words.set_full(words)
        self.words.setVisible(bool(words))
        self.words.setToolTip("\n".join((*self._done, *self._refused)))

    def _rest(self, words: str) -> None:
        self.start.setText(tr("Same on a folder…"))
        self._tell(words)
        self.look.setVisible((self._output / "index.html").is_file())
