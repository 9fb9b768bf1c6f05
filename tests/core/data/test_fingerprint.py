"""Fingerprints tell one file from another and say what is wrong with a path."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from partwise.data.fingerprint import fingerprint
from partwise.errors import FileProblem


def test_the_full_hash_is_that_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a name with ü.bin"
    path.write_bytes(b"tissue" * 100_000)
    found = fingerprint(path)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.size == 600_000
    assert fingerprint(path, full=False).sha256 == ""


@pytest.mark.parametrize("where", [0, 70_000, 199_999])
def test_a_changed_end_changes_the_quick_hash(tmp_path: Path, where: int) -> None:
    content = bytearray(200_000)
    (tmp_path / "a").write_bytes(content)
    content[where] = 1
    (tmp_path / "b").write_bytes(content)
    a, b = fingerprint(tmp_path / "a"), fingerprint(tmp_path / "b")
    assert a.sha256 != b.sha256
    assert (a.quick != b.quick) == (where in (0, 199_999))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="no such file") as caught:
        fingerprint(tmp_path / "gone.svs")
    assert caught.value.path == tmp_path / "gone.svs"
    with pytest.raises(FileProblem, match="folder"):
        fingerprint(tmp_path)
