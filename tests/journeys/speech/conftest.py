"""A room with a loudspeaker and a microphone, and a project with a result, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journeys.speech.desk import (
    Room,
    recording,
)

from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.plugins.registry import load_registry
from partwise.project.document import Document, Source
from partwise.project.store import save
from partwise_speech import device
from partwise_speech.readers import load_sound


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    made = Room()
    monkeypatch.setattr(device, "open_speaker", made.open_speaker)
    monkeypatch.setattr(device, "open_microphone", made.open_microphone)
    monkeypatch.setattr(device, "why_no_speaker", made.reason)
    monkeypatch.setattr(device, "why_no_microphone", made.reason)
    return made


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a result, made once."""
    folder = tmp_path_factory.mktemp("done")
    dataset = load_sound(recording(folder))
    assert dataset.source is not None
    request = Request("speech", "denoise", dataset, {"noise_span": "0.2:1.8", "drift": False})
    result = perform(request, LocalJob(), load_registry())
    document = Document()
    document.add_source(Source("source-1", "speech", dataset.title, dataset.source))
    document.add_run("source-1", "speech", "denoise", "Run 1", result)
    save(document.state, folder / "visit.partwise")
    return folder / "visit.partwise"
