"""What does a report say? Its content as plain values, independent of how it is set."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partwise import params
from partwise.errors import InputProblem, PartwiseProblem
from partwise.report.charts import Chart, charts_of
from partwise.report.pictures import drawings_of
from partwise.result import Fit, Part, Provenance, Result, Table, Trust

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset
    from partwise.plugins.contract import Analysis, Plugin
    from partwise.result import View

__all__ = ["Picture", "Story", "Strength", "falls", "overview", "tell"]

_PICTURE_PX = 900  # enough for print at half a page's width
_BRIGHTEST = 0.999  # of the residual: a few odd pixels do not set the scale
_MOST_INPUTS = 12  # in the table; a series of slices has hundreds of files
_MOST_NAMED = 4  # in one sentence
_MOST_PIXELS = 10**8  # a larger picture would take the machine's memory
_STOPS = {
    "converged": "because it had converged",
    "max_iter": "at the largest number of iterations allowed, before it had converged",
    "max_seconds": "at the time allowed, before it had converged",
    "cancelled": "because it was stopped by hand",
}
_LOSSES = {
    "frobenius": "the squared error",
    "kl": "the generalised Kullback-Leibler divergence",
    "is": "the Itakura-Saito divergence",
}


@dataclass(frozen=True)
class Picture:
    """A picture with its caption; `data` is a JPEG."""

    caption: str
    data: bytes


@dataclass(frozen=True)
class Strength:
    """One row of the parts: colour swatch, name, share of the explained whole, profile."""

    name: str
    color: str
    share: float
    profile: tuple[float, ...]


@dataclass(frozen=True)
class Story:
    """All that a report says.

    Attributes
    ----------
    title, subtitle : str
    whole, pictures : Picture or None, tuple of Picture
        The measurement, and what was found in it, the residual last.
    charts : tuple of Chart
        Curves of the parts.
    parts : tuple of Strength
        The profile is left empty where it is too long for a table.
    residual : float
        Share of the whole that the parts leave over; `residual_text` says what that means.
    trust : tuple of Trust
    measures, tables : Table, tuple of Table
    methods : tuple of str
        Paragraphs for a paper's methods section.
    parameters, inputs, versions : Table
    trace : tuple of float
        Objective per iteration.
    """

    title: str
    subtitle: str
    whole: Picture | None
    pictures: tuple[Picture, ...]
    charts: tuple[Chart, ...]
    parts: tuple[Strength, ...]
    residual: float
    residual_text: str
    trust: tuple[Trust, ...]
    measures: Table
    tables: tuple[Table, ...]
    methods: tuple[str, ...]
    parameters: Table
    inputs: Table
    versions: Table
    trace: tuple[float, ...]


def tell(
    plugin: Plugin,
    analysis: Analysis,
    dataset: Dataset,
    result: Result,
    *,
    pictures: Sequence[tuple[str, Path]] = (),
) -> Story:
    """Put a report together.

    Parameters
    ----------
    plugin, analysis, dataset, result
        `result` has its provenance.
    pictures : sequence of (role, path)
        Image files that the exporters wrote.
    """
    about = result.provenance
    assert about is not None
    when = dt.datetime.fromisoformat(about.started)
    pixels = overview(dataset)
    found = [
        Picture(_caption(role, result.parts), data)
        for role, path in pictures
        if (data := _shrunk(path))
    ]
    if not found and pixels is None:
        drawn = drawings_of(dataset, result, _views_of_input(analysis, dataset))
        found = [Picture(caption, _jpeg(image)) for caption, image in drawn]
    shown = any(role == "residual" for role, _ in pictures)
    return Story(
        title=dataset.title,
        subtitle=f"{plugin.title}, {when:%d %B %Y, %H:%M}",
        whole=None if pixels is None else Picture("As measured", _jpeg(_image(pixels))),
        pictures=(*found, *(() if shown else _left_over(pixels, result))),
        charts=charts_of(result),
        parts=tuple(_strength(part) for part in result.parts),
        residual=result.residual.share,
        residual_text=result.residual.text,
        trust=result.trust,
        measures=Table(
            "Measures",
            ("Measure", "Value", "Unit", "What it counts"),
            tuple((m.name, m.value, m.unit, m.meaning) for m in result.measures),
        ),
        tables=result.tables,
        methods=_methods(plugin, analysis, about, result.fit),
        parameters=_parameters(analysis, about),
        inputs=Table(
            "Inputs",
            ("File", "Bytes", "SHA-256"),
            _inputs(about),
        ),
        versions=Table("Software", ("Name", "Version"), tuple(about.versions.items())),
        trace=result.fit.trace,
    )


def _inputs(about: Provenance) -> tuple[tuple[str, int, str], ...]:
    rows = tuple((Path(i.path).name, i.size, i.sha256 or "not computed") for i in about.inputs)
    if len(rows) <= _MOST_INPUTS:
        return rows
    rest = about.inputs[_MOST_INPUTS:]
    told = f"and {len(rest)} more files", sum(i.size for i in rest), "in result.json"
    return (*rows[:_MOST_INPUTS], told)


def falls(trace: Sequence[float]) -> bool:
    """Whether a trace is a curve worth drawing: long enough, and lower at its end."""
    return len(trace) > 4 and bool(np.isfinite(trace).all()) and trace[0] > trace[-1]


def _strength(part: Part) -> Strength:
    short = part.profile.size <= 4
    profile = tuple(float(v) for v in part.profile) if short else ()
    return Strength(part.name, part.color, part.share, profile)


def _named(files: Sequence[str]) -> str:
    if len(files) > _MOST_NAMED:
        files = [files[0], f"{len(files) - 1} more files"]
    return " and ".join(filter(None, (", ".join(files[:-1]), *files[-1:])))


def _methods(plugin: Plugin, analysis: Analysis, about: Provenance, fit: Fit) -> tuple[str, ...]:
    versions = about.versions
    names = _named([Path(i.path).name for i in about.inputs]) or "Data held in memory"
    verb = "were" if len(about.inputs) > 1 else "was"
    first = (
        f"{names} {verb} analysed with Partwise {versions.get('partwise', '')} "
        f"({plugin.title} {about.plugin_version}, {analysis.title}), {_changed(analysis, about)}, "
        f"seed {about.seed}."
    )
    if about.kept:
        first += f" These parts were kept as given: {', '.join(about.kept)}."
    if about.start:
        names = ", ".join(part.name for part in about.start)
        first += f" The fit was begun from the parts of an earlier run, as corrected: {names}."
    loss = _LOSSES.get(fit.loss, f"the loss “{fit.loss}”")
    iterations = "1 iteration" if fit.iterations == 1 else f"{fit.iterations} iterations"
    second = (
        f"The measurement was modelled as a nonnegative combination of nonnegative parts by "
        f"minimising {loss}; the fit ended after {iterations} "
        f"{_STOPS.get(fit.stop, f'({fit.stop})')}"
    )
    if np.isfinite(fit.kkt):
        second += f", with a scaled optimality residual of {fit.kkt:.2g} (0 at an optimum)"
    second += f". The parts explain {100 * fit.explained:.1f} % of the sum of squares."
    libraries = [f"{k} {v}" for k, v in versions.items() if k != "partwise"]
    third = f"Computed in {about.seconds:.2f} s with {', '.join(libraries)}."
    return first, second, third


def _changed(analysis: Analysis, about: Provenance) -> str:
    known = {spec.name: spec for spec in params.specs(analysis.Params)}
    changed = [
        f"{known[name].label.lower()} {_value(known[name], value)}"
        for name, value in about.parameters.items()
        if name in known and value != known[name].default
    ]
    return "with " + ", ".join(changed) if changed else "with all parameters at their defaults"


def _parameters(analysis: Analysis, about: Provenance) -> Table:
    known = {spec.name: spec for spec in params.specs(analysis.Params)}
    rows = []
    for name, value in about.parameters.items():
        spec = known.get(name)
        if spec is None:
            rows.append((name, str(value), ""))
        else:
            standing = "" if value == spec.default else "changed"
            rows.append((spec.label, _value(spec, value), standing))
    return Table("Parameters", ("Parameter", "Value", ""), tuple(rows))


def _value(spec: params.ParamSpec, value: Any) -> str:
    if spec.choices:
        return spec.choices.get(str(value), str(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if spec.kind == "file":
        return Path(str(value)).name or "none"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{text} {spec.unit}".rstrip() or "none"


def _caption(role: str, parts: Sequence[Part]) -> str:
    for part in parts:
        if role.endswith(f"-{part.key}"):
            return part.name
    return role.replace("-", " ").capitalize()


def overview(dataset: Dataset) -> NDArray[np.uint8] | None:
    """Return the measured image, as small as a page needs it; None where there is no image."""
    pyramid = dataset.pyramid
    if pyramid is None:
        return None
    numbers = range(len(pyramid.levels))
    fitting = [k for k in numbers if pyramid.levels[k].width >= _PICTURE_PX]
    level = fitting[-1] if fitting else 0
    size = pyramid.levels[level]
    if size.width * size.height > _MOST_PIXELS:
        return None
    try:
        return pyramid.read(level, 0, 0, size.width, size.height)
    except (PartwiseProblem, ValueError, OSError):
        return None


def _views_of_input(analysis: Any, dataset: Dataset) -> Sequence[View]:
    """Return what the input looks like; nothing where its analysis does not tell."""
    preview = getattr(analysis, "preview", None)
    try:
        return tuple(preview(dataset)) if callable(preview) else ()
    except (PartwiseProblem, ValueError):
        return ()


def _left_over(pixels: NDArray[np.uint8] | None, result: Result) -> tuple[Picture, ...]:
    """Return what no part explains, as a grey picture with its scale."""
    told = next((v.options["mixing"] for v in result.views if "mixing" in v.options), None)
    if pixels is None or told is None:
        return ()
    from partwise.data.mixing import Mixing

    try:
        vectors = np.stack([part.profile for part in result.parts], axis=1).astype(np.float64)
        red, green, blue = (float(level) for level in told["white"])
        rest = Mixing(vectors, (red, green, blue), told["transform"]).residual(pixels)
    except (InputProblem, KeyError, ValueError):
        return ()
    top = float(np.quantile(rest, _BRIGHTEST))
    if not top > 0:
        return ()
    grey = (255 * np.clip(rest / top, 0, 1)).astype(np.uint8)
    unit = " OD" if told["transform"] == "optical-density" else ""
    return (
        Picture(f"Left over: black is none, white {top:.2g}{unit} or more", _jpeg(_image(grey))),
    )


def _shrunk(path: Path) -> bytes:
    """Return a small version of a picture; empty where it is too large to be opened whole."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the size is looked at here, before a pixel is read
    with Image.open(path) as image:
        if image.width * image.height > _MOST_PIXELS:
            return b""
        return _jpeg(image.convert("RGB"))


def _image(pixels: NDArray[np.uint8]) -> Any:
    from PIL import Image

    return Image.fromarray(pixels)


def _jpeg(image: Any) -> bytes:
    from PIL import Image

    image.thumbnail((_PICTURE_PX, _PICTURE_PX), Image.Resampling.BOX)
    out = io.BytesIO()
    # Full colour resolution: in stained tissue the colour is the message.
    # Not "optimize": the library then wants room for the whole, and misjudges it for noise.
    image.save(out, "JPEG", quality=90, subsampling=0)
    return out.getvalue()
