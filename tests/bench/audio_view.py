"""Is an hour of sound smooth to look at and to try out? Drawing, strength, atoms, what is learned.

    python tests/bench/audio_view.py [--minutes 60] [--steps 60]

Prints milliseconds: by the clock, and of the processor alone, which a busy neighbour does not
change; goals stand beside them. A recording of noise bursts is made in a temporary folder,
read as any file is, and drawn at 1200 × 700. Beside our drawing of the spectrogram stands
pyqtgraph's image of the same levels in the same window, which is what one writes first. Then come
what a hand tries out in the ten seconds in sight, and speech that is made while it plays: how long
until half a second of it is there, and how much of real time each block takes.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import soundfile
from numpy.typing import NDArray
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from partwise.api import single_blas
from partwise.result import View
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.viewers.timeline import Window
from partwise_resources import resource as bundled
from partwise_speech.classes import noise_patches
from partwise_speech.dictionary import learn_voice
from partwise_speech.fit import learn_noise
from partwise_speech.frames import RATE as MODEL_RATE
from partwise_speech.moved import Moved, voice_groups
from partwise_speech.outlook import view_of_recording
from partwise_speech.painted import Painted
from partwise_speech.panel.heard import SPEECH, WHOLE, Heard
from partwise_speech.panel.preview import preview_of
from partwise_speech.panel.quality import quality_of
from partwise_speech.panel.refit import gains_anew
from partwise_speech.panel.regain import apart_of, regained
from partwise_speech.panel.streaming import Wanted
from partwise_speech.readers import load_sound
from partwise_speech.separator import frames_of
from partwise_speech.sound import Recording, mono_at, recording_of
from partwise_speech.sources import generic_voice
from partwise_speech.stream import Stream

RATE = 16_000
FRAME_MS = 33.0
PREVIEW_MS = 300.0
MOVE_MS = 500.0
FIT_MS = 1000.0
VOICE_MS = 5000.0
NOISE_MS = 500.0


def made(folder: Path, minutes: float) -> Path:
    """Noise that swells four times a second, written block by block."""
    path = folder / "long.wav"
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as file:
        t = np.arange(60 * RATE) / RATE
        swell = (0.02 + 0.2 * np.clip(np.sin(2 * np.pi * 4 * t), 0, 1)).astype(np.float32)
        left = round(minutes * 60 * RATE)
        while left > 0:
            block = swell * rng.standard_normal(t.size).astype(np.float32) * np.float32(0.3)
            file.write(block[: min(left, t.size)])
            left -= t.size
    return path


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds that a call takes: by the clock, and of the processor."""
    clock, used = time.perf_counter(), time.thread_time()
    call()
    return 1e3 * (time.perf_counter() - clock), 1e3 * (time.thread_time() - used)


def repaints(
    view: SpectrogramView, move: Callable[[int], None], steps: int
) -> list[tuple[float, float]]:
    """Move, and repaint at once, again and again."""
    took = []
    for step in range(steps):
        move(step)
        took.append(timed(view.repaint))
    return took


def told(name: str, took: list[tuple[float, float]], goal: float) -> None:
    """Print one line."""
    clock, used = (np.array(column) for column in zip(*took, strict=True))
    print(
        f"  {name:<40} clock {np.median(clock):6.1f}, p99 {np.percentile(clock, 99):6.1f}"
        f"   processor {np.median(used):6.1f}, p99 {np.percentile(used, 99):6.1f}"
        f"   goal < {goal:.0f}"
    )


