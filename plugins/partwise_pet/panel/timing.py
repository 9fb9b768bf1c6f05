"""What is known of the frames of a series, and who says otherwise? The section and its table."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import Dataset, FileProblem, state_folder
from partwise_app.api import Host, button, label, tr
from partwise_pet.panel.frames import FrameDialog
from partwise_pet.times import read_frames

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Timing"]

Array = NDArray[np.float64]


class Timing(QObject):
    """The rows of the section on frames; draws what holds and takes what a person corrects.

    Parameters
    ----------
    host : Host
    owner : QWidget
        Of the dialog.
    """

    chosen = Signal(str, str, str)
    """A parameter is to be set: its name, its value, and words for what was done."""

    def __init__(self, host: Host, owner: QWidget) -> None:
        super().__init__(owner)
        self._host, self._owner = host, owner
        self._told_of: Dataset | None = None
        self.words = label("", "", wrap=True)
        self.notes = label("", "muted", wrap=True)
        self._edit = button(tr("Frame table…"), "link", tip=tr("Look at and correct frame times"))
        self._edit.clicked.connect(self._ask)
        self.rows: tuple[QWidget, ...] = (self.words, self.notes, self._edit)

    def refresh(self) -> None:
        """Draw what is known now; what keeps a series from being analysed is said once."""
        dataset = self._host.dataset
        if dataset is None:
            self.words.setText("")
            return
        spans, source, notes = self._known(dataset)
        if spans is None:
            words = tr("Times are never guessed: fill in the frame table, or name a file for them.")
            self.words.setText(f"{source}. {words}")
        else:
            lasting = spans[:, 1] - spans[:, 0]
            self.words.setText(
                tr(
                    "{count} frames of {short} to {long} s, {minutes} min in all; from {source}.",
                    count=len(spans),
                    short=f"{lasting.min():g}",
                    long=f"{lasting.max():g}",
                    minutes=f"{(spans[-1, 1] - spans[0, 0]) / 60:g}",
                    source=source,
                )
            )
        self.notes.setText(" ".join([self._decay(dataset.meta.get("decay_corrected")), *notes]))
        if dataset is not self._told_of:
            self._told_of = dataset
            if spans is None:
                shown = tr("the series is shown, and analysed once its frame table is filled in.")
                self._host.notify(f"{source}: {shown}", "warn")

    @property
    def spans(self) -> Array | None:
        """Start and end of each frame in s; None where they are not known."""
        dataset = self._host.dataset
        return self._known(dataset)[0] if dataset is not None else None

    def dialog(self) -> FrameDialog | None:
        """Make the frame table's dialog; None without a series."""
        dataset = self._host.dataset
        if dataset is None or dataset.values is None:
            return None
        spans, source, _ = self._known(dataset)
        told = dataset.meta.get("decay_corrected")
        made = FrameDialog(
            spans,
            len(dataset.values),
            source,
            self._told("decay") or "file",
            told if isinstance(told, bool) else None,
            self._owner,
        )
        made.accepted.connect(self._take)
        return made

    def _ask(self) -> None:
        dialog = self.dialog()
        if dialog is not None:
            dialog.open()

    def _take(self) -> None:
        dialog = self.sender()
        if not isinstance(dialog, FrameDialog) or dialog.spans is None:
            return
        decay = str(dialog.decay.currentData())
        if decay != (self._told("decay") or "file"):
            self.chosen.emit("decay", decay, tr("Decay correction"))
        if not dialog.edited:
            return
        text = "start_s\tend_s\n" + "".join(f"{a:.10g}\t{b:.10g}\n" for a, b in dialog.spans)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = state_folder() / "frames" / f"frames-{name}.tsv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        except OSError as error:
            words = tr("The frame table could not be kept: {why}", why=error.strerror)
            self._host.notify(words, "warn")
            return
        self.chosen.emit("frames", str(path), tr("Edit frame times"))

    def _known(self, dataset: Dataset) -> tuple[Array | None, str, list[str]]:
        """Times, what says them or why nothing does, and what a person should know of them."""
        path = self._told("frames")
        if path:
            try:
                table = read_frames(path)
            except FileProblem as problem:
                return None, f"{problem.path.name} {problem.what}", []
            return table.spans, table.source, list(table.notes)
        told, problem_of = dataset.meta.get("frames"), dataset.meta.get("timing_problem")
        if told:
            notes = dataset.meta.get("notes")
            lines = [str(n) for n in notes] if isinstance(notes, list) else []
            return np.array(told, np.float64), str(dataset.meta.get("timing", "")), lines
        if isinstance(problem_of, list):
            return None, f"{Path(problem_of[0]).name} {problem_of[1]}", []
        return None, tr("No file says when the frames were taken"), []

    def _decay(self, told: object) -> str:
        asked = self._told("decay") or "file"
        if asked == "corrected":
            return tr("Corrected for decay, as you said.")
        if asked == "uncorrected":
            return tr("Not corrected for decay, as you said; a run corrects it.")
        if isinstance(told, bool):
            return tr("Corrected for decay.") if told else tr("Not corrected for decay.")
        return tr("Decay correction unknown, taken as corrected.")

    def _told(self, name: str) -> str:
        return str(self._host.parameters.get(name, "") or "")
