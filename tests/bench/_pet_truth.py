"""Simulated scans whose truth is known, and what every method is measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt

from partwise_pet.beside import beside_of
from partwise_pet.core import Core, cores_of
from partwise_pet.doubt import Blood, blood_check
from partwise_pet.evidence import OFF
from partwise_pet.kinetics import Line, patlak
from partwise_pet.phantom import HALF_LIFE_S, Body, Phantom, Tissue, body_of, make_phantom
from partwise_pet.question import Factors, Question
from partwise_pet.scale import scaled_by_core
from partwise_pet.series import frame_weights
from partwise_pet.uptake import uptakes_of

Array = NDArray[np.float64]

LATE_S, PATLAK_MIN = 1200.0, 15.0


@dataclass(frozen=True, eq=False)
class Case:
    """A scan within its heart box, and the question that it poses."""

    scan: Phantom
    box: NDArray[np.bool_]
    question: Question


@dataclass(frozen=True)
class Row:
    """What a method did: shares, not per cent; the curve errors at the best scale."""

    blood: float
    late: float
    image: float
    tissue: float
    tissue_image: float
    ki: float
    within: float  # 1 where the band of Ki holds the truth, 0 where not, NaN where there is none
    width: float  # half the band of Ki, as a share of it
    flagged: bool
    late_scaled: float


def body(kind: str) -> Body | str:
    """Return a geometry by name; ``"other"`` shares no number with those that were tuned on."""
    if kind != "other":
        return kind
    plain = body_of("small")
    swollen = tuple(
        replace(s, half=(1.22 * s.half[0], 1.22 * s.half[1], 1.22 * s.half[2]))
        if s.name in ("LV", "RV", "myo")
        else s
        for s in plain.shapes
    )
    tissues = {
        "myo": Tissue(0.85, 0.9, 0.06, 0.003, 0.12),
        "lung": Tissue(0.12, 1.1, 0.006, 0.0, 0.16),
        "soft": Tissue(0.06, 0.5, 0.012, 0.0, 0.04),
        "liver": Tissue(0.9, 0.8, 0.002, 0.001, 0.05),
    }
    return Body(swollen, tissues, blur_mm=7.0)


def walled(wall_mm: float, cavity_mm: float, blur_mm: float) -> Body:
    """The large heart with a left ventricle of another size and wall behind another blur."""
    plain = body_of("heart")
    long = 1.4 * cavity_mm
    sizes = {
        "LV": (cavity_mm, cavity_mm, long),
        "myo": (cavity_mm + wall_mm, cavity_mm + wall_mm, long + wall_mm),
    }
    left = plain.shapes[-1].middle
    shapes = tuple(
        replace(s, half=sizes[s.name]) if s.name in sizes and s.middle == left else s
        for s in plain.shapes
    )
    return replace(plain, shapes=shapes, blur_mm=blur_mm)


def case(kind: str | Body, alpha: float, seed: int, rank: int = 4) -> Case:
    """Simulate a scan; kinetics and sizes differ by ±20 % from seed to seed."""
    told = body(kind) if isinstance(kind, str) else kind
    scan = make_phantom(told, seed=seed, alpha=alpha, vary=0.2)
    box = _box(scan)
    raw = scan.values[:, box].astype(np.float64)
    weights = frame_weights(raw.mean(axis=1), scan.frames, HALF_LIFE_S)
    step = scan.spacing_mm
    question = Question(
        np.maximum(raw, 0), weights, scan.frames, box, rank, spacing_mm=(step, step, step)
    )
    return Case(scan, box, question)


def _box(scan: Phantom) -> NDArray[np.bool_]:
    """The heart with a rim of a voxel; a head as a whole."""
    if "grey" in scan.names:
        return np.asarray(scan.labels > 0)
    names = [n for n in ("RV", "LV", "myo") if n in scan.names]
    inside = np.isin(scan.labels, [1 + scan.factor(n) for n in names])
    box = np.zeros_like(inside)
    spans = []
    for axis in range(3):
        other = tuple(a for a in range(3) if a != axis)
        at = np.flatnonzero(inside.any(axis=other))
        spans.append(slice(max(int(at[0]) - 1, 0), int(at[-1]) + 2))
    box[tuple(spans)] = True
    return box


def main_tissue(scan: Phantom) -> str:
    """The tissue whose uptake is asked for."""
    return "myo" if "myo" in scan.names else "grey"


def middle_of(scan: Phantom, name: str) -> tuple[int, int, int]:
    """The voxel deepest inside, where a person would click."""
    deep = distance_transform_edt(scan.labels == 1 + scan.factor(name))
    z, y, x = np.unravel_index(int(np.argmax(deep)), deep.shape)
    return int(z), int(y), int(x)


def anchors(one: Case, shift: tuple[int, int, int] = (0, 0, 0)) -> tuple[NDArray[np.intp], ...]:
    """Clicks into both pools and the tissue: each a voxel and its six neighbours."""
    place = np.full(one.box.size, -1)
    place[np.flatnonzero(one.box)] = np.arange(int(one.box.sum()))
    found = []
    for name in [n for n in ("RV", "LV", main_tissue(one.scan)) if n in one.scan.names]:
        z, y, x = (v + d for v, d in zip(middle_of(one.scan, name), shift, strict=True))
        near = [(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
        flat = [
            np.ravel_multi_index((z + a, y + b, x + c), one.box.shape, mode="clip")
            for a, b, c in near
        ]
        columns = place[np.array(flat)]
        found.append(np.unique(columns[columns >= 0]).astype(np.intp))
    while len(found) < one.question.rank:
        found.append(np.empty(0, np.intp))
    return tuple(found)


def region(scan: Phantom, name: str) -> Array:
    """Mean curve of a true region, peeled by a voxel or two while twenty are left."""
    mask = scan.labels == 1 + scan.factor(name)
    for _ in range(2):
        inner = binary_erosion(mask)
        if inner.sum() < 20:
            break
        mask = inner
    return np.asarray(scan.values[:, mask].mean(axis=1), np.float64)


def ki_of(scan: Phantom, tissue: Array, blood: Array) -> float:
    """Patlak slope after 15 min."""
    t, frames = scan.frames.mean(axis=1) / 60, scan.frames / 60
    line = patlak(tissue[None], t, blood, PATLAK_MIN, frames_min=frames)
    return float(line.slope[0])


def true_ki(scan: Phantom) -> float:
    """The same with the true curves."""
    truth = scan.curves
    return ki_of(scan, truth[scan.factor(main_tissue(scan))], truth[scan.factor("LV")])


def measure(one: Case, found: Factors, given: tuple[NDArray[np.intp], ...] = ()) -> Row:
    """Measure factors against the truth; which is which is told by the images."""
    scan = one.scan
    cores = cores_of(found.H, one.box, given, found.W)
    places = np.flatnonzero(one.box)
    flat = scan.values.reshape(len(scan.values), -1)
    roi = [flat[:, places[core.columns]].mean(axis=1, dtype=np.float64) for core in cores]
    loose, found = found, scaled_by_core(found, cores, roi, one.question)
    tissue = main_tissue(scan)
    likeness = np.nan_to_num(
        [
            [_alike(h, scan.images[scan.factor(name)][one.box]) for name in ("LV", tissue)]
            for h in found.H
        ]
    )
    k = int(likeness[:, 0].argmax())
    others = likeness[:, 1].copy()
    others[k] = -2
    j = int(others.argmax())
    checks = blood_check(found, cores, roi, scan.frames)
    flagged = not checks or any(
        abs(each.off) > OFF[1] or thin(found, cores[each.factor], each) for each in checks
    )
    blood, muscle = scan.curves[scan.factor("LV")], scan.curves[scan.factor(tissue)]
    return Row(
        off(found.W[:, k], blood),
        late(scan, found.W[:, k], blood, scale=True),
        float(likeness[k, 0]),
        off(found.W[:, j], muscle),
        float(likeness[j, 1]),
        ki_of(scan, found.W[:, j], found.W[:, k]) / true_ki(scan) - 1,
        *_band(one, loose, found, cores, roi, j),
        flagged,
        _worst_pool(one, found),
    )


def _band(
    one: Case,
    loose: Factors,
    found: Factors,
    cores: Sequence[Core],
    roi: Sequence[Array],
    tissue: int,
) -> tuple[float, float]:
    """Whether the band that a person sees beside Ki holds the truth, and half its width."""
    if not found.blood or found.own_of(tissue) is None:
        return float("nan"), float("nan")
    frames = one.scan.frames / 60

    def line_of(each: Factors) -> Line:
        return patlak(
            each.W.T, frames.mean(axis=1), each.W[:, each.blood[-1]], PATLAK_MIN,
            weights=one.question.weights, frames_min=frames,
        )  # fmt: skip

    beside = beside_of(loose, found, cores, roi, one.question, line_of)
    for each in uptakes_of(found, line_of(found), from_factor=True, beside=beside):
        if each.factor == tissue:
            within = each.low <= true_ki(one.scan) <= each.high
            return float(within), (each.high - each.low) / (2 * each.ki)
    return float("nan"), float("nan")


def _worst_pool(one: Case, found: Factors) -> float:
    """The largest error of any pool of blood, in the unit of the data, as a person reads it."""
    scan, worst = one.scan, 0.0
    for name in [n for n in ("RV", "LV") if n in scan.names]:
        image = scan.images[scan.factor(name)][one.box]
        likeness = [_alike(h, image) for h in found.H]
        curve = found.W[:, int(np.argmax(likeness))]
        off_late = late(scan, curve, scan.curves[scan.factor(name)], scale=False)
        worst = off_late if abs(off_late) > abs(worst) else worst
    return worst


def _alike(one: Array, other: NDArray[Any]) -> float:
    """Correlation; 0 for a factor that is nowhere."""
    return float(np.corrcoef(one, other)[0, 1]) if np.ptp(one) > 0 else 0.0


def thin(found: Factors, core: Core, each: Blood) -> bool:
    """Whether the card warns of partial volume in words that cannot be overlooked."""
    return core.thin and core.purity < 0.8 and found.spill_of(each.factor) is None


def of_regions(one: Case) -> Row:
    """The same numbers for plain regions of interest that know the truth."""
    scan, tissue = one.scan, main_tissue(one.scan)
    blood, muscle = region(scan, "LV"), region(scan, tissue)
    true_blood, true_muscle = scan.curves[scan.factor("LV")], scan.curves[scan.factor(tissue)]
    return Row(
        off(blood, true_blood),
        late(scan, blood, true_blood, scale=True),
        float("nan"),
        off(muscle, true_muscle),
        float("nan"),
        ki_of(scan, muscle, blood) / true_ki(scan) - 1,
        float("nan"),
        float("nan"),
        False,
        late(scan, blood, true_blood, scale=False),
    )


def off(curve: Array, truth: Array) -> float:
    """Length of the error over that of the truth, at the scale that fits best."""
    fitted = curve * (curve @ truth) / max(float(curve @ curve), 1e-30)
    return float(np.linalg.norm(fitted - truth) / np.linalg.norm(truth))


def late(scan: Phantom, curve: Array, truth: Array, *, scale: bool) -> float:
    """Mean after 20 min over the truth's, minus 1; scaled to fit, or as the core scales it."""
    if scale:
        curve = curve * (curve @ truth) / max(float(curve @ curve), 1e-30)
    after = scan.frames[:, 0] >= LATE_S
    return float(curve[after].mean() / truth[after].mean() - 1)
