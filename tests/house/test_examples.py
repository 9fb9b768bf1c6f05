"""The examples in the documentation of public functions do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import partwise.engine


def test_examples_of_the_engine() -> None:
    shown = 0
    for info in pkgutil.walk_packages(partwise.engine.__path__, "partwise.engine."):
        module = importlib.import_module(info.name)
        answer = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert answer.failed == 0, info.name
        shown += answer.attempted
    assert shown > 0
