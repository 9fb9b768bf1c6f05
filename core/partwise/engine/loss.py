"""What is minimised? The beta-divergences, by name or by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem

__all__ = ["Loss", "parse_loss"]

Array = NDArray[Any]

_NAMES = {"frobenius": 2.0, "kl": 1.0, "is": 0.0}


@dataclass(frozen=True, slots=True)
class Loss:
    """A beta-divergence D(X | Y), summed over the entries that count.

    ``beta`` 2 is half the squared error, 1 the generalised Kullback-Leibler
    divergence and 0 the one of Itakura and Saito (Févotte and Idier, Neural
    Computation 23, 2011).
    """

    name: str
    beta: float

    def divergence(self, X: Array, Y: Array, weights: Array | None = None) -> float:
        """Sum D(X | Y) in float64; `Y` must be positive where `beta` < 2."""
        terms = self._terms(X, Y)
        if weights is not None:
            terms = np.where(weights > 0, weights * terms, 0)
        return float(terms.sum(dtype=np.float64))

    def _terms(self, X: Array, Y: Array) -> Array:
        b = self.beta
        if b == 2:
            residual = X - Y
            return np.asarray(0.5 * residual * residual)
        if b == 1:
            # x log(x / y) with 0 log 0 = 0; the sum of nonnegative terms does
            # not cancel, unlike x log x - x log y summed apart.
            positive = X > 0
            ratio = np.divide(X, Y, out=np.ones_like(Y), where=positive)
            return np.asarray(X * np.log(ratio) - X + Y)
        if b == 0:
            ratio = X / Y
            return np.asarray(ratio - np.log(ratio) - 1)
        return np.asarray((X**b + (b - 1) * Y**b - b * X * Y ** (b - 1)) / (b * (b - 1)))

    def factors_of_gradient(self, X: Array, Y: Array) -> tuple[Array, Array]:
        """Return (N, P) such that the derivative by Y is ``P - N``, both >= 0."""
        b = self.beta
        if b == 2:
            return X, Y
        if b == 1:
            return X / Y, np.ones_like(Y)
        if b == 0:
            inverse = 1 / Y
            return X * inverse * inverse, inverse
        power = Y ** (b - 2)
        return X * power, Y * power

    @property
    def exponent(self) -> float:
        """The power that makes a multiplicative update descend (Févotte, Idier 2011)."""
        if self.beta < 1:
            return 1 / (2 - self.beta)
        if self.beta > 2:
            return 1 / (self.beta - 1)
        return 1.0


def parse_loss(loss: str | float) -> Loss:
    """Turn what was asked into a `Loss`.

    Raises
    ------
    InputProblem
        For an unknown name or a number that is not finite.
    """
    if isinstance(loss, str):
        beta = _NAMES.get(loss.lower())
        if beta is None:
            raise InputProblem(
                f"loss {loss!r} is not known",
                argument="loss",
                fix="use 'frobenius', 'kl', 'is' or a number, the beta of the divergence",
            )
        return Loss(loss.lower(), beta)
    try:
        beta = float(loss)
    except (TypeError, ValueError):
        beta = float("nan")
    if not np.isfinite(beta):
        raise InputProblem(
            f"loss must be a name or a finite number, got {loss!r}",
            argument="loss",
            fix="use 'frobenius', 'kl', 'is' or a finite beta",
        )
    for name, known in _NAMES.items():
        if beta == known:
            return Loss(name, beta)
    return Loss(f"beta={beta:g}", beta)
