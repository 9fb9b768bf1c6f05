"""What does the loop ask of a solver?"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["Solver"]


class Solver(Protocol):
    """A way to take one step.

    A solver holds scaled factors and keeps its objective from rising; the loop
    does the rest.
    """

    name: str
    revived: int

    def value(self) -> float:
        """Objective where the solver stands before the first step."""

    def step(self, show: bool) -> float:
        """Move on and return the objective; `factors` must be current if `show`."""

    def kkt(self) -> float:
        """Optimality residual as far as it is known, infinite if it is not."""

    def factors(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """W (features, rank) and H (rank, samples) in the user's terms."""

    def finish(self) -> float | None:
        """Bring the factors in order; return their certified KKT residual if known."""
