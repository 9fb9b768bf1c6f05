"""How is a problem told in the window: what happened, to which file, what to do?"""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from partwise.errors import FileProblem, InputProblem, PartwiseProblem
from partwise_app import icons
from partwise_app.controls import button, label, restyle, set_icon
from partwise_app.theme import Tokens
from partwise_app.words import tr

__all__ = ["Notice", "NoticeBar", "notice_of"]

_PREDICATES = frozenset({"is", "was", "has", "holds", "cannot", "does", "needs", "ends"})
_log = logging.getLogger("partwise.app")


@dataclass(frozen=True)
class Notice:
    """One thing to tell.

    Attributes
    ----------
    tone : {"good", "look", "bad"}
    text : str
        What happened, in one sentence.
    detail : str
        What to do about it.
    more : str
        For the log and for a report: what a developer wants to know. Empty for good news.
    action : str
        Id of a command that helps, offered as a button; empty for none.
    """

    tone: str
    text: str
    detail: str = ""
    more: str = ""
    action: str = ""


def notice_of(problem: Exception, doing: str) -> Notice:
    """Put a problem into words; `doing` says what was being done ("Opening slide.svs")."""
    more = "".join(traceback.format_exception(problem))
    if isinstance(problem, FileProblem):
        # Most reasons are predicates ("is empty"), some are sentences ("there is no such file").
        joint = " " if problem.what.partition(" ")[0] in _PREDICATES else ": "
        text = f"{problem.path.name}{joint}{problem.what.rstrip('.')}."
        return Notice("bad", text, _sentence(problem.fix), more)
    if isinstance(problem, PartwiseProblem):
        return Notice("bad", _sentence(problem.what), _sentence(problem.fix), more)
    if isinstance(problem, InputProblem):
        what, _, fix = str(problem).partition("; ")
        return Notice("bad", _sentence(what), _sentence(fix), more)
    if isinstance(problem, OSError):
        reason = problem.strerror or str(problem)
        where = f" {problem.filename}" if problem.filename else ""
        return Notice(
            "bad",
            tr("{doing} failed: {reason}{where}", doing=doing, reason=reason, where=where),
            tr("Check the disk and the permissions."),
            more,
        )
    if isinstance(problem, MemoryError):
        return Notice(
            "bad",
            tr("{doing} needs more memory than there is.", doing=doing),
            tr("Close other programs."),
            more,
        )
    return Notice(
        "bad",
        tr("{doing} failed in a way that Partwise did not foresee.", doing=doing),
        tr("Your work is still here. The details help us to mend it."),
        more,
    )


def _sentence(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


class NoticeBar(QFrame):
    """A calm bar under the top row: what happened and the way out."""

    asked = Signal(str)  # id of the notice's command
    details_asked = Signal(object)  # the notice

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._notice: Notice | None = None
        self._text = label("", "strong", wrap=True)
        self._detail = label("", "muted", wrap=True)
        self._action = button("", "small")
        self._more = button(tr("Details"), "small", tip=tr("What happened, to copy into a report"))
        self._close = button("", "icon", name=tr("Dismiss this message"), tip=tr("Dismiss"))
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._text)
        words.addWidget(self._detail)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 10, 8)
        row.setSpacing(8)
        row.addLayout(words, 1)
        for widget in (self._action, self._more, self._close):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self._action.clicked.connect(self._on_action)
        self._more.clicked.connect(self._on_more)
        self._close.clicked.connect(self.dismiss)
        self.hide()

    @property
    def notice(self) -> Notice | None:
        """What is being told, or None."""
        return self._notice

    def tell(self, notice: Notice, action_title: str = "") -> None:
        """Show a notice in place of the one before; problems go to the log as well."""
        if notice.more:
            _log.warning("%s %s\n%s", notice.text, notice.detail, notice.more)
        self._notice = notice
        restyle(self, "tone", notice.tone)
        self._text.setText(notice.text)
        self._detail.setText(notice.detail)
        self._detail.setVisible(bool(notice.detail))
        self._action.setText(action_title)
        self._action.setAccessibleName(action_title)
        self._action.setVisible(bool(notice.action and action_title))
        self._more.setVisible(bool(notice.more))
        self.setAccessibleName(f"{notice.text} {notice.detail}".strip())
        self.show()

    def dismiss(self) -> None:
        """Take the notice away."""
        self._notice = None
        self.hide()

    def set_theme(self, tokens: Tokens) -> None:
        set_icon(self._close, icons.icon("close", tokens.muted))

    def _on_action(self) -> None:
        if self._notice is not None:
            self.asked.emit(self._notice.action)

    def _on_more(self) -> None:
        if self._notice is not None:
            self.details_asked.emit(self._notice)
