"""How does the window look with this file? A picture of it, drawn once all is there."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QObject, QSize, QTimer, Signal

from partwise_app.notices import Notice
from partwise_app.window import Window

__all__ = ["Screenshot"]

_QUIET_MS = 700  # without a change, before the picture is taken: tiles arrive one by one
_PATIENCE_MS = 120_000
_POLL_MS = 50


class Screenshot(QObject):
    """Waits until the window shows a result, saves a picture of it, and tells the exit code."""

    finished = Signal(int)

    def __init__(self, window: Window, path: Path, size: QSize) -> None:
        super().__init__(window)
        self._window = window
        self._path = path
        self._asked_run = False
        self._problem = ""
        window.resize(size)
        self._quiet, self._patience = QElapsedTimer(), QElapsedTimer()
        self._quiet.start()
        self._patience.start()
        session = window.session
        for signal in (session.changed, session.progressed, session.noticed):
            signal.connect(self._stir)
        for plain in (session.selection_changed, session.busy_changed, session.running_changed):
            plain.connect(self._stir)
        window.desk.stage.view_changed.connect(self._stir)
        window.desk.stage.thumbnails_changed.connect(self._stir)
        session.noticed.connect(self._on_notice)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(_POLL_MS)

    def _stir(self, *_: object) -> None:
        self._quiet.restart()

    def _on_notice(self, notice: Notice) -> None:
        if notice.tone == "bad":
            self._problem = f"{notice.text} {notice.detail}".strip()

    def _look(self) -> None:
        session = self._window.session
        waiting = not session.idle or session.running
        if self._patience.elapsed() > _PATIENCE_MS:
            self._problem = self._problem or "The window did not come to rest."
        elif waiting or self._quiet.elapsed() < _QUIET_MS:
            return
        elif session.input is not None and session.run is None and not self._asked_run:
            self._asked_run = True
            session.start_run()
            return
        elif session.run is not None and self._window.picture.mode() == "whole":
            self._window.picture.look("compare")
            self._stir()
            return
        self._timer.stop()
        self._save()

    def _save(self) -> None:
        saved = self._window.grab().save(str(self._path), "PNG")
        if not saved:
            self._problem = f"{self._path}: the picture cannot be written; choose another folder"
        if self._problem:
            print(f"partwise: error: {self._problem}", file=sys.stderr)
        self.finished.emit(3 if self._problem else 0)
