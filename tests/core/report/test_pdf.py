"""Does the report on paper say what the page says, with its fonts inside, and twice the same?"""

from __future__ import annotations

import base64
import dataclasses
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reportlab.pdfbase import pdfmetrics
from tests.fixtures import pebble

from partwise.data.dataset import Axis
from partwise.job import LocalJob
from partwise.jobs.perform import Request, perform
from partwise.report.charts import charts_of, ticks
from partwise.report.html import render
from partwise.report.pdf import set_pdf
from partwise.report.story import Story, falls, tell
from partwise.report.words import number, percent, safe_color
from partwise.result import Fit, Measure, Result, Table, Trust, View


def _result() -> Result:
    dataset = pebble.load(pebble.sample())
    return perform(Request("pebble", "", dataset), LocalJob(), pebble.registry())


def _story(result: Result, *pictures: tuple[str, Path]) -> Story:
    dataset = pebble.load(pebble.sample())
    analysis = pebble.registry().analysis("pebble")
    return tell(pebble.PLUGIN, analysis, dataset, result, pictures=pictures)


def _words(pdf: bytes) -> str:
    """Return the ASCII text of a PDF, whose codes are the letters themselves."""
    pages = []
    for body in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            pages.append(zlib.decompress(base64.a85decode(body.strip(), adobe=False)))
        except (ValueError, zlib.error):
            try:
                pages.append(zlib.decompress(base64.a85decode(b"<~" + body.strip(), adobe=True)))
            except (ValueError, zlib.error):
                continue
    shown = [
        re.sub(rb"\\([()\\])", rb"\1", text)
        for page in pages
        for text in re.findall(rb"\(((?:[^()\\]|\\.)*)\) Tj", page)
    ]
    return b" ".join(shown).decode("latin-1")


def _picture(path: Path, size: tuple[int, int]) -> Path:
    Image.new("RGB", size, "red").save(path)
    return path


def test_paper_says_what_the_page_says(tmp_path: Path) -> None:
    result = _result()
    story = _story(result, ("grains-large", _picture(tmp_path / "p.png", (300, 200))))
    pdf = set_pdf(story)
    text = re.sub(r"\s+", "", _words(pdf))
    assert result.provenance is not None
    for words in (
        "pebbles.txt",
        "Large & <b>round</b>",
        "explained (good)",
        "Of the grains.",
        "Left over: sand",
        "Mean size of a grain.",
        "because it had converged",
        "Pebble sorter 1.2.0",
        "numpy",
        result.provenance.inputs[0].sha256,
    ):
        assert words.replace(" ", "") in text, words
    assert pdf.count(b"/Subtype /Image") == 1
    assert set_pdf(_story(result, ("grains-large", tmp_path / "p.png"))) == pdf


def test_fonts_are_in_the_file_and_have_the_signs_that_reports_use() -> None:
    pdf = set_pdf(_story(_result()))
    assert set(re.findall(rb"/FontName /(\S+)", pdf)) == {
        b"AAAAAA+Inter-Regular",
        b"AAAAAA+Inter-SemiBold",
    }
    assert pdf.count(b"/FontFile2") == 2
    for name in ("Inter", "Inter-SemiBold"):
        known = pdfmetrics.getFont(name).face.charToGlyph
        signs = "±µμ°×–−≤≥≈²³⁵⁻…“”’·½‰ÅσβλΔ✓!ÄöüñçéŁЖ\u202f\u00a0"
        assert [sign for sign in signs if ord(sign) not in known] == []


