"""How do stain vectors and white go from one slide to the next? Profiles as small JSON files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, Job, Result
from partwise_stain.presets import STAINS, unit

__all__ = ["Profile", "read_profile", "write_profile"]

_NAME = "partwise-stain-profile"
_VERSION = 1
_LARGEST = 1 << 20  # bytes; a profile has one or two thousand


@dataclass(frozen=True, eq=False)
class Profile:
    """Vectors (3, stains), white (three levels), and the protocol they are of."""

    stains: str
    vectors: NDArray[np.float64]
    white: tuple[float, float, float]


def write_profile(
    dataset: Dataset,
    result: Result,
    path: Path,
    job: Job,
    part: int | None,
    *,
    corrected: Sequence[str] = (),
) -> None:
    """Write the stains of a result, and where they come from.

    `corrected` are keys of the stains that were put by hand in place of those found.
    """
    assert part is None
    made = result.provenance
    profile: dict[str, Any] = {
        "format": _NAME,
        "version": _VERSION,
        "stains": result.facts["stains"],
        "parts": [
            {"key": p.key, "name": p.name, "vector": [round(float(v), 6) for v in p.profile]}
            for p in result.parts
        ],
        "white": [round(float(level), 3) for level in result.facts["white"]],
        "high": [round(float(value), 4) for value in result.facts["high"]],
        "explained": round(result.fit.explained, 5),
        "from": {
            "title": dataset.title,
            "inputs": [file.sha256 for file in made.inputs] if made else [],
            "plugin": f"{made.plugin} {made.plugin_version}" if made else "",
            "parameters": dict(made.parameters) if made else {},
            "seed": made.seed if made else None,
            "started": made.started if made else "",
            "corrected": list(corrected),
        },
    }
    text = json.dumps(profile, indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


def read_profile(path: Path) -> Profile:
    """Read a profile; unknown keys are passed over.

    Raises
    ------
    FileProblem
        Absent, no profile, of a later version, or with vectors that are none.
    """
    fix = "choose a stain profile that Partwise exported"
    try:
        if path.stat().st_size > _LARGEST:
            raise FileProblem(path, "is too large for a stain profile", fix=fix)
        known = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileProblem(path, "cannot be read", fix=fix) from error
    except ValueError as error:
        raise FileProblem(path, "is no stain profile", fix=fix) from error
    if not isinstance(known, dict) or known.get("format") != _NAME:
        raise FileProblem(path, "is no stain profile", fix=fix)
    if known.get("version") != _VERSION:
        raise FileProblem(
            path, f"is a profile of version {known.get('version')}", fix="update Partwise"
        )
    try:
        vectors = np.array([part["vector"] for part in known["parts"]], dtype=np.float64).T
        r, g, b = (float(level) for level in known["white"])
        stains = str(known["stains"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileProblem(path, "is a damaged stain profile", fix=fix) from error
    sound = vectors.ndim == 2 and vectors.shape[0] == 3 and vectors.shape[1] in (2, 3)
    if not sound or not np.isfinite(vectors).all() or (vectors < 0).any():
        raise FileProblem(path, "holds no stain vectors", fix=fix)
    apart = np.linalg.matrix_rank(vectors, tol=1e-3) == vectors.shape[1]
    if not apart or not all(1 <= level <= 255 for level in (r, g, b)) or stains not in STAINS:
        raise FileProblem(path, "holds stains or a white that cannot be", fix=fix)
    return Profile(stains, unit(vectors), (r, g, b))
