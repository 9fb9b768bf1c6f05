"""Can this be trusted? Each finding with its number, in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from partwise.result import Trust
from partwise_app.controls import SectionLabel, label
from partwise_app.drawings import Dot
from partwise_app.theme import DARK, Tokens
from partwise_app.words import mark, tr

__all__ = ["TrustCard"]

_SPOKEN = {"good": mark("good"), "look": mark("worth a look"), "bad": mark("bad")}
_BLANK = Trust("", None, "good", "", "…")
_EMPTY = mark("After a run: how much is explained, what is left over, and how sure the parts are.")


class TrustCard(QWidget):
    """The lines of trust of a result."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = DARK
        self._lines: list[_Line] = []
        self._spare: list[_Line] = []  # hidden, for findings to come
        self._empty = label(tr(_EMPTY), "muted", wrap=True)
        self._rows = QWidget()
        self._box = QVBoxLayout(self._rows)
        self._box.setContentsMargins(0, 0, 0, 0)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        for each in (self._box, box):
            each.setSpacing(9)
        for widget in (SectionLabel(tr("Trust")), self._empty, self._rows):
            box.addWidget(widget)
        self._rows.hide()

    def set_lines(self, lines: Sequence[Trust]) -> None:
        """Show findings; none is the empty state, never a bare tick."""
        # Rows are kept where they can: to dress new ones takes longer than all else here.
        gone, now = [*self._lines, *self._spare], []
        for line in lines:
            row = next((row for row in gone if row.shows(line)), None)
            row = row or next((row for row in gone if row.fits(line)), None)
            if row is None:
                row = _Line(line, self._tokens)
            else:
                gone.remove(row)
                row.say(line)
            now.append(row)
        fresh = [row for row in now if row not in self._lines]
        if fresh or not now:
            self._rows.hide()  # each row shown in sight would lay out the whole window
        for row in gone:
            self._box.removeWidget(row)
            row.hide()
        for place, row in enumerate(now):
            if self._box.indexOf(row) != place:
                self._box.insertWidget(place, row)
        for row in fresh:
            row.show()
        self._rows.setVisible(bool(now))
        self._lines, self._spare = now, gone
        self._empty.setVisible(not lines)

    def prepare(self, count: int) -> None:
        """Dress rows for findings to come, up to `count` in all."""
        while len(self._lines) + len(self._spare) < count:
            row = _Line(_BLANK, self._tokens)
            row.setParent(self._rows)
            row.hide()  # said aloud, or it would be shown along with the card
            for widget in (row, *row.findChildren(QWidget)):
                widget.ensurePolished()
            self._spare.append(row)

    def texts(self) -> tuple[str, ...]:
        """Return the findings shown, as spoken to a screen reader."""
        return tuple(line.accessibleName() for line in self._lines)

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        for line in (*self._lines, *self._spare):
            line.dot.set_theme(tokens)


class _Line(QWidget):
    """A finding: its verdict as a dot, and its words."""

    def __init__(self, line: Trust, tokens: Tokens) -> None:
        super().__init__()
        self._line = line
        self.dot = Dot()
        self.dot.set_theme(tokens)
        self._words = [_selectable("", "strong")]
        if line.detail:
            self._words.append(_selectable("", "muted"))
        words = QVBoxLayout()
        words.setSpacing(2)
        for part in self._words:
            words.addWidget(part)
        lay = QHBoxLayout(self)
        lay.setContentsMargins(0, 0, 0, 0)
        lay.setSpacing(9)
        spot = QVBoxLayout()
        spot.setContentsMargins(0, 4, 0, 0)
        spot.addWidget(self.dot)
        spot.addStretch()
        lay.addLayout(spot)
        lay.addLayout(words, 1)
        self.say(line)

    def shows(self, line: Trust) -> bool:
        """Whether this is the row of a finding, perhaps in other words."""
        return line.check == self._line.check and self.fits(line)

    def fits(self, line: Trust) -> bool:
        """Whether a finding's words have their places in this row."""
        return len(self._words) == 1 + bool(line.detail)

    def say(self, line: Trust) -> None:
        """Show what was found."""
        self._line = line
        self.dot.set_verdict(line.verdict)
        for part, text in zip(self._words, (line.text, line.detail), strict=False):
            part.setText(text)
        self.setAccessibleName(f"{tr(_SPOKEN[line.verdict])}: {line.text}. {line.detail}".strip())


def _selectable(text: str, tone: str) -> QLabel:
    made = label(text, tone, wrap=True)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made
