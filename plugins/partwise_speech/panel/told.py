"""How is a problem told in a line? With the file that it is about, and the way out."""

from __future__ import annotations

from partwise.api import FileProblem, InputProblem

__all__ = ["told"]


def told(problem: Exception) -> str:
    """Return words for whoever sits at the screen."""
    if isinstance(problem, FileProblem):
        return f"{problem.path.name} {problem}"
    if isinstance(problem, InputProblem):
        return f"{problem.what}; {problem.fix}" if problem.fix else problem.what
    return str(problem) or type(problem).__name__
