"""What may a panel use, and does asking for a little load everything?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from partwise_app import api

_SMALL = """
import sys
from partwise_app.api import Choice
assert "partwise_app.viewers.volume" not in sys.modules
from partwise_app.api import VolumeView
assert VolumeView.__module__ == "partwise_app.viewers.volume"
"""


def test_every_promised_name_is_there() -> None:
    for name in api.__all__:
        assert getattr(api, name).__module__.startswith("partwise_app."), name
    with pytest.raises(AttributeError, match="PieView"):
        _ = api.PieView


def test_a_panel_loads_only_the_drawings_that_it_asks_for() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SMALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
