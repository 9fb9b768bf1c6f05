"""Sound goes to frames and bands and comes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise_speech.bands import band_matrix
from partwise_speech.dictionary import BANDS, DEPTH, patches
from partwise_speech.frames import stft_for
from partwise_speech.separator import EVERY, unfolded


@given(samples=st.integers(1, 3000), rate=st.sampled_from([8000, 11_025, 16_000, 44_100, 48_000]))
def test_a_gain_of_one_gives_the_sound_back(samples: int, rate: int) -> None:
    sound = np.random.default_rng(samples).standard_normal(samples).astype(np.float32)
    stft = stft_for(rate)
    spectra = stft.forward(sound)
    assert spectra.shape == (stft.bins, stft.count(samples))
    np.testing.assert_allclose(stft.backward(spectra, samples), sound, atol=2e-5)


def test_each_bin_is_shared_out_whole_and_low_bins_stay_apart() -> None:
    matrix = band_matrix(257, 16_000, BANDS)
    np.testing.assert_allclose(matrix.sum(axis=0), 1, atol=1e-6)
    assert (matrix.sum(axis=1) > 0.5).all()
    np.testing.assert_array_equal(matrix[:10, :10], np.eye(10))


def test_a_frame_is_where_its_middle_is() -> None:
    stft = stft_for(16_000)
    for frame in (3, 40, 1000):
        assert stft.frame_at(stft.middle(frame)) == frame


@pytest.mark.parametrize("frames", [5, 64, 131])
def test_patches_come_apart_again(frames: int) -> None:
    bands = np.random.default_rng(frames).random((BANDS, frames), dtype=np.float32)
    padded = np.pad(bands, ((0, 0), (DEPTH - EVERY, DEPTH)))
    np.testing.assert_allclose(unfolded(patches(padded, EVERY), frames), bands, atol=1e-6)
