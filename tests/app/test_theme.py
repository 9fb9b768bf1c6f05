from __future__ import annotations

from typing import Any

import pytest

from partwise_app import icons
from partwise_app.commands import COMMANDS
from partwise_app.theme import DARK, LIGHT, Theme, Tokens, contrast, mixed, stylesheet


def test_contrast_of_black_and_white_is_21_either_way() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#4b9fea", "#4b9fea") == pytest.approx(1)


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=lambda t: t.name)
def test_words_can_be_read_on_every_ground(tokens: Tokens) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for words (1.4.3), 3 to 1 for signs and marks (1.4.11)."""
    grounds = (tokens.canvas, tokens.window, tokens.raised, tokens.hover, tokens.selected)
    for ground in grounds:
        assert contrast(tokens.text, ground) >= 7
        assert contrast(tokens.muted, ground) >= 4.5
        for sign in (tokens.accent, tokens.good, tokens.look, tokens.bad):
            assert contrast(sign, ground) >= 3
    for words in (tokens.accent, tokens.bad):  # links, and what is wrong with a value
        assert contrast(words, tokens.window) >= 4.5
    assert contrast(tokens.bad, tokens.raised) >= 4.5
    for pressed in (tokens.accent, mixed(tokens.accent, tokens.text, 0.18)):
        assert contrast(tokens.on_accent, pressed) >= 4.5


def test_sheet_uses_each_theme_s_own_colours() -> None:
    for tokens, other in ((DARK, LIGHT), (LIGHT, DARK)):
        sheet = stylesheet(tokens)
        assert "$" not in sheet
        assert tokens.window in sheet
        assert other.window not in sheet


def test_mixed_colours_lie_between() -> None:
    assert mixed("#000000", "#ffffff", 0) == "#000000"
    assert mixed("#000000", "#ffffff", 1) == "#ffffff"
    assert mixed("#000000", "#804020", 0.5) == "#402010"


def test_every_icon_of_a_command_is_drawn_in_the_asked_colour(qapp: Any) -> None:
    for name in {entry.icon for entry in COMMANDS if entry.icon}:
        image = icons.pixmap(name, "#ff0000", 16, 2).toImage()
        inked = [
            image.pixelColor(x, y)
            for x in range(image.width())
            for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 250
        ]
        assert inked, name
        assert all((c.red(), c.green(), c.blue()) == (255, 0, 0) for c in inked), name


def test_changing_the_mode_tells_who_listens(theme: Theme, qtbot: Any) -> None:
    theme.set_mode("dark")
    with qtbot.waitSignal(theme.changed) as told:
        theme.set_mode("light")
    assert told.args == [LIGHT]
    theme.set_mode("dark")
    assert theme.tokens is DARK
