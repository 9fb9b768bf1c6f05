"""The promised names: what a plugin may import.

Everything else in `partwise` can change between minor versions; this does not without a
major one. Names are loaded on first use, so that a plugin's record stays cheap to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise.engine.lazy import on_first_use

if TYPE_CHECKING:
    from partwise.data.dataset import Axis, Dataset
    from partwise.data.fingerprint import InputFile, fingerprint
    from partwise.data.mixing import Mixing
    from partwise.data.pyramid import ArrayPyramid, Level, Pyramid
    from partwise.engine import (
        Factorization,
        RankScan,
        Uniqueness,
        bootstrap,
        match_parts,
        nmf,
        rank_scan,
        refit,
        uniqueness,
    )
    from partwise.errors import (
        AnalysisProblem,
        Cancelled,
        FileProblem,
        InputProblem,
        UsageProblem,
    )
    from partwise.job import Job, LocalJob, stop_if_cancelled
    from partwise.params import param
    from partwise.plugins.contract import Analysis, Exporter, Plugin, Reader, Sample, Section
    from partwise.result import (
        Fit,
        Measure,
        Part,
        Residual,
        Result,
        Table,
        Trust,
        Verdict,
        View,
    )

_NAMES = {
    "partwise.data.dataset": ("Axis", "Dataset"),
    "partwise.data.fingerprint": ("InputFile", "fingerprint"),
    "partwise.data.mixing": ("Mixing",),
    "partwise.data.pyramid": ("ArrayPyramid", "Level", "Pyramid"),
    "partwise.engine": (
        "Factorization",
        "RankScan",
        "Uniqueness",
        "bootstrap",
        "match_parts",
        "nmf",
        "rank_scan",
        "refit",
        "uniqueness",
    ),
    "partwise.errors": (
        "AnalysisProblem",
        "Cancelled",
        "FileProblem",
        "InputProblem",
        "UsageProblem",
    ),
    "partwise.job": ("Job", "LocalJob", "stop_if_cancelled"),
    "partwise.params": ("param",),
    "partwise.plugins.contract": (
        "Analysis",
        "Exporter",
        "Plugin",
        "Reader",
        "Sample",
        "Section",
    ),
    "partwise.result": (
        "Fit",
        "Measure",
        "Part",
        "Residual",
        "Result",
        "Table",
        "Trust",
        "Verdict",
        "View",
    ),
}
__all__ = [
    "Analysis",
    "AnalysisProblem",
    "ArrayPyramid",
    "Axis",
    "Cancelled",
    "Dataset",
    "Exporter",
    "Factorization",
    "FileProblem",
    "Fit",
    "InputFile",
    "InputProblem",
    "Job",
    "Level",
    "LocalJob",
    "Measure",
    "Mixing",
    "Part",
    "Plugin",
    "Pyramid",
    "RankScan",
    "Reader",
    "Residual",
    "Result",
    "Sample",
    "Section",
    "Table",
    "Trust",
    "Uniqueness",
    "UsageProblem",
    "Verdict",
    "View",
    "bootstrap",
    "fingerprint",
    "match_parts",
    "nmf",
    "param",
    "rank_scan",
    "refit",
    "stop_if_cancelled",
    "uniqueness",
]


__getattr__ = on_first_use(__name__, _NAMES)
