"""What exactly is factored? Frames, voxels, weights and anchors of a dataset, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, FileProblem, InputProblem, Job, stop_if_cancelled
from partwise_pet.nifti import load_mask
from partwise_pet.region import check_region, points_of, region_of
from partwise_pet.scaling import Scaling, half_life_s, scaled
from partwise_pet.times import read_frames

__all__ = [
    "Series", "Settings", "affine_of", "frame_weights", "looked_at", "most_looked_at", "prepare",
]  # fmt: skip

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FLOOR = 0.02  # of the brightest frame's mean: what a nearly empty frame counts as at least
_LEAST = 10  # voxels per factor
_PATTERNS = 10  # beyond the factors that noise is cut to
_LN2 = float(np.log(2.0))


_AS_TOLD = Scaling()


@dataclass(frozen=True)
class Settings:
    """What is asked of `prepare`; see the parameters of the analysis."""

    frames: str = ""
    mask: str = ""
    region: str = ""
    threshold: float = 5.0
    anchors: str = ""
    points: str = ""
    negative: str = "zero"
    weighting: str = "noise"
    scaling: Scaling = _AS_TOLD


@dataclass(frozen=True, eq=False)
class Series:
    """A dynamic series ready to be factored.

    Attributes
    ----------
    X : float64, shape (frames, voxels)
        At least 0.
    measured : float32, shape (frames, z, y, x)
        As read; may be below 0.
    scale : float64, shape (frames,)
        What `measured` is multiplied with (decay, SUV).
    frames : float64, shape (frames, 2)
        Start and end in s.
    weights : float64, shape (frames,)
    mask : bool, shape (z, y, x)
    anchor_places : tuple of int arrays
        Flat indices into the volume, per factor.
    unit : str
    below : float
        Share of the values within the mask that were below zero.
    timing, negative : str
        What said the times; what was done to values below zero.
    space : tuple of Axis
        z, y and x of the volume.
    orientation : str
    affine : list of list of float, or None
        From indices x, y, z to mm in the body.
    notes : tuple of str
    misplaced : tuple of str
        What is odd about where a mask or anchors lie.
    """

    X: Array
    measured: NDArray[np.float32]
    scale: Array
    frames: Array
    weights: Array
    mask: Mask
    anchor_places: tuple[NDArray[np.intp], ...]
    unit: str
    below: float
    timing: str
    negative: str
    space: tuple[Axis, ...] = ()
    orientation: str = ""
    affine: object = None
    notes: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()

    @property
    def seconds(self) -> Array:
        """How long each frame lasts."""
        return np.asarray(self.frames[:, 1] - self.frames[:, 0])

    @property
    def middle_min(self) -> Array:
        """Middle of each frame in min."""
        return np.asarray(self.frames.mean(axis=1) / 60)

    @property
    def spacing_mm(self) -> tuple[float, float, float] | None:
        """Size of the voxels along z, y and x; None where no file says it."""
        if any(axis.unit != "mm" or not axis.step for axis in self.space):
            return None
        z, y, x = (abs(axis.step) for axis in self.space)
        return z, y, x

    def anchors(self, rank: int) -> tuple[NDArray[np.intp], ...]:
        """Columns of X that are anchors, per factor."""
        place = np.full(self.mask.size, -1, dtype=np.intp)
        place[np.flatnonzero(self.mask)] = np.arange(self.X.shape[1])
        given = (*self.anchor_places, *[np.empty(0, np.intp)] * rank)[:rank]
        return tuple(place[at][place[at] >= 0] for at in given)

    def mean_curve(self, places: NDArray[np.intp]) -> Array:
        """Mean of what was measured, negative values too, at flat places of the volume."""
        flat = self.measured.reshape(len(self.measured), -1)
        return np.asarray(flat[:, places].mean(axis=1, dtype=np.float64) * self.scale)

    def filled(self, values: Array) -> NDArray[np.float32]:
        """Return a flat volume with values at the voxels of X and zero elsewhere."""
        volume = np.zeros(self.mask.size, np.float32)
        volume[np.flatnonzero(self.mask)] = values
        return volume


def prepare(dataset: Dataset, settings: Settings, rank: int, job: Job) -> Series:
    """Gather what is factored.

    Raises
    ------
    InputProblem
        No frame times, no voxels, negative values that are refused, anchors of factors that are
        not asked for.
    """
    values = np.asarray(dataset.values)
    if dataset.kind != "volume" or values.ndim != 4:
        raise InputProblem(
            f"{dataset.title} is no series of volumes", argument="input", fix="open a dynamic scan"
        )
    frames, timing, notes = _frames(dataset, settings, len(values))
    scale, unit, told = scaled(dataset, settings.scaling, frames)
    affine = affine_of(dataset)
    mask, odd = looked_at(values, frames, settings, affine)
    stop_if_cancelled(job)
    places, more = _anchor_places(settings, mask, rank, affine)
    for at in places:
        mask.ravel()[at] = True
    count = int(mask.sum())
    if count < _LEAST * max(rank, 1):
        raise InputProblem(
            f"the mask holds {count} voxels, too few for {rank} factors",
            argument="mask",
            fix="widen the region, lower the threshold, or ask for fewer factors",
        )
    X = np.empty((len(values), count))
    for k, frame in enumerate(values):
        stop_if_cancelled(job)
        X[k] = frame[mask] * scale[k]
    below = float(np.count_nonzero(X < 0) / X.size)
    # Weights come from the data as measured: taking noise as zero would raise the empty frames.
    half = half_life_s(dataset, settings.scaling)
    weights = frame_weights(X.mean(axis=1), frames, half, settings.weighting)
    X = _nonnegative(X, settings.negative, rank, weights)
    return Series(
        X,
        values,
        scale,
        frames,
        weights,
        mask,
        places,
        unit,
        below,
        timing,
        settings.negative,
        tuple(dataset.axes[1:]),
        str(dataset.meta.get("orientation", "")),
        dataset.meta.get("affine"),
        (*notes, *told),
        tuple(note for note in (odd, more) if note),
    )


def frame_weights(
    mean: Array, frames: Array, half_life_s: float | None, weighting: str = "noise"
) -> Array:
    """Return how much each frame counts, of mean 1, shape (frames,).

    Parameters
    ----------
    mean : float64, shape (frames,)
        Mean activity, corrected for decay.
    frames : float64, shape (frames, 2)
        s.
    half_life_s : float or None
    weighting : {"noise", "duration", "none"}
        Noise: duration · e^(−λt) / mean activity, the inverse variance of counts that were
        corrected for decay.
    """
    seconds = frames[:, 1] - frames[:, 0]
    if weighting == "none":
        return np.ones(len(frames))
    weights = np.array(seconds, dtype=np.float64)
    if weighting == "noise":
        least = _FLOOR * float(np.max(mean)) if np.max(mean) > 0 else 1.0
        weights /= np.maximum(mean, least)
        if half_life_s:
            weights *= np.exp(-_LN2 / half_life_s * frames.mean(axis=1))
    return np.asarray(weights / weights.mean())


def _frames(dataset: Dataset, settings: Settings, count: int) -> tuple[Array, str, list[str]]:
    if settings.frames:
        table = read_frames(Path(settings.frames), count)
        return table.spans, table.source, list(table.notes)
    told, problem = dataset.meta.get("frames"), dataset.meta.get("timing_problem")
    if not told and isinstance(problem, list):
        path, what, fix = problem
        raise FileProblem(Path(path), what, fix=fix)
    if not told:
        raise InputProblem(
            f"nothing says when the frames of {dataset.title} were taken, and frame times are "
            "never guessed",
            argument="frames",
            fix="put the BIDS-PET sidecar (.json) beside it, or give the times as a JSON or TSV "
            "file under Frame times (frames=FILE)",
        )
    notes = dataset.meta.get("notes")
    kept = [str(n) for n in notes] if isinstance(notes, list) else []
    return np.array(told, np.float64), str(dataset.meta.get("timing", "")), kept


def affine_of(dataset: Dataset) -> object:
    """Return what leads from indices x, y, z to mm, as the file says; None where none does."""
    return dataset.meta.get("affine") if dataset.meta.get("orientation") else None


def looked_at(
    values: NDArray[Any], frames: Array, settings: Settings, affine: object = None
) -> tuple[Mask, str]:
    """Return the voxels that a run looks at, shape (z, y, x): mask or threshold, and region.

    With them what is odd about where the mask lies, by the affine of the series.

    Raises
    ------
    FileProblem, InputProblem
        A mask that does not fit, or none left to look at.
    """
    shape = (values.shape[1], values.shape[2], values.shape[3])
    odd = ""
    if settings.mask:
        labels, odd = load_mask(Path(settings.mask), shape, affine)
        mask = labels > 0
        if not mask.any():
            raise InputProblem(
                f"{Path(settings.mask).name} marks no voxel", argument="mask", fix="draw it again"
            )
    elif settings.region.lstrip().startswith(("box", "brush")):
        mask = np.ones(shape, bool)  # what is drawn stands for itself, bright or not
    else:
        mask = _bright(values, frames, settings.threshold)
    if settings.region:
        mask = region_of(settings.region, mask)
        if not mask.any():
            raise InputProblem("the region holds no voxel", argument="region", fix="widen it")
    return mask, odd


def most_looked_at(shape: tuple[int, int, int], settings: Settings) -> int:
    """Return how many voxels a run looks at at most, without reading the series."""
    drawn = settings.region.lstrip().startswith(("box", "brush"))
    if not drawn or settings.mask or check_region(settings.region):
        return int(np.prod(shape))
    return int(region_of(settings.region, np.ones(shape, bool)).sum())


def _bright(values: NDArray[Any], frames: Array, percent: float) -> Mask:
    """Voxels whose mean over time exceeds a share of the bright ones'."""
    seconds = frames[:, 1] - frames[:, 0]
    mean = np.zeros(values.shape[1:])
    for frame, share in zip(values, seconds / seconds.sum(), strict=True):
        mean += share * frame
    top = float(np.quantile(mean, 0.995))
    if top <= 0:
        raise InputProblem(
            "the series holds no activity", argument="input", fix="check how it was exported"
        )
    return np.asarray(mean > percent / 100 * top)


