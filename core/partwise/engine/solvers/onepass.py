"""How is one step of coordinate descent taken in a single read of the data?

For a fixed H every row of W stands alone: while a block of rows is in cache,
it gives the objective, its rows of W, and its share of what the next H needs.
The step is that of `hals`, extrapolated in the same way (Ang and Gillis, Neural
Computation 31, 2019), and begins on a sample of the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.judge.certify import natural_residual
from partwise.engine.pool import blocks, run_blocks, single_blas
from partwise.engine.problem import Problem
from partwise.engine.solvers.momentum import Momentum
from partwise.engine.stop import Rule

__all__ = ["OnePass", "Run", "can"]

Array = NDArray[Any]
_SWEEPS = 4
_COLD = 40  # sweeps where the long factor is not known yet
_ENTRIES = 1 << 17  # of X in a block: half of a second-level cache
_LEAST = 512  # rows of a sample
_RULE = Rule(tol=0.0, max_iter=100, gain=1e-4)


def can(problem: Problem) -> bool:
    """Is this plain: the squared error, nothing preferred, missing or fixed?"""
    plain = problem.loss.beta == 2 and problem.weights is None
    return plain and not problem.penalised and problem.fixed is None


class OnePass:
    """Extrapolated HALS on the rows of X as they lie in memory."""

    name = "hals"

    def __init__(self, problem: Problem, W: Array, H: Array, rng: np.random.Generator) -> None:
        self._problem = problem
        self._rng = rng
        X = problem.scaled
        self._turned = not problem.sparse and not X.flags.c_contiguous
        Wt, Ht = problem.into(W, H)
        self._few: _Dense | None = None
        self._run: Run
        if problem.sparse:
            self._run = _Sparse(X, Wt, Ht, rng)
        else:
            tall, wide = (Ht, Wt) if self._turned else (Wt, Ht)
            self._run = dense = _Dense(X.T if self._turned else X, tall, wide, rng)
            self._few = dense.sample()
        self._rehearsal = self._rehearse()
        self.revived = 0

    def rehearse(self) -> Iterator[None]:
        """Find the short factor on a sample, one step for each round of the iterator."""
        return self._rehearsal

    def look(self) -> float:
        return self._run.begin() if self._few is None else self._run.adopt(self._few.wide)

    def value(self) -> float:
        for _ in self._rehearsal:
            pass
        return self.look()

    def step(self, show: bool) -> float:
        value = self._run.step()
        self.revived = self._run.revived
        return value

    def kkt(self) -> float:
        return self._run.residual

    def factors(self) -> tuple[Array, Array]:
        tall, wide = self._run.tall, self._run.wide
        return self._problem.out(*((wide, tall) if self._turned else (tall, wide)))

    def finish(self) -> float | None:
        return self._run.certify()

    def _rehearse(self) -> Iterator[None]:
        few = self._few
        if few is None:
            return
        trace = [few.begin()]
        while len(trace) <= _RULE.max_iter and not _RULE.met(trace, few.residual):
            trace.append(few.step())
            yield


class Run:
    """Steps on X (rows × columns) ≈ tall' · wide, both one part per row."""

    def __init__(self, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        self.tall = tall
        self.wide = wide
        self.residual = np.inf
        self.revived = 0
        self._rng = rng
        self._momentum = Momentum()
        self._none = np.empty(0, tall.dtype)
        self._value = np.inf

    def begin(self) -> float:
        """Put the start at the scale of the data, and look where it leads."""
        square = float((_gram(self.tall) * _gram(self.wide)).sum())
        cross = self._cross()
        if cross > 0 and square > 0:
            root = self.tall.dtype.type(np.sqrt(cross / square))
            self.tall *= root
            self.wide *= root
        self._after, self._value = self._pass(self.tall, self.wide)
        return self._value

    def step(self) -> float:
        # A pass gives two things at once: the objective where it began and the
        # point it leads to. So a leap is judged by the pass that starts from
        # it, and costs nothing when it is kept.
        tall, wide = self._after
        if not (tall.any(axis=1) & wide.any(axis=1)).all():
            self._revive(tall, wide)
        ahead = self._momentum.leap(tall, wide, 0)
        if ahead is not None:
            after, value = self._pass(*ahead)
            if value <= self._value:
                self._momentum.good()
                (self.tall, self.wide), self._after, self._value = ahead, after, value
                return value
            self._momentum.bad()
        after, value = self._pass(tall, wide)
        if value <= self._value:  # else rounding is all that is left to gain
            self.tall, self.wide, self._after, self._value = tall, wide, after, value
        return self._value

    def adopt(self, wide: Array) -> float:
        """Take over the short factor from a sample, and find the long one for it."""
        raise NotImplementedError

    def certify(self) -> float | None:
        """Optimality residual where it stands, if it is cheap to know."""
        return None

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        """Return the point one step on, and the objective at (tall, wide)."""
        raise NotImplementedError

    def _cross(self) -> float:
        """Inner product of X and tall' · wide."""
        raise NotImplementedError

    def _some_rows(self) -> tuple[Array, Array]:
        """A few rows of X, and which."""
        raise NotImplementedError

    def _revive(self, tall: Array, wide: Array) -> None:
        """Point parts that explain nothing at what is left of some row.

        Their strength is zero, so this leaves the objective where it is.
        """
        for k in np.flatnonzero(~tall.any(axis=1) | ~wide.any(axis=1)):
            if self.revived >= 5 * len(wide):
                return
            rows, picks = self._some_rows()
            left = np.maximum(rows - tall[:, picks].T @ wide, 0)
            norms = np.linalg.norm(left, axis=1)
            worst = int(norms.argmax())
            if not norms[worst] > 0:
                return
            tall[k] = 0
            wide[k] = left[worst] / norms[worst]
            self.revived += 1


class _Dense(Run):
    """X in C order, one read for a step."""

    def __init__(self, X: Array, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        super().__init__(tall, wide, rng)
        self.X = X
        rows, columns = X.shape
        # Every block holds a product of its own, so there are not too many.
        self._cuts = blocks(rows, max(8, -(-rows // 48), _ENTRIES // columns))

    def sample(self) -> _Dense | None:
        """The same on some of the rows; None if that would not pay."""
        rows = self.X.shape[0]
        size = max(_LEAST, 20 * len(self.wide), rows // 8)
        if rows < 4 * size or self.X.size < 1 << 20:
            return None
        edges = np.linspace(0, rows, size + 1).astype(np.int64)
        picks = edges[:-1] + (self._rng.random(size) * np.diff(edges)).astype(np.int64)
        tall = np.ascontiguousarray(self.tall[:, picks])
        return _Dense(np.ascontiguousarray(self.X[picks]), tall, self.wide.copy(), self._rng)

    def adopt(self, wide: Array) -> float:
        self.wide = wide.copy()
        gram = _gram(wide).astype(self.X.dtype)
        product = np.empty_like(self.tall)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.row_products(self.X, wide, lo, hi, product)
            mine = self.tall[:, lo:hi]
            kernels.sweeps(gram, product[:, lo:hi], mine, 0, _COLD, self._none, self._none)

        run_blocks(work, self._cuts)
        return self.begin()

    def certify(self) -> float | None:
        product = np.empty_like(self.tall)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.row_products(self.X, self.wide, lo, hi, product)

        run_blocks(work, self._cuts)
        gram_tall, gram_wide = _gram(self.tall), _gram(self.wide)
        size = float((gram_tall * gram_wide).sum())
        across = gram_tall @ self.wide - self._across(self.tall)
        return max(
            natural_residual(self.tall, gram_wide @ self.tall - product, size),
            natural_residual(self.wide, across, size),
        )

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        X, none = self.X, self._none
        gram = _gram(wide).astype(X.dtype)
        new = tall.copy()
        product = np.empty_like(tall)
        losses = np.zeros(len(self._cuts))
        shares = np.empty((len(self._cuts), *wide.shape), X.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            losses[slot] = kernels.half_squared_error(X, tall, wide, lo, hi)
            kernels.row_products(X, wide, lo, hi, product)
            mine = new[:, lo:hi]
            kernels.sweeps(gram, product[:, lo:hi], mine, 0, _SWEEPS, none, none)
            kernels.column_products(X, new, lo, hi, shares[slot])

        run_blocks(work, self._cuts)
        cross = shares.sum(axis=0)
        size = float((gram.astype(np.float64) * _gram(tall)).sum())
        residual = natural_residual(tall, gram @ tall - product, size)
        gram = _gram(new).astype(X.dtype)
        then = wide.copy()
        size = float((gram.astype(np.float64) * _gram(wide)).sum())
        self.residual = max(residual, natural_residual(wide, gram @ wide - cross, size))
        kernels.sweeps(gram, cross, then, 0, _SWEEPS, none, none)
        return (new, then), float(losses.sum())

    def _cross(self) -> float:
        return float((self._across(self.tall) * self.wide).sum(dtype=np.float64))

    def _across(self, tall: Array) -> Array:
        shares = np.empty((len(self._cuts), *self.wide.shape), self.X.dtype)

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.column_products(self.X, tall, lo, hi, shares[slot])

        run_blocks(work, self._cuts)
        return np.asarray(shares.sum(axis=0))

    def _some_rows(self) -> tuple[Array, Array]:
        picks = self._rng.integers(0, self.X.shape[0], size=min(64, self.X.shape[0]))
        return self.X[picks], picks


class _Sparse(Run):
    """X by row and by column; factors lie in memory sample by sample, as the rows want them."""

    def __init__(self, X: Any, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        super().__init__(np.asfortranarray(tall), np.asfortranarray(wide), rng)
        turned = X.T.tocsr()
        self._by_row, self._by_column = _narrow(X), _narrow(turned)
        self._half_square = 0.5 * float(np.square(X.data, dtype=np.float64).sum())

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        gram_tall, gram_wide = _gram(tall), _gram(wide)
        size = float((gram_tall * gram_wide).sum())
        new, seen, cross = self._update(self._by_row, tall, wide, gram_wide, size)
        # Forming W H would fill the zeros; the three terms are summed in float64.
        value = max(0.0, self._half_square - cross + 0.5 * size)
        gram = _gram(new)
        size = float((gram * gram_wide).sum())
        then, also, _ = self._update(self._by_column, wide, new, gram, size)
        self.residual = float(np.sqrt(max(seen, also)))
        return (new, then), value

    def _update(
        self, X: Any, F: Array, A: Array, gram: Array, size: float
    ) -> tuple[Array, float, float]:
        """Sweep over F (r, rows of X) for given A; residual before and product with X."""
        indptr, indices, data = X
        dtype = F.dtype
        small = gram.astype(dtype)
        norms = np.sqrt(np.einsum("kj,kj->k", F, F))[:, None]
        inverse = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        steep = norms / dtype.type(size) if size > 0 else 0 * norms
        dense = A.T
        # Where little is left of the data, rounding in the data's own precision shows.
        close = self._value < 0.05 * self._half_square
        new = np.empty_like(F)
        cuts = blocks(F.shape[1], max(256, -(-F.shape[1] // 16)))
        sums = np.zeros((len(cuts), 2))

        def work(slot: int, lo: int, hi: int) -> None:
            product = np.empty((hi - lo, len(F)), np.float64 if close else dtype)
            kernels.csr_times(indptr[lo : hi + 1], indices, data, dense, 0, hi - lo, product)
            old = F.T[lo:hi]
            sums[slot, 0] = float((product * old).sum(dtype=np.float64))
            atb = np.ascontiguousarray(product.T, dtype=dtype)
            mine = np.ascontiguousarray(old.T)
            pull = small @ mine
            pull -= atb
            pull *= steep
            np.minimum(pull, mine * inverse, out=pull)
            sums[slot, 1] = float(np.square(pull).sum(dtype=np.float64))
            kernels.sweeps(small, atb, mine, 0, _SWEEPS, self._none, self._none)
            new.T[lo:hi] = mine.T

        with single_blas():
            run_blocks(work, cuts)
        return new, float(sums[:, 1].sum()), float(sums[:, 0].sum())

    def _cross(self) -> float:
        indptr, indices, data = self._by_row
        out = np.empty(self.tall.T.shape, np.float64)
        cuts = blocks(len(out), max(64, -(-len(out) // 64)))

        def work(slot: int, lo: int, hi: int) -> None:
            kernels.csr_times(indptr, indices, data, self.wide.T, lo, hi, out)

        run_blocks(work, cuts)
        return float((out * self.tall.T).sum())

    def _some_rows(self) -> tuple[Array, Array]:
        indptr, indices, data = self._by_row
        m = len(indptr) - 1
        picks = self._rng.integers(0, m, size=min(64, m))
        rows = np.zeros((len(picks), self.wide.shape[1]), self.wide.dtype)
        for at, row in enumerate(picks):
            held = slice(indptr[row], indptr[row + 1])
            rows[at, indices[held]] = data[held]
        return rows, picks


def _narrow(X: Any) -> tuple[Array, Array, Array]:
    """The arrays of a CSR matrix with indices of 32 bits, where they suffice."""
    indices = X.indices if max(X.shape) > np.iinfo(np.int32).max else X.indices.astype(np.int32)
    return X.indptr.astype(np.int64), indices, X.data


def _gram(F: Array) -> Array:
    """F F' in float64, from products in the data's own precision over short runs."""
    total = np.zeros((len(F), len(F)))
    with single_blas():
        for lo, hi in blocks(F.shape[1], 4096):
            part = F[:, lo:hi]
            total += part @ part.T
    return total
