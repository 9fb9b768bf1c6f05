"""Models beyond the plain one: each a small file that gives its equation and its paper."""

from __future__ import annotations

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

__all__ = [
    "CalciumFit",
    "ConvexFit",
    "ConvolutiveFit",
    "JointFit",
    "OnlineFit",
    "ParafacFit",
    "SemiFit",
    "SeparableFit",
    "SequentialFit",
    "SymmetricFit",
    "TriFit",
    "calcium_nmf",
    "convex_nmf",
    "convolutive_nmf",
    "joint_nmf",
    "online_nmf",
    "parafac",
    "semi_nmf",
    "separable_nmf",
    "sequential_nmf",
    "symmetric_nmf",
    "tri_nmf",
]
