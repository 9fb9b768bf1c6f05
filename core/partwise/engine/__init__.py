"""Nonnegative matrix factorization: arrays in, arrays out.

Knows nothing of files, plugins or people. X ≈ W·H, features × samples. Names are loaded on
first use: the compiled loops behind them take half a second to import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise.engine.lazy import on_first_use

if TYPE_CHECKING:
    from partwise.engine.blocks import BlockFit, ColumnBlocks, nmf_blocks
    from partwise.engine.errors import Cancelled, InputProblem
    from partwise.engine.estimator import NMF
    from partwise.engine.fit import Factorization, Step, nmf
    from partwise.engine.judge.bootstrap import Intervals, bootstrap
    from partwise.engine.judge.certify import DualityGap, duality_gap
    from partwise.engine.judge.consensus import consensus_clusters, consensus_matrix, cophenetic
    from partwise.engine.judge.elbow import line_rule
    from partwise.engine.judge.explained import Explained, explained
    from partwise.engine.judge.match import Match, match_parts
    from partwise.engine.judge.permutation import (
        PermutationTest,
        benjamini_hochberg,
        permutation_test,
    )
    from partwise.engine.judge.rank import RankScan, ScanStep, rank_scan
    from partwise.engine.judge.uniqueness import Uniqueness, uniqueness
    from partwise.engine.loss import Capped, Huber
    from partwise.engine.models.calcium import CalciumFit, calcium_nmf
    from partwise.engine.models.convex import ConvexFit, convex_nmf
    from partwise.engine.models.convolutive import ConvolutiveFit, convolutive_nmf
    from partwise.engine.models.joint import JointFit, joint_nmf
    from partwise.engine.models.online import OnlineFit, online_nmf
    from partwise.engine.models.semi import SemiFit, semi_nmf
    from partwise.engine.models.separable import SeparableFit, separable_nmf
    from partwise.engine.models.sequential import SequentialFit, sequential_nmf
    from partwise.engine.models.symmetric import SymmetricFit, symmetric_nmf
    from partwise.engine.models.tensor import ParafacFit, parafac
    from partwise.engine.models.trifactor import TriFit, tri_nmf
    from partwise.engine.penalties import (
        L21,
        Box,
        Graph,
        MinVolume,
        Orthogonal,
        Overlap,
        Prior,
        Simplex,
        Smooth,
        TotalVariation,
        UnitL1,
        UnitL2,
    )
    from partwise.engine.penalty import L1, L2
    from partwise.engine.refitting import refit
    from partwise.engine.warm import warm_up

__getattr__ = on_first_use(
    __name__,
    {
        "partwise.engine.blocks": ("BlockFit", "ColumnBlocks", "nmf_blocks"),
        "partwise.engine.errors": ("Cancelled", "InputProblem"),
        "partwise.engine.estimator": ("NMF",),
        "partwise.engine.fit": ("Factorization", "Step", "nmf"),
        "partwise.engine.judge.bootstrap": ("Intervals", "bootstrap"),
        "partwise.engine.judge.certify": ("DualityGap", "duality_gap"),
        "partwise.engine.judge.consensus": ("consensus_clusters", "consensus_matrix", "cophenetic"),
        "partwise.engine.judge.elbow": ("line_rule",),
        "partwise.engine.judge.explained": ("Explained", "explained"),
        "partwise.engine.judge.match": ("Match", "match_parts"),
        "partwise.engine.judge.permutation": (
            "PermutationTest",
            "benjamini_hochberg",
            "permutation_test",
        ),
        "partwise.engine.judge.rank": ("RankScan", "ScanStep", "rank_scan"),
        "partwise.engine.judge.uniqueness": ("Uniqueness", "uniqueness"),
        "partwise.engine.loss": ("Capped", "Huber"),
        "partwise.engine.models.calcium": ("CalciumFit", "calcium_nmf"),
        "partwise.engine.models.convex": ("ConvexFit", "convex_nmf"),
        "partwise.engine.models.convolutive": ("ConvolutiveFit", "convolutive_nmf"),
        "partwise.engine.models.joint": ("JointFit", "joint_nmf"),
        "partwise.engine.models.online": ("OnlineFit", "online_nmf"),
        "partwise.engine.models.semi": ("SemiFit", "semi_nmf"),
        "partwise.engine.models.separable": ("SeparableFit", "separable_nmf"),
        "partwise.engine.models.sequential": ("SequentialFit", "sequential_nmf"),
        "partwise.engine.models.symmetric": ("SymmetricFit", "symmetric_nmf"),
        "partwise.engine.models.tensor": ("ParafacFit", "parafac"),
        "partwise.engine.models.trifactor": ("TriFit", "tri_nmf"),
        "partwise.engine.penalties": (
            "L21",
            "Box",
            "Graph",
            "MinVolume",
            "Orthogonal",
            "Overlap",
            "Prior",
            "Simplex",
            "Smooth",
            "TotalVariation",
            "UnitL1",
            "UnitL2",
        ),
        "partwise.engine.penalty": ("L1", "L2"),
        "partwise.engine.refitting": ("refit",),
        "partwise.engine.warm": ("warm_up",),
    },
)

__all__ = [
    "L1",
    "L2",
    "L21",
    "NMF",
    "BlockFit",
    "Box",
    "CalciumFit",
    "Cancelled",
    "Capped",
    "ColumnBlocks",
    "ConvexFit",
    "ConvolutiveFit",
    "DualityGap",
    "Explained",
    "Factorization",
    "Graph",
    "Huber",
    "InputProblem",
    "Intervals",
    "JointFit",
    "Match",
    "MinVolume",
    "OnlineFit",
    "Orthogonal",
    "Overlap",
    "ParafacFit",
    "PermutationTest",
    "Prior",
    "RankScan",
    "ScanStep",
    "SemiFit",
    "SeparableFit",
    "SequentialFit",
    "Simplex",
    "Smooth",
    "Step",
    "SymmetricFit",
    "TotalVariation",
    "TriFit",
    "Uniqueness",
    "UnitL1",
    "UnitL2",
    "benjamini_hochberg",
    "bootstrap",
    "calcium_nmf",
    "consensus_clusters",
    "consensus_matrix",
    "convex_nmf",
    "convolutive_nmf",
    "cophenetic",
    "duality_gap",
    "explained",
    "joint_nmf",
    "line_rule",
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
    "warm_up",
]