def _anchor_places(
    settings: Settings, mask: Mask, rank: int, affine: object
) -> tuple[tuple[NDArray[np.intp], ...], str]:
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    places = points_of(settings.points, shape, rank)
    odd = ""
    if settings.anchors:
        labels, odd = load_mask(Path(settings.anchors), shape, affine, labels=True)
        if labels.max(initial=0) > rank:
            raise InputProblem(
                f"{Path(settings.anchors).name} labels factor {labels.max()}, {rank} are asked for",
                argument="anchors",
                fix="ask for more factors (rank), or remove the label",
            )
        if labels.max(initial=0) < 1:
            raise InputProblem(
                f"{Path(settings.anchors).name} labels no voxel",
                argument="anchors",
                fix="label voxels of factor 1 with 1, of factor 2 with 2",
            )
        for k in range(rank):
            found = np.flatnonzero(labels.ravel() == k + 1)
            places[k] = np.unique(np.concatenate([places[k], found])).astype(np.intp)
    taken = np.concatenate(places)
    if np.unique(taken).size < taken.size:
        raise InputProblem(
            "anchors of two factors share a voxel",
            argument="anchors",
            fix="move one of them; an anchor belongs to one factor alone",
        )
    return tuple(places), odd


def _nonnegative(X: Array, choice: str, rank: int, weights: Array) -> Array:
    below = X < 0
    if not below.any():
        return X
    if choice == "refuse":
        share = 100 * float(below.mean())
        raise InputProblem(
            f"{share:.1f} % of the values are below zero",
            argument="negative",
            fix="parts only add up: under Below zero take noise as zero (negative=zero) or cut "
            "it (negative=cut)",
        )
    if choice == "cut":
        # The strongest patterns of the weighted series hold the signal; what is left is noise.
        root = np.sqrt(np.maximum(weights, 1e-12))[:, None]
        scaled = X * root
        values, vectors = np.linalg.eigh(scaled @ scaled.T)
        keep = vectors[:, np.argsort(values)[::-1][: rank + _PATTERNS]]
        X = keep @ (keep.T @ scaled) / root
    return np.maximum(X, 0)
