"""A made talker in a made street, its analysis, and tones whose measures are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from partwise.api import Dataset, LocalJob, Result
from partwise_speech.analysis import SpeechAnalysis
from partwise_speech.readers import load_sound
from partwise_speech.synth import Scene, make_scene

RATE = 16_000


@pytest.fixture(scope="session")
def scene() -> Scene:
    return make_scene(seed=11, lead_s=1.5, snr_db=3.0)


@pytest.fixture(scope="session")
def street(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "street.wav"
    soundfile.write(path, scene.noisy, RATE, subtype="FLOAT")
    return path


@pytest.fixture(scope="session")
def dataset(street: Path) -> Dataset:
    return load_sound(street)


@pytest.fixture(scope="session")
def result(dataset: Dataset) -> Result:
    params = SpeechAnalysis.Params(noise_span="0:1.5")
    return SpeechAnalysis().run(dataset, params, LocalJob(seed=3))


@pytest.fixture(scope="session")
def vowel() -> NDArray[np.float32]:
    """Two seconds of 140 Hz with twenty-nine harmonics."""
    time = np.arange(2 * RATE) / RATE
    tone = np.zeros(len(time))
    for k in range(1, 30):
        tone += np.sin(2 * np.pi * 140 * k * time) / k
    return (0.3 * tone / np.abs(tone).max()).astype(np.float32)
