from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.desktop import Desktop

from partwise_app.places import first_folder


def test_dialogs_begin_where_the_work_lies_and_never_in_the_program(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTWISE_STATE", str(desktop.folder / "state"))
    session = desktop.session()
    desktop.open(session, desktop.file())
    assert first_folder(None, session) == desktop.folder
    assert first_folder(Path("chosen"), session) == Path("chosen")
    samples = desktop.folder / "state" / "samples"
    samples.mkdir(parents=True)
    desktop.open(session, desktop.file("state/samples/grains.txt"))
    begun = first_folder(None, session)
    assert begun.is_dir()
    assert not begun.is_relative_to(desktop.folder)
