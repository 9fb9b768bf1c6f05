"""How is the answer told? Measures, tables, and the views that the stage draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partwise.api import Axis, Dataset, Measure, Part, Table, View
from partwise_pet.evidence import Evidence, band_width
from partwise_pet.uptake import Uptake

__all__ = ["measures", "preview_of", "tables", "views"]

Mean = NDArray[np.float32]

_KI, _VT = "mL/cm³/min", "mL/cm³"
_SAMPLES = "#9aa4ae"


def preview_of(dataset: Dataset) -> tuple[View, ...]:
    """Return the slices of a series; times where they are known."""
    if dataset.values is None or dataset.values.ndim != 4:
        return ()
    arrays: dict[str, NDArray[np.generic]] = {"values": dataset.values}
    told, axes = dataset.meta.get("frames"), dataset.axes
    if told:
        axes = (Axis("time", len(dataset.values), "min"), *axes[1:])
        spans = np.array(told, np.float64) / 60
        arrays |= {"times": spans.mean(axis=1), "durations": spans[:, 1] - spans[:, 0]}
    arrays["mean"] = _mean_of(dataset.values, arrays.get("durations"))
    options = {
        "tab": "Slices",
        "unit": str(dataset.meta.get("unit", "")),
        "orientation": str(dataset.meta.get("orientation", "")),
        "affine": dataset.meta.get("affine"),
        "log_time": bool(told),
    }
    return (View("volume", dataset.title, arrays, axes, options),)


def _mean_of(values: NDArray[np.generic], lasting: NDArray[np.generic] | None) -> Mean:
    """Mean of all frames by their durations; frame by frame, as a large series is mapped."""
    mean = np.zeros(values.shape[1:], np.float32)
    shares = np.ones(len(values)) if lasting is None else np.asarray(lasting, np.float64)
    for frame, share in zip(values, shares / shares.sum(), strict=True):
        mean += np.float32(share) * np.asarray(frame, np.float32)
    return mean


def measures(evidence: Evidence, parts: Sequence[Part]) -> tuple[Measure, ...]:
    """Return the numbers of the answer."""
    found, series = evidence.found, evidence.series
    told = [
        Measure("Factors", float(len(parts)), "", "How many curves the series was taken into."),
        Measure(
            "Explained", 100 * evidence.explained, "%", "Share of the weighted sum of squares."
        ),
    ]
    told += [
        Measure(
            f"{parts[each.factor].name} beside its core",
            100 * each.off,
            "%",
            "Late part of the factor's curve over the plain mean of its purest voxels, minus 1.",
        )
        for each in evidence.blood
        if np.isfinite(each.off)
    ]
    told += [
        Measure(
            f"{parts[k].name}, peak",
            float(found.W[:, k].max()),
            series.unit,
            "Highest frame mean of the factor's curve, scaled by its core.",
        )
        for k in found.blood
    ]
    plots = evidence.plots
    bands = {each.factor: each for each in evidence.uptakes}
    if plots is not None:
        for name, lines in (("factor", plots.factors), ("region", plots.regions)):
            for k, part in enumerate(parts):
                if k in found.blood:
                    continue
                for line, word, unit in ((lines[0], "Ki", _KI), (lines[1], "VT", _VT)):
                    value = float(line.slope[k])
                    if np.isfinite(value):
                        told.append(
                            Measure(
                                f"{word}, {part.name}, {name}",
                                value,
                                unit,
                                f"Slope of the {'Patlak' if word == 'Ki' else 'Logan'} plot after "
                                f"{plots.from_min:g} min; input: {plots.source}."
                                + (_band(bands.get(k)) if (word, name) == ("Ki", "factor") else ""),
                            )
                        )
    return tuple(told)


def _band(uptake: Uptake | None) -> str:
    if uptake is None:
        return ""
    return f" Band: {uptake.low:.3g} to {uptake.high:.3g}."


def tables(evidence: Evidence, parts: Sequence[Part]) -> tuple[Table, ...]:
    """Return factors, curves beside their regions, and what each count gains."""
    found, series, unit = evidence.found, evidence.series, evidence.series.unit
    rows: list[tuple[str | float, ...]] = []
    bands = {each.factor: each for each in evidence.uptakes}
    for k, part in enumerate(parts):
        low, high = band_width(evidence, k) if evidence.band is not None else (None, None)
        plots = evidence.plots
        blood = k in found.blood
        ki = _cell(plots.factors[0].slope[k]) if plots is not None and not blood else ""
        vt = _cell(plots.factors[1].slope[k]) if plots is not None and not blood else ""
        band = bands.get(k)
        roi = _cell(plots.regions[0].slope[k]) if plots is not None and not blood else ""
        rows.append(
            (
                part.name,
                round(100 * part.share, 2),
                round(float(series.middle_min[int(found.W[:, k].argmax())]), 3),
                _cell(found.W[:, k].max()),
                evidence.cores[k].columns.size,
                "" if low is None or high is None else f"{_percent(low)} to {_percent(high)}",
                ki,
                f"{band.low:.3g} to {band.high:.3g}" if band is not None else "",
                roi,
                vt,
            )
        )
    told = [
        Table(
            "Factors",
            (
                "Factor",
                "Share, %",
                "Peak, min",
                f"Height, {unit}" if unit else "Height",
                "Core, voxels",
                "Other fits, late, %",
                f"Ki, {_KI}",
                "Ki, band",
                f"Ki of the region, {_KI}",
                f"VT, {_VT}",
            ),
            tuple(rows),
        )
    ]
    names = [part.name for part in parts]
    columns = ("Start, s", "End, s", *names, *(f"{name}, region" for name in names))
    told.append(
        Table(
            f"Curves{', ' + unit if unit else ''}",
            columns,
            tuple(
                (
                    float(a),
                    float(b),
                    *(_cell(v) for v in found.W[k]),
                    *(_cell(roi[k]) for roi in evidence.roi),
                )
                for k, (a, b) in enumerate(series.frames)
            ),
        )
    )
    if evidence.counted is not None:
        counted = evidence.counted
        told.append(
            Table(
                "How many factors",
                ("Factors", "Residual, %", "Agreement of halves"),
                tuple(
                    (int(r), round(100 * e, 3), round(a, 4))
                    for r, e, a in zip(
                        counted.rank, counted.residual, counted.agreement, strict=True
                    )
                ),
            )
        )
    return tuple(told)


def views(evidence: Evidence, parts: Sequence[Part]) -> tuple[View, ...]:
    """Return slices with factors over them, curves with their band, regions, Patlak and maps."""
    series, found = evidence.series, evidence.found
    minutes = series.frames / 60
    middle = series.middle_min
    time = Axis("time", len(middle), "min")
    amount = Axis("activity", len(parts), series.unit)
    told = [
        View(
            "volume",
            "Factors",
            {"times": middle, "durations": minutes[:, 1] - minutes[:, 0]},
            (),
            {"tab": "Slices", "log_time": True},
        )
    ]
    arrays = {"y": found.W.T.copy(), "x": middle}
    band = evidence.drawn or evidence.band
    title = "Factor curves"
    options: dict[str, str | bool] = {"of": "parts", "tab": "Curves", "log": True}
    if band is not None:
        arrays |= {"low": band.low.T.copy(), "high": band.high.T.copy()}
        words = "95 % of resamplings" if evidence.drawn is not None else "other fits as good"
        title += f" with the band of {words}"
        options["note"] = f"Band: {words}"
    told.append(View("curves", title, arrays, (time, amount), options))
    told.append(_beside(evidence, parts, time, amount))
    told += _plots(evidence, parts)
    return tuple(told)


def _beside(evidence: Evidence, parts: Sequence[Part], time: Axis, amount: Axis) -> View:
    """Blood, or all factors without it, beside the curves of their regions and samples."""
    found, series = evidence.found, evidence.series
    shown = list(reversed(found.blood)) or list(range(len(parts)))
    y = [curve for k in shown for curve in (found.W[:, k], evidence.roi[k])]
    names = [name for k in shown for name in (f"{parts[k].name}", f"{parts[k].name}, region")]
    colors = [color for k in shown for color in (parts[k].color, _paler(parts[k].color))]
    if evidence.samples is not None:
        samples = evidence.samples
        inside = series.middle_min <= samples.t_min[-1]
        told = np.interp(series.middle_min, samples.t_min, samples.activity)
        y.append(np.where(inside, told, np.nan))
        names.append(f"Samples ({samples.name})")
        colors.append(_SAMPLES)
    return View(
        "curves",
        "Factor beside the region of its core",
        {"y": np.stack(y), "x": series.middle_min},
        (time, Axis("activity", len(y), amount.unit)),
        {"names": names, "colors": colors, "tab": "Input function", "log": True},
    )


def _plots(evidence: Evidence, parts: Sequence[Part]) -> list[View]:
    plots, series = evidence.plots, evidence.series
    if plots is None:
        return []
    tissues = [k for k in range(len(parts)) if k not in evidence.found.blood]
    told = []
    if tissues:
        line = plots.factors[0]
        # Before the blood has come and peaked a ratio to it says nothing.
        used = np.isfinite(line.x[0]) & (np.arange(len(plots.input)) >= plots.input.argmax())
        order = np.argsort(line.x[0][used], kind="stable")
        x = line.x[0][used][order]
        y = line.y[tissues][:, used][:, order]
        marks = []
        if (line.used & used).any():
            begins = float(line.x[0][line.used & used].min())
            marks = [{"x": begins, "text": f"line from {plots.from_min:g} min"}]
        told.append(
            View(
                "curves",
                f"Patlak plot, input: {plots.source}",
                {"y": y, "x": x},
                (Axis("∫Cp/Cp", len(x), "min"), Axis("C/Cp", len(tissues), "")),
                {
                    "names": [
                        f"{parts[k].name}, Ki {line.slope[k]:.3g}".replace("Ki -", "Ki −")
                        for k in tissues
                    ],
                    "colors": [parts[k].color for k in tissues],
                    "points": True,
                    "marks": marks,
                    "tab": "Patlak",
                },
            )
        )
    for values, name, tab, unit in (
        (plots.ki, "Patlak Ki", "Ki map", _KI),
        (plots.vt, "Logan VT", "VT map", _VT),
    ):
        shape = series.mask.shape
        volume = series.filled(np.nan_to_num(np.maximum(values, 0))).reshape(shape)
        finite = values[np.isfinite(values)]
        top = float(np.quantile(finite, 0.99)) if finite.size else 1.0
        told.append(
            View(
                "volume",
                f"{name}, after {plots.from_min:g} min",
                {"values": volume, "inside": series.mask},
                series.space,
                {
                    "tab": tab,
                    "unit": unit,
                    "window": [0.0, max(top, 1e-6)],
                    "map": True,
                    "orientation": series.orientation,
                    "affine": series.affine,
                },
            )
        )
    return told


def _paler(color: str) -> str:
    """Half way to grey: the same thing, measured otherwise."""
    parts = [int(color[k : k + 2], 16) for k in (1, 3, 5)]
    return "#" + "".join(f"{(v + 150) // 2:02x}" for v in parts)


def _percent(share: float) -> str:
    """A difference in percent; of what is ten times as much, no more than that."""
    return f"{100 * share:+.0f}".replace("-", "−") if share < 10 else "over +1000"


def _cell(value: float) -> float | str:
    number = float(value)
    return float(f"{number:.6g}") if np.isfinite(number) else ""
