"""Which flags of a slide belong into its report? Shares as numbers, and lines of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise.api import Trust, Verdict
from partwise_stain.numbers import Number
from partwise_stain.quality import FLAGS, LEFT_OUT, Slide
from partwise_stain.trust import in_sentence, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["flag_lines", "flag_numbers"]

# Shares from which a flag is worth a look, and from which it is bad: a fold or a blurred corner of
# a fiftieth moves no number visibly, a tenth moves all of them.
_LIMITS = {
    "fold": (0.02, 0.10),
    "blur": (0.02, 0.10),
    "bright": (0.02, 0.20),
    "balance": (0.05, 0.20),
}
_TOLD = ("fold", "blur", "bright", "balance")
_WORDS = {
    "fold": "of tissue lies in folds",
    "blur": "of tissue is out of focus",
    "bright": "is brighter than the white",
    "balance": "of tissue has another stain balance",
}


def flag_numbers(slide: Slide) -> tuple[Number, ...]:
    """Return the shares of the flags that the other numbers do not tell."""
    return tuple(
        Number(
            flag.name,
            100 * slide.shares[flag.key],
            "%",
            f"{'Of tissue' if flag.of_tissue else 'Of the slide'}. {flag.help}",
        )
        for flag in FLAGS
        if flag.key in _TOLD and flag.key in slide.shares
    )


def flag_lines(slide: Slide, left: NDArray[np.bool_] | None) -> tuple[Trust, ...]:
    """Return a line for each flag that is worth a look, and one on what numbers leave out."""
    told = []
    helps = {flag.key: flag.help for flag in FLAGS}
    for key in _TOLD:
        share = slide.shares.get(key, 0.0)
        look, bad = _LIMITS[key]
        if share >= look:
            verdict: Verdict = "bad" if share >= bad else "look"
            told.append(Trust(key, share, verdict, f"{percent(share)} {_WORDS[key]}", helps[key]))
    if left is not None:
        every = slide.masks["tissue"] | slide.masks["pen"]
        share = float((left & every).sum() / max(int(every.sum()), 1))
        names = {flag.key: in_sentence(flag.name) for flag in FLAGS}
        found = [names[key] for key in LEFT_OUT if slide.shares.get(key, 0.0) > 0.0005]
        told.append(
            Trust(
                "left-out",
                share,
                "look" if share > 0.1 else "good",
                f"{percent(share)} left out of the numbers",
                f"Of tissue and ink: {', '.join(found) or 'nothing was flagged'}.",
            )
        )
    return tuple(told)
