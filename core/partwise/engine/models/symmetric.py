"""Groups in a network, or in any table of likeness.

    minimise ½ ‖A − W·Wᵀ‖²   over W ≥ 0        (A symmetric)
    minimise ½ ‖A − W·H‖²    over W, H ≥ 0     (directed: who sends, who receives)

For networks and similarity matrices: entry (i, k) of W says how strongly node i
belongs to group k; nodes may belong to several. NaN on the diagonal leaves
self-links out, which a network without them usually wants: else W·Wᵀ is asked to
be 0 there.

D. Kuang, S. Yun, H. Park, "SymNMF", J. Global Optim. 62 (2015), for the model;
A. Vandaele, N. Gillis, Q. Lei, K. Zhong, I. Dhillon, "Efficient and non-convex
coordinate descent for symmetric nonnegative matrix factorization", IEEE Trans.
Signal Process. 64 (2016), for the steps: in one entry the objective is a quartic,
minimised exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.given import numbers
from partwise.engine.jit import compiled
from partwise.engine.loop import OnStep, Step
from partwise.engine.models.descent import Budget, Form, ModelFit, empty_note, solve
from partwise.engine.models.target import Target, check_rank, given, target_of
from partwise.engine.start import generator

__all__ = ["SymmetricFit", "symmetric_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class SymmetricFit(ModelFit):
    """A ≈ W·H with W (nodes, rank); H is W.T unless the network is directed."""

    W: Array
    H: Array


@compiled
def _lowest(a: float, b: float) -> float:
    """The x ≥ 0 where x⁴/4 + a x²/2 + b x is lowest: a root of x³ + a x + b, or 0."""
    if b >= 0.0 and a >= 0.0:
        return 0.0
    half, third = 0.5 * b, a / 3.0
    discriminant = half * half + third * third * third
    if discriminant >= 0.0:
        root = np.sqrt(discriminant)
        # The larger summand first: the other follows without cancelling.
        u = -half + root if half <= 0.0 else -half - root
        u = np.cbrt(u)
        x = u - third / u if u != 0.0 else 0.0
    else:
        # Three real roots; the largest is the local minimum on the right.
        radius = np.sqrt(-third)
        angle = np.arccos(min(1.0, max(-1.0, -half / (radius * radius * radius))))
        x = 2.0 * radius * np.cos(angle / 3.0)
    if not x > 0.0:
        return 0.0
    for _ in range(2):  # rounding of cosines and cube roots
        slope = 3.0 * x * x + a
        if slope > 0.0:
            x = max(x - (x * x * x + a * x + b) / slope, 0.0)
    return x if 0.25 * x * x * x + 0.5 * a * x + b < 0.0 else 0.0


@compiled
def _pass(  # noqa: C901, PLR0912 - a kernel: calls would cost more than they explain
    indptr: Array, indices: Array, data: Array, W: Array, gram: Array, own: bool
) -> None:
    """Minimise over every entry of W once, in place; gram = W'W follows along.

    A is in CSR; with `own` false its diagonal does not count.
    """
    rank = W.shape[1]
    cross = np.empty(rank)
    for i in range(W.shape[0]):
        w = W[i]
        mine = 0.0
        for k in range(rank):
            cross[k] = 0.0
        for p in range(indptr[i], indptr[i + 1]):
            j = indices[p]
            if j == i:
                mine = data[p]
            else:
                x = data[p]
                v = W[j]
                for k in range(rank):
                    cross[k] += x * v[k]
        square = 0.0
        for k in range(rank):
            square += w[k] * w[k]
            for m in range(rank):
                gram[k, m] -= w[k] * w[m]
        for k in range(rank):
            old = w[k]
            b = -cross[k]
            for m in range(rank):
                if m != k:
                    b += w[m] * gram[m, k]
            if own:
                new = _lowest(gram[k, k] + square - old * old - mine, b)
            elif gram[k, k] > 0.0:
                new = max(-b / gram[k, k], 0.0)
            else:
                new = old
            square += new * new - old * old
            w[k] = new
        for k in range(rank):
            for m in range(rank):
                gram[k, m] += w[k] * w[m]


class _Network:
    """A sparse or complete A; W·Wᵀ is only formed where A has an entry."""

    def __init__(self, A: Any, own: bool) -> None:
        self.A = sp.csr_array(A, dtype=np.float64)
        self.A.sort_indices()
        self.own = own
        kept = self.A if own else self.A - sp.diags_array(self.A.diagonal())
        self.square = float((kept.data**2).sum())
        self.diagonal = self.A.diagonal()

    def value(self, W: Array) -> float:
        gram = W.T @ W
        total = self.square - 2 * float((W * (self.A @ W)).sum()) + float((gram * gram).sum())
        if not self.own:
            lengths = (W * W).sum(axis=1)
            total += 2 * float(self.diagonal @ lengths) - float(lengths @ lengths)
        return max(0.0, 0.5 * total)

    def level(self, W: Array) -> float:
        gram = W.T @ W
        cross, square = float((W * (self.A @ W)).sum()), float((gram * gram).sum())
        return cross / square if square > 0 else 0.0

    def gradient(self, W: Array) -> tuple[Array, float]:
        gram = W.T @ W
        gradient = 2 * (W @ gram - self.A @ W)
        size = float((gram * gram).sum())
        if not self.own:
            lengths = (W * W).sum(axis=1)
            gradient -= 2 * (lengths - self.diagonal)[:, None] * W
            size -= float(lengths @ lengths)
        return gradient, max(size, 1e-300)


class _Symmetric(Form):
    signed = (False,)
    axes = (1,)
    degree = 2

    def level(self, target: Any, factors: list[Array]) -> float:
        if isinstance(target, _Network):
            return target.level(factors[0])
        return super().level(target, factors)

    def value(self, target: Any, factors: list[Array]) -> float:
        if isinstance(target, _Network):
            return target.value(factors[0])
        return super().value(target, factors)

    def build(self, factors: list[Array]) -> Array:
        return np.asarray(factors[0] @ factors[0].T)

    def improve(self, target: Any, factors: list[Array]) -> list[Array]:
        W = factors[0].copy()
        if isinstance(target, _Network):
            A, own = target.A, target.own
        else:
            A, own = sp.csr_array(target.filled(lambda: self.build(factors))), True
        _pass(A.indptr, A.indices, A.data, W, W.T @ W, own)
        return [W]

    def gradients(self, target: Any, factors: list[Array]) -> tuple[list[Array], float]:
        if isinstance(target, _Network):
            gradient, size = target.gradient(factors[0])
            return [gradient], size
        return super().gradients(target, factors)

    def pull(self, E: Array, factors: list[Array]) -> list[Array]:
        return [(E + E.T) @ factors[0]]

    def show(self, factors: list[Array]) -> tuple[Any, ...]:
        return factors[0], factors[0].T


def symmetric_nmf(  # noqa: PLR0913 - the arguments of nmf, and a direction
    A: Any,
    rank: int,
    *,
    directed: bool = False,
    weights: Any = None,
    init: str | Any = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> SymmetricFit:
    """Find overlapping groups of nodes: A ≈ W·Wᵀ.

    Parameters
    ----------
    A
        (nodes, nodes), symmetric unless `directed`, ≥ 0, dense or sparse. NaN in
        a dense A marks what is missing; NaN all along the diagonal leaves
        self-links out at no cost.
    directed
        Fit A ≈ W·H instead: W says who sends, H who receives.
    weights
        Like A and symmetric; 0 leaves a pair out. Dense A only.
    init
        "auto" or "random", or W0 (a pair (W0, H0) if directed).
    rank, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`; several starts are worth their time here.

    Returns
    -------
    SymmetricFit
        With W at the scale of A, since W·Wᵀ leaves none free.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.kron(np.eye(2), np.ones((3, 3)))  # two groups of three
    >>> fit = symmetric_nmf(A, 2, tol=1e-10)
    >>> group = fit.W.argmax(axis=1)
    >>> bool(fit.loss < 1e-6), bool(group[0] == group[2] != group[3] == group[5])
    (True, True)
    """
    rank = check_rank(rank)
    shape = np.shape(A)
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InputProblem(
            f"A must be square, got shape {shape}", argument="A", fix="give nodes x nodes"
        )
    budget = Budget(starts, seed, tol, max_iter, max_seconds, on_step)
    if directed:
        return _directed(A, rank, weights, init, budget)
    target = _target(A, weights)
    n = shape[0]
    first = None
    if isinstance(init, str):
        given(init, [], np.float64)
    else:
        first = given((init,), [(n, rank)], np.float64)

    def begin(start: int) -> list[Array]:
        if first is not None and start == 0:
            return [first[0].copy()]
        rng = generator(seed, rank, start, "start")
        return [rng.random((n, rank))]

    solved = solve(_Symmetric(), target, begin, budget)
    W = solved.factors[0]
    return SymmetricFit(W=W, H=W.T, notes=empty_note(W.T), **solved.facts)


def _target(A: Any, weights: Any) -> _Network | Target:
    if bool(sp.issparse(A)):
        if weights is not None:
            raise InputProblem(
                "weights cannot be combined with a sparse A",
                argument="weights",
                fix="pass a dense A",
            )
        matrix = sp.csr_array(A, dtype=np.float64)
        if not np.isfinite(matrix.data).all() or (matrix.data < 0).any():
            raise InputProblem(
                "A holds values that are negative, NaN or infinite",
                argument="A",
                fix="use finite links of 0 or more",
            )
        _alike(abs(matrix - matrix.T).max(), matrix.max())
        return _Network(matrix, own=True)
    array = np.array(numbers(A, "A"), dtype=np.float64)
    missing = np.isnan(array)
    own = not missing.diagonal().all()
    if not own:
        np.fill_diagonal(array, 0)
    checked = target_of(array, weights, argument="A")
    _alike(np.abs(checked.X - checked.X.T).max(), checked.X.max())
    if checked.V is None and checked.top == 1:
        return _Network(checked.X, own)
    V = np.ones_like(array) if checked.V is None else checked.V.copy()
    if not np.array_equal(V, V.T):
        raise InputProblem(
            "weights, or what is missing, differ between (i, j) and (j, i)",
            argument="weights",
            fix="make them symmetric, or set directed=True",
        )
    if not own:
        np.fill_diagonal(V, 0)
        if not V.any():
            raise InputProblem("A is NaN everywhere", argument="A", fix="check how it was read")
    return Target(checked.X, V, checked.top, checked.loss)


def _alike(difference: Any, largest: Any) -> None:
    if float(difference) > 1e-6 * max(float(largest), 1e-300):
        raise InputProblem(
            "A is not symmetric",
            argument="A",
            fix="pass (A + A.T) / 2, or set directed=True",
        )


def _directed(A: Any, rank: int, weights: Any, init: Any, budget: Budget) -> SymmetricFit:
    def tell(step: Step) -> object:
        assert budget.on_step is not None
        seen = (step.W, step.H)
        told = Step(step.iteration, step.objective, seen, step.start, step.seconds)
        return budget.on_step(told)

    fit = nmf(
        A,
        rank,
        weights=weights,
        init=init,
        starts=budget.starts,
        seed=budget.seed,
        tol=budget.tol,
        max_iter=budget.max_iter,
        max_seconds=budget.max_seconds,
        on_step=None if budget.on_step is None else tell,
    )
    return SymmetricFit(
        W=fit.W, H=fit.H, loss=fit.loss, objective=fit.objective, trace=fit.trace, stop=fit.stop,
        kkt=fit.kkt, iterations=fit.iterations, seconds=fit.seconds, seed=fit.seed,
        starts=fit.starts, notes=fit.notes,
    )  # fmt: skip
