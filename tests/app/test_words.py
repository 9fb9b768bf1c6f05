"""Every text of ours is looked up in the language of the window; data and names never are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QLineEdit,
    QMenu,
    QTableWidget,
    QWidget,
)
from tests.app.desktop import Desktop

from partwise.data.dataset import Axis, Dataset
from partwise.project.document import Strip
from partwise.result import Fit, Part, Residual, Result, Table, View
from partwise_app.controls import SectionLabel
from partwise_app.dialogs.choose import ChooseDialog
from partwise_app.dialogs.export import ExportDialog
from partwise_app.dialogs.pages import (
    AboutPage,
    LogPage,
    PluginsPage,
    ProblemPage,
    ShortcutsPage,
)
from partwise_app.dialogs.preferences import PreferencesDialog
from partwise_app.dialogs.unsaved import UnsavedDialog
from partwise_app.notices import Notice
from partwise_app.theme import DARK
from partwise_app.viewers.plots import PlotStage
from partwise_app.viewers.views import ViewStage
from partwise_app.words import CONTEXT, tr

# What the pebbles and their plugin are called, and what no language changes.
_DATA = re.compile(
    r"grains(\.txt)?|Large & <b>round</b>|Small|Sizes|Pebbles?( sorter)?|Sorts pebbles\.|Four\.|"
    r"Cut|Mode|Size|Reference|mm|plain|0\.5|Mean|Mean size of a grain\.|Of the grains\.|name|size|"
    r"95\.0 % explained|good|sand|Grains?|All|a|b|grain|Run \d|Partwise|pebble|Windows|Linux|"
    r"Where large begins\.|How to behave\.|Length of the course\.|Another file\.|table|"
    r"plain|slow|chatty|deaf|die|raise|refuse|nan|memory|huge|plain \| .*|a file|Profiles|System|"
    r"Python|Qt for Python|Linux .*|"
    r"\d.*|.*\.(txt|csv|partwise)|Ctrl.*|Alt.*|F\d+|[A-Z]|/.*|~.*"
)


class _Brackets(QTranslator):
    """Puts brackets around every text that is asked for."""

    def translate(self, context: str, source: str, *_: Any) -> str:
        return f"⟦{source}⟧" if context == CONTEXT else ""

    def isEmpty(self) -> bool:
        return False


@pytest.fixture
def brackets(qapp: Any) -> Iterator[None]:
    made = _Brackets()
    qapp.installTranslator(made)
    yield
    qapp.removeTranslator(made)


def _texts(widget: QWidget) -> Iterator[tuple[str, str]]:
    yield "tooltip", widget.toolTip()
    yield "name", widget.accessibleName()
    yield "description", widget.accessibleDescription()
    if isinstance(widget, QLabel | QAbstractButton) and not isinstance(widget, SectionLabel):
        yield "text", widget.text()
    if isinstance(widget, QLineEdit):
        yield "placeholder", widget.placeholderText()
    if isinstance(widget, QMenu):
        yield "title", widget.title()
    if isinstance(widget, QComboBox):
        for index in range(widget.count()):
            yield "item", widget.itemText(index)
    if isinstance(widget, QTableWidget):
        heads = [widget.horizontalHeaderItem(k) for k in range(widget.columnCount())]
        for head in heads:
            yield "heading", head.text() if head is not None else ""


def _plain(top: QWidget) -> set[str]:
    """Texts of a window that were not looked up."""
    found = set()
    actions = top.findChildren(QAction)
    texts = [("action", action.text()) for action in actions]
    for widget in (top, *top.findChildren(QWidget)):
        if not widget.objectName().startswith("qt_"):
            texts += [(f"{type(widget).__name__} {k}", text) for k, text in _texts(widget)]
    for kind, text in texts:
        if not re.search(r"[A-Za-z]{2}", text) or "⟦" in text:
            continue
        lines = [line for line in text.split("\n") if re.search(r"[A-Za-z]{2}", line)]
        if not all(_DATA.fullmatch(line.strip()) for line in lines):
            found.add(f"{kind}: {text}")
    return found


def test_values_are_put_in_by_name() -> None:
    assert tr("Open {name}", name="{braces}.svs") == "Open {braces}.svs"
    assert tr("") == ""


@pytest.mark.usefixtures("brackets")
def test_every_text_of_the_window_is_looked_up(desktop: Desktop) -> None:
    window = desktop.window()
    window.load_samples()
    assert sorted(_plain(window)) == []
    desktop.open(window.session)
    assert sorted(_plain(window)) == []
    desktop.run(window.session)
    window.session.edits.parameter("cut", 0.25)
    desktop.run(window.session)
    window.session.edits.strip("large", "x", {"profile": (0.6, 0.8)})
    window.session.undo()
    window.action("view_compare_runs").trigger()
    window.palette_box.open(window.offers())
    for view in ("large", "residual"):
        strip: Any = window.desk.mixer.strip_view(view)
        assert sorted(_plain(strip.menu())) == []
    assert sorted(_plain(window)) == []
    assert {o.title for o in window.offers() if "⟦" not in o.title + o.group} == set()


@pytest.mark.usefixtures("brackets")
def test_every_text_of_the_stages_is_looked_up(desktop: Desktop) -> None:
    """Tables, signals, volumes and nets: their tabs, names and empty states."""
    rows, columns = Axis("row", 3, labels=("a", "b", "a")), Axis("column", 4)
    table = Dataset("table", "grains", (rows, columns), values=np.ones((3, 4)))
    parts = (Part("part-1", "Small", "#445566", np.ones(3), 1.0, np.ones(4)),)
    strips = (Strip("part-1", "Small", "#445566"), Strip("residual", "Residual", "#888888"))
    result = Result(
        parts,
        Residual(0.0),
        Fit("frobenius", 0.0, 1.0, 1, "converged", 0.0),
        views=(
            View("bars", "Sizes", {"values": np.ones((1, 3))}, (rows, columns), {"of": "parts"}),
            View("curves", "Sizes", {"y": np.ones((1, 4))}, (columns, rows), {"of": "parts"}),
        ),
        tables=(Table("Grains", ("name",), (("a",),)),),
    )
    plots = PlotStage()
    plots.set_dataset(table)
    plots.set_result(result, strips)
    for mode, words in plots.modes():
        plots.set_mode(mode)
        assert "⟦" in words or _DATA.fullmatch(words)
    views = ViewStage()
    signal = View("traces", "Sizes", {"y": np.ones((3, 4))}, (rows, Axis("time", 4, "s")))
    volume = View("volume", "Sizes", {"values": np.ones((2, 3, 4, 5))})
    net = View("graph", "Sizes", {"adjacency": np.ones((3, 3))}, (rows,))
    views.set_input("grains", (signal, volume, net))
    views.set_result(result, strips)
    for mode, words in views.modes():
        views.set_mode(mode)
        assert "⟦" in words or _DATA.fullmatch(words)
    for stage in (plots, views):
        assert sorted(_plain(stage)) == []
        stage.deleteLater()


@pytest.mark.usefixtures("brackets")
def test_every_text_of_the_dialogs_is_looked_up(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    desktop.run(window.session)
    session = window.session
    assert session.run is not None
    dialogs = [
        ExportDialog(window, (), session.run, desktop.folder, "beach"),
        PluginsPage(window, session.registry, DARK),
        ShortcutsPage(window),
        LogPage(window, ""),
        ProblemPage(window, Notice("bad", "", "", "1")),
        UnsavedDialog(window, "beach"),
        PreferencesDialog(window, window.settings),
        ChooseDialog(window, tr("Title"), tr("Summary"), [("a", "a")], go=tr("Go")),
    ]
    for dialog in dialogs:
        assert sorted(_plain(dialog)) == [], type(dialog).__name__
        dialog.deleteLater()
    about = AboutPage(window)
    # Names, versions and licences stay as they are; the sentences do not.
    assert not {text for text in _plain(about) if text.endswith(".")}
    about.deleteLater()
