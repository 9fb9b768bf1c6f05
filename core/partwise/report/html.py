"""How is a report set? One HTML file that needs nothing else: no script, no network."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from partwise.report.story import Picture, Story, Strength
    from partwise.result import Table, Trust

__all__ = ["render"]

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_VERDICTS = {"good": ("✓", "good"), "look": ("!", "worth a look"), "bad": ("✕", "not good")}

_CSS = """
:root { color: #1f2529; background: #fff; }
* { box-sizing: border-box; }
body { font: 15px/1.5 Inter, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  max-width: 60rem; margin: 0 auto; padding: 3rem 2rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; font-weight: 600; margin: 2.4rem 0 .7rem; padding-top: 1rem;
  border-top: 1px solid #dde3e6; }
.sub { color: #5c6970; margin: .3rem 0 0; }
.figures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure img { width: 100%; display: block; border: 1px solid #dde3e6; border-radius: 4px; }
figcaption { color: #5c6970; font-size: .85rem; margin-top: .3rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .6rem 0 .3rem; }
th { text-align: left; font-weight: 500; color: #5c6970; font-size: .85rem; }
th, td { padding: .35rem .7rem .35rem 0; border-bottom: 1px solid #eceff1; vertical-align: top; }
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
svg { display: block; width: 100%; max-width: 24rem; height: 5rem; }
footer { margin-top: 3rem; color: #5c6970; font-size: .8rem; }
@media print { body { padding: 0; max-width: none; font-size: 10.5pt; }
  h2 { break-after: avoid; } tr, li { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } @page { margin: 18mm; } }
"""


def render(story: Story) -> str:
    """Return the report as one self-contained HTML document."""
    pictures = ([story.whole] if story.whole else []) + list(story.pictures)
    body = [
        f"<header><h1>{escape(story.title)}</h1>",
        f'<p class="sub">{escape(story.subtitle)}</p></header>',
        _section("What was found", _figures(pictures) + _parts(story)),
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
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
        f"<title>{escape(story.title)} – Partwise</title><style>{_CSS}</style></head>\n<body>\n"
        + "\n".join(text for text in body if text)
        + "\n</body></html>\n"
    )


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
    return f'<div class="figures">{"".join(cells)}</div>' if cells else ""


def _parts(story: Story) -> str:
    wide = any(part.profile for part in story.parts)
    head = "<th>Part</th><th></th><th class=n>Share of the explained</th>"
    head += "<th class=n>Profile</th>" if wide else ""
    rows = "".join(_part(part, wide=wide) for part in story.parts)
    left = escape(story.residual_text) or f"{_percent(story.residual)} of the whole"
    rest = f'<p class="detail">Left over: {left}.</p>'
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{rest}"


def _part(part: Strength, *, wide: bool) -> str:
    color = part.color if _COLOR.fullmatch(part.color) else "#888888"
    share = min(max(part.share, 0.0), 1.0)
    bar = f'<div class="bar"><i style="width:{100 * share:.1f}%;background:{color}"></i></div>'
    cells = (
        f'<td><span class="swatch" style="background:{color}"></span>{escape(part.name)}</td>'
        f"<td>{bar}</td><td class=n>{_percent(part.share)}</td>"
    )
    if wide:
        cells += f"<td class=n>{', '.join(f'{v:.3f}' for v in part.profile)}</td>"
    return f"<tr>{cells}</tr>"


def _trust(lines: Sequence[Trust]) -> str:
    items = []
    for line in lines:
        mark, word = _VERDICTS.get(line.verdict, ("?", ""))
        detail = f'<div class="detail">{escape(line.detail)}</div>' if line.detail else ""
        items.append(
            f'<li><span class="mark {escape(line.verdict)}" title="{word}">{mark}</span>'
            f'<div>{escape(line.text)} <span class="word">({word})</span>{detail}</div></li>'
        )
    return f'<ul class="trust">{"".join(items)}</ul>' if items else ""


def _trace(trace: Sequence[float]) -> str:
    """Draw the falling objective; nothing where there is no curve to speak of."""
    low, high = min(trace, default=0.0), max(trace, default=0.0)
    if len(trace) < 3 or not high > low:
        return ""
    points = " ".join(
        f"{300 * k / (len(trace) - 1):.1f},{4 + 52 * (high - v) / (high - low):.1f}"
        for k, v in enumerate(trace)
    )
    label = f"Objective over {len(trace)} iterations, from {trace[0]:.4g} to {trace[-1]:.4g}"
    return (
        f'<figure><svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img" '
        f'aria-label="{label}"><polyline points="{points}" fill="none" stroke="#2f6f8f" '
        f'stroke-width="1.5" vector-effect="non-scaling-stroke"/></svg>'
        f"<figcaption>{label}</figcaption></figure>"
    )


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
    if isinstance(cell, int):
        return f"<td class=n>{cell:,}</td>".replace(",", "\u202f")
    return f"<td class=n>{_number(cell)}</td>"


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    text = f"{value:.4g}"
    return text.replace("-", "−") if "e" not in text else text


def _percent(value: float) -> str:
    return f"{100 * value:.1f}\u202f%" if math.isfinite(value) else "–"
