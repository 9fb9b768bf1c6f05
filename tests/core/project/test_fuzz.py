"""Does a hostile project file ever do more than be refused or read?"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("the bench beside it is POSIX", allow_module_level=True)

from tests.bench import fuzz_project


def test_two_hundred_hostile_files_are_refused_or_read(tmp_path: Path) -> None:
    """The bench does the same with ten thousand, each within 5 s and 500 MB."""
    path = tmp_path / "work" / "p.partwise"
    path.parent.mkdir()
    found = set()
    for number in range(200):
        path.write_bytes(fuzz_project.hostile(number, seed=1))
        found.add(fuzz_project.outcome(path))
    assert found == {"refused", "read"}
    assert [p.name for p in tmp_path.iterdir()] == ["work"]
    assert {p.name for p in path.parent.iterdir()} <= {
        "p.partwise", "saved.partwise", "saved.partwise.bak"
    }  # fmt: skip


@pytest.mark.parametrize("number", range(8))
def test_files_that_are_small_on_disk_and_large_in_memory_are_refused(
    number: int, tmp_path: Path
) -> None:
    path = tmp_path / "p.partwise"
    path.write_bytes(fuzz_project.costly(number))
    assert fuzz_project.outcome(path) in ("refused", "read")
