"""``partwise run``: the same path as in the window, from file to folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from partwise import params
from partwise.data.dataset import Dataset
from partwise.errors import FileProblem, UsageProblem
from partwise.job import LocalJob
from partwise.jobs.pace import Pace, in_words
from partwise.jobs.perform import Request, perform
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry, load_registry
from partwise.report.bundle import Folder, folder_names, write_bundle
from partwise.result import Result

__all__ = ["Outcome", "read_parameters", "run", "run_one", "save_project"]


class Outcome(NamedTuple):
    """What a run was about and what it answered."""

    plugin: Plugin
    dataset: Dataset
    result: Result


def run(arguments: argparse.Namespace) -> int:
    """Analyse each input; several inputs get a folder each inside DIR.

    On a terminal it says where the reports are.
    """
    registry = load_registry()
    plugin = registry.get(arguments.plugin)
    values = read_parameters(registry, plugin, arguments.analysis, arguments.parameters)
    if arguments.save and Path(arguments.save).suffix != ".partwise":
        raise UsageProblem(f"{arguments.save} is no project's name", fix="end it in .partwise")
    if arguments.pack and not arguments.save:
        raise UsageProblem("--pack has no project to pack into", fix="add --save FILE.partwise")
    with _held(arguments.save):
        return _run_all(registry, plugin, values, arguments)


def _run_all(
    registry: Registry, plugin: Plugin, values: Mapping[str, Any], arguments: argparse.Namespace
) -> int:
    inputs = [Path(name) for name in arguments.inputs]
    top = Path(arguments.output)
    folders = [top] if len(inputs) == 1 else [top / name for name in folder_names(inputs)]
    told, outcomes = [], []
    for path, folder in zip(inputs, folders, strict=True):
        with redirect_stdout(sys.stderr):  # what a plugin prints is no answer of ours
            summary, outcome = run_one(
                registry, plugin, path, folder, values, arguments.seed, arguments.analysis
            )
        told.append(summary)
        outcomes.append(outcome)
    if arguments.save:
        save_project(outcomes, Path(arguments.save), packed=arguments.pack)
    if arguments.json:
        print(json.dumps(told[0] if len(told) == 1 else told, indent=1, ensure_ascii=False))
    elif sys.stderr.isatty():
        for folder in folders:
            print(folder / "report.html", file=sys.stderr)
    return 0


@contextmanager
def _held(project: str | None) -> Iterator[None]:
    """Hold a project that will be written, so that no window has it open, before any work."""
    if not project:
        yield
        return
    from partwise.project.recovery import ProjectLock

    path = Path(project)
    if not path.absolute().parent.is_dir():
        raise FileProblem(path, "lies in a folder that is not there", fix="make it first")
    lock = ProjectLock(path.resolve())
    holder = lock.take()
    if holder is not None:
        raise FileProblem(
            path,
            f"is open in another Partwise (process {holder.pid} on {holder.host})",
            fix="close it there, or save under another name",
        )
    try:
        yield
    finally:
        lock.release()


def run_one(
    registry: Registry,
    plugin: Plugin,
    path: Path,
    folder: Path,
    values: Mapping[str, Any],
    seed: int,
    analysis: str = "",
) -> tuple[dict[str, Any], Outcome]:
    """Analyse one input and write its folder; returns the content of ``result.json`` as well."""
    with _naming(path), Folder(folder) as place, _progress(path.name) as job:
        _, dataset = registry.open(path, plugin.id, job)
        result = perform(Request(plugin.id, analysis, dataset, values, seed), job, registry)
        summary = write_bundle(place, registry, plugin, dataset, result, job)
    return summary, Outcome(plugin, dataset, result)


def read_parameters(
    registry: Registry, plugin: Plugin, analysis: str, texts: Sequence[str]
) -> dict[str, Any]:
    """Turn ``NAME=VALUE`` texts into values; raises `UsageProblem` listing what is allowed.

    Of a value that a run with the others takes no notice of, that is said.
    """
    kind = registry.analysis(plugin, analysis).Params
    known = {spec.name: spec for spec in params.specs(kind)}
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageProblem(
                f"-p {text} has no value",
                fix=f"write -p NAME=VALUE with NAME of {', '.join(known)}",
            )
        if name in known and known[name].file_of(value):
            value = str(Path(value).expanduser().resolve())
        pairs[name] = value
    values = params.to_json(params.parse(kind, pairs))
    for name in pairs:
        spec = known[name]
        if spec.idle(values) and values[name] != spec.default:
            note = f"{name}={values[name]} is not looked at; it goes with {spec.only}"
            print(f"partwise: note: {note}", file=sys.stderr)
    return values


def save_project(outcomes: Sequence[Outcome], path: Path, *, packed: bool = False) -> None:
    """Save sources and results as a project, with a thumbnail; `packed` with its inputs."""
    from partwise.project.document import Document, Source
    from partwise.project.packing import pack
    from partwise.project.store import save
    from partwise.report.thumb import thumbnail

    document = Document()
    thumb = None
    for number, (plugin, dataset, result) in enumerate(outcomes, 1):
        if dataset.source is None or result.provenance is None:
            continue
        source = Source(
            f"source-{number}", plugin.id, dataset.title, dataset.source, beside=dataset.beside
        )
        document.add_source(source)
        document.add_run(source.id, plugin.id, result.provenance.analysis, plugin.title, result)
        thumb = thumb or thumbnail(dataset, result)
    state, inputs = pack(document.state) if packed else (document.state, ())
    save(state, path, thumb=thumb, inputs=inputs)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let a problem that passes through know which input it is about."""
    try:
        yield
    except Exception as error:
        if not hasattr(error, "partwise_input"):
            error.partwise_input = path  # type: ignore[attr-defined]
        raise


@contextmanager
def _progress(name: str) -> Iterator[LocalJob]:
    """A job that shows one moving line on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield LocalJob()
        return

    pace = Pace()

    def show(fraction: float, text: str) -> None:
        pace.note(fraction, time.monotonic())
        left = pace.left()
        until = "" if left is None else f"  {in_words(left)} left"
        line = f"\r\x1b[K{name}  {fraction:4.0%}{until}  {text}"[:120]
        print(line, end="", file=sys.stderr, flush=True)

    try:
        yield LocalJob(on_report=show)
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
