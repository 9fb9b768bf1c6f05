"""How many projects are whole after ``kill -9`` during continuous saving?

    python tests/bench/save_kill.py [--kills 20] [--megabytes 20]

Each time a process saves two projects of different generations in turn, is killed at a random
moment, and the file is verified and its generation checked for being of one piece. Leaves with
1 if any file was not whole.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from partwise.data.fingerprint import InputFile
from partwise.errors import FileProblem
from partwise.project.document import Choices, Run, Source, State
from partwise.project.store import load, save, verify
from partwise.result import Fit, Part, Residual, Result


def project(generation: int, megabytes: float) -> State:
    """Return a project whose notes and arrays tell the generation."""
    size = int(megabytes * 1e6 / 8 / 4)
    rng = np.random.default_rng(generation)
    parts = tuple(
        Part(f"p{k}", "P", "#000000", np.array([float(generation)]), course=rng.random(size))
        for k in range(4)
    )
    result = Result(parts, Residual(0.0), Fit("frobenius", 0.0, 1.0, 1, "converged", 0.0))
    file = InputFile("/nowhere", 1, 1, "")
    return State(
        sources=(Source("s", "none", "S", file),),
        runs=(Run("run-1", "s", "none", "a", "R", result, ()),),
        choices=Choices(notes=str(generation)),
    )


def saver(path: Path, megabytes: float) -> None:
    """Save generation after generation until killed."""
    states = [project(generation, megabytes) for generation in (1, 2)]
    print("go", flush=True)
    number = 0
    while True:
        number += 1
        save(dataclasses.replace(states[number % 2], unknown={"save": number}), path)
        print(number, flush=True)


def of_one_piece(path: Path) -> bool:
    """Whether notes and arrays are of the same generation."""
    state = load(path).state
    part = state.runs[0].result.parts[0]
    generation = int(part.profile[0])
    assert part.course is not None
    expected = np.random.default_rng(generation).random(part.course.size)
    return state.choices.notes == str(generation) and np.array_equal(part.course, expected)


def main() -> int:
    """Print the count of whole files."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--megabytes", type=float, default=20)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--saver", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.saver:
        saver(asked.saver, asked.megabytes)
    rng = random.Random(asked.seed)
    whole = mixed = unreadable = saves = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.partwise"
        start = time.perf_counter()
        save(project(1, asked.megabytes), path)
        print(
            f"one save of {path.stat().st_size / 1e6:.1f} MB: "
            f"{1000 * (time.perf_counter() - start):.0f} ms"
        )
        for _ in range(asked.kills):
            command = [sys.executable, __file__, "--saver", str(path)]
            command += ["--megabytes", str(asked.megabytes)]
            child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0.05, 1.0))
            child.kill()
            saves += len(child.stdout.read().split())
            child.wait()
            try:
                if verify(path):
                    unreadable += 1
                elif of_one_piece(path):
                    whole += 1
                else:
                    mixed += 1
            except FileProblem:
                unreadable += 1
    print(
        f"{asked.kills} kills during {saves} saves: "
        f"{whole} whole, {mixed} mixed generations, {unreadable} unreadable"
    )
    return 0 if whole == asked.kills else 1


if __name__ == "__main__":
    sys.exit(main())
