"""Does the engine run where nothing can be cached?"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import numpy as np
from partwise.engine.jit import compiled

@compiled
def twice(x):
    return 2 * x

assert twice(21) == 42
print("fine")
"""


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    # A file where the folder should be: cannot be written by anybody, root included.
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    environment = os.environ | {"NUMBA_CACHE_DIR": str(blocked / "cache")}
    run = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "fine", run.stderr
