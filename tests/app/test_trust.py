"""The cards beside a result say what holds now, and dress no line anew that can stay."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from partwise.result import Measure, Trust
from partwise_app.measures import MeasuresCard
from partwise_app.trust import TrustCard

EXPLAINED = Trust("explained", 0.95, "good", "95 % explained", "Of tissue.")
WHITE = Trust("white", None, "look", "White is a guess")


def hand(names: str) -> Trust:
    return Trust("corrected", None, "look", f"Corrected by hand: {names}", "Run to measure it.")


def words(card: TrustCard) -> list[str]:
    """What is on the card, top to bottom."""
    labels = [label for label in card.findChildren(QLabel) if label.isVisible()]
    return [label.text() for label in sorted(labels, key=lambda la: la.mapTo(card, la.pos()).y())][
        1:
    ]


def test_lines_come_change_and_go_in_their_order(qtbot: QtBot) -> None:
    card = TrustCard()
    qtbot.addWidget(card)
    card.show()
    card.set_lines((EXPLAINED, WHITE))
    qtbot.waitUntil(lambda: len(words(card)) == 3)
    dressed = set(card.findChildren(QLabel))
    card.set_lines((hand("Eosin"), EXPLAINED, WHITE))
    assert [text.partition(": ")[2].partition(".")[0] for text in card.texts()] == [
        "Corrected by hand: Eosin",
        "95 % explained",
        "White is a guess",
    ]
    card.set_lines((hand("Haematoxylin, Eosin"), EXPLAINED, WHITE))
    wanted = ["Corrected by hand: Haematoxylin, Eosin", "Run to measure it."]
    wanted += ["95 % explained", "Of tissue.", "White is a guess"]
    qtbot.waitUntil(lambda: words(card) == wanted)
    card.set_lines((WHITE,))
    assert words(card) == ["White is a guess"]
    assert {label for label in card.findChildren(QLabel) if label.isVisible()} <= dressed
    card.set_lines(())
    assert card.texts() == ()
    assert len(words(card)) == 1, "what will stand here"


def test_findings_of_the_next_run_take_the_rows_of_the_last(qtbot: QtBot) -> None:
    card = TrustCard()
    qtbot.addWidget(card)
    card.prepare(2)
    card.show()
    assert len(words(card)) == 1, "rows that wait are not seen"
    dressed = set(card.findChildren(QLabel))
    for lines in ((EXPLAINED, hand("Eosin")), (), (hand("DAB"), EXPLAINED)):
        card.set_lines(lines)
    assert set(card.findChildren(QLabel)) == dressed
    assert words(card) == ["Corrected by hand: DAB", "Run to measure it.", *words(card)[2:]]
    assert words(card)[2:] == ["95 % explained", "Of tissue."]


def test_measures_of_fewer_numbers_leave_no_row_behind(qtbot: QtBot) -> None:
    card = MeasuresCard()
    qtbot.addWidget(card)
    card.prepare(3)
    card.set_measures([Measure(name, 0.5, "%", "") for name in ("One", "Two", "Three")])
    card.show()
    card.set_measures([Measure("Four", 0.25, "", "")])
    shown = [label.text() for label in card.findChildren(QLabel) if label.isVisible()]
    assert sorted(shown) == ["", "0.25", "Four", "MEASURES"]
    card.set_measures([])
    assert not card.isVisible()
