from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.theme import DARK, LIGHT
from partwise_app.viewers.maps import packed_table
from partwise_app.viewers.peaks import FrequencyRows, Peaks, summed_levels
from partwise_app.viewers.spectrogram import SpectrogramView
from partwise_app.viewers.timeline import Window
from partwise_app.viewers.traces import TracesView

BINS, TIMES = 65, 400
PARTS = tuple(
    Part(key, name, color, np.ones(BINS), 0.5)
    for key, name, color in (("v", "Voice", "#3b82d6"), ("h", "Hum", "#d39a2d"))
)


def view(**options: Any) -> View:
    rng = np.random.default_rng(0)
    parts = rng.integers(0, 200, (2, BINS, TIMES), dtype=np.uint8)
    arrays: dict[str, Any] = {
        "whole": summed_levels(parts, -80.0, 0.0),
        "parts": parts,
        "wave": rng.standard_normal(TIMES * 8).astype(np.float32),
    }
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.01))
    return View("spectrogram", "Visit", arrays, axes, {"level": [-80, 0], **options})


@pytest.fixture
def sound(qtbot: Any) -> SpectrogramView:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(460, 420)
    made.set_view(view(), PARTS, ())
    made.show()
    return made


# The pyramid


@pytest.mark.parametrize("width", [1, 7, 64, 333])
@pytest.mark.parametrize("times", [400, 5003])
def test_columns_are_the_largest_of_what_they_hold(width: int, times: int) -> None:
    levels = np.random.default_rng(times).integers(0, 256, (3, times), dtype=np.uint8)
    shown = Peaks(levels).columns(-0.5, times - 0.5, width)
    per_column = times / width
    assert per_column > 1
    for k in range(width):
        start, stop = k * per_column, (k + 1) * per_column
        inner = levels[:, int(np.ceil(start)) : int(np.floor(stop))]
        outer = levels[:, max(int(start - per_column), 0) : int(np.ceil(stop + per_column)) + 1]
        assert (shown[:, k] >= inner.max(axis=1, initial=0)).all()
        assert (shown[:, k] <= outer.max(axis=1)).all()


def test_no_click_is_lost_at_any_distance() -> None:
    levels = np.zeros((4, 90_001), np.uint8)
    levels[2, 54_321] = 255
    peaks = Peaks(levels)
    for width in (1, 17, 900, 4000):
        shown = peaks.columns(0.0, 90_000.0, width)
        assert shown[2].max() == 255
        place = int(shown[2].argmax()) / width
        assert place == pytest.approx(54_321 / 90_000, abs=1.5 / width + 1e-4)


def test_columns_from_near_lie_between_their_neighbours() -> None:
    levels = np.array([[0, 100, 200]], np.uint8)
    shown = Peaks(levels).columns(0.0, 2.0, 100)[0].astype(int)
    assert (np.diff(shown) >= 0).all()
    assert abs(shown[50] - 100) <= 2
    click = np.zeros((1, 90), np.uint8)
    click[0, 47] = 255
    for width in (91, 97, 133):
        assert Peaks(click).columns(0.0, 89.0, width).max() == 255


def test_levels_alone_are_taken() -> None:
    with pytest.raises(ValueError, match="uint8"):
        Peaks(np.zeros((2, 2)))  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("height", [20, 65, 400])
def test_a_tone_is_seen_at_its_frequency(height: int, logarithmic: bool) -> None:
    levels = np.zeros((BINS, 1), np.uint8)
    levels[16] = 255  # 2,000 Hz
    rows = FrequencyRows(0, 125, BINS, 60, 8000, logarithmic=logarithmic, height=height)
    shown = rows.taken(levels)[:, 0]
    share = (int(shown.argmax()) + 0.5) / height
    place = np.log(8000 / 2000) / np.log(8000 / 60) if logarithmic else (8000 - 2000) / 7940
    assert share == pytest.approx(place, abs=1 / height + 125 / 7940)
    assert shown.max() == 255


def test_powers_of_parts_add_up() -> None:
    low, high = -80.0, 0.0
    parts = np.array([[[0, 128, 200]], [[0, 128, 0]]], np.uint8)
    decibels = low + parts / 255 * (high - low)
    power = np.where(parts == 0, 0, 10 ** (decibels / 10)).sum(axis=0)
    expected = 255 * (10 * np.log10(np.maximum(power, 1e-8)) - low) / (high - low)
    np.testing.assert_allclose(summed_levels(parts, low, high), expected, atol=1)


def test_one_part_is_itself() -> None:
    part = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    np.testing.assert_array_equal(summed_levels(part, -60, 0), part[0])


# The drawing


def test_the_cursor_reads_time_frequency_and_levels(sound: SpectrogramView, qtbot: Any) -> None:
    pane = sound.panes()[1]
    at = QPointF(sound.x_of(1.5), sound.y_of(3000, pane)).toPoint()
    with qtbot.waitSignal(sound.read) as told:
        qtbot.mouseMove(sound, at)
    when, hertz, whole, part = told.args[0]
    column = round(float(when.split()[0]) / 0.01)
    row = round(float(hertz.split()[0].replace(",", "")) / 125)
    assert abs(column - 150) <= 1
    assert abs(row - 24) <= 1
    shown = view().arrays["whole"]
    spoken = float(whole.split()[1].replace("−", "-"))
    near = -80 + shown[max(row - 1, 0) : row + 2, column - 1 : column + 2] / 255 * 80
    assert np.abs(near - spoken).min() <= 0.06
    assert whole.endswith(" dB")
    assert part.startswith("Voice "), "all shown, so the first part stands beside the whole"


