"""Are plugins found, broken ones refused with a reason, and files recognised?"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.fixtures import pebble

from partwise.errors import AnalysisProblem, FileProblem, UsageProblem
from partwise.job import LocalJob
from partwise.jobs import warm
from partwise.jobs.perform import Request, perform
from partwise.plugins import registry as r
from partwise.plugins import safety
from partwise.plugins.contract import Reader

WRONG = dataclasses.replace(pebble.PLUGIN, id="old", api=">=2,<3")
SHOUTING = dataclasses.replace(pebble.PLUGIN, id="No Id")


def fails() -> None:
    raise AssertionError


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))


def _offer(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    points = [importlib.metadata.EntryPoint(n, v, r.GROUP) for n, v in values.items()]

    def entry_points(*, group: str) -> Iterable[importlib.metadata.EntryPoint]:
        return [p for p in points if p.group == group]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_a_broken_plugin_becomes_a_card_and_the_rest_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = "tests.core.plugins.test_registry"
    _offer(
        monkeypatch,
        {
            "pebble": "tests.fixtures.pebble:PLUGIN",
            "twin": "tests.fixtures.pebble:PLUGIN",
            "gone": "no_such_module:PLUGIN",
            "hollow": "tests.fixtures.pebble:nothing",
            "wrong": f"{here}:WRONG",
            "shouting": f"{here}:SHOUTING",
            "function": f"{here}:fails",
        },
    )
    found = r.load_registry()
    assert list(found.plugins) == ["pebble"]
    reasons = {card.name: card.reason for card in found.refused}
    assert "no_such_module" in reasons["gone"]
    assert "nothing" in reasons["hollow"]
    assert ">=2,<3" in reasons["wrong"]
    assert "No Id" in reasons["shouting"]
    assert "not a Plugin record" in reasons["function"]
    assert "already" in reasons["Pebble sorter"]


def test_safe_mode_takes_no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, {"pebble": "tests.fixtures.pebble:PLUGIN"})
    found = r.load_registry(safe_mode=True)
    assert not found.plugins
    assert "safe mode" in found.refused[0].reason


def test_a_plugin_that_crashed_the_last_start_is_skipped_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _offer(monkeypatch, {"pebble": "tests.fixtures.pebble:PLUGIN"})
    code = (
        "import os\nfrom partwise.plugins.safety import loading\n"
        "with loading('pebble'):\n    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, env=os.environ.copy())
    assert not r.load_registry().plugins
    assert "pebble" in r.load_registry().plugins
    assert list((tmp_path / "state").glob("loading-*")) == []


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [(">=1,<2", True), (">=1.0", True), (">=1.1", False), ("<1", False), ("==1.0", True),
     ("", False), ("1", False), (">=1,!=1.0", False)],
)  # fmt: skip
def test_the_interface_version_is_compared_number_by_number(
    wanted: str, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = dataclasses.replace(pebble.PLUGIN, api=wanted)
    monkeypatch.setattr(pebble, "PLUGIN", record)
    _offer(monkeypatch, {"pebble": "tests.fixtures.pebble:PLUGIN"})
    assert bool(r.load_registry().plugins) is fits


def test_unknown_names_list_the_known_ones() -> None:
    found = pebble.registry()
    with pytest.raises(UsageProblem, match="known: pebble"):
        found.get("peble")
    with pytest.raises(UsageProblem, match="known: sort"):
        found.analysis("pebble", "short")
    with pytest.raises(UsageProblem, match="known: pebbles"):
        found.sample("x")
    assert found.analysis("pebble").id == "sort"
    assert found.sample("pebbles")[2].is_file()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("no", None, "no such file"), ("empty", b"", "empty"), ("other", b"stones", "no kind")],
)
def test_what_nobody_reads_is_refused_by_name(
    name: str, content: bytes | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileProblem, match=words) as caught:
        pebble.registry().recognise(path)
    assert caught.value.path == path
    with pytest.raises(FileProblem):
        pebble.registry().open(path, "pebble")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="folder"):
        pebble.registry().open(tmp_path)


def test_the_surest_reader_wins_and_a_probe_that_raises_counts_for_nothing() -> None:
    here = "tests.core.plugins.test_registry"
    weak = dataclasses.replace(
        pebble.PLUGIN,
        id="aweak",
        readers=(
            Reader("Weak", ("*.txt",), f"{here}:half", f"{here}:fails"),
            Reader("Mad", ("*.txt",), f"{here}:fails", f"{here}:fails"),
        ),
    )
    found = r.Registry([weak, pebble.PLUGIN])
    assert [(p.id, k.title) for _, p, k in found.recognise(pebble.sample())] == [
        ("pebble", "Pebbles"),
        ("aweak", "Weak"),
    ]
    assert found.open(pebble.sample())[0].id == "pebble"


def test_a_plugin_that_tries_to_end_the_program_is_answered_in_words(tmp_path: Path) -> None:
    here = "tests.core.plugins.test_registry"
    leaving = Reader("Leaving", ("*.txt",), f"{here}:leave", f"{here}:leave")
    half_there = Reader("Half", ("*.txt",), f"{here}:half", f"{here}:leave")
    record = dataclasses.replace(
        pebble.PLUGIN, id="aleave", readers=(leaving, half_there), analyses=(f"{here}:Leaving",)
    )
    found = r.Registry([record, pebble.PLUGIN], strangers=["aleave", "gone"])
    assert found.strangers == {"aleave"}
    assert found.open(pebble.sample())[0].id == "pebble"
    with pytest.raises(FileProblem, match="SystemExit"):
        found.open(pebble.sample(), "aleave")
    request = Request("aleave", "", pebble.load(pebble.sample()))
    with pytest.raises(AnalysisProblem, match="SystemExit"):
        perform(request, LocalJob(), found)
    # A stranger waits until it is asked for: this one would end the process.
    trusted = r.Registry([record, pebble.PLUGIN])
    assert len(warm.steps(found)) == len(warm.steps(r.Registry([pebble.PLUGIN])))
    assert len(warm.steps(trusted)) == len(warm.steps(found)) + 1


def leave(path: Path) -> float:
    raise SystemExit(0)


class Leaving(pebble.Analysis):
    id: ClassVar[str] = "leave"

    def warm_up(self) -> None:
        raise SystemExit(0)

    def run(self, dataset: Any, params: Any, job: Any) -> Any:
        raise SystemExit(0)


def half(path: Path) -> float:
    return 0.5


def test_a_reader_that_fails_names_the_file(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("pebbles\nx")
    with pytest.raises(FileProblem, match="no number") as caught:
        pebble.registry().open(bad)
    assert caught.value.path == bad


def test_a_crash_note_that_cannot_be_read_is_nobodys(tmp_path: Path) -> None:
    note = tmp_path / "state"
    note.mkdir()
    (note / "loading-5.json").write_text("{not json")
    (note / "loading-6.json").write_text(json.dumps({"plugin": 3}))
    assert safety.left_over() == frozenset()
