"""Does a plugin from outside the tree install, run, and harm nothing when it is broken?"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from partwise.plugins import trial

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "tests/fixtures/example_plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example into a folder of its own, as an author would, without a network."""
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "partwise-spectra")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "--disable-pip-version-check", "--target", str(target)]
    done = subprocess.run(
        [*command, str(source)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return target


def _partwise(
    site: Path, state: Path, *words: str, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PARTWISE_STATE": str(state)}
    return subprocess.run(
        [sys.executable, "-m", "partwise", *words],
        env=environment, capture_output=True, text=True, check=False, timeout=timeout,
    )  # fmt: skip


def test_the_page_for_authors_shows_the_files_as_they_are() -> None:
    page = (ROOT / "docs/plugins.md").read_text("utf-8")
    shown = dict(re.findall(r"```(?:python|toml)\n# (\S+)\n(.*?)```", page, re.DOTALL))
    files = {"spectra/plugin.py", "spectra/work.py", "spectra/panel.py", "pyproject.toml"}
    assert set(shown) == files
    for name, text in shown.items():
        assert text == (EXAMPLE / name).read_text("utf-8"), name


def test_it_is_found_and_runs_from_the_command_line(installed: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    listed = _partwise(installed, state, "plugins")
    assert "Takes a table of spectra apart" in listed.stdout
    got = _partwise(installed, state, "samples", "get", "mixtures", "-o", str(tmp_path))
    table = Path(got.stdout.strip())
    out = tmp_path / "out"
    words = ["run", "spectra", str(table), "-o", str(out), "-p", "rank=2"]
    done = _partwise(installed, state, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "result.json").read_text("utf-8"))
    assert told["plugin"] == {"id": "spectra", "version": "1.0.0"}
    assert told["fit"]["explained"] > 0.999
    found = np.loadtxt(out / "spectra.csv", delimiter=",", skiprows=1)
    waves = np.arange(400.0, 700.0, 10.0)
    assert sorted(waves[found.argmax(axis=0)]) == [470.0, 600.0]
    assert "Pure spectra" in (out / "report.html").read_text("utf-8")


def test_its_own_test_passes_with_the_fixture_that_partwise_brings(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copy(EXAMPLE / "tests/test_spectra.py", tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    environment["PARTWISE_STATE"] = str(tmp_path / "state")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr


_BROKEN = {
    "raises": "raise RuntimeError('no good')",
    "exits": "import sys; sys.exit(3)",
    "dies": "import os; os._exit(7)",
}


def _site(folder: Path, code: str) -> Path:
    """Make a folder as pip leaves it, with a plugin whose module holds `code`."""
    (folder / "broken_plugin.py").write_text(code + "\n")
    about = folder / "broken_plugin-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[partwise.plugins]\nbroken = broken_plugin:PLUGIN\n")
    return folder


@pytest.mark.parametrize("how", _BROKEN)
def test_a_plugin_that_fails_at_import_harms_nobody_else(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_PLUGIN_SECONDS", "60")  # however busy the machine is
    site = _site(tmp_path, _BROKEN[how])
    state = tmp_path / "state"
    first = _partwise(site, state, "plugins")
    assert first.returncode == 0, first.stderr
    assert "matrix" in first.stdout
    (card,) = re.findall(r"^broken +refused: (.*)", first.stdout, re.MULTILINE)
    if how == "dies":
        assert "ended the whole process while it was loaded (code 7)" in card


def test_a_plugin_that_loops_at_import_is_ended_in_time_and_tried_again_once_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = _site(tmp_path, "open('begun', 'a').write('x')\nwhile True: pass")
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    (point,) = importlib.metadata.distribution("broken-plugin").entry_points
    begun = tmp_path / "begun"
    assert "within 1 s" in trial.tried(point, limit_s=1.0)
    once = begun.read_text() if begun.exists() else ""  # a busy machine may not come so far
    assert "within 1 s" in trial.tried(point, limit_s=60.0)  # known: nothing is tried again
    assert (begun.read_text() if begun.exists() else "") == once
    (site / "broken_plugin.py").write_text("PLUGIN = None\n")
    assert trial.tried(point, limit_s=120.0) == ""
    (site / "state/plugins-tried.json").write_text("[spoilt")
    assert trial.tried(point, limit_s=120.0) == ""


def test_what_a_record_names_is_tried_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = "Plugin('broken', 'B', '1', '>=1,<2', 'B.', (), ('broken_deep:Analysis',))"
    site = _site(tmp_path, f"from partwise.api import Plugin\nPLUGIN = {record}")
    (site / "broken_deep.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(str(site))
    (point,) = importlib.metadata.distribution("broken-plugin").entry_points
    assert "ended the whole process" in trial.tried(point, limit_s=60.0)


def test_a_looping_plugin_is_a_card_and_the_rest_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_PLUGIN_SECONDS", "0.5")
    site = _site(tmp_path, "while True: pass")
    state = tmp_path / "state"
    listed = _partwise(site, state, "plugins")
    assert listed.returncode == 0, listed.stderr
    assert re.search(r"^broken +refused: it did not come to an end", listed.stdout, re.MULTILINE)
    assert "matrix" in listed.stdout
