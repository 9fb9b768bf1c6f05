"""Does a project come back as it was saved, and is a damaged or hostile file refused?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fixtures import pebble

from partwise.errors import FileProblem
from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.project import arrays
from partwise.project.document import Document, Source, State
from partwise.project.store import SCHEMA, load, save, verify


@pytest.fixture
def state() -> State:
    dataset = pebble.load(pebble.sample())
    result = perform(Request("pebble", "", dataset), LocalJob(), pebble.registry())
    result = dataclasses.replace(result, facts={"odd": math.inf, "list": [1, {"a": None}]})
    document = Document()
    assert dataset.source is not None
    document.add_source(Source("source-1", "pebble", "Pebbles", dataset.source))
    run = document.add_run("source-1", "pebble", "sort", "First", result)
    document.edit_strip(run.id, "large", "Rename", name="Grob – µm", profile=(1.0, 2.0))
    document.edit_section("pebble", "Keep", {"version": 3, "from the future": [1, 2]})
    return dataclasses.replace(document.state, unknown={"weather": {"rain": True}})


@pytest.fixture
def file(state: State, tmp_path: Path) -> Path:
    path = tmp_path / "p.partwise"
    save(state, path, thumb=b"\x89PNG-no-picture")
    return path


def _same(a: Any, b: Any) -> None:
    assert type(a) is type(b) or isinstance(a, dict | tuple | list)
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    elif dataclasses.is_dataclass(a):
        for field in dataclasses.fields(a):
            if field.name != "relative":
                _same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            _same(a[key], b[key])
    elif isinstance(a, tuple | list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            _same(x, y)
    else:
        assert a == b


def test_everything_comes_back_and_unknown_things_survive(state: State, file: Path) -> None:
    loaded = load(file)
    _same(state, loaded.state)
    assert loaded.state.unknown == {"weather": {"rain": True}}
    assert loaded.state.sections["pebble"]["from the future"] == [1, 2]
    assert loaded.thumb == b"\x89PNG-no-picture"
    assert loaded.schema == SCHEMA
    assert verify(file) == []
    again = file.with_name("again.partwise")
    save(loaded.state, again, thumb=loaded.thumb)
    assert again.read_bytes() == file.read_bytes()


def test_equal_arrays_are_stored_once(state: State, file: Path) -> None:
    twice = dataclasses.replace(
        state, runs=(*state.runs, dataclasses.replace(state.runs[0], id="run-2"))
    )
    other = file.with_name("twice.partwise")
    save(twice, other)
    with zipfile.ZipFile(file) as one, zipfile.ZipFile(other) as two:
        count = [sum(n.startswith("arrays/") for n in z.namelist()) for z in (one, two)]
        assert two.namelist()[0] == "mimetype"
    assert count[0] == count[1] > 0


def test_saving_again_keeps_one_backup(state: State, file: Path) -> None:
    before = file.read_bytes()
    save(State(), file)
    assert file.with_name("p.partwise.bak").read_bytes() == before
    assert load(file).state.runs == ()
    assert sorted(p.name for p in file.parent.iterdir()) == ["p.partwise", "p.partwise.bak"]


def test_a_failed_save_leaves_the_file_as_it_was(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileProblem, match="No space left"):
        save(State(), file)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir()] == ["p.partwise"]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="cannot be saved") as caught:
        save(State(), tmp_path / "nowhere" / "p.partwise")
    assert caught.value.path == tmp_path / "nowhere" / "p.partwise"


# --- hostile files ---------------------------------------------------------------------------


def _members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path: Path, members: dict[str, bytes], *, mend: bool = True, **options: Any) -> Path:
    """Write members, with a manifest that agrees with them if `mend`."""
    if mend:
        listed = {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(listed).encode()}
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def _edited(file: Path, change: Any) -> Path:
    members = _members(file)
    project = json.loads(members["project.json"])
    change(project)
    members["project.json"] = json.dumps(project).encode()
    return _write(file.with_name("edited.partwise"), members)


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/passwd", "arrays/x.npy", "a.py"])
def test_foreign_names_are_refused(file: Path, name: str) -> None:
    bad = _write(file.with_name("bad.partwise"), {**_members(file), name: b"x"})
    with pytest.raises(FileProblem, match="is no member of a project"):
        load(bad)
    assert [finding.member for finding in verify(bad)] == [name]


@pytest.mark.parametrize("size", [9, 4_000_000])
def test_a_compressed_member_is_refused(file: Path, size: int) -> None:
    bad = file.with_name("bomb.partwise")
    members = {**_members(file), "thumb.png": bytes(size)}
    _write(bad, members, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(FileProblem, match="compressed"):
        load(bad)


def test_a_member_that_is_not_in_the_manifest_is_refused(file: Path) -> None:
    members = _members(file)
    members[f"arrays/{'0' * 64}.npy"] = b"x"
    bad = _write(file.with_name("bad.partwise"), members, mend=False)
    assert [f.what for f in verify(bad)] == ["is not in the manifest"]
    with pytest.raises(FileProblem, match="not in the manifest"):
        load(bad)


def test_two_members_of_one_name_are_refused(file: Path) -> None:
    bad = file.with_name("bad.partwise")
    bad.write_bytes(file.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("thumb.png", b"other")
    with pytest.raises(FileProblem, match="two members"):
        load(bad)


def test_a_changed_byte_is_found_and_the_member_named(file: Path) -> None:
    members = _members(file)
    name = next(n for n in members if n.startswith("arrays/"))
    members[name] = members[name][:-1] + bytes([members[name][-1] ^ 1])
    bad = _write(file.with_name("bad.partwise"), members, mend=False)
    assert [f.member for f in verify(bad)] == [name]
    mended = _write(file.with_name("mended.partwise"), members)  # the name still gives it away
    assert [f.member for f in verify(mended)] == [name]
    with pytest.raises(FileProblem, match="not what"):
        load(mended)


def _newer(project: dict[str, Any]) -> None:
    project.update(schema=99, reader=98, partwise="7.0.0")


def test_a_file_for_newer_readers_names_both_versions(file: Path) -> None:
    with pytest.raises(FileProblem, match=rf"7\.0\.0 .* 98 .* {SCHEMA}"):
        load(_edited(file, _newer))


def test_a_newer_file_that_we_can_read_is_read_with_a_note(file: Path, state: State) -> None:
    loaded = load(_edited(file, lambda p: p.update(schema=SCHEMA + 1)))
    assert len(loaded.state.runs) == len(state.runs)
    assert "newer" in loaded.warnings[0]
    assert not loaded.look_only


def _array_of(project: dict[str, Any]) -> None:
    project["runs"][0]["result"]["parts"][0]["profile"] = {"array": "0" * 64}


def _number(project: dict[str, Any]) -> None:
    project["runs"][0]["result"]["fit"]["value"] = True


def _no_source(project: dict[str, Any]) -> None:
    project["sources"] = []


def _no_seed(project: dict[str, Any]) -> None:
    del project["runs"][0]["result"]["provenance"]["seed"]


def _deep(project: dict[str, Any]) -> None:
    deep: Any = 0
    for _ in range(300):
        deep = [deep]
    project["sections"]["deep"] = deep


def _kind(project: dict[str, Any]) -> None:
    project["runs"][0]["result"]["views"][0]["kind"] = "os.system"


@pytest.mark.parametrize("change", [_array_of, _number, _no_source, _no_seed, _deep, _kind])
def test_malformed_json_is_refused(file: Path, change: Any) -> None:
    with pytest.raises(FileProblem, match="damaged"):
        load(_edited(file, change))


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}",
        "__import__('os').system('true')",
        "(" * 3000,
    ],
)
def test_an_array_that_lies_is_refused_before_it_is_made(header: str) -> None:
    text = header.encode()
    data = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + b"\0" * 8
    with pytest.raises(ValueError, match=r"header|shape|type"):
        arrays.unpack(data)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["f4", "f8", "u1", "i8", "?", ">f4"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 4), (2, 1, 5)])
def test_arrays_survive_in_every_kind_and_order(order: Any, kind: str, shape: Any) -> None:
    array = np.asarray(np.random.default_rng(0).uniform(0, 9, shape), kind, order=order)
    back = arrays.unpack(arrays.pack(array))
    np.testing.assert_array_equal(back, array)
    assert back.shape == shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.flags.writeable


def test_no_mutation_gets_past_a_file_problem(file: Path) -> None:
    whole = file.read_bytes()
    rng = random.Random(7)
    bad = file.with_name("bad.partwise")
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        match rng.randrange(4):
            case 0:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            case 1:
                del data[rng.randrange(len(data)) :]
            case 2:
                at = rng.randrange(len(data))
                data[at : at + 8] = rng.randbytes(8)
            case _:  # the directory at the end, where sizes and names are
                at = len(data) - rng.randrange(1, 2000)
                data[at] = rng.randrange(256)
        bad.write_bytes(data)
        try:
            load(bad)
        except FileProblem:
            refused += 1
    assert refused > 200  # the rest touched dates, attributes or padding that mean nothing


def test_json_with_its_manifest_mended_still_meets_only_a_file_problem(file: Path) -> None:
    members = _members(file)
    rng = random.Random(11)
    text = members["project.json"]
    words = [b"null", b"[]", b"{}", b'"x"', b"-1", b"1e999", b"true", b"NaN", b'{"array": "y"}']
    values = list(_value_spans(text))
    for _ in range(300):
        start, stop = rng.choice(values)
        mutated = text[:start] + rng.choice(words) + text[stop:]
        bad = _write(file.with_name("bad.partwise"), {**members, "project.json": mutated})
        try:
            load(bad)
        except FileProblem:
            continue


def _value_spans(text: bytes) -> list[tuple[int, int]]:
    import re

    return [m.span(1) for m in re.finditer(rb": ([^\[{\n]+?),?\n", text)]


_SAVER = """
import sys
from partwise.project.store import load, save
state = load(sys.argv[1]).state
print("go", flush=True)
while True:
    save(state, sys.argv[1])
"""


def test_a_kill_between_backup_and_replacement_leaves_nothing_for_good(file: Path) -> None:
    backup = file.with_name("p.partwise.bak")
    backup.unlink(missing_ok=True)
    os.link(file, backup)
    save(State(), file)
    assert sorted(p.name for p in file.parent.iterdir()) == ["p.partwise", "p.partwise.bak"]


def test_kill_during_saving_leaves_a_whole_file(file: Path) -> None:
    rng = random.Random(3)
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", _SAVER, str(file)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(rng.uniform(0.01, 0.1))
        child.kill()
        child.wait()
        child.stdout.close()
        assert verify(file) == []
    save(State(), file)  # which also clears what the kills left
    assert sorted(p.name for p in file.parent.iterdir()) == ["p.partwise", "p.partwise.bak"]
