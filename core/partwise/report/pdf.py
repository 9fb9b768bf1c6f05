"""How is a report set on paper? A PDF with its fonts inside, from the same story as the page.

The same story gives the same bytes: no clock and no random identifier enters (ReportLab's
``invariant``). Numbers, words and order are those of `partwise.report.html`.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from reportlab.graphics.shapes import Circle, Drawing, Line, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    HRFlowable,
    Image,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)
from reportlab.platypus import Table as Grid

from partwise.report.charts import ticks
from partwise.report.words import VERDICTS, cell_text, number, percent, safe_color
from partwise_resources import resource

if TYPE_CHECKING:
    from partwise.report.charts import Chart
    from partwise.report.story import Picture, Story, Strength
    from partwise.result import Table, Trust

__all__ = ["set_pdf"]

_PLAIN, _BOLD = "Inter", "Inter-SemiBold"
_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_PADDING = 6  # points that a frame keeps on each side
_INK, _GREY, _RULE, _FAINT = map(HexColor, ("#1f2529", "#5c6970", "#dde3e6", "#eceff1"))
_MARKS = {
    "good": ("#dcefe6", "#12593a"),
    "look": ("#fbecc9", "#6b4700"),
    "bad": ("#f8dcd8", "#84211a"),
}
_MOST_COLUMNS = 24  # more are narrower than a word
_LONGEST_CELL = 2000  # characters: a table's row cannot be taller than a page
_FOOT = "Made by Partwise on this machine; nothing was sent anywhere. For research: no diagnosis."

_BODY = ParagraphStyle("body", fontName=_PLAIN, fontSize=9.2, leading=13, textColor=_INK)
_SMALL = ParagraphStyle("small", _BODY, fontSize=7.8, leading=10.6, textColor=_GREY)
_TITLE = ParagraphStyle(
    "title", _BODY, fontName=_BOLD, fontSize=18, leading=22, splitLongWords=True
)
_HEAD = ParagraphStyle("head", _BODY, fontName=_BOLD, fontSize=11, leading=14, spaceAfter=2 * mm)
_RIGHT = ParagraphStyle("right", _BODY, alignment=TA_RIGHT)
_SMALL_RIGHT = ParagraphStyle("small-right", _SMALL, alignment=TA_RIGHT)
_HASH = ParagraphStyle("hash", _BODY, fontSize=6.8, leading=13)


def set_pdf(story: Story) -> bytes:
    """Return the report as a PDF (A4, fonts embedded)."""
    _load_fonts()
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN - _PADDING,
        rightMargin=_MARGIN - _PADDING,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN + 4 * mm,
        title=f"{story.title} – Partwise",
        author="",
        creator="Partwise",
        subject=story.subtitle,
        lang="en",
        invariant=1,
    )
    footer = _Footer(story.title)
    # A canvas begins with a font of its own, which would be named in the file and not be in it.
    canvas = functools.partial(Canvas, initialFontName=_PLAIN)
    document.build(_flow(story), onFirstPage=footer, onLaterPages=footer, canvasmaker=canvas)
    return out.getvalue()


class _Footer:
    """What stands at the foot of each page: what this is, and the number of the page."""

    def __init__(self, title: str) -> None:
        self._title = title

    def __call__(self, canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont(_PLAIN, 7)
        canvas.setFillColor(_GREY)
        y = 11 * mm
        canvas.drawString(_MARGIN, y, _FOOT)
        text = _cut(f"{self._title}  ·  {document.page}", 60)
        canvas.drawRightString(A4[0] - _MARGIN, y, text)
        canvas.restoreState()


def _load_fonts() -> None:
    if _PLAIN in pdfmetrics.getRegisteredFontNames():
        return
    for name, file in ((_PLAIN, "Inter-Regular.ttf"), (_BOLD, "Inter-SemiBold.ttf")):
        pdfmetrics.registerFont(TTFont(name, str(resource("fonts", file))))


def _flow(story: Story) -> list[Flowable]:
    flow: list[Flowable] = [_say(story.title, _TITLE), _say(story.subtitle, _SMALL)]
    pictures = ([story.whole] if story.whole else []) + list(story.pictures)
    found = [*_pictures(pictures), _parts(story), _left(story)]
    found += [piece for chart in story.charts for piece in _chart(chart)]
    flow += _section("What was found", found)
    flow += _section("How far to trust it", [*map(_trust, story.trust), *_trace(story.trace)])
    flow += _section("Measures", _table(story.measures))
    for table in story.tables:
        flow += _section(table.title, _table(table))
    flow += _section("Methods", [_say(text, _BODY, after=2 * mm) for text in story.methods])
    flow += _section("Inputs", _table(story.inputs))
    flow += _section("Parameters and software", [_beside(story.parameters, story.versions)])
    return flow


def _beside(left: Table, right: Table) -> Grid:
    """Set two small tables side by side."""
    gap = 10 * mm
    wide = (_WIDTH - gap) / 2
    cells = [[_table(left, wide) or "", "", _table(right, wide) or ""]]
    padding = [
        (f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")
    ]
    return Grid(
        cells, colWidths=[wide, gap, wide], style=[("VALIGN", (0, 0), (-1, -1), "TOP"), *padding]
    )


def _section(title: str, content: Sequence[Flowable]) -> list[Flowable]:
    if not content:
        return []
    rule = HRFlowable("100%", 0.6, color=_RULE, spaceBefore=6 * mm, spaceAfter=3 * mm)
    # A heading is never the last thing on a page.
    return [CondPageBreak(40 * mm), rule, _say(title, _HEAD), *content]


def _say(text: str, style: ParagraphStyle, *, after: float = 0) -> Paragraph:
    paragraph = Paragraph(escape(_printable(text), quote=False), style)
    if after:
        paragraph.spaceAfter = after
    return paragraph


def _printable(text: str) -> str:
    """Drop control characters: a PDF shows them as boxes, or not at all."""
    return "".join(c if c.isprintable() or c == "\u202f" else " " for c in text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else "…" + text[1 - most :]


def _pictures(pictures: Sequence[Picture]) -> list[Flowable]:
    """Set pictures side by side: two to a row, or three where there are three or six."""
    if not pictures:
        return []
    columns = 1 if len(pictures) == 1 else 3 if len(pictures) % 3 == 0 else 2
    gap = 4 * mm
    wide = (_WIDTH - (columns - 1) * gap) / columns if columns > 1 else 0.7 * _WIDTH
    cells = [[_picture(p, wide), _say(p.caption, _SMALL)] for p in pictures]
    rows = []
    for start in range(0, len(cells), columns):
        row: list[Any] = cells[start : start + columns]
        rows.append(row + [""] * (columns - len(row)))
    return [
        Grid(
            rows,
            colWidths=[wide + gap] * (columns - 1) + [wide],
            hAlign="LEFT",
            style=[
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-2, -1), gap),
                ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3 * mm),
            ],
        )
    ]


def _picture(picture: Picture, wide: float) -> Image:
    image = Image(io.BytesIO(picture.data))
    # A tall picture is as high as half a page at most.
    scale = min(wide / image.imageWidth, 0.42 * A4[1] / image.imageHeight)
    image.drawWidth, image.drawHeight = scale * image.imageWidth, scale * image.imageHeight
    image.hAlign = "LEFT"
    return image


def _parts(story: Story) -> Grid:
    profiled = any(part.profile for part in story.parts)
    head = [_say("Part", _SMALL), "", _say("Share of the explained", _SMALL_RIGHT)]
    rows = [[*head, _say("Profile", _SMALL_RIGHT)] if profiled else head]
    rows += [_part(part, profiled=profiled) for part in story.parts]
    widths = [0.34, 0.2, 0.22, 0.24] if profiled else [0.46, 0.3, 0.24]
    return _grid(rows, [_WIDTH * share for share in widths])


def _part(part: Strength, *, profiled: bool) -> list[Any]:
    color = HexColor(safe_color(part.color))
    name = Grid(
        [[_swatch(color), _say(_cut(part.name, 120), _BODY)]],
        colWidths=[6 * mm, None],
        style=[("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 0),
               ("BOTTOMPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP")],
    )  # fmt: skip
    row = [name, _bar(part.share, color), _say(percent(part.share), _RIGHT)]
    if profiled:
        row.append(_say(", ".join(f"{value:.3f}" for value in part.profile), _RIGHT))
    return row


def _swatch(color: Color) -> Drawing:
    drawing = Drawing(9, 11)
    drawing.add(
        Rect(
            0,
            0,
            9,
            9,
            rx=2,
            ry=2,
            fillColor=color,
            strokeColor=HexColor("#00000033", hasAlpha=True),
        )
    )
    return drawing


def _bar(share: float, color: Color) -> Drawing:
    wide, high = 30 * mm, 4.5
    drawing = Drawing(wide, 10)
    drawing.add(Rect(0, 2, wide, high, rx=2, ry=2, fillColor=_FAINT, strokeColor=None))
    length = wide * min(max(share, 0.0), 1.0) if share == share else 0.0  # noqa: PLR0124 - NaN
    if length > 4:
        drawing.add(Rect(0, 2, length, high, rx=2, ry=2, fillColor=color, strokeColor=None))
    return drawing


def _left(story: Story) -> Paragraph:
    left = story.residual_text or f"{percent(story.residual)} of the whole"
    return _say(f"Left over: {left}.", _SMALL, after=2 * mm)


def _trust(line: Trust) -> Flowable:
    sign, word = VERDICTS.get(line.verdict, ("?", ""))
    fill, ink = _MARKS.get(line.verdict, ("#eceff1", "#5c6970"))
    mark = Drawing(15, 15)
    mark.add(Circle(7, 7, 7, fillColor=HexColor(fill), strokeColor=None))
    mark.add(
        String(7, 4, sign, fontName=_BOLD, fontSize=8, fillColor=HexColor(ink), textAnchor="middle")
    )
    words = [_say(f"{line.text} ({word})", _BODY)]
    if line.detail:
        words.append(_say(line.detail, _SMALL))
    return _grid([[mark, words]], [8 * mm, _WIDTH - 8 * mm], top=False)


def _trace(trace: Sequence[float]) -> list[Flowable]:
    from partwise.report.story import falls

    if not falls(trace):
        return []
    wide, high = 80 * mm, 16 * mm
    low, top = min(trace), max(trace)
    points = [
        coordinate
        for k, value in enumerate(trace)
        for coordinate in (
            wide * k / (len(trace) - 1),
            2 + (high - 4) * (value - low) / (top - low),
        )
    ]
    drawing = Drawing(wide, high)
    drawing.add(PolyLine(points, strokeColor=HexColor("#2f6f8f"), strokeWidth=1))
    label = f"Objective over {len(trace)} iterations, {number(trace[0])} to {number(trace[-1])}"
    return [KeepTogether([Spacer(1, 3 * mm), drawing, _say(label, _SMALL)])]


def _chart(chart: Chart) -> list[Flowable]:
    """Draw curves over one axis; lanes would not fit, so they share it and differ by colour."""
    wide, high, left, foot = _WIDTH, 46 * mm, 13 * mm, 7.5 * mm
    x0, x1, y0, y1 = chart.bounds
    sx, sy = (wide - left) / (x1 - x0), (high - foot - 4) / (y1 - y0)
    drawing = Drawing(wide, high)
    for value in ticks(y0, y1, 5):
        y = foot + (value - y0) * sy
        drawing.add(Line(left, y, wide, y, strokeColor=_FAINT, strokeWidth=0.5))
        drawing.add(_tick(left - 3, y - 2.4, number(value), "end"))
    for value, text in chart.x_ticks(8):
        drawing.add(_tick(left + (value - x0) * sx, foot - 9, text, "middle"))
    for color, start, end, value in chart.stems() if chart.bars else ():
        x, y = left + (start - x0) * sx, foot + (min(value, 0.0) - y0) * sy
        bar = Rect(x, y, (end - start) * sx, abs(value) * sy, strokeColor=None)
        bar.fillColor = HexColor(safe_color(color))
        drawing.add(bar)
    for line in () if chart.bars else chart.lines:
        points = [
            coordinate
            for x, y in zip(line.x, line.y, strict=True)
            for coordinate in (left + (x - x0) * sx, foot + (y - y0) * sy)
        ]
        drawing.add(PolyLine(points, strokeColor=HexColor(safe_color(line.color)), strokeWidth=1))
    drawing.add(_tick(left + (wide - left) / 2, 0, chart.x_label, "middle"))
    title = f"{chart.title} ({chart.y_label})" if chart.y_label else chart.title
    return [KeepTogether([Spacer(1, 3 * mm), _say(title, _SMALL), drawing])]


def _tick(x: float, y: float, text: str, anchor: str) -> String:
    return String(x, y, text, fontName=_PLAIN, fontSize=6.5, fillColor=_GREY, textAnchor=anchor)


def _table(table: Table, wide: float = _WIDTH) -> list[Flowable]:
    if not table.rows:
        return []
    more = len(table.columns) - _MOST_COLUMNS
    columns = range(min(len(table.columns), _MOST_COLUMNS))
    numeric = [all(isinstance(row[k], int | float) for row in table.rows) for k in columns]
    rows: list[list[Any]] = [
        [_say(table.columns[k], _SMALL_RIGHT if numeric[k] else _SMALL) for k in columns]
    ]
    rows += [[_cell(row[k], numeric=numeric[k]) for k in columns] for row in table.rows]
    set_table = _grid(rows, _widths(table, numeric, wide))
    if more <= 0:
        return [set_table]
    return [set_table, _say(f"{more} more columns are on the page, report.html.", _SMALL)]


def _cell(cell: str | float, *, numeric: bool) -> Paragraph:
    if isinstance(cell, str) and re.fullmatch(r"[0-9a-f]{64}", cell):
        return _say(cell, _HASH)
    return _say(_cut(cell_text(cell), _LONGEST_CELL), _RIGHT if numeric else _BODY)


def _widths(table: Table, numeric: Sequence[bool], room: float) -> list[float]:
    """Share the room by what the columns hold, between bounds."""
    needs = []
    for k, name in enumerate(table.columns[:_MOST_COLUMNS]):
        texts = [cell_text(row[k]) for row in table.rows]
        longest = max(pdfmetrics.stringWidth(_cut(text, 200), _PLAIN, 9.2) for text in texts)
        if any(re.fullmatch(r"[0-9a-f]{64}", text) for text in texts):
            longest = 64 * 4.4
        head = pdfmetrics.stringWidth(_cut(name, 200), _PLAIN, 7.8)
        needs.append(max(longest, head) + 4 * mm)
    total = sum(needs)
    if total <= room:
        # What is left goes to the columns of words; a table of numbers is spread evenly.
        words = [k for k in range(len(needs)) if not numeric[k]][-1:] or list(range(len(needs)))
        spare = (room - total) / len(words)
        return [need + (spare if k in words else 0) for k, need in enumerate(needs)]
    fair = room / len(needs)
    narrow = sum(need for need in needs if need <= fair)
    wide = sum(need for need in needs if need > fair)
    return [n if n <= fair else n * (room - narrow) / wide for n in needs]


def _grid(rows: list[list[Any]], widths: list[float], *, top: bool = True) -> Grid:
    return Grid(
        rows,
        colWidths=widths,
        repeatRows=1 if top and len(rows) > 1 else 0,
        splitInRow=1,  # a row may be taller than a page
        hAlign="LEFT",
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2.5 * mm),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1.1 * mm),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.3 * mm),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _FAINT),
        ],
    )
