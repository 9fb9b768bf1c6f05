"""``partwise demo``: a sample, run as a person would, with everything left in a folder."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from partwise import params
from partwise.cli.inspect import copy_sample
from partwise.cli.run import run_one, save_project
from partwise.errors import AnalysisProblem
from partwise.plugins.registry import load_registry

__all__ = ["demo"]

_PATIENCE_S = 180


def demo(arguments: argparse.Namespace) -> int:
    """Run a sample; leave its files, a project, the report and a picture of the window."""
    registry = load_registry()
    plugin, sample, _ = registry.sample(arguments.sample)
    folder = Path(arguments.output).resolve()
    path = copy_sample(registry, sample.key, folder)
    kind = registry.analysis(plugin).Params
    values = params.to_json(params.from_json(kind, dict(sample.parameters)))
    _, outcome = run_one(registry, plugin, path, folder, values, seed=0)
    project = folder / f"{sample.key}.partwise"
    save_project([outcome], project)
    _photograph(project, folder / "window.png")
    print(folder)
    return 0


def _photograph(project: Path, picture: Path) -> None:
    """Let the window open the project off screen and save what it shows."""
    if importlib.util.find_spec("partwise_app") is None:
        print("partwise: note: no window is installed, so no window.png", file=sys.stderr)
        return
    command = [sys.executable, "-m", "partwise_app.main", "--screenshot", str(picture)]
    command += ["--size", "1280x800", str(project)]
    picture.unlink(missing_ok=True)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
    except subprocess.TimeoutExpired as error:
        raise AnalysisProblem("the window did not draw itself", fix="try partwise gui") from error
    if done.returncode or not picture.is_file():
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise AnalysisProblem(f"the window could not be drawn ({last})", fix="try partwise gui")
