"""What does a first plugin look like? A package that runs, to be changed line by line."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

from partwise.errors import FileProblem, UsageProblem

__all__ = ["write_plugin"]

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "partwise-NAME"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["partwise", "numpy"]

[project.entry-points."partwise.plugins"]
NAME = "partwise_NAME.plugin:PLUGIN"

[tool.hatch.build.targets.wheel]
packages = ["partwise_NAME"]
"""

_PLUGIN = '''\
"""What does this plugin bring? Plain data; everything heavy is named and loaded on first use."""

from __future__ import annotations

from partwise.api import Plugin, Reader, Sample

PLUGIN = Plugin(
    id="NAME",
    title="TITLE",
    version="0.1.0",
    api=">=1,<2",
    summary="Splits the columns of a table into nonnegative parts.",
    readers=(
        Reader(
            "Table",
            ("*.csv",),
            "partwise_NAME.reader:probe",
            "partwise_NAME.reader:load",
        ),
    ),
    analyses=("partwise_NAME.analysis:Analysis",),
    samples=(
        Sample(
            "NAME-first",
            "Three mixtures",
            "A small table made of two parts.",
            "partwise_NAME.reader:sample",
            licence="CC0-1.0",
            source="made for this example",
        ),
    ),
)
'''

_READER = '''\
"""How is a file recognised and read?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from partwise.api import Axis, Dataset, FileProblem, fingerprint


def probe(path: Path) -> float:
    """Say how surely this file is ours: 0 to 1, from its first bytes, never raising."""
    try:
        with path.open("rb") as file:
            first = file.readline(1000).decode("ascii").split(",")
        [float(cell) for cell in first]
    except (OSError, ValueError):
        return 0.0
    return 0.5 if len(first) > 1 else 0.0


def load(path: Path) -> Dataset:
    """Read the table: a row per feature, a column per sample."""
    try:
        values = np.loadtxt(path, delimiter=",", ndmin=2)
    except ValueError as error:
        raise FileProblem(path, f"is no table of numbers ({error})", fix="check it") from error
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise FileProblem(path, "has negative or missing numbers", fix="remove them")
    axes = (Axis("feature", values.shape[0]), Axis("sample", values.shape[1]))
    return Dataset("table", path.name, axes, values=values, source=fingerprint(path))


def sample() -> Path:
    """Return where the sample lies."""
    return Path(__file__).with_name("sample.csv")
'''

_ANALYSIS = '''\
"""How does the measurement become parts?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from partwise.api import (
    Dataset,
    Fit,
    InputProblem,
    Job,
    Part,
    Residual,
    Result,
    Trust,
    nmf,
    param,
    start_factors,
    stop_if_cancelled,
)

COLORS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


@dataclass(frozen=True)
class Choices:
    """What a person can set."""

    rank: int = param(2, ge=1, le=6, label="Parts", help="How many parts to look for.")


class Analysis:
    """Plain nonnegative matrix factorization."""

    id: ClassVar[str] = "parts"
    title: ClassVar[str] = "Parts of a table"
    Params: ClassVar[type] = Choices

    def run(self, dataset: Dataset, params: Choices, job: Job) -> Result:
        """Return the parts; the same for the same seed."""
        values = np.asarray(dataset.values, float)
        if params.rank > min(values.shape):
            raise InputProblem("there are more parts than rows or columns", fix="lower Parts")
        job.report(0.0, "factoring")
        stop_if_cancelled(job)
        # What the person locked stays as it is; what they stopped or corrected is begun from.
        kept = job.kept[: params.rank]
        fixed = np.stack([part.profile for part in kept], axis=1) if kept else None
        init: Any = start_factors(values, job.start, params.rank, fixed_W=fixed, seed=job.seed)

        def parts_of(W: Any, H: Any) -> tuple[Part, ...]:
            sizes = W.sum(axis=0) * H.sum(axis=1)
            shares = sizes / max(float(sizes.sum()), 1e-300)
            taken = {part.key for part in kept}
            free = [k for k in range(1, 2 * params.rank + 1) if f"part-{k}" not in taken]
            fresh = [
                Part(f"part-{k}", f"Part {k}", COLORS[k % len(COLORS)], W[:, place].copy(),
                     float(shares[place]), course=H[place].copy())
                for place, k in zip(range(len(kept), params.rank), free, strict=False)
            ]
            stay = [replace(part, share=float(shares[k]), course=H[k].copy())
                    for k, part in enumerate(kept)]
            return (*stay, *fresh)

        def on_step(step: Any) -> bool:
            job.snapshot(parts_of(step.W, step.H))
            return not job.cancelled

        fit = nmf(values, params.rank, fixed_W=fixed, init="auto" if init is None else init,
                  seed=job.seed, on_step=on_step)
        stop_if_cancelled(job)
        parts = parts_of(fit.W, fit.H)
        rest = float(((values - fit.W @ fit.H) ** 2).sum() / max((values**2).sum(), 1e-300))
        text = f"{1 - rest:.1%} explained"
        return Result(
            parts=parts,
            residual=Residual(rest),
            fit=Fit("frobenius", float(fit.loss), 1 - rest, len(fit.trace), fit.stop,
                    float(fit.kkt), tuple(float(v) for v in fit.trace)),
            trust=(Trust("explained", 1 - rest, "good" if rest < 0.1 else "look", text),),
        )
'''

_TEST = '''\
"""Does the plugin keep the contract?"""

from __future__ import annotations

from collections.abc import Callable

from partwise.api import Plugin

from partwise_NAME.plugin import PLUGIN


def test_it_keeps_the_contract(keeps_contract: Callable[[Plugin], None]) -> None:
    keeps_contract(PLUGIN)
'''

_SAMPLE = "1,2,3,0\n0,1,2,4\n2,4,6,0\n1,3,5,4\n"


def write_plugin(name: str, where: Path) -> Path:
    """Write a package ``partwise-NAME`` into `where` and return its folder.

    Raises
    ------
    UsageProblem
        `name` is no lower-case word, or that of an installed plugin.
    FileProblem
        The folder exists already, or cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
        raise UsageProblem(f"{name!r} is no name for a plugin", fix="use a lower-case word")
    if importlib.util.find_spec(f"partwise_{name}") is not None:
        raise UsageProblem(f"{name} is the name of an installed plugin", fix="choose another")
    folder = where / f"partwise-{name}"
    files = {
        "pyproject.toml": _PYPROJECT,
        f"partwise_{name}/__init__.py": f'"""The plugin {name}."""\n',
        f"partwise_{name}/plugin.py": _PLUGIN,
        f"partwise_{name}/reader.py": _READER,
        f"partwise_{name}/analysis.py": _ANALYSIS,
        f"partwise_{name}/sample.csv": _SAMPLE,
        "tests/test_contract.py": _TEST,
    }
    try:
        folder.mkdir()
        for path, text in files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            filled = text.replace("NAME", name).replace("TITLE", name.capitalize())
            (folder / path).write_text(filled, "utf-8")
    except FileExistsError as error:
        raise FileProblem(folder, "exists already", fix="choose another name") from error
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # half a plugin is none
        raise FileProblem(
            folder, f"cannot be written ({error.strerror or error})", fix="go to another folder"
        ) from error
    return folder
