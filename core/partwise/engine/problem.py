"""What is asked? Data, loss, weights, penalties and what stays fixed, checked once.

Weights per row or per column (and any table of weights that is a product of
the two) are folded into the data: ``d(c x | c y) = c**beta d(x | y)``, so
scaling row i by ``w_i**(1/beta)`` is exact for every beta above 0. Only what is
left over, missing entries and weights of a general pattern, is kept as a table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import (
    check_data,
    check_factor,
    check_rank,
    check_weights,
    check_zeros,
    is_sparse,
)
from partwise.engine.loss import AnyLoss, Loss, parse_loss
from partwise.engine.penalties.constraints import Ball, Box, Constraint, UnitL1, UnitL2
from partwise.engine.penalty import Penalty, Terms, combine

__all__ = ["Problem", "pose"]

Array = NDArray[Any]
_MOST = 1 << 34  # entries of both factors; what no memory holds is a slip of the pen


@dataclass(frozen=True)
class Problem:
    """A checked question: minimise D(X | W H) + penalties over W, H >= 0 in their sets.

    Attributes
    ----------
    X
        (m, n) float32 or float64, C or Fortran order, or CSR; finite and
        nonnegative; missing entries hold 0 and have weight 0.
    weights
        (m, n) weights that are no product of rows and columns, or None.
    row_scale, column_scale
        (m,) and (n,) factors of the exact rescaling, or None.
    fixed
        (m, k) columns of W that stay, or None.
    mean
        Of X as it was given: in which range of numbers it lies.
    power
        X is what was given, divided by 2 to this power; see `unit`.
    fixed_powers
        (k,) the same for each fixed column, or None.
    """

    X: Any
    rank: int
    loss: Loss
    weights: Array | None
    row_scale: Array | None
    column_scale: Array | None
    fixed: Array | None
    penalty_W: Terms
    penalty_H: Terms
    constraint_W: Constraint | None = None
    constraint_H: Constraint | None = None
    mean: float = 1.0
    power: int = 0
    fixed_powers: Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        m, n = self.X.shape
        return int(m), int(n)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self.X.dtype
        return dtype

    @property
    def sparse(self) -> bool:
        return is_sparse(self.X)

    @property
    def fixed_count(self) -> int:
        return 0 if self.fixed is None else int(self.fixed.shape[1])

    @property
    def empty(self) -> bool:
        """Is X zero wherever it counts?"""
        X = self.X
        if self.sparse:
            return not self.scaled.count_nonzero()
        few = X[:, :: max(1, X.shape[1] // 256)]
        if self._counts(few, slice(None, None, max(1, X.shape[1] // 256))):
            return False  # the usual answer, without a read of the data
        return not self._counts(X, slice(None))

    def _counts(self, X: Array, cut: slice) -> bool:
        counted = X > 0
        if self.weights is not None:
            counted &= self.weights[:, cut] > 0
        if self.row_scale is not None:
            counted &= self.row_scale[:, None] > 0
        if self.column_scale is not None:
            counted &= self.column_scale[cut] > 0
        return bool(counted.any())

    @property
    def penalised(self) -> bool:
        """Does the scale of a part matter, so that it cannot be chosen afterwards?"""
        return bool(self.terms("W") or self.terms("H") or self.held("W") or self.held("H"))

    @property
    def structured(self) -> bool:
        """Is there more to keep to than L1 and L2, and the ball that they may need?"""
        if self.loss.robust or self.penalty_W.structured or self.penalty_H.structured:
            return True
        held = [self.held("W"), self.held("H")]
        # The ball is free of charge only where all directions curve alike.
        curved = self.weights is not None or self.loss.beta != 2
        return any(one is not None and (curved or not isinstance(one, Ball)) for one in held)

    def terms(self, side: str) -> Terms:
        """The penalties of the factor 'W' or 'H'."""
        return self.penalty_W if side == "W" else self.penalty_H

    def held(self, side: str) -> Constraint | None:
        """The set that a solver must keep the factor 'W' or 'H' in, beside >= 0."""
        if self.one_sided == side:
            return Ball()
        if self.carried == side:
            return None
        return self.constraint_W if side == "W" else self.constraint_H

    @property
    def carried(self) -> str:
        """The factor whose unit parts cost nothing, since the other one takes their scale.

        Such a constraint is met by scaling after the fit, exactly.
        """
        if self.penalty_W or self.penalty_H:
            return ""
        if isinstance(self.constraint_W, UnitL1 | UnitL2) and self.constraint_H is None:
            return "W"
        if isinstance(self.constraint_H, UnitL1 | UnitL2) and self.constraint_W is None:
            return "" if self.fixed_count else "H"
        return ""

    @property
    def one_sided(self) -> str:
        """The factor ('W', 'H' or '') whose parts must be held inside the unit ball.

        A penalty on one factor alone has no minimum: the other grows while the
        penalised one shrinks. Holding the free one's parts inside the unit ball
        is the usual cure. Not needed where a constraint or a prior sets a scale.
        """
        free = {
            "W": not self.penalty_W and self.constraint_W is None and self.fixed_count < self.rank,
            "H": not self.penalty_H and self.constraint_H is None,
        }
        for side, other in (("W", "H"), ("H", "W")):
            own = self.constraint_H if other == "H" else self.constraint_W
            loose = own is None or isinstance(own, Box)
            if free[side] and loose and self.terms(other).shrinks:
                return side
        return ""

    def unfolded(self) -> Problem:
        """The same question with weights per row and column as a table."""
        if self.row_scale is None and self.column_scale is None:
            return self
        table = np.ones(self.shape) if self.weights is None else self.weights.astype(np.float64)
        if self.row_scale is not None:
            table = table * (self.row_scale.astype(np.float64) ** self.loss.beta)[:, None]
        if self.column_scale is not None:
            table = table * self.column_scale.astype(np.float64) ** self.loss.beta
        X = self.X.toarray() if self.sparse else self.X
        table = np.ascontiguousarray(table, dtype=self.dtype)
        return replace(self, X=X, weights=table, row_scale=None, column_scale=None)

    @cached_property
    def scaled(self) -> Any:
        """X with row and column scales applied; X itself where there are none."""
        X = self.X
        if self.row_scale is None and self.column_scale is None:
            return X
        if self.sparse:
            if self.row_scale is not None:
                X = sp.diags_array(self.row_scale) @ X
            if self.column_scale is not None:
                X = X @ sp.diags_array(self.column_scale)
            return sp.csr_array(X.astype(self.dtype))
        if self.row_scale is not None:
            X = X * self.row_scale[:, None]
        if self.column_scale is not None:
            X = X * self.column_scale[None, :]
        return X

    def into(self, W: Array, H: Array) -> tuple[Array, Array]:
        """Factors in the user's terms to scaled (r, m) and (r, n), always copies."""
        Wt = np.array(W.T, dtype=self.dtype, order="C")
        Ht = np.array(H, dtype=self.dtype, order="C")
        if self.row_scale is not None:
            Wt *= self.row_scale
        if self.column_scale is not None:
            Ht *= self.column_scale
        return Wt, Ht

    def out(self, Wt: Array, H: Array) -> tuple[Array, Array]:
        """Scaled factors to the user's terms; views where nothing is scaled.

        A row or column of weight 0 was never seen, and comes back as zeros.
        """
        W = Wt.T
        if self.row_scale is not None:
            W = W * _inverse(self.row_scale)[:, None]
        if self.column_scale is not None:
            H = H * _inverse(self.column_scale)
        return W, H

    def coefficients(self, side: str) -> tuple[Array, Array]:
        """Penalty coefficients per sample of a scaled factor; empty if there are none."""
        penalty = self.terms(side)
        scale = self.row_scale if side == "W" else self.column_scale
        length = self.shape[0] if side == "W" else self.shape[1]
        if not (penalty.linear or penalty.quadratic):
            empty = np.empty(0, self.dtype)
            return empty, empty
        inverse = np.ones(length) if scale is None else _inverse(scale)
        linear = (penalty.linear * inverse).astype(self.dtype)
        ridge = (penalty.quadratic * inverse * inverse).astype(self.dtype)
        return linear, ridge

    def penalty(self, Wt: Array, H: Array) -> float:
        """Value of the penalties for scaled factors."""
        if not (self.penalty_W or self.penalty_H):
            return 0.0
        W, Hu = self.out(Wt, H)
        return self.penalty_W.value(W.T) + self.penalty_H.value(Hu)


