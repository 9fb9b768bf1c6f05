"""How much better is the speech that comes out? Ours and others on the same mixtures, in one run.

    python tests/bench/speech.py [--split page|further|tuning] [--every N] [--cache FOLDER]
                                 [--only ours|peers] [--speed]

Prints gains over the noisy recording in PESQ (wide-band), STOI and SI-SDR, with standard errors
over units (a noise with a talker; their four levels are averaged first, for they are not
independent), the same by noise and by level, pairs of methods, real-time factors and the times
that learning takes. Settings were chosen on ``tuning`` (training talkers, each left out of the
generic voice, and training noises) and on nothing else. The learned voice comes from the other
utterances of the talker, up to 60 s. ``--cache`` keeps what peers scored, which does not change.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import _speech_cases as cases  # type: ignore[import-not-found]  # stands beside this script
import _speech_peers as peers  # type: ignore[import-not-found]  # stands beside this script
import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, LocalJob, Result
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.dictionary import Dictionary, learn_voice, save_dictionary
from partwise_speech.export import gain_codes
from partwise_speech.generic import learn_generic
from partwise_speech.learned import hear_noise
from partwise_speech.sound import recording_of
from partwise_speech.sources import voice_of
from partwise_speech.stream import Known, Stream
from partwise_speech.strength import render

RATE = cases.RATE
GENERIC, OWN = "Partwise, generic voice", "Partwise, own voice"
COMING = "Partwise, as it comes in"
MEASURES = ("PESQ", "STOI", "SI-SDR")

Scores = dict[str, dict[str, list[float]]]  # by case, by method: three scores and real-time factor
Sound = NDArray[np.float32]


class Voices:
    """Dictionaries by file, each learned once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}
        self.seconds: list[float] = []

    def own(self, case: cases.Case) -> str:
        """Return the file with the voice of the talker of a case, from other utterances."""
        name = f"own {case.utterance}"
        return self._file(name, partial(learn_voice, cases.voice(case), name))

    def generic(self, case: cases.Case) -> str:
        """Return ``generic``, or where its talker trained it, the same without this talker."""
        if case.talker not in cases.TRAINERS:
            return "generic"
        heard = {
            talker: [cases.sound(u) for u in cases.utterances(talker)]
            for talker in cases.TRAINERS
            if talker != case.talker
        }
        name = f"without {case.talker}"
        return self._file(name, partial(learn_generic, heard, name))

    def _file(self, name: str, learn: Callable[[], Dictionary]) -> str:
        if name not in self._known:
            begun = time.perf_counter()
            voice = learn()
            self.seconds.append(time.perf_counter() - begun)
            path = self._folder / f"{len(self._known)}.dictionary.npz"
            save_dictionary(voice, path)
            self._known[name] = str(path)
        return self._known[name]


def dataset_of(sound: Sound, title: str = "mixture") -> Dataset:
    """A recording in memory, as the reader gives it."""
    axes = (Axis("channel", 1, labels=("Mono",)), Axis("time", len(sound), "s", 1 / RATE))
    return Dataset("sound", title, axes, values=sound[None])


def separate(mixture: cases.Mixture, voice: str) -> Sound:
    """Separate as the program does; the noise-only lead-in is named."""
    data = dataset_of(mixture.noisy)
    params = SpeechAnalysis.Params(
        noise_span=f"0:{cases.LEAD_S}",
        speech_dictionary=voice,
        drift=False,
    )
    result = SpeechAnalysis().run(data, params, LocalJob())
    return speech_of(data, result)


def speech_of(data: Dataset, result: Result) -> Sound:
    """Render the speech of a result."""
    recording = recording_of(data)
    return render(recording, gain_codes(result), 0, recording.samples)[0]


