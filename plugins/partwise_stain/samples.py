"""Where are the samples of the stain panel?"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from partwise.api import FileProblem

__all__ = ["ihc_picture", "tissue_picture"]


def tissue_picture() -> Path:
    """Return the synthetic H&E picture that comes with Partwise."""
    return _existing("partwise_resources", "samples", "stain-he.png")


def ihc_picture() -> Path:
    """Return the H-DAB picture that comes with scikit-image."""
    return _existing("skimage", "data", "ihc.png")


def _existing(package: str, *parts: str) -> Path:
    path = Path(str(files(package))).joinpath(*parts)
    if not path.is_file():
        raise FileProblem(path, "is missing from this installation", fix="install Partwise again")
    return path
