"""Could a difference between two groups be chance? Permutations, and the false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product, zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem, benjamini_hochberg, permutation_test
from partwise_emg.text import as_text, rows_of

__all__ = ["Comparison", "compare_groups", "group_of", "read_groups"]

_EXACT = 14  # persons up to which every exchange of signs is looked at
_FEWEST = 3  # of a group


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two groups, entry by entry.

    `difference` is the second group less the first; `p` two-sided, `adjusted` for their number
    (Benjamini and Hochberg, 1995); `paired` where each person is in both groups.
    """

    groups: tuple[str, str]
    sizes: tuple[int, int]
    names: tuple[str, ...]
    means: NDArray[np.float64]
    difference: NDArray[np.float64]
    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    paired: bool
    permutations: int


def compare_groups(
    values: NDArray[np.float64],
    names: Sequence[str],
    groups: Sequence[str],
    persons: Sequence[str],
    seed: int = 0,
    permutations: int = 9999,
) -> Comparison:
    """Compare two groups of trials.

    Parameters
    ----------
    values : float64, shape (trials, entries)
        NaN where an entry is unknown of a trial; entries with such are left out.
    names : sequence of str
        Of the entries.
    groups, persons : sequence of str
        Of the trials. Where every person has one trial in each group, labels are exchanged within
        persons (signs of differences), else between them.
    seed : int
    permutations : int
        How many exchanges are looked at; all there are, where these are fewer.

    Raises
    ------
    InputProblem
        Not two groups, or too few in one.
    """
    kinds = sorted(set(groups))
    if len(kinds) != 2:
        raise InputProblem(
            f"trials are of {len(kinds)} groups", argument="groups", fix="name two groups"
        )
    first, second = kinds
    sizes = (list(groups).count(first), list(groups).count(second))
    if min(sizes) < _FEWEST:
        raise InputProblem(
            f"group {kinds[int(np.argmin(sizes))]} has {min(sizes)} trials",
            argument="groups",
            fix=f"give at least {_FEWEST} trials to each group",
        )
    values = np.asarray(values, dtype=np.float64)
    known = np.asarray(np.isfinite(values).all(axis=0))
    kept = values[:, known]
    labels = np.array([kinds.index(group) for group in groups])
    means = np.stack([kept[labels == side].mean(axis=0) for side in (0, 1)])
    table = _paired(kept, labels, persons)
    if table is not None:
        p, count = _signs(table, permutations, seed)
    else:
        test = permutation_test(kept, labels, permutations=permutations, seed=seed)
        p, count = np.asarray(test.p), test.permutations
    return Comparison(
        groups=(first, second),
        sizes=sizes,
        names=tuple(name for name, use in zip(names, known.tolist(), strict=True) if use),
        means=means,
        difference=means[1] - means[0],
        p=p,
        adjusted=np.asarray(benjamini_hochberg(p)),
        paired=table is not None,
        permutations=count,
    )


def group_of(trials: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Read group and person off names such as ``walk/P0001``; None where they do not say."""
    split = [name.partition("/") for name in trials]
    if not all(slash for _, slash, _ in split) or len({group for group, _, _ in split}) != 2:
        return None
    return [group for group, _, _ in split], [person for _, _, person in split]


def read_groups(path: Path, trials: Sequence[str]) -> tuple[list[str], list[str]]:
    """Read a table with the columns trial, group and, where it says, person.

    Raises
    ------
    FileProblem
        No such columns, or a trial without a group.
    """
    way = "give the columns trial, group and (for pairs) person"
    try:
        text = as_text(path.read_bytes())
    except OSError as error:
        raise FileProblem(path, "cannot be read", fix=way) from error
    head, *body = rows_of(text or "", numbers=False) or [[]]
    if not body or not {"trial", "group"} <= set(head):
        raise FileProblem(path, "has no columns trial and group", fix=way)
    rows = [dict(zip_longest(head, row[: len(head)], fillvalue="")) for row in body]
    known = {row["trial"]: row for row in rows}
    missing = [name for name in trials if name not in known]
    if missing:
        raise FileProblem(path, f"names no group for {missing[0]}", fix="add its row")
    return (
        [known[name]["group"] for name in trials],
        [known[name].get("person") or name for name in trials],
    )


def _paired(
    values: NDArray[np.float64], labels: NDArray[np.intp], persons: Sequence[str]
) -> NDArray[np.float64] | None:
    """Differences per person, (persons, entries), where each person is in both groups once."""
    who = sorted(set(persons))
    if len(who) * 2 != len(persons):
        return None
    rows = []
    for person in who:
        places = [k for k, name in enumerate(persons) if name == person]
        if sorted(labels[places].tolist()) != [0, 1]:
            return None
        first, second = sorted(places, key=lambda k: int(labels[k]))
        rows.append(values[second] - values[first])
    return np.stack(rows)


def _signs(
    differences: NDArray[np.float64], permutations: int, seed: int
) -> tuple[NDArray[np.float64], int]:
    """Two-sided p of mean differences when each person's groups are exchanged at random."""
    count = len(differences)
    exact = count <= _EXACT and 2**count <= max(permutations, 2) * 2
    if exact:
        signs = np.array(list(product((1.0, -1.0), repeat=count)))
    else:
        rng = np.random.default_rng([seed, 17])
        signs = rng.choice((1.0, -1.0), (permutations, count))
    found = np.abs(differences.sum(axis=0))
    bar = found * (1 - 1e-12) - 1e-14
    extreme = (np.abs(signs @ differences) >= bar).sum(axis=0)
    if exact:
        return extreme / len(signs), len(signs)
    return (extreme + 1) / (len(signs) + 1), len(signs)