def streamed(mixture: cases.Mixture, voice: str) -> Sound:
    """Separate in blocks of 10 ms, the noise known from the lead-in; the delay is undone."""
    known = voice_of(voice)
    noise = hear_noise(
        recording_of(dataset_of(mixture.noisy)), f"0:{cases.LEAD_S}", "", 16, known, 0, _on
    )
    stream = Stream(RATE, Known.of(known, noise))
    late = np.pad(mixture.noisy, (0, stream.delay))
    made = [stream.push(late[k : k + RATE // 100]) for k in range(0, len(late), RATE // 100)]
    return np.concatenate(made)[stream.delay :]


def _on(atoms: Sound) -> bool:
    return True


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--split", choices=("page", "further", "tuning"), default="page")
    parser.add_argument("--every", type=int, default=1, help="take every so many mixtures")
    parser.add_argument("--cache", type=Path, help="folder that keeps the scores of peers")
    parser.add_argument("--only", choices=("ours", "peers"))
    parser.add_argument("--speed", action="store_true", help="times alone")
    asked = parser.parse_args()
    SpeechAnalysis().warm_up()
    if not asked.speed:
        chosen = getattr(cases, asked.split)()[:: asked.every]
        told = scores(chosen, asked.only, asked.cache)
        report(asked.split, chosen, told)
    speed()


def scores(chosen: list[cases.Case], only: str | None, cache: Path | None) -> Scores:
    """Score every method on every case."""
    kept = _Cache(cache)
    told: Scores = {}
    with tempfile.TemporaryDirectory() as folder:
        voices = Voices(Path(folder))
        for number, case in enumerate(chosen, 1):
            mixture = cases.mix(case)
            row = told.setdefault(case.key, {})
            row["noisy"] = kept.get(case.key, "noisy", partial(_scored, mixture, _untouched))
            for name, call in peers.available().items() if only != "ours" else ():
                row[name] = kept.get(case.key, name, partial(_scored, mixture, call))
            if only != "peers":
                for name, voice in ((GENERIC, voices.generic), (OWN, voices.own)):
                    row[name] = _scored(mixture, partial(separate, voice=voice(case)))
                row[COMING] = _scored(mixture, partial(streamed, voice=voices.generic(case)))
            print(f"\r{number} of {len(chosen)}", end="", flush=True)
    print()
    if only != "peers":
        print(f"a voice was learned in {statistics.median(voices.seconds):.2f} s (median)")
    return told


def _untouched(mixture: cases.Mixture) -> Sound:
    return np.asarray(mixture.noisy)


def _scored(mixture: cases.Mixture, way: Callable[[cases.Mixture], Sound]) -> list[float]:
    begun = time.perf_counter()
    found = way(mixture)
    seconds = time.perf_counter() - begun
    return [*cases.score(mixture, found), seconds * RATE / len(mixture.noisy)]


class _Cache:
    """Scores by case and method, kept in a folder or only for this run."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "peers.json" if folder else None
        self._known: dict[str, list[float]] = {}
        if self._path and self._path.is_file():
            self._known = json.loads(self._path.read_text())

    def get(self, key: str, name: str, make: Callable[[], list[float]]) -> list[float]:
        place = f"{key} | {name}"
        if place not in self._known:
            self._known[place] = make()
            if self._path:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_text(json.dumps(self._known))
        return self._known[place]


def report(split: str, chosen: list[cases.Case], told: Scores) -> None:
    """Print the tables."""
    methods = [name for name in told[chosen[0].key] if name != "noisy"]
    gains = {
        name: np.array(
            [np.subtract(told[c.key][name][:3], told[c.key]["noisy"][:3]) for c in chosen]
        )
        for name in methods
    }
    units = np.array([f"{c.noise} {c.talker}" for c in chosen])
    print(f"\n{split}: {len(chosen)} mixtures, {len(set(units))} units; gain over noisy")
    head = "".join(f"{name:>18}" for name in MEASURES)
    print(f"{'':30}{head}{'real-time factor':>20}")
    for name in methods:
        cells = "".join(f"{_pair(gains[name][:, k], units):>18}" for k in range(3))
        factor = statistics.median(told[c.key][name][3] for c in chosen)
        print(f"{name:30}{cells}{factor:20.3f}")
    _pairs(gains, units)
    for what in ("noise", "snr"):
        _by(what, chosen, gains)
    _singly(chosen, gains)
    _harm(chosen, gains)


def _pair(values: NDArray[np.float64], units: NDArray[np.str_]) -> str:
    mean, error = paired(values, units)
    return f"{mean:+.3f} ± {error:.3f}"


def paired(values: NDArray[np.float64], units: NDArray[np.str_]) -> tuple[float, float]:
    """Return the mean over units and its standard error."""
    means = np.array([values[units == unit].mean() for unit in np.unique(units)])
    error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else float("nan")
    return float(means.mean()), float(error)


def _pairs(gains: Mapping[str, NDArray[np.float64]], units: NDArray[np.str_]) -> None:
    print("\nours less another, paired over units")
    both = [name for name in gains if name.startswith("noisereduce")]
    rivals = dict(gains)
    if len(both) > 1:
        rivals["noisereduce, better of both"] = np.maximum(gains[both[0]], gains[both[1]])
    beside = {GENERIC: (GENERIC, OWN, COMING), OWN: (OWN, COMING)}
    for ours, left_out in beside.items():
        for name, values in rivals.items():
            if ours in gains and name not in left_out:
                less = gains[ours] - values
                cells = "".join(f"{_pair(less[:, k], units):>18}" for k in range(3))
                print(f"{ours[10:]:14} − {name:28}{cells}")


def _by(what: str, chosen: list[cases.Case], gains: Mapping[str, NDArray[np.float64]]) -> None:
    keys = list(dict.fromkeys(getattr(c, what) for c in chosen))
    place = np.array([keys.index(getattr(c, what)) for c in chosen])
    print(f"\nby {what}: PESQ / STOI / SI-SDR")
    for name, values in gains.items():
        print(name)
        for k, key in enumerate(keys):
            p, s, d = values[place == k].mean(axis=0)
            print(f"    {key!s:10} {p:+.3f} / {s:+.3f} / {d:+.2f}")


def _singly(chosen: list[cases.Case], gains: Mapping[str, NDArray[np.float64]]) -> None:
    """Print ours less the better of noisereduce's modes, each noise by itself."""
    both = [values for name, values in gains.items() if name.startswith("noisereduce")]
    if len(both) < 2:
        return
    noise, better = np.array([c.noise for c in chosen]), np.maximum(*both)
    keys = list(dict.fromkeys(c.noise for c in chosen))
    print("\nours less the better mode of noisereduce, by noise: PESQ, SI-SDR in dB")
    print(f"{'':26}" + "".join(f"{key:>14}" for key in keys))
    for name in (GENERIC, OWN, COMING):
        if name in gains:
            less = [(gains[name] - better)[noise == key].mean(axis=0) for key in keys]
            print(f"{name:26}" + "".join(f"{p:+8.2f} {d:+5.2f}" for p, _, d in less))


def _harm(chosen: list[cases.Case], gains: Mapping[str, NDArray[np.float64]]) -> None:
    """Print the worst noise of each method, by STOI and, where noise is weak, by PESQ."""
    print("\nnever harm: the noise that gains least")
    noise = np.array([c.noise for c in chosen])
    weak = np.array([c.snr >= 5 for c in chosen])
    for name, values in gains.items():
        stoi = {key: values[noise == key, 1].mean() for key in np.unique(noise)}
        pesq = {key: values[(noise == key) & weak, 0].mean() for key in np.unique(noise[weak])}
        low, poor = min(stoi, key=stoi.__getitem__), min(pesq, key=pesq.__getitem__)
        print(f"{name:30} STOI {stoi[low]:+.3f} {low:10} PESQ at 5, 10 dB {pesq[poor]:+.3f} {poor}")


def speed() -> None:
    """Print how long learning, whole files and previews take; least of some repeats."""
    case = cases.page()[-1]
    mixture = cases.mix(case)
    pieces = list(cases.voice(case))
    long = np.tile(mixture.noisy, 9)[: 60 * RATE]
    data, whole = dataset_of(mixture.noisy[: 10 * RATE]), dataset_of(long)
    generic = voice_of("generic")

    def run(given: Dataset, *, drift: bool) -> Sound:
        params = SpeechAnalysis.Params(noise_span="0:3", drift=drift)
        return speech_of(given, SpeechAnalysis().run(given, params, LocalJob()))

    def noise() -> object:
        return hear_noise(recording_of(data), "0:3", "", 16, generic, 0, _on)

    result = SpeechAnalysis().run(data, SpeechAnalysis.Params(noise_span="0:3"), LocalJob())
    ready = recording_of(data)

    def preview() -> Sound:
        return render(ready, gain_codes(result), 0, ready.samples, 0.7)

    seconds = sum(map(len, pieces)) / RATE
    print("\ntimes in s, least of five; processor time beside it, for a machine that is shared")
    for name, call, length in (
        ("noise learned from 3 s", noise, 0.0),
        (f"voice learned from {seconds:.0f} s", lambda: learn_voice(pieces, "v"), 0.0),
        ("10 s at another strength", preview, 0.0),
        ("10 s separated and rendered", lambda: run(data, drift=False), 10.0),
        ("10 s with measures of the voice", lambda: run(data, drift=True), 10.0),
        ("60 s with measures of the voice", lambda: run(whole, drift=True), 60.0),
    ):
        took, worked = [], []
        for _ in range(5):
            begun, busy = time.perf_counter(), time.process_time()
            call()
            took.append(time.perf_counter() - begun)
            worked.append(time.process_time() - busy)
        least, least_work = min(took), min(worked)
        factor = ""
        if length:
            factor = f"   real-time factor {least / length:.3f} ({least_work / length:.3f})"
        print(f"{name:34}{least:8.3f} ({least_work:.3f}){factor}")


if __name__ == "__main__":
    main()
