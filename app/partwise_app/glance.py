"""What does Trust come to? One line that stays in sight, and leads to the findings."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from partwise.result import Trust
from partwise_app.controls import Elided
from partwise_app.drawings import Dot
from partwise_app.theme import Tokens
from partwise_app.words import mark, tr

__all__ = ["TrustGlance", "sum_of_trust"]

_WORDS = {"bad": mark("{n} bad"), "look": mark("{n} to look at"), "good": mark("{n} good")}


def sum_of_trust(lines: Sequence[Trust]) -> tuple[str, str]:
    """Return the worst verdict of all findings, and how many there are of each, in words."""
    counted = [(v, sum(line.verdict == v for line in lines)) for v in _WORDS]
    there = [(verdict, count) for verdict, count in counted if count]
    if not there:
        return "", ""
    each = ", ".join(tr(_WORDS[verdict], n=count) for verdict, count in there)
    return there[0][0], tr("Findings: {each}", each=each)


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
