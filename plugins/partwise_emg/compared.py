"""How is a comparison told? Likeness, what is a sum of what, and the tests of merging."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from partwise.api import Axis, Part, Table, View
from partwise_emg.compare import Against

__all__ = ["compared_tables", "compared_views"]

_APART = 0.9  # between the two columns, of the height of the longer one


def compared_views(against: Against, parts: Sequence[Part]) -> list[View]:
    """Return the table of likeness, and who is a sum of whom as ties between two columns."""
    return [_likeness_view(against, parts), _sums_view(against, parts)]


def _likeness_view(against: Against, parts: Sequence[Part]) -> View:
    like = against.like
    rows = Axis("synergy here", len(parts), labels=tuple(part.name for part in parts))
    names = tuple(f"{k}" for k in range(1, like.cosine.shape[1] + 1))
    columns = Axis(
        f"synergy of {against.other.name}; by chance up to {like.chance:.2f}",
        len(names),
        labels=names,
    )
    return View(
        "matrix",
        f"Likeness to {against.other.name}; by chance below {like.chance:.2f}",
        {"values": like.cosine.astype(np.float32)},
        (rows, columns),
        {"tab": "Likeness", "limit": 1.0, "value": "cosine", "square": True},
    )


def _sums_view(against: Against, parts: Sequence[Part]) -> View:
    """Ours on the left, theirs on the right; a tie is a coefficient of a nonnegative sum.

    A synergy here that is tied to several of theirs has merged them, or looks so; one of theirs
    that is tied to several here is spread over them.
    """
    sums = against.ours_of_theirs
    theirs, ours = sums.weights.shape
    ties = [(k, j) for k in range(ours) for j in sums.of(k)]
    edges = np.array([(k, ours + j) for k, j in ties], dtype=np.int32).reshape(-1, 2)
    weights = np.array([sums.weights[j, k] for k, j in ties], dtype=np.float32)
    high = max(ours, theirs) - 1 or 1
    left = [(0.0, high * (0.5 - _place(k, ours))) for k in range(ours)]
    right = [(_APART * high, high * (0.5 - _place(j, theirs))) for j in range(theirs)]
    labels = (
        *(part.name for part in parts),
        *(f"{j + 1} of {against.other.name}" for j in range(theirs)),
    )
    return View(
        "graph",
        f"Synergies here as sums of those of {against.other.name}",
        {
            "edges": edges,
            "weights": weights,
            "group": np.array([*range(ours), *[-1] * theirs], dtype=np.int32),
            "positions": np.array([*left, *right], dtype=np.float32),
        },
        (Axis("synergy", ours + theirs, labels=labels),),
        {"tab": "Merging"},
    )


def _place(k: int, count: int) -> float:
    return k / (count - 1) if count > 1 else 0.5


def compared_tables(against: Against, parts: Sequence[Part]) -> list[Table]:
    """Return who is whose partner, and the tests of merging that were made."""
    like = against.like
    partner = dict(like.pairs)
    rows = []
    for k, part in enumerate(parts):
        place = partner.get(k)
        sums = " + ".join(
            f"{against.ours_of_theirs.weights[j, k]:.2f} · {j + 1}"
            for j in against.ours_of_theirs.of(k)
        )
        rows.append(
            (
                part.name,
                "alone" if place is None else f"{place + 1}",
                "" if place is None else round(float(like.cosine[k, place]), 4),
                "" if place is None else ("yes" if like.cosine[k, place] > like.chance else "no"),
                sums,
                round(float(against.ours_of_theirs.cosine[k]), 4),
            )
        )
    told = [
        Table(
            f"Compared with {against.other.name}",
            ("Synergy", "Partner", "Cosine", "Beyond chance", "As a sum of theirs", "Cosine of it"),
            tuple(rows),
        )
    ]
    for title, test, whose in (
        ("Merging of theirs here, at matched VAF", against.merged, against.other.name),
        ("Merging of ours there, at matched VAF", against.split, "here"),
    ):
        if test is not None:
            told.append(
                Table(
                    title,
                    (f"Synergies of {whose}", "Act together", "By chance", "p"),
                    tuple(
                        (
                            f"{a + 1} and {b + 1}",
                            round(float(test.together[k]), 3),
                            round(float(np.median(test.null[:, k])), 3),
                            round(float(test.p[k]), 4),
                        )
                        for k, (a, b) in enumerate(test.pairs)
                    ),
                )
            )
    return told
