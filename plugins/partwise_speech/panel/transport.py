"""Play, which version, where: the bar under the stage."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from partwise_app.api import Elided, button, icon, label, tr
from partwise_speech.panel.heard import RESIDUAL, SPEECH, WHOLE
from partwise_speech.panel.keyhelp import KeyHelp
from partwise_speech.panel.listening import Listening

__all__ = ["Transport", "clock"]

_SIGNS = 16


class Transport(QWidget):
    """The row of buttons that play.

    Parameters
    ----------
    listening : Listening
    """

    def __init__(self, listening: Listening) -> None:
        super().__init__()
        self._listening = listening
        self._title = ""
        self._state = ""
        self.play = button("", "primary", name=tr("Play"), tip=tr("Play or pause (Space)"))
        self.play.setFixedSize(44, 30)
        self.play.clicked.connect(listening.toggle)
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._choices: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(6)
        row.addWidget(self.play)
        row.addSpacing(6)
        for number, (key, words, tip) in enumerate(
            (
                (WHOLE, tr("Whole"), tr("Hear the recording as it is; A goes back and forth")),
                (SPEECH, tr("Speech"), tr("Hear the speech that was found")),
                (
                    RESIDUAL,
                    tr("Residual"),
                    tr("Hear what was taken away: the whole less the speech"),
                ),
            ),
            1,
        ):
            row.addWidget(self._choice(key, f"{number}  {words}", words, f"{tip} ({number})"))
        row.addSpacing(6)
        self.loop = self._toggle(
            tr("Loop"), tr("Play the selection, or what is on screen, again and again (R)")
        )
        self.follow = self._toggle(tr("Follow"), tr("Turn the page with the playhead"))
        self.follow.setChecked(True)
        self.match = self._toggle(
            tr("Match"),
            tr("Make all equally loud: gated loudness after ITU-R BS.1770, at −23 LUFS or below"),
        )
        self.match.setChecked(True)
        self.match.toggled.connect(listening.set_matching)
        for widget in (self.loop, self.follow, self.match):
            row.addWidget(widget)
        self._said = Elided("", "small")
        row.addWidget(self._said, 1)
        self._time = label("", "number")
        self._time.setMinimumWidth(104)
        self._time.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._time.setAccessibleName(tr("Position"))
        row.addWidget(self._time)
        self.keys = button("?", "small", name=tr("Keys"), tip=tr("Which keys there are"))
        self.keys.setFixedWidth(26)
        self.keys.clicked.connect(self._show_keys)
        row.addWidget(self.keys)
        listening.changed.connect(self.refresh)
        listening.moved.connect(self._on_moved)
        self._dress()
        self.refresh()

    def choice(self, key: str) -> QPushButton:
        """Return the button of a version."""
        return self._choices[key]

    def set_title(self, words: str) -> None:
        """Name what is heard in place of the three, such as a part alone; empty for none."""
        self._title = words
        self.refresh()

    def set_state(self, words: str) -> None:
        """Say what is being made, or how; empty where all is there."""
        if words != self._state:
            self._state = words
            self.refresh()

    def refresh(self) -> None:
        """Draw what can be heard, and what is."""
        listening = self._listening
        self.play.setEnabled(listening.ready)
        name = tr("Pause") if listening.playing else tr("Play")
        self.play.setAccessibleName(name)
        self.play.setToolTip(listening.reason or tr("{name} (Space)", name=name))
        for key, choice in self._choices.items():
            choice.setEnabled(key in listening.keys)
            choice.setChecked(key == listening.key)
        self._group.setExclusive(listening.key in self._choices)
        for key, choice in self._choices.items():
            choice.setChecked(key == listening.key)
        self._group.setExclusive(True)
        self.loop.setEnabled(listening.duration > 0)
        self.loop.setChecked(listening.loop is not None)
        self._said.set_full(self._words())
        self.setToolTip(listening.reason)
        self._on_moved(listening.position)
        self._draw_sign()

    def sizeHint(self) -> QSize:
        return QSize(600, 42)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()
        super().changeEvent(event)

    def _show_keys(self) -> None:
        KeyHelp(self.window()).show()

    def _words(self) -> str:
        """Why nothing can be heard; else what is, and how loud."""
        listening = self._listening
        if listening.reason:
            return tr("No sound output")
        if self._state or not listening.duration:
            return self._state
        title = self._title if listening.key not in self._choices else ""
        loudness = ""
        if listening.faint:
            loudness = tr("faint, as loud as may be") if title else tr("too faint to match")
        elif listening.loudness is not None:
            level = f"{listening.loudness:.1f}".replace("-", "−")
            loudness = tr("{level} LUFS" if title else "matched at {level} LUFS", level=level)
        return " · ".join(filter(None, (title, loudness)))

    def _choice(self, key: str, words: str, name: str, tip: str) -> QPushButton:
        made = button(words, "toggle", name=tr("Hear {name}", name=name), tip=tip, checkable=True)
        made.setMinimumHeight(26)
        made.clicked.connect(partial(self._listening.choose, key))
        self._group.addButton(made)
        self._choices[key] = made
        return made

    def _toggle(self, words: str, tip: str) -> QPushButton:
        made = button(words, "toggle", tip=tip, checkable=True)
        made.setMinimumHeight(26)
        return made

    def _on_moved(self, at: float) -> None:
        listening = self._listening
        whole = listening.duration
        self._time.setText(f"{clock(at, whole)} / {clock(whole, whole)}" if whole else "")

    def _dress(self) -> None:
        self._ink = self.palette().highlightedText().color().name()
        self._draw_sign()

    def _draw_sign(self) -> None:
        sign = "pause" if self._listening.playing else "run"
        ink = self._ink if self.play.isEnabled() else self.palette().mid().color().name()
        self.play.setIcon(icon(sign, ink, _SIGNS))
        self.play.setIconSize(QSize(_SIGNS, _SIGNS))


def clock(at: float, longest: float) -> str:
    """Write a moment as clocks do: ``"0:04.2"``, ``"1:02:03.4"``."""
    tenths = round(at * 10)
    minutes, rest = divmod(tenths, 600)
    if longest >= 3600:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{minutes}:{rest // 10:02d}.{rest % 10}"
