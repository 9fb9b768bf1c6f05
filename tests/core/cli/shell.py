"""What tests of the command line share: the pebble sorter in place of the plugins, short words."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fixtures import pebble

SAMPLE = str(pebble.sample())
PEBBLE_CLI = """
import sys
import partwise.cli.run
from tests.fixtures import pebble
partwise.cli.run.load_registry = pebble.registry
from partwise.cli import main
sys.exit(main())
"""


def files_in(folder: Path) -> list[str]:
    """Names of what is in a folder."""
    return sorted(p.name for p in folder.iterdir())


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on the standard error, which is one line of ours."""
    text = capsys.readouterr().err
    assert text.startswith("partwise: ")
    assert text.count("\n") == 1
    return text