def show_ours(app: QApplication, one: View, steps: int) -> None:
    """Repaints of our drawing."""
    view = SpectrogramView()
    view.resize(1200, 700)
    view.show()
    rng = np.random.default_rng(1)
    gain = rng.integers(100, 255, one.arrays["whole"].shape, dtype=np.uint8)
    both = View(one.kind, one.title, {**one.arrays, "gain": gain}, one.axes, one.options)
    start = time.perf_counter()
    view.set_view(both, (), ())
    call = 1e3 * (time.perf_counter() - start)
    while view.is_empty():
        app.processEvents()
        time.sleep(0.002)
    ready = 1e3 * (time.perf_counter() - start)
    first, _ = timed(view.repaint)
    print(
        f"  the window is held for {call:.0f} ms, all is prepared after {ready:.0f} ms, "
        f"first repaint {first:.0f} ms"
    )
    length = view.limits.size
    sights = {"all of it": length, "ten minutes": 600.0, "10 s": 10.0, "1 s": 1.0}
    for name, wanted in sights.items():
        size = min(wanted, 0.9 * length)
        window = Window(0.3 * length, 0.3 * length + size).within(view.limits)

        def pan(step: int, window: Window = window, size: float = size) -> None:
            view.look(window.moved(size / 100 * (step % 40), view.limits))

        told(f"pan, {name} in sight", repaints(view, pan, steps), FRAME_MS)

    def zoom(step: int) -> None:
        size = length * 0.8 ** (step % 30)
        view.look(Window(0.3 * length, 0.3 * length + size).within(view.limits))

    told("zoom from all of it to seconds", repaints(view, zoom, steps), FRAME_MS)
    view.look(Window(0.3 * length, 0.3 * length + 10.0).within(view.limits))
    view.repaint()

    def play(step: int) -> None:
        view.set_playhead(0.3 * length + step / 30)

    told("playhead", repaints(view, play, steps), FRAME_MS)
    view.close()
    view.deleteLater()


