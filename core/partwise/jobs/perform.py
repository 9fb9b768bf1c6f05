"""How is an analysis called? The one place for window, command line and batch."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

import partwise
from partwise import params as parameters
from partwise.data.dataset import Dataset
from partwise.data.fingerprint import InputFile, fingerprint
from partwise.errors import (
    AnalysisProblem,
    Cancelled,
    InputProblem,
    PartwiseProblem,
    UsageProblem,
)
from partwise.jobs.room import check_room
from partwise.plugins.registry import Registry, load_registry
from partwise.result import Part, Provenance, Result

if TYPE_CHECKING:
    from partwise.job import Job
    from partwise.plugins.contract import Plugin
    from partwise.result import View

__all__ = ["Request", "perform"]

# Modules whose version can change a number, and the packages that carry them.
_LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "numba": "numba",
    "skimage": "scikit-image",
    "tifffile": "tifffile",
    "imagecodecs": "imagecodecs",
    "PIL": "pillow",
    "openslide": "openslide-python",
    "librosa": "librosa",
    "soundfile": "soundfile",
    "soxr": "soxr",
    "ezc3d": "ezc3d",
    "pyedflib": "pyedflib",
    "h5py": "h5py",
    "nibabel": "nibabel",
    "pydicom": "pydicom",
}


@dataclass(frozen=True, eq=False)
class Request:
    """What is to be computed, complete.

    Attributes
    ----------
    plugin : str
    analysis : str
        Empty for the plugin's first.
    dataset : Dataset
    parameters : mapping
        Values by name, as `partwise.params.to_json` gives them; defaults may be left out.
    seed : int
    kept : tuple of Part
        Parts that the person locked.
    start : tuple of Part
        Parts to begin from; empty to begin anew.
    """

    plugin: str
    analysis: str
    dataset: Dataset
    parameters: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    kept: tuple[Part, ...] = ()
    start: tuple[Part, ...] = ()


def perform(request: Request, job: Job, registry: Registry | None = None) -> Result:
    """Run the analysis that `request` names and return its result with its provenance.

    Parameters
    ----------
    request : Request
    job : Job
        Hears reports and snapshots, and is asked whether to stop. Seed, locked parts and parts to
        begin from are the request's, whatever the job carries.
    registry : Registry, optional
        By default the installed plugins.

    Raises
    ------
    UsageProblem
        No such plugin, analysis or parameter value.
    InputProblem
        The analysis refuses the input.
    AnalysisProblem
        It failed, and the cause is attached; or it would not fit in memory.
    Cancelled
        The job was cancelled.
    """
    registry = registry or load_registry()
    plugin = registry.get(request.plugin)
    if request.seed < 0:
        raise UsageProblem(f"the seed {request.seed} is below zero", fix="give 0 or more")
    analysis = registry.analysis(plugin, request.analysis)
    params = parameters.from_json(analysis.Params, request.parameters)
    check_room(analysis, request.dataset, params)
    inputs = _inputs(request.dataset, params)
    started = dt.datetime.now().astimezone()
    clock = time.perf_counter()
    try:
        result = analysis.run(request.dataset, params, _Bound(job, request))
    except (PartwiseProblem, InputProblem, Cancelled):
        raise
    except MemoryError as error:
        raise AnalysisProblem(
            f"there was not enough memory for {request.dataset.title}",
            fix="close other programs, or choose a smaller region",
        ) from error
    except (Exception, SystemExit) as error:
        text = (str(error).strip().splitlines() or [""])[0]
        raise AnalysisProblem(
            f"{plugin.title} failed on {request.dataset.title} ({type(error).__name__}: {text})",
            fix="this is a defect of the analysis; please report it with the log",
        ) from error
    seconds = time.perf_counter() - clock
    _check(result, plugin)
    provenance = Provenance(
        plugin=plugin.id,
        plugin_version=plugin.version,
        analysis=analysis.id,
        parameters=parameters.to_json(params),
        seed=request.seed,
        inputs=inputs,
        versions=_versions(),
        started=started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        stop=result.fit.stop,
        kept=tuple(part.key for part in request.kept),
        start=request.start,
    )
    return dataclasses.replace(result, provenance=provenance)


class _Bound:
    """A job with the seed, the locked parts and the beginning of one request."""

    def __init__(self, job: Job, request: Request) -> None:
        self._job = job
        self.seed = request.seed
        self.kept = request.kept
        self.start = request.start

    @property
    def cancelled(self) -> bool:
        return self._job.cancelled

    def report(self, fraction: float, text: str = "") -> None:
        self._job.report(min(max(float(fraction), 0.0), 1.0), text)

    def snapshot(
        self, parts: Sequence[Part], trace: Sequence[float] = (), views: Sequence[View] = ()
    ) -> None:
        self._job.snapshot(parts, trace, views)


def _inputs(dataset: Dataset, params: Any) -> tuple[InputFile, ...]:
    found = [dataset.source] if dataset.source is not None else []
    for spec in parameters.specs(type(params)):
        path = spec.file_of(getattr(params, spec.name))
        if path:
            found.append(fingerprint(path))
    return (*found, *dataset.beside)


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "partwise": partwise.__version__}
    for module, package in _LIBRARIES.items():
        if module in sys.modules:
            try:
                versions[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:  # a frozen build may carry no records
                versions[package] = str(getattr(sys.modules[module], "__version__", "unknown"))
    return versions


def _check(result: Any, plugin: Plugin) -> None:
    """Let no made-up number through: parts are finite, or there is no result."""
    if not isinstance(result, Result):
        raise AnalysisProblem(
            f"{plugin.title} returned {type(result).__name__} and no result",
            fix="report it to the plugin's author",
        )
    for part in result.parts:
        if not (np.isfinite(part.profile).all() and np.isfinite(part.share)):
            raise AnalysisProblem(
                f"{plugin.title} found no finite numbers for {part.name}",
                fix="check the input for regions without signal",
            )
