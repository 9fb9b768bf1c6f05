"""How far can the stains be believed? Each line is a number that was computed, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import Job, Trust, Verdict, graded, stop_if_cancelled
from partwise_stain.coreset import Coreset
from partwise_stain.optics import White
from partwise_stain.unmix import CLIPPED, MISSED_OD, Census
from partwise_stain.vectors import angle_between, blood_beside, find_vectors

__all__ = ["Steadiness", "in_sentence", "lines", "percent", "steadiness"]

_RESAMPLES = 40
_COLOURS = 2000  # enough for resampling
_BLOODY = 0.03  # share of tissue with the hue of red cells that is worth a line
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
    coreset: Coreset,
    prior: Vectors,
) -> tuple[Trust, ...]:
    """Return the trust card: a short finding with its number each, and one line on it."""
    pen = coreset.pen
    found = [_explained(counted), _missed(counted), _white(white)]
    if steady is not None:
        found += _steady(steady, names)
    found += [_separate(vectors, names), _usual(vectors, prior), _clipped(counted)]
    odd = counted.red_cells + counted.pigment
    if odd > 0.001 and "DAB" not in names:
        found.append(_something_else(counted, odd))
    if coreset.blood > 0.001 and "DAB" not in names and vectors.shape[1] > 1:
        found += _blood(coreset.blood, blood_beside(coreset, vectors), counted.red_cells)
    if "DAB" in names:
        found.append(
            Trust(
                "dab-is-no-dye",
                None,
                "look",
                "DAB's density does not measure antigen",
                "It scatters, and an enzyme deposits it: compare areas and grades, not densities.",
            )
        )
    if pen > 0.001:
        found.append(
            Trust(
                "pen",
                pen,
                "look",
                f"{percent(pen)} looks like felt pen",
                "With its fringe, of the sampled area; a wide bleeding may look the same.",
            )
        )
    return tuple(found)


def _explained(counted: Census) -> Trust:
    value = counted.explained
    # Clean sections reach 99 % and more; those with 3 % lost showed pigment, ink or clipped
    # nuclei wherever we looked, and 10 % is a stain that was not modelled.
    return Trust(
        "explained",
        value,
        graded(value, 0.97, 0.90),
        f"{percent(value)} of optical density explained",
        "Of its sum of squares over tissue; the rest is the residual.",
    )


def _missed(counted: Census) -> Trust:
    # A few per cent of red cells and pigment are usual; a tenth of tissue is more than an aside.
    return Trust(
        "not-explained",
        counted.missed,
        graded(-counted.missed, -0.02, -0.10),
        f"{percent(counted.missed)} of tissue not explained",
        f"More than {MISSED_OD:g} OD is left: see the residual for pigment, red cells, pen.",
    )


def _something_else(counted: Census, odd: float) -> Trust:
    # Told by hue among the pixels that are not explained, so never more than those. Melanin and
    # haemosiderin differ too little in three channels to be told apart.
    kinds = [("red cells", counted.red_cells), ("brown pigment", counted.pigment)]
    seen = sorted(((share, name) for name, share in kinds if share > 0.001), reverse=True)
    name = seen[0][1] if seen else "red cells"
    parts = ", ".join(f"{percent(share)} {name}" for share, name in seen) or percent(odd)
    parts = parts.replace("pigment", "pigment (melanin or haemosiderin)")
    return Trust(
        "something-else",
        odd,
        graded(-odd, -0.02, -0.10),
        f"{percent(odd)} looks like {name}" + (" and more" if len(seen) > 1 else ""),
        f"By hue, of tissue: {parts}.",
    )


def _blood(share: float, beside: float, told: float) -> list[Trust]:
    # Clean sections had up to 3 % of it. With a tenth and little tissue, or as much as a quarter of
    # all that is nearer to eosin, the eosin was up to 30 degrees off where nothing else told it;
    # else it was found beside more (tuning split, tissue with little eosin).
    much = share > 0.10 or beside > 0.20
    if share <= told or not (much or share > _BLOODY):
        return []
    return [
        Trust(
            "blood",
            share,
            "bad" if much else "look",
            f"{percent(share)} of tissue has the hue of blood",
            f"{percent(beside, 0)} of what is pink or red: it may be taken for eosin.",
        )
    ]


def _white(white: White) -> Trust:
    levels = ", ".join(f"{level:.0f}" for level in white.levels)
    words: dict[str, tuple[Verdict, str]] = {
        "background": ("good", f" · found on {percent(white.share, 0)}"),
        "brightest": ("look", " · guessed"),
        "given": ("good", " · set by hand"),
    }
    verdict, how = words[white.how]
    detail = "Light where there is no tissue; ten levels of error turn the vectors by 1 to 2°."
    if white.how == "brightest":
        detail = "No even background was found: set it by hand where you know it."
    return Trust(
        "white-point",
        white.share if white.how == "background" else None,
        verdict,
        f"White {levels}{how}",
        detail,
    )


def _steady(steady: Steadiness, names: tuple[str, ...]) -> list[Trust]:
    # Two degrees change a concentration by some 5 %; five degrees are as far as one published
    # pair is from the next, so that nothing was learnt from the slide.
    told = [
        Trust(
            f"bootstrap-{name.lower()}",
            spread,
            graded(-spread, -2.0, -5.0),
            f"{name} ± {spread:.1f}°" if spread >= 0.1 else f"{name} moves < 0.1°",
            f"When tissue is resampled {steady.resamples} times; bias is not in it.",
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
                graded(-worst, -2.0, -5.0),
                f"{_degrees(worst)} between two halves",
                "Found on disjoint halves of the tissue; the worse of the stains.",
            )
        )
    return told


def _separate(vectors: Vectors, names: tuple[str, ...]) -> Trust:
    value = angle_between(vectors[:, 0], vectors[:, -1])
    pair = f"{in_sentence(names[0])} and {in_sentence(names[-1])}"
    # Noise in a concentration grows as 1 / sin of this angle: fourfold at 15°, sixfold at 10°.
    if len(names) < 2 or value < _NARROW:
        return Trust(
            "separation",
            value,
            "bad",
            f"{value:.0f}° between stains: not determined",
            f"Here {pair} are too alike; fix their vectors from another slide.",
        )
    return Trust(
        "separation",
        value,
        graded(value, 15.0, _NARROW),
        f"{value:.0f}° between the stains",
        f"Of {pair}: the wider, the less noise passes from one to the other.",
    )


def _usual(vectors: Vectors, prior: Vectors) -> Trust:
    # Published pairs lie up to 13° from their middle, and a laboratory of its own some way off.
    worst = min(max(angle_between(vectors[:, k], pair[:, k]) for k in range(2)) for pair in prior)
    return Trust(
        "usual",
        worst,
        graded(-worst, -10.0, -20.0),
        f"{_degrees(worst)} from published vectors",
        "The worse of two, to the nearest pair; if far, look for ink taken for a stain.",
    )


def _clipped(counted: Census) -> Trust:
    # Clipped pixels read too low; below one in a hundred no mean or area moves visibly.
    return Trust(
        "saturation",
        counted.clipped,
        graded(-counted.clipped, -0.01, -0.05),
        f"{percent(counted.clipped)} of tissue too dark to measure",
        f"A channel is at level {CLIPPED} or below: concentrations there are too low.",
    )


def in_sentence(name: str) -> str:
    """Return a stain's name as it stands within a sentence: acronyms stay capitals."""
    return name if name.isupper() else name.lower()


def percent(value: float, digits: int = 1) -> str:
    """Words for a share, never more exact than its digits: ``< 0.1 %``, ``> 99.9 %``."""
    step = 10.0**-digits
    scaled = 100 * value
    if 0 < scaled < step:
        return f"< {step:.{digits}f} %"
    if 100 - step < scaled < 100:
        return f"> {100 - step:.{digits}f} %"
    return f"{scaled:.{digits}f} %"


def _degrees(value: float) -> str:
    return "< 0.1°" if value < 0.1 else f"{value:.1f}°"
