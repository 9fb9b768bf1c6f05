"""The plugin in the documentation for authors works as it is printed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from partwise.api import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.plugins.registry import Registry, resolve

# To the letter what the page shows (tests/core/plugins/test_example_plugin.py).
EXAMPLE = Path(__file__).resolve().parents[1] / "fixtures/example_plugin"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(EXAMPLE)
    return Registry([resolve("spectra.plugin:PLUGIN")])


def test_the_printed_plugin_reads_separates_and_writes(registry: Registry, tmp_path: Path) -> None:
    waves = np.arange(400.0, 700.0, 5.0)
    pure = np.exp(-(((waves[:, None] - [450.0, 620.0]) / 30.0) ** 2))
    mixed = pure @ np.random.default_rng(5).uniform(0, 1, (2, 40))
    table = tmp_path / "spectra.csv"
    names = "wavelength," + ",".join(f"s{k}" for k in range(40))
    np.savetxt(table, np.column_stack([waves, mixed]), delimiter=",", header=names, comments="")

    plugin, dataset = registry.open(table)
    first = perform(Request(plugin.id, "", dataset, {"rank": 2}), LocalJob(), registry)
    again = perform(Request(plugin.id, "", dataset, {"rank": 2}), LocalJob(), registry)
    found = np.stack([part.profile for part in first.parts], axis=1)
    cosine = (found / np.linalg.norm(found, axis=0)).T @ (pure / np.linalg.norm(pure, axis=0))
    assert sorted(cosine.argmax(axis=1)) == [0, 1]
    assert cosine.max(axis=1).min() > 0.99
    assert first.fit.explained > 0.999
    for one, other in zip(first.parts, again.parts, strict=True):
        assert one.profile.tobytes() == other.profile.tobytes()

    request = Request(plugin.id, "", dataset, {"rank": 2}, kept=first.parts[:1])
    locked = perform(request, LocalJob(), registry)
    assert locked.parts[0] is first.parts[0]

    stood = Request(plugin.id, "", dataset, {"rank": 2}, start=first.parts)
    gone_on = perform(stood, LocalJob(), registry)
    assert gone_on.fit.iterations < first.fit.iterations
    assert [part.key for part in gone_on.parts] == [part.key for part in first.parts]

    out = tmp_path / "out.csv"
    resolve(plugin.exporters[0].write)(dataset, first, out, LocalJob(), None)
    assert np.allclose(np.loadtxt(out, delimiter=",", skiprows=1), found)
