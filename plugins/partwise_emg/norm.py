"""What is usual? A norm that a laboratory builds from its own healthy walkers.

A norm is a JSON file: the protocol, the muscles, and per member the synergies, the mean cycle and
the shares explained. Members are numbered; no file names and no persons' names go in.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, match_parts

__all__ = [
    "Member",
    "Norm",
    "build_norm",
    "facts_of",
    "norm_from_facts",
    "read_norm",
    "walk_dmc",
    "write_norm",
]

_KIND = "partwise-emg-norm"
_VERSION = 1
_MOST_BYTES = 64 << 20
_FEWEST = 3  # members from which a spread means anything


@dataclass(frozen=True, eq=False)
class Member:
    """One person of a norm.

    Attributes
    ----------
    W : float64, shape (muscles, synergies)
        Unit columns.
    H : float64, shape (synergies, points)
        Mean cycle.
    X : float64, shape (muscles, points)
        Mean cycle of the envelopes.
    vaf1 : float
        Share that a single synergy explains, uncentred.
    vaf, r2 : float
        Of all its synergies.
    """

    W: NDArray[np.float64]
    H: NDArray[np.float64]
    X: NDArray[np.float64]
    vaf1: float
    vaf: float
    r2: float

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON types; numbers rounded to seven digits."""
        return {
            "W": _rounded(self.W),
            "H": _rounded(self.H),
            "X": _rounded(self.X),
            "vaf1": float(self.vaf1),
            "vaf": float(self.vaf),
            "r2": float(self.r2),
        }


@dataclass(frozen=True, eq=False)
class Norm:
    """Members measured in one way: `protocol` (filter, points, muscles) says how."""

    protocol: Mapping[str, Any]
    muscles: tuple[str, ...]
    members: tuple[Member, ...]

    def consensus(self) -> NDArray[np.float64]:
        """Return the modules of most members, (muscles, usual number of synergies)."""
        ranks = [member.W.shape[1] for member in self.members]
        usual = max(sorted(set(ranks)), key=ranks.count)
        alike = [member.W for member in self.members if member.W.shape[1] == usual]
        # Begin at the member that is most like all the others.
        near = [
            float(np.mean([match_parts(W, other).cosine.mean() for other in alike])) for W in alike
        ]
        middle = alike[int(np.argmax(near))]
        for _ in range(5):
            turned = [W[:, match_parts(middle, W).permutation] for W in alike]
            middle = np.mean(turned, axis=0)
            middle = middle / np.maximum(np.linalg.norm(middle, axis=0), 1e-12)
        return np.asarray(middle)


def walk_dmc(vaf1: float, norm: Norm) -> float | None:
    """Return the dynamic motor control index, 100 + 10 · (mean − VAF1) / SD of the norm.

    Steele, Rozumalski and Schwartz, Dev. Med. Child Neurol. 57:1176, 2015. None where the norm
    has too few members. Within one protocol only.
    """
    known = np.array([member.vaf1 for member in norm.members])
    if len(known) < _FEWEST:
        return None
    spread = float(known.std(ddof=1))
    return 100 + 10 * (float(known.mean()) - vaf1) / spread if spread > 0 else None


def write_norm(path: Path, norm: Norm) -> None:
    """Write a norm as JSON."""
    path.write_text(json.dumps(facts_of(norm), ensure_ascii=False, indent=1), "utf-8")


def read_norm(path: Path) -> Norm:
    """Read a norm.

    Raises
    ------
    FileProblem
        Not a norm, of a newer version, or with tables that do not fit together.
    """
    path = Path(path)
    way = "export a norm from a run, or build one from projects"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FileProblem(path, "is too large for a norm", fix=way)
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FileProblem(path, "is no JSON that can be read", fix=way) from error
    return _norm_of(path, data)