def show_theirs(app: QApplication, one: View, steps: int) -> None:
    """Repaints of pyqtgraph's image of all levels, as it is written first."""
    import pyqtgraph

    pyqtgraph.setConfigOptions(imageAxisOrder="row-major")
    plot = pyqtgraph.PlotWidget()
    plot.resize(1200, 700)
    image = pyqtgraph.ImageItem(one.arrays["whole"], levels=(0, 255))
    image.setColorMap(pyqtgraph.colormap.get("magma"))
    plot.addItem(image)
    plot.show()
    app.processEvents()
    columns = one.arrays["whole"].shape[1]
    for name, share in (("all of it", 0.9), ("a hundredth", 0.01)):
        took = []
        for step in range(max(steps // 4, 5)):
            left = columns * (0.05 + share / 100 * step)
            plot.setXRange(left, left + columns * share, padding=0)
            took.append(timed(plot.viewport().repaint))
        told(f"pyqtgraph: pan, {name} in sight", took, FRAME_MS)
    plot.close()
    plot.deleteLater()


def try_atoms(recording: Recording, codes: NDArray[np.uint8], at: float) -> None:
    """Time the first mask with atoms moved in ten seconds, and those that follow."""
    voice = generic_voice().atoms
    groups = voice_groups(voice)
    rng = np.random.default_rng(3)
    noise = rng.random((len(voice), 16), dtype=np.float32)
    noise /= noise.sum(axis=0)
    frames = round(at * 125), round((at + 10) * 125)
    method = {"mask": 1.0, "sharp": 1.3, "floor": 0.05}
    fits, masks = [], []
    for k in range(5):
        with single_blas():  # as in the window
            fits.append(
                timed(lambda: apart_of(recording, voice, groups, noise, frames, (0.0, 3.0)))
            )
            apart = apart_of(recording, voice, groups, noise, frames, (0.0, 3.0))
            moved = Moved(frozenset({k}))
            masks.append(
                timed(lambda a=apart, m=moved: regained(codes, a, Moved(), m, method))  # type: ignore[misc]  # a default binds the loop's value
            )
    told("atoms of the 10 s in sight, once", fits, MOVE_MS)
    told("another mask, at each move", masks, MOVE_MS)


def try_fits(recording: Recording, at: float) -> None:
    """Time what is in sight fitted with another noise, and what is then measured of it."""
    frames = round(at * 125), round((at + 10) * 125)
    method, none = "auto", (Painted(), Moved())

    def learned() -> None:
        Wanted(noise_span="0:3").heard(recording)

    voice, noise = Wanted(noise_span="0:3").heard(recording)
    fits = [
        timed(lambda: gains_anew(recording, voice, noise, method, *none, frames)) for _ in range(5)
    ]
    told("voice and noise of another choice", [timed(learned) for _ in range(5)], NOISE_MS)
    told("the 10 s in sight fitted with them", fits, FIT_MS)
    whole = recording.read(0, round(60 * recording.rate)).T
    heard = Heard(round(recording.rate), {WHOLE: whole, SPEECH: 0.5 * whole})
    times = [timed(lambda: quality_of(heard, 0.0, (0.0, 3.0), (at, at + 10))) for _ in range(5)]
    told("a minute measured as it is heard", times, MOVE_MS)


def try_learning(recording: Recording) -> None:
    """Time a voice of a minute, and a noise of three seconds whose atoms are seen as they form."""
    minute = min(60, int(recording.seconds))
    sound = mono_at(recording, MODEL_RATE, 0, minute)
    voices = [timed(lambda: learn_voice([sound], "bench")) for _ in range(5)]
    told(f"a voice of {minute} s learned", voices, VOICE_MS)
    looks: list[int] = []

    def seen(atoms: NDArray[np.float32]) -> bool:
        looks.append(atoms.shape[1])
        return True

    def learned() -> None:
        found = np.abs(frames_of(recording, 0, 3 * 125))
        learn_noise(noise_patches(found), 16, on_step=seen)

    noises = [timed(learned) for _ in range(5)]
    told(f"a noise of 3 s learned, seen {len(looks) // 5} times", noises, NOISE_MS)


def try_preview(recording: Recording, at: float) -> None:
    """Time until half a second is there, and the blocks of a stream."""
    known = Wanted(noise_span="0:3").known(recording)
    start = time.perf_counter()
    found = known()
    stream = Stream(recording.rate, found)
    first = round((at - 1) * recording.rate)
    half = round(1.5 * recording.rate)
    stream.push(recording.read(first, first + half).T)
    ready = 1e3 * (time.perf_counter() - start)
    block = round(0.25 * recording.rate)
    took = [
        timed(
            lambda k=k: stream.push(  # type: ignore[misc]  # a default binds the loop's value
                recording.read(first + half + k * block, first + half + (k + 1) * block).T
            )
        )
        for k in range(20)
    ]
    share = np.median([used for _, used in took]) / 250
    print(
        f"  preview: noise learned and half a second there after {ready:.0f} ms, then "
        f"{share:.3f} of real time; {1e3 * stream.latency:.0f} ms late where it is live"
    )


def main() -> None:
    """Print all lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    QFontDatabase.addApplicationFont(str(bundled("fonts", "Inter-Regular.otf")))
    font = QFont("Inter")
    font.setPixelSize(13)
    app.setFont(font)
    with tempfile.TemporaryDirectory() as folder:
        path = made(Path(folder), asked.minutes)
        start = time.perf_counter()
        dataset = load_sound(path)
        read = time.perf_counter()
        one = view_of_recording(dataset)
        drawn = time.perf_counter()
        seconds = 60 * asked.minutes
        print(f"{asked.minutes:g} min at {RATE} Hz, 1200 × 700")
        print(
            f"  read {read - start:.1f} s, spectrogram {drawn - read:.1f} s "
            f"({(drawn - read) / seconds:.4f} of real time), both in a thread"
        )
        show_ours(app, one, asked.steps)
        show_theirs(app, one, asked.steps)
        recording = recording_of(dataset)
        codes = np.random.default_rng(2).integers(
            100, 255, (257, round(seconds * 125)), dtype=np.uint8
        )
        step, level = one.axes[1].step, tuple(one.options["level"])
        took = [
            timed(
                lambda k=k: preview_of(  # type: ignore[misc]  # a default binds the loop's value
                    recording,
                    one.arrays["whole"],
                    codes,
                    (seconds / 3, seconds / 3 + 10),
                    step,
                    level,
                    1 + k / 50,
                )
            )
            for k in range(20)
        ]
        told("another strength for the 10 s in sight", took, PREVIEW_MS)
        try_atoms(recording, codes, seconds / 3)
        try_fits(recording, seconds / 3)
        try_learning(recording)
        try_preview(recording, seconds / 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  most memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
