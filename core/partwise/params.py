"""Parameters as data: one declaration feeds form, command line, project, report and docs.

An analysis declares a frozen dataclass whose fields are made by `param`::

    @dataclass(frozen=True)
    class Params:
        stains: str = param("he", choices={"he": "H&E", "hdab": "H-DAB"},
                            label="Stains", help="Which dyes the slide carries.")

`specs` reads the declaration back, `parse` turns ``NAME=VALUE`` texts into an
instance, `to_json` and `from_json` carry it through files.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from partwise.errors import UsageProblem

__all__ = ["ParamSpec", "from_json", "param", "parse", "specs", "to_json"]

_KEY = "partwise"
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})

Check = Callable[[Any], "str | None"]


@dataclass(frozen=True)
class ParamSpec:
    """One parameter as forms, parsers and reports see it.

    Attributes
    ----------
    name, label, help : str
        Identifier, words on screen, one sentence of help.
    type : type
        ``bool``, ``int``, ``float`` or ``str``.
    kind : str
        How to ask for it: ``"choice"``, ``"open"`` (a choice that other values may be typed into),
        ``"number"``, ``"switch"``, ``"text"``, ``"file"`` (a path; a default is a word that stands
        for itself), ``"rgb"`` (``auto`` or ``R,G,B``).
    unit : str
        Unit of a number; empty where it has none.
    default : object
    low, high : float or None
        Inclusive range of a number.
    choices : mapping of str to str
        Allowed values and their words on screen; empty where free. Of an open choice, those that
        are offered.
    advanced : bool
        Folded away at first.
    check : callable or None
        Says what is wrong with a value, or None.
    only : str
        Other values with which alone this one is looked at, such as ``"preset=own"`` or
        ``"rank=auto | compare=true"``; empty where it always is.
    """

    name: str
    label: str
    help: str
    type: type
    kind: str
    default: Any
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    advanced: bool = False
    check: Check | None = None
    only: str = ""

    @property
    def goes_with(self) -> tuple[tuple[str, str], ...]:
        """Other parameters and their values, any of which `only` asks for."""
        cases = (case.partition("=") for case in self.only.replace(" ", "").split("|") if case)
        return tuple((name, value) for name, _, value in cases)

    def idle(self, values: Mapping[str, Any]) -> bool:
        """Whether a run by these values, by name, takes no notice of this one."""
        wanted = self.goes_with
        return bool(wanted) and not any(_text_of(values.get(n, "")) == v for n, v in wanted)

    def file_of(self, value: Any) -> str:
        """Return the file that a value names, or nothing."""
        word = self.kind != "file" or str(value).strip().lower() == self.default
        return "" if word else str(value)

    @property
    def allowed(self) -> str:
        """The allowed values in words, for messages and help."""
        if self.choices:
            return " | ".join(self.choices) + (" | …" if self.kind == "open" else "")
        if self.type is bool:
            return "true | false"
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}{unit}"
        if self.low is not None:
            return f"at least {self.low:g}{unit}"
        if self.high is not None:
            return f"at most {self.high:g}{unit}"
        if self.kind == "file":
            return f"{self.default} or a file" if self.default else "a file"
        words = {float: "a number", int: "a whole number"}
        return "auto or R,G,B" if self.kind == "rgb" else words.get(self.type, "text")

    def validate(self, value: Any) -> Any:
        """Return `value` if it is allowed.

        Raises
        ------
        UsageProblem
            With the allowed values.
        """
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wrong_type = not isinstance(value, self.type) or (
            self.type is not bool and isinstance(value, bool)
        )
        closed = self.choices and self.kind != "open"
        if wrong_type or (closed and value not in self.choices):
            raise self._refusal(value)
        if self.type in (int, float) and not self._in_range(float(value)):
            raise self._refusal(value)
        reason = self.check(value) if self.check else None
        if reason:
            if self.kind in ("text", "file", "open"):  # "a text" would be no help
                raise UsageProblem(f"{self.name}={value!s} is not allowed", fix=reason)
            raise UsageProblem(f"{self.name}={value!s}: {reason}", fix=f"allowed: {self.allowed}")
        return value

    def read(self, text: str) -> Any:
        """Turn the text of ``-p NAME=TEXT`` into a value; raises `UsageProblem`."""
        text = text.strip()
        try:
            if self.type is bool:
                lowered = text.lower()
                if lowered not in _TRUE | _FALSE:
                    raise self._refusal(text)
                return self.validate(lowered in _TRUE)
            return self.validate(self.type(text))
        except ValueError as error:
            raise self._refusal(text) from error

    def _in_range(self, value: float) -> bool:
        above = self.low is None or value >= self.low
        below = self.high is None or value <= self.high
        return above and below  # NaN fails both comparisons where a bound is given

    def _refusal(self, value: object) -> UsageProblem:
        return UsageProblem(
            f"{self.name}={value} is not allowed", fix=f"{self.name} takes {self.allowed}"
        )


def param(  # noqa: PLR0913 - all that a field can say of itself
    default: Any,
    *,
    help: str,
    label: str = "",
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    choices: Mapping[str, str] | None = None,
    kind: str = "",
    advanced: bool = False,
    check: Check | None = None,
    only: str = "",
) -> Any:
    """Declare one field of a ``Params`` dataclass; see `ParamSpec` for the meaning."""
    about = {
        "help": help,
        "label": label,
        "unit": unit,
        "low": ge,
        "high": le,
        "choices": dict(choices or {}),
        "kind": kind,
        "advanced": advanced,
        "check": check,
        "only": only,
    }
    return dataclasses.field(default=default, metadata={_KEY: about})


def specs(params: type) -> tuple[ParamSpec, ...]:
    """Read the declared parameters of a ``Params`` class, in the order of the form."""
    hints = typing.get_type_hints(params)
    found = []
    for field in dataclasses.fields(params):
        about = dict(field.metadata[_KEY])
        kind = _plain_type(hints[field.name])
        about["kind"] = about["kind"] or _default_kind(kind, about["choices"])
        about["label"] = about["label"] or field.name.replace("_", " ").capitalize()
        found.append(ParamSpec(name=field.name, type=kind, default=field.default, **about))
    return tuple(found)


def parse(params: type, texts: Mapping[str, str]) -> Any:
    """Make an instance from texts, as the command line gives them.

    Raises
    ------
    UsageProblem
        For an unknown name (with the nearest known one) or a value out of bounds.
    """
    known = {spec.name: spec for spec in specs(params)}
    values = {}
    for name, text in texts.items():
        if name not in known:
            raise _unknown(name, known)
        values[name] = known[name].read(text)
    return params(**values)


def to_json(params: Any) -> dict[str, Any]:
    """Return the values as plain JSON types, in declared order."""
    return {spec.name: getattr(params, spec.name) for spec in specs(type(params))}


def from_json(params: type, values: Mapping[str, Any]) -> Any:
    """Make an instance from stored values; unknown names and bad values raise `UsageProblem`."""
    known = {spec.name: spec for spec in specs(params)}
    for name in values:
        if name not in known:
            raise _unknown(name, known)
    return params(**{name: known[name].validate(value) for name, value in values.items()})


def _unknown(name: str, known: Mapping[str, ParamSpec]) -> UsageProblem:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UsageProblem(f"no parameter {name}", fix=f"{hint}allowed: {', '.join(known)}")


def _text_of(value: Any) -> str:
    return str(value).strip().lower()


def _plain_type(hint: Any) -> type:
    if isinstance(hint, types.UnionType):
        hint = next(kind for kind in hint.__args__ if kind is not type(None))
    if hint not in (bool, int, float, str):
        msg = f"a parameter is bool, int, float or str, not {hint!r}"
        raise TypeError(msg)
    return typing.cast("type", hint)


def _default_kind(kind: type, choices: Mapping[str, str]) -> str:
    if choices:
        return "choice"
    return {bool: "switch", int: "number", float: "number"}.get(kind, "text")
