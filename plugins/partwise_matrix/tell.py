"""How is the answer told? Measures, tables, and the views that the stage draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Measure, Part, RankScan, Table, View
from partwise_matrix.prepared import Prepared
from partwise_matrix.trust import Evidence

__all__ = ["SCAN_TITLE", "factor_views", "measures", "scan_table", "top_table", "views"]

SCAN_TITLE = "How many parts"  # of the table and the view; the export finds the table by it

_AS_BARS = 80  # columns; more are a curve
_TOP = 5  # rows named per part

Array = NDArray[np.floating[Any]]


def measures(evidence: Evidence, parts: Sequence[Part]) -> tuple[Measure, ...]:
    """Return the numbers of the answer."""
    share = evidence.explained
    told = [
        Measure("Parts", float(evidence.rank), "", "How many parts the table was taken into."),
        Measure("Explained, VAF", 100 * share.vaf, "%", "Share of the sum of squares, about zero."),
    ]
    if np.isfinite(share.r2):
        told.append(
            Measure(
                "Explained, R²", 100 * share.r2, "%", "Share of the squares about the mean entry."
            )
        )
    if len(evidence.found.alike):
        told.append(
            Measure(
                "Alike",
                float(evidence.found.alike.mean()),
                "",
                "Mean cosine of the parts when the fit is begun elsewhere.",
            )
        )
    if evidence.scan is not None:
        place = int(np.flatnonzero(evidence.scan.rank == evidence.rank)[0])
        told.append(
            Measure(
                "Cophenetic correlation",
                float(evidence.scan.cophenetic[place]),
                "",
                "Agreement of the starts on which columns belong together; 1 is perfect.",
            )
        )
    told += [
        Measure(
            f"{part.name}, entries",
            _effective(part.profile),
            "rows",
            f"Over how many rows {part.name} spreads: 1 for a single one, all for alike.",
        )
        for part in parts
    ]
    return tuple(told)


def top_table(parts: Sequence[Part], prepared: Prepared) -> Table:
    """Return which rows each part is made of."""
    rows = []
    for part in parts:
        heavy = np.argsort(-part.profile, kind="stable")[:_TOP]
        names = [prepared.row_name(int(k)) for k in heavy if part.profile[k] > 0]
        rows.append((part.name, round(100 * part.share, 2), ", ".join(names)))
    return Table("Parts", ("Part", "Share, %", "Strongest rows"), tuple(rows))


def scan_table(scan: RankScan) -> Table:
    """Return what each number of parts gains and costs."""
    columns = ("r2", "vaf", "stability", "chance", "cophenetic", "heldout")
    rows = tuple(
        (
            int(rank),
            float(f"{scan.error[k]:.6g}"),
            *(
                round(float(value), 4) if np.isfinite(value) else ""
                for value in (getattr(scan, name)[k] for name in columns)
            ),
        )
        for k, rank in enumerate(scan.rank)
    )
    titles = ("Parts", "Error", "R²", "VAF", "Alike", "By chance", "Cophenetic", "Hidden entries")
    return Table(SCAN_TITLE, titles, rows)


def views(evidence: Evidence, parts: Sequence[Part]) -> tuple[View, ...]:
    """Return what the stage shows: the table, what parts are made of, where they are, the scan."""
    H = np.stack([np.asarray(part.course) for part in parts])
    told = list(factor_views(evidence.prepared, parts))
    if evidence.scan is not None:
        told += [
            _scan_view(evidence.scan, evidence.rank),
            *_consensus_view(evidence.scan, evidence.rank, evidence.prepared, H),
        ]
    return tuple(told)


def factor_views(prepared: Prepared, parts: Sequence[Part]) -> tuple[View, ...]:
    """Return the views that follow from the parts alone, also while they emerge."""
    rows, columns = prepared.rows, prepared.columns
    W = np.stack([part.profile for part in parts], axis=1)
    H = np.stack([np.asarray(part.course) for part in parts])
    told = [
        View(
            "matrix",
            "Table",
            axes=(rows, columns),
            options={
                "model": "product",
                "transposed": prepared.turned,
                "offset": prepared.offset,
            },
        ),
        View(
            "bars",
            "What the parts are made of",
            {"values": W.T.copy()},
            (rows, Axis("weight", len(parts))),
            {"of": "parts", "tab": "Rows"},
        ),
    ]
    if len(H[0]) <= _AS_BARS:
        told.append(
            View(
                "bars",
                "How much of each part",
                {"values": H},
                (columns, Axis("amount", len(parts))),
                {"of": "parts", "tab": "Columns"},
            )
        )
    else:
        told.append(
            View(
                "curves",
                "How much of each part",
                {"y": H},
                (columns, Axis("amount", len(parts))),
                {"of": "parts", "lanes": True, "tab": "Columns"},
            )
        )
    return tuple(told)


def _scan_view(scan: RankScan, rank: int) -> View:
    names, rows = [], []
    for name, title in (
        ("r2", "R² about the mean"),
        ("vaf", "VAF about zero"),
        ("stability", "Alike over starts"),
        ("chance", "Alike by chance"),
        ("cophenetic", "Cophenetic"),
        ("heldout", "Error on hidden entries"),
    ):
        values = np.asarray(getattr(scan, name), dtype=np.float64)
        if np.isfinite(values).any():
            names.append(title)
            rows.append(values)
    marks = [
        {"x": said, "text": text}
        for said, text in (
            (scan.heldout_rank(), "hidden entries"),
            (scan.stable_rank(), "agreement of starts"),
            (scan.line_rank(), "bend of R²"),
            (scan.vaf_rank(), "90 % explained"),
        )
        if said is not None
    ]
    return View(
        "curves",
        SCAN_TITLE,
        {"x": scan.rank.astype(np.float64), "y": np.stack(rows)},
        (Axis("parts", len(scan.rank), start=float(scan.rank[0])), Axis("value", len(rows))),
        {
            "tab": "How many",
            "names": names,
            "marks": marks,
            "chosen": rank,
            "points": True,
            "range": [0.0, 1.05],
        },
    )


def _consensus_view(scan: RankScan, rank: int, prepared: Prepared, H: Array) -> list[View]:
    consensus = scan.consensus[int(np.flatnonzero(scan.rank == rank)[0])]
    if rank < 2 or len(consensus) < 3:
        return []
    some = np.asarray(scan.consensus_columns)
    mine = H[:, some]
    leading = mine.argmax(axis=0)
    # Columns of one part lie side by side, the purest first.
    purity = mine.max(axis=0) / np.maximum(mine.sum(axis=0), 1e-300)
    order = np.lexsort((-purity, leading))
    labels = tuple(prepared.column_name(int(k)) for k in some[order])
    axis = Axis(prepared.columns.name, len(order), labels=labels)
    return [
        View(
            "matrix",
            "Which columns belong together",
            {"values": consensus[np.ix_(order, order)].astype(np.float32)},
            (axis, axis),
            {"tab": "Together", "limit": 1.0, "value": "share of starts", "square": True},
        )
    ]


def _effective(profile: Array) -> float:
    """Inverse participation ratio: (Σw)² / Σw²."""
    square = float((profile**2).sum())
    return float(profile.sum()) ** 2 / square if square > 0 else 0.0
