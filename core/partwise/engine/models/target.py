"""What is to be explained? The data of a model, checked once, with what counts in them.

Weights and missing entries of a squared error are handled by majorisation: at a
model Y, ``sum V (X - Y)**2`` with V at most 1 lies below the plain squared error
against ``Y + V (X - Y)``, and touches it (Srebro and Jaakkola, ICML 2003). So a
step for complete data is one for incomplete data too, and cannot raise the
objective.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import check_reach, numbers, plain, written_out
from partwise.engine.loss import Loss, parse_loss

__all__ = ["Target", "check_block", "check_rank", "divergence_named", "given", "target_of"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Target:
    """An array X, how much each entry counts, and the loss.

    `V` is None or has the shape of X and lies in 0..1; `top` is the largest
    weight. Entries with V = 0 hold 0 in X.
    """

    X: Array
    V: Array | None
    top: float
    loss: Loss

    def value(self, Y: Array) -> float:
        """D(X | Y) over what counts, in float64."""
        return self.top * self.loss.divergence(self.X, self.safe(Y), self.V)

    def slope(self, Y: Array) -> Array:
        """Derivative of the loss by Y."""
        Y = self.safe(Y)
        negative, positive = self.loss.factors_of_gradient(self.X, Y)
        slope = (positive - negative) * self.X.dtype.type(self.top)
        return np.asarray(slope if self.V is None else slope * self.V)

    def size(self, Y: Array) -> float:
        """Size of the positive half of the derivative, which sets the scale of a residual."""
        magnitude = np.abs(self.safe(Y)).astype(np.float64) ** self.loss.beta
        return self.top * float((magnitude if self.V is None else magnitude * self.V).sum())

    def filled(self, build: Callable[[], Array]) -> Array:
        """Complete data for a step of the squared error; `build` gives the model."""
        if self.V is None:
            return self.X
        Y = build()
        return np.asarray(Y + self.V * (self.X - Y))

    def safe(self, Y: Array) -> Array:
        """Y itself for the squared error, else kept off zero."""
        if self.loss.beta == 2:
            return Y
        return np.asarray(np.maximum(Y, np.finfo(Y.dtype).tiny * 1e8))

    def plausible(self) -> Array:
        """X with what does not count filled in by the mean of its row, to begin from."""
        if self.V is None:
            return self.X
        axes = tuple(range(1, self.X.ndim))
        V = (self.V > 0).astype(self.X.dtype)
        count = np.maximum(V.sum(axis=axes, keepdims=True), 1)
        mean = (self.X * V).sum(axis=axes, keepdims=True) / count
        return np.asarray(np.where(self.V > 0, self.X, mean), dtype=self.X.dtype)

    def level(self, Y: Array) -> float:
        """The number that Y is best multiplied with (0 if there is none)."""
        X, V = self.X, self.V
        if self.loss.beta == 2:
            VY = Y if V is None else V * Y
            cross, square = (float((VY * Z).sum(dtype=np.float64)) for Z in (X, Y))
        else:
            cross, square = (
                float((Z if V is None else V * Z).sum(dtype=np.float64)) for Z in (X, Y)
            )
        return cross / square if cross > 0 and square > 0 else 0.0


def target_of(
    X: Any,
    weights: Any = None,
    loss: str | float = "frobenius",
    *,
    signed: bool = False,
    missing: bool = True,
    ways: int | None = 2,
    argument: str = "X",
) -> Target:
    """Check data and weights; neither is modified.

    Parameters
    ----------
    X
        Dense; float32 and float64 are kept, other numbers become float64.
    weights
        None, or nonnegative and of a shape that broadcasts to X with as many
        ways (per row or per column of a matrix).
    signed, missing
        May X be negative? May it hold NaN?
    ways
        Number of dimensions wanted; None for two or more.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.
    """
    parsed = divergence_named(loss)
    array = check_block(X, argument, ways)
    gone = np.isnan(array)
    if gone.any():
        if not missing:
            raise InputProblem(
                f"{argument} holds {int(gone.sum())} missing values (NaN), "
                "which this model cannot do without",
                argument=argument,
                fix="fill them or leave their rows or columns out",
            )
        if gone.all():
            raise InputProblem(
                f"{argument} is NaN everywhere", argument=argument, fix="check how it was read"
            )
        array = np.where(gone, array.dtype.type(0), array)
    low = float(array.min())
    if low < 0 and not signed:
        raise InputProblem(
            f"{argument} has negative values, the lowest is {low:.6g}",
            argument=argument,
            fix="set them to 0 or shift the data, or use semi_nmf, which takes any sign",
        )
    V, top = _table(weights, array, gone)
    if V is not None:
        array = np.where(V > 0, array, array.dtype.type(0))
    if parsed.beta <= 0 and ((array == 0) & (True if V is None else V > 0)).any():
        raise InputProblem(
            f"{argument} has zeros, where the loss {parsed.name!r} is infinite",
            argument=argument,
            fix="add a small constant, or give those entries weight 0",
        )
    return Target(np.ascontiguousarray(array), V, top, parsed)


def divergence_named(loss: str | float) -> Loss:
    """Return a beta-divergence, the only kind of loss that these models take.

    Raises
    ------
    InputProblem
        For an unknown loss, or one that bends for outliers.
    """
    parsed = parse_loss(loss)
    if getattr(parsed, "robust", False):
        raise InputProblem(
            f"the loss {parsed.name!r} is not one that this model can take",
            argument="loss",
            fix="use 'frobenius', 'kl', 'is' or a beta; nmf takes losses that spare outliers",
        )
    return parsed


def check_block(X: Any, argument: str, ways: int | None = 2) -> Array:
    """Return a float array of the wanted number of ways that is finite or NaN."""
    if sp.issparse(X):
        raise InputProblem(
            f"{argument} is sparse, and this model takes dense data",
            argument=argument,
            fix="pass X.toarray() if it fits in memory, or use nmf",
        )
    array = np.asarray(plain(X))
    wanted = array.ndim >= 2 if ways is None else array.ndim == ways
    if not wanted or array.size == 0:
        raise InputProblem(
            f"{argument} must have {ways or '2 or more'} dimensions and hold something, "
            f"got shape {array.shape}",
            argument=argument,
            fix="give features x samples" if ways == 2 else "reshape it",
        )
    if array.dtype.kind not in "buif":
        raise InputProblem(
            f"{argument} holds values of type {array.dtype}",
            argument=argument,
            fix="give real numbers",
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if np.isinf(array).any():
        raise InputProblem(
            f"{argument} holds {int(np.isinf(array).sum())} infinite values",
            argument=argument,
            fix="remove them, or set them to NaN where missing values are allowed",
        )
    check_reach(float(np.abs(array).max(initial=0, where=~np.isnan(array))), array.dtype, argument)
    return array


def _table(weights: Any, array: Array, gone: Array) -> tuple[Array | None, float]:
    if weights is None:
        return (np.where(gone, 0, 1).astype(array.dtype) if gone.any() else None), 1.0
    table = numbers(written_out(weights), "weights", np.float64)
    try:
        full = np.broadcast_to(table, array.shape)
    except ValueError:
        full = None
    if full is None or table.ndim != array.ndim:
        raise InputProblem(
            f"weights have shape {table.shape} for data of shape {array.shape}",
            argument="weights",
            fix="give one per entry, or (m, 1) per row or (1, n) per column",
        )
    if not np.isfinite(table).all() or (table < 0).any():
        raise InputProblem(
            "weights hold values that are negative, NaN or infinite",
            argument="weights",
            fix="use finite weights of 0 or more; 0 leaves an entry out",
        )
    full = np.where(gone, 0.0, full)
    top = float(full.max())
    if top == 0:
        raise InputProblem("all weights are 0", argument="weights", fix="let something count")
    if (full == top).all():
        return None, top
    return (full / top).astype(array.dtype), top


def check_rank(rank: Any, argument: str = "rank") -> int:
    """Return `rank` as a whole number of at least 1, or say what is wrong."""
    try:
        whole = not isinstance(rank, bool) and int(rank) == rank and rank >= 1
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise InputProblem(
            f"{argument} must be a whole number of at least 1, got {rank!r}",
            argument=argument,
            fix="ask for 1 or more",
        )
    return int(rank)


def given(
    init: Any, shapes: list[tuple[int, ...]], dtype: Any, signed: tuple[bool, ...] = ()
) -> list[Array] | None:
    """Return copies of the factors to begin from, or None if `init` is a name.

    Raises
    ------
    InputProblem
        For an unknown name, or factors of the wrong number, shape or sign.
    """
    if isinstance(init, str):
        if init not in ("auto", "random"):
            raise InputProblem(
                f"init {init!r} is not known",
                argument="init",
                fix="use 'auto', 'random' or the factors to begin from",
            )
        return None
    wanted = ", ".join(str(shape) for shape in shapes)
    try:
        arrays = [np.array(plain(F), dtype=dtype, order="C") for F in init]
    except (TypeError, ValueError):
        arrays = []
    if [a.shape for a in arrays] != shapes:
        raise InputProblem(
            f"init holds arrays of shapes {[a.shape for a in arrays]}, wanted {wanted}",
            argument="init",
            fix="pass all factors, or a name",
        )
    for i, F in enumerate(arrays):
        free = bool(signed) and signed[i]
        if not np.isfinite(F).all() or (not free and (F < 0).any()):
            raise InputProblem(
                "init holds values that are negative, NaN or infinite",
                argument="init",
                fix="give finite values of 0 or more",
            )
    return arrays
