"""``partwise batch``: the same analysis on many files, a folder each, and one table."""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

from partwise import params
from partwise.cli.run import read_parameters, run_one
from partwise.data.fingerprint import fingerprint, quick_hash
from partwise.errors import (
    AnalysisProblem,
    FileProblem,
    InputProblem,
    PartwiseProblem,
    UsageProblem,
)
from partwise.jobs import cores
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import Registry, load_registry, resolve
from partwise.report.bundle import Folder, folder_names
from partwise.report.index import render_index
from partwise.result import Cohort

__all__ = ["batch"]

_Row = dict[str, Any]
_REFUSED = "refused"  # not a column: whether it was the input that was at fault
_LOST = "the process that worked on it was lost, often for want of memory; try it alone"
_LOCAL = "local"  # as a scheduler's address: workers on this machine


class _Task(NamedTuple):
    """One file of a batch: all that another process, or machine, needs to know."""

    plugin: str
    path: Path
    folder: Path
    values: dict[str, Any]
    seed: int
    analysis: str


def batch(arguments: argparse.Namespace) -> int:
    """Analyse all files that the plugin reads; one that fails does not stop the others."""
    if arguments.workers < 1:
        raise UsageProblem(
            f"--workers {arguments.workers} is no number of processes", fix="1 or more"
        )
    registry = load_registry()
    plugin = registry.get(arguments.plugin)
    values = read_parameters(registry, plugin, arguments.analysis, arguments.parameters)
    analysis = registry.analysis(plugin, arguments.analysis)
    asked = {
        "plugin": {"id": plugin.id, "version": plugin.version},
        "analysis": analysis.id,
        "parameters": json.loads(json.dumps(values)),
        "seed": arguments.seed,
    }
    named = [spec.file_of(values[spec.name]) for spec in params.specs(analysis.Params)]
    beside = [Path(name) for name in named if name]
    paths = _inputs(registry, plugin, [Path(name) for name in arguments.inputs])
    top = Path(arguments.output)
    rows: dict[int, _Row] = {}
    tasks: dict[int, _Task] = {}
    for number, (path, name) in enumerate(zip(paths, folder_names(paths), strict=True)):
        done = _done(registry, top / name, path, beside, asked) if arguments.resume else None
        if done is not None:
            rows[number] = _row(path, name, done)
        else:
            tasks[number] = _Task(
                plugin.id, path, top / name, values, arguments.seed, arguments.analysis
            )
    for number, row in _perform(tasks, arguments.workers, arguments.scheduler):
        rows[number] = row
        print(f"{row['file']}: {row['status']}", file=sys.stderr)
    told = [rows[number] for number in sorted(rows)]
    cohort = _together(plugin, top, told)
    table = _write_tables(top, f"{plugin.title}: {len(rows)} files", told, cohort)
    print(table)
    failed = [row for row in rows.values() if row["status"] != "done"]
    if not failed:
        return 0
    what, fix = f"{len(failed)} of {len(rows)} files failed", f"see {table}"
    if all(row[_REFUSED] for row in failed):
        raise InputProblem(what, fix=fix)
    raise AnalysisProblem(what, fix=fix)


def _inputs(registry: Registry, plugin: Plugin, named: list[Path]) -> list[Path]:
    """Return the files named, and the files and series in folders named that the plugin reads."""
    found: list[Path] = []
    for path in named:
        if path.is_dir() and not _read_by(registry, plugin, path):
            # Other systems leave files beside ours that begin with a point ("._slide.svs").
            seen = (p for p in sorted(path.iterdir()) if not p.name.startswith("."))
            inside = (p for p in seen if p.suffix != ".partwise")
            found += [p for p in inside if _read_by(registry, plugin, p)]
        else:
            found.append(path)
    if not found:
        raise FileProblem(named[0], f"holds nothing that {plugin.title} reads", fix="name files")
    return found


def _read_by(registry: Registry, plugin: Plugin, path: Path) -> bool:
    """Whether a plugin reads a file, or the series that fills a folder."""
    try:
        return any(known.id == plugin.id for _, known, _ in registry.recognise(path))
    except FileProblem:
        return False


def _perform(
    tasks: Mapping[int, _Task], workers: int, scheduler: str | None
) -> Iterator[tuple[int, _Row]]:
    if scheduler:
        yield from _spread(tasks, scheduler)
        return
    if workers == 1:
        registry = load_registry()
        for number, task in tasks.items():
            yield number, _one(task, registry)
        return
    left = dict(tasks)
    while left:
        for number, row in _pooled(left, workers):
            del left[number]
            yield number, row
        # A process was lost, and with it all that was under way or in line. Those under way are
        # tried alone, so that a file that ends its process takes no other along.
        for number in list(left)[:workers]:
            task = left.pop(number)
            lost = {"file": task.path.name, "status": _LOST, _REFUSED: False}
            yield number, dict(_pooled({number: task}, 1)).get(number, lost)


