"""How does the window start? Shown first, everything heavy after."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QApplication

from partwise.plugins.registry import load_registry
from partwise_app.log import start_log, stop_log, tell_uncaught
from partwise_app.screenshot import Screenshot
from partwise_app.session import Session
from partwise_app.settings import Settings
from partwise_app.theme import Theme
from partwise_app.window import Window

__all__ = ["main"]

_DEMO = "stain-he"


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window; returns the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    multiprocessing.freeze_support()
    asked = _parser().parse_args(arguments)
    if asked.screenshot and "QT_QPA_PLATFORM" not in os.environ and not _has_display():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # Python would not see Ctrl+C in the terminal before the next event.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    settings = Settings()
    if settings.size_percent != 100:  # Qt asks for it once, before anything else
        os.environ.setdefault("QT_SCALE_FACTOR", f"{settings.size_percent / 100:g}")
    app = _application()
    start_log()
    if settings.threads:
        os.environ.setdefault("PARTWISE_THREADS", str(settings.threads))
    theme = Theme(app, asked.theme or settings.theme)
    session = Session(load_registry(safe_mode=asked.safe_mode))
    window = Window(session, theme, settings)
    if asked.size:
        window.resize(asked.size)
    shot = None
    if asked.screenshot:
        shot = Screenshot(window, asked.screenshot, asked.size or QSize(1440, 900))
        shot.finished.connect(app.exit)
    tell_uncaught(window.deeds.uncaught)
    window.show()
    starter = _Starter(window, asked)
    QTimer.singleShot(0, starter.go)
    code = app.exec()
    if window.isVisible():  # a picture was taken, nobody closed it
        session.close()
        window.keeper.close()
        window.close_threads()
    tell_uncaught(None)
    stop_log()
    return code


class _Starter:
    """What waits until the window is on the screen."""

    def __init__(self, window: Window, asked: argparse.Namespace) -> None:
        self._window = window
        self._asked = asked

    def go(self) -> None:
        self._window.session.warm_up()
        self._window.load_samples()
        if not self._asked.screenshot:
            self._window.tell_start(safe_mode=self._asked.safe_mode)
        for path in self._asked.files:
            self._window.deeds.open_path(path)
        if self._asked.demo:
            self._window.open_sample(_DEMO)


def _application() -> QApplication:
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Partwise")
    app.setApplicationDisplayName("Partwise")
    app.setDesktopFileName("partwise")
    return app


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="partwise gui", description="Open the window.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="inputs or a project")
    parser.add_argument("--safe-mode", action="store_true", help="load built-in plugins only")
    parser.add_argument("--demo", action="store_true", help="open a sample and run it")
    parser.add_argument("--theme", choices=("system", "dark", "light"), help="colours")
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window in pixels")
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="FILE",
        help="draw the window with what is opened and its result, save it as PNG, and leave",
    )
    return parser


def _size(text: str) -> QSize:
    match = re.fullmatch(r"(\d{3,4})x(\d{3,4})", text)
    if not match:
        msg = f"{text!r} is not a size such as 1280x800"
        raise argparse.ArgumentTypeError(msg)
    return QSize(int(match[1]), int(match[2]))


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


if __name__ == "__main__":
    sys.exit(main())
