"""The examples on the page about the engine do what they show."""

from __future__ import annotations

import doctest
from pathlib import Path

from partwise import engine
from partwise.engine import models

PAGE = Path(__file__).resolve().parents[4] / "docs" / "engine.md"


def test_the_page_does_what_it_shows() -> None:
    answer = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert answer.attempted > 40
    assert answer.failed == 0


def test_the_page_has_every_model() -> None:
    text = PAGE.read_text("utf-8")
    functions = [name for name in models.__all__ if name.islower()]
    assert len(functions) == 11
    assert not [name for name in functions if f"[`{name}`](#" not in text]


def test_the_page_names_whatever_else_the_engine_promises() -> None:
    text = PAGE.read_text("utf-8")
    told = set(models.__all__) | {"Cancelled", "warm_up", "line_rule"}  # above; and for our plugins
    results = {"Factorization", "Step", "RankScan", "ScanStep", "Uniqueness", "Intervals", "Match"}
    results |= {"BlockFit", "DualityGap", "Explained", "PermutationTest"}
    rest = set(engine.__all__) - told - results
    assert not sorted(name for name in rest if f"`{name}`" not in text)
