"""How is a table copied into a spreadsheet? As lines of tab-separated text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence

from partwise.project.document import Run, Strip
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QTableWidget

__all__ = ["copyable", "table_text", "text_of_table"]


def copyable(table: QTableWidget) -> None:
    """Let Ctrl+C and the context menu copy a table: what is marked, or all of it."""
    action = QAction(tr("Copy table"), table)
    action.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
    action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
    action.triggered.connect(partial(_copy, table))
    table.addAction(action)
    table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)


def text_of_table(table: QTableWidget) -> str:
    """Return the rows that are marked, or all, under their headings."""
    marked = sorted({index.row() for index in table.selectedIndexes()})
    columns = range(table.columnCount())
    heads = [table.horizontalHeaderItem(c) for c in columns]
    lines = ["\t".join(head.text() if head is not None else "" for head in heads)]
    for row in marked if len(marked) > 1 else range(table.rowCount()):
        cells = [table.item(row, c) for c in columns]
        lines.append("\t".join(cell.text() if cell is not None else "" for cell in cells))
    return "\n".join(lines) + "\n"


def _copy(table: QTableWidget, checked: bool = False) -> None:
    QGuiApplication.clipboard().setText(text_of_table(table))


def table_text(run: Run, strips: Sequence[Strip]) -> str:
    """Return parts, measures and tables of a run, under the names that were chosen."""
    names = {strip.key: strip.name for strip in strips}
    lines = ["Part\tShare %"]
    lines += [
        f"{names.get(part.key, part.name)}\t{100 * part.share:.4g}" for part in run.result.parts
    ]
    lines.append(f"Residual\t{100 * run.result.residual.share:.4g}")
    if run.result.measures:
        lines += ["", "Measure\tValue\tUnit"]
        lines += [f"{m.name}\t{m.value:.6g}\t{m.unit}" for m in run.result.measures]
    for table in run.result.tables:
        lines += ["", table.title, "\t".join(table.columns)]
        lines += ["\t".join(_cell(cell) for cell in row) for row in table.rows]
    return "\n".join(lines) + "\n"


def _cell(cell: str | float) -> str:
    return cell if isinstance(cell, str) else f"{cell:.6g}"
