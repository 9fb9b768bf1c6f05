"""Does a frozen Partwise work where nothing else of ours is?

    python packaging/smoke.py dist/partwise/partwise

Runs the program in an empty home, in a folder whose name has a space, without any variable of ours,
and looks at what it leaves: the list of plugins, the demo with its picture of the window, a worker
process that runs the sample, the check of the project file. Prints how long it took to start.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SmokeProblem", "smoke"]

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE_S = 600
_CHECKED = "speech"  # the quickest
_PASSED_ON = ("SYSTEMROOT", "WINDIR", "COMSPEC", "TEMP", "TMP")  # Windows cannot do without


class SmokeProblem(Exception):
    """The frozen program does not do what the clone does."""


@dataclass(frozen=True)
class _Program:
    path: Path
    home: Path

    def __call__(self, *words: str) -> str:
        """Run a command that has to succeed; return what it printed."""
        done = self.run(*words)
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise SmokeProblem(f"partwise {' '.join(words)}: exit {done.returncode}\n{said}")
        return done.stdout

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a stranger's desktop would."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "LOCALAPPDATA": str(self.home),
            "PATH": os.defpath,
            "QT_QPA_PLATFORM": "offscreen",
            "LANG": "C.UTF-8",
        }
        return subprocess.run(
            [str(self.path), *words],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=_PATIENCE_S,
        )

    def seconds(self, *words: str) -> float:
        began = time.perf_counter()
        self(*words)
        return time.perf_counter() - began


def smoke(path: Path) -> Iterator[str]:
    """Run the program through its paces and yield what was measured, line by line.

    Raises
    ------
    SmokeProblem
        Something does not work; the message has the program's own words.
    """
    with tempfile.TemporaryDirectory(prefix="partwise smoke ") as folder:
        program = _Program(path.absolute(), Path(folder))
        yield f"answers after {program.seconds('--version'):.2f} s"
        yield from _plugins(program)
        yield from _samples(program)
        yield from _demo(program)
        yield from _window(program)
        strays = {entry.name for entry in Path(folder).iterdir()} - _EXPECTED
        if strays:
            raise SmokeProblem(f"left behind: {', '.join(sorted(strays))}")


_EXPECTED = {
    "demo",
    "samples",
    "window.png",
    "again.png",
    ".cache",
    ".config",
    ".local",
    "Partwise",
    "Library",
}


def _plugins(program: _Program) -> Iterator[str]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = set(table["entry-points"]["partwise.plugins"])
    listed = {line.split()[0] for line in program("plugins", "list").splitlines() if line.strip()}
    if not declared <= listed:
        raise SmokeProblem(f"not in the list of plugins: {', '.join(sorted(declared - listed))}")
    for name in sorted(declared):
        if "-p " not in program("plugins", "list", name):
            raise SmokeProblem(f"plugin {name} lists no parameters")
    # Each plugin's own contract is tested where it is written; that the kit works is tested here.
    broken = program.run("plugins", "check", _CHECKED).stdout.splitlines()
    # How soon a run cancels is a matter of how busy the machine is.
    broken = [line for line in broken if line.startswith(" ") and "cancels" not in line]
    if broken:
        raise SmokeProblem("\n".join([f"plugin {_CHECKED}:", *broken]))
    yield f"plugins {', '.join(sorted(declared))}: listed, and {_CHECKED} keeps its contract"


def _samples(program: _Program) -> Iterator[str]:
    """Run every sample that the program lists, with the plugin that it belongs to."""
    done = []
    for line in program("samples", "list").splitlines():
        key = line.split()[0]
        place = program("samples", "get", key, "-o", "samples").strip()
        plugin = key.partition("-")[0]
        out = program.home / "samples" / key
        program("run", plugin, place, "-o", str(out))
        if not (out / "result.json").is_file():
            raise SmokeProblem(f"the sample {key} left no result")
        done.append(key)
    if not done:
        raise SmokeProblem("there are no samples")
    yield f"samples {', '.join(done)}: read and run"


def _demo(program: _Program) -> Iterator[str]:
    took = program.seconds("demo", "-o", "demo")
    folder = program.home / "demo"
    for name in (
        "result.json",
        "report.html",
        "report.pdf",
        "concentrations.ome.tif",
        "window.png",
    ):
        if not (folder / name).is_file():
            raise SmokeProblem(f"the demo left no {name}")
    parts = len(json.loads((folder / "result.json").read_text("utf-8"))["parts"])
    _is_picture(folder / "window.png")
    (project,) = folder.glob("*.partwise")
    program("verify", str(project))
    yield f"the demo: {parts} parts, files, a sound project and a picture in {took:.1f} s"


def _window(program: _Program) -> Iterator[str]:
    for name, said in (("window.png", "first"), ("again.png", "second")):
        took = program.seconds("gui", "--demo", "--screenshot", name)
        _is_picture(program.home / name)
        yield f"{said} window with the sample run by its worker: {took:.1f} s"


def _is_picture(path: Path) -> None:
    data = path.read_bytes()
    # A window that drew nothing is one colour, and packs to next to nothing.
    if not data.startswith(b"\x89PNG") or len(data) < 50_000:
        raise SmokeProblem(f"{path.name} shows nothing ({len(data)} bytes)")


def main(arguments: Sequence[str]) -> int:
    """Run the smoke test on the program named."""
    try:
        for line in smoke(Path(arguments[0])):
            print(f"smoke: {line}", flush=True)
    except (SmokeProblem, subprocess.TimeoutExpired) as problem:
        print(f"smoke: FAILED: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
