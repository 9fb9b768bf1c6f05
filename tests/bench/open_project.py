"""How long does a large project take to open, to save and to verify?

    python tests/bench/open_project.py [--megabytes 100] [--trials 5]

The project holds 20 runs of 4 parts with a profile and a course each. Opening reads and hashes
every array that is used; the best of the trials is free of what else the machine did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from partwise.data.fingerprint import InputFile
from partwise.project.document import Run, Source, State
from partwise.project.store import load, save, verify
from partwise.result import Fit, Part, Residual, Result


def project(megabytes: float, runs: int = 20, parts: int = 4) -> State:
    """Return a project of about that size."""
    rng = np.random.default_rng(0)
    length = int(megabytes * 1e6 / 8 / runs / parts)
    made = []
    for number in range(runs):
        found = tuple(
            Part(f"p{k}", f"Part {k}", "#336699", rng.random(200), course=rng.random(length))
            for k in range(parts)
        )
        trace = tuple(float(v) for v in np.sort(rng.random(500))[::-1])
        fit = Fit("frobenius", 0.0, 0.9, 500, "converged", 0.0, trace)
        made.append(
            Run(f"run-{number}", "s", "none", "a", "R", Result(found, Residual(0.1), fit), ())
        )
    return State(
        sources=(Source("s", "none", "S", InputFile("/nowhere", 1, 1, "")),), runs=tuple(made)
    )


def main() -> int:
    """Print the table; leaves with 1 where 100 MB take a second or more to open."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=float, default=100)
    options.add_argument("--trials", type=int, default=5)
    asked = options.parse_args()
    state = project(asked.megabytes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.partwise"
        saved = _best(lambda: save(state, path), asked.trials)
        opened = _best(lambda: load(path), asked.trials)
        checked = _best(lambda: verify(path), asked.trials)
        size = path.stat().st_size / 1e6
    for name, seconds in (("save", saved), ("open", opened), ("verify", checked)):
        print(f"{name:8}{1000 * seconds:8.0f} ms  of {size:.1f} MB, best of {asked.trials}")
    return 0 if opened < max(1.0, size / 100) else 1


def _best(work: Callable[[], object], trials: int) -> float:
    times = []
    for _ in range(trials):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
