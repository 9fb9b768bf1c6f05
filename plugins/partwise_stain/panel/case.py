"""What is looked at, in the panel's own words? Stains, thresholds and regions of one input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import Dataset, FileProblem, Mixing, Pyramid
from partwise_app.api import Host, tr
from partwise_stain.asked import read_vectors
from partwise_stain.numbers import read_grades
from partwise_stain.presets import STAINS, Stain
from partwise_stain.profile import Profile, read_profile
from partwise_stain.readers import colour_profile
from partwise_stain.regions import Region, as_json, from_json
from partwise_stain.survey import as_white
from partwise_stain.toned import Toned
from partwise_stain.unmix import AREA_OD, GRADES

__all__ = ["GRADED", "Case"]

GRADED = ("dab", "aec")  # keys of the stains whose amount is graded
_NUCLEAR = "haematoxylin"
Vectors = NDArray[np.float64]
Level = tuple[float, float, float]  # of red, green and blue light


class Case:
    """A reading of the host for the slide that is looked at; every edit goes back through it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._opened: tuple[str, Profile | None] = ("", None)  # by the path in the form
        self._read: tuple[object, tuple[Region, ...]] = (None, ())  # regions, and of what

    @property
    def dataset(self) -> Dataset | None:
        """The slide, where there is one."""
        found = self.host.dataset
        return found if found is not None and found.pyramid is not None else None

    @property
    def pyramid(self) -> Pyramid | None:
        """Its pixels."""
        return self.dataset.pyramid if self.dataset is not None else None

    @property
    def source(self) -> str:
        """What its regions are kept under in the project."""
        dataset = self.dataset
        if dataset is None:
            return ""
        return dataset.source.quick if dataset.source is not None else dataset.title

    @property
    def has_profile(self) -> bool:
        """Whether the slide says how its colours are to be shown."""
        return self.dataset is not None and bool(self.dataset.meta.get("icc"))

    def toned(self) -> Toned | None:
        """How the slide's colours are shown by its own profile; None where it has none.

        Raises
        ------
        FileProblem
            The profile cannot be read or used.
        """
        source = self.dataset.source if self.dataset is not None else None
        if source is None or not self.has_profile:
            return None
        path = Path(source.path)
        return Toned(colour_profile(path), path)

    # Stains

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the stains, in the order of the vectors."""
        return tuple(part.key for part in self.host.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, as the person calls them."""
        known = {strip.key: strip.name for strip in self.host.strips}
        return tuple(known.get(part.key, part.name) for part in self.host.parts)

    @property
    def colors(self) -> tuple[str, ...]:
        """Their colours in the mixer."""
        known = {strip.key: strip.color for strip in self.host.strips}
        return tuple(known.get(part.key, part.color) for part in self.host.parts)

    @property
    def locked(self) -> frozenset[str]:
        """Keys of the stains that stay as they are."""
        return frozenset(strip.key for strip in self.host.strips if strip.locked)

    @property
    def corrected(self) -> frozenset[str]:
        """Keys of the stains that were corrected by hand."""
        return frozenset(s.key for s in self.host.strips if s.profile is not None)

    @property
    def vectors(self) -> tuple[tuple[float, float, float], ...]:
        """Their vectors in OD: as corrected by a hand, else as asked for, else as found."""
        known = {**self.asked, **{s.key: s.profile for s in self.host.strips if s.profile}}
        found = []
        for part in self.host.parts:
            r, g, b = (float(v) for v in known.get(part.key, part.profile))
            found.append((r, g, b))
        return tuple(found)

    @property
    def asked(self) -> dict[str, tuple[float, ...]]:
        """Vectors by key that the form asks for since the run, where no hand has put others.

        Typed, or of a profile; empty where they are of other stains, which a run has to name.
        """
        if not self.is_asked:
            return {}
        values, vectors = self.host.parameters, None
        try:
            vectors = read_vectors(str(values.get("vectors", "")))
        except ValueError:
            return {}  # still being typed
        stains, profile = str(values.get("stains", "auto")), self.profile
        if profile is not None:
            stains = profile.stains
            vectors = profile.vectors if vectors is None else vectors
        protocol = self.protocol if stains == "auto" else stains
        keys = tuple(stain.key for stain in STAINS.get(protocol, ()))
        if vectors is None or vectors.shape[1] != len(self.keys) or keys != self.keys:
            return {}
        put = self.corrected | self.locked
        return {
            key: tuple(float(value) for value in vector)
            for key, vector in zip(keys, vectors.T, strict=True)
            if key not in put
        }

    @property
    def is_asked(self) -> bool:
        """Whether the form asks for other vectors, or another profile, than the run took."""
        result = self.host.result
        if result is None or result.provenance is None:
            return False
        values, made = self.host.parameters, result.provenance.parameters
        return any(
            str(values.get(name, "")) not in ("", str(made.get(name, "")))
            for name in ("vectors", "profile")
        )

    @property
    def profile(self) -> Profile | None:
        """The profile that the next run takes; None where there is none that can be read."""
        path = str(self.host.parameters.get("profile", ""))
        if path != self._opened[0]:
            self._opened = path, _read(path)
        return self._opened[1]

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the result."""
        result = self.host.result
        return dict(result.facts) if result is not None else {}

    @property
    def found_white(self) -> Level | None:
        """Light without stain, as the run found it."""
        known = self.facts.get("white")
        if known is None:
            return None
        r, g, b = (float(level) for level in known)
        return r, g, b

    @property
    def white(self) -> Level | None:
        """Light without stain: as it was picked since the run, else as the run found it."""
        found = self.found_white
        if found is None:
            return None
        try:
            chosen = as_white(str(self.host.parameters.get("white", "auto")))
        except ValueError:
            return found
        if chosen is None:
            profile = self.profile
            return profile.white if profile is not None else found
        r, g, b = (float(level) for level in chosen.levels)
        return r, g, b

    @property
    def mixing(self) -> Mixing | None:
        """How the slide is unmixed now; None before there are numbers."""
        white, vectors = self.white, self.vectors
        if white is None or not vectors:
            return None
        return Mixing(np.array(vectors).T, white)

    @property
    def protocol(self) -> str:
        """Key of the staining that was found or chosen."""
        return str(self.facts.get("stains", ""))

    def take(
        self, stains: Sequence[Stain], vectors: Vectors, values: Mapping[str, Any], title: str
    ) -> bool:
        """Choose parameters, and put known stains in place of those in sight, as one edit.

        Stains that are locked stay. Returns whether they are the same stains; where they are
        others, only a run gives them their names and places.

        Parameters
        ----------
        stains : sequence of Stain
        vectors : array, shape (3, stains)
        values : mapping
            Parameters by name.
        title : str
        """
        profiles: dict[str, tuple[float, ...]] = {}
        if len(self.keys) == len(stains):
            profiles = {
                key: tuple(float(value) for value in vector)
                for key, vector in zip(self.keys, vectors.T, strict=True)
                if key not in self.locked
            }
        self.host.take(values, profiles, title)
        return self.keys == tuple(stain.key for stain in stains)

    @property
    def brown(self) -> bool:
        """Whether a brown chromogen is among the stains."""
        return any(key in GRADED for key in self.keys)

    @property
    def nuclear(self) -> int | None:
        """Which stain marks nuclei; None where there is none, or nobody wants them counted."""
        if not self.host.parameters.get("nuclei", True):
            return None
        keys = self.keys
        return keys.index(_NUCLEAR) if _NUCLEAR in keys else None

    @property
    def clean(self) -> bool:
        """Whether flagged tissue is left out of the numbers."""
        return bool(self.host.parameters.get("clean", False))

    def set_clean(self, on: bool) -> None:
        """Leave flagged tissue out of the numbers, or count it again, as an edit."""
        self.host.set_parameter("clean", on, tr("Measure clean tissue"))

    # Thresholds

    @property
    def grades(self) -> tuple[float, float, float]:
        """OD from which the chromogen is weak, moderate, strong."""
        try:
            return read_grades(str(self.host.parameters.get("grades", "")))
        except ValueError:
            return GRADES

    @property
    def area_od(self) -> float:
        """OD from which a pixel belongs to a stain's area."""
        return float(self.host.parameters.get("area_od", AREA_OD))

    def set_threshold(self, place: int, value: float, *, graded: bool) -> None:
        """Move a threshold, as an edit; grades stay in order."""
        if not graded:
            self.host.set_parameter(
                "area_od", round(value, 3), tr("Move threshold of area"), "area"
            )
            return
        grades = list(self.grades)
        low = grades[place - 1] + 0.01 if place else 0.01
        high = grades[place + 1] - 0.01 if place < 2 else 9.9
        grades[place] = round(min(max(value, low), high), 3)
        text = ",".join(f"{grade:g}" for grade in grades)
        self.host.set_parameter("grades", text, tr("Move threshold of grade"), f"grade-{place}")

    # Regions

    @property
    def regions(self) -> tuple[Region, ...]:
        """Regions that were drawn on this slide."""
        kept = self.host.section.get("regions", {})
        data = kept.get(self.source) if isinstance(kept, dict) else None
        if data != self._read[0]:  # asked several times for every edit
            self._read = data, from_json(data)
        return self._read[1]

    def keep(self, regions: Sequence[Region], title: str, merge: str = "") -> None:
        """Put regions in place of those before, as an edit."""
        kept = dict(self.host.section.get("regions", {}))
        kept[self.source] = as_json(regions)
        if not regions:
            del kept[self.source]
        self.host.keep({**self.host.section, "regions": kept}, title, merge)

    def add(
        self,
        kind: str,
        points: Sequence[tuple[float, float]],
        name: str = "",
        holes: Sequence[tuple[tuple[float, float], ...]] = (),
    ) -> Region:
        """Add a region under a name of its own."""
        regions = self.regions
        taken = {region.key for region in regions}
        number = next(k for k in range(1, len(taken) + 2) if f"region-{k}" not in taken)
        name = name or tr("Region {number}", number=number)
        made = Region(f"region-{number}", name, kind, tuple(points), tuple(holes))
        self.keep((*regions, made), tr("Draw {name}", name=made.name))
        return made

    def reshape(self, key: str, points: Sequence[tuple[float, float]], deed: str) -> None:
        """Give a region other points: by a ``"move"``, a ``"change"``, or a ``"nudge"`` of keys."""
        found = next((region for region in self.regions if region.key == key), None)
        if found is None:
            return
        changed = found.reshaped(points, whole=deed in ("move", "nudge"))
        words = tr("Change {name}", name=found.name)
        if deed == "move":
            words = tr("Move {name}", name=found.name)
        self.keep(
            [changed if region.key == key else region for region in self.regions],
            words,
            f"nudge-{key}" if deed == "nudge" else "",
        )

    def rename(self, key: str, name: str) -> None:
        """Give a region another name."""
        regions = [replace(r, name=name) if r.key == key else r for r in self.regions]
        self.keep(regions, tr("Rename region"))


def _read(path: str) -> Profile | None:
    try:
        return read_profile(Path(path)) if path else None
    except FileProblem:
        return None  # the run says what is wrong with it
