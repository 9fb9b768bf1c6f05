"""What would images near blood be without blur, and what does blur bring into a pool of blood?

What a scanner shows of a vessel is partly its surroundings. Late in a scan tissue is several
times brighter than blood, and a few per cent of it make a blood curve far too high. Here the
images near blood are sharp images S behind a Gaussian blur, X ≈ W · (S * G). Within a pool S is
blood alone; what blur carries there from outside is taken off the mean of the pool's core. The
idea is that of the geometric transfer matrix (Rousset, Ma, Evans, J. Nucl. Med. 39, 1998), with
images in place of even regions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from partwise.api import single_blas
from partwise_pet.core import bright_level, smoothed

__all__ = ["Blur", "Sharp", "Vessels", "found_again", "near_blood", "sharpened", "unspilled"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]
Single = NDArray[np.float32]

_FWHM = 2 * np.sqrt(2 * np.log(2))
_NEAR, _REACH = 0.3, 2  # of the brightest blood; voxels around it
_FAR_MM = 16.0  # from a core: what lies further away is not seen in it
_POOL = 0.5  # of the core's blood: where sharp images hold nothing else
_BEGIN, _STEPS, _ROUNDS = 30, 20, 5  # steps of the images, and how often blood is found again
_AGAIN = 3  # the same where images of a width nearby are begun from
_LEAST = 0.2  # of a pool that a core is taken to show


@dataclass(frozen=True, eq=False)
class Vessels:
    """What lies in and around blood.

    Attributes
    ----------
    data : float32, shape (frames, voxels near blood)
        Weighted.
    near : bool, shape (z, y, x)
    cores : mapping of int to int array
        Columns of `data` where each factor of blood is purest.
    pairs : float64, shape (factors, factors)
        How strongly images avoid each other.
    spacing_mm : (z, y, x)
    """

    data: Single
    near: Mask
    cores: dict[int, Places]
    pairs: Array
    spacing_mm: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Sharp:
    """Curves and sharp images, and what blur brings into the cores of blood.

    Attributes
    ----------
    W : float32, shape (frames, factors)
        Weighted curves, those of blood found again.
    spill : mapping of int to float64, shape (frames,)
        Weighted signal in each core that comes from outside of its pool.
    recovery : mapping of int to float
        Share of a pool's blood that blur leaves in its core.
    """

    W: Single
    S: Single
    allowed: Single
    spill: dict[int, Array]
    recovery: dict[int, float]


def near_blood(
    H: Array,
    mask: Mask,
    cores: Mapping[int, Places],
    spacing_mm: Sequence[float],
) -> Mask:
    """Return where blood is and what lies around it, as far from its cores as blur may reach.

    Parameters
    ----------
    H : float64, shape (factors, voxels)
    mask : bool, shape (z, y, x)
    cores : mapping of int to int array
        Columns of H where each factor of blood is purest.
    spacing_mm : (z, y, x)
    """
    voxel = float(np.prod(spacing_mm)) ** (1 / 3)
    around = np.zeros(mask.shape, bool)
    around.ravel()[np.flatnonzero(mask)[np.concatenate(list(cores.values()))]] = True
    around = binary_dilation(around, iterations=max(round(_FAR_MM / voxel), 2 * _REACH))
    near = np.zeros(mask.shape, bool)
    for amount in smoothed(H[list(cores)], mask):
        near[mask] |= amount > _NEAR * bright_level(amount)
    return np.asarray(binary_dilation(near, iterations=_REACH) & around & mask)


def unspilled(
    vessels: Vessels,
    W: Array,
    width_mm: float,
    beside: Sharp | None = None,
    alive: Callable[[], bool] | None = None,
) -> Sharp:
    """Find blood again without what a blur of a width (FWHM) brings into it.

    Where `alive` says no, what is returned is unfinished.

    Parameters
    ----------
    vessels : Vessels
    W : float64, shape (frames, factors)
        Weighted curves.
    width_mm : float
    beside : Sharp, optional
        Of a width nearby: its images are begun from.
    alive : callable, optional
    """
    with single_blas():
        blur, begun = Blur(vessels, width_mm, alive), beside.S if beside is not None else None
        rounds = _ROUNDS if beside is None else _AGAIN
        return found_again(vessels, W.astype(np.float32), blur, rounds, _STEPS, begun)


def found_again(
    vessels: Vessels, W: Single, blur: Blur, rounds: int, steps: int, S: Single | None
) -> Sharp:
    """Sharpen images and find the curves of blood anew by turns; `unspilled` in its bare form."""
    data, pairs, W = vessels.data, vessels.pairs, W.copy()
    span, _ = np.linalg.qr(W)
    everywhere = np.ones((W.shape[1], blur.inner.size), np.float32)
    S = sharpened(data, W, blur, _BEGIN if S is None else _STEPS // 4, pairs, S, everywhere)
    allowed, spill = everywhere, {}
    recovery = dict.fromkeys(vessels.cores, 1.0)
    for _ in range(rounds):
        allowed = _pools(S, blur, vessels.cores)
        S = sharpened(data, W, blur, steps, pairs, S * allowed, allowed)
        seen = blur.blurred(S)
        for k, core in vessels.cores.items():
            others = [j for j in range(len(S)) if j != k]
            spill[k] = np.asarray(W[:, others] @ seen[others][:, core].mean(axis=1), np.float64)
            curve = (data[:, core].mean(axis=1) - spill[k]).astype(np.float32)
            # What the voxels of a core have by chance lies outside of what the curves span.
            curve = np.maximum(span @ (span.T @ curve), 0)
            length = float(np.linalg.norm(curve))
            if length <= 0:
                continue
            # On the scale that it had, so that the images go on from where they are.
            S[k] *= float(W[:, k] @ curve) / length
            W[:, k] = curve / length
            there = float(S[k][blur.places[core]].mean())
            recovery[k] = (
                float(np.clip(seen[k][core].mean() / there, _LEAST, 1)) if there > 0 else 1.0
            )
    return Sharp(W, S, allowed, spill, recovery)


def _pools(S: Single, blur: Blur, cores: dict[int, Places]) -> Single:
    """Where each sharp image may be, 1 or 0: nothing but blood in a pool of blood."""
    allowed = np.ones_like(S)
    for k, core in cores.items():
        pool = S[k] > _POOL * S[k][blur.places[core]].mean()
        pool[blur.places[core]] = True
        for other in range(len(S)):
            if other != k:
                allowed[other][pool] = 0
    return allowed


def sharpened(
    data: Single, W: Single, blur: Blur, steps: int, pairs: Array, S: Single | None,
    allowed: Single,
) -> Single:  # fmt: skip
    """Return sharp images S >= 0 for fixed curves by accelerated projected gradients."""
    gram, cross, apart = W.T @ W, blur.back(W.T @ data), pairs.astype(np.float32)
    # A blur lengthens no image, so that the curves alone bound the step.
    reach = float(np.linalg.eigvalsh(gram)[-1]) + float(apart.sum(axis=1).max(initial=0))
    if S is None:
        seen: Single = np.linalg.lstsq(W, data, rcond=None)[0].astype(np.float32)
        S = np.maximum(blur.back(seen), np.float32(0)) * allowed
    step, momentum = np.float32(1 / max(reach, 1e-30)), 1.0
    made: Single = S
    ahead: Single = S
    for _ in range(steps):
        if not blur.alive():
            break
        slope = (
            blur.back(np.asarray(gram @ blur.blurred(ahead), np.float32)) - cross + apart @ ahead
        )
        new: Single = np.maximum(ahead - step * slope, np.float32(0)) * allowed
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + np.float32((momentum - 1) / grown) * (new - made)
        made, momentum = new, grown
    return made


class Blur:
    """A Gaussian blur; sharp images reach further than what is seen, as their rim is seen."""

    def __init__(self, vessels: Vessels, width_mm: float, alive: Callable[[], bool] | None) -> None:
        self._alive, self.width_mm = alive, width_mm
        near, spans = vessels.near, []
        for axis in range(3):
            other = tuple(a for a in range(3) if a != axis)
            at = np.flatnonzero(near.any(axis=other))
            spans.append(slice(max(int(at[0]) - _REACH, 0), int(at[-1]) + 1 + _REACH))
        within = near[tuple(spans)]
        wide = binary_dilation(within, iterations=_REACH)
        self._shape, self._wide = within.shape, np.flatnonzero(wide)
        self.inner = within[wide]
        self.places = np.flatnonzero(self.inner)
        self._along = [
            _kernel(n, width_mm / _FWHM / step)
            for n, step in zip(within.shape, vessels.spacing_mm, strict=True)
        ]

    def alive(self) -> bool:
        """Whether somebody still waits for the answer."""
        return self._alive is None or self._alive()

    def blurred(self, S: Single) -> Single:
        """Return sharp images as they are seen, shape (images, voxels near blood)."""
        return self._apply(S)[:, self.places]

    def back(self, H: Single) -> Single:
        """Return the transpose: what is seen, blurred out to all places."""
        whole = np.zeros((len(H), self.inner.size), np.float32)
        whole[:, self.places] = H
        return self._apply(whole)

    def _apply(self, S: Single) -> Single:
        volume = np.zeros((len(S), int(np.prod(self._shape))), np.float32)
        volume[:, self._wide] = S
        z, y, x = self._along
        made = y @ (volume.reshape(-1, len(x)) @ x).reshape(len(S), len(z), len(y), len(x))
        made = z @ made.reshape(len(S), len(z), -1)
        return np.asarray(made.reshape(len(S), -1)[:, self._wide])


def _kernel(count: int, sigma: float) -> Single:
    """Blur along an axis as a symmetric matrix; nothing comes in from beyond the ends."""
    apart = np.abs(np.arange(count)[:, None] - np.arange(count))
    reach = max(int(np.ceil(3.5 * sigma)), 1)
    weight = np.exp(-0.5 * (np.arange(reach + 1) / max(sigma, 1e-3)) ** 2)
    weight /= 2 * weight.sum() - weight[0]
    known = weight[np.minimum(apart, reach)]
    return np.where(apart <= reach, known, 0).astype(np.float32)
