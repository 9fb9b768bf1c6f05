"""What can go wrong that the person can put right?"""

from __future__ import annotations

__all__ = ["Cancelled", "InputProblem"]


class InputProblem(ValueError):
    """What was asked cannot be done as it was asked.

    Parameters
    ----------
    what
        What is wrong, naming what was got.
    argument
        Name of the argument at fault, for forms that point at a field.
    fix
        The way out, as one sentence.
    """

    def __init__(self, what: str, *, argument: str = "", fix: str = "") -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.argument = argument
        self.fix = fix

    def __reduce__(self) -> tuple[object, ...]:
        # A worker process hands its errors back pickled; keyword-only
        # arguments would be lost by the default of Exception.
        return _rebuild, (self.what, self.argument, self.fix)


def _rebuild(what: str, argument: str, fix: str) -> InputProblem:
    return InputProblem(what, argument=argument, fix=fix)


class Cancelled(Exception):
    """The person asked to stop; nothing is wrong."""
