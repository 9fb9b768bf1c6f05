"""Does the report say what was found, completely and safely?"""

from __future__ import annotations

import base64
import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.fixtures import pebble

from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.report.charts import Chart, Line
from partwise.report.html import render, section_with
from partwise.report.story import Story, _shrunk, tell
from partwise.result import Fit, Result, Table

_VOID = {"meta", "img", "br", "polyline"}


def test_a_picture_of_noise_alone_is_shown(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "p.png")
    assert _shrunk(tmp_path / "p.png").startswith(b"\xff\xd8")


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        for name, value in attrs:
            if name in ("src", "href"):
                assert (value or "").startswith("data:image/jpeg;base64,")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID

    def handle_data(self, data: str) -> None:
        self.text += data


def _result(**parameters: object) -> Result:
    dataset = pebble.load(pebble.sample())
    return perform(Request("pebble", "", dataset, parameters), LocalJob(), pebble.registry())


def _story(result: Result, pictures: tuple[tuple[str, Path], ...] = ()) -> Story:
    dataset = pebble.load(pebble.sample())
    analysis = pebble.registry().analysis("pebble")
    return tell(pebble.PLUGIN, analysis, dataset, result, pictures=pictures)


def _read(html: str) -> _Balance:
    reader = _Balance()
    reader.feed(html)
    assert reader.open == []
    return reader


def test_it_says_all_and_escapes_what_others_wrote(tmp_path: Path) -> None:
    picture = tmp_path / "p.png"
    Image.new("RGB", (3000, 10), "red").save(picture)
    html = render(_story(_result(cut=0.25), (("grains-large", picture),)))
    page = _read(html)
    assert "script" not in page.tags
    assert "b" not in page.tags  # the part's name holds one
    for words in (
        "Large & <b>round</b>",
        "95.0 % explained",
        "Mean size of a grain.",
        "with cut 0.25 mm, seed 0",
        "Pebble sorter 1.2.0",
        "because it had converged",
        "95.0 % of the sum of squares",
        "sand",
    ):
        assert words in page.text
    provenance = _result().provenance
    assert provenance is not None
    assert provenance.inputs[0].sha256 in page.text
    (data,) = re.findall(r"base64,([A-Za-z0-9+/=]+)", html)
    small = tmp_path / "small.jpg"
    small.write_bytes(base64.b64decode(data))
    with Image.open(small) as image:
        assert image.size == (900, 3)


@pytest.mark.parametrize("stop", ["max_iter", "max_seconds", "cancelled", "odd"])
def test_an_unfinished_fit_is_not_called_converged(stop: str) -> None:
    result = _result()
    fit = dataclasses.replace(result.fit, stop=stop)
    text = " ".join(_story(dataclasses.replace(result, fit=fit)).methods)
    assert "it had converged" not in text.replace("before it had converged", "")


def test_numbers_that_are_none_are_not_made_up() -> None:
    nan = float("nan")
    result = dataclasses.replace(
        _result(),
        fit=Fit("kl", nan, 0.5, 1, "converged", nan),
        measures=(dataclasses.replace(_result().measures[0], value=nan),),
    )
    page = _read(render(_story(result)))
    assert "nan" not in page.text.lower()
    assert "optimality" not in page.text
    assert "after 1 iteration " in page.text


def test_each_bar_of_many_has_its_name_within_the_chart() -> None:
    names = tuple(f"cohort-of-the-year-{k:02}-slide-{k:02}" for k in range(12))
    places = tuple(float(k) for k in range(12))
    line = Line("Eosin", "#cc3366", places, tuple(1.0 + k for k in range(12)))
    chart = Chart("Drift", "slide", "angle (°)", (line,), names, bars=True)
    drawn = section_with("Drift", "", [chart], Table("Slides", ("Slide",), ()))
    assert all(f"slide-{k:02}</text>" in drawn for k in range(12))
    starts = re.findall(r"translate\(([\d.]+) [\d.]+\) rotate", drawn)
    assert len(starts) == 12
    # Slanted to the left: a name of 30 letters of five pixels reaches back by 123.
    assert min(float(x) for x in starts) > 123
    few = Chart("Drift", "slide", "", (line,), ("a", "b", "c", *("d",) * 9), bars=True)
    assert "rotate" not in section_with("Drift", "", [few], Table("Slides", ("Slide",), ()))
