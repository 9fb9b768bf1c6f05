"""How far can the stains be believed? Each line is a number that was computed, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Job, Trust, Verdict, stop_if_cancelled
from partwise_stain.coreset import Coreset
from partwise_stain.optics import White
from partwise_stain.unmix import CLIPPED, MISSED_OD, Census
from partwise_stain.vectors import angle_between, find_vectors

__all__ = ["Steadiness", "lines", "steadiness"]

_RESAMPLES = 40
_COLOURS = 2000  # enough for resampling
_NARROW = 10.0  # degrees; a narrower cone does not tell two stains apart

Vectors = NDArray[np.float64]


@dataclass(frozen=True)
class Steadiness:
    """How vectors move when the tissue is another sample of the same slide, in degrees.

    `spread` holds the 90th percentile over resamples per stain, `halves` the distance between
    vectors found on two disjoint halves; NaN where there was too little to compare.
    """

    spread: tuple[float, ...]
    halves: tuple[float, ...]
    resamples: int


def steadiness(coreset: Coreset, prior: Vectors, kept: dict[int, Vectors], job: Job) -> Steadiness:
    """Resample the spatial cells of the tissue with replacement, and split them in two halves."""
    coreset = coreset.coarser(_COLOURS)
    vectors = find_vectors(coreset, prior, kept=kept).vectors
    cells = coreset.cells.shape[0]
    rng = np.random.default_rng([job.seed, 1])
    moved = np.full((_RESAMPLES, 2), np.nan)
    for number in range(_RESAMPLES):
        stop_if_cancelled(job)
        times = rng.multinomial(cells, np.full(cells, 1 / cells)).astype(float)
        moved[number] = _distance(coreset, times, vectors, prior, kept)
    parity = np.indices((cells // 16, 4, 4)).sum(axis=0).ravel() % 2
    first, second = (
        _found(coreset, (parity == side).astype(float), prior, kept) for side in (0, 1)
    )
    if first is None or second is None:
        apart = [float("nan")] * 2
    else:
        apart = [angle_between(first[:, k], second[:, k]) for k in range(2)]
    with np.errstate(all="ignore"):
        spread = [_high(moved[:, k]) for k in range(2)]
    return Steadiness(tuple(spread), tuple(apart), _RESAMPLES)


def _high(values: Vectors) -> float:
    known = values[np.isfinite(values)]
    return float(np.percentile(known, 90)) if len(known) else float("nan")


def _found(
    coreset: Coreset, times: Vectors, prior: Vectors, kept: dict[int, Vectors]
) -> Vectors | None:
    counts = coreset.counts(times)
    if counts.sum() < 50:
        return None
    return find_vectors(coreset, prior, counts=counts, kept=kept).vectors


def _distance(
    coreset: Coreset, times: Vectors, vectors: Vectors, prior: Vectors, kept: dict[int, Vectors]
) -> tuple[float, float]:
    found = _found(coreset, times, prior, kept)
    if found is None:
        return (float("nan"), float("nan"))
    return angle_between(found[:, 0], vectors[:, 0]), angle_between(found[:, 1], vectors[:, 1])


def lines(
    counted: Census,
    white: White,
    vectors: Vectors,
    names: tuple[str, ...],
    steady: Steadiness | None,
    pen: float,
    prior: Vectors,
) -> tuple[Trust, ...]:
    """Return the trust card."""
    found = [_explained(counted), _missed(counted), _white(white)]
    if steady is not None:
        found += _steady(steady, names)
    found += [_separate(vectors, names), _usual(vectors, prior), _clipped(counted)]
    if "DAB" in names:
        found.append(
            Trust(
                "dab-is-no-dye",
                None,
                "look",
                "The density of DAB does not measure the amount of antigen",
                "DAB scatters light and is deposited by an enzyme: compare areas and grades, and "
                "densities only between slides stained together.",
            )
        )
    if pen > 0.001:
        found.append(
            Trust(
                "pen",
                pen,
                "look",
                f"{_percent(pen)} of the sampled area looks like felt pen",
                "Pen and its fringe were left out when the stains were found.",
            )
        )
    return tuple(found)


def _explained(counted: Census) -> Trust:
    value = counted.explained
    return Trust(
        "explained",
        value,
        _grade(value, 0.97, 0.90),
        f"{_percent(value)} of the squared optical density of tissue is explained",
        "The rest is the residual: look there for pigment, red cells, folds or a third stain.",
    )


def _missed(counted: Census) -> Trust:
    return Trust(
        "not-explained",
        counted.missed,
        _grade(-counted.missed, -0.02, -0.10),
        f"{_percent(counted.missed)} of tissue is not explained",
        f"Pixels whose root mean square residual is above {MISSED_OD:g} OD.",
    )


def _white(white: White) -> Trust:
    levels = ", ".join(f"{level:.0f}" for level in white.levels)
    words: dict[str, tuple[Verdict, str]] = {
        "background": ("good", f"found on {_percent(white.share)} of the image that is background"),
        "brightest": ("look", "guessed, as no flat background was found"),
        "given": ("good", "set by hand"),
    }
    verdict, how = words[white.how]
    return Trust(
        "white-point",
        white.share if white.how == "background" else None,
        verdict,
        f"White is {levels}, {how}",
        "Ten levels of error turn the stain vectors by one to two degrees; "
        "set it by hand where you know it.",
    )


def _steady(steady: Steadiness, names: tuple[str, ...]) -> list[Trust]:
    told = [
        Trust(
            f"bootstrap-{name.lower()}",
            spread,
            _grade(-spread, -2.0, -5.0),
            f"{name} ± {spread:.1f}° when the tissue is resampled",
            f"90th percentile of {steady.resamples} resamples of the tissue, by area.",
        )
        for name, spread in zip(names, steady.spread, strict=False)
        if np.isfinite(spread)
    ]
    if all(np.isfinite(steady.halves)):
        worst = max(steady.halves)
        told.append(
            Trust(
                "halves",
                worst,
                _grade(-worst, -2.0, -5.0),
                f"{worst:.1f}° between two disjoint halves of the tissue",
                "Found on one half of the sampled fields and on the other; the worse of two.",
            )
        )
    return told


def _separate(vectors: Vectors, names: tuple[str, ...]) -> Trust:
    value = angle_between(vectors[:, 0], vectors[:, -1])
    pair = f"{names[0]} and {names[-1].lower()}"
    if len(names) < 2 or value < _NARROW:
        return Trust(
            "separation",
            value,
            "bad",
            f"{value:.0f}° between the stains: not determined",
            f"{pair} are too alike here to be told apart; fix their vectors from another slide.",
        )
    return Trust(
        "separation",
        value,
        _grade(value, 15.0, _NARROW),
        f"{value:.0f}° between {pair}",
        "The wider the angle, the less noise passes from one stain into the other.",
    )


def _usual(vectors: Vectors, prior: Vectors) -> Trust:
    worst = min(max(angle_between(vectors[:, k], pair[:, k]) for k in range(2)) for pair in prior)
    return Trust(
        "usual",
        worst,
        _grade(-worst, -8.0, -20.0),
        f"{worst:.1f}° from the nearest published pair of vectors",
        "Worse of the two stains. Far from all published pairs, look at the residual for ink or "
        "pigment that was taken for a stain.",
    )


def _clipped(counted: Census) -> Trust:
    return Trust(
        "saturation",
        counted.clipped,
        _grade(-counted.clipped, -0.01, -0.05),
        f"{_percent(counted.clipped)} of tissue is too dark to be measured",
        f"Pixels with a channel at level {CLIPPED} or below; their concentrations are too low.",
    )


def _grade(value: float, good: float, look: float) -> Verdict:
    if value >= good:
        return "good"
    return "look" if value >= look else "bad"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
