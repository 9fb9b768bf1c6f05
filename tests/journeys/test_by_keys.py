"""From a file to its exported parts with the keyboard alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QWidget
from tests.fixtures import pebble
from tests.journeys.conftest import Journey

from partwise_app.dialogs.export import ExportDialog

_CTRL = Qt.KeyboardModifier.ControlModifier


def _press(window: QWidget, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or window, key, modifier)


def _tab_to(window: QWidget, name: str) -> QWidget:
    """Press Tab until a control of that name has the keyboard."""
    QApplication.processEvents()  # what was added just now is shown
    for _ in range(80):
        now = QApplication.focusWidget()
        if now is not None and now.accessibleName() == name:
            return now
        _press(window, Qt.Key.Key_Tab)
    msg = f"Tab never came to {name!r}"
    raise AssertionError(msg)


def test_open_choose_run_look_name_save_and_export_by_keys_alone(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = journey.window(pebbles=True)
    session, qtbot = window.session, journey.qtbot
    source = pebble.write_pebbles(journey.folder / "grains.txt")
    project = journey.folder / "beach.partwise"
    # The system's own dialogs are its own; what is typed there is all that is made up.
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(source), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(project), ""))

    with qtbot.waitSignal(session.opened, timeout=20_000):
        _press(window, Qt.Key.Key_O, _CTRL)
    cut = _tab_to(window, "Cut")
    assert isinstance(cut, QLineEdit)
    cut.selectAll()
    QTest.keyClicks(cut, "0.25")
    with qtbot.waitSignal(session.run_added, timeout=60_000):
        _press(window, Qt.Key.Key_R, _CTRL)
    assert session.run is not None
    assert session.run.result.provenance is not None
    assert session.run.result.provenance.parameters["cut"] == 0.25

    _tab_to(window, "Solo Small")
    _press(window, Qt.Key.Key_Space)
    assert [strip.solo for strip in session.strips] == [False, True, False]
    name = _tab_to(window, "Name of Small")
    assert isinstance(name, QLineEdit)
    name.selectAll()
    QTest.keyClicks(name, "Fine sand")
    _press(window, Qt.Key.Key_Return)
    assert session.strips[1].name == "Fine sand"
    _press(window, Qt.Key.Key_Z, _CTRL)  # the field's own, or the document's: both take it back
    journey.picture(window, "by-keys")

    with qtbot.waitSignal(session.saved, timeout=20_000):
        _press(window, Qt.Key.Key_S, _CTRL)
    assert project.is_file()

    # In a field, Ctrl+E goes to the end of the line, as everywhere on such desktops.
    _tab_to(window, "Export")
    # A dialog that waits for an answer: what is typed into it is typed from within.
    typist = QTimer(window)
    typist.timeout.connect(partial(_export, journey.folder, typist))
    typist.start(20)
    qtbot.waitUntil(window.action("file_export").isEnabled)
    _press(window, Qt.Key.Key_E, _CTRL)
    qtbot.waitUntil(lambda: len(list(journey.folder.glob("by-keys-*"))) == 3, timeout=20_000)


def _export(folder: Path, typist: QTimer) -> None:
    """Once the dialog is open, write the folder and the name into it, and press Return."""
    dialog = QApplication.activeModalWidget()
    if dialog is None:
        return
    typist.stop()
    assert isinstance(dialog, ExportDialog)
    try:
        for title, text in (("Folder", str(folder)), ("Names begin with", "by-keys")):
            line = _tab_to(dialog, title)
            assert isinstance(line, QLineEdit)
            line.selectAll()
            QTest.keyClicks(line, text)
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    finally:
        if dialog.isVisible():
            dialog.reject()  # what went wrong must not wait for an answer
