"""Does the window say what came of a run, what is missing, and what is unlike other times?"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel
from tests.app.desktop import Desktop
from tests.fixtures import pebble

from partwise.errors import AnalysisProblem
from partwise.jobs import worker as w
from partwise.params import ParamSpec
from partwise.plugins.registry import Refused, Registry
from partwise.project.document import Strip
from partwise.result import Trust
from partwise_app.glance import sum_of_trust
from partwise_app.resolve import value_in_words
from partwise_app.session import Session
from partwise_app.viewers.arrangement import Arrangement
from partwise_app.viewers.layers import Mixer


def _trust(*verdicts: Any) -> list[Trust]:
    return [Trust(f"check-{k}", 0.5, v, "Said", "In detail") for k, v in enumerate(verdicts)]


@pytest.mark.parametrize(
    ("verdicts", "worst", "words"),
    [
        ((), "", ""),
        (("good", "good"), "good", "Findings: 2 good"),
        (("good", "look", "good"), "look", "Findings: 1 to look at, 2 good"),
        (("bad", "good"), "bad", "Findings: 1 bad, 1 good"),
        (("look", "bad", "bad"), "bad", "Findings: 2 bad, 1 to look at"),
    ],
)
def test_trust_is_summed_up_by_its_worst(verdicts: tuple[str, ...], worst: str, words: str) -> None:
    assert sum_of_trust(_trust(*verdicts)) == (worst, words)


def test_the_sum_of_trust_leads_to_the_findings_and_leaves_with_them(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    glance = window.desk.glance
    assert not glance.isVisible()
    desktop.run(window.session)
    assert glance.isVisible()
    assert glance.words() == "Findings: 1 good"
    window.resize(1024, 640)
    glance.click()
    trust = window.desk.trust
    assert not trust.visibleRegion().isEmpty()
    window.session.start_run()
    assert not glance.isVisible()


def test_bad_news_of_a_run_leaves_with_the_next(desktop: Desktop) -> None:
    window = desktop.window()
    desktop.open(window.session)
    window.session.start_run()
    desktop.worker.say(w.Failed(1, AnalysisProblem("the sand is wet", fix="dry it")))
    assert window.notices.isVisible()
    window.session.start_run()
    assert not window.notices.isVisible()


def test_a_start_without_all_plugins_says_so(desktop: Desktop) -> None:
    registry = Registry([pebble.PLUGIN], [Refused("tides", "it cannot be loaded: no moon")])
    window = desktop.window(Session(registry))
    window.tell_start(safe_mode=False)
    told = window.notices.notice
    assert told is not None
    assert told.text == "A plugin could not be loaded."
    assert told.action == "help_plugins"
    window.tell_start(safe_mode=True)
    told = window.notices.notice
    assert told is not None
    assert told.text.startswith("Safe mode")


def test_where_the_file_is_lost_nobody_is_told_to_open_one(desktop: Desktop) -> None:
    session = desktop.session()
    source = desktop.open(session)
    desktop.run(session)
    path = desktop.folder / "beach.partwise"
    with desktop.qtbot.waitSignal(session.saved):
        session.save(path)
    source.rename(desktop.folder / "elsewhere.txt")
    window = desktop.window()
    with desktop.qtbot.waitSignal(window.session.opened):
        window.session.open_path(path)
    said = {label.text() for label in window.desk.form.findChildren(QLabel) if label.isVisible()}
    assert "Find the file to run it again." in said
    assert window.desk.stage._instead[0] == "grains.txt is not where it was"


def test_only_what_somebody_waits_for_is_in_the_status(desktop: Desktop) -> None:
    window = desktop.window()
    session = window.session
    desktop.open(session)
    held = threading.Event()
    session.quietly(held.wait, lambda _: None)
    assert session.doing == ""
    assert not session.idle
    assert window.status.job.text() == "Ready"
    held.set()
    desktop.qtbot.waitUntil(lambda: session.idle)


def test_loops_that_are_prepared_are_told_step_aside_and_can_be_stopped(desktop: Desktop) -> None:
    window = desktop.window()
    session = window.session
    desktop.open(session)
    session.warm_up()
    worker, said = desktop.worker, window.status.job.text
    worker.say(w.Preparing(0))
    assert said() == "Preparing the fast loops (once)…"
    assert "stoppable" in session.facts()
    hint = window.desk.mixer._hint._what
    assert hint.text().startswith("Press Run")
    session.start_run()
    assert said() == "Starting"
    assert hint.text() == "The first parts are on their way"
    worker.answer()
    assert said() == "Preparing the fast loops (once)…"
    window.deeds.run_stop()
    assert worker.cold
    assert said() == "Ready"
    assert "stoppable" not in session.facts()


@pytest.mark.parametrize(
    ("value", "words"), [("he", "H&E"), ("new", "new"), (True, "yes"), (0.150, "0.15"), (3, "3")]
)
def test_values_are_told_in_the_words_of_the_form(value: object, words: str) -> None:
    spec = ParamSpec("stains", "Staining", "Which.", str, "choice", "he", choices={"he": "H&E"})
    assert value_in_words(spec, value) == words


@pytest.mark.parametrize(
    ("awaited", "words"),
    [(False, "Run to see the parts"), (True, "The first parts are on their way")],
)
def test_while_parts_are_awaited_nobody_is_told_to_run(awaited: bool, words: str) -> None:
    strip = Strip("residual", "Residual", "#808080")
    shown = Arrangement("compare", Mixer((strip,), {}), awaited=awaited).panes()
    (whole, parts) = shown[0]
    assert whole.message == ""
    assert parts.message == words
