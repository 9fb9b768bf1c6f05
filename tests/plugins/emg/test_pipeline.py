"""Do envelopes, cycles and timing come out as the reference makes them?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from partwise.api import FileProblem, InputProblem
from partwise_emg.cycles import averaged, cut, whole_record
from partwise_emg.envelope import PRESETS, Filters, envelopes, notched
from partwise_emg.events import Events, from_meta, from_text, read_events
from partwise_emg.readers import load_recording
from partwise_emg.timing import centre_of_activity, fwhm


def test_envelopes_and_cycles_are_those_of_the_reference(emg: Path) -> None:
    trial = load_recording(emg / "walk_raw_ID0012.csv")
    reference = load_recording(emg / "walk_ID0012_filtered_3cycles_200pt.csv")
    time = trial.axes[1]
    smooth = envelopes(np.asarray(trial.values), 1 / time.step, PRESETS["santuz"])
    events = read_events(emg / "walk_raw_ID0012_cycles.csv")
    cycles = cut(smooth, time.start, time.step, events, most=3)
    assert cycles.count == 3
    assert cycles.stance == 100
    assert cycles.left_out[0] == (1, "the first, where the filter begins")
    away = np.abs(cycles.values - np.asarray(reference.values))
    assert np.median(away) < 1e-6
    assert away.max() < 1e-5


def test_envelopes_lie_between_0_and_1_and_follow_the_scale_of_nothing() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 50, (3, 4000)) * np.array([1.0, 10.0, 0.1])[:, None]
    made = envelopes(x, 1000.0, PRESETS["clark"])
    assert made.min() == 0
    np.testing.assert_allclose(made.max(axis=1), 1.0)
    np.testing.assert_allclose(envelopes(7 * x, 1000.0, PRESETS["clark"]), made, atol=1e-9)


def test_filters_leave_no_delay() -> None:
    burst = np.zeros((1, 3000))
    rng = np.random.default_rng(2)
    burst[0, 1400:1600] = rng.normal(0, 1, 200)
    peak = envelopes(burst, 1000.0, Filters(20.0, 6.0))[0]
    middle = float(np.average(np.arange(3000), weights=peak))
    assert middle == pytest.approx(1500, abs=12)


def test_a_corner_that_the_rate_cannot_have_is_refused() -> None:
    with pytest.raises(InputProblem, match="nothing above 40 Hz"):
        envelopes(np.ones((2, 500)), 80.0, PRESETS["santuz"])


def test_the_notch_takes_the_mains_and_little_else() -> None:
    t = np.arange(5000) / 1000
    rng = np.random.default_rng(3)
    emg = rng.normal(0, 1, t.size)
    hum = emg + 3 * np.sin(2 * np.pi * 50 * t)
    clean = notched(hum[None], 1000.0, 50.0)[0]
    at = 250  # 5 s
    assert np.abs(np.fft.rfft(clean))[at] < 0.05 * np.abs(np.fft.rfft(hum))[at]
    assert np.corrcoef(clean, emg)[0, 1] > 0.9


def test_cycles_are_cut_at_touch_down_and_lift_off() -> None:
    ramp = np.arange(1000.0)[None]
    events = Events((0.1, 0.3, 0.6, 0.9), (0.2, 0.4, 0.7, float("nan")))
    cycles = cut(ramp, 0.0, 0.001, events, drop_first=False)
    assert cycles.count == 3
    first = cycles.stacked()[0, 0]
    assert first[0] == 100
    assert first[99] == pytest.approx(199)
    assert first[100] == pytest.approx(200)
    assert first[199] == pytest.approx(299)
    rejected = cut(ramp, 0.0, 0.001, events, drop_first=False, rejected={2})
    assert rejected.number[::200].tolist() == [1, 3]
    assert averaged(rejected).values.shape == (1, 200)


def test_without_lift_offs_a_cycle_is_cut_in_one() -> None:
    ramp = np.arange(1000.0)[None]
    nan = float("nan")
    cycles = cut(ramp, 0.0, 0.001, Events((0.1, 0.3, 0.5), (nan, nan, nan)), drop_first=False)
    assert cycles.stance == 0
    np.testing.assert_allclose(cycles.stacked()[0, 0], np.linspace(100, 299, 200))


def test_cycles_beyond_the_record_are_left_out_and_none_at_all_is_refused() -> None:
    ramp = np.ones((1, 500))
    nan = float("nan")
    with pytest.raises(InputProblem, match="no cycle is left of 1"):
        cut(ramp, 0.0, 0.001, Events((0.4, 0.9), (nan, nan)))
    record = whole_record(ramp, 2.0, 0.001)
    assert record.count == 1
    assert record.seconds[0] == 2.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1:0.5, 2:2.5", "lift-off 1 at 0.5 s is not between"),
        ("2, 1", "does not follow"),
        ("1.5", "one touch-down makes no cycle"),
        ("soon, later", "marks has"),
    ],
)
def test_events_out_of_order_are_named(text: str, words: str) -> None:
    with pytest.raises(InputProblem, match=words):
        from_text(text)


def test_a_table_of_events_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("touchdown_s,liftoff_s\n1.0,1.6\n2.0,\n3.1,3.7\n", "utf-8")
    events = read_events(path)
    assert events.touchdown == (1.0, 2.0, 3.1)
    assert np.isnan(events.liftoff[1])
    for text, words in (
        ("a,b\n1,2\n", "no column touchdown_s"),
        ("touchdown_s\n1\nlater\n", "“later” where a time should be"),
        ("touchdown_s\n3\n1\n", "out of order"),
        ("", "holds no events"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(FileProblem, match=words):
            read_events(path)


def test_of_two_sides_the_one_with_more_events_is_taken_unless_one_is_named() -> None:
    meta = {
        "events": {
            "Left": {"touchdown": [0.5, 1.5], "liftoff": [1.1]},
            "Right": {"touchdown": [1.0, 2.0, 3.0], "liftoff": [1.6, 2.6]},
        }
    }
    right = from_meta(meta)
    assert right is not None
    assert right.touchdown == (1.0, 2.0, 3.0)
    left = from_meta(meta, "left")
    assert left is not None
    assert left.liftoff[0] == 1.1
    assert from_meta({}) is None


def test_width_and_centre_by_their_definitions() -> None:
    x = np.zeros(200)
    x[40:61] = np.hanning(21)
    assert fwhm(x) == int((x > x.max() / 2).sum())
    assert fwhm(x + 3) == fwhm(x)
    assert fwhm(np.ones(9)) == 0
    angle = 2 * np.pi * np.arange(200) / 199
    across, up = (x * np.cos(angle)).sum(), (x * np.sin(angle)).sum()
    degrees = np.degrees(np.arctan(up / across)) + (180 if across < 0 else 0 if up > 0 else 360)
    assert centre_of_activity(x) == pytest.approx(degrees * 200 / 360, abs=1e-9)
    assert np.isnan(centre_of_activity(np.zeros(50)))
    early, late = np.zeros(200), np.zeros(200)
    early[2:6] = 1
    late[195:199] = 1
    assert centre_of_activity(early) < 10
    assert centre_of_activity(late) > 190
