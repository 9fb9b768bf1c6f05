"""What does a slide of gigapixels take: memory over the baseline, seconds, a cancel, a resume?

``python tests/bench/slide.py [--field FILE] [--sides 50000 100000] [--single 20000 50000]``

Each line is a process of its own, so that its peak is its own. The slides repeat a field of real
tissue (or of our synthetic one, where no slide is given) and are a few megabytes on disk, since
their tiles share bytes; every tile is decoded whenever it is read.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  the root has to be known first
from numpy.typing import NDArray  # noqa: E402
from tests.fixtures.giant import write_giant  # noqa: E402

_REAL = ROOT.parent / "shared" / "data" / "he" / "cmu-1-small-region.svs"
_CORNER, _SIDE = (400, 900), 1024


def _field(path: Path | None) -> NDArray[np.uint8]:
    from partwise_stain.readers import load_slide
    from partwise_stain.tissue import make_tissue

    path = path or (_REAL if _REAL.is_file() else None)
    if path is None:
        return make_tissue(_SIDE, _SIDE, seed=1).rgb
    pyramid = load_slide(path).pyramid
    assert pyramid is not None
    return pyramid.read(0, *_CORNER, _SIDE, _SIDE)


def _peak() -> float:
    """Peak of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _now() -> float:
    """What this process holds now, in MiB; its peak where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return _peak()
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _overview(path: Path) -> dict[str, Any]:
    from partwise.api import LocalJob
    from partwise_stain.quality import inspect_slide
    from partwise_stain.readers import load_slide

    pyramid = load_slide(path).pyramid
    assert pyramid is not None
    number = len(pyramid.levels) - 1
    level = pyramid.levels[number]
    began = time.perf_counter()
    pyramid.read(number, 0, 0, level.width, level.height)
    first = time.perf_counter() - began
    shares = inspect_slide(pyramid, LocalJob()).shares
    return {"first overview s": first, "tissue": round(shares["tissue"], 3)}


def _draft(path: Path) -> dict[str, Any]:
    """What is seen of a slide of one level while it is read, as the window asks for it."""
    from partwise_stain.slide import SlidePyramid

    pyramid = SlidePyramid(path)
    number = len(pyramid.levels) - 1
    box = (number, 0, 0, pyramid.levels[number].width, pyramid.levels[number].height)
    drafts, share, began = [], 0.0, time.perf_counter()
    while share < 1:
        _, share = pyramid.draft(*box, 0.1)
        drafts.append((time.perf_counter() - began, 100 * share))
    told = {"whole s": round(drafts[-1][0], 2)}
    for name, limit in (("first", 0.0), ("then", 1.0)):
        seconds, read = next((draft for draft in drafts if draft[0] >= limit), drafts[-1])
        told |= {f"{name} s": round(seconds, 2), f"{name} %": round(read, 1)}
    return told


def _analyse(path: Path) -> dict[str, Any]:
    from partwise.api import LocalJob
    from partwise_stain.analysis import StainAnalysis
    from partwise_stain.readers import load_slide

    result = StainAnalysis().run(load_slide(path), StainAnalysis.Params(), LocalJob())
    return {"explained": round(result.fit.explained, 4)}


def _export(path: Path) -> dict[str, Any]:
    from partwise.api import LocalJob
    from partwise_stain.analysis import StainAnalysis
    from partwise_stain.export import write_concentrations
    from partwise_stain.readers import load_slide

    dataset = load_slide(path)
    params = StainAnalysis.Params(stains="he", resample=False, nuclei=False)
    result = StainAnalysis().run(dataset, params, LocalJob())
    assert dataset.pyramid is not None
    level = dataset.pyramid.levels[0]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "c.ome.tif"
        began = time.perf_counter()
        write_concentrations(dataset, result, target, LocalJob(), None)
        seconds = time.perf_counter() - began
        size = target.stat().st_size / 1e6
    speed = level.width * level.height / seconds / 1e6
    return {"Mpx/s": round(speed, 1), "MB": round(size)}


def _cancel(path: Path) -> dict[str, Any]:
    """Seconds from asking to leaving, at ten moments of an analysis and its export."""
    from partwise.api import Cancelled, LocalJob
    from partwise_stain.analysis import StainAnalysis
    from partwise_stain.export import write_concentrations
    from partwise_stain.readers import load_slide

    dataset = load_slide(path)
    analysis, late = StainAnalysis(), []
    params = StainAnalysis.Params(stains="he")
    fitted = analysis.run(dataset, StainAnalysis.Params(stains="he", resample=False), LocalJob())

    def measure(work: Callable[[LocalJob], object], after: float) -> None:
        asked = threading.Event()
        when: list[float] = []

        def ask() -> None:
            when.append(time.perf_counter())
            asked.set()

        timer = threading.Timer(after, ask)
        timer.start()
        try:
            work(LocalJob(is_cancelled=asked.is_set))
        except Cancelled:
            late.append(time.perf_counter() - when[0])
        timer.cancel()

    for after in (0.05, 0.3, 0.6, 1.0, 1.5):
        measure(lambda job: analysis.run(dataset, params, job), after)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "c.ome.tif"
        for after in (0.1, 0.5, 1.0, 2.0, 4.0):
            measure(lambda job: write_concentrations(dataset, fitted, target, job, None), after)
    return {"cancels": len(late), "worst s": round(max(late), 3)}


def _cancel_overview(path: Path) -> dict[str, Any]:
    """Seconds from asking to leaving, while a slide of one level is read from end to end."""
    from partwise.api import Cancelled, LocalJob
    from partwise_stain.quality import inspect_slide
    from partwise_stain.readers import load_slide

    late = []
    for after in (0.05, 0.2, 0.5, 1.0):
        pyramid = load_slide(path).pyramid
        assert pyramid is not None
        begun = time.perf_counter()
        job = LocalJob(is_cancelled=lambda: time.perf_counter() > begun + after)  # noqa: B023
        try:
            inspect_slide(pyramid, job)
        except Cancelled:
            late.append(time.perf_counter() - begun - after)
    return {"cancels": len(late), "worst s": round(max(late, default=0), 3)}


def _resume(path: Path) -> dict[str, Any]:
    """Two slides by batch, twice: the second time nothing is done again."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "partwise", "batch", "stain", str(path), "-o", str(out)]
        command += ["-p", "resample=false", "--resume"]
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - began)
    return {"first s": round(seconds[0], 1), "resumed s": round(seconds[1], 1)}