def test_frequencies_lie_where_they_are_read(sound: SpectrogramView) -> None:
    for on in (False, True):
        sound.set_logarithmic(on)
        for pane in sound.panes():
            for hertz in (100.0, 1000.0, 7000.0):
                assert sound.hertz_at(sound.y_of(hertz, pane), pane) == pytest.approx(hertz)


def test_solo_shows_one_part_and_no_part_leaves_the_whole(sound: SpectrogramView) -> None:
    assert len(sound.panes()) == 2
    one = view()
    strips = [Strip("v", "My voice", "#3b82d6", solo=True), Strip("h", "Hum", "#d39a2d")]
    sound.set_view(one, PARTS, strips)
    assert "below it My voice" in sound.accessibleDescription()
    sound.set_view(one, PARTS, [Strip(p.key, p.name, p.color, show=False) for p in PARTS])
    assert len(sound.panes()) == 1
    sound.grab()


def test_layers_show_whole_parts_one_by_one_and_the_gain(qtbot: Any) -> None:
    one = view()
    arrays = {**one.arrays, "gain": np.full((BINS, 2 * TIMES), 255 - 8 * 12, np.uint8)}
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(460, 420)
    made.set_view(View(one.kind, one.title, arrays, one.axes, one.options), PARTS, ())
    assert [mode for mode, _ in made.layers()] == ["whole", "compare", "parts", "gain"]
    counts = {}
    for mode, _ in made.layers():
        made.show_layer(mode)
        counts[mode] = len(made.panes())
        assert not made.grab().isNull()
    assert counts == {"whole": 1, "compare": 2, "parts": 2, "gain": 1}
    made.look(Window(1.0, 2.0))
    pane = made.panes()[0]
    words = made.reading(1.5, pane.center())
    assert words[-1] == "Gain −12.0 dB"
    made.show_layer("parts")
    words = made.reading(1.5, made.panes()[1].center())
    assert [w.split()[0] for w in words[2:]] == ["whole", "Voice", "Hum"]
    hidden = [Strip("v", "Voice", "#3b82d6", show=False), Strip("h", "Hum", "#d39a2d")]
    made.set_view(View(one.kind, one.title, arrays, one.axes, one.options), PARTS, hidden)
    assert len(made.panes()) == 1
    made.set_view(View("spectrogram", "Alone", {"whole": one.arrays["whole"]}, one.axes), (), ())
    assert not made.layers()
    assert len(made.panes()) == 1


def test_a_gain_finer_than_the_whole_lies_where_it_acts(qtbot: Any) -> None:
    whole = np.full((BINS, TIMES), 200, np.uint8)
    gain = np.zeros((BINS, 3 * TIMES), np.uint8)
    gain[:, 3 * 200 :] = 255
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.01))
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(400, 300)
    arrays = {"whole": whole, "parts": whole[None], "gain": gain}
    made.set_view(View("spectrogram", "Half", arrays, axes), PARTS[:1], ())
    made.show_layer("gain")
    for window in (Window(0.0, 3.99), Window(1.9, 2.1)):
        made.look(window)
        shown, pane = made.picture(), made.panes()[0]
        y = int(pane.bottom()) - 20
        assert shown.pixelColor(QPoint(int(made.x_of(1.95)), y)).lightness() < 10
        assert shown.pixelColor(QPoint(int(made.x_of(2.05)), y)).lightness() > 180


def test_a_louder_column_is_brighter_on_screen(qtbot: Any) -> None:
    whole = np.zeros((BINS, TIMES), np.uint8)
    whole[:, 200:] = 255
    axes = (Axis("frequency", BINS, "Hz", 125.0), Axis("time", TIMES, "s", 0.01))
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.set_view(View("spectrogram", "Half", {"whole": whole}, axes), (), ())
    shown, pane = made.picture(), made.panes()[0]
    y = int(pane.bottom()) - 20
    quiet = shown.pixelColor(QPoint(int(made.x_of(1.0)), y)).lightness()
    loud = shown.pixelColor(QPoint(int(made.x_of(3.0)), y)).lightness()
    assert quiet < 10
    assert loud > 180


def test_two_drawings_look_at_the_same_time(sound: SpectrogramView, qtbot: Any) -> None:
    other = TracesView()
    qtbot.addWidget(other)
    axes = (Axis("channel", 1), Axis("time", TIMES, "s", 0.01))
    other.set_view(View("traces", "Level", {"y": np.ones((1, TIMES))}, axes), (), ())
    sound.looked.connect(other.look)
    sound.zoom_in()
    assert other.window_shown == sound.window_shown
    assert sound.window_shown.size < sound.limits.size


