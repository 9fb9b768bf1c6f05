"""How blurred is a scan? The width that tells best what was not looked at.

The width of the blur need not be known: sharp images from every other frame are blurred again
and held against the frames in between. Noise differs from frame to frame, edges do not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise.api import single_blas
from partwise_pet.sharp import Blur, Sharp, Vessels, found_again, sharpened

__all__ = ["blur_of"]

Array = NDArray[np.float64]
Single = NDArray[np.float32]

_FIRST, _RATIO, _MOST = 0.75, 1.19, 14  # voxels; widths that are tried, each so much wider
_USUAL_MM, _VARIES = 6.0, 0.2  # of series of people, and how much that differs (logarithm)
_SCANNER_MM = 4.5  # of a scanner before any filter
# Foretold frames favour a wide blur, as it smooths noise, and those that are known a narrow one,
# which fits it: this share of the latter.
_KNOWN = 0.25
_ALIKE = 150.0  # values that count as one: neighbours share noise, and the model is none of nature
_MODEL = 0.08  # of a width: how far off the best may be without any noise
_QUICK, _FEW = 8, 2  # the same while the width is looked for
_HALVES, _SETTLED = 8, 100  # steps of the images of every other frame: at first, near the best


def blur_of(
    vessels: Vessels,
    W: Array,
    filter_mm: float | None = None,
    alive: Callable[[], bool] | None = None,
) -> tuple[float, float] | None:
    """Return the width (FWHM, mm) of the blur that foretells left-out frames best, and its doubt.

    The doubt is one standard deviation in mm. None where the error still falls at the widest that
    is tried: no edge tells.

    Parameters
    ----------
    vessels : Vessels
    W : float64, shape (frames, factors)
        Weighted curves.
    filter_mm : float, optional
        Width (FWHM) of the filter after reconstruction, which the scanner's own blur widens.
    alive : callable, optional
        Asked between widths; False ends the search.
    """
    usual = _USUAL_MM if filter_mm is None else float(np.hypot(_SCANNER_MM, filter_mm))
    with single_blas():  # many small products: threads would wait for each other
        return _foretelling_best(vessels, W.astype(np.float32), usual, alive)


def _foretelling_best(
    vessels: Vessels, W: Single, usual_mm: float, alive: Callable[[], bool] | None
) -> tuple[float, float] | None:
    first = _FIRST * float(np.prod(vessels.spacing_mm)) ** (1 / 3)
    tried: list[_Tried] = []

    def wider() -> None:
        before = tried[-1] if tried else None
        blur = Blur(vessels, first * _RATIO ** len(tried), alive)
        sharp = found_again(vessels, W, blur, _FEW, _QUICK, before.sharp.S if before else None)
        tried.append(_Tried(vessels, blur, sharp, before.halves if before else None))

    def going() -> bool:
        return alive is None or alive()

    while going() and len(tried) < _MOST:
        wider()
        if len(tried) > 3 and tried[-1].error > tried[-2].error > tried[-3].error:
            break
    # A wide blur takes longest to be undone: near the lowest error all are given time.
    while going():
        best = int(np.argmin([each.error for each in tried]))
        if best == len(tried) - 1 and len(tried) < _MOST:
            wider()
        near = [each for each in tried[max(best - 1, 0) : best + 2] if not each.settled]
        if not near:
            break
        for each in near:
            each.settle()
    if not going():
        return None
    errors = [each.error for each in tried]
    best = int(np.argmin(errors))
    if best == _MOST - 1:
        return None
    least = max(errors[best], float(np.finfo(np.float32).tiny))
    told = vessels.data.size / (2 * _ALIKE * least) * np.asarray(errors)
    widths = np.array([each.blur.width_mm for each in tried])
    usual = 0.5 * (np.log(widths / usual_mm) / _VARIES) ** 2
    return _lowest(widths, told + usual)


class _Tried:
    """A width, and how well sharp images of every other frame foretell the others."""

    def __init__(
        self,
        vessels: Vessels,
        blur: Blur,
        sharp: Sharp,
        halves: list[Single] | None,
    ) -> None:
        self._vessels, self.blur, self.sharp = vessels, blur, sharp
        self.halves = halves or [sharp.S, sharp.S]
        self.settled = False
        self._sharpen(_HALVES)

    def settle(self) -> None:
        """Go on until little changes."""
        self._sharpen(_SETTLED)
        self.settled = True

    def _sharpen(self, steps: int) -> None:
        data, W, total = self._vessels.data, self.sharp.W, 0.0
        made = []
        for half in (0, 1):
            seen, left = slice(half, None, 2), slice(1 - half, None, 2)
            S = sharpened(
                data[seen], W[seen], self.blur, steps, self._vessels.pairs, self.halves[half],
                self.sharp.allowed,
            )  # fmt: skip
            seen_there = self.blur.blurred(S)
            for frames, share in ((seen, _KNOWN), (left, 1 - _KNOWN)):
                total += share * float(np.square(data[frames] - W[frames] @ seen_there).sum())
            made.append(S)
        self.halves, self.error = made, total


def _lowest(x: Array, cost: Array) -> tuple[float, float]:
    """Where the parabola through a lowest point and its neighbours, by log x, is lowest.

    Also the standard deviation of x, where `cost` is the negative logarithm of a likelihood.
    """
    best = int(np.clip(cost.argmin(), 1, len(x) - 2))
    at = np.log(x[best - 1 : best + 2])
    bend, slope, _ = np.polyfit(at - at[1], cost[best - 1 : best + 2] - cost[best], 2)
    if bend <= 0:
        return float(x[int(cost.argmin())]), _VARIES * float(x[best])
    lowest = float(np.exp(at[1] + np.clip(-slope / (2 * bend), at[0] - at[1], at[2] - at[1])))
    return lowest, lowest * float(np.hypot(1 / np.sqrt(2 * bend), _MODEL))
