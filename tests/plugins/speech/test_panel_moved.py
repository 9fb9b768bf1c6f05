"""Do atoms that a hand has moved count on the other side, and nothing else?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from partwise.api import Dataset, InputProblem, LocalJob, Result
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.export import gain_codes, write_noise, write_speech
from partwise_speech.fit import separate
from partwise_speech.moved import GROUPS, Moved, check_moved, voice_groups
from partwise_speech.painted import Painted
from partwise_speech.panel.regain import Voice, apart_of, regained
from partwise_speech.sound import recording_of
from partwise_speech.sources import generic_voice
from partwise_speech.strength import gains_of
from partwise_speech.trust import by_hand


def test_a_text_says_which_atoms_and_comes_back_the_same() -> None:
    moved = Moved.read(" voice 4 ; noise 7 3 ;")
    assert moved == Moved(frozenset({2, 6}), frozenset({3}))
    assert moved.text == "noise 3 7; voice 4"
    assert moved.turned("noise", 2).turned("voice", 0).text == "noise 7; voice 1 4"
    assert moved.turned("noise", 2).turned("noise", 2) == moved
    assert Moved.read("") == Moved()
    for wrong in ("noise", "noise 0", "speech 3", "voice 13", "noise 3,4"):
        assert check_moved(wrong), wrong


def test_what_a_hand_decided_is_told() -> None:
    assert by_hand(Moved(), Painted(), 0.0) == ()
    painted = Painted.read("noise 1:1.5 0:8000; speech 2:3 0:500")
    told = by_hand(Moved.read("noise 3 7; voice 4"), painted, 20.0)
    words = " ".join(f"{line.text} {line.detail}" for line in told)
    assert [line.verdict for line in told] == ["look"] * 3
    for said in ("2 of the noise", "1 of the voice", "2 boxes", "1.5 s", "20 %"):
        assert said in words, said


def test_groups_of_a_voice_go_from_low_to_high_and_stay_the_same() -> None:
    atoms = generic_voice().atoms
    groups = voice_groups(atoms)
    assert np.array_equal(groups, voice_groups(atoms))
    assert set(groups) == set(range(GROUPS))
    spectra = generic_voice().spectra()
    place = spectra @ np.arange(spectra.shape[1]) / spectra.sum(axis=1)
    means = [place[groups == k].mean() for k in range(GROUPS)]
    assert means == sorted(means)


@pytest.mark.parametrize("keep", [3, 40])
def test_a_moved_atom_changes_sides_and_the_sum_stays(keep: int) -> None:
    rng = np.random.default_rng(3)
    speech, noise = rng.random((60, 40), np.float32), rng.random((60, 5), np.float32)
    speech, noise = speech / speech.sum(axis=0), noise / noise.sum(axis=0)
    V = speech @ rng.random((40, 30), np.float32) + noise @ rng.random((5, 30), np.float32)
    same: dict[str, Any] = {"updates": 12, "adapt_every": 4, "keep": keep, "keep_after": 4}
    plain = separate(V, speech, noise, **same)
    one = np.zeros(45, bool)
    one[41] = True
    with_one = separate(V, speech, noise, moved=one, **same)
    given = plain.atoms[:, [1]] @ plain.active[[1]]
    np.testing.assert_allclose(with_one.speech, plain.speech + given, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(with_one.noise, plain.noise - given, rtol=1e-4, atol=1e-5)
    voices = np.zeros(45, bool)
    voices[:40] = True
    none_left = separate(V, speech, noise, moved=voices, **same)
    both = plain.speech + plain.noise
    np.testing.assert_allclose(none_left.speech, 0, atol=1e-5)
    np.testing.assert_allclose(none_left.noise, both, rtol=1e-4)


def test_what_a_hand_decided_of_what_is_not_there_is_refused(dataset: Dataset) -> None:
    with pytest.raises(InputProblem, match="atom 65 of the noise was moved, and it has"):
        _run(dataset, moved="noise 65")
    with pytest.raises(InputProblem, match="5000:5001 s was painted"):
        _run(dataset, painted="speech 5000:5001 100:500")


def test_what_is_tried_out_is_what_a_run_finds(dataset: Dataset, result: Result) -> None:
    moved = Moved.read("noise 1 2 3 4; voice 12")
    atoms, found = generic_voice().atoms, gain_codes(result)
    view = next(v for v in result.views if "atoms" in v.arrays)
    voice = Voice(atoms, voice_groups(atoms)).only(view.arrays["used"])
    noise, frames = view.arrays["atoms"], (100, 500)
    recording, method = recording_of(dataset), result.facts["method"]
    among = atoms.shape[1] + noise.shape[1]
    apart = apart_of(recording, voice.atoms, voice.groups, noise, frames, (0.0, 1.5), method, among)
    tried = regained(found, apart, Moved(), moved, result.facts["method"])
    same = regained(found, apart, moved, moved, result.facts["method"])
    ran = gain_codes(_run(dataset, moved=moved.text))[:, slice(*frames)]
    before = found[:, slice(*frames)]
    np.testing.assert_array_equal(same, before)
    change = [20 * np.log10(gains_of(c) / gains_of(before)) for c in (tried, ran)]
    assert np.abs(change[1]).mean() > 1.0, "so much is changed, in dB"
    assert np.abs(change[0] - change[1]).mean() < 0.15 * np.abs(change[1]).mean()
    assert np.corrcoef(change[0].ravel(), change[1].ravel())[0, 1] > 0.97


def _run(dataset: Dataset, **chosen: Any) -> Result:
    params = SpeechAnalysis.Params(noise_span="0:1.5", drift=False, **chosen)
    return SpeechAnalysis().run(dataset, params, LocalJob(seed=3))


def test_all_the_noise_moved_to_speech_takes_next_to_nothing_away(dataset: Dataset) -> None:
    every = "noise " + " ".join(str(k + 1) for k in range(16))
    plain = gains_of(gain_codes(_run(dataset, method="dictionaries")))
    moved = gains_of(gain_codes(_run(dataset, method="dictionaries", moved=every)))
    assert plain.mean() < 0.7
    assert moved.mean() > 0.98


def test_the_original_is_mixed_under_what_is_exported(dataset: Dataset, tmp_path: Path) -> None:
    whole = soundfile.read(dataset.source.path)[0] if dataset.source else np.zeros(0)
    made = {}
    for original in (0.0, 25.0):
        result = _run(dataset, original=original)
        for name, write in (("speech", write_speech), ("noise", write_noise)):
            write(dataset, result, tmp_path / "x.wav", LocalJob(), None)
            made[name, original] = soundfile.read(tmp_path / "x.wav")[0]
        less = {m.name: m.value for m in result.measures}["Lead-in attenuation"]
        assert less < 12.1 if original else less > 13
    expected = 0.75 * made["speech", 0.0] + 0.25 * whole
    np.testing.assert_allclose(made["speech", 25.0], expected, atol=2e-4)
    np.testing.assert_allclose(made["noise", 25.0], 0.75 * made["noise", 0.0], atol=2e-4)
