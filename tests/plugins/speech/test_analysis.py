"""A made talker comes out of a made street, and what is said about it is so."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from partwise.api import (
    Cancelled,
    Dataset,
    FileProblem,
    InputProblem,
    LocalJob,
    Result,
    UsageProblem,
    View,
)
from partwise.params import parse
from partwise_speech import live, separator, summary
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.begun import begun_atoms
from partwise_speech.dictionary import load_dictionary
from partwise_speech.export import (
    gain_codes,
    has_learned_voice,
    write_noise_dictionary,
    write_voice_dictionary,
)
from partwise_speech.readers import load_sound
from partwise_speech.samples import street_recording
from partwise_speech.sound import recording_of
from partwise_speech.strength import LOWEST_DB, codes_of, gains_of, render
from partwise_speech.synth import Scene, make_scene, make_speech

RATE = 16_000
P = SpeechAnalysis.Params


def si_sdr(found: np.ndarray, clean: np.ndarray) -> float:
    target = (found @ clean) / (clean @ clean) * clean
    error = found - target
    return float(10 * np.log10((target @ target) / (error @ error)))


def speech_of(dataset: Dataset, result: Result, strength: float = 1.0) -> np.ndarray:
    recording = recording_of(dataset)
    return render(recording, gain_codes(result), 0, recording.samples, strength)


def test_the_talker_comes_out_of_the_street(dataset: Dataset, result: Result, scene: Scene) -> None:
    found = speech_of(dataset, result)[0]
    after = slice(round(scene.start_s * RATE), None)
    before = si_sdr(scene.noisy[after], scene.speech[after])
    assert si_sdr(found[after], scene.speech[after]) > before + 3
    quiet = slice(0, round((scene.start_s - 0.1) * RATE))
    assert found[quiet].std() < 0.35 * scene.noisy[quiet].std()


def test_an_own_voice_does_better(
    dataset: Dataset, result: Result, scene: Scene, tmp_path: Path
) -> None:
    # The same talker in another recording: the voice follows from the seed, the words do not.
    path = tmp_path / "voice.wav"
    soundfile.write(path, make_speech(11).astype(np.float32) * 0.5, RATE)
    params = P(noise_span="0:1.5", speech_dictionary=str(path), drift=False)
    own = SpeechAnalysis().run(dataset, params, LocalJob())
    after = slice(round(scene.start_s * RATE), None)
    gains = [si_sdr(speech_of(dataset, r)[0][after], scene.speech[after]) for r in (own, result)]
    assert gains[0] > gains[1] + 1
    assert own.facts["voice"]["name"] == "voice"
    assert has_learned_voice(own)
    assert not has_learned_voice(result)
    write_voice_dictionary(dataset, own, tmp_path / "v.dictionary.npz", LocalJob(), None)
    kept = P(speech_dictionary=str(tmp_path / "v.dictionary.npz"), noise_span="0:1.5", drift=False)
    again = SpeechAnalysis().run(dataset, kept, LocalJob())
    shares = [r.parts[0].share for r in (own, again)]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)


def test_parts_and_views_are_whole(result: Result) -> None:
    assert [part.key for part in result.parts] == ["speech", "noise"]
    assert sum(part.share for part in result.parts) == pytest.approx(1)
    view = result.views[0]
    assert view.kind == "spectrogram"
    whole, parts, gain = (view.arrays[name] for name in ("whole", "parts", "gain"))
    assert parts.shape == (2, *whole.shape)
    assert gain.shape == whole.shape
    low, high = view.options["level"]
    power = [10 ** ((low + (high - low) * a / 255.0) / 10) for a in (whole, *parts)]
    clear = whole > 120
    np.testing.assert_allclose((power[1] + power[2])[clear], power[0][clear], rtol=0.12)
    atoms = result.views[1].arrays
    assert atoms["y"].shape == (16, 96)
    assert len(atoms["active"]) == 16
    assert result.parts[0].course is not None
    assert result.parts[0].profile.shape == (257,)


def test_what_is_said_was_computed(dataset: Dataset, result: Result, scene: Scene) -> None:
    said = {measure.name: measure.value for measure in result.measures}
    lead = slice(round(0.1 * RATE), round(1.4 * RATE))
    found = speech_of(dataset, result)[0]
    less = 20 * np.log10(scene.noisy[lead].std() / found[lead].std())
    assert said["Lead-in attenuation"] == pytest.approx(less, abs=2)
    speech, noise = (s[round(1.5 * RATE) :] for s in (scene.speech, scene.noise))
    truth = 20 * np.log10(speech.std() / noise.std())
    assert said["Speech-to-noise ratio before"] == pytest.approx(truth, abs=4)
    assert said["Speech-to-noise ratio after"] > said["Speech-to-noise ratio before"] + 5
    assert {line.check for line in result.trust} >= {"noise", "voices", "method", "processed"}
    table = result.tables[0]
    assert table.columns == ("Measure", "Whole", "Speech", "Change")
    for _, before, after, change in table.rows:
        assert change == pytest.approx(float(after) - float(before), nan_ok=True)


def test_the_same_seed_gives_the_same_gains(dataset: Dataset, result: Result) -> None:
    again = SpeechAnalysis().run(dataset, P(noise_span="0:1.5"), LocalJob(seed=3))
    np.testing.assert_array_equal(gain_codes(again), gain_codes(result))


def test_strength_scales_decibels_without_a_fit(dataset: Dataset, result: Result) -> None:
    recording = recording_of(dataset)
    whole = recording.read(0, recording.samples)
    np.testing.assert_allclose(speech_of(dataset, result, 0.0), whole, atol=1e-5)
    levels = [np.abs(speech_of(dataset, result, s))[0, :20_000].std() for s in (0.5, 1.0, 2.0)]
    assert levels[0] > levels[1] > levels[2]


def test_gains_survive_as_bytes() -> None:
    gain = np.geomspace(0.03, 1, 500)
    np.testing.assert_allclose(gains_of(codes_of(gain)), gain, rtol=0.008)
    assert gains_of(codes_of(np.zeros(1)))[0] == pytest.approx(10 ** (LOWEST_DB / 20), rel=1e-4)


def test_pieces_are_rendered_as_the_whole(dataset: Dataset, result: Result) -> None:
    whole = speech_of(dataset, result)
    recording = recording_of(dataset)
    for start, stop in ((0, 1000), (777, 12_345), (recording.samples - 900, recording.samples)):
        piece = render(recording, gain_codes(result), start, stop)
        np.testing.assert_allclose(piece, whole[:, start:stop], atol=1e-5)


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44_100, 2), (48_000, 2), (22_050, 1)])
def test_any_rate_keeps_its_length_and_channels(
    rate: int, channels: int, scene: Scene, tmp_path: Path
) -> None:
    import soxr

    path = tmp_path / "r.wav"
    sound = soxr.resample(scene.noisy[: 4 * RATE], RATE, rate)
    both = np.stack([sound * (1 - 0.3 * k) for k in range(channels)], axis=1)
    soundfile.write(path, both, rate, subtype="FLOAT")
    dataset = load_sound(path)
    result = SpeechAnalysis().run(dataset, P(noise_span="0:1.4", drift=False), LocalJob())
    found = speech_of(dataset, result)
    assert found.shape == both.T.shape
    quiet = slice(0, round(1.3 * rate))
    assert found[0, quiet].std() < 0.5 * both[quiet, 0].std()
    if channels == 2:
        np.testing.assert_allclose(found[1], 0.7 * found[0], atol=1e-4)


def test_a_recording_goes_by_in_stretches(
    dataset: Dataset, scene: Scene, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separator, "_STRETCH_S", 3)
    monkeypatch.setattr(live, "_PICTURE_S", 0.0)
    monkeypatch.setattr(live, "_COSTS", 0)
    monkeypatch.setattr(summary, "_MOST_COLUMNS", 500)
    seen: list[float] = []
    drawn: list[tuple[View, ...]] = []
    job = LocalJob(on_report=lambda share, _: seen.append(share), on_views=drawn.append)
    pieces = SpeechAnalysis().run(dataset, P(noise_span="0:1.5", drift=False), job)
    assert seen == sorted(seen)
    assert gain_codes(pieces).shape == gain_codes(result).shape
    assert pieces.fit.iterations > result.fit.iterations
    # The objective is that of all stretches together, as if they had been fitted side by side.
    assert len(pieces.fit.trace) == len(result.fit.trace)
    assert len(pieces.fit.trace) > 2
    assert list(pieces.fit.trace) == sorted(pieces.fit.trace, reverse=True)
    assert pieces.fit.value == pytest.approx(result.fit.value, rel=0.25)
    # Atoms form first; then the parts fill from the left beside all of the whole, as far as told.
    assert [view.kind for view in drawn[0]] == ["curves"]
    assert drawn[0][0].arrays["y"].shape == (16, 96)
    pictures = [views[0] for views in drawn if views[0].kind == "spectrogram"]
    told = [view.options["reached"] for view in pictures]
    assert len(told) >= 2
    assert told == sorted(set(told))
    last = pieces.views[0]
    assert last.axes[1].step >= 2 * 0.008, "more than one frame in a column"
    assert "reached" not in last.options
    for view, seconds in zip(pictures, told, strict=True):
        np.testing.assert_array_equal(view.arrays["whole"], last.arrays["whole"])
        done = int(seconds / last.axes[1].step)
        stood, found = (one.arrays["parts"][:, :, :done] for one in (view, last))
        np.testing.assert_array_equal(stood, found)
    after = slice(round(scene.start_s * RATE), None)
    both = [si_sdr(speech_of(dataset, r)[0][after], scene.speech[after]) for r in (pieces, result)]
    assert both[0] > both[1] - 1


@pytest.mark.parametrize("method", ["product", "dictionaries", "tracker"])
def test_each_method_makes_the_lead_in_quieter(dataset: Dataset, method: str) -> None:
    params = P(noise_span="0:1.5", method=method, drift=False)
    result = SpeechAnalysis().run(dataset, params, LocalJob())
    less = next(m.value for m in result.measures if m.name == "Lead-in attenuation")
    assert less > 4


@pytest.mark.parametrize("span", ["auto", "none"])
def test_no_span_has_to_be_given(dataset: Dataset, scene: Scene, span: str) -> None:
    result = SpeechAnalysis().run(dataset, P(noise_span=span, drift=False), LocalJob())
    after = slice(round(scene.start_s * RATE), None)
    found = speech_of(dataset, result)[0][after]
    assert si_sdr(found, scene.speech[after]) > si_sdr(scene.noisy[after], scene.speech[after]) + 1
    assert (result.facts["noise_span"] is None) == (span == "none")


def test_a_noise_from_a_file_serves_other_recordings(
    dataset: Dataset, result: Result, scene: Scene, tmp_path: Path
) -> None:
    sound, kept = tmp_path / "noise.wav", tmp_path / "noise.dictionary.npz"
    soundfile.write(sound, scene.noise[: 2 * RATE], RATE)
    write_noise_dictionary(dataset, result, kept, LocalJob(), None)
    assert load_dictionary(kept).kind == "noise"
    for file in (sound, kept):
        params = P(noise_span="none", noise_file=str(file), drift=False)
        again = SpeechAnalysis().run(dataset, params, LocalJob())
        assert again.facts["noise_origin"] == "noise file"
        assert 0.1 < again.parts[0].share < 0.95


def test_wrong_values_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    for name, text in (
        ("noise_span", "3:1"),
        ("speech_dictionary", str(tmp_path / "gone.npz")),
        ("strength", "3"),
        ("method", "magic"),
    ):
        with pytest.raises(UsageProblem, match=name):
            parse(P, {name: text})
    with pytest.raises(InputProblem, match="beyond"):
        SpeechAnalysis().run(dataset, P(noise_span="900:901"), LocalJob())
    path = tmp_path / "text.npz"
    path.write_text("no dictionary")
    with pytest.raises(FileProblem):
        SpeechAnalysis().run(dataset, P(speech_dictionary=str(path)), LocalJob())
    other = dataclasses.replace(dataset, kind="table")
    with pytest.raises(InputProblem, match="no sound"):
        SpeechAnalysis().run(other, P(), LocalJob())


def test_a_locked_part_leaves_nothing_to_find(dataset: Dataset, result: Result) -> None:
    job = LocalJob(kept=result.parts[1:])
    with pytest.raises(InputProblem, match="Noise is locked"):
        SpeechAnalysis().run(dataset, P(), job)


def test_a_run_goes_on_from_the_atoms_that_stood(dataset: Dataset) -> None:
    # Where a hand has said what is noise, its atoms learn in the run.
    params = P(noise_span="0:1.5", painted="noise 0:1 0:8000", drift=False)
    result = SpeechAnalysis().run(dataset, params, LocalJob(seed=3))
    assert result.facts["method"]["learns"] == "noise"
    drawn: list[tuple[View, ...]] = []
    job = LocalJob(start=result.parts, on_views=drawn.append)
    again = SpeechAnalysis().run(dataset, params, job)
    stood = result.views[1].arrays["atoms"]
    # Half precision on the way; the first that is seen is what stood.
    np.testing.assert_allclose(drawn[0][0].arrays["atoms"], stood, atol=2e-3 * stood.max())
    assert again.fit.value < result.fit.value
    other = SpeechAnalysis().run(dataset, params, LocalJob(start=again.parts))
    once_more = SpeechAnalysis().run(dataset, params, LocalJob(start=again.parts))
    np.testing.assert_array_equal(gain_codes(other), gain_codes(once_more))


def test_parts_that_carry_no_atoms_begin_nothing(result: Result) -> None:
    speech, noise = result.parts
    assert begun_atoms([speech, noise], 16) is not None
    assert begun_atoms([speech], 16) is None
    assert begun_atoms([noise], 5) is None
    for text in ("", "no base 64", "AAAA" * (768 * 16 * 2 // 3), 7):
        broken = dataclasses.replace(noise, facts={"atoms_float16": text})
        assert begun_atoms([broken], 16) is None


def test_cancel_leaves_at_once(dataset: Dataset) -> None:
    with pytest.raises(Cancelled):
        SpeechAnalysis().run(dataset, P(), LocalJob(is_cancelled=lambda: True))


def test_odd_recordings_are_no_trouble(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    speech = make_speech(2)[: 2 * RATE]
    cases = {
        "clipped": np.clip(8 * speech, -1, 1),
        "offset": 0.4 + 0.3 * speech,
        "faint": 1e-5 * (speech + 0.1 * rng.standard_normal(len(speech))),
        "noise alone": 0.1 * rng.standard_normal(2 * RATE),
        "half silent": np.concatenate([np.zeros(RATE), speech]),
        "short": speech[: RATE // 2],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, sound in cases.items():
            path = tmp_path / f"{name}.wav"
            soundfile.write(path, sound, RATE, subtype="FLOAT")
            dataset = load_sound(path)
            result = SpeechAnalysis().run(dataset, P(), LocalJob())
            assert np.isfinite(speech_of(dataset, result)).all(), name


def test_a_clean_recording_is_left_as_it_is(scene: Scene, tmp_path: Path) -> None:
    faint = 2e-4 * np.random.default_rng(1).standard_normal(len(scene.speech))
    sound = (scene.speech + faint).astype(np.float32)
    path = tmp_path / "clean.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    dataset = load_sound(path)
    for span in ("auto", "0:1.5"):
        result = SpeechAnalysis().run(dataset, P(noise_span=span, drift=False), LocalJob())
        assert si_sdr(speech_of(dataset, result)[0], sound) > 20
        assert result.parts[1].share < 0.05


def test_the_sample_is_what_its_maker_makes() -> None:
    sound, rate = soundfile.read(street_recording(), dtype="float32")
    assert rate == RATE
    np.testing.assert_allclose(sound, make_scene().noisy, atol=1e-4)


def test_memory_of_an_hour_is_bounded(dataset: Dataset) -> None:
    hour = dataclasses.replace(
        dataset,
        values=None,
        axes=tuple(
            dataclasses.replace(axis, size=3600 * RATE) if axis.name == "time" else axis
            for axis in dataset.axes
        ),
    )
    assert SpeechAnalysis().memory(hour, P()) < 1.5e9


def test_a_real_talker_in_real_noise(shared_data: Path) -> None:
    folder = shared_data / "speech"
    speech, _ = soundfile.read(folder / "speech_test" / "3331-159605-0004.flac", dtype="float32")
    noise, _ = soundfile.read(folder / "noise" / "street_test.flac", dtype="float32")
    lead = 2 * RATE
    under = noise[5 * RATE : 5 * RATE + lead + len(speech)]
    gain = speech.std() / under[lead:].std()
    noisy = under * gain
    noisy[lead:] += speech
    from partwise.api import Axis

    axes = (Axis("channel", 1), Axis("time", len(noisy), "s", 1 / RATE))
    made = Dataset("sound", "mixed", axes, values=noisy[None])
    result = SpeechAnalysis().run(made, P(noise_span="0:2", drift=False), LocalJob())
    found = speech_of(made, result)[0][lead:]
    assert si_sdr(found, speech) > si_sdr(noisy[lead:], speech) + 2.5
