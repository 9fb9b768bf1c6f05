"""``partwise info | verify | plugins | samples``: looking at files, projects, plugins, samples."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partwise import params
from partwise.data.dataset import Dataset
from partwise.data.fingerprint import fingerprint
from partwise.errors import AnalysisProblem, FileProblem, UsageProblem
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry, load_registry, resolve

if TYPE_CHECKING:
    from partwise.project.document import Run, Source
    from partwise.project.store import Loaded
    from partwise.result import Result

__all__ = ["copy_sample", "info", "plugins", "samples", "verify_project"]

_MOST_RECORDS = 40  # lines on one list, which still fit a screen
_MOST_LETTERS = 60  # of a list told in words


def info(arguments: argparse.Namespace) -> int:
    """Print what Partwise reads in an input or a project."""
    path = Path(arguments.file)
    if path.suffix == ".partwise":
        return _info_project(path)
    registry = load_registry()
    chances = registry.recognise(path)
    for chance, plugin, reader in chances:
        print(f"{min(chance, 1.0):4.0%}  {reader.title}, for {plugin.title} ({plugin.id})")
    plugin, dataset = registry.open(path)
    print(f"\n{dataset.title}: {dataset.kind}")
    for line in _describe(dataset):
        print(f"  {line}")
    return 0


def _info_project(path: Path) -> int:
    from partwise.project.store import load

    loaded = load(path, look=True)
    state = loaded.state
    by = f", written by Partwise {loaded.written_by}" if loaded.written_by else ""
    size = path.stat().st_size
    print(f"{path.name}: project of {size} bytes, schema {loaded.schema}{by}")
    for source in state.sources:
        print(*_describe_source(loaded, source, path), sep="\n")
    if state.choices.notes:
        print(f"  notes: {' '.join(state.choices.notes.split())[:200]}")
    if state.sections:
        print(f"  kept for plugins: {', '.join(sorted(state.sections))}")
    for warning in loaded.warnings:
        print(f"  note: {warning}")
    return 0


def _describe_source(loaded: Loaded, source: Source, path: Path) -> Iterator[str]:
    from partwise.project.links import resolve_input

    state = loaded.state
    packed = ", packed" if source.file.sha256 in loaded.packed else ""
    found = resolve_input(source, path)
    yield f"  {state.title(source.id, source.title)} ({source.plugin}): {found.state}{packed}"
    yield f"    {found.path or source.file.path}, {source.file.size} bytes"
    for run in state.runs_of(source.id):
        about = run.result.provenance
        explained = f"{run.result.fit.explained:.1%} explained"
        yield f"    {run.id} {state.title(run.id, run.title)}: {explained}"
        names = {strip.key: strip.name for strip in state.strips(run.id)}
        shares = (f"{names.get(p.key, p.name)} {p.share:.1%}" for p in run.result.parts)
        yield f"      parts: {', '.join(shares)}"
        if about is not None:
            took = f"{about.seconds:.1f} s, {about.stop}"
            yield f"      run {about.started}, seed {about.seed}, {took}"
            changed = ", ".join(f"{name}={value}" for name, value in about.parameters.items())
            yield f"      parameters: {changed}"


def _describe(dataset: Dataset) -> list[str]:
    lines = []
    for axis in dataset.axes:
        step = "" if axis.unit in ("", "px") else f", step {axis.step:g} {axis.unit}"
        labels = f" ({_names(axis.labels)})" if axis.labels else ""
        lines.append(f"{axis.name}: {axis.size}{step}{labels}")
    if dataset.pyramid is not None:
        sizes = ", ".join(f"{level.width}×{level.height}" for level in dataset.pyramid.levels)
        lines.append(f"levels: {sizes}")
    for key, value in dataset.meta.items():
        lines += _told(key, value)
    if dataset.source is not None:
        lines.append(f"size: {dataset.source.size} bytes")
        lines.append(f"sha256: {dataset.source.sha256 or 'not computed (large file)'}")
    return lines


def _told(key: str, value: object) -> Iterator[str]:
    """Lines on one fact of an input: a list of records or sentences has a line for each."""
    records = isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)
    if records and value:
        assert isinstance(value, list | tuple)
        yield f"{key}: {_entries(len(value))}"
        yield from (f"  {_record(one)}" for one in value[:_MOST_RECORDS])
        if len(value) > _MOST_RECORDS:
            yield f"  and {len(value) - _MOST_RECORDS} more"
        return
    said = _short(value)
    if isinstance(value, list | tuple) and said == _entries(len(value)) and _are_sentences(value):
        yield f"{key}:"
        yield from (f"  {one}" for one in value[:_MOST_RECORDS])
    elif said:
        yield f"{key}: {said}"


def _are_sentences(values: Sequence[object]) -> bool:
    return all(isinstance(one, str) and one.endswith(".") for one in values)


def _record(record: Mapping[str, object]) -> str:
    """What a record says in words: the same word, and what is empty, only once and never."""
    words = [_short(value) for value in record.values()]
    return ", ".join(dict.fromkeys(word for word in words if word))


def _short(value: object) -> str:
    """A value in so few words that it fits its line; empty where it says nothing."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float | np.floating):
        return f"{value:.7g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} ({said})" for key, one in value.items() if (said := _short(one)))
    if isinstance(value, np.ndarray):
        return "×".join(str(size) for size in value.shape) + " values"
    if isinstance(value, list | tuple):
        flat = all(isinstance(one, str | int | float) for one in value)
        said = ", ".join(_short(one) for one in value) if flat else ""
        # One sentence is not cut off, however long.
        brief = flat and (len(value) <= 1 or len(said) <= _MOST_LETTERS)
        return said if brief else _entries(len(value))
    return str(value)


