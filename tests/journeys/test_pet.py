"""A dynamic series from opening to curves, anchors and a corrected frame table."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QProgressBar, QWidget
from tests.journeys.conftest import Journey

from partwise.project.document import Strip
from partwise_app.jobchip import JobChip
from partwise_app.viewers.curves import CurvesView
from partwise_app.viewers.slices import Voxel
from partwise_app.viewers.volume import VolumeView
from partwise_pet import nifti
from partwise_pet.panel.board import Panel
from partwise_pet.region import region_of
from partwise_pet.samples import heart_series


def _settle(window: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        window.session.edits.parameter(name, value, "")


_QUICK = {"rank": "4", "doubt": False, "region": "box 1:29 2:24 5:15"}


def _picture(journey: Journey, window: Any, name: str) -> None:
    """Keep a picture once the window has laid itself out."""
    for _ in range(5):
        QApplication.processEvents()
    journey.picture(window, name)


def _panel(window: Any) -> Panel:
    found = window.findChild(Panel)
    assert isinstance(found, Panel)
    return found


def _view(window: Any) -> VolumeView:
    found = window.desk.drawing("volume")
    assert isinstance(found, VolumeView)
    return found


def _click(journey: Journey, view: VolumeView, voxel: tuple[int, int, int]) -> None:
    """Click a voxel (z, y, x) in the axial slice through it."""
    view.set_voxel(voxel)
    QTest.mouseClick(
        view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, _spot(view, voxel)
    )


def _spot(view: VolumeView, voxel: tuple[int, int, int]) -> QPoint:
    return view.plan().spot(0, Voxel(*voxel)).toPoint()


def _drag(view: VolumeView, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    """Drag in the axial slice from a voxel straight to another, as a fast hand does."""
    view.set_voxel(start)
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(view, left, none, _spot(view, start))
    QTest.mouseMove(view, _spot(view, end))
    QTest.mouseRelease(view, left, none, _spot(view, end))


def test_from_a_series_to_curves_and_the_same_numbers_again(journey: Journey) -> None:
    window = journey.window()
    session = window.session
    journey.open(window, heart_series())
    view = _view(window)
    assert view.isVisible()
    view.set_frame(6)  # the first pass
    _picture(journey, window, "pet-input")
    assert "42 frames of 5 to 300 s" in _panel(window).timing.words.text()

    _settle(window, _QUICK)
    snapshots: list[object] = []
    session.snapshot_arrived.connect(snapshots.append)
    view.set_frame(-1)
    journey.run(window)
    run = session.run
    assert run is not None
    assert snapshots, "factors are seen before the run ends"
    names = [strip.name for strip in session.strips]
    assert names[:3] == ["Arterial blood", "Venous blood", "Retention"]
    assert window.desk.trust.texts()[0].startswith("good: Blood is")
    _picture(journey, window, "pet-slices")
    view.set_voxel((10, 13, 20))
    for place, (mode, _) in enumerate(window.desk.views.modes()):
        window.desk.views.set_mode(mode)
        _picture(journey, window, f"pet-view-{place}")
        assert _panel(window).under_stage.isEnabled() is (place == 0), "tools are for the slices"
        drawn = window.desk.views._shown()
        if isinstance(drawn, VolumeView):
            assert drawn.voxel == Voxel(10, 13, 20), "maps look where the slices look"

    # A solo shows one factor's image and curve.
    window.desk.views.set_mode(window.desk.views.modes()[0][0])
    session.edits.strip("blood-1", "Solo", {"solo": True})
    shown: Any = window.desk.drawing("curves")
    assert isinstance(shown, CurvesView)
    assert [each.name for each in shown.series] == ["Arterial blood"]
    _picture(journey, window, "pet-solo")
    session.edits.strip("blood-1", "Solo", {"solo": False})

    project = journey.folder / "heart.partwise"
    journey.save(window, project)
    other = journey.window()
    journey.open(other, project)
    again = other.session.run
    assert again is not None
    assert again.result.measures == run.result.measures
    for mine, theirs in zip(run.result.parts, again.result.parts, strict=True):
        np.testing.assert_array_equal(mine.profile, theirs.profile)
    strips: tuple[Strip, ...] = other.session.strips
    assert strips == session.strips


def test_clicks_set_anchors_and_shape_the_region(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, heart_series())
    session, panel, view = window.session, _panel(window), _view(window)
    bar = panel.under_stage
    journey.qtbot.waitUntil(bar.isVisible)
    _settle(window, {"rank": "4", "doubt": False})

    view.set_voxel((10, 13, 20))
    bar.reach.setValue(44)
    bar.box_asked.emit()
    assert session.parameters["region"] == "box 9:32 2:25 0:22"
    bar.set_tool("erase")
    bar.brush_size.setValue(8)
    _click(journey, view, (10, 4, 12))
    assert session.parameters["region"].endswith("; -brush 2.0 2.0 2.0 12,4,10")
    bar.whole_asked.emit()
    assert session.parameters["region"] == ""

    # A drag paints without gaps, and is one step that can be taken back.
    bar.set_tool("paint")
    bar.flat.setChecked(True)
    _drag(view, (10, 13, 8), (10, 13, 22))
    painted = region_of(session.parameters["region"], np.ones((22, 26, 31), bool))
    assert painted[10, 13, 6:25].all()
    assert not painted[9].any()
    assert f"{int(painted.sum()):,} voxels" in panel._region.text()
    _picture(journey, window, "pet-painted")
    window.action("edit_undo").trigger()
    assert session.parameters["region"] == ""
    bar.flat.setChecked(False)

    bar.set_tool("anchor")
    bar.factor.setCurrentIndex(0)
    _click(journey, view, (10, 13, 20))
    bar.factor.setCurrentIndex(1)
    _click(journey, view, (10, 13, 9))
    assert session.parameters["points"] == "1@20,13,10 2@9,13,10"
    assert "1 click" in panel._anchors.text()
    _picture(journey, window, "pet-anchors")
    window.action("edit_undo").trigger()
    # Clicks in quick succession are one step.
    assert session.parameters["points"] in ("", "1@20,13,10")
    window.action("edit_redo").trigger()
    journey.run(window)
    run = session.run
    assert run is not None
    assert [part.name for part in run.result.parts[:2]] == ["Arterial blood", "Venous blood"]
    _picture(journey, window, "pet-anchored")


def test_a_frame_table_is_filled_in_where_no_file_says_the_times(
    journey: Journey, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.nii.gz"
    bare.write_bytes(heart_series().read_bytes())
    window = journey.window()
    journey.open(window, bare)
    panel = _panel(window)
    assert "never guessed" in panel.timing.words.text()
    _settle(window, _QUICK)
    with journey.qtbot.waitSignal(window.session.stopped, timeout=60_000):
        window.action("run_start").trigger()
    notice = window.notices.notice
    assert notice is not None
    assert "never guessed" in notice.text
    _picture(journey, window, "pet-no-times")

    dialog = panel.timing.dialog()
    assert dialog is not None
    assert dialog.problem
    for row in range(42):
        for column, value in enumerate((60 * row, 60)):
            cell: Any = dialog.table.item(row, column)
            cell.setText(str(value))
    assert not dialog.problem
    cell = dialog.table.item(3, 1)
    cell.setText("90")
    assert "overlap" in dialog.problem
    dialog.show()
    assert dialog.grab().save(str(journey.results / "journey-pet-frame-table.png"))
    cell.setText("60")
    dialog.accept()
    assert Path(window.session.parameters["frames"]).is_file()
    assert "42 frames of 60 to 60 s" in panel.timing.words.text()
    journey.run(window)
    assert window.session.run is not None


def test_a_series_with_a_sidecar_that_cannot_be_is_seen_and_told(
    journey: Journey, tmp_path: Path
) -> None:
    path = tmp_path / "odd.nii.gz"
    path.write_bytes(heart_series().read_bytes())
    told = {"FrameTimesStart": [0, 5, 10], "FrameDuration": [5, 5, 5]}
    path.with_name("odd.json").write_text(json.dumps(told), "utf-8")
    window = journey.window()
    journey.open(window, path)
    panel, view = _panel(window), _view(window)
    assert view.isVisible()
    odd = "odd.json names times of 3 frames, the series has 42"
    assert odd in panel.timing.words.text()
    notice = window.notices.notice
    assert notice is not None
    assert odd in notice.text
    dialog = panel.timing.dialog()
    assert dialog is not None
    assert dialog.problem
    assert "nothing, so corrected" in dialog.decay.currentText()
    dialog.close()
    _picture(journey, window, "pet-odd-times")

    # What is known stays as it is when decay alone is said.
    _settle(window, {"frames": str(heart_series().with_name("pet-heart.json"))})
    dialog = panel.timing.dialog()
    assert dialog is not None
    dialog.decay.setCurrentIndex(dialog.decay.findData("uncorrected"))
    assert not dialog.edited
    dialog.show()
    assert dialog.grab().save(str(journey.results / "journey-pet-decay.png"))
    dialog.accept()
    assert window.session.parameters["decay"] == "uncorrected"
    assert window.session.parameters["frames"].endswith("pet-heart.json")
    assert "Not corrected for decay, as you said" in panel.timing.notes.text()


def test_the_tools_below_the_slices_are_those_of_the_hand(journey: Journey, tmp_path: Path) -> None:
    flat = tmp_path / "flat.nii"
    values = np.random.default_rng(0).random((40, 30, 20, 3), np.float32)
    nibabel.save(nibabel.Nifti1Image(values, np.diag([2.0, 4.0, 8.0, 1.0])), flat)
    window = journey.window()
    journey.open(window, flat)
    bar = _panel(window).under_stage
    journey.qtbot.waitUntil(bar.isVisible)
    for tool, anchors, brush in (
        ("look", 0, 0),
        ("anchor", 1, 0),
        ("paint", 0, 1),
        ("erase", 0, 1),
    ):
        bar.set_tool(tool)
        assert bar.factor.isVisible() == bool(anchors)
        assert bar.brush_size.isVisible() == bar.flat.isVisible() == bool(brush)
    # A box is as wide in millimetres along each direction, whatever the voxels are.
    _view(window).set_voxel((10, 15, 20))
    bar.reach.setValue(16)
    bar.box_asked.emit()
    assert window.session.parameters["region"] == "box 12:29 11:20 8:13"
    bar.set_tool("anchor")
    _settle(window, {"points": "1@20,13,10"})
    for _ in range(5):
        QApplication.processEvents()
    own = bar.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    shown = [child for child in own if child.isVisibleTo(bar)]
    places = sorted((child.geometry() for child in shown), key=QRect.left)
    assert places[-1].right() <= bar.width()
    assert not any(a.intersects(b) for a, b in itertools.pairwise(places))


def test_a_long_reading_tells_how_far_it_is_and_is_stopped(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = journey.window()
    session, chip = window.session, window.findChild(JobChip)
    assert chip is not None
    go_on, plain = threading.Event(), nifti._Reader.frame

    def slow(reader: Any, place: int) -> Any:
        if place == 20:
            assert go_on.wait(20)
        return plain(reader, place)

    monkeypatch.setattr(nifti._Reader, "frame", slow)
    window.deeds.open_path(heart_series())
    bar = chip.findChild(QProgressBar)
    assert isinstance(bar, QProgressBar)
    journey.qtbot.waitUntil(lambda: bar.value() == round(1000 * 20 / 42), timeout=20_000)
    assert chip.text() == "Reading the frames"
    _picture(journey, window, "pet-opening")
    assert session.stoppable
    QTest.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    with journey.qtbot.waitSignal(session.noticed) as told:
        go_on.set()
    assert "was cancelled" in told.args[0].text
    assert session.input is None
    assert not session.doing
    journey.open(window, heart_series())  # and it can be opened all the same
    assert session.input is not None
