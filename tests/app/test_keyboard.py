"""The keyboard reaches everything, in the order in which the window is read."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from tests.app.desktop import Desktop, reachable

from partwise_app.controls import button
from partwise_app.viewers.matrix import MatrixPane
from partwise_app.viewers.plots import PlotStage
from partwise_app.window import Window


def _ring(window: Window) -> list[QWidget]:
    """Widgets in the order in which Tab goes through them, from the top row on."""
    order: list[QWidget] = []
    widget = window.topbar.nextInFocusChain()
    while widget is not None and widget not in order:
        order.append(widget)
        widget = widget.nextInFocusChain()
    takes_tab = Qt.FocusPolicy.TabFocus
    return [w for w in order if w.isVisible() and w.isEnabled() and w.focusPolicy() & takes_tab]


def _areas(window: Window) -> list[str]:
    """Which area each stop of Tab lies in, repeats taken together."""
    desk = window.desk
    areas = {
        "top": window.topbar,
        "tree": desk.tree,
        "stage": desk.sheets,
        "mixer": desk.mixer,
        "form": desk.form,
        "measures": desk.measures,
        "report": desk.report,
    }
    found: list[str] = []
    for widget in _ring(window):
        name = next((n for n, a in areas.items() if a is widget or a.isAncestorOf(widget)), "")
        if name and (not found or found[-1] != name):
            found.append(name)
    return found


def _with_result(desktop: Desktop) -> Window:
    window = desktop.window()
    desktop.open(window.session)
    desktop.run(window.session)
    # What is put into a layout is shown a turn of the event loop later.
    late = window.desk.mixer.strip_view("residual"), window.desk.form.field("cut")
    desktop.qtbot.waitUntil(lambda: all(widget.isVisible() for widget in late))
    QTest.keyClick(window, Qt.Key.Key_Tab)  # stops are put in order when the key is pressed
    return window


def test_tab_goes_through_the_window_as_it_is_read(desktop: Desktop) -> None:
    window = _with_result(desktop)
    assert _areas(window) == ["top", "tree", "stage", "mixer", "form", "measures", "report"]


def test_tab_reaches_every_control(desktop: Desktop) -> None:
    window = _with_result(desktop)
    ring = _ring(window)
    missed = [
        f"{type(w).__name__} {w.accessibleName()}"
        for w in reachable(window)
        if w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus and w not in ring
    ]
    assert missed == []


def test_a_strip_can_be_reached_by_tab_to_be_moved(desktop: Desktop) -> None:
    window = _with_result(desktop)
    assert window.desk.mixer.strip_view("large") in _ring(window)
    assert window.desk.mixer.strip_view("residual") not in _ring(window)  # it cannot be moved


def test_what_tab_comes_to_is_scrolled_into_sight(desktop: Desktop) -> None:
    window = _with_result(desktop)
    window.activateWindow()
    desktop.qtbot.waitUntil(window.isActiveWindow)
    window.resize(1024, 640)
    scroll, first = window.desk._side, window.desk.form.field("cut")
    body = scroll.widget()
    assert body is not None
    body.setMinimumHeight(2000)
    desktop.qtbot.waitUntil(lambda: scroll.verticalScrollBar().maximum() > 1000)
    scroll.verticalScrollBar().setValue(1000)
    assert first.visibleRegion().isEmpty()
    window.desk.mixer.setFocus()
    for _ in range(60):
        now = QApplication.focusWidget() or window
        if first.isAncestorOf(now):
            break
        QTest.keyClick(now, Qt.Key.Key_Tab)
    assert not first.visibleRegion().isEmpty()


def test_tab_goes_round_by_the_first_control_not_by_the_picture(desktop: Desktop) -> None:
    window = QWidget()
    desktop.qtbot.addWidget(window)
    first, stage, last = button("First"), PlotStage(), button("Last")
    row = QVBoxLayout(window)
    for widget in (first, stage, last):
        row.addWidget(widget)
    window.show()
    window.activateWindow()
    desktop.qtbot.waitUntil(window.isActiveWindow)
    stage.setFocus()
    pane = QApplication.focusWidget()
    assert isinstance(pane, MatrixPane)  # keys are for the picture at once
    for other in stage.findChildren(MatrixPane):
        other.setVisible(other is pane)
    QWidget.setTabOrder(first, pane)
    QWidget.setTabOrder(pane, last)
    last.setFocus()
    QTest.keyClick(last, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is first
