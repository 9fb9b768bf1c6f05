"""With whom are synergies compared, and what comes of it? Sides, files, norms."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem, Job, Part, View
from partwise_emg.asked import Params
from partwise_emg.merging import Merging, Sums, merging, sums_of
from partwise_emg.norm import Norm, read_norm, walk_dmc
from partwise_emg.prepared import Prepared, prepare
from partwise_emg.similar import Likeness, common_muscles, likeness
from partwise_emg.synergies import Found, order_in_time, scan_ranks, settle, turned
from partwise_emg.text import as_text, rows_of

__all__ = [
    "Against",
    "Other",
    "compare_with",
    "find_quietly",
    "other_of",
    "protocol_of",
    "sides_of",
]

Array = NDArray[np.floating[Any]]

_FEWEST_MUSCLES = 4
_SCAN_STARTS = 10
_SIDES = {"left": ("l", "lt", "left"), "right": ("r", "rt", "right")}


@dataclass(frozen=True, eq=False)
class Other:
    """What synergies are set against.

    `data` are matrices in which its modules are known (none for a table of synergies), each with
    `points` columns a cycle.
    """

    name: str
    muscles: tuple[str, ...]
    W: NDArray[np.float64]
    data: tuple[NDArray[np.float64], ...] = ()
    points: int = 0
    norm: Norm | None = None


@dataclass(frozen=True, eq=False)
class Against:
    """One comparison, done: likeness, ours as sums of theirs, and tests of merging both ways."""

    other: Other
    muscles: tuple[str, ...]
    like: Likeness
    ours_of_theirs: Sums
    merged: Merging | None
    split: Merging | None
    dmc: float | None
    notes: tuple[str, ...] = ()


def compare_with(
    prepared: Prepared, W: Array, other: Other, vaf1: float, protocol: dict[str, Any], job: Job
) -> Against:
    """Set synergies against others of the same muscles, or of those that both have.

    Raises
    ------
    InputProblem
        Too few muscles in common.
    """
    mine, theirs, names = common_muscles(prepared.muscles, other.muscles)
    if len(mine) < _FEWEST_MUSCLES:
        raise InputProblem(
            f"{other.name} has {len(mine)} muscles in common with {len(prepared.muscles)} here "
            f"({', '.join(other.muscles[:8])})",
            argument="against",
            fix="name the muscles alike in both files",
        )
    notes = []
    if len(mine) < len(prepared.muscles) or len(theirs) < len(other.muscles):
        notes.append(f"compared over the {len(mine)} muscles that both have")
    A, B = np.asarray(W)[mine], other.W[theirs]
    ours = [prepared.X[mine]]
    data = [X[theirs] for X in other.data]
    same = other.points == prepared.cycles.points and prepared.cycles.points > 1
    merged = split = None
    if data and same and B.shape[1] > 1:
        merged = merging(ours[0], B, data, other.points, job.seed)
    if data and same and A.shape[1] > 1 and other.norm is None:
        split = merging(data[0], A, ours, other.points, job.seed)
    dmc = None
    if other.norm is not None:
        wrong = [key for key, value in other.norm.protocol.items() if protocol.get(key) != value]
        if wrong:
            notes.append(f"no walk-DMC: the norm differs in {', '.join(wrong)}")
        else:
            dmc = walk_dmc(vaf1, other.norm)
    return Against(
        other=other,
        muscles=names,
        like=likeness(A, B, job.seed),
        ours_of_theirs=sums_of(A, B),
        merged=merged,
        split=split,
        dmc=dmc,
        notes=tuple(notes),
    )


def protocol_of(prepared: Prepared) -> dict[str, Any]:
    """Return what has to be the same for numbers to be compared."""
    filters = prepared.filters
    return {
        "highpass_hz": filters.highpass if filters else None,
        "lowpass_hz": filters.lowpass if filters else None,
        "points": prepared.cycles.points,
        "muscles": list(prepared.muscles),
    }


def sides_of(prepared: Prepared) -> tuple[tuple[list[int], list[int]], tuple[str, ...]]:
    """Return the rows of the left and of the right, muscle by muscle, and the muscles' names.

    Raises
    ------
    InputProblem
        Names without sides.
    """
    found: dict[str, dict[str, int]] = {"left": {}, "right": {}}
    for row, name in enumerate(prepared.muscles):
        words = name.replace(".", "_").replace("-", "_").replace(" ", "_").split("_")
        for side, marks in _SIDES.items():
            for place in (0, -1):
                if len(words) > 1 and words[place].lower() in marks:
                    bare = words[1:] if place == 0 else words[:-1]
                    found[side]["_".join(bare)] = row
    shared = tuple(name for name in found["left"] if name in found["right"])
    if len(shared) < _FEWEST_MUSCLES:
        raise InputProblem(
            f"{len(shared)} muscles are named for both sides",
            argument="compare",
            fix="name channels L_TA and R_TA, or compare with a file",
        )
    left = [found["left"][name] for name in shared]
    return (left, [found["right"][name] for name in shared]), shared


def other_of(params: Params, job: Job) -> Other:
    """Read what `params.against` names and find its synergies.

    Raises
    ------
    FileProblem, InputProblem
    """
    path = Path(params.against)
    if not params.against.strip():
        raise InputProblem(
            "nothing is chosen to compare with",
            argument="against",
            fix="choose another recording, a table of synergies, or a norm",
        )
    if path.suffix.lower() == ".json":
        norm = read_norm(path)
        data = tuple(member.X for member in norm.members)
        points = data[0].shape[1]
        return Other("the norm", norm.muscles, norm.consensus(), data, points, norm)
    table = _synergy_table(path)
    if table is not None:
        return Other(path.name, *table)
    from partwise_emg.readers import load_recording

    dataset = load_recording(path)
    # Events, marks and rejected cycles are of the first recording.
    asked = dataclasses.replace(params, events="", marks="", reject="", trial="", channels="")
    theirs = prepare(dataset, asked)
    found = find_quietly(theirs.X, asked, job)
    found = turned(found, order_in_time(found.H, theirs.cycles))
    return Other(path.name, theirs.muscles, found.W, (theirs.X,), theirs.cycles.points)


def find_quietly(X: Array, params: Params, job: Job) -> Found:
    """Find synergies by the rule that was asked for, without showing them."""
    quiet = _Quiet(job)
    starts, heldout = min(params.starts, _SCAN_STARTS), params.rank_rule == "heldout"
    scan = scan_ranks(X, starts, quiet, heldout=heldout)
    return settle(X, scan, params.rank, params.rank_rule, params.starts, quiet, _unseen)


class _Quiet:
    """The same job, for a fit beside the one that is shown: no parts locked, nothing told."""

    kept: tuple[()] = ()
    start: tuple[()] = ()

    def __init__(self, job: Job) -> None:
        self._job = job
        self.seed = job.seed

    @property
    def cancelled(self) -> bool:
        return self._job.cancelled

    def report(self, fraction: float, text: str = "") -> None:
        """Say nothing."""

    def snapshot(
        self, parts: Sequence[Part], trace: Sequence[float] = (), views: Sequence[View] = ()
    ) -> None:
        """Show nothing."""


def _unseen(W: Array, H: Array, trace: Sequence[float]) -> None:
    """Where nobody looks."""


def _synergy_table(path: Path) -> tuple[tuple[str, ...], NDArray[np.float64]] | None:
    """Read a table muscles × synergies as we write it; None where it is something else."""
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        return None
    try:
        text = as_text(path.read_bytes()) or ""
    except OSError as error:
        raise FileProblem(path, "cannot be read", fix="choose another file") from error
    rows = rows_of(text)
    if not rows or not rows[0][0].lower().startswith("muscle"):
        return None
    try:
        W = np.array([[float(cell) for cell in row[1:]] for row in rows[1:]])
    except ValueError as error:
        raise FileProblem(
            path, "has text where a weight should be", fix="export it again"
        ) from error
    if W.ndim != 2 or not W.size or (W < 0).any() or not np.isfinite(W).all():
        raise FileProblem(path, "is no table muscles × synergies", fix="export it again")
    return tuple(row[0] for row in rows[1:]), W
