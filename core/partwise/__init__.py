"""Partwise: separate a measurement into its nonnegative parts.

The engine's names are here for scripts::

    import partwise
    fit = partwise.nmf(X, rank=3)

They are loaded on first use, so that ``partwise --help`` and the window start quickly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise.engine.lazy import on_first_use

if TYPE_CHECKING:
    from partwise.engine import (
        L1,
        L2,
        L21,
        NMF,
        Box,
        Capped,
        ColumnBlocks,
        Factorization,
        Graph,
        Huber,
        InputProblem,
        MinVolume,
        Orthogonal,
        Overlap,
        Prior,
        RankScan,
        Simplex,
        Smooth,
        TotalVariation,
        Uniqueness,
        UnitL1,
        UnitL2,
        benjamini_hochberg,
        bootstrap,
        calcium_nmf,
        convex_nmf,
        convolutive_nmf,
        duality_gap,
        joint_nmf,
        match_parts,
        nmf,
        nmf_blocks,
        online_nmf,
        parafac,
        permutation_test,
        rank_scan,
        refit,
        semi_nmf,
        separable_nmf,
        sequential_nmf,
        symmetric_nmf,
        tri_nmf,
        uniqueness,
    )

__version__ = "0.1.0"

__all__ = [
    "L1",
    "L2",
    "L21",
    "NMF",
    "Box",
    "Capped",
    "ColumnBlocks",
    "Factorization",
    "Graph",
    "Huber",
    "InputProblem",
    "MinVolume",
    "Orthogonal",
    "Overlap",
    "Prior",
    "RankScan",
    "Simplex",
    "Smooth",
    "TotalVariation",
    "Uniqueness",
    "UnitL1",
    "UnitL2",
    "__version__",
    "benjamini_hochberg",
    "bootstrap",
    "calcium_nmf",
    "convex_nmf",
    "convolutive_nmf",
    "duality_gap",
    "joint_nmf",
    "match_parts",
    "nmf",
    "nmf_blocks",
    "online_nmf",
    "parafac",
    "permutation_test",
    "rank_scan",
    "refit",
    "semi_nmf",
    "separable_nmf",
    "sequential_nmf",
    "symmetric_nmf",
    "tri_nmf",
    "uniqueness",
]

__getattr__ = on_first_use(__name__, {"partwise.engine": tuple(n for n in __all__ if n[0] != "_")})
