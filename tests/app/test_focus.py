"""Where is the keyboard? Every control that takes it shows that it has it, in both themes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QVBoxLayout, QWidget
from tests.app.desktop import Desktop

from partwise_app.controls import button
from partwise_app.dialogs.choose import ChooseDialog
from partwise_app.dialogs.preferences import PreferencesDialog
from partwise_app.keyed import is_keyed
from partwise_app.stagebar import StageBar
from partwise_app.viewers.matrix import MatrixView
from partwise_app.window import Window

_SEEN = 24  # px that change, each by 3 to 1: a mark of 2 px at the side of the smallest control
_RATIO = 3.0  # WCAG 2.2, 1.4.11


def _luminance(image: QImage) -> NDArray[np.float64]:
    """Relative luminance of each pixel."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    rgb = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3) / 255.0
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def _marked(top: QWidget, control: QWidget) -> int:
    """How many pixels in and just around a control tell that it has the keyboard."""
    place = control.rect().translated(control.mapTo(top, QPoint(0, 0))).adjusted(-3, -3, 3, 3)

    def shot() -> NDArray[np.float64]:
        QApplication.processEvents()
        return _luminance(top.grab(place & top.rect()).toImage())

    with_ = shot()
    control.clearFocus()
    without = shot()
    control.setFocus()
    bright, dark = np.maximum(with_, without) + 0.05, np.minimum(with_, without) + 0.05
    return int(np.count_nonzero(bright / dark >= _RATIO))


def _unmarked(top: QWidget, first: QWidget) -> list[str]:
    """Go round by Tab; name the controls that do not show that it has come to them."""
    first.setFocus()
    QApplication.processEvents()
    seen: list[QWidget] = []
    missed = []
    while True:
        QTest.keyClick(QApplication.focusWidget() or top, Qt.Key.Key_Tab)
        control = QApplication.focusWidget()
        assert control is not None
        if control in seen:
            assert control is seen[0], f"Tab is caught in {control.accessibleName()}"
            break
        seen.append(control)
        count = _marked(top, control)
        if count < _SEEN:
            name = control.accessibleName() or control.objectName()
            missed.append(f"{type(control).__name__} {name}: {count}")
    assert len(seen) > 1
    return missed


def _bar() -> StageBar:
    made = StageBar()
    made.set_ready(True, True)
    return made


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_every_control_shows_that_it_has_the_keyboard(desktop: Desktop, mode: str) -> None:
    window = desktop.window()
    window.activateWindow()
    desktop.qtbot.waitUntil(window.isActiveWindow)
    desktop.theme.set_mode(mode)
    assert _unmarked(window, window.topbar) == []
    desktop.open(window.session)
    desktop.run(window.session)
    assert _unmarked(window, window.topbar) == []


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize("make", [_bar, MatrixView], ids=["bar", "table"])
def test_what_stands_on_the_stage_shows_it(
    desktop: Desktop, make: Callable[[], QWidget], mode: str
) -> None:
    desktop.theme.set_mode(mode)
    window = QWidget()
    desktop.qtbot.addWidget(window)
    window.resize(900, 300)
    row = QVBoxLayout(window)
    row.addWidget(button("First"))
    row.addWidget(make())
    window.show()
    window.activateWindow()
    desktop.qtbot.waitUntil(window.isActiveWindow)
    assert _unmarked(window, window) == []


@pytest.mark.parametrize("mode", ["dark", "light"])
@pytest.mark.parametrize(
    "make",
    [
        lambda window: PreferencesDialog(window, window.settings),
        lambda window: ChooseDialog(window, "Which?", "", [("a", "A"), ("b", "B")], go="Open"),
    ],
    ids=["settings", "choice"],
)
def test_every_control_of_a_dialog_shows_it(
    desktop: Desktop, make: Callable[[Window], QDialog], mode: str
) -> None:
    desktop.theme.set_mode(mode)
    dialog = make(desktop.window())
    dialog.show()
    dialog.activateWindow()
    desktop.qtbot.waitUntil(dialog.isActiveWindow)
    assert _unmarked(dialog, dialog) == []
    dialog.close()


def test_a_click_leaves_no_ring_behind_and_a_key_shows_it(desktop: Desktop) -> None:
    window = QWidget()
    desktop.qtbot.addWidget(window)
    row = QVBoxLayout(window)
    first, second = button("First"), button("Second")
    row.addWidget(first)
    row.addWidget(second)
    window.show()
    window.activateWindow()
    desktop.qtbot.waitUntil(window.isActiveWindow)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    # Through the system's door: only there it is known that a button of the mouse is down.
    QTest.mouseClick(window.windowHandle(), left, none, second.geometry().center())
    desktop.qtbot.waitUntil(second.hasFocus)
    assert not is_keyed(second)
    QTest.keyClick(second, Qt.Key.Key_Backtab)
    assert is_keyed(first)
    QTest.keyClick(first, Qt.Key.Key_Tab)
    assert is_keyed(second)
