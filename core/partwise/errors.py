"""What can go wrong, in the words that a person reads.

Every problem that a user can cause or mend is one of these; anything else that
escapes is a defect of ours. The command line turns them into exit codes, the
window into a message with the way out.
"""

from __future__ import annotations

from pathlib import Path

from partwise.engine.errors import Cancelled, InputProblem

__all__ = [
    "AnalysisProblem",
    "Cancelled",
    "FileProblem",
    "InputProblem",
    "PartwiseProblem",
    "UsageProblem",
    "WorkerLost",
]


class PartwiseProblem(Exception):
    """A problem with a reason and a way out.

    Parameters
    ----------
    what : str
        What is wrong, one clause without a full stop.
    fix : str
        What the person can do about it.
    """

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        # Problems cross from the worker; the way out must not be lost or said twice there.
        return _problem, (type(self), self.what, self.fix)


class FileProblem(InputProblem):
    """An input or output file cannot be used; names the file.

    Parameters
    ----------
    path : path
        The file as the person named it.
    what, fix : str
        As in `InputProblem`.
    """

    def __init__(self, path: str | Path, what: str, *, fix: str = "") -> None:
        super().__init__(what, argument=str(path), fix=fix)
        self.path = Path(path)

    def __reduce__(self) -> tuple[object, ...]:
        return _file_problem, (self.path, self.what, self.fix)


class UsageProblem(PartwiseProblem):
    """A wrong name or value on the command line or in a form; lists what is allowed."""


class AnalysisProblem(PartwiseProblem):
    """The input is sound, the analysis failed on it."""


class WorkerLost(PartwiseProblem):
    """The process that ran the analysis ended before its answer; the session goes on."""


def _file_problem(path: Path, what: str, fix: str) -> FileProblem:
    return FileProblem(path, what, fix=fix)


def _problem(kind: type[PartwiseProblem], what: str, fix: str) -> PartwiseProblem:
    return kind(what, fix=fix)
