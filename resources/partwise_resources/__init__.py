"""Files that come with Partwise: icons, fonts, styles, samples."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["resource"]


def resource(*parts: str) -> Path:
    """Return the path of a shipped file, such as ``resource("fonts", "Inter-Regular.otf")``.

    Raises
    ------
    FileNotFoundError
        No such file comes with Partwise.
    """
    path = Path(str(files("partwise_resources"))).joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(path)
    return path
