"""The examples in the documentation of public functions do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import partwise


def test_every_example_of_the_core_does_what_it_shows() -> None:
    shown = 0
    for info in pkgutil.walk_packages(partwise.__path__, "partwise."):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            answer = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
            assert answer.failed == 0, info.name
            shown += answer.attempted
    assert shown > 50
