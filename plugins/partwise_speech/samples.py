"""Where is the sample of the speech panel?"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from partwise.api import FileProblem

__all__ = ["street_recording"]


def street_recording() -> Path:
    """Return the made talker in a made street."""
    path = Path(str(files("partwise_resources"))).joinpath("samples", "speech-street.flac")
    if not path.is_file():
        raise FileProblem(path, "is missing from this installation", fix="install Partwise again")
    return path
