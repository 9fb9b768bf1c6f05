"""What is kept outside? Factor images, maps and a mask as NIfTI, curves as TSV."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, InputProblem, Job, Result, View, stop_if_cancelled

__all__ = [
    "has_maps",
    "write_curves",
    "write_frames",
    "write_images",
    "write_maps",
    "write_regions",
]


def write_images(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the factor images, NIfTI x y z k, shares of each factor's core."""
    shape = _shape(dataset)
    volumes = []
    for each in result.parts:
        stop_if_cancelled(job)
        course = np.asarray(each.course, np.float32)
        if course.size != int(np.prod(shape)):
            raise InputProblem(
                f"{each.name} has {course.size} voxels, the series {int(np.prod(shape))}",
                argument="input",
                fix="run the analysis again",
            )
        volumes.append(course.reshape(shape))
    stacked = np.stack(volumes).transpose(3, 2, 1, 0)
    names = ", ".join(each.name for each in result.parts)
    _save(path, dataset, stacked, f"factors: {names}")


def has_maps(result: Result) -> bool:
    """Whether there was an input function to make maps with."""
    return any(_is_map(view) for view in result.views)


def write_maps(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the Patlak Ki and Logan VT maps, NIfTI x y z 2."""
    maps = [np.asarray(view.arrays["values"]) for view in result.views if _is_map(view)]
    _save(path, dataset, np.stack(maps).transpose(3, 2, 1, 0), "Patlak Ki, Logan VT")


def write_curves(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the factor curves: start_s, end_s, a column per factor."""
    frames = _frames(result)
    header = ["start_s", "end_s", *_columns([each.name for each in result.parts])]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        for k, (start, end) in enumerate(frames):
            values = (f"{float(each.profile[k]):.9g}" for each in result.parts)
            writer.writerow([f"{start:.10g}", f"{end:.10g}", *values])


def write_regions(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the plain mean curve of each factor's core beside its curve."""
    table = next((t for t in result.tables if t.title.startswith("Curves")), None)
    if table is None:
        raise InputProblem(
            "this result holds no curves", argument="input", fix="run the analysis again"
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["start_s", "end_s", *_columns(list(table.columns[2:]))])
        writer.writerows(table.rows)


def write_frames(dataset: Dataset, result: Result, path: Path, job: Job, part: int | None) -> None:
    """Write the frame table that the run used."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["start_s", "end_s"])
        writer.writerows([f"{a:.10g}", f"{b:.10g}"] for a, b in _frames(result))


def _frames(result: Result) -> list[tuple[float, float]]:
    told = result.facts.get("frames_s")
    if not isinstance(told, list | tuple) or not told:
        raise InputProblem(
            "this result does not say its frames", argument="input", fix="run the analysis again"
        )
    return [(float(pair[0]), float(pair[1])) for pair in told]


def _columns(names: list[str]) -> list[str]:
    """Names that can stand in a header: no tabs, none twice."""
    found: list[str] = []
    for name in names:
        word = " ".join(name.split()) or "factor"
        number = 2
        plain = word
        while word in found:
            word = f"{plain} {number}"
            number += 1
        found.append(word)
    return found


def _is_map(view: View) -> bool:
    return view.kind == "volume" and bool(view.options.get("map"))


def _shape(dataset: Dataset) -> tuple[int, int, int]:
    assert dataset.values is not None
    _, z, y, x = dataset.values.shape
    return z, y, x


def _save(path: Path, dataset: Dataset, values: NDArray[Any], about: str) -> None:
    nibabel: Any = importlib.import_module("nibabel")

    affine = np.array(dataset.meta.get("affine", np.eye(4).tolist()), np.float64)
    image = nibabel.Nifti1Image(np.ascontiguousarray(values, dtype=np.float32), affine)
    image.header["descrip"] = about.encode("ascii", "replace")[:79]
    image.header.set_xyzt_units("mm")
    # The caller gives a temporary name whose ending says nothing of the format.
    path.write_bytes(_packed(image.to_bytes()))


def _packed(data: bytes) -> bytes:
    import gzip

    # Without a time stamp, so that the same result gives the same bytes.
    return gzip.compress(data, compresslevel=4, mtime=0)
