"""A real window with a real worker, for journeys from end to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.app.desktop import close
from tests.fixtures import pebble

from partwise.jobs.worker import Event, Worker
from partwise.plugins.registry import load_registry
from partwise_app.runner import WorkerFactory
from partwise_app.session import Session
from partwise_app.settings import Settings
from partwise_app.theme import Theme
from partwise_app.window import Window

_WARM = 2  # processes that wait for windows: most journeys open one or two


class _Lent(Worker):
    """A warm worker that waits for the next window when this one is closed.

    A process takes seconds to import what analyses need, and a run leaves nothing in it. One that
    was busy, ended or replaced is closed like any other.
    """

    def __init__(self, waiting: list[_Lent]) -> None:
        super().__init__(_nobody)
        self._waiting = waiting
        self.leave_cold()  # a run compiles what it needs; nothing else goes on beside a test
        self.start()
        while not self.alive:
            time.sleep(0.01)
        self._first = self.pid

    def lend(self, on_event: Callable[[Event], None]) -> Worker:
        self._on_event = on_event
        return self

    def close(self) -> None:
        self._on_event = _nobody
        if self.busy or not self.alive or self.pid != self._first:
            super().close()
        else:
            self._waiting.append(self)

    def end(self) -> None:
        super().close()


def _nobody(_event: Event) -> None:
    pass


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerFactory]:
    """Makes workers for windows, of processes that are warm where some are."""
    waiting: list[_Lent] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTWISE_STATE", str(tmp_path_factory.mktemp("workers")))
        made = [_Lent(waiting) for _ in range(_WARM)]
    waiting += made

    def lend(on_event: Callable[[Event], None]) -> Worker:
        return waiting.pop().lend(on_event) if waiting else Worker(on_event)

    yield lend
    for worker in made:
        worker.end()


def _pebble_worker(on_event: Callable[[Event], None]) -> Worker:
    return Worker(on_event, registry="tests.fixtures.pebble:registry")


class Journey:
    """Opens windows, waits for what a person would wait for, keeps pictures."""

    def __init__(
        self, qtbot: Any, theme: Theme, folder: Path, results: Path, workers: WorkerFactory
    ) -> None:
        self.qtbot, self.theme, self.folder, self.results = qtbot, theme, folder, results
        self._workers = workers
        self._windows: list[Window] = []

    def window(self, *, pebbles: bool = False) -> Window:
        """A window with the installed plugins, or with one whose runs can be made to fail."""
        session = (
            Session(pebble.registry(), _pebble_worker)
            if pebbles
            else Session(load_registry(), self._workers)
        )
        window = Window(session, self.theme, Settings(self.folder / "window.ini"))
        window.resize(1280, 800)
        window.show()
        self._windows.append(window)
        # Keys go to the active window, and one of an earlier test may still be that.
        window.activateWindow()
        self.qtbot.waitUntil(window.isActiveWindow)
        return window

    def open(self, window: Window, path: Path) -> None:
        with self.qtbot.waitSignal(window.session.opened, timeout=20_000):
            window.deeds.open_path(path)
        self.qtbot.waitUntil(lambda: window.session.input is not None, timeout=20_000)

    def run(self, window: Window) -> None:
        with self.qtbot.waitSignal(window.session.run_added, timeout=60_000):
            window.action("run_start").trigger()

    def save(self, window: Window, path: Path) -> None:
        with self.qtbot.waitSignal(window.session.saved, timeout=20_000):
            window.session.save(path)

    def picture(self, window: Window, name: str) -> None:
        """Keep a picture of the window beside the results."""
        assert window.grab().save(str(self.results / f"journey-{name}.png"))

    def tissue(self, name: str = "tissue.png") -> Path:
        """A small picture of two dyes on glass."""
        rng = np.random.default_rng(4)
        ramp = np.linspace(0, 1, 384)
        nuclei = np.clip(np.sin(ramp[:, None] * 60) * np.sin(ramp * 47) * 2.2 - 0.4, 0, 1.2)
        fibres = np.clip(0.75 + 0.4 * np.sin(ramp[:, None] * 9 + 3 * ramp), 0, 1)
        fibres[:, :60] = nuclei[:, :60] = 0  # glass
        dyes = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]])
        od = nuclei[..., None] * dyes[0] + 0.6 * fibres[..., None] * dyes[1]
        light = 243 * 10.0**-od + rng.normal(0, 1.2, od.shape)
        path = self.folder / name
        Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).save(path)
        return path

    def close(self) -> None:
        for window in reversed(self._windows):
            close(window)


@pytest.fixture
def journey(
    qtbot: Any,
    qapp: Any,
    tmp_path: Path,
    results_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers: WorkerFactory,
) -> Iterator[Journey]:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    theme = qapp.findChild(Theme) or Theme(qapp, "dark")
    theme.set_mode("dark")
    made = Journey(qtbot, theme, tmp_path, results_dir, workers)
    yield made
    made.close()
