"""A track with a stretch put in its place is what a copy would be, and holds nothing of its own."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from partwise_speech.track import Patched, silence

BASE = np.arange(120, dtype=np.float32).reshape(60, 2)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 59),
    st.integers(0, 80),
    st.integers(-70, 70),
    st.integers(-70, 70),
    st.integers(1, 3),
)
def test_any_slice_is_that_of_a_copy(
    start: int, length: int, first: int, last: int, step: int
) -> None:
    piece = -np.ones((length, 2), np.float32)
    expected = BASE.copy()
    expected[start : start + length] = piece[: 60 - start]
    patched = Patched(BASE, start, piece)
    np.testing.assert_array_equal(patched[first:last:step], expected[first:last:step])
    np.testing.assert_array_equal(np.asarray(patched), expected)
    assert (len(patched), patched.shape) == (60, (60, 2))
    np.testing.assert_array_equal(BASE.ravel(), np.arange(120))


def test_silence_takes_no_room_however_long() -> None:
    found = silence(np.broadcast_to(np.float32(1), (1_000_000_000, 2)))
    assert found.shape == (1_000_000_000, 2)
    assert not found[999_999_000:].any()
    patched = Patched(found, 7, np.ones((3, 2), np.float32))
    assert patched[:20].sum() == 6