@pytest.mark.parametrize("kind", ["tall", "wide", "many", "columns", "long", "empty", "odd"])
def test_no_content_breaks_the_page(kind: str, tmp_path: Path) -> None:
    result = _result()
    pictures: list[tuple[str, Path]] = []
    if kind == "tall":
        pictures = [("a", _picture(tmp_path / "a.png", (10, 4000)))]
    elif kind == "wide":
        pictures = [(str(k), _picture(tmp_path / f"{k}.png", (4000, 3))) for k in range(5)]
    elif kind == "many":
        rows: tuple[tuple[str | float, ...], ...] = tuple(
            (f"row {k}", float(k), "x" * 90, k) for k in range(300)
        )
        result = dataclasses.replace(result, tables=(Table("T", ("a", "b", "c", "d"), rows),))
    elif kind == "columns":
        names = tuple(f"column {k}" for k in range(300))
        tables = (Table("Broad", names, (tuple(float(k) for k in range(300)),)),)
        result = dataclasses.replace(result, tables=tables)
        assert "276morecolumns" in re.sub(r"\s+", "", _words(set_pdf(_story(result))))
    elif kind == "long":
        wide = tuple(f"column {k}" for k in range(18))
        rows = (tuple("word " * 400 if k == 3 else 1.5 for k in range(18)),)
        line = Trust("x", None, "look", "w" * 3000, "é" * 3000)
        tables = (Table("t" * 300, wide, rows),)
        result = dataclasses.replace(result, tables=tables, trust=(line,))
    elif kind == "empty":
        result = dataclasses.replace(result, measures=(), trust=(), tables=(), views=())
    else:
        part = dataclasses.replace(
            result.parts[0], name="\x00\u202e<font>&日本", color="url(x)", share=float("nan")
        )
        measures = (Measure("\x07", float("inf"), "\u2028", "</para>"),)
        result = dataclasses.replace(result, parts=(part,), measures=measures)
    pdf = set_pdf(_story(result, *pictures))
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")


def _with_view(view: View) -> Result:
    return dataclasses.replace(_result(), views=(view,))


def test_curves_of_the_parts_keep_their_peaks() -> None:
    y = np.zeros((2, 100_000))
    y[0, 54_321], y[1, 7] = 9.0, -2.0
    axis = Axis("time", 100_000, "s", step=0.5)
    (chart,) = charts_of(_with_view(View("curves", "Courses", {"y": y}, (axis,), {"of": "parts"})))
    assert chart.x_label == "time (s)"
    assert len(chart.lines[0].x) <= 500
    assert max(chart.lines[0].y) == 9.0
    assert chart.lines[0].x[chart.lines[0].y.index(9.0)] == 54_321 * 0.5
    assert chart.bounds[2:] == (-2.0, 9.0)


@pytest.mark.parametrize(
    ("labels", "bars"),
    [(("a", "b", "c"), True), (("450 nm", "455 nm", "460 nm"), False), (("1", "2", "9"), True)],
)
def test_categories_are_bars_and_even_steps_a_line(labels: tuple[str, ...], bars: bool) -> None:
    values = np.array([[1.0, 2, 3], [3, 2, 1]])
    axis = Axis("row", 3, labels=labels)
    result = _with_view(View("bars", "Made of", {"values": values}, (axis,)))
    (chart,) = charts_of(result)
    assert chart.bars is bars
    assert [text for _, text in chart.x_ticks(8)] == list(labels)
    page = render(_story(result))
    assert page.count("<rect") == (6 if bars else 0)
    assert page.count("<polyline") == (0 if bars else 2)
    set_pdf(_story(result))


def test_other_views_are_no_curves_of_parts() -> None:
    three = View("curves", "Scan", {"y": np.ones((3, 5))}, (Axis("rank", 5),))
    hollow = View("curves", "Holes", {"y": np.full((2, 5), np.nan)}, (Axis("t", 5),))
    assert charts_of(dataclasses.replace(_result(), views=(three, hollow))) == ()


def test_only_a_falling_objective_is_drawn() -> None:
    result = _result()
    up = Fit("frobenius", 1.0, 0.5, 6, "converged", 0.0, (1.0, 2.0, 2.0, 2.0, 3.0, 4.0))
    assert not falls(up.trace)
    assert falls(up.trace[::-1])
    assert not falls((3.0, 2.0, float("nan"), 1.0, 0.5, 0.2))
    assert "Objective" not in render(_story(dataclasses.replace(result, fit=up)))
    down = dataclasses.replace(up, trace=up.trace[::-1])
    assert "Objective over 6" in render(_story(dataclasses.replace(result, fit=down)))


def test_numbers_are_written_as_they_are_printed() -> None:
    assert number(-1.5e-7) == "−1.5 × 10⁻⁰⁷".replace("⁰", "")
    assert number(1234567) == "1\u202f234\u202f567"
    assert number(float("inf")) == percent(float("nan")) == "–"
    assert percent(0.1234) == "12.3\u202f%"
    assert safe_color("#12abEF") == "#12abEF"
    assert safe_color("red;background:url(x)") == safe_color("#12abE") == "#888888"
    assert ticks(0.13, 0.42) == [0.2, 0.3, 0.4]
    assert ticks(5, 5) == ticks(0, float("inf")) == []