def _names(labels: tuple[str, ...]) -> str:
    said = ", ".join(labels)
    return said if len(said) <= _MOST_LETTERS else f"{labels[0]} to {labels[-1]}"


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def verify_project(arguments: argparse.Namespace) -> int:
    """Check each member of a project; with ``--rerun``, compute its results again."""
    from partwise.project.archive import way_out
    from partwise.project.store import load, verify

    path = Path(arguments.file)
    findings = verify(path)
    for finding in findings:
        print(f"  {finding.member}: {finding.what}")
    if findings:
        count = len(findings)
        what = "a member is damaged" if count == 1 else f"{count} of its members are damaged"
        raise FileProblem(path, what, fix=way_out(path))
    print(f"{path.name}: whole")
    loaded = load(path, look=True)
    for warning in loaded.warnings:
        print(f"  note: {warning}")
    if not arguments.rerun:
        return 0
    state = loaded.state
    registry = load_registry()
    worst = 0.0
    for run in state.runs:
        difference = _again(registry, path, state.source(run.source), run)
        worst = max(worst, difference)
        same = "the same numbers" if difference <= 1e-6 else f"differs by {difference:.2g}"
        print(f"  {run.id} {run.title}: {same}")
    if worst > 1e-6:
        raise AnalysisProblem(
            "a run gives other numbers now", fix="compare the versions that partwise info shows"
        )
    return 0


def _again(registry: Registry, path: Path, source: Source, run: Run) -> float:
    """Run again what a project holds, and return the largest relative difference."""
    from partwise.job import LocalJob
    from partwise.jobs.perform import Request, perform
    from partwise.project.links import resolve_input

    about = run.result.provenance
    if about is None:
        raise FileProblem(path, f"{run.id} does not say how it was computed", fix="run it again")
    found = resolve_input(source, path)
    if found.path is None or found.state == "changed":
        other = found.other or source.file.path
        raise FileProblem(other, f"is {found.state}", fix="put the input back")
    for file in about.inputs:
        named = file.path in about.parameters.values()
        if named and fingerprint(file.path).quick != file.quick:
            raise FileProblem(file.path, "is not what the run was made with", fix="put it back")
    _, dataset = registry.open(found.path, source.plugin)
    kept = tuple(part for part in run.result.parts if part.key in about.kept)
    asked = run.plugin, run.analysis, dataset, about.parameters, about.seed, kept, about.start
    request = Request(*asked)
    result = perform(request, LocalJob(), registry)
    before, now = _numbers(run.result), _numbers(result)
    if before.keys() != now.keys():
        return float("inf")
    return max(_difference(before[name], now[name]) for name in before)


