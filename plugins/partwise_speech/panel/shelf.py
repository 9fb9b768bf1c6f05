"""Which voice and which noise are used, and which others are at hand?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from partwise_app.api import Elided, SectionLabel, button, label, tr
from partwise_speech.library import Saved
from partwise_speech.sources import GENERIC

__all__ = ["Shelf"]


class Shelf(QWidget):
    """Two lists, voices and noises; the chosen one of each is what a run uses."""

    voice_chosen = Signal(str)
    """``"generic"`` or a path."""
    noise_chosen = Signal(str)
    """A path, or empty for the recording's own."""
    save_noise_asked = Signal()
    gather_asked = Signal(str)
    """``"voice"`` or ``"noise"``: one shall be learned from recordings."""
    forget_asked = Signal(object)
    """A path."""
    look_asked = Signal(str)
    """``"generic"`` or a path: its atoms shall be seen."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[QWidget] = []
        self._voices, self._noises = QVBoxLayout(), QVBoxLayout()
        for rows in (self._voices, self._noises):
            rows.setSpacing(2)
        self.save_noise = button(
            tr("Save this noise…"),
            "small",
            tip=tr("Keep the atoms of the noise for other recordings"),
        )
        self.save_noise.clicked.connect(self.save_noise_asked)
        self.gather = {
            "voice": self._gather(
                "voice",
                tr("Learn a voice from recordings"),
                tr("Learn a voice from clean recordings of it, such as those of an earlier visit"),
            ),
            "noise": self._gather(
                "noise",
                tr("Learn a noise from recordings"),
                tr("Learn one noise from recordings of its kind, without speech: a class of noise"),
            ),
        }
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Voices")))
        box.addLayout(self._voices)
        hint = tr("Select clean speech and press “Learn voice here” for one of your own.")
        box.addWidget(label(hint, "small", wrap=True))
        box.addWidget(self.gather["voice"], 0, Qt.AlignmentFlag.AlignLeft)
        box.addSpacing(4)
        box.addWidget(SectionLabel(tr("Noises")))
        box.addLayout(self._noises)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.save_noise)
        row.addWidget(self.gather["noise"])
        row.addStretch()
        box.addLayout(row)

    def show_all(self, saved: Sequence[Saved], voice: str, noise: str) -> None:
        """Show what there is, and what is chosen: values of the two parameters."""
        for row in self._rows:
            row.hide()
            row.deleteLater()
        self._rows = []
        own = [one for one in saved if one.kind == "voice"]
        self._add(
            self._voices, True, GENERIC, tr("Generic voice"), tr("comes with Partwise"), voice
        )
        for one in own:
            self._add(self._voices, True, str(one.path), one.name, _about(one), voice, one)
        if voice != GENERIC and voice not in {str(one.path) for one in own}:
            self._add(self._voices, True, voice, Path(voice).stem, tr("a file"), voice)
        noises = [one for one in saved if one.kind == "noise"]
        self._add(
            self._noises, False, "", tr("This recording's own"), tr("learned at each run"), noise
        )
        for one in noises:
            self._add(self._noises, False, str(one.path), one.name, _about(one), noise, one)
        if noise and noise not in {str(one.path) for one in noises}:
            self._add(self._noises, False, noise, Path(noise).stem, tr("a file"), noise)

    def _gather(self, kind: str, name: str, tip: str) -> QPushButton:
        made = button(tr("From recordings…"), "small", name=name, tip=tip)
        made.clicked.connect(partial(self.gather_asked.emit, kind))
        return made

    def _add(
        self,
        rows: QVBoxLayout,
        is_voice: bool,
        value: str,
        name: str,
        about: str,
        chosen: str,
        saved: Saved | None = None,
    ) -> None:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        pick = _Pick()
        pick.setAutoExclusive(False)
        pick.setChecked(value == chosen)
        pick.setAccessibleName(tr("Use {name}", name=name))
        pick.setToolTip(tr("Use {name} in the next run", name=name))
        emit = self.voice_chosen if is_voice else self.noise_chosen
        pick.clicked.connect(partial(emit.emit, value))
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Elided(name))
        words.addWidget(Elided(about, "small"))
        line.addWidget(pick)
        line.addLayout(words, 1)
        if value:
            look = button(
                tr("Look"),
                "link",
                name=tr("Look at {name}", name=name),
                tip=tr("See and hear its atoms"),
            )
            look.clicked.connect(partial(self.look_asked.emit, value))
            line.addWidget(look)
        if saved is not None:
            row.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            row.customContextMenuRequested.connect(partial(self._on_menu, row, saved.path))
        rows.addWidget(row)
        self._rows.append(row)

    def _on_menu(self, row: QWidget, path: Path, at: QPoint) -> None:
        menu = QMenu(self)
        delete = menu.addAction(tr("Delete this dictionary"))
        if menu.exec(row.mapToGlobal(at)) is delete:
            self.forget_asked.emit(path)
        menu.deleteLater()


class _Pick(QRadioButton):
    """One of several, in the colours of the theme."""

    def sizeHint(self) -> QSize:
        return QSize(18, 20)

    def hitButton(self, pos: object) -> bool:
        return True

    def nextCheckState(self) -> None:
        self.setChecked(True)  # what is chosen stays so when it is chosen again

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, on = self.palette(), self.isChecked()
        disc = QRectF(2.5, self.height() / 2 - 6.5, 13, 13)
        if self.hasFocus():  # a ring with a gap, in the ink of words
            painter.setPen(QPen(palette.text().color(), 2.0))
            painter.drawEllipse(disc.adjusted(-1.5, -1.5, 1.5, 1.5))
            disc = disc.adjusted(1.5, 1.5, -1.5, -1.5)
        painter.setPen(QPen((palette.highlight() if on else palette.mid()).color(), 1.3))
        painter.setBrush(palette.button())
        painter.drawEllipse(disc)
        if on:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.highlight())
            painter.drawEllipse(QRectF(disc.center(), disc.center()).adjusted(-3, -3, 3, 3))
        painter.end()


def _about(one: Saved) -> str:
    atoms = tr("{count} atoms", count=f"{one.atoms:,}")
    return f"{atoms} · {one.about}" if one.about else atoms
