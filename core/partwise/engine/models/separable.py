"""Parts that are samples: each is seen pure somewhere.

    X ≈ X[:, anchors]·H,   H ≥ 0

For data in which every part occurs alone in at least one sample (pure pixels,
anchor words). No iteration and no local optimum: the samples are scaled to sum
1, and the one that sticks out furthest is taken and projected out, `rank` times.
H is then the exact nonnegative fit. `residuals` and `certificate` say how far
the data are from what was assumed.

N. Gillis, S. A. Vavasis, "Fast and robust recursive algorithms for separable
nonnegative matrix factorization", IEEE Trans. Pattern Anal. Mach. Intell. 36
(2014). There also the bound: noise of size ε per sample moves the parts by no
more than a multiple of ε κ².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.given import check_reach, is_sparse
from partwise.engine.judge.certify import certify
from partwise.engine.models.descent import ModelFit
from partwise.engine.models.target import check_rank
from partwise.engine.problem import pose
from partwise.engine.refitting import refit
from partwise.engine.stop import Clock

__all__ = ["SeparableFit", "separable_nmf"]

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class SeparableFit(ModelFit):
    """X ≈ W·H with W = X[:, anchors].

    Attributes
    ----------
    anchors
        (rank,) indices of the samples that are the parts, as they were found.
    residuals
        (rank + 1,) length of the longest sample left after 0, 1, … anchors were
        projected out, relative to the first. A last value of about 0 says that
        `rank` parts span the data.
    certificate
        Largest relative error ‖x − W·h‖ / ‖x‖ of a sample: 0 where the data are
        separable with these anchors, which is then proven and not only likely.
    """

    W: Array
    H: Array
    anchors: NDArray[np.intp]
    residuals: NDArray[np.float64]
    certificate: float


def separable_nmf(X: Any, rank: int, *, normalise: bool = True) -> SeparableFit:
    """Find the samples that are the pure parts of all others.

    Parameters
    ----------
    X
        (features, samples) ≥ 0, dense or sparse, nothing missing.
    rank
        How many anchors; at most what the data span.
    normalise
        Scale samples to sum 1 first, so that a faint pure sample counts as much
        as a strong one. False for samples that are mixtures with weights of sum
        at most 1 already, when faint ones are mostly noise.

    Returns
    -------
    SeparableFit
        `stop` is always "converged": nothing is iterated. `trace` holds the
        objective without any part and with all of them.

    Raises
    ------
    InputProblem
        Naming the argument, what it got, and the way out; also if there are not
        `rank` different samples.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 1.0, 0.0], [0.0, 3.0, 2.0]])
    >>> fit = separable_nmf(X, 2)
    >>> sorted(fit.anchors.tolist()), round(fit.certificate, 9)
    ([0, 2], 0.0)
    """
    clock = Clock(None)
    rank = check_rank(rank)
    problem = pose(X, rank)
    check_reach(problem.mean, problem.dtype)
    if problem.weights is not None:
        raise InputProblem(
            "X holds missing values (NaN), which this model cannot do without",
            argument="X",
            fix="fill them, or leave their rows or columns out",
        )
    data = problem.X
    anchors, residuals = _project(data, rank, normalise)
    W = np.ascontiguousarray(_columns(data, anchors))
    H = refit(data, W)
    errors, lengths = _errors(data, W, H)
    loss = 0.5 * float((errors**2).sum())
    nothing = 0.5 * float((lengths**2).sum())
    relative = np.divide(errors, lengths, out=np.zeros_like(errors), where=lengths > 0)
    certificate = float(relative.max())
    # W is chosen, not optimised: what can be certified is H.
    fixed = pose(X, rank, fixed_W=W)
    return SeparableFit(
        loss=loss,
        objective=loss,
        trace=np.array([nothing, min(loss, nothing)]),
        stop="converged",
        kkt=certify(fixed, *fixed.into(W, H)),
        iterations=1,
        seconds=clock.seconds,
        seed=0,
        starts=(loss,),
        notes=(_verdict(certificate),),
        W=W,
        H=H,
        anchors=anchors,
        residuals=residuals,
        certificate=certificate,
    )


def _verdict(certificate: float) -> str:
    if certificate <= 1e-6:
        return "Every sample is a mixture of the anchors: the data are separable."
    return (
        f"The worst sample is a mixture of the anchors up to {100 * certificate:.3g} % of its "
        "length; the parts are that much in doubt, times how alike they are."
    )


def _project(X: Any, rank: int, normalise: bool) -> tuple[NDArray[np.intp], Array]:
    """Successive projection on the samples; X stays as it is."""
    scale = np.ones(X.shape[1])
    if normalise:
        sums = np.asarray(X.sum(axis=0), dtype=np.float64).ravel()
        scale = np.divide(1, sums, out=np.zeros_like(sums), where=sums > 0)
    whole = _squares(X) * scale**2
    left = whole.copy()
    basis = np.zeros((rank, X.shape[0]))
    anchors = np.zeros(rank, np.intp)
    residuals = np.zeros(rank + 1)
    for k in range(rank):
        pick = int(left.argmax())
        residuals[k] = left[pick]
        direction = _columns(X, [pick]).astype(np.float64).ravel() * scale[pick]
        for _ in range(2):  # twice is enough for full orthogonality
            direction -= basis[:k].T @ (basis[:k] @ direction)
        length = float(np.linalg.norm(direction))
        if not length**2 > 1e-14 * max(whole.max(), 1e-300):
            raise InputProblem(
                f"X has only {k} samples that are no mixtures of each other",
                argument="rank",
                fix=f"ask for {max(k, 1)} parts or fewer",
            )
        basis[k] = direction / length
        anchors[k] = pick
        along = np.asarray(X.T @ basis[k]).ravel() * scale
        left = np.maximum(left - along**2, 0)
        left[anchors[: k + 1]] = 0
    residuals[rank] = left.max()
    return anchors, np.sqrt(residuals / max(residuals[0], 1e-300))


def _squares(X: Any) -> Array:
    if is_sparse(X):
        return np.asarray(X.multiply(X).sum(axis=0), dtype=np.float64).ravel()
    return np.asarray(np.einsum("ij,ij->j", X, X, dtype=np.float64))


def _columns(X: Any, picks: Any) -> Array:
    chosen = X[:, picks]
    return np.asarray(chosen.toarray() if is_sparse(X) else chosen)


def _errors(X: Any, W: Array, H: Array) -> tuple[Array, Array]:
    """Length of the residual, and of the sample itself, for every sample."""
    n = X.shape[1]
    errors, lengths = np.empty(n), np.empty(n)
    width = max(1, (1 << 20) // X.shape[0])
    by_column = sp.csc_array(X) if is_sparse(X) else X
    for lo in range(0, n, width):
        cut = slice(lo, lo + width)
        block = by_column[:, cut]
        block = np.asarray(block.toarray() if is_sparse(X) else block, dtype=np.float64)
        lengths[cut] = np.linalg.norm(block, axis=0)
        errors[cut] = np.linalg.norm(block - W.astype(np.float64) @ H[:, cut], axis=0)
    return errors, lengths
