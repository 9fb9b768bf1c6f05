"""How is a step taken on sparse data in a single read?

As in `onepass`, with the samples along the longer side of X.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine import kernels
from partwise.engine.fused import tile_residual
from partwise.engine.fused_sparse import sparse_block, turned, widened
from partwise.engine.pool import blocks, run_blocks
from partwise.engine.solvers.run import Run, gram
from partwise.engine.stop import Rule

__all__ = ["Thin"]

Array = NDArray[Any]
_SWEEPS = 2
_COLD = 12  # sweeps where the long factor is not known yet
_LEAST = 2048  # samples of a rehearsal
_MOST = 8  # blocks: each holds a table of its own


class Thin(Run):
    """X (samples × features) in CSR; factors lie in memory sample by sample."""

    # A sample is cheap and has plateaus like the whole: patience pays.
    rule = Rule(tol=0.0, max_iter=200, gain=1e-6)

    def __init__(self, X: Any, tall: Array, wide: Array, rng: np.random.Generator) -> None:
        super().__init__(np.asfortranarray(tall), np.ascontiguousarray(wide), rng)
        self._X = X
        self._half_square = 0.5 * float(np.square(X.data, dtype=np.float64).sum())
        n, m = X.shape
        # As many as share out evenly, as long as summing them up stays cheap.
        count = max(2, min(_MOST, X.nnz // (16 * max(m, 1))))
        self._cuts = blocks(n, max(64, -(-n // count)))
        self._measured = True  # the optimality residual, in each step
        self._shares = np.empty(0, np.bool_)  # laid out when the precision is known

    @staticmethod
    def laid(X: Any, *, along: bool) -> Any:
        """CSR of X, or of its transpose, with indices of 32 bits where they suffice."""
        if max(*X.shape, X.nnz) <= np.iinfo(np.int32).max:
            arrays = X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)
            X = type(X)(arrays, shape=X.shape, copy=False)
        return turned(X) if along else X

    def sample(self) -> Thin | None:
        """The same on some of the samples; None if that would not pay."""
        n = self._X.shape[0]
        size = max(_LEAST, 20 * len(self.wide), n // 8)
        if n < 4 * size or self._X.nnz < 1 << 19:
            return None
        edges = np.linspace(0, n, size + 1).astype(np.int64)
        picks = edges[:-1] + (self._rng.random(size) * np.diff(edges)).astype(np.int64)
        few = Thin(self._X[picks], self.tall[:, picks], self.wide.copy(), self._rng)
        few._measured = False
        return few

    def adopt(self, wide: Array) -> float:
        # The read that finds the samples finds what they make of the features, too.
        self.tall, gram_tall, cross, *_ = self._read(self.tall, wide, _COLD)
        self.wide = self._swept(gram_tall, wide, cross)
        self._after, self._value = self._pass(self.tall, self.wide)
        self._stand((self.tall, self.wide), self._after)
        return self._value

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        gram_tall, gram_wide = gram(tall), gram(wide)
        new, gram_new, cross, inner, seen = self._read(tall, wide, _SWEEPS, gram_tall, gram_wide)
        # Forming W H would fill the zeros; the three terms are summed in float64.
        half = 0.5 * float((gram(new) * gram_wide).sum())
        value = max(0.0, self._half_square - inner + half)
        if self._measured:
            self.residual = max(seen, _residual(gram_new, gram_wide, wide, cross))
        return (new, self._swept(gram_new, wide, cross)), value

    def _swept(self, gram_tall: Array, wide: Array, cross: Array) -> Array:
        then = wide.copy()
        small = gram_tall.astype(wide.dtype)
        kernels.sweeps(small, cross, then, 0, then.shape[1], 0, _SWEEPS, self._none, self._none)
        return then

    def _read(
        self,
        tall: Array,
        wide: Array,
        number: int,
        gram_tall: Array | None = None,
        gram_wide: Array | None = None,
    ) -> tuple[Array, Array, Array, float, float]:
        """One read of X: new samples, their Gram matrix and product with X.

        And the inner product of X with the fit by the new samples and its residual.
        """
        X, dtype, rank = self._X, wide.dtype, len(wide)
        gram_tall = gram(tall) if gram_tall is None else gram_tall
        gram_wide = gram(wide) if gram_wide is None else gram_wide
        size = float((gram_tall * gram_wide).sum())
        reach = np.append(np.sqrt(np.diag(gram_tall)), size if size > 0 else np.inf)
        reach = reach if self._measured else reach[:0]
        table, small = widened(wide), gram_wide.astype(dtype)
        # Where little is left of the data, rounding in the data's own precision shows.
        close = self._value < 0.05 * self._half_square
        kind = np.float64 if close else dtype
        if self._shares.dtype != kind:
            self._shares = np.empty((len(self._cuts), *table.shape), kind)
        shares = self._shares
        acc = np.empty((len(self._cuts), rank * rank + 2))
        old = np.ascontiguousarray(tall.T)
        new = np.empty_like(old)

        def work(slot: int, lo: int, hi: int) -> None:
            sparse_block(
                X.indptr, X.indices, X.data, table, small, reach, old, new, lo, hi, number,
                shares[slot], acc[slot],
            )  # fmt: skip

        run_blocks(work, self._cuts)
        total = acc.sum(axis=0)
        cross = np.ascontiguousarray(shares.sum(axis=0)[:, :rank].T, dtype=dtype)
        gram_new = total[:-2].reshape(rank, rank)
        return new.T, gram_new, cross, float(total[-2]), float(np.sqrt(total[-1]))

    def _sizes(self) -> tuple[float, float]:
        square = float((gram(self.tall) * gram(self.wide)).sum())
        return square, self._read(self.tall, self.wide, 0)[3]

    def _some_rows(self) -> tuple[Array, Array]:
        n = self._X.shape[0]
        picks = self._rng.integers(0, n, size=min(64, n))
        return self._X[picks].toarray(), picks


def _residual(gram_tall: Array, gram_wide: Array, wide: Array, cross: Array) -> float:
    size = float((gram_tall * gram_wide).sum())
    reach = np.append(np.sqrt(np.diag(gram_wide)), size if size > 0 else np.inf)
    m = wide.shape[1]
    small = gram_tall.astype(wide.dtype)
    return float(np.sqrt(tile_residual(small, cross, wide, np.empty(m, wide.dtype), m, reach)))
