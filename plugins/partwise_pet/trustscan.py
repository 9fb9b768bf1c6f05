"""What do the frames, the values and the fit say for themselves?"""

from __future__ import annotations

from partwise.api import Trust, graded
from partwise_pet.count import Counted
from partwise_pet.evidence import Evidence
from partwise_pet.series import Series

__all__ = [
    "below_lines",
    "converged_line",
    "count_line",
    "explained_line",
    "placed_lines",
    "timing_line",
]

_NEGATIVE = 0.15, 0.40


def explained_line(evidence: Evidence) -> Trust:
    """Return the share of the weighted squares that all factors explain."""
    share = evidence.explained
    return Trust(
        "explained",
        share,
        graded(share, 0.9, 0.7),
        f"{100 * share:.1f} % explained",
        "Of the weighted sum of squares, about zero. A blood curve that is far too low explains "
        "as much: this number does not speak for the curves.",
    )


def count_line(counted: Counted) -> Trust:
    """Return how many factors there are, and how alike two halves found them."""
    place = counted.rank.index(counted.chosen) if counted.chosen in counted.rank else -1
    agreement = counted.agreement[place] if place >= 0 else 0.0
    return Trust(
        "rank",
        float(counted.chosen),
        graded(agreement, 0.97, 0.9),
        f"{counted.chosen} factors: {counted.why}",
        f"Lowest cosine of the curves of both halves: {agreement:.3f}. More factors may be real "
        "and too faint to be found twice; fewer merge what behaves alike.",
    )


def timing_line(series: Series) -> Trust:
    """Return where the times come from, and what is odd about them."""
    notes = " ".join(series.notes)
    loud = "1 s" in notes and "check the frame table" in notes
    gaps = "gap" in notes
    first, last = series.frames[0, 0] / 60, series.frames[-1, 1] / 60
    return Trust(
        "timing",
        float(last - first),
        "bad" if loud else "look" if gaps else "good",
        "Every frame lasts 1 s: hardly true"
        if loud
        else f"{len(series.frames)} frames over {last - first:.1f} min",
        f"Times from {series.timing}. {notes}".strip(),
    )


def placed_lines(series: Series) -> list[Trust]:
    """Return what is odd about where a mask or anchors lie."""
    if not series.misplaced:
        return []
    detail = " ".join(series.misplaced)
    text = "The mask or anchors say that they lie elsewhere"
    return [Trust("placed", None, "look", text, f"{detail} Look at the region before you go on.")]


def below_lines(series: Series) -> list[Trust]:
    """Return how much was below zero, and what was done about it."""
    if series.below <= 0:
        return []
    done = "were taken as zero" if series.negative == "zero" else "had their noise cut first"
    return [
        Trust(
            "negative",
            series.below,
            graded(-series.below, -_NEGATIVE[0], -_NEGATIVE[1]),
            f"{100 * series.below:.1f} % of the values were below zero and {done}",
            "Noise about zero does this in short early frames. Region curves keep negative values.",
        )
    ]


def converged_line(evidence: Evidence) -> Trust:
    """Return whether the fit had come to rest."""
    fit = evidence.found.fit
    ended = {
        "converged": "the error had stopped falling",
        "max_iter": "the largest number of steps was reached",
        "cancelled": "it was stopped",
    }.get(fit.stop, fit.stop)
    return Trust(
        "converged",
        float(fit.kkt),
        "good" if fit.stop == "converged" else "look",
        "The fit stands still" if fit.stop == "converged" else "The fit still moved",
        f"Ended after {fit.iterations} steps, as {ended}.",
    )
