from __future__ import annotations

from pathlib import Path

import pytest
from tests.app.desktop import Desktop

from partwise_app.places import first_folder, stem_of


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


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("heart.nii.gz", "heart"),
        ("slide.OME.TIFF", "slide"),
        ("walk.v2.csv", "walk.v2"),
        ("Walking, healthy", "Walking, healthy"),
    ],
)
def test_the_name_of_what_is_written_has_no_ending_of_the_input(title: str, stem: str) -> None:
    assert stem_of(title) == stem
