"""Where is the sample of the matrix panel?"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from partwise.api import FileProblem

__all__ = ["spectra_table"]


def spectra_table() -> Path:
    """Return the table of dye mixtures that comes with Partwise."""
    path = Path(str(files("partwise_resources"))).joinpath("samples", "matrix-spectra.csv")
    if not path.is_file():
        raise FileProblem(path, "is missing from this installation", fix="install Partwise again")
    return path
