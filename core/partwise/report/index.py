"""What does a batch show at one glance? A page of thumbnails and numbers, the worst first."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from partwise.report.charts import charts_from
from partwise.report.html import page, section_with
from partwise.report.words import VERDICTS, number, percent
from partwise.result import Cohort

__all__ = ["render_index"]

_MOST_THUMB = 1 << 20  # bytes; a larger one is not ours


def render_index(
    title: str, top: Path, rows: Sequence[Mapping[str, Any]], cohort: Cohort | None = None
) -> str:
    """Return the page as one HTML document; links lead into the folders of the files.

    Parameters
    ----------
    title : str
    top : path
        The batch's folder; thumbnails are read from ``top/<folder>/thumb.png``.
    rows : sequence of mapping
        ``file`` and ``status``; where the status is ``"done"`` also ``folder``, ``residual``,
        ``explained``, ``seconds``, ``verdict`` and ``findings``.
    cohort : Cohort, optional
        What they say together, shown below.
    """
    failed = [row for row in rows if row["status"] != "done"]
    done = sorted((row for row in rows if row["status"] == "done"), key=_worst_first)
    told = f"{len(done)} of {len(rows)} files analysed"
    told += f", {len(failed)} failed" if failed else ""
    body = [
        f'<header><h1>{escape(title)}</h1><p class="sub">{told}. The largest residual first.</p>',
        "</header>",
    ]
    if failed:
        items = "".join(
            f"<tr><td>{escape(str(row['file']))}</td><td>{escape(str(row['status']))}</td></tr>"
            for row in failed
        )
        head = "<thead><tr><th>File</th><th>Why</th></tr></thead>"
        body.append(f"<section><h2>Not analysed</h2><table>{head}{items}</table></section>")
    if done:
        head = (
            "<thead><tr><th></th><th>File</th><th class=n>Left over</th><th class=n>Explained</th>"
            "<th>To look at</th><th class=n>Seconds</th></tr></thead>"
        )
        cells = "".join(_row(row, top) for row in done)
        body.append(f"<section><h2>Analysed</h2><table>{head}{cells}</table></section>")
    if cohort is not None:
        charts = charts_from(cohort.views, cohort.parts)
        body.append(section_with(cohort.title, cohort.words, charts, cohort.table))
    return page(title, "\n".join(body))


def _worst_first(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    left = _float(row.get("residual"))
    return math.isfinite(left), -left if math.isfinite(left) else 0.0, str(row["file"])


def _row(row: Mapping[str, Any], top: Path) -> str:
    folder = str(row["folder"])
    link = f'<a href="{escape(quote(folder))}/report.html">{escape(str(row["file"]))}</a>'
    sign, word = VERDICTS.get(str(row.get("verdict")), ("–", "not judged"))
    kind = escape(str(row.get("verdict")))
    mark = f'<span class="mark {kind}" title="{word}">{sign}</span>'
    findings = escape(str(row.get("findings") or word))
    return (
        f"<tr><td>{_thumb(top / folder / 'thumb.png')}</td><td>{link}</td>"
        f"<td class=n>{percent(_float(row.get('residual')))}</td>"
        f"<td class=n>{percent(_float(row.get('explained')))}</td>"
        f'<td><div class="finding">{mark}<div>{findings}</div></div></td>'
        f"<td class=n>{number(_float(row.get('seconds')))}</td></tr>"
    )


def _thumb(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError:
        return ""
    if len(data) > _MOST_THUMB or not data.startswith(b"\x89PNG"):
        return ""
    return (
        f'<img class="thumb" alt="" src="data:image/png;base64,{base64.b64encode(data).decode()}">'
    )


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
