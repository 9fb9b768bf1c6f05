"""What may a person ask of the stain analysis? The form, in the order of their thoughts."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partwise.api import param
from partwise_stain.numbers import read_grades
from partwise_stain.presets import PROTOCOLS, unit
from partwise_stain.survey import as_white

__all__ = ["Params", "read_vectors"]

_FORM = "0.65,0.70,0.29;0.07,0.99,0.11"
_BETWEEN = re.compile(r"[\])]\s*[,;]?\s*[\[(]")  # from the end of one vector to the next
_APART = re.compile(r"\s*,\s*|\s+")


def _check_white(text: str) -> str | None:
    try:
        as_white(text)
    except ValueError:
        return "give auto, or three levels from 1 to 255"
    return None


def _check_vectors(text: str) -> str | None:
    try:
        read_vectors(text)
    except ValueError as error:
        return str(error)
    return None


def _check_grades(text: str) -> str | None:
    try:
        read_grades(text)
    except ValueError:
        return "give three rising optical densities, as in 0.2,0.4,0.6"
    return None


def read_vectors(text: str) -> NDArray[np.float64] | None:
    """Read ``r,g,b;r,g,b`` as unit columns (3, 2) or (3, 3); None where empty.

    Spaces may stand for the commas, and brackets around each vector and around all, as other
    programs print them.

    Raises
    ------
    ValueError
        With words on what is needed.
    """
    if not text.strip():
        return None
    plain = _BETWEEN.sub(";", text).strip("[]() \n;")
    try:
        rows = [[float(value) for value in _APART.split(row.strip())] for row in plain.split(";")]
    except ValueError as error:
        msg = f"numbers are needed, as in {_FORM}"
        raise ValueError(msg) from error
    if len(rows) not in (2, 3) or any(len(row) != 3 for row in rows):
        msg = f"two or three vectors of three numbers are needed, as in {_FORM}"
        raise ValueError(msg)
    array = np.array(rows).T
    if not np.isfinite(array).all() or (array < 0).any() or not (array.max(axis=0) > 0).all():
        msg = "optical densities are at least 0, and one of each vector is above"
        raise ValueError(msg)
    vectors = unit(array)
    if np.linalg.matrix_rank(vectors, tol=1e-3) < vectors.shape[1]:
        msg = "two of the vectors are alike"
        raise ValueError(msg)
    return vectors


@dataclass(frozen=True)
class Params:
    """Parameters of the stain analysis."""

    stains: str = param(
        "auto",
        label="Staining",
        choices={"auto": "Find out"} | {key: protocol.title for key, protocol in PROTOCOLS.items()},
        help="Which dyes the slide carries: H&E and H-DAB are told apart, others are chosen.",
    )
    white: str = param(
        "auto",
        label="White",
        kind="rgb",
        check=_check_white,
        help="Light where there is no tissue: found on the slide, or three levels.",
    )
    profile: str = param(
        "",
        label="Stain profile",
        kind="file",
        help="Vectors and white of an earlier slide, used as they are; empty to find them.",
    )
    reference: str = param(
        "",
        label="Normalise to",
        kind="file",
        help="An image whose colours this slide shall take; empty for none.",
    )
    nuclei: bool = param(
        True,
        label="Count nuclei",
        help="Count nuclei by their haematoxylin, in up to 16 fields.",
    )
    grades: str = param(
        "0.2,0.4,0.6",
        label="Weak, moderate, strong",
        check=_check_grades,
        help="Optical densities from which DAB or AEC counts as weak, moderate and strong.",
    )
    area_od: float = param(
        0.15,
        label="Stained from",
        unit="OD",
        ge=0.02,
        le=3.0,
        help="Optical density of a stain from which a pixel belongs to its area.",
    )
    regions: str = param(
        "",
        label="Regions",
        kind="file",
        advanced=True,
        help="GeoJSON with outlines that are measured one by one; empty for the slide alone.",
    )
    check: bool = param(
        True,
        label="Check the slide",
        advanced=True,
        help="Look for folds, blur, a white set too low and another balance of stains.",
    )
    clean: bool = param(
        False,
        label="Measure clean tissue",
        advanced=True,
        help="Leave pen, folds, blur, red cells, pigment and clipped light out of all numbers.",
    )
    exclude: str = param(
        "auto",
        label="Leave out",
        choices={
            "auto": "Red cells, pigment and pen",
            "red-cells": "Red cells",
            "pigment": "Brown pigment",
            "pen": "Felt pen",
            "none": "Nothing",
        },
        advanced=True,
        help="What is no stain and must not turn the vectors; it stays in the picture.",
    )
    vectors: str = param(
        "",
        label="Fixed vectors",
        check=_check_vectors,
        advanced=True,
        help="Stain vectors that are not fitted, r,g,b;r,g,b in OD; empty to find them.",
    )
    resample: bool = param(
        True,
        label="Check by resampling",
        advanced=True,
        help="Find the stains again on resampled tissue to see how steady they are.",
    )
