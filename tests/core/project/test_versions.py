"""Are older, newer and packed projects read as they were meant, and kept whole when saved?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fixtures import pebble

from partwise.data.fingerprint import fingerprint
from partwise.errors import FileProblem
from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.project import arrays, packing, unpacking
from partwise.project.document import Document, Source
from partwise.project.links import resolve_input
from partwise.project.migrate import SCHEMA, STEPS, migrate
from partwise.project.store import load, save, verify

FROZEN = Path(__file__).resolve().parents[2] / "fixtures/projects"


@pytest.fixture(autouse=True)
def _state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))


@pytest.fixture
def document(tmp_path: Path) -> Document:
    path = tmp_path / "work" / "my pebbles.txt"
    path.parent.mkdir()
    pebble.write_pebbles(path)
    dataset = pebble.load(path)
    document = Document()
    assert dataset.source is not None
    document.add_source(Source("source-1", "pebble", "Pebbles", dataset.source))
    result = perform(Request("pebble", "", dataset), LocalJob(), pebble.registry())
    document.add_run("source-1", "pebble", "sort", "First", result)
    return document


@pytest.fixture
def file(document: Document, tmp_path: Path) -> Path:
    path = tmp_path / "p.partwise"
    save(document.state, path)
    return path


def _rewrite(file: Path, change: Any, more: Mapping[str, bytes] | None = None) -> Path:
    """Write the project again as another version would: changed JSON, more members."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    project = json.loads(members["project.json"])
    change(project)
    members |= {"project.json": json.dumps(project).encode(), **(more or {})}
    listed = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != "manifest.json"
    }
    members["manifest.json"] = json.dumps(listed).encode()
    other = file.with_name("other.partwise")
    with zipfile.ZipFile(other, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return other


def _json(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        found: dict[str, Any] = json.loads(archive.read("project.json"))
    return found


# --- older ------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", range(1, SCHEMA + 1))
def test_a_frozen_file_of_each_version_is_read(schema: int, tmp_path: Path) -> None:
    path = FROZEN / f"schema-{schema}.partwise"
    assert verify(path) == []
    loaded = load(path)
    assert loaded.schema == schema
    assert loaded.warnings == ()
    (run,) = loaded.state.runs
    assert [part.name for part in run.result.parts] == ["Large & <b>round</b>", "Small"]
    np.testing.assert_allclose(run.result.parts[0].profile, [0.5, 1.0], atol=1e-3)
    assert loaded.state.strips("run-1")[0].name == "Grob – µm"
    assert loaded.state.choices.notes == "fixed overnight"
    assert loaded.state.sections == {"pebble": {"version": 3, "grains": [1, 2]}}
    assert len(loaded.packed) == (schema > 1)
    save(loaded.state, tmp_path / "again.partwise")
    again = load(tmp_path / "again.partwise")
    assert again.schema == SCHEMA
    assert again.state.strips("run-1") == loaded.state.strips("run-1")


def test_steps_are_taken_one_at_a_time_and_none_is_left_out() -> None:
    assert sorted(STEPS) == list(range(1, SCHEMA))

    def from_0(data: dict[str, Any]) -> dict[str, Any]:
        return {"choices": {"notes": data["remarks"]}, "other": data["other"]}

    steps = {0: from_0, 1: lambda data: {**data, "seen": [*data.get("seen", []), 1]}}
    old = {"remarks": "old words", "other": 1}
    assert migrate(old, 0, steps) == {
        "choices": {"notes": "old words"},
        "other": 1,
        "seen": [1],
    }
    assert old == {"remarks": "old words", "other": 1}
    assert migrate({"a": 1}, 7, steps) == {"a": 1}
    with pytest.raises(ValueError, match="schema 0 does not say"):
        migrate({}, 0, steps)
    with pytest.raises(ValueError, match="schema 1"):
        migrate({}, 1, {2: from_0})


def test_a_file_of_an_unheard_of_version_is_refused(file: Path) -> None:
    with pytest.raises(FileProblem, match="which version"):
        load(_rewrite(file, lambda p: p.update(schema=0)))


# --- newer ------------------------------------------------------------------------------------


def _for_newer_readers(project: dict[str, Any]) -> None:
    project.update(schema=SCHEMA + 2, reader=SCHEMA + 1, partwise="7.0.0")


def test_a_file_for_newer_readers_can_be_looked_at(file: Path) -> None:
    newer = _rewrite(file, _for_newer_readers, {"waves/1.ogg": b"sound"})
    with pytest.raises(FileProblem, match=r"7\.0\.0 .*open it for a look"):
        load(newer)
    loaded = load(newer, look=True)
    assert loaded.look_only
    assert verify(newer) == []
    assert len(loaded.state.runs) == 1
    for words in ("7.0.0", f"schema {SCHEMA + 2}", f"schema {SCHEMA})", "for a look"):
        assert words in loaded.warnings[0]
    assert not load(file, look=True).look_only


def test_a_look_does_not_make_sense_of_what_is_damaged(file: Path) -> None:
    def change(project: dict[str, Any]) -> None:
        _for_newer_readers(project)
        project["runs"] = "elsewhere"

    with pytest.raises(FileProblem, match="damaged"):
        load(_rewrite(file, change), look=True)


def test_what_a_newer_version_added_survives_edits_and_a_save(file: Path, tmp_path: Path) -> None:
    extra = arrays.pack(np.arange(6.0).reshape(2, 3))
    digest = hashlib.sha256(extra).hexdigest()

    def change(project: dict[str, Any]) -> None:
        run = project["runs"][0]
        project["weather"] = {"map": {"array": digest}, "odd": {"number": "nan"}}
        project["sources"][0]["lens"] = "20x"
        run["mood"] = {"calm": [1, 2]}
        run["strips"][1]["texture"] = {"array": digest}
        run["result"]["fit"]["restarts"] = 3
        run["result"]["parts"][0]["origin"] = None
        run["result"]["provenance"]["inputs"][0]["lab"] = "north"

    newer = _rewrite(file, change, {f"arrays/{digest}.npy": bytes(extra)})
    document = Document(load(newer).state)
    document.edit_strip("run-1", "large", "Hide", show=False)
    document.edit("Note", lambda choices: dataclasses.replace(choices, notes="seen"))
    path = tmp_path / "saved.partwise"
    save(document.state, path)
    assert verify(path) == []
    told = _json(path)
    run = told["runs"][0]
    assert told["weather"]["odd"] == {"number": "nan"}
    assert told["weather"]["map"] == {"array": digest} == run["strips"][1]["texture"]
    assert told["sources"][0]["lens"] == "20x"
    assert run["mood"] == {"calm": [1, 2]}
    assert run["result"]["fit"]["restarts"] == 3
    assert run["result"]["parts"][0]["origin"] is None
    assert run["result"]["provenance"]["inputs"][0]["lab"] == "north"
    assert told["choices"]["notes"] == "seen"
    assert not any("\0" in key for key in told)
    again = tmp_path / "again.partwise"
    save(load(path).state, again)
    assert again.read_bytes() == path.read_bytes()


def test_what_belonged_to_a_removed_entry_goes_with_it(file: Path, tmp_path: Path) -> None:
    newer = _rewrite(file, lambda p: p["runs"][0].update(mood="calm"))
    state = dataclasses.replace(load(newer).state, runs=())
    save(state, tmp_path / "less.partwise")
    assert "calm" not in json.dumps(_json(tmp_path / "less.partwise"))


# --- packed inputs ----------------------------------------------------------------------------


def _packed(document: Document, path: Path) -> Path:
    state, inputs = packing.pack(document.state, path)
    save(state, path, inputs=inputs)
    return path


def test_a_packed_input_is_found_when_the_link_is_broken(
    document: Document, tmp_path: Path
) -> None:
    path = _packed(document, tmp_path / "packed.partwise")
    source = document.state.sources[0]
    assert load(path).packed == {source.file.sha256}
    assert _json(path)["reader"] == 2
    assert verify(path) == []
    assert resolve_input(source, path).state == "found"
    before = Path(source.file.path).read_bytes()
    Path(source.file.path).unlink()
    found = resolve_input(source, path)
    assert found.path is not None
    assert (found.state, found.path.name) == ("moved", "my pebbles.txt")
    assert found.path.read_bytes() == before
    assert fingerprint(found.path).sha256 == source.file.sha256
    stamp = found.path.stat().st_mtime_ns
    assert resolve_input(source, path).path == found.path
    assert found.path.stat().st_mtime_ns == stamp  # taken out once
    found.path.write_text("scribbled over")
    assert resolve_input(source, path).path == found.path
    assert found.path.read_bytes() == before


def test_what_is_read_with_an_input_is_packed_with_it(tmp_path: Path) -> None:
    place = pebble.write_pebbles(tmp_path / "a.txt")
    beside, documents = place.with_suffix(".note"), []
    for factor in ("2", "3", ""):
        if factor:
            beside.write_text(factor)
        else:
            beside.unlink()
        dataset = pebble.load(place)
        assert dataset.source is not None
        document = Document()
        document.add_source(
            Source("source-1", "pebble", "Pebbles", dataset.source, beside=dataset.beside)
        )
        documents.append(_packed(document, tmp_path / f"packed{factor}.partwise"))
    state = load(documents[0]).state
    beside.write_text("3")
    found = resolve_input(state.sources[0])
    assert (found.state, found.other) == ("changed", beside)
    place.unlink()
    beside.unlink()
    for path, first in zip(documents, (2.0, 3.0, 1.0), strict=True):
        taken = resolve_input(load(path).state.sources[0], path)
        assert taken.path is not None
        assert np.asarray(pebble.load(taken.path).values)[0] == first


def test_packing_again_needs_only_the_project(document: Document, tmp_path: Path) -> None:
    path = _packed(document, tmp_path / "packed.partwise")
    Path(document.state.sources[0].file.path).unlink()
    whole = path.read_bytes()
    _packed(Document(load(path).state), path)
    assert path.read_bytes() == whole


def test_what_is_missing_changed_or_too_large_is_not_packed(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Path(document.state.sources[0].file.path)
    with monkeypatch.context() as patched:
        patched.setattr(packing, "MOST_PACKED", 3)
        with pytest.raises(FileProblem, match="larger than"):
            packing.pack(document.state)
    place.write_text("other")
    with pytest.raises(FileProblem, match="changed"):
        packing.pack(document.state)
    place.unlink()
    with pytest.raises(FileProblem, match="missing"):
        packing.pack(document.state)


def test_an_input_that_changes_while_it_is_packed_spoils_nothing(
    document: Document, file: Path
) -> None:
    before = file.read_bytes()
    state, inputs = packing.pack(document.state, file)
    place = Path(document.state.sources[0].file.path)
    place.write_bytes(place.read_bytes()[::-1])
    with pytest.raises(FileProblem, match="changed while"):
        save(state, file, inputs=inputs)
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.glob("*.tmp")] == []


def test_a_damaged_packed_input_is_not_given_out(document: Document, tmp_path: Path) -> None:
    path = _packed(document, tmp_path / "packed.partwise")
    Path(document.state.sources[0].file.path).unlink()
    digest = document.state.sources[0].file.sha256
    with zipfile.ZipFile(path) as archive:
        data = archive.read(f"inputs/{digest}")
    bad = _rewrite(path, lambda _: None, {f"inputs/{digest}": data[::-1]})
    assert [finding.member for finding in verify(bad)] == [f"inputs/{digest}"]
    with pytest.raises(FileProblem, match="damaged input"):
        unpacking.taken_out(document.state.sources[0].file, bad)
    assert resolve_input(document.state.sources[0], bad).path is None
    assert list((tmp_path / "state").rglob("*.t*")) == []


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "..", "C:\\x\\con?.txt", "/etc/passwd", "a\x00b", "", "  . "]
)
def test_a_packed_input_lands_only_in_its_folder(
    name: str, document: Document, tmp_path: Path
) -> None:
    path = _packed(document, tmp_path / "packed.partwise")
    source = document.state.sources[0]
    strange = dataclasses.replace(source.file, path=name)
    folder = tmp_path / "out"
    copy = unpacking.taken_out(strange, path, folder)
    assert copy is not None
    assert copy.resolve().parent.parent == folder
    assert [p for p in folder.rglob("*") if p.is_file()] == [copy]
