"""What is minimised? The beta-divergences, and squares that do not trust outliers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.errors import InputProblem

__all__ = ["AnyLoss", "Capped", "Huber", "Loss", "parse_loss"]

Array = NDArray[Any]

_NAMES = {"frobenius": 2.0, "kl": 1.0, "is": 0.0}


@dataclass(frozen=True, slots=True)
class Huber:
    """Half the square of a residual up to `bend`, straight beyond (Huber, 1964).

    Outliers still pull, but no stronger the farther they lie. Without `bend`,
    1.345 times the robust standard deviation of the residuals of a plain fit
    is taken: 95 % as efficient as squares where there are no outliers.
    """

    bend: float | None = None


@dataclass(frozen=True, slots=True)
class Capped:
    """Half the square of a residual, and no more than that of `bend`.

    Entries farther off do not count at all: pen on a slide, a dropped channel.
    Without `bend`, 3 times the robust standard deviation of the residuals of a
    plain fit is taken. Not convex even for known parts: begins from that fit.
    """

    bend: float | None = None


AnyLoss = str | float | Huber | Capped


@dataclass(frozen=True, slots=True)
class Loss:
    """A beta-divergence D(X | Y), summed over the entries that count.

    ``beta`` 2 is half the squared error, 1 the generalised Kullback-Leibler
    divergence and 0 the one of Itakura and Saito (Févotte and Idier, Neural
    Computation 23, 2011).
    """

    name: str
    beta: float
    bend: float = 0.0  # residual from where a robust loss is bent; 0: not known yet

    @property
    def robust(self) -> bool:
        return self.name in _SIGMAS

    @property
    def sigmas(self) -> float:
        """The usual `bend` of a robust loss in standard deviations."""
        return _SIGMAS[self.name]

    def trust(self, residual: Array) -> Array:
        """Weight of each entry under which the squared error lies above a robust loss.

        Touches it at these residuals, so that a weighted least-squares step
        descends (half-quadratic; Geman and Reynolds, 1992).
        """
        size = np.abs(residual)
        if not self.bend:
            return np.ones_like(size)
        if self.name == "capped":
            return np.asarray(size < self.bend, dtype=size.dtype)
        return np.asarray(self.bend / np.maximum(size, self.bend))

    def divergence(self, X: Array, Y: Array, weights: Array | None = None) -> float:
        """Sum D(X | Y) in float64; `Y` must be positive where `beta` < 2."""
        if weights is not None:
            # What is missing is held as 0, where some losses are infinite.
            X = np.where(weights > 0, X, Y)
        terms = self._terms(X, Y)
        if weights is not None:
            terms = weights * terms
        return float(terms.sum(dtype=np.float64))

    def _terms(self, X: Array, Y: Array) -> Array:
        b = self.beta
        if b == 2:
            residual = X - Y
            squares = np.asarray(0.5 * residual * residual)
            if not self.bend:
                return squares
            if self.name == "capped":
                return np.asarray(np.minimum(squares, 0.5 * self.bend**2))
            size = np.abs(residual)
            straight = self.bend * (size - 0.5 * self.bend)
            return np.asarray(np.where(size < self.bend, squares, straight))
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
        # In this order, because Y ** (b - 2) alone may overflow where X is zero and Y nearly.
        power = Y ** (b - 1)
        return X / Y * power, power

    @property
    def exponent(self) -> float:
        """The power that makes a multiplicative update descend (Févotte, Idier 2011)."""
        if self.beta < 1:
            return 1 / (2 - self.beta)
        if self.beta > 2:
            return 1 / (self.beta - 1)
        return 1.0


_SIGMAS = {"huber": 1.345, "capped": 3.0}


def parse_loss(loss: AnyLoss) -> Loss:
    """Turn what was asked into a `Loss`.

    Raises
    ------
    InputProblem
        For an unknown name or a number that is not finite.
    """
    if isinstance(loss, Huber | Capped):
        bend = loss.bend
        if bend is not None and not (np.isfinite(bend) and bend > 0):
            raise InputProblem(
                f"the bend of a robust loss must be above 0, got {bend}",
                argument="loss",
                fix="leave it out to have it estimated",
            )
        return Loss(type(loss).__name__.lower(), 2.0, bend or 0.0)
    if isinstance(loss, str):
        if loss.lower() in _SIGMAS:
            return Loss(loss.lower(), 2.0)
        beta = _NAMES.get(loss.lower())
        if beta is None:
            raise InputProblem(
                f"loss {loss!r} is not known",
                argument="loss",
                fix="use 'frobenius', 'kl', 'is', 'huber', 'capped' or a number, the beta of the "
                "divergence",
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
