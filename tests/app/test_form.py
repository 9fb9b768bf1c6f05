from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit

from partwise.params import param, specs
from partwise_app.controls import Switch
from partwise_app.form import ParamForm


@dataclass(frozen=True)
class _Params:
    stains: str = param("he", choices={"he": "H&E", "hdab": "H-DAB"}, help="Which dyes.")
    cut: float = param(0.5, ge=0, le=1, unit="mm", label="Cut", help="Where large begins.")
    weak: float = param(
        0.2, ge=0, le=1, only="stains=hdab | check=false", help="From when on DAB is weak."
    )
    starts: int = param(3, ge=1, le=9, help="How often.", advanced=True)
    check: bool = param(True, help="Whether to check.", advanced=True)
    error: str = param(
        "plain",
        kind="open",
        choices={"plain": "Squares", "kl": "Counts"},
        check=lambda text: None if text in ("plain", "kl", "0.5") else "give plain, kl or 0.5",
        help="What a deviation costs.",
    )


@pytest.fixture
def form(qtbot: Any) -> ParamForm:
    made = ParamForm()
    qtbot.addWidget(made)
    values = {spec.name: spec.default for spec in specs(_Params)}
    made.set_form("Sort", specs(_Params), values)
    made.show()
    return made


def test_each_parameter_has_the_control_of_its_kind(form: ParamForm) -> None:
    assert isinstance(form.field("stains"), QComboBox)
    assert isinstance(form.field("cut"), QLineEdit)
    assert isinstance(form.field("check"), Switch)
    assert form.field("cut").accessibleName() == "Cut"
    assert "0 to 1 mm" in form.field("cut").toolTip()


def test_advanced_ones_are_folded_until_asked_for(form: ParamForm) -> None:
    assert form.field("cut").isVisible()
    assert not form.field("starts").isVisible()
    form._fold.click()
    assert form.field("starts").isVisible()


def test_an_allowed_value_is_told_once(form: ParamForm, qtbot: Any) -> None:
    line = form.field("cut")
    assert isinstance(line, QLineEdit)
    told: list[tuple[str, Any]] = []
    form.edited.connect(lambda name, value: told.append((name, value)))
    line.clear()
    qtbot.keyClicks(line, "0.25")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert told == [("cut", 0.25)]
    assert form.valid


@pytest.mark.parametrize("text", ["7", "grey", "", "nan"])
def test_a_wrong_value_is_marked_with_what_is_allowed(
    form: ParamForm, qtbot: Any, text: str
) -> None:
    line = form.field("cut")
    assert isinstance(line, QLineEdit)
    told: list[object] = []
    form.edited.connect(lambda *what: told.append(what))
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert told == []
    assert not form.valid
    assert "0 to 1 mm" in form.problem("cut")
    assert line.property("wrong") is True


def test_values_from_the_document_are_shown_and_not_told_back(form: ParamForm) -> None:
    told: list[object] = []
    form.edited.connect(lambda *what: told.append(what))
    form.set_form("Sort", specs(_Params), {"stains": "hdab", "cut": 0.75, "check": False})
    combo, line, switch = form.field("stains"), form.field("cut"), form.field("check")
    assert isinstance(combo, QComboBox)
    assert isinstance(line, QLineEdit)
    assert isinstance(switch, Switch)
    assert (combo.currentData(), line.text(), switch.isChecked()) == ("hdab", "0.75", False)
    assert told == []


def test_switch_and_choice_tell_their_value(form: ParamForm, qtbot: Any) -> None:
    form._fold.click()
    switch = form.field("check")
    with qtbot.waitSignal(form.edited) as told:
        qtbot.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert told.args == ["check", False]
    combo = form.field("stains")
    with qtbot.waitSignal(form.edited) as told:
        qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert told.args == ["stains", "hdab"]


def test_an_open_choice_offers_words_and_takes_what_is_typed(form: ParamForm, qtbot: Any) -> None:
    choice = form.field("error")
    assert isinstance(choice, QComboBox)
    line = choice.lineEdit()
    assert line is not None
    assert line.text() == "Squares", "its words, never the value"
    told: list[tuple[str, Any]] = []
    form.edited.connect(lambda name, value: told.append((name, value)))
    for typed in ("counts", "0.5", "plain"):
        line.clear()
        qtbot.keyClicks(line, typed)
        line.editingFinished.emit()
    assert told == [("error", "kl"), ("error", "0.5"), ("error", "plain")]
    line.clear()
    qtbot.keyClicks(line, "grey")
    assert form.problem("error") == "give plain, kl or 0.5"
    assert not form.valid
    choice.activated.emit(1)
    assert told[-1] == ("error", "kl")
    assert form.problem("error") == ""
    form.set_form("Sort", specs(_Params), {"error": "0.5"})
    assert line.text() == "0.5"


def test_what_a_run_takes_no_notice_of_rests_and_says_when_it_does(form: ParamForm) -> None:
    weak = form.field("weak")
    assert not weak.isEnabled()
    assert weak.toolTip().endswith("Only with Stains: H-DAB or Check: off")
    form.set_form("Sort", specs(_Params), {"stains": "hdab"})
    assert weak.isEnabled()
    assert "Only with" not in weak.toolTip()
    form.set_form("Sort", specs(_Params), {"stains": "he", "check": False})
    assert weak.isEnabled()
