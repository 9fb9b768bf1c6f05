"""How is a report set? One HTML file that needs nothing else: no script, no network."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from partwise.report.charts import ticks
from partwise.report.words import VERDICTS, cell_text, number, percent, safe_color

if TYPE_CHECKING:
    from partwise.report.charts import Chart
    from partwise.report.story import Picture, Story, Strength
    from partwise.result import Table, Trust

__all__ = ["page", "render", "section_with"]

_LETTERS, _NAMED, _LONGEST = 110, 48, 30  # along an axis; names; letters of one of them
_SLANT, _DEEP, _BACK = 35, 3.4, 4.9  # degrees; px below the axis and to its left for each letter
_CSS = """
:root { color: #1f2529; background: #fff; }
* { box-sizing: border-box; }
body { font: 15px/1.5 Inter, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  max-width: 60rem; margin: 0 auto; padding: 3rem 2rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; font-weight: 600; margin: 2.4rem 0 .7rem; padding-top: 1rem;
  border-top: 1px solid #dde3e6; }
.sub { color: #5c6970; margin: .3rem 0 0; }
.figures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.figures.even { grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure img { width: 100%; display: block; border: 1px solid #dde3e6; border-radius: 4px; }
figcaption { color: #5c6970; font-size: .85rem; margin-top: .3rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .6rem 0 .3rem; }
th { text-align: left; font-weight: 500; color: #5c6970; font-size: .85rem; }
th, td { padding: .35rem 1.4rem .35rem 0; border-bottom: 1px solid #eceff1; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
th.n, td.n { text-align: right; white-space: nowrap; }
td.hash { font: .75rem/1.6 ui-monospace, Consolas, monospace; overflow-wrap: anywhere; }
.swatch { display: inline-block; width: .9em; height: .9em; border-radius: 3px;
  margin-right: .5em; vertical-align: -.08em; border: 1px solid rgb(0 0 0 / 20%); }
.bar { width: 9rem; height: .55rem; background: #eceff1; border-radius: 3px; margin-top: .5em; }
.bar i { display: block; height: 100%; border-radius: 3px; }
ul.trust { list-style: none; padding: 0; margin: 0; }
ul.trust li { display: flex; gap: .8rem; padding: .45rem 0; border-bottom: 1px solid #eceff1; }
.mark { flex: none; width: 1.6em; height: 1.6em; line-height: 1.6em; border-radius: 50%;
  text-align: center; font-size: .85rem; font-weight: 600; }
.good { background: #dcefe6; color: #12593a; } .look { background: #fbecc9; color: #6b4700; }
.bad { background: #f8dcd8; color: #84211a; }
.detail, .word { color: #5c6970; font-size: .88rem; }
.two { display: grid; gap: 0 3rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
svg { display: block; width: 100%; height: auto; }
svg.trace { max-width: 24rem; height: 4rem; margin-top: 1rem; }
svg text { font-size: 11px; fill: #5c6970; } svg .end { text-anchor: end; }
svg .mid { text-anchor: middle; } svg .rule { stroke: #eceff1; }
.chart { margin-top: 1.4rem; } .figures + table { margin-top: 1.2rem; }
.thumb { width: 6rem; display: block; border-radius: 3px; }
.finding { display: flex; gap: .7rem; } a { color: #1f5f80; overflow-wrap: anywhere; }
footer { margin-top: 3rem; color: #5c6970; font-size: .8rem; }
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; }
  h2 { break-after: avoid; margin-top: 1.4rem; }
  .figures, .figures.even, .two { grid-template-columns: 1fr 1fr; } tr, li { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } @page { margin: 18mm; } }
"""


def render(story: Story) -> str:
    """Return the report as one self-contained HTML document."""
    pictures = ([story.whole] if story.whole else []) + list(story.pictures)
    body = [
        f"<header><h1>{escape(story.title)}</h1>",
        f'<p class="sub">{escape(story.subtitle)}</p></header>',
        _section(
            "What was found",
            _figures(pictures) + _parts(story) + "".join(map(_chart, story.charts)),
        ),
        _section("How far to trust it", _trust(story.trust) + _trace(story.trace)),
        _section("Measures", _table(story.measures, caption=False)),
        *(_section(t.title, _table(t, caption=False)) for t in story.tables),
        _section("Methods", "".join(f"<p>{escape(text)}</p>" for text in story.methods)),
        _section("Inputs", _table(story.inputs, caption=False)),
        '<div class="two"><div>',
        _section("Parameters", _table(story.parameters, caption=False)),
        "</div><div>",
        _section("Software", _table(story.versions, caption=False)),
        "</div></div>",
        (
            "<footer>Made by Partwise on this machine; nothing was sent anywhere. For research: "
            "the numbers are no diagnosis.</footer>"
        ),
    ]
    return page(story.title, "\n".join(text for text in body if text))


def page(title: str, body: str) -> str:
    """Return a self-contained document in the report's style around `body`, which is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)} – Partwise</title><style>{_CSS}</style></head>\n<body>\n"
        f"{body}\n</body></html>\n"
    )


def section_with(title: str, words: str, charts: Sequence[Chart], table: Table) -> str:
    """Return a section of a page: a sentence, drawings, and a table."""
    drawn = "".join(_chart(chart) for chart in charts)
    return _section(title, f'<p class="sub">{escape(words)}</p>{drawn}{_table(table)}')


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def _figures(pictures: Sequence[Picture]) -> str:
    cells = []
    for picture in pictures:
        data = base64.b64encode(picture.data).decode("ascii")
        caption = escape(picture.caption)
        cells.append(
            f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
    # Four stand better two by two than three and one.
    even = " even" if len(cells) in (2, 4) else ""
    return f'<div class="figures{even}">{"".join(cells)}</div>' if cells else ""


def _parts(story: Story) -> str:
    wide = any(part.profile for part in story.parts)
    head = "<th>Part</th><th></th><th class=n>Share of the explained</th>"
    head += "<th class=n>Profile</th>" if wide else ""
    rows = "".join(_part(part, wide=wide) for part in story.parts)
    left = escape(story.residual_text) or f"{percent(story.residual)} of the whole"
    rest = f'<p class="detail">Left over: {left}.</p>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"


def _part(part: Strength, *, wide: bool) -> str:
    color = safe_color(part.color)
    share = min(max(part.share, 0.0), 1.0)
    bar = f'<div class="bar"><i style="width:{100 * share:.1f}%;background:{color}"></i></div>'
    cells = (
        f'<td><span class="swatch" style="background:{color}"></span>{escape(part.name)}</td>'
        f"<td>{bar}</td><td class=n>{percent(part.share)}</td>"
    )
    if wide:
        cells += f"<td class=n>{', '.join(f'{v:.3f}' for v in part.profile)}</td>"
    return f"<tr>{cells}</tr>"


def _trust(lines: Sequence[Trust]) -> str:
    items = []
    for line in lines:
        mark, word = VERDICTS.get(line.verdict, ("?", ""))
        detail = f'<div class="detail">{escape(line.detail)}</div>' if line.detail else ""
        items.append(
            f'<li><span class="mark {escape(line.verdict)}" title="{word}">{mark}</span>'
            f'<div>{escape(line.text)} <span class="word">({word})</span>{detail}</div></li>'
        )
    return f'<ul class="trust">{"".join(items)}</ul>' if items else ""


def _trace(trace: Sequence[float]) -> str:
    """Draw the falling objective; nothing where there is no curve to speak of."""
    from partwise.report.story import falls

    if not falls(trace):
        return ""
    low, high = min(trace), max(trace)
    points = " ".join(
        f"{300 * k / (len(trace) - 1):.1f},{4 + 52 * (high - v) / (high - low):.1f}"
        for k, v in enumerate(trace)
    )
    label = (
        f"Objective over {len(trace)} iterations, from {number(trace[0])} to {number(trace[-1])}"
    )
    return (
        f'<figure><svg class="trace" viewBox="0 0 300 60" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><polyline points="{points}" fill="none" stroke="#2f6f8f" '
        f'stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
        f"<figcaption>{label}</figcaption></figure>"
    )


def _chart(chart: Chart) -> str:
    """Draw the curves of the parts over one axis, as the PDF does."""
    slanted = _slanted(chart)
    below = max((_DEEP * len(name) for _, name in slanted), default=0.0)
    wide, high, foot = 720.0, 200.0 + below, 34.0 + below
    room = 600.0 / max(len(slanted), 1)  # of a bar; what its name needs beyond goes to the left
    left = max([52.0, *(_BACK * len(name) - room * (k + 0.5) for k, name in slanted)])
    x0, x1, y0, y1 = chart.bounds
    sx, sy = (wide - left - 8) / (x1 - x0), (high - foot - 8) / (y1 - y0)

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (x - x0) * sx, high - foot - (y - y0) * sy

    drawn = []
    for value in ticks(y0, y1, 5):
        _, y = at(x0, value)
        drawn.append(f'<line x1="{left}" x2="{wide - 8}" y1="{y:.1f}" y2="{y:.1f}" class="rule"/>')
        drawn.append(f'<text x="{left - 6}" y="{y + 4:.1f}" class="end">{number(value)}</text>')
    for place, text in slanted:
        x, _ = at(place, y0)
        drawn.append(
            f'<text transform="translate({x + 4:.1f} {high - foot + 13}) rotate(-{_SLANT})" '
            f'class="end">{escape(text)}</text>'
        )
    for value, text in () if slanted else chart.x_ticks(9):
        x, _ = at(value, y0)
        words = escape(text)
        drawn.append(f'<text x="{x:.1f}" y="{high - foot + 15}" class="mid">{words}</text>')
    for color, start, end, value in chart.stems() if chart.bars else ():
        (a, top), (b, bottom) = at(start, max(value, 0.0)), at(end, min(value, 0.0))
        drawn.append(
            f'<rect x="{a:.1f}" y="{top:.1f}" width="{b - a:.2f}" height="{bottom - top:.2f}" '
            f'fill="{safe_color(color)}"/>'
        )
    for line in () if chart.bars else chart.lines:
        points = " ".join(
            "{:.1f},{:.1f}".format(*at(x, y)) for x, y in zip(line.x, line.y, strict=True)
        )
        drawn.append(
            f'<polyline points="{points}" fill="none" stroke="{safe_color(line.color)}" '
            'stroke-width="1.6"/>'
        )
    label = escape(chart.x_label)
    drawn.append(f'<text x="{(left + wide) / 2:.0f}" y="{high - 3}" class="mid">{label}</text>')
    title = escape(f"{chart.title} ({chart.y_label})" if chart.y_label else chart.title)
    return (
        f'<figure class="chart"><figcaption>{title}</figcaption><svg viewBox="0 0 {wide:.0f} '
        f'{high:.0f}" role="img" aria-label="{title}">{"".join(drawn)}</svg></figure>'
    )


def _slanted(chart: Chart) -> list[tuple[float, str]]:
    """Places and names of bars that have no room beside each other; none where they have."""
    names = chart.labels if chart.bars else ()
    room = _LETTERS / max(len(names), 1)
    if len(names) > _NAMED or max((len(name) for name in names), default=0) <= room:
        return []
    return [(float(k), _short(name)) for k, name in enumerate(names)]


def _short(name: str) -> str:
    """A name without its middle: what tells files apart is often at their end."""
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half:]}"


def _table(table: Table, *, caption: bool = True) -> str:
    if not table.rows:
        return ""
    numeric = [
        all(isinstance(row[k], int | float) for row in table.rows)
        for k in range(len(table.columns))
    ]
    head = "".join(
        f"<th{' class=n' if number else ''}>{escape(name)}</th>"
        for name, number in zip(table.columns, numeric, strict=True)
    )
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in table.rows)
    title = f"<caption>{escape(table.title)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(cell: str | float) -> str:
    if isinstance(cell, str):
        kind = ' class="hash"' if re.fullmatch(r"[0-9a-f]{64}", cell) else ""
        return f"<td{kind}>{escape(cell)}</td>"
    return f"<td class=n>{cell_text(cell)}</td>"
