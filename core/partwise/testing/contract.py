"""Does a plugin keep the contract? The rules, each checked on the plugin itself."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from partwise import params
from partwise.data.dataset import Dataset
from partwise.errors import Cancelled, InputProblem, PartwiseProblem
from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry, resolve
from partwise.plugins.sections import read_section, section_name
from partwise.project.document import Document, Source
from partwise.project.store import load, save
from partwise.result import Result, ViewKind

__all__ = [
    "Finding",
    "check_imports",
    "check_parameters",
    "check_plugin",
    "check_probes",
    "check_samples",
    "check_section",
    "digest",
]

_CANCEL_WITHIN_S = 1.0
# What a child runs: it looks where we look, also for a plugin that is not installed.
_IMPORT_WITHOUT_QT = """
import importlib, sys
sys.path[:] = {path!r}
class NoQt:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "shiboken6", "PyQt6", "PyQt5", "pyqtgraph"):
            raise ImportError(name + " is Qt")
sys.meta_path.insert(0, NoQt())
for name in {modules!r}:
    importlib.import_module(name)
"""
_JUNK = {
    "nothing": b"",
    "a-byte": b"\0",
    "zeros": bytes(70_000),
    "text": b"time\tleft\n0.1\t2\n" * 50,
    "half-a-png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "half-a-tiff": b"II*\0\xff\xff\xff\xff",
    "half-a-zip": b"PK\3\4" + bytes(100),
    "json": b'{"a": [1, 2, {"b": null}]}',
    "not-text": bytes(range(256)) * 300,
}


@dataclass(frozen=True)
class Finding:
    """A rule that is broken, and how."""

    rule: str
    what: str


def check_plugin(plugin: Plugin, registry: Registry | None = None) -> list[Finding]:
    """Check all rules; an empty list means that the contract is kept."""
    registry = registry or Registry([plugin])
    with ThreadPoolExecutor(1) as beside:  # a process of its own, and most of its time is reading
        imports = beside.submit(check_imports, plugin)
        checks = (
            check_parameters(plugin, registry),
            check_probes(plugin),
            check_section(plugin),
            check_samples(plugin, registry),
        )
        return [*imports.result(), *(finding for check in checks for finding in check)]


def check_imports(plugin: Plugin) -> list[Finding]:
    """All but the panel imports where Qt cannot be imported."""
    dotted = [*plugin.analyses, *(s.path for s in plugin.samples)]
    dotted += [name for reader in plugin.readers for name in (reader.probe, reader.load)]
    dotted += [n for e in plugin.exporters for n in (e.write, e.applies) if n]
    dotted += [plugin.section.migrate] if plugin.section else []
    dotted += [plugin.cohort] if plugin.cohort else []
    modules = sorted({name.partition(":")[0] for name in dotted})
    code = _IMPORT_WITHOUT_QT.format(path=sys.path, modules=modules)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["?"])[-1]
        return [Finding("imports without Qt", last)]
    return []


def check_parameters(plugin: Plugin, registry: Registry) -> list[Finding]:
    """Each parameter has help and a range or choices; all survive JSON."""
    return [
        finding
        for name in plugin.analyses
        for finding in _parameters_of(registry.analysis(plugin, resolve(name).id))
    ]


def check_probes(plugin: Plugin) -> list[Finding]:
    """A probe answers 0 to 1 to any file, and never raises."""
    with tempfile.TemporaryDirectory() as folder:
        return list(_probe_junk(plugin, Path(folder)))


def check_samples(plugin: Plugin, registry: Registry) -> list[Finding]:
    """Each sample loads, runs, gives the same bytes again, is saved, and cancels in a second.

    That an analysis goes on from parts is tried on the first: it does not hang on the input.
    """
    found: list[Finding] = []
    for sample in plugin.samples:
        try:
            path = Path(resolve(sample.path)())
            _, dataset = registry.open(path, plugin.id)
            request = Request(plugin.id, "", dataset, dict(sample.parameters))
            result = perform(request, LocalJob(), registry)
            found += _run_sample(plugin, registry, request, result, sample.key)
            if sample is plugin.samples[0]:
                found += _goes_on(request, result, registry, sample.key)
        except (PartwiseProblem, ValueError, OSError, ImportError) as error:
            found.append(Finding("a sample loads and runs", f"{sample.key}: {error}"))
    return found


def check_section(plugin: Plugin) -> list[Finding]:
    """What any older version kept is brought up to date, and what nobody knows survives."""
    section = plugin.section
    if section is None:
        return []
    found = []
    for version in range(1, section.version):
        kept = {"version": version, "unheard of": [1, {"deep": True}]}
        try:
            now = read_section(plugin, {section_name(plugin): kept})
        except PartwiseProblem as problem:
            found.append(Finding("a section migrates from every version", str(problem)))
            continue
        if now.get("unheard of") != kept["unheard of"]:
            found.append(Finding("unknown keys of a section survive", f"version {version}"))
    return found


def digest(result: Result) -> str:
    """Return a hash over all numbers and words of a result, without when and how long."""
    state = hashlib.sha256()
    for piece in _pieces(result):
        state.update(piece)
    return state.hexdigest()


def _parameters_of(analysis: Any) -> Iterator[Finding]:
    try:
        found = params.specs(analysis.Params)
    except (TypeError, KeyError, NameError) as error:
        yield Finding("parameters are declared by param()", f"{analysis.id}: {error!r}")
        return
    sound = True
    names = {spec.name for spec in found}
    for spec in found:
        if not names.issuperset(name for name, _ in spec.goes_with):
            yield Finding(
                "a parameter goes with others of the analysis", f"{spec.name}: {spec.only}"
            )
        if not spec.help.endswith("."):
            yield Finding("a parameter has one sentence of help", spec.name)
        number = spec.type in (int, float)
        if number and (spec.low is None or spec.high is None) and not spec.choices:
            yield Finding("a number has a range", spec.name)
        try:
            spec.validate(spec.default)
        except PartwiseProblem as problem:
            sound = False
            yield Finding("a default is allowed", str(problem))
    if not sound:
        return
    values = params.to_json(analysis.Params())
    if params.from_json(analysis.Params, json.loads(json.dumps(values))) != analysis.Params():
        yield Finding("parameters survive JSON", analysis.id)


def _probe_junk(plugin: Plugin, folder: Path) -> Iterator[Finding]:
    rule = "a probe answers 0 to 1 and never raises"
    suffixes = {Path(p).suffix for reader in plugin.readers for p in reader.patterns}
    for name, data in _JUNK.items():
        for suffix in sorted(suffixes):
            path = folder / f"{name}{suffix}"
            path.write_bytes(data)
            for reader in plugin.readers:
                try:
                    chance = resolve(reader.probe)(path)
                except Exception as error:  # noqa: BLE001 - that it raises is the finding
                    yield Finding(rule, f"{reader.title} raised {error!r} on {path.name}")
                    continue
                if not (isinstance(chance, int | float) and 0 <= chance <= 1):
                    yield Finding(rule, f"{reader.title} said {chance!r} to {path.name}")


def _run_sample(
    plugin: Plugin, registry: Registry, request: Request, result: Result, key: str
) -> Iterator[Finding]:
    if digest(perform(request, LocalJob(), registry)) != digest(result):
        yield Finding("the same seed gives the same bytes", key)
    if len({part.key for part in result.parts}) != len(result.parts) or not result.parts:
        yield Finding("each part has a key of its own", key)
    if request.dataset.source is not None:
        yield from _saves(plugin, request.dataset, result, key)
    yield from _looks_ahead(plugin, registry, request, key)
    seconds = _seconds_to_cancel(request, registry)
    if seconds > _CANCEL_WITHIN_S:
        yield Finding("a run cancels within a second", f"{key}: {seconds:.1f} s")


def _goes_on(request: Request, result: Result, registry: Registry, key: str) -> Iterator[Finding]:
    """A run begins from parts of an earlier one, and keeps its hands off what is locked.

    An analysis that cannot hold a part may refuse it in words; it goes on without a lock then.
    """
    kept, start = result.parts[:1], result.parts[1:]
    try:
        try:
            asked = dataclasses.replace(request, start=start, kept=kept)
            found = perform(asked, LocalJob(), registry)
        except InputProblem:
            kept = ()
            asked = dataclasses.replace(request, start=result.parts)
            found = perform(asked, LocalJob(), registry)
    except (PartwiseProblem, ValueError) as problem:
        yield Finding("a run goes on from parts, one of them locked", f"{key}: {problem}")
        return
    now = {part.key: part for part in found.parts}
    for part in kept:
        if part.key not in now or not np.array_equal(now[part.key].profile, part.profile):
            yield Finding("a locked part stays as it is", f"{key}: {part.name}")


def _looks_ahead(
    plugin: Plugin, registry: Registry, request: Request, key: str
) -> Iterator[Finding]:
    """What an analysis may say before it runs: how much memory, and what the input looks like."""
    analysis: Any = registry.analysis(plugin)
    dataset, values = request.dataset, request.parameters
    if callable(getattr(analysis, "memory", None)):
        bytes_ = analysis.memory(dataset, params.from_json(analysis.Params, values))
        if not (isinstance(bytes_, int) and bytes_ >= 0):
            yield Finding("memory() says how many bytes", f"{key}: {bytes_!r}")
    if callable(getattr(analysis, "preview", None)):
        try:
            kinds = [view.kind for view in analysis.preview(dataset)]
        except Exception as problem:  # noqa: BLE001 - that it raises is the finding
            yield Finding("preview() shows any input", f"{key}: {problem!r}")
            return
        if unknown := set(kinds) - set(get_args(ViewKind)):
            yield Finding("a view is of a known kind", f"{key}: {', '.join(sorted(unknown))}")


def _saves(plugin: Plugin, dataset: Dataset, result: Result, key: str) -> Iterator[Finding]:
    document = Document()
    assert dataset.source is not None
    document.add_source(Source("source-1", plugin.id, dataset.title, dataset.source))
    document.add_run("source-1", plugin.id, "", plugin.title, result)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "p.partwise"
        try:
            save(document.state, path)
        except TypeError as error:
            yield Finding("a result can be saved", f"{key}: {error}")
            return
        if digest(load(path).state.runs[0].result) != digest(result):
            yield Finding("a result survives a save", key)


def _seconds_to_cancel(request: Request, registry: Registry) -> float:
    """Cancel at the first sign of life, and return how long the run took to leave."""
    asked = threading.Event()
    at = [time.perf_counter()]

    def on_report(fraction: float, text: str) -> None:
        if not asked.is_set():
            at[0] = time.perf_counter()
            asked.set()

    job = LocalJob(on_report=on_report, is_cancelled=asked.is_set)
    with contextlib.suppress(Cancelled):
        perform(request, job, registry)
    return time.perf_counter() - at[0]


def _pieces(value: Any) -> Iterator[bytes]:
    """Walk a result in a fixed order; floats by their bits, so that -0.0 and NaN count."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.newbyteorder('=')}{value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            if name not in ("started", "seconds"):
                yield name.encode()
                yield from _pieces(getattr(value, name))
    elif isinstance(value, dict):
        for key in value:
            yield str(key).encode()
            yield from _pieces(value[key])
    elif isinstance(value, list | tuple):
        yield str(len(value)).encode()
        for item in value:
            yield from _pieces(item)
    elif isinstance(value, float | np.floating):
        yield float(value).hex().encode()
    else:
        yield repr(value.item() if isinstance(value, np.generic) else value).encode()
