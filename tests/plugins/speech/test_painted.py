"""Is what a hand painted kept as it was painted?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from partwise_speech.painted import NOISE, SPEECH, STEP_HZ, STEP_S, Painted, check_painted


def grid(painted: Painted, columns: int = 200, rows: int = 64) -> NDArray[np.int8]:
    """What is marked in each cell."""
    found = painted.labels(STEP_S / 2, STEP_S, columns, rows, STEP_HZ)
    # Frames are read by their middles, cells of the test by their edges.
    return np.zeros((rows, columns), np.int8) if found is None else found


spots = st.tuples(st.integers(2, 190), st.integers(1, 20), st.integers(2, 60), st.integers(1, 10))
strokes = st.lists(st.tuples(st.sampled_from(["speech", "noise", None]), spots), max_size=8)


def _dab(spot: tuple[int, int, int, int]) -> tuple[float, float, float, float]:
    column, wide, row, tall = spot
    return (
        column * STEP_S,
        min(column + wide, 200) * STEP_S,
        row * STEP_HZ,
        min(row + tall, 64) * STEP_HZ,
    )


@settings(max_examples=60, deadline=None)
@given(strokes)
def test_the_last_stroke_wins_and_nothing_else_changes(
    strokes: list[tuple[str | None, tuple[int, int, int, int]]],
) -> None:
    painted, expected = Painted(), np.zeros((64, 200), np.int8)
    for kind, spot in strokes:
        painted = painted.painted(kind, [_dab(spot)], round_=False)  # type: ignore[arg-type]  # a name from the list above
        column, wide, row, tall = spot
        code = {"speech": SPEECH, "noise": NOISE, None: 0}[kind]
        expected[row : row + tall, column : column + wide] = code
    shown = np.zeros_like(expected)
    for box in painted.boxes:
        rows = slice(round(box.low / STEP_HZ), round(box.high / STEP_HZ))
        columns = slice(round(box.start / STEP_S), round(box.end / STEP_S))
        assert not shown[rows, columns].any(), "boxes do not overlap"
        shown[rows, columns] = SPEECH if box.kind == "speech" else NOISE
    np.testing.assert_array_equal(shown, expected)
    assert Painted.read(painted.text) == painted


def test_a_round_brush_leaves_out_the_corners() -> None:
    painted = Painted().painted("noise", [(0.16, 0.48, 500, 1750)])
    shown = grid(painted)
    assert shown[8 + 10, 20] == NOISE
    assert shown[8, 10] == 0
    area = sum((b.end - b.start) * (b.high - b.low) for b in painted.boxes)
    assert area == pytest.approx(np.pi / 4 * 0.32 * 1250, rel=0.05)


def test_erasing_in_the_middle_leaves_the_rest() -> None:
    painted = Painted.read("speech 0.16:1.6 500:1000")
    left = painted.painted(None, [(0.64, 0.96, 0, 4000)], round_=False)
    assert [(b.start, b.end) for b in left.boxes] == [(0.16, 0.64), (0.96, 1.6)]
    assert left.painted(None, [(0, 3, 0, 8000)], round_=False) == Painted()


def test_labels_fall_on_the_frames_that_they_cover() -> None:
    painted = Painted.read("noise 1:2 1000:2000; speech 3:4 0:8000")
    labels = painted.labels(0.5, 0.008, 200, 257, 31.25)
    assert labels is not None
    bins, frames = np.nonzero(labels == NOISE)
    assert 0.5 + 0.008 * frames.min() == pytest.approx(1.0, abs=0.008)
    assert 0.5 + 0.008 * frames.max() == pytest.approx(2.0, abs=0.016)
    assert bins.min() * 31.25 == pytest.approx(1000, abs=32)
    assert bins.max() * 31.25 == pytest.approx(2000, abs=32)
    assert painted.labels(10, 0.008, 100, 257, 31.25) is None


def test_later_boxes_lie_over_earlier_ones_in_a_text_by_hand() -> None:
    painted = Painted.read("noise 0:1.6 0:1000; speech 0.32:0.64 0:1000")
    assert [b.kind for b in painted.boxes] == ["noise", "speech", "noise"]


def test_many_boxes_are_read_at_once() -> None:
    text = "; ".join(f"noise {k}:{k + 0.5} 100:200" for k in range(20_000))
    assert len(Painted.read(text).boxes) == 20_000


@pytest.mark.parametrize(
    "text", ["noise", "hum 1:2 3:4", "noise 2:1 0:100", "noise 1:2 5:5", "noise 1:2 3:4 5:6", "a;b"]
)
def test_what_is_no_box_is_refused_with_an_example(text: str) -> None:
    assert "noise 1.2:1.5" in str(check_painted(text))


def test_nothing_painted_is_an_empty_text() -> None:
    assert Painted.read("") == Painted()
    assert Painted().text == ""
    assert check_painted(" ; ") is None
    assert Painted().painted("noise", []) == Painted()
