"""Nonnegative matrix factorization: arrays in, arrays out.

Knows nothing of files, plugins or people. X ≈ W·H, features × samples.
"""

from __future__ import annotations

from partwise.engine.errors import Cancelled, InputProblem
from partwise.engine.fit import Factorization, Step, nmf
from partwise.engine.judge.match import Match, match_parts
from partwise.engine.penalty import L1, L2
from partwise.engine.refit import refit
from partwise.engine.warm import warm_up

__all__ = [
    "L1",
    "L2",
    "Cancelled",
    "Factorization",
    "InputProblem",
    "Match",
    "Step",
    "match_parts",
    "nmf",
    "refit",
    "warm_up",
]
