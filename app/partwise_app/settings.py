"""What does the window remember between two sessions?"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from partwise.plugins.safety import state_folder

__all__ = ["Settings"]

_RECENT = 8
_MODES = ("system", "dark", "light")


class Settings:
    """Recent files, geometry and theme, in one INI file in the user's state folder."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or state_folder() / "window.ini"
        self._store = QSettings(str(path), QSettings.Format.IniFormat)

    @property
    def recent(self) -> tuple[Path, ...]:
        """Projects and inputs opened last that still exist, the newest first."""
        kept = self._store.value("recent", [])
        texts = kept if isinstance(kept, list) else [kept]
        return tuple(Path(str(text)) for text in texts if text and Path(str(text)).is_file())

    def add_recent(self, path: Path) -> None:
        """Put a file first among the recent ones."""
        path = path.resolve()
        others = [str(p) for p in self.recent if p != path]
        self._store.setValue("recent", [str(path), *others][:_RECENT])

    def forget_recent(self) -> None:
        """Clear the list of recent files."""
        self._store.setValue("recent", [])

    @property
    def theme(self) -> str:
        """Return ``"system"``, ``"dark"`` or ``"light"``."""
        mode = str(self._store.value("theme", "system"))
        return mode if mode in _MODES else "system"

    @theme.setter
    def theme(self, mode: str) -> None:
        self._store.setValue("theme", mode)

    def bytes_of(self, name: str) -> QByteArray:
        """Return remembered geometry; empty where there is none."""
        value = self._store.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def keep_bytes(self, name: str, value: QByteArray) -> None:
        """Remember geometry."""
        self._store.setValue(f"layout/{name}", value)

    def forget_layout(self) -> None:
        """Forget all geometry."""
        self._store.remove("layout")

    def sync(self) -> None:
        """Write what changed."""
        self._store.sync()
