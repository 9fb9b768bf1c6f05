"""The core and every plugin work where there is no Qt at all."""

from __future__ import annotations

import subprocess
import sys

_WITHOUT_QT = """
import importlib, importlib.metadata, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"PySide6", "shiboken6", "pyqtgraph", "partwise_app"}:
            raise ImportError(f"{name} asked for where there is no window")

sys.meta_path.insert(0, Refuse())

def resolve(dotted):
    module, _, attribute = dotted.partition(":")
    value = importlib.import_module(module)
    for part in attribute.split("."):
        value = getattr(value, part)
    return value

"""

_PLUGINS = """
ours = [
    entry
    for entry in importlib.metadata.entry_points(group="partwise.plugins")
    if entry.dist.name == "partwise"
]
assert ours, "no plugin found"
plugins = [entry.load() for entry in ours]
heavy = {"numba", "scipy", "skimage", "tifffile", "openslide"} & set(sys.modules)
assert not heavy, f"the records of plugins load {heavy}"
for plugin in plugins:
    names = list(plugin.analyses)
    for reader in plugin.readers:
        names += [reader.probe, reader.load]
    for exporter in plugin.exporters:
        names += [exporter.write] + ([exporter.applies] if exporter.applies else [])
    names += [sample.path for sample in plugin.samples]
    names += [plugin.section.migrate] if plugin.section else []
    for name in names:
        assert callable(resolve(name)), name
"""

_CORE = """
import pkgutil, partwise
for module in pkgutil.walk_packages(partwise.__path__, "partwise."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
import partwise.api
for name in partwise.api.__all__:
    getattr(partwise.api, name)
for name in partwise.__all__:
    getattr(partwise, name)
"""

_LIGHT = """
import partwise, partwise.api
heavy = {"numpy", "numba", "scipy", "skimage", "tifffile"} & set(sys.modules)
assert not heavy, f"import partwise loads {heavy}"
"""


def _run(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WITHOUT_QT + script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_module_of_the_core_and_every_promised_name_loads_without_qt() -> None:
    _run(_CORE)


def test_every_plugin_apart_from_its_panel_loads_without_qt_and_its_record_is_light() -> None:
    _run(_PLUGINS)


def test_importing_partwise_is_light() -> None:
    _run(_LIGHT)
