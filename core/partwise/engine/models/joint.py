"""The same samples measured in several ways: one course, a profile per way.

    minimise Σ_b w_b D(X_b | W_b·H)   over W_b ≥ 0, H ≥ 0

For samples with blocks of different features (imaging and blood counts; three
kinds of molecules): each part has one course, shared, and a profile in every
block. Samples that miss a block have NaN columns there and are placed by the
blocks that they have. Stacking the blocks makes it a plain factorization with a
weight per row, so that all of `nmf` applies, exactly.

S. Zhang et al., "Discovery of multi-dimensional modules by integrative analysis
of cancer genomic data", Nucleic Acids Res. 40 (2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.given import numbers, written_out
from partwise.engine.loop import OnStep, Step
from partwise.engine.loss import Loss
from partwise.engine.models.descent import ModelFit
from partwise.engine.models.target import check_block, divergence_named
from partwise.engine.penalty import Penalty

__all__ = ["JointFit", "joint_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class JointFit(ModelFit):
    """Profiles W, one (features of the block, rank) per block, and one H.

    W holds None where the block was None. `block_loss` is each block's own
    divergence, not weighted; `block_weights` what they were weighted with.
    """

    W: list[Array | None]
    H: Array
    block_loss: tuple[float, ...]
    block_weights: tuple[float, ...]


def joint_nmf(  # noqa: PLR0913 - the arguments of nmf, per block
    blocks: Any,
    rank: int,
    loss: str | float = "frobenius",
    *,
    block_weights: str | Sequence[float] | None = None,
    weights: Sequence[Any] | None = None,
    penalty_H: Penalty | list[Penalty] | None = None,
    init: str | tuple[Sequence[Any], Any] = "auto",
    starts: int = 1,
    seed: int = 0,
    tol: float = 1e-5,
    max_iter: int = 1000,
    max_seconds: float | None = None,
    on_step: OnStep | None = None,
) -> JointFit:
    """Find parts with one course across several blocks of features.

    Parameters
    ----------
    blocks
        A list of (features of the block, samples) ≥ 0, dense, with the same
        samples; NaN marks what is missing, a whole column too. None stands for a
        block that is absent altogether.
    block_weights
        One number per block; None weighs all alike; "balanced" gives each block
        the same sum of squares (of entries, for other losses), so that the
        largest does not decide alone.
    weights
        A list of weights per block, each None or as in `nmf`.
    init
        A name, or a pair (list of W0, H0).
    rank, loss, penalty_H, starts, seed, tol, max_iter, max_seconds, on_step
        As in `nmf`.

    Returns
    -------
    JointFit

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out.

    Examples
    --------
    >>> import numpy as np
    >>> H = np.array([[3.0, 0.0, 1.0]])
    >>> fit = joint_nmf([np.array([[1.0], [2.0]]) @ H, np.array([[5.0]]) @ H], 1)
    >>> [W.shape for W in fit.W], bool(fit.loss < 1e-9)
    ([(2, 1), (1, 1)], True)
    """
    parsed = divergence_named(loss)
    there, arrays = _check(blocks)
    share = _shares(block_weights, arrays, there, len(blocks), parsed.beta)
    rows = [len(array) for array in arrays]
    cuts = np.cumsum([0, *rows])
    table = _table(weights, arrays, there, len(blocks), share)

    def split(W: Array) -> list[Array | None]:
        parts: list[Array | None] = [None] * len(blocks)
        for i, b in enumerate(there):
            parts[b] = W[cuts[i] : cuts[i + 1]]
        return parts

    def tell(step: Step) -> object:
        assert on_step is not None
        seen = (tuple(split(step.W)), step.H)
        return on_step(Step(step.iteration, step.objective, seen, step.start, step.seconds))

    fit = nmf(
        np.vstack(arrays),
        rank,
        loss,
        weights=table,
        penalty_H=penalty_H,
        init=init if isinstance(init, str) else _stacked(init, there),
        starts=starts,
        seed=seed,
        tol=tol,
        max_iter=max_iter,
        max_seconds=max_seconds,
        on_step=None if on_step is None else tell,
    )
    losses = [0.0] * len(blocks)
    for i, b in enumerate(there):
        losses[b] = _block_loss(arrays[i], fit.W[cuts[i] : cuts[i + 1]] @ fit.H, parsed)
    notes = fit.notes
    absent = [str(b + 1) for b in range(len(blocks)) if b not in there]
    if absent:
        notes += (f"Block {', '.join(absent)} is absent and has no profiles.",)
    return JointFit(
        W=split(fit.W),
        H=fit.H,
        block_loss=tuple(losses),
        block_weights=tuple(float(s) for s in share),
        loss=fit.loss,
        objective=fit.objective,
        trace=fit.trace,
        stop=fit.stop,
        kkt=fit.kkt,
        iterations=fit.iterations,
        seconds=fit.seconds,
        seed=fit.seed,
        starts=fit.starts,
        notes=notes,
    )


def _block_loss(X: Array, Y: Array, loss: Loss) -> float:
    """D(X | Y) over the entries of a block that are known."""
    known = np.isfinite(X)
    floor = 0 if loss.beta == 2 else np.finfo(Y.dtype).tiny
    return loss.divergence(X[known], np.maximum(Y[known], floor))


def _check(blocks: Any) -> tuple[list[int], list[Array]]:
    if not isinstance(blocks, list | tuple):
        raise InputProblem(
            "blocks must be a list of matrices", argument="blocks", fix="pass [X1, X2, …]"
        )
    there = [b for b, block in enumerate(blocks) if block is not None]
    if not there:
        raise InputProblem(
            "blocks holds no matrix", argument="blocks", fix="give at least one block"
        )
    arrays = [check_block(blocks[b], f"blocks[{b}]") for b in there]
    counts = {array.shape[1] for array in arrays}
    if len(counts) > 1:
        raise InputProblem(
            f"blocks have {' and '.join(str(array.shape[1]) for array in arrays)} samples",
            argument="blocks",
            fix="all need the same samples in the same order; NaN columns for those not measured",
        )
    for b, array in zip(there, arrays, strict=True):
        if np.nanmin(array, initial=0) < 0:
            raise InputProblem(
                f"blocks[{b}] has negative values, the lowest is {np.nanmin(array):.6g}",
                argument="blocks",
                fix="set them to 0 or shift the data",
            )
        if np.isnan(array).all():
            raise InputProblem(
                f"blocks[{b}] is NaN everywhere", argument="blocks", fix="pass None in its place"
            )
    gone = np.all([np.isnan(array).all(axis=0) for array in arrays], axis=0)
    if gone.any():
        raise InputProblem(
            f"{int(gone.sum())} samples are missing in every block",
            argument="blocks",
            fix="leave those columns out",
        )
    return there, arrays


def _shares(
    asked: str | Sequence[float] | None,
    arrays: list[Array],
    there: list[int],
    number: int,
    beta: float,
) -> Array:
    share = np.ones(number)
    if asked is None:
        return share
    if isinstance(asked, str):
        if asked != "balanced":
            raise InputProblem(
                f"block_weights {asked!r} is not known",
                argument="block_weights",
                fix="use None, 'balanced' or a number per block",
            )
        power = 2 if beta == 2 else 1
        sizes = np.array([float((np.nan_to_num(a, nan=0.0) ** power).sum()) for a in arrays])
        if len(sizes) > 1 and (sizes > 0).all():
            share[there] = np.exp(np.log(sizes).mean()) / sizes
        return share
    share = np.asarray(asked, dtype=np.float64)
    if share.shape != (number,) or not np.isfinite(share).all() or not (share > 0).all():
        raise InputProblem(
            f"block_weights must hold {number} positive numbers, got {asked!r}",
            argument="block_weights",
            fix="one per block; None in place of a block leaves it out",
        )
    return share


def _table(
    weights: Any, arrays: list[Array], there: list[int], number: int, share: Array
) -> Array | None:
    """Weights of the stacked rows: (m, 1) if they are per row alone."""
    if weights is None:
        if (share[there] == 1).all():
            return None
        per_row = [np.full((len(a), 1), share[b]) for a, b in zip(arrays, there, strict=True)]
        return np.vstack(per_row)
    if not isinstance(weights, list | tuple) or len(weights) != number:
        raise InputProblem(
            f"weights must be a list with one entry for each of {number} blocks",
            argument="weights",
            fix="use None for a block without weights",
        )
    stacked = []
    for array, b in zip(arrays, there, strict=True):
        given = np.ones((1, 1)) if weights[b] is None else written_out(weights[b])
        own = numbers(given, f"weights[{b}]", np.float64)
        try:
            full = np.broadcast_to(own, array.shape)
        except ValueError:
            raise InputProblem(
                f"weights[{b}] has shape {own.shape} for a block of shape {array.shape}",
                argument="weights",
                fix="give one per entry, per row (m, 1) or per column (1, n)",
            ) from None
        stacked.append(full * share[b])
    return np.vstack(stacked)


def _stacked(init: Any, there: list[int]) -> tuple[Array, Any]:
    try:
        parts, H = init
        return np.vstack([parts[b] for b in there]), H
    except (TypeError, ValueError, IndexError):
        raise InputProblem(
            "init must be a name or a pair (list of W0, H0)",
            argument="init",
            fix="one W0 per block, all with `rank` columns",
        ) from None
