"""What else may be asked of a factor? Penalties beyond L1 and L2, and constraints."""

from __future__ import annotations

from partwise.engine.penalties.constraints import Box, Constraint, Simplex, UnitL1, UnitL2
from partwise.engine.penalties.graph import Graph
from partwise.engine.penalties.groups import L21
from partwise.engine.penalties.minvolume import MinVolume
from partwise.engine.penalties.overlap import Orthogonal, Overlap
from partwise.engine.penalties.prior import Prior
from partwise.engine.penalties.smooth import Smooth
from partwise.engine.penalties.variation import TotalVariation

__all__ = [
    "L21",
    "Box",
    "Constraint",
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
]