def build_norm(paths: Sequence[Path]) -> Norm:
    """Make one norm of projects (their latest run of each input) and of norms.

    Raises
    ------
    FileProblem
        Naming the file whose protocol or muscles differ from the first one's.
    """
    found: list[tuple[Path, Norm]] = []
    for path in map(Path, paths):
        norms = _of_project(path) if path.suffix.lower() == ".partwise" else [read_norm(path)]
        found += [(path, norm) for norm in norms]
    if not found:
        raise FileProblem(
            Path(paths[0]) if paths else Path("norm.json"),
            "holds no run of muscle synergies",
            fix="choose projects in which synergies were found",
        )
    first = found[0][1]
    for path, norm in found:
        if norm.muscles != first.muscles:
            raise FileProblem(
                path, "is of other muscles than the first", fix="choose files of one protocol"
            )
        if dict(norm.protocol) != dict(first.protocol):
            raise FileProblem(
                path, "was filtered or cut otherwise than the first", fix="run it alike"
            )
    members = tuple(member for _, norm in found for member in norm.members)
    return Norm(first.protocol, first.muscles, members)


def norm_from_facts(facts: Mapping[str, Any]) -> Norm:
    """Return the norm that a result carries in its facts."""
    return _norm_of(Path("result"), facts["norm"])


def facts_of(norm: Norm) -> dict[str, Any]:
    """Return what a result keeps so that a norm can be made of it."""
    return {
        "kind": _KIND,
        "version": _VERSION,
        "protocol": dict(norm.protocol),
        "muscles": list(norm.muscles),
        "members": [member.as_json() for member in norm.members],
    }


def _of_project(path: Path) -> list[Norm]:
    """The last run of each input in a project; only its JSON is looked at."""
    way = "save the project again"
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo("project.json")
            if info.file_size > _MOST_BYTES:
                raise FileProblem(path, "is too large to be looked through", fix=way)
            data = json.loads(archive.read(info))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, RecursionError) as error:
        if isinstance(error, FileProblem):
            raise
        raise FileProblem(path, "is no project that can be read", fix=way) from error
    last: dict[str, Any] = {}
    for run in _walk(data):
        last[str(run.get("source", run.get("id", len(last))))] = run
    return [_norm_of(path, facts) for facts in last.values()]


def _walk(data: Any) -> list[Any]:
    """All norms anywhere in a JSON tree, in order."""
    found, waiting = [], [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if item.get("kind") == _KIND:
                found.append(item)
                continue
            waiting += list(item.values())[::-1]
        elif isinstance(item, list):
            waiting += item[::-1]
    return found


def _norm_of(path: Path, data: Any) -> Norm:
    way = "export the norm again"
    if not isinstance(data, dict) or data.get("kind") != _KIND:
        raise FileProblem(path, "is no norm of muscle synergies", fix=way)
    if int(data.get("version", 0)) > _VERSION:
        raise FileProblem(
            path, f"is a norm of version {data['version']}, newer than this Partwise", fix="update"
        )
    try:
        muscles = tuple(str(name) for name in data["muscles"])
        members = tuple(_member(each, len(muscles)) for each in data["members"])
    except (KeyError, TypeError, ValueError) as error:
        raise FileProblem(path, "is a damaged norm", fix=way) from error
    if not members:
        raise FileProblem(path, "is a norm without members", fix=way)
    return Norm(dict(data.get("protocol", {})), muscles, members)


def _member(data: Mapping[str, Any], muscles: int) -> Member:
    W, H, X = (np.asarray(data[name], dtype=np.float64) for name in ("W", "H", "X"))
    fits = W.ndim == H.ndim == X.ndim == 2 and W.shape[1] == H.shape[0]
    fits = fits and len(W) == len(X) == muscles and H.shape[1] == X.shape[1]
    if not (fits and all(np.isfinite(A).all() and (A >= 0).all() for A in (W, H, X))):
        msg = "tables of a member do not fit together"
        raise ValueError(msg)
    return Member(W, H, X, float(data["vaf1"]), float(data["vaf"]), float(data["r2"]))


def _rounded(values: NDArray[np.float64]) -> list[list[float]]:
    return [[float(f"{v:.7g}") for v in row] for row in np.asarray(values)]