def pose(
    X: Any,
    rank: int,
    loss: AnyLoss = "frobenius",
    *,
    weights: Any = None,
    penalty_W: Penalty | list[Penalty] | None = None,
    penalty_H: Penalty | list[Penalty] | None = None,
    constraint_W: Constraint | None = None,
    constraint_H: Constraint | None = None,
    fixed_W: Any = None,
) -> Problem:
    """Check what is asked and put it in order; `X` is never modified.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    """
    parsed = parse_loss(loss)
    data, missing, mean = check_data(X)
    m, n = data.shape
    rank = check_rank(rank)
    if (m + n) * rank > _MOST:
        raise InputProblem(
            f"{rank} parts of {m} x {n} would have {(m + n) * rank:.0e} entries",
            argument="rank",
            fix="ask for fewer parts",
        )
    table, rows, columns = check_weights(weights, data, missing, parsed)
    if table is not None and is_sparse(data):
        data = data.toarray()
    if parsed.beta <= 0:
        check_zeros(data, table, parsed)
    fixed = None
    if fixed_W is not None:
        fixed = check_factor(fixed_W, (m, None), "fixed_W", data.dtype)
        if fixed.shape[1] > rank:
            raise InputProblem(
                f"fixed_W has {fixed.shape[1]} columns for a rank of {rank}",
                argument="fixed_W",
                fix="raise the rank or fix fewer columns",
            )
        if fixed.shape[1] == 0:
            fixed = None
    problem = Problem(
        X=data,
        rank=rank,
        loss=parsed,
        weights=table,
        row_scale=rows,
        column_scale=columns,
        fixed=fixed,
        penalty_W=combine(penalty_W, "penalty_W", (rank, m)),
        penalty_H=combine(penalty_H, "penalty_H", (rank, n)),
        constraint_W=_constraint(constraint_W, "constraint_W"),
        constraint_H=_constraint(constraint_H, "constraint_H"),
        mean=mean,
    )
    _not_at_odds(problem)
    return problem


