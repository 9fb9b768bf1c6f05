"""Below any voice nothing is known of a talker but how loud the rest of the recording is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from partwise.api import Axis, Dataset, LocalJob
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.dictionary import BANDS
from partwise_speech.export import gain_codes
from partwise_speech.frames import RATE, stft_for
from partwise_speech.generic import learn_generic
from partwise_speech.learned import hear_noise
from partwise_speech.rumble import RUMBLE, rumble_kept, without_rumble
from partwise_speech.sound import recording_of
from partwise_speech.sources import generic_voice
from partwise_speech.strength import gains_of
from partwise_speech.synth import make_speech

Sound = NDArray[np.float64]
_LEAD_S = 2


def _rumble(count: int, seed: int, rms: float) -> Sound:
    """Gusts: noise below 40 Hz whose loudness wanders."""
    rng = np.random.default_rng(seed)
    low = sosfilt(butter(4, 40, fs=RATE, output="sos"), rng.standard_normal(count))
    gusts = np.exp(sosfilt(butter(2, 1.0, fs=RATE, output="sos"), rng.standard_normal(count)) * 40)
    made = low * np.minimum(gusts, 4)
    return np.asarray(rms * made / np.sqrt(np.mean(made**2)))


def _talk(lead: Sound | None = None, beside: Sound | None = None) -> Dataset:
    """A talker after a lead-in, with what is given before and beside, and a little hiss."""
    speech = make_speech(5)[: 5 * RATE]
    speech = 0.1 * speech / np.sqrt(np.mean(speech**2))
    before = np.zeros(_LEAD_S * RATE) if lead is None else lead
    sound = np.concatenate([before, speech if beside is None else speech + beside])
    sound += 0.003 * np.random.default_rng(0).standard_normal(len(sound))
    axes = (Axis("channel", 1), Axis("time", len(sound), "s", 1 / RATE))
    return Dataset("sound", "talk", axes, values=sound[None].astype(np.float32))


def _below(dataset: Dataset, voice: str = "generic") -> tuple[float, float]:
    """What is kept below any voice, and in the band of the voice, in dB of what was heard."""
    params = SpeechAnalysis.Params(
        noise_span=f"0:{_LEAD_S}", speech_dictionary=voice, drift=False, method="auto"
    )
    result = SpeechAnalysis().run(dataset, params, LocalJob(seed=0))
    gain = gains_of(gain_codes(result))
    heard = np.square(np.abs(stft_for(RATE).forward(np.asarray(dataset.values)[0])))
    first = round((_LEAD_S + 0.1) * RATE / stft_for(RATE).hop)
    kept = np.square(gain[:, first:]) * heard[:, first : gain.shape[1]]
    rows = (slice(0, 2), slice(RUMBLE + 1, 120))
    low, voiced = (kept[r].sum() / heard[r, first : gain.shape[1]].sum() for r in rows)
    return float(10 * np.log10(low)), float(10 * np.log10(voiced))


def test_rumble_that_was_there_before_is_taken_and_the_voice_is_not() -> None:
    noise = _rumble(7 * RATE, 1, 0.2)
    low, voiced = _below(_talk(noise[: _LEAD_S * RATE], noise[_LEAD_S * RATE :]))
    assert low < -10
    assert voiced > -3


def test_what_rumbles_with_the_talker_alone_stays() -> None:
    low, _ = _below(_talk(beside=_rumble(5 * RATE, 2, 0.05)))
    assert low > -3


def test_an_offset_does_not_change_how_well_somebody_is_heard() -> None:
    talk = _talk()
    moved = replace(talk, values=np.asarray(talk.values) + np.float32(0.02))
    alike = [
        hear_noise(recording_of(one), f"0:{_LEAD_S}", "", 4, generic_voice(), 0, lambda _: True)
        for one in (talk, moved)
    ]
    assert abs(alike[0].snr_db - alike[1].snr_db) < 1
    assert alike[0].alike.alike == pytest.approx(alike[1].alike.alike, abs=0.05)


def test_what_is_kept_is_what_the_noise_alone_did_not_have() -> None:
    level = np.ones((257, 1))
    voice = np.where(np.arange(257) < RUMBLE, 1.0, 11.0)[:, None]
    np.testing.assert_array_equal(rumble_kept(level, level), 0)
    np.testing.assert_array_equal(rumble_kept(voice, level), 0)
    np.testing.assert_allclose(rumble_kept(np.full((257, 1), 4.0), level), 0.75)


def test_what_is_louder_than_all_of_a_voice_is_not_the_talkers() -> None:
    low = np.array([10.0, 1000.0, 100_000.0])
    power = np.full((257, 3), 2.0)
    power[:RUMBLE] = low
    kept = rumble_kept(power, np.ones((257, 1)))[0] * low
    np.testing.assert_allclose(kept, [9, 254 / RUMBLE, 254 / RUMBLE], rtol=1e-5)


def test_a_voice_that_is_nobodys_knows_of_no_rumble() -> None:
    talkers = {str(k): [make_speech(k).astype(np.float32)] for k in (1, 2)}
    for voice in (generic_voice(), learn_generic(talkers, "two")):
        deep = voice.atoms.reshape(-1, BANDS, voice.count)
        assert not deep[:, :RUMBLE].any()
        assert deep[:, RUMBLE:].any(axis=(0, 1)).all()
        np.testing.assert_allclose(voice.atoms.sum(axis=0), 1, rtol=1e-3)
    same = without_rumble(voice.atoms, BANDS)
    np.testing.assert_allclose(same, voice.atoms, rtol=1e-5)
