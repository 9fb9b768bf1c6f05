"""Does the window stay awake when the result of an hour arrives? Lateness, and its own work.

    python tests/bench/audio_arrival.py [--minutes 60] [--times 5]

A real window with a recording of that length in it; in place of the worker stands one that hands a
result over at once, as large as a run's: gains, levels, waveform, atoms. From pressing Run until
six seconds later a timer of 5 ms tells how late it comes, and how long the window itself was at
work between two of its ticks, which is the same on a busy machine. In those seconds the stage is
drawn, the speech of the whole recording is rendered and measured, and a copy of the work is kept.
The first arrival, which makes what later ones find made, has a line of its own, and so has the
first file that is opened, for which the panel is imported and made.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from audio_view import made  # type: ignore[import-not-found]  # stands beside this script
from window import Ticker, line, wait  # type: ignore[import-not-found]

from partwise.api import Dataset, Fit, Part, Residual, Result, View
from partwise.result import Provenance
from partwise_speech.frames import RATE
from partwise_speech.outlook import view_of_recording
from partwise_speech.readers import load_sound
from partwise_speech.sources import generic_voice
from partwise_speech.tell import view_of_atoms

_SETTLES_S = 6.0


def result_of(dataset: Dataset) -> Result:
    """A result as large as a run's; its numbers mean nothing."""
    rng = np.random.default_rng(0)
    seen, voice = view_of_recording(dataset), generic_voice().atoms
    frames = round(dataset.axis("time").size / RATE * 125)
    whole = seen.arrays["whole"]
    gain = rng.integers(100, 255, (257, frames), dtype=np.uint8)
    arrays = {**seen.arrays, "parts": np.stack([whole, whole // 2]), "gain": gain}
    noise = rng.random((len(voice), 16), dtype=np.float32)
    active = rng.random((16, frames // 4), dtype=np.float32)
    atoms = view_of_atoms(noise / noise.sum(axis=0), active, np.ones(voice.shape[1], np.float32))
    profile, course = np.ones(257), np.ones(frames, np.float32)
    return Result(
        parts=(
            Part("speech", "Speech", "#3f8fd2", profile, 0.4, course, "relative level"),
            Part("noise", "Noise", "#e08a2c", profile, 0.6, course, "relative level"),
        ),
        residual=Residual(0.0, ""),
        fit=Fit("kl", 1.0, 0.8, 25, "max_iter", 0.1, (3.0, 2.0, 1.0)),
        views=(View(seen.kind, seen.title, arrays, seen.axes, seen.options), atoms),
        facts={"strength": 1.0, "noise_span": [0.0, 3.0], "method": {"floor": 0.05}},
    )


class Giver:
    """Stands where the worker does and hands over a result as soon as it is asked for one."""

    busy, alive, pid = False, True, None
    result: Result | None = None

    def __init__(self, on_event: Callable[[Any], None]) -> None:
        self._on_event, self._asked = on_event, 0

    def submit(self, request: Any) -> int:
        self._asked += 1
        threading.Thread(target=self._give, args=(self._asked, request)).start()
        return self._asked

    def _give(self, asked: int, request: Any) -> None:
        from partwise.jobs.worker import Began, Finished

        self._on_event(Began(asked))
        result = copy.deepcopy(Giver.result)  # it comes from another process, as arrays of its own
        assert result is not None
        about = Provenance(
            plugin="speech",
            plugin_version="1",
            analysis="denoise",
            parameters=dict(request.parameters),
            seed=0,
            inputs=(request.dataset.source,),
            versions={},
            started="",
            seconds=1.0,
        )
        self._on_event(Finished(asked, dataclasses.replace(result, provenance=about)))

    def start(self) -> None: ...

    def cancel(self) -> None: ...

    def leave_cold(self) -> None: ...

    def close(self) -> None: ...


def measure(folder: Path, minutes: float, times: int) -> None:
    """Let results arrive, and print."""
    from partwise.plugins.registry import load_registry
    from partwise_app.main import _application
    from partwise_app.session import Session
    from partwise_app.settings import Settings
    from partwise_app.theme import Theme
    from partwise_app.window import Window

    path = made(folder, minutes)
    Giver.result = result_of(load_sound(path))
    session = Session(load_registry(safe_mode=True), Giver)  # type: ignore[arg-type]  # a stand-in
    window = Window(session, Theme(_application(), "dark"), Settings(folder / "window.ini"))
    window.resize(1280, 800)
    window.show()
    ticker, late, busy = Ticker(), [], []
    _settle()
    ticker.start()
    window.deeds.open_path(path)
    wait(lambda: session.input is not None, 300.0)
    _settle()
    opened = ticker.stop()
    ticker.start()
    _settle()
    print(f"{'lateness of a 5 ms timer, ms':<34}{'ticks':>7}{'p50':>9}{'p99':>9}{'max':>9}")
    print(line("nothing happens", ticker.stop()[0], ""))
    print(line("the first file opens", opened[0], ""))
    print(line("the window's own work", opened[1], "goal max < 50"))
    for _ in range(times + 1):
        runs = len(session.state.runs)

        def arrived(runs: int = runs) -> bool:
            return len(session.state.runs) > runs

        ticker.start()
        session.start_run(anew=True)
        wait(arrived, 60.0)
        _settle()
        told = ticker.stop()
        late.append(told[0])
        busy.append(told[1])
    print(line("the first arrives", late[0], "goal max < 150"))
    print(line("the window's own work", busy[0], ""))
    print(line("others arrive", np.concatenate(late[1:]), "goal max < 150"))
    print(line("the window's own work", np.concatenate(busy[1:]), ""))
    session.close()
    window.keeper.close()
    window.close_threads()
    window.hide()


def _settle() -> None:
    end = time.monotonic() + _SETTLES_S
    wait(lambda: time.monotonic() > end)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PARTWISE_STATE"] = folder
        measure(Path(folder), asked.minutes, asked.times)


if __name__ == "__main__":
    main()
