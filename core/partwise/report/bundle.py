"""What does a run leave in its folder? Files that appear whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from partwise.errors import AnalysisProblem, FileProblem
from partwise.job import Job, stop_if_cancelled
from partwise.plugins.registry import Registry, resolve
from partwise.processes import alive

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset
    from partwise.plugins.contract import Exporter, Plugin
    from partwise.result import Part, Result

__all__ = ["SCHEMA", "Folder", "folder_names", "result_json", "write_bundle"]

SCHEMA = 1
_RESULT = "result.json"
_WORK = ".partwise-"  # then the process's number


class Folder:
    """A folder that receives its files together, or stays as it was.

    Inside the ``with`` block, files are written below `work`; at its end they are moved into
    place, `_RESULT` last. After any problem nothing is left, not even the folder if it is new.

    Raises
    ------
    FileProblem
        Naming the folder, where it cannot be made or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path
        self._made: list[Path] = []

    def __enter__(self) -> Folder:
        try:
            if self.path.exists() and not self.path.is_dir():
                raise FileProblem(self.path, "is a file", fix="name a folder for the results")
            missing = [p for p in (self.path, *self.path.parents) if not p.exists()]
            for folder in reversed(missing):
                self._made.append(folder)
                folder.mkdir()
            self._clear_leftovers()
            self.work = self.path / f"{_WORK}{os.getpid()}-{secrets.token_hex(4)}"
            self.work.mkdir()
        except OSError as error:
            self._undo()
            raise self._problem(error) from error
        except BaseException:  # Ctrl+C may come before the ``with`` block is entered
            self._undo()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._move()
        except OSError as problem:
            self._undo()
            raise self._problem(problem) from problem
        if error is not None:
            self._undo()
            if isinstance(error, OSError) and not isinstance(error, FileProblem):
                raise self._problem(error) from error
        else:
            shutil.rmtree(self.work, ignore_errors=True)

    def _clear_leftovers(self) -> None:
        """Remove what runs that were killed outright left behind."""
        for folder in self.path.glob(f"{_WORK}*"):
            pid = folder.name.removeprefix(_WORK).partition("-")[0]
            if pid.isdigit() and not alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)

    def _move(self) -> None:
        names = sorted(p.name for p in self.work.iterdir())
        before = self._left_before() if _RESULT in names else []
        # At no moment does an older result.json describe newer files.
        (self.path / _RESULT).unlink(missing_ok=True)
        for name in before:
            if name not in names:
                (self.path / name).unlink(missing_ok=True)
        for name in sorted(names, key=lambda n: (n == _RESULT, n)):
            os.replace(self.work / name, self.path / name)

    def _left_before(self) -> list[str]:
        """Files of the run that is replaced: nobody shall take them for those of the new one."""
        try:
            told = json.loads((self.path / _RESULT).read_text("utf-8"))
            names = [str(entry["path"]) for entry in told["files"]]
        except (OSError, ValueError, LookupError, TypeError):
            return []
        return [name for name in names if (self.path / name).parent == self.path]

    def _undo(self) -> None:
        if self.work != self.path:
            shutil.rmtree(self.work, ignore_errors=True)
        for folder in reversed(self._made):
            try:
                folder.rmdir()  # only while it is empty
            except OSError:
                break

    def _problem(self, error: OSError) -> FileProblem:
        named = error.filename
        if isinstance(named, str) and not Path(named).is_relative_to(self.path):
            what = f"cannot be read ({error.strerror or error})"
            return FileProblem(named, what, fix="check its name and its permissions")
        return FileProblem(
            self.path,
            f"cannot be written ({error.strerror or error})",
            fix="choose another folder, or make room and check its permissions",
        )


def write_bundle(
    place: Folder,
    registry: Registry,
    plugin: Plugin,
    dataset: Dataset,
    result: Result,
    job: Job,
) -> dict[str, Any]:
    """Write exports, factors, report and ``result.json``; returns the content of the last.

    Raises
    ------
    AnalysisProblem
        An exporter failed.
    Cancelled, OSError
    """
    from partwise.report.html import render
    from partwise.report.pdf import set_pdf
    from partwise.report.story import tell
    from partwise.report.thumb import thumbnail

    files: list[dict[str, str]] = []
    for exporter in plugin.exporters:
        files += _export(exporter, dataset, result, place.work, job)
    files.append(_write_factors(result, place.work))
    analysis = registry.analysis(plugin, result.provenance.analysis if result.provenance else "")
    story = tell(plugin, analysis, dataset, result, pictures=_pictures(files, place.work))
    (place.work / "report.html").write_text(render(story), "utf-8")
    files.append({"role": "report", "path": "report.html", "media": "text/html"})
    (place.work / "report.pdf").write_bytes(set_pdf(story))
    files.append({"role": "report-pdf", "path": "report.pdf", "media": "application/pdf"})
    thumb = thumbnail(dataset, result)
    if thumb is not None:
        (place.work / "thumb.png").write_bytes(thumb)
        files.append({"role": "thumbnail", "path": "thumb.png", "media": "image/png"})
    summary = result_json(result, files)
    text = json.dumps(summary, indent=1, ensure_ascii=False, allow_nan=False)
    (place.work / _RESULT).write_text(text + "\n", "utf-8")
    return summary


