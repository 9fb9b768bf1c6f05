"""Where does a session leave what it keeps?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["state_folder"]


def state_folder() -> Path:
    """Return the folder for what a session leaves behind: autosaves, logs, crash notes.

    ``PARTWISE_STATE`` overrides the platform's place. The folder may not exist yet.
    """
    asked = os.environ.get("PARTWISE_STATE")
    if asked:
        return Path(asked)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "Partwise"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Partwise"
    # The XDG base directory specification ignores relative paths.
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".local/state") / "partwise"
