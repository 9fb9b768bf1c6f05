"""Do the plugins that come with Partwise keep the contract?"""

from __future__ import annotations

from pathlib import Path

import pytest

from partwise.plugins.registry import load_registry
from partwise.testing.contract import check_plugin

_BUILT_IN = ("emg", "matrix", "pet", "speech", "stain")


@pytest.mark.parametrize("name", _BUILT_IN)
def test_a_built_in_plugin_keeps_the_contract(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path))
    registry = load_registry(safe_mode=True)
    assert tuple(registry.plugins) == _BUILT_IN
    assert check_plugin(registry.get(name), registry) == []
