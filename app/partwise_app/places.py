"""Where does a dialog for files begin: in which folder, with which name?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths

from partwise.folders import state_folder
from partwise_resources import resource

if TYPE_CHECKING:
    from partwise_app.session import Session

__all__ = ["first_folder", "stem_of"]

_DOUBLE = (".nii.gz", ".ome.tif", ".ome.tiff")


def first_folder(chosen: Path | None, session: Session) -> Path:
    """Return the folder chosen in the settings, or the one that the work at hand lies in.

    Samples lie where the program does, and nobody keeps work there: then it is that of documents.
    """
    if chosen is not None:
        return chosen
    if session.path is not None:
        return session.path.parent
    source = session.source
    if source is not None:
        folder = Path(source.file.path).parent
        if folder.is_dir() and os.access(folder, os.W_OK) and not _is_the_programs(folder):
            return folder
    kind = QStandardPaths.StandardLocation.DocumentsLocation
    documents = Path(QStandardPaths.writableLocation(kind) or Path.home())
    return documents if documents.is_dir() else Path.home()


def stem_of(title: str) -> str:
    """Return the name of a file without its ending, which may be of two words."""
    lower = title.lower()
    ending = next((each for each in _DOUBLE if lower.endswith(each)), "")
    return title[: -len(ending)] if ending else Path(title).stem


def _is_the_programs(folder: Path) -> bool:
    own = (resource(), state_folder(), Path(sys.prefix))
    return any(folder.resolve().is_relative_to(place.resolve()) for place in own)
