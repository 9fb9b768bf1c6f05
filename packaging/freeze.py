"""How is Partwise packed for people who have no Python?

    python3 packaging/bootstrap.py freeze [--folder-only]

Makes the folder ``dist/partwise`` with PyInstaller, says whose work is in it (``THIRD_PARTY.txt``),
tries it out in an empty home, and, where ``dpkg-deb`` is, packs it into ``dist/partwise_….deb``,
unpacks that elsewhere and tries it out again. PyInstaller comes from a lock of its own and is put
into ``build/``, so that the environment for work and tests stays as it is.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import compiled
import debian
import licences
from smoke import SmokeProblem, smoke

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build"
DIST = ROOT / "dist"
LOCK = HERE / "requirements-package.lock"
_SPECS = {"win32": HERE / "windows" / "partwise.spec", "darwin": HERE / "macos" / "partwise.spec"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, list, try out, pack; print each step and what was measured."""
    parser = argparse.ArgumentParser(prog="bootstrap.py freeze", description="Pack the program.")
    parser.add_argument("--folder-only", action="store_true", help="make no .deb")
    asked = parser.parse_args(arguments)
    try:
        _say("getting PyInstaller")
        tools = _tools()
        _say("freezing (about a minute)")
        began = time.perf_counter()
        folder = _freeze(tools)
        sources = list(_sources())
        works = licences.third_party(sources)
        (folder / "THIRD_PARTY.txt").write_text(works, "utf-8")
        shutil.copy(ROOT / "LICENSE", folder / "LICENSE.txt")
        _say(f"{folder.relative_to(ROOT)}: {_size(folder)} in {time.perf_counter() - began:.0f} s")
        if sys.platform != "darwin":  # a signed bundle stays as it was signed
            _warm(folder / _program())
        _try_out(folder / _program())
        if not asked.folder_only and shutil.which("dpkg-deb"):
            _package(folder, works)
    except (SmokeProblem, subprocess.SubprocessError, OSError) as problem:
        print(f"partwise: freezing failed: {problem}", file=sys.stderr)
        return 1
    return 0


def _say(text: str) -> None:
    print(f"partwise: {text}", flush=True)


def _program() -> str:
    if sys.platform == "darwin":
        return "Contents/MacOS/partwise"
    return "partwise.exe" if sys.platform == "win32" else "partwise"


def _tools() -> Path:
    """Return the folder that PyInstaller is in, filled from its own lock."""
    key = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    folder = BUILD / f"tools-{key[:12]}"
    stamp = folder / "whole"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        pip += ["--no-input", "--root-user-action=ignore", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--target", str(folder), "-r", str(LOCK)], check=True)
        stamp.touch()
    return folder


def _freeze(tools: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--clean",
        "--log-level",
        "ERROR",
    ]
    command += ["--distpath", str(DIST), "--workpath", str(BUILD)]
    spec = _SPECS.get(sys.platform, HERE / "partwise.spec")
    environment = {**os.environ, "PYTHONPATH": str(tools), "PYTHONHASHSEED": "0"}
    subprocess.run([*command, str(spec)], cwd=BUILD, env=environment, check=True)
    return DIST / ("Partwise.app" if sys.platform == "darwin" else "partwise")


def _warm(program: Path) -> None:
    """Lay the loops beside the libraries, compiled for the processor of this machine."""
    _say("compiling the inner loops")
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        named = ("HOME", "LOCALAPPDATA", "XDG_CACHE_HOME", "PARTWISE_STATE")
        environment = {**os.environ, **dict.fromkeys(named, home)}
        where = [str(program), "-c", "import sys; print(sys._MEIPASS)"]
        libraries = subprocess.run(where, capture_output=True, text=True, check=True).stdout.strip()
        warm = [str(program), "-m", "partwise.jobs.warm"]
        subprocess.run(warm, env=environment, stdout=subprocess.DEVNULL, check=True)
        loops = Path(libraries, compiled.FOLDER)
        shutil.rmtree(loops, ignore_errors=True)
        shutil.copytree(next(Path(home).rglob("compiled")), loops)
    _say(f"the loops: {_size(loops)} in {time.perf_counter() - began:.0f} s")


def _sources() -> Iterator[str]:
    """Yield where the packed files and modules were taken from, by PyInstaller's own tables."""
    for name in ("COLLECT-00.toc", "PYZ-00.toc"):
        tables = ast.literal_eval((BUILD / "partwise" / name).read_text("utf-8"))
        for table in tables:
            if isinstance(table, list):
                yield from (row[1] for row in table if row[1])


def _size(path: Path) -> str:
    files = [path] if path.is_file() else [p for p in path.rglob("*") if not p.is_symlink()]
    return f"{sum(file.stat().st_size for file in files if file.is_file()) / 1e6:.0f} MB"


def _try_out(program: Path) -> None:
    for line in smoke(program):
        _say(line)


def _package(folder: Path, works: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    _say("packing the .deb")
    began = time.perf_counter()
    package = debian.build(folder, version, works, DIST)
    _say(f"{package.relative_to(ROOT)}: {_size(package)} in {time.perf_counter() - began:.0f} s")
    with tempfile.TemporaryDirectory(prefix="partwise prefix ") as prefix:
        subprocess.run(["dpkg", "-x", str(package), prefix], check=True)
        _try_out(Path(prefix, "usr", "bin", "partwise"))


if __name__ == "__main__":
    sys.exit(main())