def result_json(result: Result, files: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """Return a result as ``result.json`` says it: JSON types, numbers that are not finite null."""
    about = result.provenance
    assert about is not None
    fit = result.fit
    told: dict[str, Any] = _plain(
        {
            "schema": SCHEMA,
            "plugin": {"id": about.plugin, "version": about.plugin_version},
            "analysis": about.analysis,
            "inputs": [
                {"path": i.path, "size": i.size, "sha256": i.sha256 or None, "quick": i.quick}
                for i in about.inputs
            ],
            "parameters": about.parameters,
            "seed": about.seed,
            "versions": about.versions,
            "started": about.started,
            "seconds": about.seconds,
            "fit": {
                "loss": fit.loss,
                "value": fit.value,
                "explained": fit.explained,
                "iterations": fit.iterations,
                "stop": fit.stop,
                "kkt": fit.kkt,
            },
            "parts": [_part(part, result) for part in result.parts],
            "residual": {"share": result.residual.share, "text": result.residual.text},
            "measures": [
                {"name": m.name, "value": m.value, "unit": m.unit, "meaning": m.meaning}
                for m in result.measures
            ],
            "trust": [
                {
                    "check": t.check,
                    "value": t.value,
                    "verdict": t.verdict,
                    "text": t.text,
                    "detail": t.detail,
                }
                for t in result.trust
            ],
            "facts": result.facts,
            "files": list(files),
        }
    )
    return told


def folder_names(paths: Sequence[Path]) -> list[str]:
    """Return a name per path, from a file's stem; later twins get a number."""
    taken: set[str] = set()
    names = []
    for path in paths:
        stem = path.resolve().name if path.is_dir() else path.stem
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}-{number}", number + 1
        taken.add(name)
        names.append(name)
    return names


def _part(part: Part, result: Result) -> dict[str, Any]:
    told = {
        "key": part.key,
        "name": part.name,
        "color": part.color,
        "share": part.share,
        "profile": part.profile,
    }
    told |= {name: value for name, value in part.facts.items() if name not in told}
    # In a linear mixture of colours the profile is the stain's vector.
    if "vector" not in told and any("mixing" in view.options for view in result.views):
        told["vector"] = part.profile
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        # Through text, so that 32-bit numbers keep the digits that they have, and no more.
        narrow = value.dtype == np.float32
        return _plain(
            [float(str(v)) for v in value] if narrow and value.ndim == 1 else value.tolist()
        )
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _export(
    exporter: Exporter, dataset: Dataset, result: Result, folder: Path, job: Job
) -> list[dict[str, str]]:
    if exporter.applies and not resolve(exporter.applies)(result):
        return []
    write = resolve(exporter.write)
    parts: list[int | None] = [*range(len(result.parts))] if exporter.per_part else [None]
    files = []
    for part in parts:
        stop_if_cancelled(job)
        role = exporter.role if part is None else f"{exporter.role}-{result.parts[part].key}"
        name = re.sub(r"[^\w.-]+", "-", role) + exporter.suffix
        write(dataset, result, folder / name, job, part)
        if not (folder / name).is_file():
            raise AnalysisProblem(f"the export {role} wrote no file", fix="report it")
        files.append({"role": role, "path": name, "media": exporter.media})
    return files


def _write_factors(result: Result, folder: Path) -> dict[str, str]:
    arrays = {"W": np.stack([part.profile for part in result.parts], axis=1)}
    courses = [part.course for part in result.parts if part.course is not None]
    if len(courses) == len(result.parts):
        arrays["H"] = np.stack(courses)
    with (folder / "factors.npz").open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take the names for flags
    return {"role": "factors", "path": "factors.npz", "media": "application/zip"}


def _pictures(files: Sequence[Mapping[str, str]], folder: Path) -> list[tuple[str, Path]]:
    return [
        (entry["role"], folder / entry["path"])
        for entry in files
        if entry["media"] in ("image/png", "image/jpeg")
    ]
