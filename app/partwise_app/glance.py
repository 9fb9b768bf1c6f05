"""What does Trust come to? One line that stays in sight, and leads to the findings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from partwise.result import Trust
from partwise_app.controls import Dot, Elided
from partwise_app.theme import Tokens
from partwise_app.words import tr

__all__ = ["TrustGlance", "sum_of_trust"]


def sum_of_trust(lines: Sequence[Trust]) -> tuple[str, str]:
    """Return the worst verdict of all findings, and how many there are of each, in words."""
    bad = sum(line.verdict == "bad" for line in lines)
    look = sum(line.verdict == "look" for line in lines)
    if not lines:
        return "", ""
    if bad and look:
        return "bad", tr("{n} of {all} findings bad, {m} to look at", n=bad, all=len(lines), m=look)
    if bad:
        return "bad", tr("{n} of {all} findings bad", n=bad, all=len(lines))
    if look:
        return "look", tr("{n} of {all} findings to look at", n=look, all=len(lines))
    return "good", tr("{all} findings, no doubt in them", all=len(lines))


class TrustGlance(QPushButton):
    """The line; a click is for the findings themselves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "link")
        self.setAutoDefault(False)
        self.setFixedHeight(26)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(tr("Show the findings under Trust"))
        self._dot = Dot()
        self._words = Elided("", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(9)
        for widget in (self._dot, self._words):
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        row.addWidget(self._dot)
        row.addWidget(self._words, 1)
        self.hide()

    def set_lines(self, lines: Sequence[Trust]) -> None:
        """Sum up findings; the line is away where there are none."""
        verdict, words = sum_of_trust(lines)
        self._dot.set_verdict(verdict)
        self._words.set_full(words)
        self.setAccessibleName(tr("Trust: {words}", words=words))
        self.setVisible(bool(lines))

    def words(self) -> str:
        """Return what is said."""
        return self._words.full()

    def set_theme(self, tokens: Tokens) -> None:
        self._dot.set_theme(tokens)
