"""What is alike in solvers that learn where a step leads in the pass that weighs its start?

A pass at a point gives its objective and the point one step on; the leap beyond
that is judged by the next pass (Ang and Gillis, Neural Computation 31, 2019).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.engine.pool import blocks, single_blas
from partwise.engine.solvers.momentum import Momentum

__all__ = ["Run", "gram"]

Array = NDArray[Any]


class Run:
    """Steps on X (rows × columns) ≈ tall' · wide, both one part per row."""

    # What a pass weighs: the long factor it has just improved, beside the old short one
    # (whose optimality it then knows too), or the point from which it began.
    _weighs_improved = True

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
        have, want = self._sizes()
        if have > 0 and want > 0:
            root = self.tall.dtype.type(np.sqrt(want / have))
            self.tall *= root
            self.wide *= root
        self._after, self._value = self._pass(self.tall, self.wide)
        self._stand((self.tall, self.wide), self._after)
        return self._value

    def step(self) -> float:
        # A pass gives two things at once: the objective where it began and the
        # point it leads to. So a leap is judged by the pass that starts from
        # it, and costs nothing when it is kept.
        tall, wide = self._after
        stands = self.residual  # a point that is refused must not be told of
        if not self._alive(tall, wide):
            self._revive(tall, wide)
        ahead = self._momentum.leap(tall, wide, 0)
        if ahead is not None:
            after, value = self._pass(*ahead)
            if value <= self._value:
                self._momentum.good()
                self._after, self._value = after, value
                self._stand(ahead, after)
                return value
            self._momentum.bad()
        after, value = self._pass(tall, wide)
        if value <= self._value:
            self._after, self._value = after, value
            self._stand((tall, wide), after)
        else:  # rounding is all that is left to gain
            self.residual = stands
        return self._value

    def adopt(self, wide: Array) -> float:
        """Take over the short factor from a sample, and find the long one for it."""
        raise NotImplementedError

    def certify(self) -> float | None:
        """Optimality residual where it stands, if it is cheap to know."""
        return self.residual if self._weighs_improved else None

    def _pass(self, tall: Array, wide: Array) -> tuple[tuple[Array, Array], float]:
        """Return the point one step on, and the objective where `_stand` puts us."""
        raise NotImplementedError

    def _stand(self, point: tuple[Array, Array], after: tuple[Array, Array]) -> None:
        """Stand where the pass from `point` to `after` has weighed the objective."""
        self.tall, self.wide = after[0] if self._weighs_improved else point[0], point[1]

    def _alive(self, tall: Array, wide: Array) -> bool:
        """Does every part explain something?"""
        # The first few samples mostly know; only a part that they lack is looked for.
        return any((some.any(axis=1) & wide.any(axis=1)).all() for some in (tall[:, :1024], tall))

    def _sizes(self) -> tuple[float, float]:
        """How large tall' · wide is, and how large it should be."""
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


def gram(F: Array) -> Array:
    """F F' in float64: objectives are differences of such terms."""
    total = np.zeros((len(F), len(F)))
    # By one thread: to wait for another costs more, beside a busy neighbour, than it saves.
    with single_blas():
        for lo, hi in blocks(F.shape[1], 4096):
            part = F[:, lo:hi].astype(np.float64, copy=False)
            total += part @ part.T
    return total
