"""Which files do the panel's own buttons read and write? Profiles, outlines, numbers."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QFileDialog, QWidget

from partwise.api import FileProblem, LocalJob, Table
from partwise_app.api import tr
from partwise_stain.panel.case import Case
from partwise_stain.profile import write_profile
from partwise_stain.regional import Told, regions_table

__all__ = ["ask_open", "ask_save", "save_numbers", "save_profile", "write_whole"]


def ask_open(parent: QWidget, title: str, pattern: str) -> Path | None:
    """Ask for a file to read."""
    name, _ = QFileDialog.getOpenFileName(parent, title, "", pattern)
    return Path(name) if name else None


def ask_save(parent: QWidget, title: str, name: str, pattern: str) -> Path | None:
    """Ask for a file to write; it gets the suffix of `name` where it has none."""
    found, _ = QFileDialog.getSaveFileName(parent, title, name, pattern)
    if not found:
        return None
    path = Path(found)
    return path if path.suffix else path.with_suffix(Path(name).suffix)


def write_whole(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all.

    Raises
    ------
    FileProblem
        It cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileProblem(
            path, f"cannot be written ({error.strerror})", fix=tr("choose another folder")
        ) from error


def save_numbers(told: Sequence[Told], path: Path) -> None:
    """Write the table of regions as CSV."""
    table = regions_table(told)
    write_whole(path, _as_csv(table))


def save_profile(case: Case, path: Path) -> None:
    """Write stains and white as they stand, what was put by hand included."""
    dataset, result, white = case.dataset, case.host.result, case.white
    if dataset is None or result is None or white is None:
        return
    parts = tuple(
        dataclasses.replace(part, name=name, profile=np.asarray(vector))
        for part, name, vector in zip(result.parts, case.names, case.vectors, strict=True)
    )
    part = path.with_name(f".{path.name}.part")
    try:
        write_profile(
            dataset,
            dataclasses.replace(result, parts=parts, facts={**result.facts, "white": white}),
            part,
            LocalJob(),
            None,
            corrected=sorted(case.corrected),
        )
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileProblem(
            path, f"cannot be written ({error.strerror})", fix=tr("choose another folder")
        ) from error


def _as_csv(table: Table) -> str:
    from io import StringIO

    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return out.getvalue()
