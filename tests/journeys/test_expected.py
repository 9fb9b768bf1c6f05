"""Things people simply expect, tried with the hands in the real window."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, QSize, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLineEdit
from tests.fixtures import pebble
from tests.journeys.conftest import Journey

from partwise_app.dialogs.pages import PluginsPage, ShortcutsPage
from partwise_app.notices import Notice
from partwise_app.welcome import Welcome
from partwise_app.window import Window


def _open(journey: Journey) -> Window:
    window = journey.window(pebbles=True)
    journey.open(window, pebble.write_pebbles(journey.folder / "grains.txt"))
    journey.run(window)
    return window


def test_a_file_dropped_anywhere_is_opened(journey: Journey) -> None:
    window = journey.window(pebbles=True)
    path = pebble.write_pebbles(journey.folder / "grains.txt")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    none, left = Qt.KeyboardModifier.NoModifier, Qt.MouseButton.LeftButton
    with journey.qtbot.waitSignal(window.session.opened, timeout=20_000):
        window.dropEvent(QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, data, left, none))
    assert window.desk.isVisible()
    assert window.settings.recent == (path,) or list(window.settings.recent) == [path]


def test_everything_is_found_by_its_name_and_started_by_its_key(journey: Journey) -> None:
    window = _open(journey)
    qtbot = journey.qtbot
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.palette_box.isVisible()
    window.palette_box.type("solo lar")
    assert window.palette_box.found()[0].title.startswith("Solo Large")
    journey.picture(window, "palette")
    line = window.palette_box.findChild(QLineEdit)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert [s.solo for s in window.session.strips] == [True, False, False]
    assert not window.palette_box.isVisible()
    with qtbot.waitSignal(window.session.run_added, timeout=60_000):
        qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    page = ShortcutsPage(window)
    texts = {x.text() for x in page.findChildren(type(window.status.job._what))}
    assert {"Run", "Ctrl+R", "Undo", "Ctrl+Z"} <= texts
    page.deleteLater()


def test_picture_and_table_go_to_the_clipboard(journey: Journey) -> None:
    window = _open(journey)
    window.action("edit_copy_picture").trigger()
    assert not QGuiApplication.clipboard().image().isNull()
    window.action("edit_copy_table").trigger()
    assert "Small\t" in QGuiApplication.clipboard().text()


@pytest.mark.parametrize(
    ("named", "kind", "written", "begins"),
    [
        ("grains", "", "grains.svg", b"<?xml"),
        ("grains.pdf", "", "grains.pdf", b"%PDF-"),
        ("grains", "PNG (*.png)", "grains.png", b"\x89PNG"),
    ],
)
def test_a_figure_is_saved_as_what_it_is_called(
    journey: Journey,
    monkeypatch: pytest.MonkeyPatch,
    named: str,
    kind: str,
    written: str,
    begins: bytes,
) -> None:
    window = _open(journey)
    told: list[Notice] = []
    window.session.noticed.connect(told.append)
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_: (str(journey.folder / named), kind)
    )
    window.action("file_picture").trigger()
    journey.qtbot.waitUntil(lambda: any(written in notice.text for notice in told))
    assert (journey.folder / written).read_bytes().startswith(begins)
    assert window.desk.shown.picture().pixelColor(1, 1).name() == window.theme.tokens.canvas


def test_a_figure_that_cannot_be_written_is_told(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = _open(journey)
    told: list[Notice] = []
    window.session.noticed.connect(told.append)
    away = journey.folder / "nowhere" / "grains.svg"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(away), ""))
    window.action("file_picture").trigger()
    journey.qtbot.waitUntil(lambda: any("cannot be written" in notice.text for notice in told))
    assert not away.exists()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [QSize(1024, 640), QSize(1280, 800), QSize(1920, 1080)])
def test_nothing_is_cut_off_or_without_a_name(journey: Journey, size: QSize, theme: str) -> None:
    """Every visible control has a name for screen readers and lies within its parent."""
    window = _open(journey)
    window.set_theme_mode(theme)
    window.resize(size)
    journey.qtbot.wait(50)
    unnamed, outside = [], []
    from PySide6.QtWidgets import QAbstractButton, QComboBox, QSlider

    for kind in (QAbstractButton, QComboBox, QLineEdit, QSlider):
        for child in window.findChildren(kind):
            control: Any = child
            if not control.isVisible() or control.objectName().startswith("qt_"):
                continue
            if not (control.accessibleName() or getattr(control, "text", str)()):
                unnamed.append(type(control).__name__)
            if not window.rect().contains(control.mapTo(window, control.rect().topLeft())):
                outside.append(control.accessibleName())
    assert unnamed == []
    assert outside == []
    journey.picture(window, f"window-{size.width()}-{theme}")


def test_the_first_page_offers_samples_and_what_was_open_before(journey: Journey) -> None:
    window = _open(journey)
    window.load_samples()
    window.session.close_project()
    page = window.findChild(Welcome)
    assert page is not None
    assert page.isVisible()
    names = {button.accessibleName() for button in page._cards + page._recent}
    assert {"Open and run Pebbles", "Open grains.txt"} <= names
    card = next(b for b in page._cards if b.accessibleName() == "Open and run Pebbles")
    with journey.qtbot.waitSignal(window.session.run_added, timeout=60_000):
        journey.qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert window.session.run is not None


def test_the_list_of_plugins_says_what_each_is_for(journey: Journey) -> None:
    window = journey.window()
    page = PluginsPage(window, window.session.registry, window.theme.tokens)
    texts = " ".join(x.text() for x in page.findChildren(type(window.status.job._what)))
    for plugin in window.session.registry.plugins.values():
        assert plugin.title in texts
        assert plugin.summary in texts
    page.deleteLater()


def test_layout_and_theme_come_back_and_can_be_reset(journey: Journey) -> None:
    window = _open(journey)
    window.resize(1500, 950)
    window.desk._across.setSizes([320, 700, 400])
    wide = window.desk._across.sizes()[0]
    window.settings.keep_bytes("window", window.saveGeometry())
    window.settings.keep_bytes("desk", window.desk.layout_bytes())
    again = journey.window(pebbles=True)
    again.desk.restore_layout(again.settings.bytes_of("desk"))
    journey.open(again, journey.folder / "grains.txt")
    assert abs(again.desk._across.sizes()[0] - wide) < 60
    again.action("view_reset").trigger()
    assert again.desk._across.sizes()[0] < wide
