"""What did a hand mark as speech, and what as noise? Boxes of time and frequency, as text.

The text is a parameter like any other, so that it reaches window, command line and project alike:
``noise 1.2:1.52 300:1200; speech 2:2.4 0:8000``, seconds and Hz.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOISE", "SPEECH", "Box", "Painted", "check_painted"]

STEP_S, STEP_HZ = 0.016, 62.5
_NUMBER = r"(\d+(?:\.\d*)?)"
_BOX = re.compile(rf"^\s*(speech|noise)\s+{_NUMBER}:{_NUMBER}\s+{_NUMBER}:{_NUMBER}\s*$")
_MOST = 100_000  # boxes; a week of painting

Kind = Literal["speech", "noise"]
Cells = NDArray[np.int8]

SPEECH, NOISE = 1, 2
_CODE: dict[str, int] = {"speech": SPEECH, "noise": NOISE}
_KIND: dict[int, Kind] = {SPEECH: "speech", NOISE: "noise"}


class Box(NamedTuple):
    """A marked box, in seconds and Hz."""

    kind: Kind
    start: float
    end: float
    low: float
    high: float


@dataclass(frozen=True)
class Painted:
    """Boxes that do not overlap.

    Attributes
    ----------
    boxes : tuple of Box
        In the order of their starts.
    """

    boxes: tuple[Box, ...] = ()

    @classmethod
    def read(cls, text: str) -> Painted:
        """Read a text; later boxes lie over earlier ones. Raises `ValueError`."""
        found: list[Box] = []
        for piece in filter(str.strip, text.split(";")):
            match = _BOX.match(piece)
            if match is None:
                raise ValueError(f"no box: {piece.strip()[:40]!r}")
            start, end, low, high = (float(match[k]) for k in range(2, 6))
            if not (start < end and low < high):
                raise ValueError(f"empty box: {piece.strip()[:40]!r}")
            kind: Kind = "speech" if match[1] == "speech" else "noise"
            found.append(Box(kind, start, end, low, high))
            if len(found) > _MOST:
                raise ValueError(f"more than {_MOST:,} boxes")
        if _apart(found):
            return cls(tuple(sorted(found, key=_order)))
        laid = cls()
        for box in found:
            laid = laid.painted(box.kind, [box[1:]], round_=False)
        return laid

    @property
    def text(self) -> str:
        """The boxes as text; empty where there is none."""
        return "; ".join(
            f"{b.kind} {b.start:.6g}:{b.end:.6g} {b.low:.6g}:{b.high:.6g}" for b in self.boxes
        )

    def since(self, start: float) -> Painted:
        """Return what is marked from a moment on, in seconds after it."""
        later = (box for box in self.boxes if box.end > start)
        return Painted(
            tuple(box._replace(start=box.start - start, end=box.end - start) for box in later)
        )

    def painted(
        self,
        kind: Kind | None,
        dabs: Iterable[Sequence[float]],
        *,
        round_: bool = True,
    ) -> Painted:
        """Return what stands after a stroke.

        Parameters
        ----------
        kind : {"speech", "noise"} or None
            None erases.
        dabs : iterable of (start, end, low, high)
            Boxes around the touches of a round brush, in seconds and Hz.
        round_ : bool
            Whether each touch fills the ellipse in its box, or all of it.

        Notes
        -----
        What a stroke touches is laid on a grid of 16 ms by 62.5 Hz; other boxes stay as they are.
        """
        touched = [tuple(float(v) for v in dab) for dab in dabs]
        if not touched:
            return self
        area = np.array(touched)
        bounds = (area[:, 0].min(), area[:, 1].max(), area[:, 2].min(), area[:, 3].max())
        stroke = Box("noise", *bounds)
        near = [b for b in self.boxes if _meet(b, stroke)]
        apart = [b for b in self.boxes if not _meet(b, stroke)]
        for b in near:
            bounds = (
                min(bounds[0], b.start),
                max(bounds[1], b.end),
                min(bounds[2], b.low),
                max(bounds[3], b.high),
            )
        grid = _Grid(Box("noise", *bounds))
        for b in near:
            grid.fill(b[1:], _CODE[b.kind], round_=False)
        for dab in touched:
            grid.fill(dab, 0 if kind is None else _CODE[kind], round_=round_)
        return Painted(tuple(sorted((*apart, *grid.boxes()), key=_order)))

    def labels(
        self, start: float, step: float, columns: int, bins: int, bin_hz: float
    ) -> Cells | None:
        """Return what is marked in some frames: 0, `SPEECH` or `NOISE`; None where nothing is.

        Parameters
        ----------
        start, step : float
            Seconds of the middle of the first frame, and from frame to frame.
        columns, bins : int
        bin_hz : float
            Hz from bin to bin, the first at 0.

        Returns
        -------
        ndarray of int8, shape (bins, columns), or None
        """
        end = start + columns * step
        near = [b for b in self.boxes if b.end > start - step and b.start < end]
        if not near:
            return None
        out = np.zeros((bins, columns), np.int8)
        for b in near:
            across = _whole((b.start - start) / step, (b.end - start) / step, columns)
            up = _whole(b.low / bin_hz, b.high / bin_hz, bins)
            out[up, across] = _CODE[b.kind]
        return out


def check_painted(text: str) -> str | None:
    """Say what is wrong with a text of boxes, or None."""
    try:
        Painted.read(text)
    except ValueError as error:
        return f"{error}; write KIND START:END LOW:HIGH, such as noise 1.2:1.5 300:1200"
    return None


class _Grid:
    """Cells of 16 ms by 62.5 Hz that cover some bounds."""

    def __init__(self, bounds: Box) -> None:
        # Rounding may leave a speck below a whole cell; it is no reason for one cell more.
        self._left = int(np.floor(bounds.start / STEP_S + 1e-6))
        self._bottom = int(np.floor(bounds.low / STEP_HZ + 1e-6))
        right = int(np.ceil(bounds.end / STEP_S - 1e-6))
        top = int(np.ceil(bounds.high / STEP_HZ - 1e-6))
        shape = max(right - self._left, 1), max(top - self._bottom, 1)
        self._cells: Cells = np.zeros(shape, np.int8)

    def fill(self, box: Sequence[float], code: int, *, round_: bool) -> None:
        """Set the cells of a box, or of the ellipse in it."""
        left, right = (v / STEP_S - self._left for v in box[:2])
        bottom, top = (v / STEP_HZ - self._bottom for v in box[2:])
        across = _whole(left, right, len(self._cells))
        up = _whole(bottom, top, self._cells.shape[1])
        if not round_:
            self._cells[across, up] = code
            return
        x = (np.arange(across.start, across.stop) + 0.5 - (left + right) / 2) / max(
            (right - left) / 2, 0.5
        )
        y = (np.arange(up.start, up.stop) + 0.5 - (bottom + top) / 2) / max((top - bottom) / 2, 0.5)
        inside = x[:, None] ** 2 + y[None, :] ** 2 <= 1.0
        self._cells[across, up][inside] = code

    def boxes(self) -> list[Box]:
        """Return the fewest boxes that a sweep over time finds."""
        found: list[Box] = []
        open_: dict[tuple[int, int, int], int] = {}
        for column in range(len(self._cells) + 1):
            runs = _runs(self._cells[column]) if column < len(self._cells) else set()
            ended = [run for run in open_ if run not in runs]
            found += [self._box(run, open_.pop(run), column) for run in ended]
            for run in runs:
                open_.setdefault(run, column)
        return found

    def _box(self, run: tuple[int, int, int], first: int, last: int) -> Box:
        code, low, high = run
        return Box(
            _KIND[code],
            round((first + self._left) * STEP_S, 6),
            round((last + self._left) * STEP_S, 6),
            (low + self._bottom) * STEP_HZ,
            (high + self._bottom) * STEP_HZ,
        )


def _runs(column: Cells) -> set[tuple[int, int, int]]:
    """Stretches of one code in a column: code, first cell, last cell + 1."""
    edges = np.flatnonzero(np.diff(column)) + 1
    starts = [0, *edges.tolist()]
    ends = [*edges.tolist(), len(column)]
    return {(int(column[a]), a, b) for a, b in zip(starts, ends, strict=True) if column[a]}


def _whole(low: float, high: float, count: int) -> slice:
    """Cells from `low` to `high`, at least one, inside `count`."""
    first = min(max(round(low), 0), count - 1)
    return slice(first, min(max(round(high), first + 1), count))


def _apart(boxes: Sequence[Box]) -> bool:
    """Whether no two boxes overlap; a sweep over time."""
    open_: list[Box] = []
    for box in sorted(boxes, key=_order):
        open_ = [other for other in open_ if other.end > box.start]
        if any(_meet(box, other) for other in open_):
            return False
        open_.append(box)
    return True


def _meet(one: Box, other: Box) -> bool:
    return (
        one.start < other.end
        and other.start < one.end
        and one.low < other.high
        and other.low < one.high
    )


def _order(box: Box) -> tuple[float, float]:
    return box.start, box.low
