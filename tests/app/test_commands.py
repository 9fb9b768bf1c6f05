from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from tests.app.desktop import Desktop

from partwise_app.commands import COMMANDS, MENUS, command, shortcut_text
from partwise_app.deeds import Deeds
from partwise_app.palette import match_score


def test_ids_and_shortcuts_are_given_once() -> None:
    ids = [entry.id for entry in COMMANDS]
    keys = [entry.shortcut for entry in COMMANDS if entry.shortcut]
    assert len(set(ids)) == len(ids)
    assert len(set(keys)) == len(keys)


def test_every_command_has_a_deed_and_a_menu() -> None:
    for entry in COMMANDS:
        assert callable(getattr(Deeds, entry.deed)), entry.id
        assert entry.menu in MENUS


def test_every_deed_is_in_the_table() -> None:
    prefixes = tuple(f"{menu.lower()}_" for menu in MENUS)
    deeds = {name for name in vars(Deeds) if name.startswith(prefixes)}
    assert deeds == {entry.deed for entry in COMMANDS}


def test_tooltip_names_the_keys() -> None:
    assert shortcut_text("run_start") == " (Ctrl+R)"
    assert shortcut_text("help_about") == ""
    with pytest.raises(KeyError):
        command("no_such")


def test_palette_lists_every_command_sample_and_part(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    desktop.run(window.session)
    offered = {offer.id for offer in window.offers()}
    toggles = {c.id for c in COMMANDS if c.deed == "view_toggle"}
    assert {c.id for c in COMMANDS} - toggles - {"help_palette"} <= offered
    assert {"view_toggle:0", "view_toggle:1", "view_toggle:2"} == toggles & offered
    assert {"sample:pebbles", "solo:large", "solo:residual"} <= offered


def test_palette_finds_by_first_letters_and_does_it(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    desktop.run(window.session)
    window.action("help_palette").trigger()
    palette = window.palette_box
    assert palette.isVisible()
    palette.type("solo small")
    assert palette.found()[0].id == "solo:small"
    palette._on_key(Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert [s.key for s in window.session.strips if s.solo] == ["small"]


def test_palette_says_when_nothing_fits(desktop: Desktop) -> None:
    window = desktop.window()
    window.palette_box.open(window.offers())
    window.palette_box.type("qqqq")
    assert window.palette_box.found() == ()


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("exp", "Export", "Take corrections back explained"),
        ("sp", "Save project", "Side by side, split"),
        ("th li", "Theme: light", "Show or hide the light"),
    ],
)
def test_beginnings_of_words_count_more(query: str, better: str, worse: str) -> None:
    first, second = match_score(query, better), match_score(query, worse)
    assert first is not None
    assert second is None or first > second


def test_letters_out_of_order_do_not_match() -> None:
    assert match_score("nur", "run") is None
    assert match_score("", "anything") == 0
