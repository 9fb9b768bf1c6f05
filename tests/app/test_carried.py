"""Are projects that hold their inputs, and those of a newer Partwise, treated with care?"""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from tests.app.desktop import Desktop

from partwise.project import store
from partwise_app.dialogs.unsaved import UnsavedDialog
from partwise_app.session import Session


def _saved(desktop: Desktop, session: Session, path: Path | None = None) -> Path:
    path = path or desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    return path


def _project(desktop: Desktop, session: Session) -> Path:
    """Open an input, run it, save; return the input's path."""
    found = desktop.open(session)
    desktop.run(session)
    return found


def _newer(file: Path) -> Path:
    """Rewrite a project as one for readers that are newer than this one."""
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    project = json.loads(members["project.json"])
    project.update(schema=store.SCHEMA + 1, reader=store.SCHEMA + 1, partwise="7.0.0")
    members["project.json"] = json.dumps(project).encode()
    manifest = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in members.items()
        if name != "manifest.json"
    }
    members["manifest.json"] = json.dumps(manifest).encode()
    path = file.with_name("newer.partwise")
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_a_newer_project_is_offered_for_a_look_and_never_saved(desktop: Desktop) -> None:
    first = desktop.session()
    _project(desktop, first)
    path = _newer(_saved(desktop, first))
    before = path.read_bytes()
    window = desktop.window()
    session = window.session
    assert not window.action("file_look").isEnabled()
    with desktop.qtbot.waitSignal(session.noticed) as told:
        window.deeds.open_path(path)
    notice = told.args[0]
    assert (notice.tone, notice.action) == ("look", "file_look")
    assert "7.0.0" in notice.text
    assert session.state.sources == ()
    with desktop.qtbot.waitSignal(session.opened):
        window._trigger(notice.action)
    desktop.qtbot.waitUntil(lambda: session.input is not None)
    assert session.look_only
    assert session.run is not None
    assert window.notices.notice is not None
    assert "for a look only" in window.notices.notice.text
    assert window.windowTitle() == "newer — for a look — Partwise"
    for name in ("file_save", "file_save_as", "file_pack:on", "run_start", "file_look"):
        assert not window.action(name).isEnabled(), name
    assert window.action("file_export").isEnabled()
    session.edits.strip("large", "Hide large", {"show": False})
    assert not session.needs_saving
    window.keeper.keep()
    with desktop.qtbot.waitSignal(session.noticed):
        session.save(desktop.folder / "elsewhere.partwise")
    session.start_run()
    assert not session.running
    assert path.read_bytes() == before
    assert not (desktop.folder / "elsewhere.partwise").exists()
    assert not list(desktop.folder.glob(".newer*")), "no lock is taken for a look"
    session.close_project()
    assert not session.look_only


def test_a_damaged_project_is_not_offered_for_a_look(desktop: Desktop) -> None:
    session = desktop.session()
    path = desktop.folder / "broken.partwise"
    path.write_bytes(b"PK\x03\x04 and then nothing")
    with desktop.qtbot.waitSignal(session.noticed) as told:
        session.open_path(path)
    assert (told.args[0].tone, told.args[0].action) == ("bad", "")
    assert session.refused is None


def test_inputs_go_into_the_file_when_asked_and_stay_there(desktop: Desktop) -> None:
    window = desktop.window()
    session = window.session
    source = _project(desktop, session)
    path = _saved(desktop, session)
    assert not store.load(path).packed
    assert not session.needs_saving
    pack = window.action("file_pack:on")
    ticked = [pack.isChecked()]
    pack.trigger()
    ticked.append(pack.isChecked())
    assert ticked == [False, True]
    assert window.session.needs_saving, "the file does not hold them yet"
    _saved(desktop, session, path)
    assert not session.needs_saving
    (digest,) = store.load(path).packed
    assert digest == hashlib.sha256(source.read_bytes()).hexdigest()
    assert store.verify(path) == []

    source.unlink()
    again = desktop.session()
    desktop.open(again, path)
    desktop.qtbot.waitUntil(lambda: again.input is not None)
    assert again.packing
    assert again.lost == {}
    again.edits.strip("large", "Hide large", {"show": False})
    other = _saved(desktop, again, desktop.folder / "copy.partwise")
    assert store.load(other).packed == {digest}
    again.set_packing(False)
    assert again.needs_saving
    with desktop.qtbot.waitSignal(again.noticed) as told:
        again.save()
    assert "is held by the project alone" in told.args[0].text
    assert store.load(other).packed == {digest}
    desktop.file()
    _saved(desktop, again, other)
    assert store.load(other).packed == frozenset()


def test_an_input_that_is_gone_after_packing_is_packed_again(desktop: Desktop) -> None:
    session = desktop.session()
    source = _project(desktop, session)
    session.set_packing(True)
    path = _saved(desktop, session)
    source.unlink()
    session.edits.strip("large", "Hide large", {"show": False})
    _saved(desktop, session, path)
    assert len(store.load(path).packed) == 1
    assert not session.needs_saving


def test_an_input_that_cannot_be_packed_is_named_and_the_file_stays(desktop: Desktop) -> None:
    session = desktop.session()
    source = _project(desktop, session)
    path = _saved(desktop, session)
    before = path.read_bytes()
    session.set_packing(True)
    source.unlink()
    with desktop.qtbot.waitSignal(session.noticed) as told:
        session.save(path)
    assert "grains.txt" in told.args[0].text
    assert "cannot be packed" in told.args[0].text
    assert path.read_bytes() == before
    assert session.needs_saving


def test_work_recovered_beside_a_packed_project_keeps_its_inputs(desktop: Desktop) -> None:
    session = desktop.session()
    source = _project(desktop, session)
    session.set_packing(True)
    path = _saved(desktop, session)
    session.edits.strip("large", "Rename large", {"name": "Boulders"})
    copy = desktop.folder / "left" / "behind.partwise"
    copy.parent.mkdir()
    store.save(session.state, copy)
    source.unlink()
    again = desktop.session()
    discarded: list[bool] = []
    with desktop.qtbot.waitSignal(again.opened):
        again.recover(copy, path, lambda: discarded.append(True))
    desktop.qtbot.waitUntil(lambda: again.input is not None)
    assert again.strips[0].name == "Boulders"
    assert again.packing
    assert again.needs_saving
    _saved(desktop, again, path)
    assert len(store.load(path).packed) == 1
    assert discarded == [True]


def test_closing_a_look_asks_nothing(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = desktop.session()
    _project(desktop, first)
    path = _newer(_saved(desktop, first))
    window = desktop.window(keep=False)
    with desktop.qtbot.waitSignal(window.session.opened):
        window.session.open_project(path, look=True)
    window.session.edits.strip("large", "Hide large", {"show": False})

    def answer(dialog: UnsavedDialog, /) -> int:
        pytest.fail("nothing here could be saved")

    monkeypatch.setattr(UnsavedDialog, "exec", answer)
    assert window.close()
    window.deleteLater()
