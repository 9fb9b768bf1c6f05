"""How is a project's state written as JSON and arrays? Field by named field, no class paths.

Arrays become references ``{"array": "<sha256>"}`` to the store beside the JSON. Numbers that
JSON does not know are written as ``{"number": "nan"}``. Each record's reader takes the fields it
knows; a field that a newer version added is no obstacle, and is carried along.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import NDArray

from partwise.data.dataset import Axis
from partwise.data.fingerprint import InputFile
from partwise.project import extras
from partwise.project.document import Choices, Run, Source, State, Strip
from partwise.result import (
    Fit,
    Measure,
    Part,
    Provenance,
    Residual,
    Result,
    Table,
    Trust,
    View,
)

__all__ = ["Keep", "Malformed", "Take", "decode_state", "encode_state"]

Keep = Callable[[NDArray[Any]], str]  # stores an array, returns its SHA-256
Take = Callable[[str], NDArray[Any]]  # returns the array of a SHA-256

# The records that a project is made of; nothing else is ever built from a file.
_RECORDS = (
    Axis,
    Choices,
    Fit,
    InputFile,
    Measure,
    Part,
    Provenance,
    Residual,
    Result,
    Run,
    Source,
    Strip,
    Table,
    Trust,
    View,
)
_STATE = ("sources", "runs", "choices", "sections")
_NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Malformed(ValueError):
    """The JSON does not say what a project says; the message names the place."""


def encode_state(state: State, keep: Keep) -> dict[str, Any]:
    """Return the top-level keys of ``project.json`` that hold the state.

    Parameters
    ----------
    state : State
        Its unknown keys are carried along.
    keep : callable
        Stores an array and returns its SHA-256.
    """
    known = {name: _encode(getattr(state, name), keep) for name in _STATE}
    unknown = {
        key: _encode(value, keep)
        for key, value in state.unknown.items()
        if key not in known and key != extras.FIELDS
    }
    told = {**unknown, **known}
    fields = state.unknown.get(extras.FIELDS, {})
    extras.graft(told, {place: _encode(value, keep) for place, value in fields.items()})
    return told


def decode_state(data: Mapping[str, Any], take: Take, *, other: frozenset[str]) -> State:
    """Return the state that `encode_state` wrote.

    Parameters
    ----------
    data : mapping
        The parsed ``project.json``.
    take : callable
        Returns the array of a SHA-256; raises `KeyError` for an unknown one.
    other : frozenset of str
        Top-level keys of the container itself, neither state nor unknown.

    Raises
    ------
    Malformed
    """
    decode = _Decoder(take)
    hints = _hints(State)
    values = {
        name: decode(hints[name], data[name], (name,))
        for name in _STATE
        if data.get(name) is not None
    }
    ours = {*_STATE, *other, extras.FIELDS}
    unknown = {key: decode(Any, value, (key,)) for key, value in data.items() if key not in ours}
    if decode.fields:
        unknown[extras.FIELDS] = decode.fields
    state = State(**values, unknown=unknown)
    _check_links(state)
    return state


def _encode(value: Any, keep: Keep) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": keep(value)}
    if dataclasses.is_dataclass(value) and type(value) in _RECORDS:
        return {f.name: _encode(getattr(value, f.name), keep) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _encode(item, keep) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, keep) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    msg = f"a project cannot hold {type(value).__name__}"
    raise TypeError(msg)


class _Decoder:
    """Builds values from JSON by the annotations of the records."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self.fields: dict[extras.Place, Any] = {}  # what the records here do not know

    def __call__(self, hint: Any, value: Any, where: extras.Place) -> Any:
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._record(hint, value, where)
        origin = typing.get_origin(hint)
        arguments = typing.get_args(hint)
        if origin in (Union, types.UnionType):
            return self._union(arguments, value, where)
        if origin is Literal:
            return self._require(value in arguments, value, where)
        if origin is tuple:
            return self._tuple(arguments, value, where)
        if origin is np.ndarray:
            return self._array(value, where)
        if isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(arguments[1], value, where)
        return self._plain(hint, value, where)

    def _tuple(self, kinds: tuple[Any, ...], value: Any, where: extras.Place) -> tuple[Any, ...]:
        self._require(isinstance(value, list), value, where)
        if len(kinds) == 2 and kinds[1] is Ellipsis:
            if kinds[0] is float and all(type(v) is float for v in value):
                return tuple(value)  # long traces, without a call for each number
            return tuple(
                self(kinds[0], v, (*where, extras.step_of(v, k))) for k, v in enumerate(value)
            )
        self._require(len(value) == len(kinds), value, where)
        return tuple(self(h, v, where) for h, v in zip(kinds, value, strict=True))

    def _record(self, kind: type, value: Any, where: extras.Place) -> Any:
        self._require(isinstance(value, dict), value, where)
        hints = _hints(kind)
        fields = {
            name: self(hint, value[name], (*where, name))
            for name, hint in hints.items()
            if name in value
        }
        for name in [name for name in value if name not in hints]:
            self.fields[*where, name] = self._free(value[name])
        try:
            return kind(**fields)
        except TypeError as error:
            msg = f"{_said(where)} lacks a field ({error})"
            raise Malformed(msg) from error

    def _union(self, kinds: tuple[Any, ...], value: Any, where: extras.Place) -> Any:
        if value is None:
            return self._require(type(None) in kinds, value, where)
        real = [kind for kind in kinds if kind is not type(None)]
        if len(real) == 1:
            return self(real[0], value, where)
        # Table cells: text or a number.
        value = _number(value)
        allowed = tuple(int if kind is float else kind for kind in real) + tuple(real)
        return self._require(
            isinstance(value, allowed) and not isinstance(value, bool), value, where
        )

    def _mapping(self, kind: Any, value: Any, where: extras.Place) -> dict[str, Any]:
        self._require(isinstance(value, dict), value, where)
        return {key: self(kind, item, (*where, key)) for key, item in value.items()}

    def _array(self, value: Any, where: extras.Place) -> NDArray[Any]:
        self._require(isinstance(value, dict) and isinstance(value.get("array"), str), value, where)
        try:
            return self._take(value["array"])
        except KeyError as error:
            msg = f"{_said(where)} refers to an array that is not in the file"
            raise Malformed(msg) from error

    def _plain(self, hint: Any, value: Any, where: extras.Place) -> Any:
        if hint in (Any, object):
            return self._free(value)
        if hint is float:
            value = _number(value)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            try:
                return float(self._require(number, value, where))
            except OverflowError as error:
                msg = f"{_said(where)} is too large a number"
                raise Malformed(msg) from error
        exact = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
        return self._require(exact, value, where)

    def _free(self, value: Any) -> Any:
        """JSON as it is, apart from arrays and numbers that JSON does not know."""
        if isinstance(value, list):
            return [self._free(item) for item in value]
        if isinstance(value, dict):
            if value.keys() == {"array"}:
                return self._array(value, ("an array",))
            number = _number(value)
            if isinstance(number, float):
                return number
            return {key: self._free(item) for key, item in value.items()}
        return value

    @staticmethod
    def _require(holds: bool, value: Any, where: extras.Place) -> Any:
        if not holds:
            msg = f"{_said(where)} cannot be {str(value)[:40]!r}"
            raise Malformed(msg)
        return value


def _said(where: extras.Place) -> str:
    return ".".join(where)


def _number(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"number"}:
        return _NUMBERS.get(str(value["number"]), value)
    return value


def _check_links(state: State) -> None:
    sources = {source.id for source in state.sources}
    runs = {run.id for run in state.runs}
    if len(sources) != len(state.sources) or len(runs) != len(state.runs):
        msg = "two entries have the same id"
        raise Malformed(msg)
    for run in state.runs:
        number = run.id.removeprefix("run-")
        if run.source not in sources:
            msg = f"{run.id} belongs to a source that is not in the file"
            raise Malformed(msg)
        if not (number.isascii() and number.isdigit()):
            msg = f"{run.id!r} is no id of a run"
            raise Malformed(msg)
        for part in run.result.parts:
            if part.profile.ndim != 1 or (part.course is not None and part.course.ndim != 1):
                msg = f"{run.id}, {part.key}: a profile or course is not a row of numbers"
                raise Malformed(msg)


_known_hints: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _known_hints:
        _known_hints[kind] = typing.get_type_hints(kind)
    return _known_hints[kind]
