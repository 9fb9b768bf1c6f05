"""Do the plugins that come with Partwise keep the contract?"""

from __future__ import annotations

from pathlib import Path

import pytest

from partwise.plugins.registry import load_registry
from partwise.testing.contract import check_plugin


def test_every_built_in_plugin_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path))
    registry = load_registry(safe_mode=True)
    assert "stain" in registry.plugins
    assert {
        plugin: check_plugin(registry.get(plugin), registry) for plugin in registry.plugins
    } == {plugin: [] for plugin in registry.plugins}