def _numbers(result: Result) -> dict[str, NDArray[np.float64]]:
    """All that a result says in numbers, by name."""
    told: dict[str, object] = {"explained": result.fit.explained, "residual": result.residual.share}
    for part in result.parts:
        told[f"part {part.key}"] = part.profile
        told[f"share of {part.key}"] = part.share
        if part.course is not None:
            told[f"course of {part.key}"] = part.course
    told |= {f"measure {number}": one.value for number, one in enumerate(result.measures)}
    return {name: np.atleast_1d(np.asarray(value, float)) for name, value in told.items()}


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    if first.shape != second.shape:
        return float("inf")
    # What is no number must be none again; where it is one now, that is a difference.
    other = (first != second) & ~(np.isnan(first) & np.isnan(second))
    if not other.any():
        return 0.0
    off = float(np.max(np.abs(first[other] - second[other])))
    largest = float(np.max(np.abs(first), where=np.isfinite(first), initial=0.0))
    return off / max(largest, 1e-300) if np.isfinite(off) else float("inf")


def plugins(arguments: argparse.Namespace) -> int:
    """List plugins or the parameters of one, check one, or begin a new one."""
    if arguments.action == "new":
        from partwise.testing.template import write_plugin

        _need_name(arguments.name, "partwise plugins new NAME")
        folder = write_plugin(arguments.name, Path.cwd())
        print(folder)
        return 0
    registry = load_registry()
    if arguments.action == "check":
        from partwise.testing.contract import check_plugin

        _need_name(arguments.name, "partwise plugins check NAME")
        plugin = registry.get(arguments.name)
        findings = check_plugin(plugin, registry)
        for finding in findings:
            print(f"  {finding.rule}: {finding.what}")
        if findings:
            raise AnalysisProblem(
                f"{plugin.id} breaks {len(findings)} rules of the contract",
                fix="see the list above",
            )
        print(f"{plugin.id} {plugin.version}: keeps the contract")
        return 0
    if arguments.name:
        for line in _parameters(registry, registry.get(arguments.name)):
            print(line)
        return 0
    for plugin in registry.plugins.values():
        print(f"{plugin.id:10} {plugin.version:8} {plugin.title}: {plugin.summary}")
    for card in registry.refused:
        print(f"{card.name:10} refused: {card.reason}")
    return 0


def _parameters(registry: Registry, plugin: Plugin) -> list[str]:
    lines = [f"{plugin.title} {plugin.version}", plugin.summary]
    for dotted in plugin.analyses:
        analysis = registry.analysis(plugin, resolve(dotted).id)
        lines += ["", f"{analysis.title} ({analysis.id})"]
        for spec in params.specs(analysis.Params):
            default = f"{spec.default}".lower() if spec.type is bool else f"{spec.default}"
            needs = f"   (with {spec.only})" if spec.only else ""
            lines.append(f"  -p {spec.name}={default or '…'}   {spec.allowed}{needs}")
            lines.append(f"      {spec.help}")
    return lines


def samples(arguments: argparse.Namespace) -> int:
    """List the samples, or copy one into a folder."""
    registry = load_registry()
    if arguments.action == "get":
        _need_name(arguments.name, "partwise samples get NAME -o DIR")
        print(copy_sample(registry, arguments.name, Path(arguments.output)))
        return 0
    for plugin in registry.plugins.values():
        for sample in plugin.samples:
            print(f"{sample.key:16} {sample.title}: {sample.summary} [{sample.licence}]")
    return 0


def copy_sample(registry: Registry, key: str, folder: Path) -> Path:
    """Copy a sample, and what lies beside it under the same name, into a folder.

    Returns where the sample is now.
    """
    _, _, path = registry.sample(key)
    if folder.exists() and not folder.is_dir():
        raise FileProblem(folder, "is a file", fix="name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A sidecar holds what the file itself cannot, such as frame times.
        stem = path.name.partition(".")[0]
        with tempfile.TemporaryDirectory(prefix=".partwise-", dir=folder) as whole:
            for one in sorted(path.parent.glob(f"{stem}.*")):
                shutil.copyfile(one, Path(whole, one.name))
            for one in sorted(Path(whole).iterdir()):
                os.replace(one, folder / one.name)
    except OSError as error:
        raise FileProblem(
            folder, f"cannot be written ({error.strerror or error})", fix="choose another folder"
        ) from error
    return folder / path.name


def _need_name(name: str, usage: str) -> None:
    if not name:
        raise UsageProblem("a name is missing", fix=f"write {usage}")
