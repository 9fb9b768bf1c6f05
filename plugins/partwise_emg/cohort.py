"""What do the trials of a file have in common, and how do two groups of them differ?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import (
    Axis,
    Dataset,
    Fit,
    InputProblem,
    Job,
    Measure,
    Residual,
    Result,
    Table,
    Trust,
    View,
    explained,
    refit,
    stop_if_cancelled,
)
from partwise_emg.answer import parts_of
from partwise_emg.asked import Params
from partwise_emg.classes import Classes, classify
from partwise_emg.compare import find_quietly, protocol_of
from partwise_emg.norm import Member, Norm, facts_of
from partwise_emg.prepared import Prepared, prepare, trials_of
from partwise_emg.similar import likeness
from partwise_emg.statistics import Comparison, compare_groups, group_of, read_groups
from partwise_emg.synergies import Found
from partwise_emg.timing import centre_of_activity, fwhm

__all__ = ["GROUPS_TITLE", "run_cohort"]

GROUPS_TITLE = "Differences of two groups"  # the export finds the table by it
_MOST_ROWS = 60  # of the table of tests, the lowest p first


@dataclass(frozen=True, eq=False)
class _Trial:
    """One trial with its own synergies; `H` (synergies, points) is the mean cycle of these."""

    name: str
    prepared: Prepared
    found: Found
    H: NDArray[np.float64]
    vaf: float
    r2: float
    vaf1: float


def run_cohort(dataset: Dataset, params: Params, job: Job) -> Result:
    """Find the synergies of every trial, put them into classes, and compare two groups.

    Raises
    ------
    InputProblem
        Fewer than two trials.
    """
    listed = trials_of(dataset)
    if len(listed) < 2:
        raise InputProblem(
            f"the file holds {len(listed) or 'one'} trial",
            argument="compare",
            fix="open an archive of several trials, or compare with a file",
        )
    if params.groups.strip():
        read_groups(Path(params.groups), [str(each["name"]) for each in listed])  # or say so now
    trials = []
    for number, each in enumerate(listed):
        name = str(each["name"])
        job.report(0.9 * number / len(listed), f"Synergies of {name}")
        trials.append(_one(dataset, params, job, name))
        stop_if_cancelled(job)
        job.snapshot(parts_of(trials[-1].found.W, trials[-1].found.H))
    job.report(0.92, "Putting synergies into classes")
    classes = classify([t.found.W for t in trials], [t.H for t in trials], job.seed)
    compared = _groups(trials, classes, params, job)
    stop_if_cancelled(job)
    job.report(1.0, "Done")
    return _result(trials, classes, compared, job)


def _one(dataset: Dataset, params: Params, job: Job, name: str) -> _Trial:
    prepared = prepare(dataset, params, name)
    X = prepared.X
    found = find_quietly(X, params, job)
    share = explained(X, found.W, found.H)
    one = found.scan.fit(1)
    H = found.H.reshape(found.rank, prepared.cycles.count, prepared.cycles.points).mean(axis=1)
    vaf1 = float(explained(X, one.W, one.H).vaf)
    return _Trial(name, prepared, found, H, float(share.vaf), float(share.r2), vaf1)


def _groups(
    trials: Sequence[_Trial], classes: Classes, params: Params, job: Job
) -> Comparison | None:
    names = [trial.name for trial in trials]
    if params.groups.strip():
        groups, persons = read_groups(Path(params.groups), names)
    else:
        known = group_of(names)
        if known is None:
            return None
        groups, persons = known
    values, entries = _entries(trials, classes)
    return compare_groups(values, entries, groups, persons, job.seed)


def _entries(trials: Sequence[_Trial], classes: Classes) -> tuple[NDArray[np.float64], list[str]]:
    """Numbers to be compared, a row per trial; NaN where a trial has no synergy of a class."""
    count = classes.W.shape[1]
    muscles = trials[0].prepared.muscles
    names = ["Synergies", "VAF of one", "VAF", "R²"]
    for k in range(count):
        names += [f"Class {k + 1}, width", f"Class {k + 1}, centre"]
        names += [f"Class {k + 1}, {muscle}" for muscle in muscles]
    rows, place = [], 0
    for trial in trials:
        label = classes.label[place : place + trial.found.rank]
        place += trial.found.rank
        row = [float(trial.found.rank), trial.vaf1, trial.vaf, trial.r2]
        for k in range(count):
            mine = np.flatnonzero(label == k)
            if not mine.size:
                row += [np.nan] * (2 + len(muscles))
                continue
            # Of two in one class the one that carries more speaks for it.
            best = mine[np.argmax((trial.H[mine] ** 2).sum(axis=1))]
            centre = _near(centre_of_activity(trial.H[best]), classes.H[k])
            row += [float(fwhm(trial.H[best])), centre, *trial.found.W[:, best].tolist()]
        rows.append(row)
    return np.array(rows, dtype=np.float64), names


def _near(centre: float, course: NDArray[np.float64]) -> float:
    """A centre on the side of the circle on which its class lies, so that means are means."""
    points = course.size
    middle = centre_of_activity(course)
    return float(middle + (centre - middle + points / 2) % points - points / 2)


def _result(
    trials: Sequence[_Trial],
    classes: Classes,
    compared: Comparison | None,
    job: Job,
) -> Result:
    first = trials[0].prepared
    W = classes.W / np.maximum(np.linalg.norm(classes.W, axis=0), 1e-12)
    X = np.concatenate([trial.prepared.X for trial in trials], axis=1)
    H = np.asarray(refit(X, W))
    share = explained(X, W, H)
    own = float(np.mean([trial.vaf for trial in trials]))
    parts = parts_of(W, H)
    points = first.cycles.points
    members = tuple(
        Member(t.found.W, t.H, t.prepared.cycles.stacked().mean(axis=1), t.vaf1, t.vaf, t.r2)
        for t in trials
    )
    left = 1 - float(share.vaf)
    settled = all(trial.found.fit.stop == "converged" for trial in trials)
    tables = [_trial_table(trials, classes), *([_tests(compared)] if compared else [])]
    return Result(
        parts=parts,
        residual=Residual(left, f"{100 * left:.1f} % of the sum of squares is in no class"),
        fit=Fit(
            loss="frobenius",
            value=float(0.5 * ((X - W @ H) ** 2).sum()),
            explained=float(share.vaf),
            iterations=sum(int(trial.found.fit.iterations) for trial in trials),
            stop="converged" if settled else "max_iter",
            kkt=max(float(trial.found.fit.kkt) for trial in trials),
        ),
        measures=_measures(trials, classes, float(share.vaf), own),
        trust=_trust(trials, classes, compared, float(share.vaf), own),
        views=_views(first, trials, classes, X, job.seed),
        tables=tuple(tables),
        facts={
            "muscles": list(first.muscles),
            "points": points,
            "trials": [trial.name for trial in trials],
            "ranks": [trial.found.rank for trial in trials],
            "classes": classes.label.tolist(),
            "norm": facts_of(Norm(protocol_of(first), first.muscles, members)),
        },
    )


def _measures(
    trials: Sequence[_Trial], classes: Classes, shared: float, own: float
) -> tuple[Measure, ...]:
    ranks = np.array([trial.found.rank for trial in trials])
    return (
        Measure("Trials", float(len(trials)), "", "How many trials the file holds."),
        Measure("Classes", float(classes.W.shape[1]), "", "Kinds of synergies over all trials."),
        Measure("Synergies, median", float(np.median(ranks)), "", "Of a trial."),
        Measure("VAF of own synergies", 100 * own, "%", "Mean over trials, uncentred."),
        Measure("VAF of the classes", 100 * shared, "%", "When all trials share their weights."),
        Measure(
            "Agreement of classes",
            100 * classes.agreement,
            "%",
            "Synergies that are of one class both by activation and by weights.",
        ),
    )


def _trust(
    trials: Sequence[_Trial],
    classes: Classes,
    compared: Comparison | None,
    shared: float,
    own: float,
) -> tuple[Trust, ...]:
    ranks = sorted({trial.found.rank for trial in trials})
    span = f"{ranks[0]}" if len(ranks) == 1 else f"{ranks[0]} to {ranks[-1]}"
    told = [
        Trust(
            "explained",
            own,
            "good" if own >= 0.9 else "look",
            f"{100 * own:.1f} % explained by own synergies",
            f"Mean uncentred VAF over {len(trials)} trials; {100 * shared:.1f} % where all trials "
            "share the weights of the classes.",
        ),
        Trust(
            "rank",
            float(np.median([trial.found.rank for trial in trials])),
            "good" if len(ranks) <= 2 else "look",
            f"{span} synergies in a trial",
            "By one rule for all trials; the number alone is no diagnosis.",
        ),
        Trust(
            "classes",
            classes.agreement,
            "good" if classes.agreement >= 0.8 else "look",
            f"{100 * classes.agreement:.0f} % in one class by timing and by muscles",
            "Classes are made of activations; those of the weights were made beside them.",
        ),
    ]
    if compared is not None:
        found = int((compared.adjusted <= 0.05).sum())
        told.append(
            Trust(
                "statistics",
                float(found),
                "good",
                f"{found} of {len(compared.names)} numbers differ, {' and '.join(compared.groups)}",
                f"{'Within persons' if compared.paired else 'Between persons'}, "
                f"{compared.permutations:,} exchanges of labels; of those found, 5 % may be false "
                "(Benjamini and Hochberg).",
            )
        )
    return tuple(told)


def _views(
    first: Prepared,
    trials: Sequence[_Trial],
    classes: Classes,
    X: NDArray[np.float64],
    seed: int,
) -> tuple[View, ...]:
    muscles = Axis("muscle", len(first.muscles), labels=first.muscles)
    count, points = classes.W.shape[1], classes.H.shape[1]
    order = np.argsort(classes.label, kind="stable")
    W = np.concatenate([trial.found.W for trial in trials], axis=1)[:, order]
    like = likeness(W, W, seed)
    who = [f"{k + 1} of {trial.name}" for trial in trials for k in range(trial.found.rank)]
    labels = tuple(f"{classes.label[k] + 1}: {who[k]}" for k in order)
    axis = Axis(f"synergy; by chance up to {like.chance:.2f}", len(labels), labels=labels)
    size = first.cycles.values.shape[1]
    return (
        View(
            "traces",
            "Envelopes, trial after trial",
            {"y": X},
            (muscles, Axis("trials", X.shape[1], "", 1 / size, 0.0), Axis("envelope", 1)),
            {"tab": "Envelopes"},
        ),
        View(
            "bars",
            "Weights of the classes",
            {"values": classes.W.T.copy(), **_spread(W, classes.label[order], count)},
            (muscles, Axis("weight", count)),
            {"of": "parts", "tab": "Weights"},
        ),
        View(
            "curves",
            "Activations of the classes, of maximum",
            {"y": classes.H},
            (Axis("cycle", points, "%", 100 / points, 50 / points), Axis("activation", count)),
            {"of": "parts", "lanes": True, "tab": "Activations"},
        ),
        View(
            "matrix",
            f"Likeness of all synergies; by chance below {like.chance:.2f}",
            {"values": like.cosine.astype(np.float32)},
            (axis, axis),
            {"tab": "Likeness", "limit": 1.0, "value": "cosine", "square": True},
        ),
    )


def _spread(
    W: NDArray[np.float64], label: NDArray[np.int64], count: int
) -> dict[str, NDArray[np.float64]]:
    """Quartiles of the weights within each class."""
    ends = [np.percentile(W[:, label == k], [25, 75], axis=1) for k in range(count)]
    return {"low": np.stack([e[0] for e in ends]), "high": np.stack([e[1] for e in ends])}


def _trial_table(trials: Sequence[_Trial], classes: Classes) -> Table:
    rows, place = [], 0
    for trial in trials:
        label = classes.label[place : place + trial.found.rank] + 1
        place += trial.found.rank
        rows.append(
            (
                trial.name,
                trial.found.rank,
                round(100 * trial.vaf, 2),
                round(trial.r2, 4),
                round(100 * trial.vaf1, 2),
                ", ".join(str(k) for k in sorted(label.tolist())),
            )
        )
    titles = ("Trial", "Synergies", "VAF %", "R²", "VAF of one %", "Classes")
    return Table("Trials", titles, tuple(rows))


def _tests(compared: Comparison) -> Table:
    first, second = compared.groups
    order = np.argsort(compared.p, kind="stable")[:_MOST_ROWS]
    return Table(
        GROUPS_TITLE,
        ("Number", f"Mean, {first}", f"Mean, {second}", "Difference", "p", "p adjusted"),
        tuple(
            (
                compared.names[k],
                *(float(f"{v:.5g}") for v in compared.means[:, k]),
                float(f"{compared.difference[k]:.5g}"),
                float(f"{compared.p[k]:.4g}"),
                float(f"{compared.adjusted[k]:.4g}"),
            )
            for k in order
        ),
    )
