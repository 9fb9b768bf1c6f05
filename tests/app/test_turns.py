"""One thing per turn of the loop: in order, the newest of a name, nothing that was forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise_app.turns import Turns

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot


def test_each_waits_for_a_turn_and_the_newest_of_a_name_counts(qtbot: QtBot) -> None:
    turns = Turns()
    done: list[str] = []
    turns.ask("a", lambda: done.append("old a"))
    turns.ask("b", lambda: done.append("b"))
    turns.ask("a", lambda: done.append("a"))
    assert not done
    qtbot.waitUntil(lambda: len(done) == 2)
    assert done == ["a", "b"]
    turns.ask("c", lambda: done.append("c"))
    turns.forget()
    turns.ask("d", lambda: done.append("d"))
    qtbot.waitUntil(lambda: done[-1] == "d")
    assert done == ["a", "b", "d"]


def test_what_asks_for_more_is_followed_by_more(qtbot: QtBot) -> None:
    turns = Turns()
    done: list[int] = []

    def again() -> None:
        done.append(len(done))
        if len(done) < 3:
            turns.ask("again", again)

    turns.ask("again", again)
    qtbot.waitUntil(lambda: done == [0, 1, 2])
