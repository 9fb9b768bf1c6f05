"""Samples as a person gets them: copied away, they are read as they were in their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from partwise.cli.inspect import copy_sample
from partwise.plugins.registry import load_registry

_KEYS = sorted(
    sample.key for plugin in load_registry().plugins.values() for sample in plugin.samples
)


@pytest.mark.parametrize("key", _KEYS)
def test_a_copied_sample_is_read_as_in_its_place(key: str, tmp_path: Path) -> None:
    registry = load_registry()
    plugin, _, path = registry.sample(key)
    copied = copy_sample(registry, key, tmp_path / "mine")
    here, there = registry.open(path, plugin.id)[1], registry.open(copied, plugin.id)[1]
    assert registry.open(copied)[0].id == plugin.id
    assert (there.kind, there.axes) == (here.kind, here.axes)
    assert dict(there.meta) == dict(here.meta)
