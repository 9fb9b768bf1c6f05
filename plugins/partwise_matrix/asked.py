"""What can be set? The parameters of the analysis of a table, one sentence of help each."""

from __future__ import annotations

from dataclasses import dataclass

from partwise.api import param

__all__ = ["MOST_PARTS", "Params", "loss_of"]

MOST_PARTS = 64


def loss_of(text: str) -> str | float:
    """Return a loss as the engine wants it: a name, or a beta; raises `ValueError`."""
    word = text.strip().lower()
    if word in ("frobenius", "kl", "is"):
        return word
    beta = float(word)
    if not -4 <= beta <= 4:
        raise ValueError(text)
    return beta


def _check_rank(text: str) -> str | None:
    word = text.strip().lower()
    if word == "auto" or (word.isdigit() and 1 <= int(word) <= MOST_PARTS):
        return None
    return f"give auto, or a number from 1 to {MOST_PARTS}"


def _check_loss(text: str) -> str | None:
    try:
        loss_of(text)
    except ValueError:
        return "give frobenius, kl, is, or a beta from -4 to 4"
    return None


@dataclass(frozen=True)
class Params:
    """Parameters in the order of the form."""

    rank: str = param(
        "auto",
        label="Parts",
        check=_check_rank,
        help="How many parts to look for; auto tries several and chooses.",
    )
    loss: str = param(
        "frobenius",
        label="Error",
        kind="open",
        choices={"frobenius": "Squares", "kl": "Counts (KL)", "is": "Ratios (IS)"},
        check=_check_loss,
        help="What a deviation costs: its square, as of counts (Poisson), as a ratio, or a beta.",
    )
    normalise: str = param(
        "none",
        label="Normalise",
        choices={"none": "As it is", "rows": "Rows alike", "columns": "Columns alike"},
        help="Let every row (its largest entry) or column (its mean) count alike.",
    )
    transpose: bool = param(
        False, label="Turn the table", help="Let the columns of the file be the rows."
    )
    negative: str = param(
        "refuse",
        label="Below zero",
        choices={"refuse": "Refuse", "clip": "Take as zero", "shift": "Raise the table"},
        help="What to do with entries below zero.",
    )
    starts: int = param(
        8, ge=1, le=200, advanced=True, help="From how many places the fit is begun."
    )
    most: int = param(
        8,
        ge=2,
        le=MOST_PARTS,
        label="At most",
        advanced=True,
        only="rank=auto | compare=true",
        help="The largest number of parts that auto tries.",
    )
    rank_rule: str = param(
        "heldout",
        label="Choose by",
        choices={
            "heldout": "Hidden entries",
            "stability": "Agreement of starts",
            "line": "Bend of R²",
            "vaf90": "90 % explained",
        },
        advanced=True,
        only="rank=auto",
        help="By which rule auto chooses the number of parts.",
    )
    compare: bool = param(
        False,
        label="Compare numbers",
        advanced=True,
        help="Try other numbers of parts as well where one is asked for; auto always does.",
    )
    weights: str = param(
        "",
        label="Weights",
        kind="file",
        advanced=True,
        help="A table of how much each entry, row or column counts; empty for alike.",
    )
    doubt: bool = param(
        True,
        label="Check uniqueness",
        advanced=True,
        help="Look for other parts that would explain the table as well.",
    )

    @property
    def asked_rank(self) -> int | None:
        """How many parts are asked for; None for auto."""
        word = self.rank.strip().lower()
        return None if word == "auto" else int(word)