def test_the_playhead_moves_without_drawing_all_anew(sound: SpectrogramView) -> None:
    sound.grab()
    still = sound._still
    sound.set_playhead(1.0)
    first = sound.grab().toImage()
    sound.set_playhead(2.0)
    second = sound.grab().toImage()
    assert sound._still is still
    x, y = int(sound.x_of(2.0)), int(sound.panes()[0].center().y())
    columns = range(x - 2, x + 3)
    assert max(second.pixelColor(c, y).lightness() for c in columns) > 240
    assert first != second


def test_keys_turn_the_axis_and_the_floor(sound: SpectrogramView, qtbot: Any) -> None:
    qtbot.keyClick(sound, Qt.Key.Key_L)
    assert sound.logarithmic
    before = sound.grab().toImage()
    qtbot.keyClick(sound, Qt.Key.Key_Up)
    assert sound.grab().toImage() != before


def test_a_long_sound_is_prepared_in_a_thread(qtbot: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("partwise_app.viewers.spectrogram._LARGE", 10)
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.set_view(view(), PARTS, ())
    assert made.is_empty()
    qtbot.waitUntil(lambda: not made.is_empty())
    assert len(made.panes()) == 2


def test_the_stretch_on_screen_is_kept_in_a_new_theme(sound: SpectrogramView) -> None:
    sound.look(Window(1.0, 2.0))
    pictures = []
    for tokens in (DARK, LIGHT):
        sound.set_theme(tokens)
        pictures.append(sound.picture())
    assert pictures[0] != pictures[1]
    assert sound.window_shown == Window(1.0, 2.0)


def test_without_sound_it_says_so(qtbot: Any) -> None:
    made = SpectrogramView()
    qtbot.addWidget(made)
    made.set_view(View("spectrogram", "Nothing"), (), ())
    assert made.is_empty()
    assert not made.picture().isNull()


def test_nothing_is_left_behind(qtbot: Any) -> None:
    made = SpectrogramView()
    made.set_view(view(), PARTS, ())
    made.grab()
    gone = weakref.ref(made)
    made.deleteLater()
    del made
    qtbot.wait(1)
    gc.collect()
    assert gone() is None


# What a run that goes on has not come to


def test_what_is_not_reached_is_hatched_and_not_drawn_as_silence(
    sound: SpectrogramView, qtbot: Any
) -> None:
    live = view(reached=1.0)
    for name in ("whole", "parts"):
        live.arrays[name][..., 101:] = 0
    sound.set_view(live, PARTS, ())
    qtbot.waitUntil(lambda: not sound.is_empty())

    def colours(pane: int, low: float, high: float) -> set[int]:
        place = sound.panes()[pane]
        image = sound.grab().toImage()
        left, right = round(sound.x_of(low)), round(sound.x_of(high))
        rows = range(round(place.top()) + 24, round(place.bottom()) - 4, 3)
        return {image.pixel(x, y) for x in range(left, right, 2) for y in rows}

    darkest = QColor(*(int(v) for v in np.array(packed_table("magma")[:1]).view(np.uint8)[2::-1]))
    for pane in (0, 1):
        unknown = colours(pane, 1.2, 3.8)
        assert darkest.rgb() not in unknown
        assert QColor(sound.tokens.canvas).rgb() in unknown
        assert len(colours(pane, 0.1, 0.9)) > 20, "what is reached is drawn"
    full = view(reached=1.0)
    full.arrays["parts"][..., 101:] = 0
    sound.set_view(full, PARTS, ())
    assert len(colours(0, 1.2, 3.8)) > 20, "the whole may be known beyond"


def test_a_run_that_goes_on_is_never_blank_between_two_pictures(
    sound: SpectrogramView, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.set_view(view(), PARTS, ())
    monkeypatch.setattr("partwise_app.viewers.spectrogram._LARGE", 0)
    for reached in (1.0, 2.0):
        live = view(reached=reached)
        for name in ("whole", "parts"):
            live.arrays[name][..., round(100 * reached) :] = 0
        before = sound._reached
        sound.set_view(live, PARTS, ())
        assert not sound.is_empty()
        assert sound._reached == before, "hatched as far as what is drawn"
        assert sound.is_building()
        qtbot.waitUntil(lambda reached=reached: sound._reached == reached)
    done = view()
    sound.set_view(done, PARTS, ())
    assert not sound.is_empty()
    qtbot.waitUntil(lambda: not sound.is_building())
    assert sound._reached is None
    sound.set_view(view(), PARTS, ())
    assert sound.is_empty(), "another result is not that of the one before"


def test_the_waveform_has_an_axis_and_the_playhead_a_flag(sound: SpectrogramView) -> None:
    before = sound.grab().toImage()
    strip = sound.strip()
    left = [before.pixel(x, round(strip.center().y())) for x in range(int(strip.left()) - 4)]
    assert len(set(left)) > 1, "numbers stand beside the waveform"
    sound.set_playhead(2.0)
    after = sound.grab().toImage()
    x, y = round(sound.x_of(2.0)), int(sound.area().top()) - 4
    assert after.pixel(x, y) != before.pixel(x, y)
