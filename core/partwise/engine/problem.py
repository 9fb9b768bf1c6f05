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
from partwise.engine.jit import compiled
from partwise.engine.loss import AnyLoss, Loss, parse_loss
from partwise.engine.penalties.constraints import Ball, Box, Constraint, UnitL1, UnitL2
from partwise.engine.penalty import Penalty, Terms, combine
from partwise.engine.pool import blocks, run_blocks

__all__ = ["Problem", "check_factor", "pose"]

Array = NDArray[Any]
_DENSE_LIMIT = 1 << 26  # entries of a sparse X that may be written out in full


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
        return _is_sparse(self.X)

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
    data, missing = _data(X)
    m, n = data.shape
    rank = _rank(rank)
    table, rows, columns = _weights(weights, data, missing, parsed)
    if table is not None and _is_sparse(data):
        data = data.toarray()
    if parsed.beta <= 0:
        _no_zeros(data, table, parsed)
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
        data,
        rank,
        parsed,
        table,
        rows,
        columns,
        fixed,
        combine(penalty_W, "penalty_W", (rank, m)),
        combine(penalty_H, "penalty_H", (rank, n)),
        _constraint(constraint_W, "constraint_W"),
        _constraint(constraint_H, "constraint_H"),
    )
    _not_at_odds(problem)
    return problem


def check_factor(
    value: Any, shape: tuple[int | None, int | None], argument: str, dtype: Any
) -> Array:
    """Return a finite, nonnegative 2-D array of `dtype`, or say what is wrong."""
    array = np.asarray(value, dtype=dtype)
    fits = array.ndim == 2 and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = " x ".join("any" if s is None else str(s) for s in shape)
        raise InputProblem(
            f"{argument} has shape {array.shape}, wanted {wanted}",
            argument=argument,
            fix="X is features x samples, W features x parts, H parts x samples",
        )
    if not np.isfinite(array).all() or (array < 0).any():
        raise InputProblem(
            f"{argument} holds values that are negative, NaN or infinite",
            argument=argument,
            fix="give finite values of 0 or more",
        )
    return array


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


def _rank(rank: Any) -> int:
    if isinstance(rank, bool) or int(rank) != rank or rank < 1:
        raise InputProblem(
            f"rank must be a whole number of at least 1, got {rank!r}",
            argument="rank",
            fix="ask for 1 part or more",
        )
    return int(rank)


def _data(X: Any) -> tuple[Any, Array | None]:
    """Return the data as float, and a mask of what is missing (or None)."""
    if _is_sparse(X):
        dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.float64
        matrix = sp.csr_array(X, dtype=dtype)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        low, bad = _scan(matrix.data)
        if bad:
            raise InputProblem(
                f"X holds {bad} stored values that are NaN or infinite",
                argument="X",
                fix="a sparse X cannot mark missing entries; remove them or pass a dense X",
            )
        _nonnegative(low)
        return matrix, None
    array = np.asarray(X)
    if array.ndim != 2:
        raise InputProblem(
            f"X must have 2 dimensions, features x samples, got {array.ndim}",
            argument="X",
            fix="reshape it to a matrix",
        )
    if array.size == 0:
        raise InputProblem(
            f"X is empty, its shape is {array.shape}", argument="X", fix="give at least one value"
        )
    if array.dtype not in (np.float32, np.float64):
        if array.dtype.kind not in "buif":
            raise InputProblem(
                f"X holds values of type {array.dtype}", argument="X", fix="give real numbers"
            )
        array = array.astype(np.float64)
    if not (array.flags.c_contiguous or array.flags.f_contiguous):
        array = np.ascontiguousarray(array)
    low, bad = _scan(array.reshape(-1, order="C" if array.flags.c_contiguous else "F"))
    missing: Array | None = None
    if bad:
        infinite = int(np.isinf(array).sum())
        if infinite:
            raise InputProblem(
                f"X holds {infinite} infinite values",
                argument="X",
                fix="remove them, or set them to NaN to treat them as missing",
            )
        missing = np.isnan(array)
        if missing.all():
            raise InputProblem("X is NaN everywhere", argument="X", fix="check how it was read")
        array = np.where(missing, array.dtype.type(0), array)
    _nonnegative(low)
    return array, missing


def _nonnegative(low: float) -> None:
    if low < 0:
        raise InputProblem(
            f"X has negative values, the lowest is {low:.6g}",
            argument="X",
            fix="set them to 0 or shift the data; a factorization into parts needs X >= 0",
        )


