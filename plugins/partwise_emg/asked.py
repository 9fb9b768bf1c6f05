"""What can be set? The parameters of the synergy analysis, one sentence of help each."""

from __future__ import annotations

from dataclasses import dataclass

from partwise.api import param

__all__ = ["Params"]

_MOST_PARTS = 32


def _check_rank(text: str) -> str | None:
    if text.strip().lower() == "auto":
        return None
    if text.strip().isdigit() and 1 <= int(text) <= _MOST_PARTS:
        return None
    return f"give auto, or a number from 1 to {_MOST_PARTS}"


def _check_cycles(text: str) -> str | None:
    bad = [piece for piece in text.replace(";", ",").split(",") if piece.strip()]
    bad = [piece for piece in bad if not piece.strip().isdigit()]
    return f"give numbers of cycles such as 2, 5; {bad[0].strip()} is none" if bad else None


@dataclass(frozen=True)
class Params:
    """Parameters in the order of the form."""

    rank: str = param(
        "auto",
        label="Synergies",
        check=_check_rank,
        help="How many synergies to look for; auto tries several and chooses by the rule.",
    )
    rank_rule: str = param(
        "line",
        label="Choose by",
        choices={
            "line": "Bend of R²",
            "vaf90": "VAF ≥ 0.90",
            "muscles90": "0.90 in each muscle",
            "stability": "Agreement of starts",
            "heldout": "Hidden entries",
        },
        only="rank=auto",
        help="By which rule auto chooses how many; what the others say is told beside it.",
    )
    events: str = param(
        "",
        label="Gait events",
        kind="file",
        only="preprocessed=false",
        help="A table with touchdown_s and liftoff_s; empty for those of the file.",
    )
    channels: str = param(
        "",
        label="Channels",
        help="Names or numbers, TA, SO or 1-8; -RF leaves one out; empty for all EMG found.",
    )
    preset: str = param(
        "santuz",
        label="Filter",
        choices={"santuz": "Santuz 2022", "clark": "Clark 2010", "own": "Own corners"},
        only="preprocessed=false",
        help="High-pass before and low-pass after rectification: 50 and 20 Hz (Santuz 2022), "
        "40 and 4 Hz (Clark 2010), or your own.",
    )
    preprocessed: bool = param(
        False,
        label="Already envelopes",
        help="Factor the table as it stands: no filter, no scaling, no cycle dropped.",
    )
    compare: str = param(
        "none",
        label="Compare",
        choices={
            "none": "Nothing",
            "file": "File or norm",
            "sides": "Left with right",
            "trials": "All trials",
        },
        help="What to set the synergies against.",
    )
    against: str = param(
        "",
        label="Compare with",
        kind="file",
        only="compare=file",
        help="Another recording, a table of synergies, or a norm; its events as columns beside it.",
    )
    trial: str = param(
        "", label="Trial", help="Which trial of a file that holds several; empty for the first."
    )
    groups: str = param(
        "",
        label="Groups",
        kind="file",
        only="compare=trials",
        advanced=True,
        help="A table with trial and group, for statistics; empty to go by names such as walk/P1.",
    )
    highpass: float = param(
        50.0,
        ge=1,
        le=500,
        unit="Hz",
        label="High-pass",
        advanced=True,
        only="preset=own",
        help="For own corners.",
    )
    lowpass: float = param(
        20.0,
        ge=0.5,
        le=100,
        unit="Hz",
        label="Low-pass",
        advanced=True,
        only="preset=own",
        help="For own corners.",
    )
    notch: str = param(
        "none",
        label="Mains",
        choices={"none": "Leave", "50": "Take 50 Hz out", "60": "Take 60 Hz out"},
        advanced=True,
        only="preprocessed=false",
        help="Take the hum of the mains and its harmonics out.",
    )
    side: str = param(
        "auto",
        label="Events of",
        choices={"auto": "The side with most", "left": "Left", "right": "Right"},
        advanced=True,
        only="events=",
        help="Whose gait events of the file cut the cycles.",
    )
    marks: str = param(
        "",
        label="Marked events",
        advanced=True,
        only="events=",
        help="Touch-down:lift-off in seconds, 1.41:2.07, 2.45:3.11; in place of a file.",
    )
    average: bool = param(
        False,
        label="Mean cycle",
        advanced=True,
        only="preprocessed=false",
        help="Factor the mean of the cycles in place of all of them one after the other.",
    )
    drop_first: bool = param(
        True,
        label="Drop first cycle",
        advanced=True,
        only="preprocessed=false",
        help="The filter still settles in it.",
    )
    cycles: int = param(
        0,
        ge=0,
        le=10_000,
        label="Cycles at most",
        advanced=True,
        only="preprocessed=false",
        help="0 takes all of them.",
    )
    reject: str = param(
        "",
        label="Rejected cycles",
        check=_check_cycles,
        advanced=True,
        only="preprocessed=false",
        help="Numbers of cycles to leave out, 2, 5.",
    )
    starts: int = param(
        20, ge=1, le=500, advanced=True, help="From how many places each fit is begun."
    )
    bootstrap: int = param(
        200,
        ge=0,
        le=10_000,
        label="Resamples",
        advanced=True,
        help="How often cycles are drawn anew for intervals; 0 for none.",
    )
    model: str = param(
        "plain",
        label="Model",
        choices={"plain": "Together", "delayed": "With delays"},
        advanced=True,
        help="Whether muscles of a synergy act together, or each with a delay of its own.",
    )
    delay: float = param(
        10.0,
        ge=1,
        le=50,
        unit="% of cycle",
        label="Longest delay",
        advanced=True,
        only="model=delayed",
        help="For the model with delays.",
    )
    doubt: bool = param(
        True,
        label="Check uniqueness",
        advanced=True,
        help="Look for other synergies that would explain the envelopes as well.",
    )
