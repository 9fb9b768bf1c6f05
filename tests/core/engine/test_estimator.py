"""Does the estimator behave as scikit-learn's own do?"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from partwise.engine.errors import InputProblem
from partwise.engine.estimator import NMF
from partwise.engine.fit import nmf


@pytest.fixture
def X() -> Any:
    rng = np.random.default_rng(3)
    return rng.gamma(0.6, size=(60, 4)) @ rng.gamma(0.6, size=(4, 15)) + 0.01 * rng.random((60, 15))


@parametrize_with_checks([NMF(2, max_iter=200), NMF(2, loss="kl", max_iter=100)])
def test_scikit_learn_finds_nothing_to_object_to(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize("loss", ["frobenius", "kl"])
def test_fit_then_transform_is_fit_transform(X: Any, loss: str) -> None:
    both = NMF(4, loss=loss).fit_transform(X)
    np.testing.assert_array_equal(NMF(4, loss=loss).fit(X).transform(X), both)


def test_agrees_with_the_engine_transposed(X: Any) -> None:
    model = NMF(4, random_state=7).fit(X)
    fit = nmf(X.T, 4, seed=7)
    np.testing.assert_array_equal(model.components_, fit.W.T)
    assert model.reconstruction_err_ == pytest.approx(
        np.linalg.norm(X - model.transform(X) @ model.components_), rel=1e-4
    )


def test_strengths_of_a_sample_do_not_depend_on_its_company(X: Any) -> None:
    model = NMF(4, alpha_W=0.01, alpha_H=0.0, l1_ratio=1.0).fit(X)
    np.testing.assert_allclose(model.transform(X[:5]), model.transform(X)[:5], atol=1e-10)


def test_a_penalty_makes_strengths_sparser(X: Any) -> None:
    free = NMF(4, alpha_H=0.0).fit(X).transform(X)
    bound = NMF(4, alpha_W=0.05, alpha_H=0.0, l1_ratio=1.0).fit(X).transform(X)
    assert (bound < 1e-9).mean() > (free < 1e-9).mean() + 0.05


def test_missing_entries_are_filled_by_the_mixture(X: Any) -> None:
    rng = np.random.default_rng(0)
    holes = rng.random(X.shape) < 0.1
    model = NMF(4, tol=1e-7, max_iter=3000)
    W = model.fit_transform(np.where(holes, np.nan, X))
    filled = model.inverse_transform(W)
    assert np.abs(filled - X)[holes].mean() < 0.1 * X[holes].std()


def test_sparse_and_dense_agree(X: Any) -> None:
    thin = np.where(X > np.median(X), X, 0.0)
    dense = NMF(3, solver="hals").fit(thin)
    sparse = NMF(3, solver="hals").fit(sp.csr_matrix(thin))
    np.testing.assert_allclose(sparse.components_, dense.components_, atol=1e-3)


def test_goes_into_a_pipeline_and_a_clone(X: Any) -> None:
    chain = make_pipeline(MaxAbsScaler(), NMF(3, random_state=1))
    out = clone(chain).fit_transform(X)
    assert out.shape == (60, 3)
    assert chain[-1].get_params()["random_state"] == 1
    names = clone(chain).fit(X).get_feature_names_out()
    assert list(names) == ["nmf0", "nmf1", "nmf2"]


def test_negative_data_are_named() -> None:
    with pytest.raises(InputProblem, match="Negative values in data passed to NMF"):
        NMF(1).fit([[1.0, -2.0], [3.0, 4.0]])


def test_works_where_scikit_learn_is_not_installed() -> None:
    program = """
import sys
sys.modules["sklearn"] = None
sys.modules["sklearn.base"] = None
import numpy as np
from partwise.engine.estimator import NMF
X = np.outer([3.0, 0.0, 1.0], [1.0, 2.0])
model = NMF(1)
try:
    model.transform(X)
except ValueError as problem:
    assert "not fitted" in str(problem)
assert model.set_params(tol=1e-8).get_params()["tol"] == 1e-8
assert np.allclose(model.fit_transform(X) @ model.components_, X)
assert list(model.get_feature_names_out()) == ["nmf0"]
try:
    model.transform(X[:, :1])
except ValueError as problem:
    assert "expecting 2 features" in str(problem)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_importing_the_package_does_not_import_scikit_learn() -> None:
    program = "import sys, partwise, partwise.engine; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
