"""A window for tests: a stand-in worker that answers when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget
from tests.fixtures import pebble

from partwise.job import LocalJob
from partwise.jobs import worker as w
from partwise.jobs.perform import Request, perform
from partwise_app.host import Host
from partwise_app.session import Session
from partwise_app.settings import Settings
from partwise_app.theme import Theme
from partwise_app.window import Window


class StandIn:
    """Keeps what is asked of it; answers in the test's own time."""

    def __init__(self, on_event: Callable[[w.Event], None]) -> None:
        self.say = on_event
        self.requests: list[Request] = []
        self.cancelled = self.cold = False
        self.pid = None

    def start(self) -> None:
        self.say(w.Ready(0))

    def submit(self, request: Request) -> int:
        self.requests.append(request)
        return len(self.requests)

    def cancel(self) -> None:
        self.cancelled = True
        self.say(w.CancelledRun(len(self.requests)))

    def leave_cold(self) -> None:
        self.cold = True

    def close(self) -> None:
        pass

    def answer(self, generation: int | None = None) -> None:
        """Do the newest request here and now, under a generation's number."""
        number = len(self.requests) if generation is None else generation
        result = perform(self.requests[-1], LocalJob(), pebble.registry())
        self.say(w.Finished(number, result))


class Note(QWidget):
    """The smallest panel."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self.host = host


class Desktop:
    """Makes windows and sessions that are closed at the end of the test."""

    def __init__(self, qtbot: Any, theme: Theme, folder: Path) -> None:
        self.qtbot, self.theme, self.folder = qtbot, theme, folder
        self.worker: Any = None
        self._open: list[Session | Window] = []

    def _make_worker(self, on_event: Callable[[w.Event], None]) -> Any:
        self.worker = StandIn(on_event)
        return self.worker

    def session(self) -> Session:
        made = Session(pebble.registry(), self._make_worker)
        self._open.append(made)
        return made

    def window(self, session: Session | None = None, *, keep: bool = True) -> Window:
        session = session or Session(pebble.registry(), self._make_worker)
        made = Window(session, self.theme, Settings(self.folder / "window.ini"))
        if keep:
            self._open.append(made)
        made.resize(1280, 800)
        made.show()
        self.qtbot.waitExposed(made)
        return made

    def file(self, name: str = "grains.txt") -> Path:
        return pebble.write_pebbles(self.folder / name)

    def open(self, session: Session, path: Path | None = None) -> Path:
        path = path or self.file()
        with self.qtbot.waitSignal(session.opened):
            session.open_path(path)
        return path

    def run(self, session: Session) -> None:
        with self.qtbot.waitSignal(session.run_added):
            session.start_run()
            self.worker.answer()

    def close(self) -> None:
        for made in reversed(self._open):
            if isinstance(made, Window):
                close(made)
            else:
                made.close()
                made.deleteLater()


def close(window: Window) -> None:
    """Close a window without being asked."""
    window.session.close()
    window.keeper.close()
    window.close_threads()
    window.hide()
    window.deleteLater()
    window.session.deleteLater()


def reachable(top: QWidget) -> list[QWidget]:
    """Every visible widget that takes the keyboard."""
    from PySide6.QtCore import Qt

    return [
        child
        for child in top.findChildren(QWidget)
        if child.isVisible() and child.focusPolicy() != Qt.FocusPolicy.NoFocus
    ]
