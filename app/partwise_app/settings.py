"""What does the window remember between two sessions?"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from partwise.folders import state_folder

__all__ = ["Settings"]

_RECENT = 8
_MODES = ("system", "dark", "light")


class Settings:
    """Recent files, geometry, theme and habits, in one INI file in the user's state folder."""

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

    @property
    def theme(self) -> str:
        """Return ``"system"``, ``"dark"`` or ``"light"``."""
        mode = str(self._store.value("theme", "system"))
        return mode if mode in _MODES else "system"

    @theme.setter
    def theme(self, mode: str) -> None:
        self._store.setValue("theme", mode)

    @property
    def threads(self) -> int:
        """Threads of a run; 0 for as many as pay."""
        return self._number("threads", 0, 0, 256)

    @threads.setter
    def threads(self, number: int) -> None:
        self._store.setValue("threads", number)

    @property
    def size_percent(self) -> int:
        """Size of words and controls, 100 as the system has them."""
        return self._number("size", 100, 100, 200)

    @size_percent.setter
    def size_percent(self, percent: int) -> None:
        self._store.setValue("size", percent)

    @property
    def autosave_s(self) -> int:
        """Seconds between two copies of unsaved work."""
        return self._number("autosave", 60, 10, 3600)

    @autosave_s.setter
    def autosave_s(self, seconds: int) -> None:
        self._store.setValue("autosave", seconds)

    @property
    def folder(self) -> Path | None:
        """Folder that questions about files begin in; None for that of the last file."""
        text = str(self._store.value("folder", "") or "")
        return Path(text) if text and Path(text).is_dir() else None

    @folder.setter
    def folder(self, folder: Path | None) -> None:
        self._store.setValue("folder", str(folder) if folder is not None else "")

    @property
    def readers(self) -> dict[str, str]:
        """Which plugin reads a kind of file, by suffix, where the person was asked."""
        self._store.beginGroup("readers")
        found = {f".{key}": str(self._store.value(key)) for key in self._store.childKeys()}
        self._store.endGroup()
        return found

    def remember_reader(self, suffix: str, plugin_id: str) -> None:
        """Do not ask again which plugin reads files with a suffix such as ``".csv"``."""
        if suffix.lstrip("."):
            self._store.setValue(f"readers/{suffix.lstrip('.').lower()}", plugin_id)

    def forget_readers(self) -> None:
        """Ask again."""
        self._store.remove("readers")

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

    def _number(self, name: str, default: int, low: int, high: int) -> int:
        try:
            value = int(str(self._store.value(name, default)))
        except ValueError:
            return default
        return min(max(value, low), high)
