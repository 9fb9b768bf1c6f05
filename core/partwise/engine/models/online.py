"""Parts from data that come in blocks, or do not fit in memory.

    after t samples:  minimise over W ≥ 0   ½ Σ_t ‖x_t − W·h_t‖²,
    h_t = argmin_{h ≥ 0} ‖x_t − W·h‖²  at the W of its time

For streams, and for files larger than memory: only two sums are kept,
A = Σ h hᵀ (rank × rank) and B = Σ x hᵀ (features × rank), so that memory is
bounded by one block. Old courses were computed with an older W; `forget` lets
their weight fade, which is what makes several rounds over the same data arrive
where a fit of all the data does.

J. Mairal, F. Bach, J. Ponce, G. Sapiro, "Online learning for matrix factorization
and sparse coding", J. Mach. Learn. Res. 11 (2010).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.given import check_factor, check_reach
from partwise.engine.models.descent import sweep
from partwise.engine.models.target import check_rank
from partwise.engine.problem import pose
from partwise.engine.refitting import refit

__all__ = ["OnlineFit", "online_nmf"]

Array = NDArray[Any]


class OnlineFit:
    """Parts as they stand after the blocks seen so far; made by `online_nmf`.

    Attributes
    ----------
    W
        (features, rank), columns of unit length; None before the first block.
    samples
        How many columns were seen.
    trace
        For each block, its mean loss per sample with the W that it met: an honest
        forecast, as W had not seen the block. The first block has none (NaN).
    """

    def __init__(self, rank: int, forget: float, rounds: int, W: Array | None, seed: int) -> None:
        self._rank, self._forget, self._rounds, self._seed = rank, forget, rounds, seed
        self._W = W
        self._gram = np.zeros((rank, rank))
        self._cross: Array | None = None
        self._trace: list[float] = []
        self.samples = 0

    @property
    def W(self) -> Array | None:  # noqa: N802 - the name in the literature
        return None if self._W is None else self._W.copy()

    @property
    def trace(self) -> NDArray[np.float64]:
        return np.array(self._trace)

    def partial_fit(self, block: Any) -> OnlineFit:
        """Learn from a block of columns (features, any number), dense or sparse, ≥ 0.

        Raises
        ------
        InputProblem
            If the block has missing values or other features than before.
        """
        problem = pose(block, self._rank)
        check_reach(problem.mean, problem.dtype, "block")
        X = problem.X
        if problem.weights is not None:
            raise InputProblem(
                "the block holds missing values (NaN), which this model cannot do without",
                argument="block",
                fix="fill them or leave their columns out",
            )
        if self._W is not None and X.shape[0] != len(self._W):
            raise InputProblem(
                f"the block has {X.shape[0]} features, the parts have {len(self._W)}",
                argument="block",
                fix="give features x samples, with the same features each time",
            )
        if self._W is None:
            fit = nmf(X, self._rank, seed=self._seed, max_iter=200)
            self._W = fit.W
            self._trace.append(float("nan"))
        else:
            self._trace.append(_mean_loss(X, self._W, refit(X, self._W)))
        if self._cross is None:
            self._cross = np.zeros((X.shape[0], self._rank))
        # The more was seen, the less one block may take away of it.
        fade = self._forget ** (X.shape[1] / max(1, self.samples)) if self.samples else 1.0
        gram, cross = fade * self._gram, fade * self._cross
        for _ in range(self._rounds):
            gram, cross = self._learn(X, gram, cross)
        self.samples += X.shape[1]
        return self

    def transform(self, X: Any) -> Array:
        """H ≥ 0 (rank, samples), globally optimal for the W that stands.

        Raises
        ------
        InputProblem
            If nothing was learnt yet, or X has other features.
        """
        if self._W is None:
            raise InputProblem(
                "no block was seen yet", argument="X", fix="call partial_fit first, or give W"
            )
        return refit(X, self._W)

    def _learn(self, X: Any, gram: Array, cross: Array) -> tuple[Array, Array]:
        """Improve W with this block on top of the sums from before it."""
        assert self._W is not None
        H = refit(X, self._W).astype(np.float64)
        self._gram = gram + H @ H.T
        self._cross = cross + np.asarray(X @ H.T)
        W = sweep(self._W.T.astype(np.float64), self._gram, self._cross.T, 10).T
        norms = np.linalg.norm(W, axis=0)
        self._take_up(X, W, H, norms)
        safe = np.where(norms > 0, norms, 1)
        # Unit columns: courses, and so both sums, carry the scale.
        self._gram *= np.outer(safe, safe)
        self._cross *= safe
        self._W = np.ascontiguousarray(W / safe).astype(self._W.dtype)
        return gram * np.outer(safe, safe), cross * safe

    def _take_up(self, X: Any, W: Array, H: Array, norms: Array) -> None:
        """A part that nothing uses becomes the sample that fits worst, in place."""
        for k in np.flatnonzero((norms == 0) | (self._gram.diagonal() == 0)):
            by_column = X.tocsc() if hasattr(X, "tocsc") else X
            errors = _errors(X, W, H)
            j = int(errors.argmax())
            x = by_column[:, [j]]
            x = np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float64).ravel()
            left = np.maximum(x - W @ H[:, j], 0)
            if not left.any():
                return
            W[:, k] = left
            norms[k] = float(np.linalg.norm(left))
            H[k, j] = 1.0


def _errors(X: Any, W: Array, H: Array) -> Array:
    """Squared error of every column, without forming W·H for a sparse X."""
    W, H = W.astype(np.float64), H.astype(np.float64)
    cross = np.asarray((X.T @ W).T) * H
    squares = X.multiply(X) if hasattr(X, "multiply") else X * X
    total = np.asarray(squares.sum(axis=0), dtype=np.float64).ravel()
    return np.asarray(total - 2 * cross.sum(axis=0) + (H * ((W.T @ W) @ H)).sum(axis=0))


def _mean_loss(X: Any, W: Array, H: Array) -> float:
    return max(0.0, 0.5 * float(_errors(X, W, H).mean()))


def online_nmf(
    rank: int, *, forget: float = 0.5, rounds: int = 2, W: Any = None, seed: int = 0
) -> OnlineFit:
    """Return an empty model that learns from blocks of columns.

    Parameters
    ----------
    rank
        How many parts.
    forget
        By how much old blocks have faded when as many samples again were seen;
        1 keeps them for ever, which suits a single pass over steady data.
    rounds
        How often W and the block's courses are improved in turn.
    W
        (features, rank) parts to begin from; else the first block is fitted.
    seed
        Makes the first fit repeatable.

    Returns
    -------
    OnlineFit
        with `partial_fit(block)`, `W` and `transform(X)`.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> W = np.array([[1.0, 0.0], [1.0, 2.0], [0.0, 1.0]])
    >>> H = np.random.default_rng(0).random((2, 60))
    >>> model = online_nmf(2)
    >>> for lo in range(0, 60, 20):
    ...     _ = model.partial_fit((W @ H)[:, lo : lo + 20])
    >>> model.samples, model.transform(W @ H).shape
    (60, (2, 60))
    """
    rank = check_rank(rank)
    if not 0 < forget <= 1:
        raise InputProblem(
            f"forget must lie above 0 and at most at 1, got {forget}",
            argument="forget",
            fix="1 never forgets",
        )
    rounds = check_rank(rounds, "rounds")
    parts = None
    if W is not None:
        dtype = np.float32 if getattr(W, "dtype", None) == np.float32 else np.float64
        parts = check_factor(W, (None, rank), "W", dtype).copy()
        norms = np.linalg.norm(parts, axis=0)
        parts /= np.where(norms > 0, norms, 1)
    return OnlineFit(rank, float(forget), rounds, parts, seed)
