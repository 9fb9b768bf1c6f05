"""Does the kit pass a good plugin, and find what is wrong with a bad one?"""

from __future__ import annotations

import dataclasses
import importlib
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.fixtures import pebble

from partwise.api import param
from partwise.errors import UsageProblem
from partwise.plugins.contract import Reader
from partwise.plugins.registry import Registry
from partwise.testing import contract
from partwise.testing.template import write_plugin

HERE = "tests.core.plugins.test_contract_kit"


@dataclasses.dataclass(frozen=True)
class Careless:
    size: int = param(-1, ge=0, help="No full stop")


class CarelessAnalysis(pebble.Analysis):
    Params: ClassVar[type] = Careless


def too_sure(path: Path) -> float:
    return 2.0


def raises(path: Path) -> float:
    raise OSError


class Fickle(pebble.Analysis):
    id: ClassVar[str] = "sort"
    runs: ClassVar[int] = 0

    def run(self, dataset: Any, params: Any, job: Any) -> Any:
        result = super().run(dataset, params, job)
        Fickle.runs += 1
        return dataclasses.replace(result, facts={"run": Fickle.runs})


def test_a_good_plugin_has_no_findings() -> None:
    assert contract.check_plugin(pebble.PLUGIN) == []


def test_careless_parameters_are_found() -> None:
    plugin = dataclasses.replace(pebble.PLUGIN, analyses=(f"{HERE}:CarelessAnalysis",), samples=())
    assert {f.rule for f in contract.check_parameters(plugin, Registry([plugin]))} == {
        "a parameter has one sentence of help",
        "a number has a range",
        "a default is allowed",
    }


@pytest.mark.parametrize("name", ["too_sure", "raises"])
def test_probes_that_break_the_rule_are_found(name: str) -> None:
    reader = Reader("Bad", ("*.txt",), f"{HERE}:{name}", f"{HERE}:{name}")
    plugin = dataclasses.replace(pebble.PLUGIN, readers=(reader,))
    assert {f.rule for f in contract.check_probes(plugin)} == {
        "a probe answers 0 to 1 and never raises"
    }


def test_an_analysis_that_changes_its_mind_is_found() -> None:
    plugin = dataclasses.replace(pebble.PLUGIN, analyses=(f"{HERE}:Fickle",))
    assert "the same seed gives the same bytes" in {
        f.rule for f in contract.check_samples(plugin, Registry([plugin]))
    }


def test_a_plugin_that_imports_qt_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qtish.py").write_text("import PySide6\ndef probe(path): return 0.0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    reader = Reader("Q", ("*.q",), "qtish:probe", "qtish:probe")
    plugin = dataclasses.replace(pebble.PLUGIN, readers=(reader,))
    assert [f.rule for f in contract.check_imports(plugin)] == ["imports without Qt"]


def test_a_new_plugin_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_plugin("grain", tmp_path)
    monkeypatch.syspath_prepend(str(folder))
    plugin = importlib.import_module("partwise_grain.plugin").PLUGIN
    assert contract.check_plugin(plugin) == []
    for name in [n for n in sys.modules if n.startswith("partwise_grain")]:
        del sys.modules[name]


@pytest.mark.parametrize("taken", ["emg", "app"])
def test_a_new_plugin_takes_no_name_of_another(taken: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="installed"):
        write_plugin(taken, tmp_path)
    assert not list(tmp_path.iterdir())
