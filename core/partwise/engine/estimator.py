"""How does the engine look from scikit-learn?

Samples are rows here, and columns everywhere else in Partwise: this is the one
place that transposes. With scikit-learn installed the class is one of its
estimators; without, it brings the few methods of one itself.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem
from partwise.engine.fit import nmf
from partwise.engine.given import plain
from partwise.engine.loss import AnyLoss, parse_loss
from partwise.engine.penalty import L1, L2, Penalty
from partwise.engine.refitting import refit

__all__ = ["NMF"]

Array = NDArray[Any]

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import validate_data

    _BASES: tuple[type, ...] = (ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator)
except ImportError:  # a tool for tests alone, which the program does without
    validate_data = None

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """The estimator was asked before it was fitted."""

    class _Parameters:
        """Parameters that are read and set by the names of the constructor."""

        @classmethod
        def _names(cls) -> list[str]:
            return [name for name in inspect.signature(cls).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **params: Any) -> Any:
            for name, value in params.items():
                if name not in self._names():
                    raise ValueError(f"{name!r} is no parameter of {type(self).__name__}")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
            return f"{type(self).__name__}({given})"

        def get_feature_names_out(self, input_features: Any = None) -> Array:
            prefix = type(self).__name__.lower()
            return np.array([f"{prefix}{k}" for k in range(self._n_features_out)], dtype=object)  # type: ignore[attr-defined]

    _BASES = (_Parameters,)

if TYPE_CHECKING:

    class _Base:
        """What a type checker may know: the bases differ by installation."""

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...
        def set_params(self, **params: Any) -> Any: ...
        def get_feature_names_out(self, input_features: Any = None) -> Array: ...

else:
    _Base = type("_Base", _BASES, {})


class NMF(_Base):
    """Nonnegative matrix factorization, samples × features, as scikit-learn has it.

    The fit is that of `partwise.nmf`, transposed: ``X ≈ transform(X) @ components_``.

    Parameters
    ----------
    n_components
        How many parts; None or "auto" for as many as there are features.
    loss
        As in `partwise.nmf`: "frobenius", "kl", "is", a beta, or one for outliers.
    init, solver, starts, tol, max_iter
        As in `partwise.nmf`; an `init` of None is "auto".
    random_state
        A whole number, a ``RandomState`` or ``Generator``, or None. None gives
        the same answer every time, as 0 does.
    alpha_W, alpha_H, l1_ratio
        Penalties as scikit-learn scales them: on the samples' factor W
        ``alpha_W * n_features * (l1_ratio * sum(W) + (1 - l1_ratio) / 2 * sum(W²))``
        and likewise on the components with `alpha_H` and ``n_samples``. With a
        penalty on one of them alone, the other is held inside the unit ball.

    Attributes
    ----------
    components_
        (n_components, n_features). Without penalties each has unit length.
    reconstruction_err_
        ``sqrt(2 * D)``, the Frobenius norm of the residual for that loss.
    n_iter_, n_features_in_, n_components_
        Iterations of the best start, columns of X, and parts.
    factorization_
        The whole result of `partwise.nmf`, features × samples, with its trace
        and its reason to stop.

    Notes
    -----
    NaN marks a missing entry of a dense X. `fit_transform` ends with the same
    unmixing that `transform` does, so the two agree for the data of the fit.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.outer([3.0, 0.0, 1.0, 2.0], [1.0, 2.0, 0.0])
    >>> model = NMF(1).fit(X)
    >>> bool(np.allclose(model.inverse_transform(model.transform(X)), X))
    True
    """

    def __init__(  # noqa: PLR0913 - scikit-learn wants every parameter here
        self,
        n_components: int | str | None = None,
        *,
        loss: AnyLoss = "frobenius",
        init: str | tuple[Any, Any] | None = "auto",
        solver: str = "auto",
        starts: int = 1,
        tol: float = 1e-5,
        max_iter: int = 1000,
        random_state: Any = None,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
    ) -> None:
        self.n_components = n_components
        self.loss = loss
        self.init = init
        self.solver = solver
        self.starts = starts
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio

    def fit(self, X: Any, y: Any = None) -> NMF:
        """Find the components of X (n_samples, n_features).

        Raises
        ------
        InputProblem
            A ValueError that names what is wrong and the way out.
        """
        data = self._checked(X, reset=True)
        samples, features = data.shape
        rank: Any = features if self.n_components in (None, "auto") else self.n_components
        on_samples, on_components = self._penalties(samples, features)
        init = "auto" if self.init is None else self.init
        if not isinstance(init, str):
            W, H = init
            init = (np.asarray(H).T, np.asarray(W).T)
        found = nmf(
            data.T,
            rank,
            self.loss,
            penalty_W=on_components,
            penalty_H=on_samples,
            init=init,
            solver=self.solver,
            starts=self.starts,
            seed=self.random_state,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        self.factorization_ = found
        self.components_ = np.ascontiguousarray(found.W.T)
        self.n_components_ = found.rank
        self.n_iter_ = max(1, found.iterations)
        self.reconstruction_err_ = float(np.sqrt(2 * max(found.loss, 0.0)))
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Find the components of X and return how much of each is in every sample."""
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Array:
        """Return (n_samples, n_components): how much of each component is in every sample."""
        self._fitted()
        data = self._checked(X, reset=False)
        # The strength on one sample must not depend on how many others there are:
        # the penalty on W counts features alone, as in scikit-learn.
        penalty, _ = self._penalties(data.shape[0], data.shape[1])
        H = refit(data.T, self.components_.T, loss=self.loss, penalty_H=penalty)
        return np.ascontiguousarray(H.T)

    def inverse_transform(self, X: Any) -> Array:
        """Return the mixture (n_samples, n_features) that given strengths make."""
        self._fitted()
        strengths = X.toarray() if bool(sp.issparse(X)) else np.asarray(X)
        if strengths.ndim != 2 or strengths.shape[1] != self.n_components_:
            raise InputProblem(
                f"X has shape {strengths.shape}",
                argument="X",
                fix=f"give samples x {self.n_components_} components",
            )
        return np.asarray(strengths @ self.components_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def _fitted(self) -> None:
        if not hasattr(self, "components_"):
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet; call fit first.")

    def _penalties(self, samples: int, features: int) -> tuple[list[Penalty], list[Penalty]]:
        """Penalties on the samples' factor and on the components."""
        alpha_H = self.alpha_W if self.alpha_H == "same" else self.alpha_H
        if not 0 <= self.l1_ratio <= 1:
            raise InputProblem(
                f"l1_ratio must lie between 0 and 1, got {self.l1_ratio}",
                argument="l1_ratio",
                fix="0 is L2 alone, 1 is L1 alone",
            )

        def both(strength: float) -> list[Penalty]:
            parts: list[Penalty] = [
                L1(strength * self.l1_ratio),
                L2(strength * (1 - self.l1_ratio)),
            ]
            return parts

        return both(float(self.alpha_W) * features), both(float(alpha_H) * samples)

    def _checked(self, X: Any, *, reset: bool) -> Any:
        if isinstance(X, np.ma.MaskedArray):
            X = plain(X)  # scikit-learn would look below the mask
        if validate_data is not None:
            data = validate_data(
                self,
                X,
                accept_sparse=("csr", "csc"),
                dtype=[np.float64, np.float32],
                ensure_all_finite="allow-nan",
                reset=reset,
            )
        else:
            data = self._plainly_checked(X, reset=reset)
        values = data.data if bool(sp.issparse(data)) else data
        low = float(np.nanmin(values)) if values.size and not np.isnan(values).all() else 0.0
        if low < 0:
            raise InputProblem(
                f"Negative values in data passed to {type(self).__name__}: the lowest is {low:.6g}",
                argument="X",
                fix="set them to 0 or shift the data; a factorization into parts needs X >= 0",
            )
        if parse_loss(self.loss).beta <= 0 and bool(sp.issparse(data)):
            raise InputProblem(
                f"the loss {self.loss!r} is infinite at the zeros of a sparse X",
                argument="loss",
                fix="use 'frobenius' or 'kl'",
            )
        return data

    def _plainly_checked(self, X: Any, *, reset: bool) -> Any:
        data = X
        if not bool(sp.issparse(X)):
            data = np.asarray(X)
            if data.dtype not in (np.float32, np.float64):
                data = data.astype(np.float64)
            if data.ndim != 2:
                raise InputProblem(
                    f"X must have 2 dimensions, got {data.ndim}",
                    argument="X",
                    fix="give samples x features",
                )
        if reset:
            self.n_features_in_ = int(data.shape[1])
        elif data.shape[1] != self.n_features_in_:
            raise InputProblem(
                f"X has {data.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input",
                argument="X",
                fix="give the features of the fit",
            )
        return data
