"""What an analysis answers: parts, residual, measures, trust and views, as values.

Nothing on a result starts work. A result crosses from the worker once, enters the
document, and is drawn, reported, exported and saved from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partwise.data.dataset import Axis
from partwise.data.fingerprint import InputFile

__all__ = [
    "Cohort",
    "Fit",
    "Measure",
    "Part",
    "Provenance",
    "Residual",
    "Result",
    "Snapshot",
    "Table",
    "Trust",
    "Verdict",
    "View",
    "ViewKind",
    "graded",
]

Verdict = Literal["good", "look", "bad"]
ViewKind = Literal[
    "image",
    "spectrogram",
    "traces",
    "curves",
    "bars",
    "volume",
    "matrix",
    "scatter",
    "graph",
    "table",
]


@dataclass(frozen=True, eq=False)
class Part:
    """One nonnegative part of the whole: a column of W and, where it is small, its row of H.

    Attributes
    ----------
    key : str
        Identity within the analysis ("haematoxylin"); survives renaming and re-runs.
    name : str
        Words on screen.
    color : str
        ``#rrggbb``.
    profile : ndarray, shape (features,)
        The column of W: a stain vector, a spectrum, a synergy, a time course.
    share : float
        Fraction of the explained whole that this part carries, 0 to 1.
    course : ndarray, shape (samples,), or None
        The row of H; None where it is an image that is computed tile by tile.
    unit : str
        Unit of the course.
    facts : mapping
        Further numbers for tables and JSON, JSON types only.
    """

    key: str
    name: str
    color: str
    profile: NDArray[np.floating[Any]]
    share: float = 0.0
    course: NDArray[np.floating[Any]] | None = None
    unit: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Residual:
    """What the parts leave over: its share of the whole, and what that means in words."""

    share: float
    text: str = ""


@dataclass(frozen=True)
class Measure:
    """One number for a table; `meaning` is a sentence that says what it counts."""

    name: str
    value: float
    unit: str
    meaning: str


@dataclass(frozen=True)
class Trust:
    """One line of the trust card.

    Attributes
    ----------
    check : str
        Identifier ("explained", "white-point").
    value : float or None
        The number behind the words.
    verdict : {"good", "look", "bad"}
    text : str
        The finding in plain words, number first ("95.1 % explained").
    detail : str
        One more sentence: of what, how measured, what to do.
    """

    check: str
    value: float | None
    verdict: Verdict
    text: str
    detail: str = ""


def graded(value: float, good: float, look: float) -> Verdict:
    """Return the verdict on a number that is the better the higher it is.

    Parameters
    ----------
    value : float
        NaN is bad.
    good, look : float
        The lowest value of each of these verdicts; negate all three where lower is better.

    Examples
    --------
    >>> graded(0.97, 0.95, 0.8), graded(-0.3, -0.02, -0.1)
    ('good', 'bad')
    """
    if value >= good:
        return "good"
    return "look" if value >= look else "bad"


@dataclass(frozen=True)
class Fit:
    """How well the parts fit.

    Attributes
    ----------
    loss : str
        ``"frobenius"``, ``"kl"``, …
    value : float
        Loss at the end.
    explained : float
        1 - residual sum of squares / sum of squares (uncentred), 0 to 1.
    iterations : int
    stop : str
        ``"converged"``, ``"max_iter"``, ``"max_seconds"`` or ``"cancelled"``.
    kkt : float
        Scaled optimality residual, 0 at a stationary point.
    trace : tuple of float
        Objective per iteration.
    """

    loss: str
    value: float
    explained: float
    iterations: int
    stop: str
    kkt: float
    trace: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class View:
    """One picture for the stage, as data; the app knows how to draw each kind.

    Attributes
    ----------
    kind : ViewKind
    title : str
    arrays : mapping of str to ndarray
        What the kind asks for, below.
    axes : tuple of Axis
        Names and units for the axes drawn, in the order of the dimensions of the first array;
        one more for the amount where that has a name or a unit.
    options : mapping
        JSON types only.

    Notes
    -----
    Series that belong to parts take name, colour, show and solo from the mixer.

    ``"image"``
        No arrays: pixels come from the dataset's pyramid. A linear mixture carries the option
        ``mixing``: ``{"transform": "optical-density" | "identity", "white": [r, g, b]}``; the
        mixing's vectors are the profiles of the parts.
    ``"scatter"``
        ``points`` (n, 2), optionally ``rays`` (parts, 2). Option ``spread``: half angle of the cone
        that each ray may lie in, in degrees or null, one per ray.
    ``"matrix"``
        ``values`` (rows, columns); with the option ``model="product"`` none: it is the dataset's
        table, and the model the sum of profiles times courses.
    ``"bars"``
        ``values`` (series, entries), optionally ``low`` and ``high`` like it. Options: ``names``;
        ``note``: what ``low`` and ``high`` are, in words.
    ``"curves"``
        ``y`` (series, n), optionally ``x`` (n,), ``low`` and ``high`` like ``y``. Options:
        ``names`` and their ``colors``, ``lanes``, ``points``, ``marks``, ``chosen``, ``range``;
        ``note``: what the band is, in words.
    ``"traces"``
        ``y`` (channels, samples); axes: channel (labels), time, amount. Parts whose profile runs
        over the channels and whose course over the samples are drawn over them. Options:
        ``spans``; ``scale``: ``"common"`` or ``"own"``; ``units``, one per channel.
    ``"spectrogram"``
        ``whole`` (frequencies, times) of uint8, optionally ``parts`` (parts, frequencies, times)
        of uint8, whose powers add up to the whole's, ``gain`` (frequencies, times or a multiple) of
        uint8, 255 for 0 dB and 1/8 dB less per step, and ``wave`` (samples,); axes: frequency in
        Hz, time. Options: ``level``: what 0 and 255 are, in ``unit`` (dB); ``frequency``:
        ``"linear"`` or ``"log"``; ``wave_step`` in the unit of time; ``spans``; ``reached``: up to
        where a run that goes on has come, beyond which nothing is known yet.
    ``"volume"``
        ``values`` ([frames,] z, y, x), optionally ``images`` (parts, z, y, x), else the courses of
        the parts where they have as many entries as the volume voxels; ``times`` and
        ``durations`` (frames,) in the unit of the time axis; ``mean`` (z, y, x) of all frames;
        axes: [time,] z, y, x. Options: ``orientation``: where index grows along x, y and z, such
        as ``"LPS"``; ``affine``, 4 rows of 4: from indices x, y, z to mm to the right, to the
        front and to the head of the body; ``unit``;
        ``window``: the values that are black and white; ``map``: a map of what was computed, in
        colours; ``inside`` (z, y, x) among its arrays says where it is known.
    ``"graph"``
        ``adjacency`` (nodes, nodes), or ``edges`` (ties, 2) with ``weights`` (ties,); optionally
        ``group`` (nodes,), the part that each belongs to, and ``positions`` (nodes, 2); axes:
        node (labels).

    A view of kind ``"traces"``, ``"spectrogram"`` or ``"volume"`` may leave out the array that it
    is about (``y``, ``whole``, ``values``): it is then that of the input, which a result need not
    carry. The option ``tab`` is the word on the view's tab.

    The option ``spans`` is a list of ``{"start", "end", "name", "color", "fixed"}`` in the unit
    of time, of which only start and end are needed.
    """

    kind: ViewKind
    title: str
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A table for screen, report and CSV; cells are text or numbers."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float, ...], ...]


@dataclass(frozen=True, eq=False)
class Cohort:
    """What many results say together, and none of them alone.

    Attributes
    ----------
    title, words : str
        Heading, and one sentence on what was compared and how.
    table : Table
        What to look at first stands first; also written as ``cohort.csv``.
    columns : mapping of str to mapping
        Further columns of ``batch.csv``, by the result's folder.
    views : tuple of View
        ``"bars"`` or ``"curves"`` with one row per entry of `parts`, which name and colour them.
    parts : tuple of Part
    """

    title: str
    words: str
    table: Table
    columns: Mapping[str, Mapping[str, str | float]]
    views: tuple[View, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, eq=False)
class Provenance:
    """How a result came about, enough to get it again.

    Attributes
    ----------
    plugin, plugin_version, analysis : str
    parameters : mapping
        As `partwise.params.to_json` gives them.
    seed : int
    inputs : tuple of InputFile
    versions : mapping of str to str
        Python, Partwise and the libraries whose numbers matter.
    started : str
        ISO 8601 with time zone.
    seconds : float
    stop : str
        Why the run ended.
    kept : tuple of str
        Keys of parts that were locked.
    start : tuple of Part
        Parts that the run began from; empty where it began by itself.
    """

    plugin: str
    plugin_version: str
    analysis: str
    parameters: Mapping[str, Any]
    seed: int
    inputs: tuple[InputFile, ...]
    versions: Mapping[str, str]
    started: str
    seconds: float
    stop: str = ""
    kept: tuple[str, ...] = ()
    start: tuple[Part, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """The whole answer of one run.

    `provenance` is filled by whoever ran the analysis, never by the analysis itself.
    """

    parts: tuple[Part, ...]
    residual: Residual
    fit: Fit
    measures: tuple[Measure, ...] = ()
    trust: tuple[Trust, ...] = ()
    views: tuple[View, ...] = ()
    tables: tuple[Table, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = None


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What stands while a run goes on: parts so far, the objective per iteration, views if any."""

    parts: tuple[Part, ...]
    trace: tuple[float, ...] = ()
    views: tuple[View, ...] = ()
