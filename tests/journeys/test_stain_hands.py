"""A slide in hand: regions, picks, wheel, thresholds, checks, profiles, another slide's colours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from tests.fixtures.giant import write_giant
from tests.fixtures.icc import power_profile
from tests.journeys.conftest import Journey

from partwise_app.controls import Switch
from partwise_app.viewers.image import ImagePane
from partwise_app.window import Window
from partwise_stain.panel import Panel
from partwise_stain.panel import files as panel_files
from partwise_stain.presets import preset
from partwise_stain.profile import read_profile
from partwise_stain.samples import ihc_picture
from partwise_stain.vectors import angle_between

LEFT = Qt.MouseButton.LeftButton
PATIENCE = 60_000


def panel_of(window: Window) -> Panel:
    return window.findChildren(Panel)[0]


def pane_of(window: Window) -> ImagePane:
    panes = window.desk.stage.findChildren(ImagePane)
    return next(pane for pane in panes if not pane.isHidden())


def at(window: Window, x: float, y: float) -> QPoint:
    pane = pane_of(window)
    return QPointF(*pane.viewport_now.to_pane((x, y), pane.extent)).toPoint()


def drag(window: Window, start: tuple[float, float], end: tuple[float, float]) -> None:
    pane, first, last = pane_of(window), at(window, *start), at(window, *end)
    QTest.mousePress(pane, LEFT, pos=first)
    QTest.mouseMove(pane, (first + last) / 2)
    QTest.mouseMove(pane, last)
    QTest.mouseRelease(pane, LEFT, pos=last)


def wait(journey: Journey, ready: Callable[[], bool]) -> None:
    journey.qtbot.waitUntil(ready, timeout=PATIENCE)


def shown(journey: Journey, window: Window) -> Panel:
    """The panel once it has looked at the slide, measured it, and drawn all in sight."""
    panel = panel_of(window)
    wait(journey, lambda: bool(panel.told) and "balance" in panel.shares)
    wait(journey, window.desk.stage.is_settled)
    return panel


def quick(window: Window) -> None:
    """Leave out what a run does beyond finding and measuring stains."""
    values = {**window.session.parameters, "resample": False, "nuclei": False, "check": False}
    window.session.edits.parameters("Be quick", values)


def test_a_region_is_drawn_measured_renamed_kept_and_taken_back(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, journey.tissue())
    panel = panel_of(window)
    quick(window)
    journey.run(window)
    shown(journey, window)
    assert panel.under_stage.isVisible()
    bar = panel.under_stage
    bar.tool_asked.emit("rectangle")
    assert window.desk.stage.marks.tool == "rectangle"
    drag(window, (100, 100), (300, 260))
    bar.tool_asked.emit("polygon")
    for point in ((200, 40), (340, 60), (320, 200)):
        QTest.mouseClick(pane_of(window), LEFT, pos=at(window, *point))
    QTest.keyClick(pane_of(window), Qt.Key.Key_Return)
    bar.tool_asked.emit("")
    wait(journey, lambda: len(panel.told) == 3)
    assert [told.name for told in panel.told] == ["Slide", "Region 1", "Region 2"]
    region = panel.told[1].region
    assert region is not None
    assert region.area == pytest.approx(200 * 160, rel=0.05)
    assert bar.table.isVisible()
    assert bar.table.rowCount() == 3
    assert window.desk.stage.marks.tool == "", "one outline, and the hand is free"
    before = panel.case.regions
    drag(window, (340, 60), (360, 50))  # a corner of the one that was drawn last
    assert panel.case.regions[1].points[1] == pytest.approx((360, 50), abs=3)
    assert window.session.undo_name == "Change Region 2"
    window.session.undo()
    assert panel.case.regions == before
    assert len(panel.told) == 3, "numbers that were known hold again"
    cell = bar.table.item(0, 2)
    assert cell is not None
    assert "to" in cell.text(), "an interval"
    bar.table.renamed.emit("region-1", "Tumour")
    name = bar.table.item(1, 0)
    assert name is not None
    assert name.text() == "Tumour"
    assert window.session.undo_name == "Rename region"
    journey.picture(window, "regions")

    out = journey.folder / "numbers.csv"
    panel_files.save_numbers(panel.told, out)
    assert out.read_text(encoding="utf-8").splitlines()[2].startswith("Tumour,")
    project = journey.folder / "regions.partwise"
    journey.save(window, project)
    other = journey.window()
    journey.open(other, project)
    again = panel_of(other)
    wait(journey, lambda: len(again.told) == 3)
    assert [shape.name for shape in other.desk.stage.marks.shapes] == ["Tumour", "Region 2"]
    values = [[n.value for n in told.numbers] for told in panel.told]
    assert [[n.value for n in told.numbers] for told in again.told] == values

    for _ in range(3):
        window.session.undo()
    assert window.desk.stage.marks.shapes == ()
    assert not bar.table.isVisible()


def test_the_wheel_a_pick_and_typed_numbers_correct_a_stain(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, journey.tissue())
    quick(window)
    journey.run(window)
    panel, stage = shown(journey, window), window.desk.stage
    wheel = panel.vectors.wheel
    wheel.resize(240, 220)
    before = stage.mixing
    start = wheel.tip("eosin").toPoint()
    QTest.mousePress(wheel, LEFT, pos=start)
    QTest.mouseMove(wheel, start + QPoint(6, 10))
    assert stage.mixing is not before, "unmixed anew while the hand is dragging"
    QTest.mouseRelease(wheel, LEFT, pos=start + QPoint(6, 10))
    profile = window.session.strips[1].profile
    assert profile is not None
    assert np.linalg.norm(profile) == pytest.approx(1)
    assert window.session.undo_name == "Correct Eosin"
    window.session.undo()

    panel.under_stage.pick_asked.emit("eosin")
    drag(window, (230, 360), (250, 376))  # fibres without nuclei
    picked = window.session.strips[1].profile
    assert picked is not None
    assert picked[1] > 0.9
    assert stage.marks.tool == "", "one pick, and the hand is free"
    panel.correcting.set_numbers("haematoxylin", "0.65, 0.70, 0.29")
    typed = window.session.strips[0].profile
    assert typed == pytest.approx((0.651, 0.701, 0.290), abs=0.002)
    panel.correcting.set_numbers("haematoxylin", "blue")
    assert window.session.strips[0].profile == typed
    assert window.notices.notice is not None
    window.session.edits.strip("eosin", "Lock", {"locked": True})
    panel.vectors.moved.emit("eosin", (1.0, 0.0, 0.0))
    assert window.session.strips[1].profile == picked


def test_a_picked_white_and_a_preset_are_seen_at_once_and_stand_with_the_next_run(
    journey: Journey,
) -> None:
    window = journey.window()
    journey.open(window, journey.tissue())
    quick(window)
    journey.run(window)
    panel, stage, session = shown(journey, window), window.desk.stage, window.session
    found = session.run
    assert found is not None
    assert stage.mixing is not None
    white, vectors = stage.mixing.white, stage.mixing.vectors
    stage.set_view_rect(QRectF(0, 0, 120, 120))
    panel.under_stage.pick_asked.emit("white")
    drag(window, (70, 10), (90, 30))  # no glass: pale fibres would do, if they were even
    assert session.parameters["white"] == "auto"
    panel.under_stage.pick_asked.emit("white")
    drag(window, (10, 10), (40, 100))
    assert stage.mixing.white == pytest.approx([243] * 3, abs=1.5)
    assert panel.case.mixing is not None
    assert panel.case.mixing.white == stage.mixing.white != white
    assert session.run is found, "in sight without a run"
    session.undo()
    assert stage.mixing.white == white
    session.redo()

    panel.deeds.use_preset("he")
    assert session.run is found
    np.testing.assert_allclose(stage.mixing.vectors, preset("he"), atol=1e-6)
    assert session.undo_name == "Use a preset"
    session.undo()
    np.testing.assert_array_equal(stage.mixing.vectors, vectors)
    session.redo()
    dragged = np.array([0.1, 0.95, 0.2]) / np.linalg.norm([0.1, 0.95, 0.2])
    panel.vectors.moved.emit("eosin", tuple(dragged))
    journey.run(window)
    assert session.run is not found
    assert session.run is not None
    result = session.run.result
    assert result.facts["white"] == pytest.approx([243] * 3, abs=1.5)
    np.testing.assert_allclose(result.parts[0].profile, preset("he")[:, 0], atol=1e-3)
    np.testing.assert_allclose(result.parts[1].profile, dragged, atol=1e-6)

    with journey.qtbot.waitSignal(session.run_added, timeout=PATIENCE):
        panel.deeds.use_preset("masson")  # other stains: a run gives them their names
        np.testing.assert_allclose(stage.mixing.vectors, preset("masson"), atol=1e-6)
    assert [part.key for part in session.run.result.parts] == ["methyl-blue", "ponceau"]


def test_thresholds_of_dab_move_the_score_and_stand_in_the_form(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, ihc_picture())
    quick(window)
    journey.run(window)
    panel = shown(journey, window)

    def score() -> float:
        told = panel.told[0].numbers
        return next(n.value for n in told if n.name == "DAB, H-score by area")

    first = score()
    histogram = panel.density.histogram
    assert 0 < histogram.share(0.4) < histogram.share(0.2) < 1
    assert not histogram.grab().isNull()
    histogram.resize(240, 130)
    line = QPoint(round(histogram.x_of(0.2)), 60)
    QTest.mousePress(histogram, LEFT, pos=line)
    QTest.mouseMove(histogram, QPoint(round(histogram.x_of(0.3)), 60))
    QTest.mouseRelease(histogram, LEFT, pos=QPoint(round(histogram.x_of(0.3)), 60))
    assert float(window.session.parameters["grades"].split(",")[0]) == pytest.approx(0.3, abs=0.02)
    wait(journey, lambda: bool(panel.told) and score() < first)
    journey.picture(window, "dab-thresholds")


def test_a_profile_goes_to_another_slide_with_its_corrections(journey: Journey) -> None:
    window = journey.window()
    journey.open(window, journey.tissue("a.png"))
    quick(window)
    journey.run(window)
    panel = shown(journey, window)
    stage, session = window.desk.stage, window.session
    assert stage.mixing is not None
    before, run = stage.mixing.vectors, session.run
    session.edits.parameter("vectors", "0.5,0.8,0.3;0.1,0.9,0.4")  # typed into the form
    typed = np.array([[0.5, 0.8, 0.3], [0.1, 0.9, 0.4]]).T
    typed /= np.linalg.norm(typed, axis=0)
    np.testing.assert_allclose(stage.mixing.vectors, typed, atol=1e-6)
    assert session.run is run, "in sight without a run, and said to be"
    words = {cell.text() for cell in panel.vectors.findChildren(QLabel)}
    assert "Eosin *" in words
    assert any(text.endswith("not yet run") for text in words)
    assert window.notices.notice is not None
    assert "Run measures" in window.notices.notice.text
    session.edits.parameter("vectors", "0.5,0.8,0.3;0.1,0.9,0.4;0.3,0.2,0.9")
    np.testing.assert_array_equal(stage.mixing.vectors, before)  # others, for a run to name
    session.undo()
    np.testing.assert_array_equal(stage.mixing.vectors, before)
    corrected = tuple(np.array([0.1, 0.97, 0.2]) / np.linalg.norm([0.1, 0.97, 0.2]))
    panel.vectors.moved.emit("eosin", corrected)
    window.session.edits.parameter("white", "240,241,242")
    path = journey.folder / "a-profile.json"
    panel_files.save_profile(panel.case, path)
    profile = read_profile(path)
    np.testing.assert_allclose(profile.vectors[:, 1], np.array(corrected), atol=1e-5)
    assert profile.white == pytest.approx((240, 241, 242)), "as it stands, not as found"
    assert '"corrected": [\n   "eosin"' in path.read_text(encoding="utf-8").replace("    ", " ")
    journey.open(window, journey.tissue("b.png"))
    quick(window)
    journey.run(window)
    session.edits.parameter("profile", str(path))  # chosen in the form
    np.testing.assert_allclose(stage.mixing.vectors, profile.vectors, atol=1e-9)
    assert stage.mixing.white == pytest.approx(profile.white)
    session.undo()
    panel.deeds.use_profile(path)
    assert stage.mixing is not None
    np.testing.assert_allclose(stage.mixing.vectors, profile.vectors, atol=1e-9)
    assert stage.mixing.white == pytest.approx(profile.white)
    journey.run(window)
    assert window.session.run is not None
    np.testing.assert_allclose(
        np.column_stack([part.profile for part in window.session.run.result.parts]),
        profile.vectors,
        atol=1e-6,
    )
    panel.deeds.use_preset("he")
    assert window.session.parameters["profile"] == "", "a preset stands in place of a profile"
    np.testing.assert_allclose(stage.mixing.vectors, preset("he"), atol=1e-6)
    with journey.qtbot.waitSignal(window.session.run_added, timeout=PATIENCE):
        panel.deeds.use_preset("")
    found = window.session.run.result.parts[0].profile
    assert angle_between(found, preset("he")[:, 0]) > 0.01, "found on the slide"


def test_a_slide_is_seen_in_the_colours_of_its_reference(
    journey: Journey, shared_data: Path
) -> None:
    window = journey.window()
    folder = shared_data / "he"
    journey.open(window, folder / "torchstain_source.png")
    window.session.edits.parameter("reference", str(folder / "torchstain_target.png"))
    quick(window)
    journey.run(window)
    panel, stage = shown(journey, window), window.desk.stage
    before = stage.thumbnail("whole", pane_of(window).size())
    panel.under_stage.wipe_asked.emit("extra")
    wait(journey, stage.is_settled)
    assert stage.mode() == "compare:extra"
    picture = stage.picture()
    right = picture.pixelColor(picture.width() - 150, picture.height() // 2)
    assert not before.isNull()
    journey.picture(window, "normalised")
    panel.under_stage.wipe_asked.emit("")
    wait(journey, stage.is_settled)
    left = stage.picture().pixelColor(picture.width() - 150, picture.height() // 2)
    assert right != left


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("cmu-1-small-region.svs", "fold"),
        ("tcga-cr-7395-01a-01-ts1.svs", "tissue"),
        ("histolab_medium-nuclei-score-green-pen-level1.png", "pen"),
    ],
)
def test_a_slide_is_checked_as_soon_as_it_is_open(
    journey: Journey, shared_data: Path, name: str, flag: str
) -> None:
    window = journey.window()
    journey.open(window, shared_data / "he" / name)
    panel, stage = panel_of(window), window.desk.stage
    wait(journey, lambda: flag in panel.shares)
    assert panel.shares[flag] > 0.01
    assert "missed" not in panel.shares, "needs the stains"
    panel.checks.tick(flag)
    assert stage.marks.masked == 1
    if flag == "tissue":  # its run is a matter of its own: a section of 16 megapixels
        wait(journey, stage.is_settled)
        journey.picture(window, "slide-tissue")
        return
    quick(window)
    journey.run(window)
    shown(journey, window)
    wait(journey, lambda: "ΔE" in panel.under_stage.readout())
    journey.picture(window, f"slide-{flag}")
    panel.checks.tick(flag, on=False)
    assert stage.marks.masked == 0


def test_flagged_tissue_is_left_out_of_the_panels_numbers(
    journey: Journey, shared_data: Path
) -> None:
    window = journey.window()
    journey.open(window, shared_data / "he" / "histolab_medium-nuclei-score-green-pen-level1.png")
    quick(window)
    journey.run(window)
    panel = shown(journey, window)
    everything = panel.told[0].tally
    assert everything.missed > 0.3
    panel.checks.cleaned.emit(True)
    assert window.session.parameters["clean"] is True
    wait(journey, lambda: bool(panel.told) and panel.told[0].tally is not everything)
    clean = panel.told[0].tally
    assert clean.tissue < 0.7 * everything.tissue
    assert clean.missed < 0.05


def test_a_slide_of_fifty_thousand_pixels_opens_runs_and_is_measured(journey: Journey) -> None:
    small = Image.open(journey.tissue())
    field = np.tile(np.asarray(small), (3, 3, 1))[:1024, :1024]
    path = journey.folder / "giant.svs"
    write_giant(path, field, 50_000, levels=4)
    window = journey.window()
    journey.open(window, path)
    quick(window)
    journey.run(window)
    panel, stage = shown(journey, window), window.desk.stage
    stage.zoom_to(1.0)
    wait(journey, stage.is_settled)
    box = stage.view_rect()
    panel.under_stage.deed_asked.emit("all")
    wait(journey, lambda: len(panel.told) == 2)
    region = panel.told[1].region
    assert region is not None
    assert region.area == pytest.approx(box.width() * box.height(), rel=0.01)
    assert panel.told[1].mm2 is not None
    assert panel.told[0].mm2 is not None
    assert panel.told[0].mm2 > 500 * panel.told[1].mm2
    journey.picture(window, "giant")


def test_what_files_hold_that_are_none_is_said(journey: Journey, tmp_path: Path) -> None:
    window = journey.window()
    journey.open(window, journey.tissue())
    panel = panel_of(window)
    odd = tmp_path / "odd.json"
    odd.write_text("{}")
    deeds: list[Callable[[], Any]] = [
        lambda: panel.deeds.use_profile(odd),
        lambda: panel.deeds.add_regions(odd),
    ]
    for deed in deeds:
        panel.deeds.attempt(deed)
        notice = window.notices.notice
        assert notice is not None
        assert "odd.json" in notice.text


def test_a_slide_is_shown_as_its_colour_profile_says_and_measured_as_it_is(
    journey: Journey, tmp_path: Path
) -> None:
    light = np.full((200, 300, 3), (60, 90, 120), np.uint8)
    path = tmp_path / "camera.png"
    Image.fromarray(light).save(path, icc_profile=power_profile(1.0))
    window = journey.window()
    journey.open(window, path)
    panel, stage = panel_of(window), window.desk.stage
    wait(journey, lambda: bool(panel.shares))

    def middle() -> tuple[int, int, int]:
        picture = stage.picture()
        color = picture.pixelColor(picture.width() // 2, picture.height() // 2)
        return color.red(), color.green(), color.blue()

    def shows(color: tuple[int, int, int], within: int = 0) -> None:
        wait(journey, lambda: stage.is_settled() and middle() == pytest.approx(color, abs=within))

    shows((60, 90, 120))
    switch = next(
        s for s in panel.checks.findChildren(Switch) if s.accessibleName().startswith("Colours")
    )
    assert switch.isVisible()
    switch.click()
    assert switch.isChecked()
    assert window.notices.notice is not None
    assert "Made camera" in window.notices.notice.text
    shows((133, 160, 182), within=3)  # linear light, in sRGB
    pixels = stage.seen()
    assert pixels is not None
    assert (pixels == light[0, 0]).all(), "what is read and measured stays"
    journey.open(window, journey.tissue())
    assert not switch.isVisible(), "that one has none"
    window.deeds.open_path(path)  # back to what is open
    wait(journey, switch.isVisible)
    assert not switch.isChecked()
    shows((60, 90, 120))
    path.write_bytes(b"")
    switch.click()
    assert not switch.isChecked(), "the file has gone bad"
