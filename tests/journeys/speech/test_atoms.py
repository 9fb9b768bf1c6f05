"""Atoms are seen while they form, heard alone, and moved to the other side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QDropEvent
from tests.journeys.conftest import Journey
from tests.journeys.speech.desk import (
    RATE,
    Room,
    opened,
    ready,
    sounds,
)

from partwise_speech.panel.tile import AtomTile
from partwise_speech.strength import render


def test_atoms_are_seen_while_they_form(journey: Journey, room: Room) -> None:
    _, panel, _ = opened(journey)
    board = panel.atoms
    assert not board.isVisible()
    board.show_noise(np.eye(8, 96, dtype=np.float32), None)
    panel._fold_atoms()
    assert board.isVisible()
    assert [tile.isEnabled() for tile in board.tiles["noise"]] == [False] * 8
    assert board.sides["noise"].title.words() == "Noise, being learned"
    panel.teaching.atoms.click()
    assert not board.isVisible()


def test_an_atom_is_heard_alone(journey: Journey, room: Room, done: Path) -> None:
    _, panel, _ = ready(journey, done)
    tiles = panel.atoms.tiles["noise"]
    assert len(tiles) >= 8
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        tiles[0].click()
    assert panel.listening.key == "atoms"
    atom = sounds(panel)["atoms"]
    rest = sounds(panel)["whole"] - sounds(panel)["speech"]
    assert 0 < np.square(atom).mean() < np.square(rest).mean()
    tiles[0].click()
    journey.qtbot.waitUntil(lambda: panel.listening.key == "residual")


def test_an_atom_that_is_dropped_on_the_other_side_counts_there_at_once(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    session, remasking = window.session, panel.remasking
    journey.qtbot.waitUntil(lambda: len(panel.atoms.tiles["voice"]) == 12, timeout=20_000)
    found = remasking.codes
    assert found is not None
    before = sounds(panel)["speech"].copy()
    placed = panel.atoms.sides["noise"].grid.itemAt(0)
    strongest = placed.widget() if placed is not None else None
    assert isinstance(strongest, AtomTile)
    carried = strongest.mime  # the event does not keep it
    drop = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.MoveAction,
        carried,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    panel.atoms.sides["voice"].dropEvent(drop)
    assert session.parameters["moved"] == f"noise {strongest.number}"
    assert session.undo_name == f"Move atom {strongest.number}"
    journey.qtbot.waitUntil(lambda: remasking.version > 0, timeout=20_000)
    assert strongest.parent() is panel.atoms.sides["voice"]
    tried = remasking.codes
    assert tried is not None
    assert tried is not found
    assert (tried.astype(int) - found >= -1).mean() > 0.9, "more counts as speech, so more stays"
    recorded = panel.preparing.recording
    assert recorded is not None
    expected = render(recorded, tried, 0, 5 * RATE).T

    def sounds_like(expected: NDArray[np.float32]) -> bool:
        return bool(np.allclose(sounds(panel)["speech"], expected, atol=1e-6))

    journey.qtbot.waitUntil(lambda: sounds_like(expected), timeout=10_000)
    journey.qtbot.waitUntil(lambda: view._preview is not None)
    assert panel.teaching.note.full().startswith("Run to keep")
    journey.picture(window, "speech-moved")
    session.undo()
    journey.qtbot.waitUntil(lambda: sounds_like(before), timeout=10_000)
    assert remasking.codes is found


def test_the_keyboard_moves_an_atom_and_moves_it_back(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, _ = ready(journey, done)
    journey.qtbot.waitUntil(lambda: len(panel.atoms.tiles["voice"]) == 12, timeout=20_000)
    group = panel.atoms.tiles["voice"][3]
    for moved, name in (("voice 4", "counts as noise"), ("", "of it")):
        group.setFocus()
        journey.qtbot.keyClick(group, Qt.Key.Key_T)
        assert window.session.parameters["moved"] == moved
        journey.qtbot.waitUntil(lambda name=name: group.accessibleName().endswith(name))
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        group.click()
    mine = sounds(panel)["atoms"]
    speech = sounds(panel)["speech"]
    assert 0 < np.square(mine).mean() < np.square(speech).mean()


def test_buttons_show_solo_and_mute_the_atom_that_was_taken_up(
    journey: Journey, room: Room, done: Path
) -> None:
    window, panel, view = ready(journey, done)
    board, shown = panel.atoms, panel.showing
    tile = board.tiles["noise"][2]
    assert board.sides["noise"].bar.isHidden()
    tile.setFocus(Qt.FocusReason.TabFocusReason)
    bar = board.sides["noise"].bar
    journey.qtbot.waitUntil(bar.isVisible)
    assert bar.name.full().startswith("Atom 3")
    bar.show_.click()
    journey.qtbot.waitUntil(lambda: view._alone is not None, timeout=20_000)
    drawn = view._alone
    assert drawn is not None
    assert drawn.name == "Atom 3"
    assert panel.listening.key == "whole", "it is seen, not heard"
    whole = view._whole[:, : drawn.peaks.size]
    # It is a share of the whole; bytes are rounded.
    assert (drawn.peaks.levels.astype(int) <= whole.astype(int) + 1).all()
    assert drawn.peaks.levels.any()
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        bar.solo.click()
    assert panel.listening.key == "atoms"
    assert bar.solo.isChecked()
    journey.picture(window, "speech-atom-alone")
    view.setFocus()
    journey.qtbot.keyClick(view, Qt.Key.Key_2)
    assert panel.listening.key == "speech"
    assert view._alone is None
    assert not tile.isChecked()
    with journey.qtbot.waitSignal(panel.preparing.atoms_ready, timeout=20_000):
        bar.mute.click()
    rest = sounds(panel)["whole"] - sounds(panel)["speech"]
    left = sounds(panel)["atoms"]
    assert np.square(rest - left).mean() < np.square(rest).mean(), "what is muted is a part of it"
    assert tile.muted
    assert shown._asked is None