_TASKS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "overview": _overview,
    "draft": _draft,
    "analyse": _analyse,
    "export": _export,
    "cancel": _cancel,
    "cancel overview": _cancel_overview,
    "resume": _resume,
}


def _child(task: str, path: Path) -> None:
    """Do one task and tell what it took over what the libraries and their code hold by then."""
    _TASKS["analyse" if task in ("export", "cancel") else "overview"](_small(path))
    if task in ("analyse", "export", "cancel"):
        _TASKS["analyse"](_small(path))
    gc.collect()
    baseline = _now()
    began, worked = time.perf_counter(), time.process_time()
    told = _TASKS[task](path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    told = {"processor s": round(cpu, 2), **told}
    print(json.dumps({"over MiB": round(_peak() - baseline), "s": round(seconds, 2), **told}))


def _small(path: Path) -> Path:
    return path.with_name("small.svs")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--field", type=Path, help="a slide whose tissue is repeated")
    parser.add_argument("--sides", type=int, nargs="*", default=[50_000, 100_000])
    told = "sides of slides of one level"
    parser.add_argument("--single", type=int, nargs="*", default=[20_000, 50_000], help=told)
    parser.add_argument("--export", type=int, nargs="*", default=[16_384], help="sides")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        _child(asked.child[0], Path(asked.child[1]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder, field = Path(name), _field(asked.field)
        write_giant(folder / "small.svs", field, 2048, tissue=1.0)
        jobs: list[tuple[str, str, Path]] = []
        for side in asked.sides:
            path = folder / f"{side}.svs"
            write_giant(path, field, side, levels=4)
            jobs += [(f"{side:,}²", task, path) for task in ("overview", "analyse", "cancel")]
        for side in asked.single:
            for aperio in (False, True):
                path = folder / f"single-{side}.{'svs' if aperio else 'tif'}"
                write_giant(path, field, side, aperio=aperio)
                title = f"{side:,}², one level, {path.suffix[1:]}"
                jobs += [(title, task, path) for task in ("draft", "overview", "cancel overview")]
        for side in asked.export:
            path = folder / f"exported-{side}.svs"
            write_giant(path, field, side, levels=3)
            jobs.append((f"{side:,}²", "export", path))
        resumed = folder / "resumed.svs"
        write_giant(resumed, field, 4096, levels=2)
        jobs.append(("4,096²", "resume", resumed))
        print(f"{'slide':>24}  {'task':<15} {'over baseline':>13} {'seconds':>8}")
        for title, task, path in jobs:
            command = [sys.executable, __file__, "--child", task, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(f"{title:>24}  {task:<15} failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            told = json.loads(done.stdout.splitlines()[-1])
            over, seconds = told.pop("over MiB"), told.pop("s")
            rest = ", ".join(f"{key} {value:g}" for key, value in told.items())
            print(f"{title:>24}  {task:<15} {over:>9} MiB {seconds:>8.2f}  {rest}", flush=True)


if __name__ == "__main__":
    _main()
