"""What do marks change before any run? The gains inside them, as the next run will have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partwise.api import Result
from partwise_speech.frames import RATE, stft_for
from partwise_speech.painted import NOISE, SPEECH, Painted
from partwise_speech.strength import codes_of

__all__ = ["Marking"]

Codes = NDArray[np.uint8]

_MARGIN = 4  # frames around a box, for its borders fall between frames


class Marking:
    """Gains with what was painted since the run put in.

    In a box painted as speech nothing is taken away, in one painted as noise all that may be;
    what the atoms learn from it elsewhere comes with a run. Where a mark was erased, the gains
    stay as the run found them until then.

    Attributes
    ----------
    is_tried : bool
        Whether anything is marked otherwise than the run was told.
    codes : ndarray of uint8, shape (257, frames), or None
        Gains as they stand.
    version : int
        Another one whenever `codes` were changed in their place.
    """

    def __init__(self) -> None:
        self.is_tried = False
        self.codes: Codes | None = None
        self.version = 0
        self._base: Codes | None = None
        self._own: Codes | None = None
        self._seen: tuple[object, ...] = ()
        self._touched: list[slice] = []

    def follow(
        self, codes: Codes | None, version: int, result: Result | None, painted: Painted
    ) -> None:
        """Take gains, of a result and in some version, and marks.

        Parameters
        ----------
        codes : ndarray of uint8, shape (257, frames), or None
            Left as they are.
        version : int
        result : Result or None
        painted : Painted
        """
        if codes is None or result is None:
            self.codes, self.is_tried, self._seen = codes, False, ()
            self._base = self._own = None
            return
        told = result.provenance
        text = str(told.parameters.get("painted", "")) if told is not None else ""
        seen = (id(codes), version, text, painted)
        if seen == self._seen:
            return
        run_with = Painted.read(text)
        self.is_tried = painted != run_with
        same = self._base is codes and self._seen[1:2] == (version,)
        self._seen = seen
        self.version += 1
        if not self.is_tried:
            self.codes, self._base, self._own = codes, None, None
            return
        if same and self._own is not None:
            for columns in self._touched:
                self._own[:, columns] = codes[:, columns]
        else:
            self._base, self._own = codes, codes.copy()
        self.codes = self._own
        self._touched = []
        floor = float(result.facts.get("method", {}).get("floor", 0.05))
        self._put(painted, run_with, int(codes_of(np.array([floor]))[0]))

    def _put(self, painted: Painted, run_with: Painted, floor: int) -> None:
        assert self._own is not None
        stft = stft_for(RATE)
        hop = stft.hop / RATE
        bins, frames = self._own.shape
        for box in painted.boxes:
            first = max(stft.frame_at(box.start * RATE) - _MARGIN, 0)
            last = min(stft.frame_at(box.end * RATE) + _MARGIN, frames)
            if last <= first:
                continue
            columns = slice(first, last)
            window = stft.middle(first) / RATE, hop, last - first, bins, RATE / stft.window
            now, before = painted.labels(*window), run_with.labels(*window)
            assert now is not None
            fresh = np.ones_like(now, bool) if before is None else now != before
            cut = self._own[:, columns]
            cut[fresh & (now == SPEECH)] = 255
            cut[fresh & (now == NOISE)] = floor
            self._touched.append(columns)
