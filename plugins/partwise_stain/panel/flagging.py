"""What is flagged on the slide? Inspected as soon as it is open, judged anew for other stains."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise.api import LocalJob, Mixing, Pyramid
from partwise_app.api import Mask
from partwise_stain.panel.aside import Aside
from partwise_stain.panel.case import Case
from partwise_stain.pick import colours_of, tissue_of
from partwise_stain.quality import FLAGS, Slide, inspect_slide, judge_stains, unclean
from partwise_stain.regional import Told

__all__ = ["Flagging"]

_NOTHING = np.empty((0, 3), np.uint8)
_SLIDE, _JUDGED = "slide", "judge"


class Flagging(QObject):
    """Looks at a slide beside the window: at once for what needs no stains, then for what does."""

    changed = Signal()
    """More is known, or something else."""
    failed = Signal(str)
    """The slide cannot be read, with the reason."""

    def __init__(self, case: Case, aside: Aside, parent: QObject) -> None:
        super().__init__(parent)
        self._case, self._aside = case, aside
        self._slide: Slide | None = None  # as inspected, before the stains are known
        self._judged: Slide | None = None
        self._tissue = _NOTHING  # pixels of its tissue, a few
        self._judged_for: object = None  # what the judgement follows from
        aside.answered.connect(self._on_answer)

    @property
    def shares(self) -> dict[str, float]:
        """Shares of the flags that are known now, as seen from afar."""
        slide = self._judged or self._slide
        return dict(slide.shares) if slide is not None else {}

    @property
    def judged(self) -> bool:
        """Whether the stains have been judged."""
        return self._judged is not None

    def turn(self) -> None:
        """Look at another slide, or at none."""
        self._slide = self._judged = self._judged_for = None
        self._tissue = _NOTHING
        self._aside.forget(_JUDGED)
        pyramid = self._case.pyramid
        if pyramid is not None:
            self._aside.ask(_SLIDE, partial(_inspect, pyramid))

    def judge(self) -> None:
        """Judge the stains that hold now, where that was not done."""
        case, mixing = self._case, self._case.mixing
        asked = (self._slide, case.vectors, case.white, case.brown)
        if self._slide is not None and mixing is not None and asked != self._judged_for:
            brown, self._judged_for = case.brown, asked
            self._aside.ask(_JUDGED, partial(_judge, self._slide, mixing, brown))

    def left_out(self) -> NDArray[np.bool_] | None:
        """Where nothing is counted, when clean tissue alone is measured."""
        return unclean(self._judged) if self._case.clean and self._judged is not None else None

    def told(self, whole: Told | None) -> dict[str, float]:
        """Shares to be shown: as the run measured them where it did, else as seen from afar."""
        shares, result = self.shares, self._case.host.result
        known = {m.name: m.value for m in result.measures} if result is not None else {}
        for flag in FLAGS:
            value = known.get(flag.name, math.nan)
            if flag.key in shares and math.isfinite(value) and not self._case.corrected:
                shares[flag.key] = value / 100
        if whole is not None and "missed" in shares:
            shares["missed"] = whole.tally.missed
        return shares

    def masks(self, keys: Sequence[str]) -> list[Mask]:
        """What is laid over the image for some flags."""
        slide = self._judged or self._slide
        there = slide.masks if slide is not None else {}
        colors = {flag.key: flag.color for flag in FLAGS}
        return [Mask(colors[key], there[key]) for key in keys if key in there]

    def colours(self) -> NDArray[np.float64]:
        """Densities of tissue and ink by the white that holds now, (n, 3)."""
        white = self._case.white
        return np.empty((0, 3)) if white is None else colours_of(self._tissue, white)

    def coloured(self) -> object:
        """What `colours` follows from, to tell whether they are others."""
        return self._slide, self._case.white

    def _on_answer(self, slot: str, answer: object) -> None:
        if slot == _SLIDE:
            self._slide = answer if isinstance(answer, Slide) else None
            self._tissue = tissue_of(self._slide) if self._slide is not None else _NOTHING
            if self._slide is None:
                self.failed.emit(str(answer))
                return
            self.changed.emit()
            if not self._case.host.running:
                self.judge()
        elif slot == _JUDGED and isinstance(answer, Slide):
            self._judged = answer
            self.changed.emit()


def _inspect(pyramid: Pyramid, job: LocalJob) -> Slide:
    return inspect_slide(pyramid, job)


def _judge(slide: Slide, mixing: Mixing, brown: bool, job: LocalJob) -> Slide:
    return judge_stains(slide, mixing, brown=brown)
