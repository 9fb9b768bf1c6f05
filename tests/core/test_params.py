"""Parameters: what is declared is what forms, command line and files get back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise.errors import UsageProblem
from partwise.params import from_json, param, parse, specs, to_json


def _odd(value: int) -> str | None:
    return None if value % 2 else "must be odd"


@dataclass(frozen=True)
class Params:
    rank: int = param(3, ge=1, le=64, help="How many parts to find.")
    tol: float = param(1e-4, ge=0.0, unit="OD", help="When to stop.", advanced=True)
    stains: str = param("he", choices={"he": "H&E", "hdab": "H-DAB"}, help="Which dyes.")
    smooth: bool = param(False, help="Smooth first.")
    window: int = param(3, ge=1, help="Odd width.", check=_odd)


def test_specs_carry_what_was_declared() -> None:
    rank, tol, stains, smooth, _ = specs(Params)
    assert (rank.kind, rank.low, rank.high, rank.allowed) == ("number", 1, 64, "1 to 64")
    assert (tol.unit, tol.advanced, tol.label) == ("OD", True, "Tol")
    assert (stains.kind, stains.allowed) == ("choice", "he | hdab")
    assert smooth.kind == "switch"


def test_an_open_choice_takes_others_that_its_check_allows() -> None:
    @dataclass(frozen=True)
    class Open:
        loss: str = param(
            "kl",
            kind="open",
            choices={"kl": "Counts"},
            check=lambda text: None if text in ("kl", "0.5") else "give kl or a beta",
            help="What a deviation costs.",
        )

    (loss,) = specs(Open)
    assert loss.allowed == "kl | …"
    assert loss.read("0.5") == "0.5"
    with pytest.raises(UsageProblem, match="give kl or a beta"):
        loss.read("grey")


def test_a_parameter_that_goes_with_others_is_idle_without_them() -> None:
    @dataclass(frozen=True)
    class Paired:
        rank: str = param("auto", help="How many.")
        suv: bool = param(False, help="Whether to divide.")
        most: int = param(8, ge=1, le=9, only="rank=auto | suv=true", help="At most.")

    most = specs(Paired)[2]
    assert most.goes_with == (("rank", "auto"), ("suv", "true"))
    assert not most.idle({"rank": " AUTO", "suv": False})
    assert not most.idle({"rank": "3", "suv": True})
    assert most.idle({"rank": "3", "suv": False})
    assert not specs(Paired)[0].idle({})


@given(st.integers(1, 64), st.floats(0, 1e9), st.sampled_from(["he", "hdab"]), st.booleans())
def test_values_survive_json_and_text(rank: int, tol: float, stains: str, smooth: bool) -> None:
    params = Params(rank=rank, tol=tol, stains=stains, smooth=smooth)
    assert from_json(Params, json.loads(json.dumps(to_json(params)))) == params
    assert parse(Params, {k: str(v) for k, v in to_json(params).items()}) == params


def test_a_file_may_have_a_word_in_its_place() -> None:
    @dataclass(frozen=True)
    class Files:
        events: str = param("", kind="file", help="A table.")
        voice: str = param("generic", kind="file", help="Whose voice.")
        span: str = param("auto", help="Where.")

    events, voice, span = specs(Files)
    assert (events.file_of(""), events.file_of("e.csv")) == ("", "e.csv")
    assert (voice.file_of(" Generic"), voice.file_of("v.wav")) == ("", "v.wav")
    assert span.file_of("v.wav") == ""
    assert (events.allowed, voice.allowed) == ("a file", "generic or a file")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("rank", "0", "1 to 64"),
        ("rank", "three", "1 to 64"),
        ("rank", "2.5", "1 to 64"),
        ("stains", "pas", "he | hdab"),
        ("smooth", "perhaps", "true | false"),
        ("tol", "nan", "at least 0"),
        ("window", "4", "must be odd"),
        ("rnak", "3", "did you mean rank?"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(name: str, text: str, said: str) -> None:
    with pytest.raises(UsageProblem, match=name) as caught:
        parse(Params, {name: text})
    assert said in str(caught.value)


def test_stored_values_are_checked_like_typed_ones() -> None:
    for bad in ({"rank": True}, {"rank": "3"}, {"smooth": 1}, {"unknown": 1}):
        with pytest.raises(UsageProblem):
            from_json(Params, bad)
    assert from_json(Params, {"tol": 1}).tol == 1.0
