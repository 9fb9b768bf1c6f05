"""Which numbers are known for slide and regions, and which have to be counted anew?"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import Dataset, LocalJob, Mixing
from partwise_app.api import tr
from partwise_stain.panel.aside import Aside
from partwise_stain.panel.case import Case
from partwise_stain.regional import Told, measure_region
from partwise_stain.regions import Region

__all__ = ["Measuring"]

_SLOT = "regions"
_KEPT = 400  # answers


class Measuring(QObject):
    """Counts slide and regions beside the window; what is known is not counted twice."""

    changed = Signal()
    """More is known."""

    def __init__(self, case: Case, aside: Aside, parent: QObject) -> None:
        super().__init__(parent)
        self._case, self._aside = case, aside
        self._known: dict[Hashable, Told] = {}
        self._asked: Hashable = None
        self._left: NDArray[np.bool_] | None = None
        aside.answered.connect(self._on_answer)

    def rows(self) -> list[tuple[str, str, Told | None]]:
        """Key, name and numbers of the slide and of each region; None where they are not known."""
        found: list[tuple[str, str, Told | None]] = []
        ground = self._ground()
        for region in self._all():
            told = self._known.get(_name(region, ground))
            name = region.name if region else tr("Slide")
            if told is not None and told.name != name:  # another name, the same numbers
                told = dataclasses.replace(told, name=name, region=region)
            found.append((region.key if region else "", name, told))
        return found

    def known(self) -> tuple[Told, ...]:
        """The numbers that are known and hold now."""
        return tuple(told for _key, _name, told in self.rows() if told is not None)

    def whole(self) -> Told | None:
        """The numbers of the slide, where they are known and hold now."""
        return self._known.get(_name(None, self._ground()))

    def leave_out(self, left: NDArray[np.bool_] | None) -> None:
        """Count nothing where a mask over the whole slide is true."""
        if self._left is None or left is None:
            same = self._left is left
        else:
            same = np.array_equal(self._left, left)
        if not same:
            self._left = left
            self._known.clear()

    def stop(self) -> None:
        """Leave what is being counted: it will not hold."""
        if self._asked is not None:
            self._asked = None
            self._aside.forget(_SLOT)

    def ask(self) -> None:
        """Count what is not known."""
        case, ground = self._case, self._ground()
        dataset, mixing = case.dataset, case.mixing
        missing = [region for region in self._all() if _name(region, ground) not in self._known]
        asked = tuple(_name(region, ground) for region in missing)
        if dataset is None or mixing is None or not missing or asked == self._asked:
            return
        self._asked = asked
        work = partial(
            _measure,
            dataset,
            mixing,
            case.names,
            missing,
            case.grades,
            case.area_od,
            case.nuclear,
            self._left,
        )
        names = {region: _name(region, ground) for region in missing}
        self._aside.ask(_SLOT, partial(_named, work, names))

    def _all(self) -> list[Region | None]:
        return [None, *self._case.regions]

    def _ground(self) -> Hashable:
        """What the numbers of all regions follow from."""
        case = self._case
        return (
            case.source,
            case.names,
            case.vectors,
            case.white,
            case.grades,
            case.area_od,
            case.nuclear,
        )

    def _on_answer(self, slot: str, answer: object) -> None:
        if slot != _SLOT:
            return
        self._asked = None
        if isinstance(answer, dict):
            if len(self._known) > _KEPT:
                self._known.clear()
            self._known.update(answer)
            self.changed.emit()


def _name(region: Region | None, ground: Hashable) -> Hashable:
    """What the numbers of a region follow from."""
    return (region.points, region.holes) if region else None, ground


def _named(
    work: partial[list[Told]], names: dict[Region | None, Hashable], job: LocalJob
) -> dict[Hashable, Told]:
    return {names[told.region]: told for told in work(job)}


def _measure(
    dataset: Dataset,
    mixing: Mixing,
    names: Sequence[str],
    regions: Sequence[Region | None],
    grades: tuple[float, float, float],
    area_od: float,
    nuclear: int | None,
    left: NDArray[np.bool_] | None,
    job: LocalJob,
) -> list[Told]:
    return [
        measure_region(
            dataset,
            mixing,
            names,
            region,
            grades,
            job,
            area_od=area_od,
            nuclei=nuclear,
            left=left,
        )
        for region in regions
    ]