def _pooled(tasks: Mapping[int, _Task], workers: int) -> Iterator[tuple[int, _Row]]:
    """Work on tasks in processes; ends early where one of these is lost."""
    context = multiprocessing.get_context("spawn")
    with cores.divided(workers), ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting = {pool.submit(_one, task): number for number, task in tasks.items()}
        try:
            for future in as_completed(waiting):
                with contextlib.suppress(BrokenProcessPool):
                    yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _spread(tasks: Mapping[int, _Task], scheduler: str) -> Iterator[tuple[int, _Row]]:
    """Let the workers of a Dask scheduler do it; files and folders are theirs to reach."""
    from partwise.jobs.cluster import connected

    address = None if scheduler == _LOCAL else scheduler
    if address and sys.stderr.isatty():
        print(f"asking the scheduler at {address}", file=sys.stderr)
    try:
        with connected(address) as client:
            as_answered: Any = importlib.import_module("distributed").as_completed
            places = {number: _absolute(task) for number, task in tasks.items()}
            waiting = {
                client.submit(
                    _one, task, pure=False, key=f"partwise-{number}-{task.path.name}"
                ): number
                for number, task in places.items()
            }
            for future in as_answered(waiting):
                problem = future.exception()
                number = waiting[future]
                if problem is None:
                    yield number, future.result()
                else:
                    what = f"its worker was lost ({type(problem).__name__}: {problem})"
                    file = places[number].path.name
                    yield number, {"file": file, "status": what, _REFUSED: False}
    except (OSError, TimeoutError) as error:
        raise UsageProblem(
            f"no scheduler answers at {scheduler} ({error})",
            fix=f"check the address, or use --scheduler {_LOCAL}",
        ) from error
    except InputProblem as problem:  # Dask is not installed
        raise UsageProblem(problem.what, fix=problem.fix) from problem


def _absolute(task: _Task) -> _Task:
    """Name places in full: a worker may stand in another folder."""
    return task._replace(path=task.path.resolve(), folder=task.folder.resolve())


def _one(task: _Task, registry: Registry | None = None) -> _Row:
    registry = registry or load_registry()
    try:
        summary, _ = run_one(registry, registry.get(task.plugin), *task[1:])
    except (InputProblem, PartwiseProblem) as problem:
        refused = isinstance(problem, InputProblem)
        return {"file": task.path.name, "status": str(problem), _REFUSED: refused}
    return _row(task.path, task.folder.name, summary)


def _row(path: Path, folder: str, summary: Mapping[str, Any]) -> _Row:
    row: _Row = {"file": path.name, "status": "done", "folder": folder}
    row |= {"seconds": summary["seconds"], "explained": summary["fit"]["explained"]}
    row["residual"] = summary["residual"]["share"]
    row |= _judged(summary["trust"])
    for part in summary["parts"]:
        row[f"share {part['name']}"] = part["share"]
    for measure in summary["measures"]:
        unit = f" ({measure['unit']})" if measure["unit"] else ""
        row[measure["name"] + unit] = measure["value"]
    return row


def _judged(trust: Sequence[Mapping[str, Any]]) -> _Row:
    """Return the worst verdict, and what the lines below "good" say."""
    order = ("bad", "look", "good")
    said = [entry["verdict"] for entry in trust]
    worst = next((verdict for verdict in order if verdict in said), "")
    findings = [str(entry["text"]) for entry in trust if entry["verdict"] in order[:2]]
    return {"verdict": worst, "findings": "; ".join(findings)}


def _done(
    registry: Registry, folder: Path, path: Path, beside: Sequence[Path], asked: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what an earlier run left, if the same was asked of the same files and all is there."""
    try:
        summary: dict[str, Any] = json.loads((folder / "result.json").read_text("utf-8"))
        same = (
            all(summary[name] == value for name, value in asked.items())
            and _same_files(summary["inputs"], (registry.entry(path), *beside))
            and all((folder / entry["path"]).is_file() for entry in summary["files"])
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return summary if same else None


def _same_files(entries: Sequence[Mapping[str, Any]], named: Sequence[Path]) -> bool:
    """Whether the files named, and what was read beside the input, are what they were.

    The quick hash sees both ends of a file alone: where the whole was hashed, it is compared.
    """
    first = named[0].resolve()
    rest = [first.with_name(Path(entry["path"]).name) for entry in entries[len(named) :]]
    return len(entries) >= len(named) and all(
        quick_hash(path) == entry["quick"]
        and entry["sha256"] in (None, fingerprint(path, full=True).sha256)
        for path, entry in zip((*named, *rest), entries, strict=True)
    )


def _together(plugin: Plugin, top: Path, rows: list[_Row]) -> Cohort | None:
    """Let the plugin look at all results together; its columns join their rows."""
    if not plugin.cohort:
        return None
    done = [row for row in rows if row["status"] == "done"]
    try:
        summaries = {
            row["folder"]: json.loads((top / row["folder"] / "result.json").read_text("utf-8"))
            for row in done
        }
    except (OSError, ValueError) as error:
        raise FileProblem(
            top, f"a result in it cannot be read ({error})", fix="run again"
        ) from error
    cohort: Cohort | None = resolve(plugin.cohort)(summaries)
    if cohort is not None:
        for row in done:
            row.update(cohort.columns.get(row["folder"], {}))
    return cohort


def _write_tables(top: Path, title: str, rows: list[_Row], cohort: Cohort | None) -> Path:
    """Write the table and the page that show all files; returns where the table is."""
    columns = list(dict.fromkeys(name for row in rows for name in row if name != _REFUSED))
    with Folder(top) as place:
        with (place.work / "batch.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        if cohort is not None:
            with (place.work / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([cohort.table.columns, *cohort.table.rows])
        (place.work / "index.html").write_text(render_index(title, top, rows, cohort), "utf-8")
    return top / "batch.csv"
