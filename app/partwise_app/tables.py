"""How is a result copied into a spreadsheet? As lines of tab-separated text."""

from __future__ import annotations

from collections.abc import Sequence

from partwise.project.document import Run, Strip

__all__ = ["table_text"]


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
