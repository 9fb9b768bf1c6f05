"""The panel in the documentation for authors, in a real window."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from tests.app.desktop import Desktop, StandIn

from partwise.job import LocalJob
from partwise.jobs import worker as w
from partwise.jobs.perform import perform
from partwise.plugins.registry import Registry, resolve
from partwise_app.session import Session

EXAMPLE = Path(__file__).resolve().parents[1] / "fixtures/example_plugin"


def test_the_printed_panel_tells_peaks_and_asks_for_one_more(
    desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(EXAMPLE)
    record = dataclasses.replace(resolve("spectra.plugin:PLUGIN"), panel="spectra.panel:Panel")
    registry = Registry([record])

    def make_worker(on_event: Any) -> Any:
        desktop.worker = StandIn(on_event)
        return desktop.worker

    window = desktop.window(Session(registry, make_worker))
    desktop.open(window.session, resolve(record.samples[0].path)())
    panel = window.desk.findChild(resolve("spectra.panel:Panel"))
    assert isinstance(panel, QWidget)
    texts = [each.text() for each in panel.findChildren(QLabel)]
    assert "Press Run to find them." in texts

    (more,) = panel.findChildren(QPushButton)
    more.click()
    (request,) = desktop.worker.requests
    assert request.parameters["rank"] == 3
    assert window.session.undo_name == "Look for one more"
    assert not more.isEnabled()  # while it runs
    desktop.worker.say(w.Finished(1, perform(request, LocalJob(), registry)))
    told = "\n".join(each.text() for each in panel.findChildren(QLabel))
    assert told.count(" nm") == 3
    assert "470 nm" in told
    assert more.isEnabled()
