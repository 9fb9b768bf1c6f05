"""Where noise begins and ends, whether it is like voices, and what follows."""

from __future__ import annotations

import numpy as np
import pytest

from partwise.api import Axis, Dataset, InputProblem
from partwise_speech.choice import METHODS, Likeness, choose, likeness
from partwise_speech.dictionary import banded
from partwise_speech.frames import stft_for
from partwise_speech.learned import hear_noise
from partwise_speech.sound import recording_of
from partwise_speech.sources import generic_voice
from partwise_speech.spans import check_span, find_lead_in, read_span
from partwise_speech.synth import Scene, make_speech, make_street
from partwise_speech.tracker import Tracker, _e1

RATE = 16_000
_NONE = Likeness(0, 0, 0, 0)


def _bands(sound: np.ndarray) -> np.ndarray:
    return banded(np.abs(stft_for(RATE).forward(sound.astype(np.float32))))


def test_the_lead_in_is_found_and_ends_before_speech(scene: Scene) -> None:
    found = find_lead_in(_bands(scene.noisy), 0.008)
    assert found is not None
    assert found[0] == 0
    assert 0.8 <= found[1] <= scene.start_s + 0.05


def test_noise_throughout_or_speech_at_once_is_no_lead_in() -> None:
    steady = np.random.default_rng(0).standard_normal(6 * RATE)
    assert find_lead_in(_bands(steady), 0.008) is None
    assert find_lead_in(_bands(np.zeros(4000)), 0.008) is None
    assert find_lead_in(_bands(np.zeros(4 * RATE)), 0.008) is None


def test_a_talker_who_begins_at_once_is_not_learned_as_noise() -> None:
    speech = make_speech(3)
    noisy = speech + 0.02 * np.random.default_rng(1).standard_normal(len(speech))
    axes = (Axis("channel", 1), Axis("time", len(noisy), "s", 1 / RATE))
    made = Dataset("sound", "at once", axes, values=noisy[None].astype(np.float32))
    heard = hear_noise(recording_of(made), "auto", "", 4, generic_voice(), 0, lambda _: True)
    assert heard.span is None or heard.span[1] < 0.5
    assert heard.origin == "quietest moments"
    assert heard.snr_db > 3


@pytest.mark.parametrize("text", ["0:3", " 1.5 : 2 ", "auto", "NONE"])
def test_spans_are_taken(text: str) -> None:
    assert check_span(text) is None


@pytest.mark.parametrize("text", ["3:1", "0:0.1", "a:b", "", "-1:2", "1"])
def test_spans_that_are_none_are_refused(text: str) -> None:
    assert check_span(text) is not None


def test_a_span_ends_with_the_recording() -> None:
    assert read_span("1:9", 4.0) == (1.0, 4.0)
    with pytest.raises(InputProblem, match="noise_span"):
        read_span("4:9", 4.0)


def test_voices_are_told_from_a_street() -> None:
    speech = generic_voice().spectra().mean(axis=0)
    crowd = sum(make_speech(seed)[: 4 * RATE] for seed in range(20, 23))
    street = make_street(4 * RATE, 3)
    voices = likeness(np.asarray(crowd, np.float32), speech)
    cars = likeness(street.astype(np.float32), speech)
    assert voices.pitched > 0.4
    assert voices.value > 0.2
    assert cars.value == 0
    assert likeness(np.zeros(0, np.float32), speech) == _NONE


def test_little_is_taken_from_voices_unless_the_talkers_own_is_known() -> None:
    crowd = Likeness(0.8, 0.9, 0.5, 1.0)
    generic = choose("auto", 0.0, crowd, own_voice=False)
    own = choose("auto", 0.0, crowd, own_voice=True)
    plain = choose("auto", 0.0, _NONE, own_voice=False)
    assert generic.mask < 0.5 < plain.mask == own.mask == 1.0
    weak = choose("auto", 15.0, _NONE, own_voice=False)
    assert weak.mask < plain.mask
    assert generic.tracked <= plain.tracked
    clean = choose("auto", 30.0, _NONE, own_voice=True)
    assert clean.mask == 0
    assert clean.tracked < weak.tracked
    assert {choose(m, 0.0, crowd, own_voice=False).why for m in METHODS} >= {"as asked"}


def test_the_tracker_takes_steady_noise_away_and_leaves_a_tone() -> None:
    rng = np.random.default_rng(4)
    power = rng.exponential(1.0, (257, 600)).astype(np.float32)
    power[40, 200:260] += 400
    gain, noise = Tracker(np.ones(257)).gains(power)
    assert np.median(gain) < 0.3
    assert gain[40, 205:260].mean() > 0.9
    assert np.median(noise) == pytest.approx(1, rel=0.3)


def test_the_tracker_goes_on_where_it_stopped() -> None:
    power = np.random.default_rng(5).exponential(1.0, (257, 90)).astype(np.float32)
    whole, _ = Tracker(np.ones(257)).gains(power)
    half = Tracker(np.ones(257))
    parts = [half.gains(piece)[0] for piece in (power[:, :31], power[:, 31:])]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-6)


def test_the_exponential_integral() -> None:
    from scipy.special import exp1

    for x in (1e-6, 0.01, 0.3, 1.0, 1.5, 7.0, 60.0):
        assert _e1(x) == pytest.approx(exp1(x), rel=2e-4, abs=1e-30)


def test_what_changes_by_itself_is_told_from_what_is_steady() -> None:
    rng = np.random.default_rng(4)
    hiss = rng.standard_normal(3 * RATE)
    ticks = hiss * 0.01
    for start in range(0, len(ticks), RATE // 2):
        ticks[start : start + 400] += rng.standard_normal(400)
    told = []
    for sound in (hiss, ticks):
        axes = (Axis("channel", 1), Axis("time", len(sound), "s", 1 / RATE))
        made = Dataset("sound", "noise", axes, values=0.1 * sound[None].astype(np.float32))
        recording = recording_of(made)
        heard = hear_noise(recording, "0:2.9", "", 4, generic_voice(), 0, lambda _: True)
        told.append(heard.varied)
    assert told[0] < 0.5
    assert told[1] > 1.2
