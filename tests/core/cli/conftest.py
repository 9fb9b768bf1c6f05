"""The pebble sorter stands in for the plugins in every test of the command line."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.fixtures import pebble

from partwise.cli import batch, demo, inspect, run


@pytest.fixture(autouse=True)
def _pebbles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    for module in (run, inspect, demo, batch):
        monkeypatch.setattr(module, "load_registry", pebble.registry)
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: before)
