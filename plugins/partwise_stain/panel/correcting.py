"""How does a hand correct stains and white? By a pick on the slide, or by typed numbers."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QRectF
from PySide6.QtWidgets import QInputDialog, QWidget

from partwise.api import InputProblem
from partwise_app.api import ImageStage, tr
from partwise_stain.asked import read_vectors
from partwise_stain.panel.case import Case
from partwise_stain.panel.deeds import Deeds
from partwise_stain.pick import pixels_in, stain_of, white_of

__all__ = ["Correcting"]

_WHITE = "white"


class Correcting(QObject):
    """Turns picks and numbers into corrections of a case.

    Parameters
    ----------
    case : Case
    deeds : Deeds
        Says what was wrong with a pick.
    parent : QWidget
        Of the dialog for numbers.
    """

    def __init__(self, case: Case, deeds: Deeds, parent: QWidget) -> None:
        super().__init__(parent)
        self._case, self._deeds, self._parent = case, deeds, parent
        self._stage: ImageStage | None = None
        self._target = ""  # of the pick: key of a stain, or "white"

    def take(self, stage: ImageStage) -> None:
        """Pick from a stage from now on."""
        self._stage = stage
        stage.marks.picked.connect(self._picked)

    def pick(self, target: str) -> None:
        """Let the next drag over the slide say what a stain, or ``"white"``, looks like."""
        self._target = target
        if self._stage is not None:
            self._stage.marks.set_tool("pick")

    def correct(self, key: str, vector: Sequence[float]) -> None:
        """Put a vector in place of a stain's, unless it is locked."""
        names = dict(zip(self._case.keys, self._case.names, strict=True))
        if key in names and key not in self._case.locked:
            self._case.host.correct(key, vector, tr("Correct {name}", name=names[key]))

    def ask_numbers(self, key: str) -> None:
        """Ask for the numbers of a stain's vector."""
        known = dict(zip(self._case.keys, self._case.vectors, strict=True))
        text, done = QInputDialog.getText(
            self._parent,
            tr("Stain vector"),
            tr("Optical density in red, green and blue:"),
            text=", ".join(f"{value:.4f}" for value in known[key]),
        )
        if done:
            self.set_numbers(key, text)

    def set_numbers(self, key: str, text: str) -> None:
        """Put three typed numbers in place of a stain's vector."""
        try:
            # The reader wants two vectors: grey stands beside, whatever was typed.
            vectors = read_vectors(f"{text};1,1,1.5")
        except ValueError as error:
            why = str(error)
            self._case.host.notify(why[:1].upper() + why[1:], "warn")
            return
        if vectors is not None and vectors.shape[1] == 2:
            self.correct(key, [float(value) for value in vectors[:, 0]])

    def find_white(self) -> None:
        """Take the white as it is found on the slide."""
        self._case.host.set_parameter("white", "auto", tr("White as found"))

    def _picked(self, box: QRectF) -> None:
        case, stage = self._case, self._stage
        if stage is None or case.pyramid is None or not self._target:
            return
        down = 100 / max(stage.zoom_percent, 1e-6)
        try:
            pixels = pixels_in(case.pyramid, (box.x(), box.y(), box.width(), box.height()), down)
            if self._target == _WHITE:
                self._set_white(white_of(pixels))
            else:
                self.correct(self._target, stain_of(pixels, case.white or (255, 255, 255)))
        except InputProblem as problem:
            self._deeds.say(problem)
            return
        stage.marks.set_tool("")

    def _set_white(self, white: tuple[float, float, float]) -> None:
        host = self._case.host
        host.set_parameter("white", ",".join(f"{level:g}" for level in white), tr("Pick white"))
        if self._case.mixing is not None:
            levels = ", ".join(f"{level:.0f}" for level in white)
            host.notify(
                tr("White {levels}: the picture follows; Run measures with it.", levels=levels)
            )
