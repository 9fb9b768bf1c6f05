"""What every test can ask for, and what no test may leave behind."""

from __future__ import annotations

import gc
import multiprocessing.process
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# Before anything imports Qt. A runner with a display names its own platform.
if sys.platform.startswith("linux") and not (
    os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# Each process of tests has a display of its own: there is one active window to a display.
if _displays := os.environ.get("PARTWISE_TEST_DISPLAYS", "").split():
    _worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["DISPLAY"] = _displays[int(_worker) % len(_displays)]

# The same cases every time, and no case judged by how busy the machine is.
settings.register_profile("partwise", derandomize=True, deadline=None, database=None)
settings.load_profile("partwise")


@pytest.fixture(scope="session", autouse=True)
def _libraries_are_swept_once() -> None:
    """Set the libraries' objects aside: tests of the window sweep the heap for what they left."""
    import partwise.data.mixing  # noqa: F401  brings the compiler along, most of the heap

    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the clone; tests that need it are skipped without it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data are not beside this clone (../shared/data)")
    return folder


@pytest.fixture(scope="session")
def results_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where journeys leave their screenshots: PARTWISE_RESULTS, or a temporary folder."""
    named = os.environ.get("PARTWISE_RESULTS")
    if not named:
        return tmp_path_factory.mktemp("results")
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _top_level_widgets() -> dict[int, str]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    app = widgets.QApplication.instance() if widgets else None
    if app is None:
        return {}
    core, shiboken = sys.modules["PySide6.QtCore"], sys.modules["shiboken6"]
    app.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)
    gc.collect()
    return {
        shiboken.getCppPointer(widget)[0]: (
            f"{type(widget).__name__} {widget.objectName()!r} {widget.windowTitle()!r}"
        )
        for widget in app.topLevelWidgets()
        if widget.metaObject().className() != "QTipLabel"  # Qt keeps one tooltip for itself
    }


def _ends(running: threading.Thread | multiprocessing.process.BaseProcess) -> bool:
    """Whether it ends within five seconds, the window's events going on meanwhile."""
    core = sys.modules.get("PySide6.QtCore")
    for _ in range(100):
        if not running.is_alive():
            return True
        if core and core.QCoreApplication.instance():
            core.QCoreApplication.processEvents()
        running.join(timeout=0.05)
    return False


def _is_meant_to_stay(thread: threading.Thread) -> bool:
    # The engine's threads are made once and wait for the next block of work.
    return thread.name.startswith("partwise-engine")


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test of the window that leaves a widget, a thread or a process running."""
    where = request.path.relative_to(ROOT).parts if request.path.is_relative_to(ROOT) else ()
    if where[:2] not in (("tests", "app"), ("tests", "journeys")):
        yield
        return
    widgets = set(_top_level_widgets())
    threads = set(threading.enumerate())
    children = {child.pid for child in multiprocessing.active_children()}
    yield
    left = [name for key, name in _top_level_widgets().items() if key not in widgets]
    left += [
        f"thread {thread.name!r}"
        for thread in set(threading.enumerate()) - threads
        if not (_is_meant_to_stay(thread) or _ends(thread))
    ]
    left += [
        f"process {child.name!r}"
        for child in multiprocessing.active_children()
        if child.pid not in children and not _ends(child)
    ]
    assert not left, "left behind: " + ", ".join(left)