def _constraint(value: Any, argument: str) -> Constraint | None:
    if value is None or isinstance(value, Constraint):
        return value
    raise InputProblem(
        f"{argument} got {value!r}, which is no constraint",
        argument=argument,
        fix="use UnitL1(), UnitL2(), Simplex() or Box(low, high)",
    )


def _not_at_odds(problem: Problem) -> None:
    joined = problem.constraint_W is not None and problem.constraint_W.joins_parts
    if problem.fixed_count and joined:
        raise InputProblem(
            "Simplex on W ties fixed and free parts of a feature together",
            argument="constraint_W",
            fix="leave out fixed_W, or use Box or UnitL1",
        )
    for side, held in (("W", problem.constraint_W), ("H", problem.constraint_H)):
        stubborn = problem.terms(side).stubborn
        if held is not None and held.joins_parts and stubborn:
            raise InputProblem(
                f"{stubborn[0]} and {type(held).__name__} on {side} cannot go together",
                argument=f"penalty_{side}",
                fix="use Overlap in its place, or another constraint",
            )
    if problem.fixed_count == problem.rank and problem.constraint_W is not None:
        raise InputProblem(
            "all columns of W are fixed, a constraint on them changes nothing",
            argument="constraint_W",
            fix="leave it out",
        )


def _inverse(scale: Array) -> Array:
    return np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
