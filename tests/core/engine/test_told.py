"""Is the loss that a fit tells that of the factors it hands back, on every path?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from partwise.engine.errors import InputProblem
from partwise.engine.fit import Factorization, nmf
from partwise.engine.loss import AnyLoss, Capped, Huber, parse_loss
from partwise.engine.penalty import L1, L2
from partwise.engine.plan import ABILITIES

Array = np.ndarray[Any, Any]
LOSSES: tuple[AnyLoss, ...] = ("frobenius", "kl", "is", 0.5, 1.5, 3.0, Huber(0.1), Capped(0.3))
KINDS = ("plain", "scaled", "table", "gaps", "few gaps", "sparse", "sparse and scaled", "penalised")
SHAPE = (60, 66)  # short enough for all solvers


def asked(kind: str, loss: AnyLoss, dtype: Any) -> tuple[Any, Array, dict[str, Any]]:
    """Data, how much each entry counts, and the options that say so."""
    rng = np.random.default_rng(0)
    m, n = SHAPE
    W = (rng.random((m, 3)) + 0.02) * (rng.random((m, 3)) < 0.7)
    X: Any = (W @ rng.gamma(0.7, 1.0, (3, n)) + 0.05 * rng.random((m, n)) + 1e-3).astype(dtype)
    V = np.ones(SHAPE)
    options: dict[str, Any] = {}
    if "scaled" in kind:
        V = np.linspace(0.5, 2, m)[:, None] * np.linspace(2, 0.5, n)
        options["weights"] = V
    elif kind == "table":
        V = rng.random(SHAPE) + 0.1
        options["weights"] = V
    elif "gaps" in kind:
        V = np.where(rng.random(SHAPE) < (0.05 if "few" in kind else 0.3), 0.0, 1.0)
        X = np.where(V > 0, X, dtype(np.nan))
    elif kind == "penalised":
        options |= {"penalty_W": L2(0.1), "penalty_H": L1(0.1)}
    if "sparse" in kind:
        X = sp.csr_array(X * (X > np.median(X)))
    return X, V, options


def fits(solver: str, loss: AnyLoss, dtype: Any) -> Iterator[tuple[str, Factorization, Any, Array]]:
    """Fits of all kinds of data that the solver takes, ended early and later."""
    for kind in KINDS:
        X, V, options = asked(kind, loss, dtype)
        rank = 8 if kind == "few gaps" else 3  # where filling them in pays
        # Kullback-Leibler steps are multiplicative at first, and change their kind after ten.
        for steps in (2, 13):
            try:
                fit = nmf(X, rank, loss, solver=solver, max_iter=steps, tol=0, **options)
            except InputProblem:
                break  # which of them it takes is asked elsewhere
            dense = X.toarray() if kind.startswith("sparse") else np.nan_to_num(X)
            yield f"{kind}, {steps} steps", fit, dense.astype(np.float64), V


def takes(solver: str, loss: AnyLoss) -> bool:
    parsed, kind = parse_loss(loss), ABILITIES[solver].losses
    if kind == "beta":
        return not parsed.robust
    return parsed.beta == (1 if kind == "kl" else 2) and (kind == "robust" or not parsed.robust)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("solver", "loss"), [(s, loss) for s in ABILITIES for loss in LOSSES if takes(s, loss)]
)
def test_the_loss_is_that_of_the_factors(solver: str, loss: AnyLoss, dtype: Any) -> None:
    parsed = parse_loss(loss)
    count = 0
    for what, fit, X, V in fits(solver, loss, dtype):
        count += 1
        fitted = np.maximum(fit.W.astype(np.float64) @ fit.H, 1e-300)
        whole = parsed.divergence(X, np.full(SHAPE, X.mean()), V)
        # Sums over data of this precision know the error only beside the data's own size.
        rounding = 8 * float(np.finfo(dtype).eps) * whole
        assert fit.loss == pytest.approx(parsed.divergence(X, fitted, V), rel=1e-6, abs=rounding), (
            what
        )
    assert count >= 4  # plain data and scaled, at the least