@compiled
def _scan_block(x: Array, lo: int, hi: int, out: Array) -> None:
    zero = x.dtype.type(0)
    below = 0.0
    wrong = 0.0
    for start in range(lo, hi, 4096):
        part = x[start : min(start + 4096, hi)]
        negative = zero
        bad = zero
        for j in range(part.shape[0]):
            negative += part[j] if part[j] < zero else zero
            bad += part[j] * zero  # 0 unless the value is NaN or infinite
        below += negative
        wrong += bad
    out[0], out[1] = below, wrong


def _scan(values: Array) -> tuple[float, int]:
    """Lowest value (0 if none is negative) and the number of NaN and infinities."""
    cuts = blocks(values.size, 1 << 18)
    found = np.zeros((len(cuts), 2))

    def work(slot: int, lo: int, hi: int) -> None:
        _scan_block(values, lo, hi, found[slot])

    run_blocks(work, cuts)
    # Sums are fast but say only whether, not which; a clean X needs no more.
    bad = 0 if (found[:, 1] == 0).all() else int((~np.isfinite(values)).sum())
    low = 0.0 if (found[:, 0] == 0).all() else float(np.nanmin(values))
    return low, bad


def _is_sparse(X: Any) -> bool:
    return bool(sp.issparse(X))


def _no_zeros(data: Any, table: Array | None, loss: Loss) -> None:
    if _is_sparse(data):
        zeros = data.shape[0] * data.shape[1] - int((data.data > 0).sum())
    elif table is None:
        zeros = int((data == 0).sum())
    else:
        zeros = int(((data == 0) & (table > 0)).sum())
    if zeros:
        raise InputProblem(
            f"X has {zeros} zeros, where the loss {loss.name!r} is infinite",
            argument="X",
            fix="add a small constant, or give those entries weight 0",
        )


def _weights(
    weights: Any, data: Any, missing: Array | None, loss: Loss
) -> tuple[Array | None, Array | None, Array | None]:
    """Return (table, row scale, column scale), each None where it is not needed."""
    m, n = data.shape
    dtype = data.dtype
    rows = columns = table = None
    if weights is not None:
        given = np.asarray(weights, dtype=np.float64)
        if given.shape not in {(m, n), (m, 1), (1, n)}:
            raise InputProblem(
                f"weights have shape {given.shape} for X of shape {(m, n)}",
                argument="weights",
                fix=f"give {(m, n)}, {(m, 1)} per row or {(1, n)} per column",
            )
        if not np.isfinite(given).all() or (given < 0).any():
            raise InputProblem(
                "weights hold values that are negative, NaN or infinite",
                argument="weights",
                fix="use finite weights of 0 or more; 0 leaves an entry out",
            )
        if not given.any():
            raise InputProblem("all weights are 0", argument="weights", fix="let something count")
        rows, columns, table = _split(given, (m, n))
    if missing is not None:
        table = np.where(missing, 0.0, 1.0 if table is None else table)
    if _is_sparse(data) and (table is not None or loss.robust) and m * n > _DENSE_LIMIT:
        raise InputProblem(
            f"a sparse X of {m} x {n} takes weights per row or per column and plain losses only",
            argument="weights",
            fix="give weights of shape (m, 1) or (1, n), or fewer samples",
        )
    if loss.robust and table is None:
        table = np.ones((m, n))
    if (loss.beta <= 0 or loss.robust) and (rows is not None or columns is not None):
        # No scale can carry a weight where d(c x | c y) is d(x | y), for beta
        # 0, nor where the size of a residual decides how it counts.
        full = np.ones((m, n)) if table is None else table
        full = full * (1.0 if rows is None else rows[:, None])
        table = full * (1.0 if columns is None else columns[None, :])
        rows = columns = None
    power = 1 / loss.beta if loss.beta > 0 else 1.0
    return (
        None if table is None else np.ascontiguousarray(table, dtype=dtype),
        None if rows is None else (rows**power).astype(dtype),
        None if columns is None else (columns**power).astype(dtype),
    )


def _split(given: Array, shape: tuple[int, int]) -> tuple[Array | None, Array | None, Array | None]:
    """Split weights into rows x columns where that is exact, else keep the table."""
    if given.shape == (shape[0], 1):
        rows: Array | None = given[:, 0]
        columns: Array | None = None
    elif given.shape == (1, shape[1]):
        rows, columns = None, given[0]
    else:
        i, j = np.unravel_index(int(given.argmax()), given.shape)
        rows, columns = given[:, j], given[i] / given[i, j]
        if not np.allclose(np.outer(rows, columns), given, rtol=1e-12, atol=0):
            return None, None, given
    rows = None if rows is None or (rows == 1).all() else rows
    columns = None if columns is None or (columns == 1).all() else columns
    return rows, columns, None
