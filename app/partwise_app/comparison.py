"""How are two runs seen beside each other? Two linked pictures and a table of what differs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QSplitter,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from partwise.project.compare import Difference
from partwise_app import icons
from partwise_app.controls import Elided, button, label, set_icon
from partwise_app.tables import copyable
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.plots import PlotStage
from partwise_app.viewers.stage import ImageStage
from partwise_app.viewers.views import ViewStage
from partwise_app.words import tr

__all__ = ["Comparison"]

_Plots = PlotStage | ViewStage
_BAR = 36
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Comparison(QWidget):
    """The page of a comparison; what is on it is told by others."""

    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Comparison of two runs"))
        self.stages = ImageStage(), ImageStage()
        self._columns = QStackedWidget(), QStackedWidget()
        self._plots: tuple[_Plots, _Plots] | None = None
        self._tokens = DARK
        self._titles = Elided("", "strong"), Elided("", "strong")
        self._linking = False
        self._close = button(
            "", "icon", name=tr("End the comparison"), tip=tr("End the comparison (Esc)")
        )
        self._close.setShortcut("Esc")
        self._close.clicked.connect(self.closed)
        self._table = QTableWidget(0, 4)
        self._table.setAccessibleName(tr("What differs"))
        self._table.verticalHeader().hide()
        self._table.setShowGrid(False)
        copyable(self._table)
        self._table.setTabKeyNavigation(False)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self._lay_out()
        for stage in self.stages:
            stage.view_changed.connect(self._on_view)

    def set_titles(self, first: str, second: str) -> None:
        """Name the two runs."""
        for made, title in zip(self._titles, (first, second), strict=True):
            made.set_full(title)
        for stage, title in zip(self.stages, (first, second), strict=True):
            stage.setAccessibleName(tr("Picture of {title}", title=title))
        self._table.setHorizontalHeaderLabels(["", first, second, tr("Change")])

    def set_pictures(self, shown: bool) -> None:
        """Show the two stages of an image, or the table alone where there is none."""
        self._pictures.setVisible(shown)
        self._hint.setText(tr("linked pan and zoom") if shown else "")
        for column, stage in zip(self._columns, self.stages, strict=True):
            column.setCurrentWidget(stage)

    def set_plots(self, kind: type[PlotStage] | type[ViewStage]) -> tuple[_Plots, _Plots]:
        """Show two stages of a table, or of signals and volumes, and return them."""
        if self._plots is None or not isinstance(self._plots[0], kind):
            self._drop_plots()
            self._plots = kind(), kind()
            for column, made in zip(self._columns, self._plots, strict=True):
                made.set_theme(self._tokens)
                made.mode_changed.connect(self._on_mode)
                column.addWidget(made)
        for column, made in zip(self._columns, self._plots, strict=True):
            column.setCurrentWidget(made)
        self._pictures.show()
        self._hint.setText(tr("linked tabs"))
        return self._plots

    def set_lines(self, lines: Sequence[Difference]) -> None:
        """Show what differs."""
        self._table.setRowCount(len(lines))
        for row, line in enumerate(lines):
            texts = (f"{line.group} · {line.name}", line.before, line.after, line.change)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(_printed(text) if text else "–" if column in (1, 2) else "")
                if column:
                    item.setTextAlignment(_RIGHT)
                self._table.setItem(row, column, item)

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        for stage in (*self.stages, *(self._plots or ())):
            stage.set_theme(tokens)
        set_icon(self._close, icons.icon("close", tokens.muted))

    def close_threads(self) -> None:
        """End the loader threads of the stages."""
        for stage in self.stages:
            stage.close_threads()

    def _lay_out(self) -> None:
        bar = QWidget()
        bar.setObjectName("stagebar")
        bar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        bar.setFixedHeight(_BAR)
        row = QHBoxLayout(bar)
        row.setContentsMargins(14, 0, 10, 0)
        row.addWidget(label(tr("Two runs of the same input"), "strong"))
        self._hint = label(tr("linked pan and zoom"), "muted")
        row.addWidget(self._hint)
        row.addStretch()
        row.addWidget(self._close)
        self._pictures = QWidget()
        grid = QGridLayout(self._pictures)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        for column, (title, stage) in enumerate(zip(self._titles, self.stages, strict=True)):
            title.setContentsMargins(12, 4, 12, 4)
            grid.addWidget(title, 0, column)
            self._columns[column].addWidget(stage)
            grid.addWidget(self._columns[column], 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(1, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(1)
        split.setChildrenCollapsible(False)
        split.addWidget(self._pictures)
        split.addWidget(self._table)
        split.setSizes([420, 220])
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(bar)
        box.addWidget(split, 1)

    def _drop_plots(self) -> None:
        for column, made in zip(self._columns, self._plots or (), strict=False):
            column.removeWidget(made)
            made.deleteLater()
        self._plots = None

    def _on_mode(self, mode: str) -> None:
        """Let the other stage show what this one shows."""
        for stage in self._plots or ():
            stage.set_mode(mode)  # nothing happens where it is shown already

    def _on_view(self) -> None:
        """Let the other stage look where this one looks."""
        sender = self.sender()
        if self._linking or not isinstance(sender, ImageStage):
            return
        self._linking = True
        other = self.stages[1] if sender is self.stages[0] else self.stages[0]
        if sender.fitting:
            other.fit()
        else:
            other.set_view_rect(sender.view_rect())
        self._linking = False


def _printed(text: str) -> str:
    """A negative number with the minus of print, other words as they are."""
    return f"−{text[1:]}" if text[0] == "-" and text[1:2].isdigit() else text
