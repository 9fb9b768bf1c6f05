"""What would a scanner see of a body whose truth is known? A simulated dynamic series.

Ellipsoids filled with tissue, an arterial input after Feng et al. (Int. J. Biomed. Comput. 32,
1993), two-tissue compartments, exact frame means, a Gaussian point spread, and noise that grows
with activity, decay and short frames. The truth is known to the last voxel, so that every
method can be told how far it is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

__all__ = [
    "FRAMES",
    "HALF_LIFE_S",
    "Body",
    "Ellipsoid",
    "Phantom",
    "Tissue",
    "body_of",
    "frame_means",
    "make_phantom",
    "plasma_input",
    "tissue_curve",
]

Curve = NDArray[np.float64]
Volume = NDArray[np.float32]

HALF_LIFE_S = 109.77 * 60  # fluorine-18
_STEP_S = 0.5
# Feng's model of [18F]FDG in plasma; amplitudes per ml, rates per minute.
_AMPLITUDES = (851.1225, 21.8798, 20.8113)
_RATES = (4.133859, 0.1190996, 0.01043449)
_FWHM = 2 * np.sqrt(2 * np.log(2))

# (frames, seconds each)
_SCHEDULE = ((12, 5), (6, 10), (6, 30), (5, 60), (5, 120), (8, 300))


def _schedule(runs: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    lasting = np.repeat([s for _, s in runs], [n for n, _ in runs]).astype(np.float64)
    start = np.concatenate([[0.0], np.cumsum(lasting)[:-1]])
    return np.stack([start, start + lasting], axis=1)


FRAMES = _schedule(_SCHEDULE)
"""Start and end of 42 frames over an hour in seconds, shape (42, 2)."""


@dataclass(frozen=True)
class Tissue:
    """Rate constants of two tissue compartments.

    Attributes
    ----------
    K1 : float
        ml/cm³/min.
    k2, k3, k4 : float
        1/min.
    blood : float
        Share of the volume that is blood.
    """

    K1: float
    k2: float
    k3: float = 0.0
    k4: float = 0.0
    blood: float = 0.0


@dataclass(frozen=True)
class Ellipsoid:
    """A body of one tissue: middle and half-axes in mm; half-axes may be infinite."""

    name: str
    middle: tuple[float, float, float]
    half: tuple[float, float, float]

    def holds(self, x: Curve, y: Curve, z: Curve) -> NDArray[np.bool_]:
        """Return which places lie inside."""
        terms = [
            ((v - m) / h) ** 2 for v, m, h in zip((x, y, z), self.middle, self.half, strict=True)
        ]
        return np.asarray(sum(terms) <= 1.0)


@dataclass(frozen=True)
class Body:
    """What lies where, later ones over earlier ones, and how each tissue behaves.

    Attributes
    ----------
    shapes : tuple of Ellipsoid
        Named by tissue; ``"LV"`` and ``"RV"`` are blood.
    tissues : mapping of str to Tissue
    blood : str
        The pool whose curve is the input function.
    shape : (x, y, z)
        Voxels.
    spacing_mm : float
    """

    shapes: tuple[Ellipsoid, ...]
    tissues: Mapping[str, Tissue]
    blood: str = "LV"
    shape: tuple[int, int, int] = (48, 48, 20)
    spacing_mm: float = 4.0
    blur_mm: float = 6.0


@dataclass(frozen=True, eq=False)
class Phantom:
    """A simulated scan and its truth.

    Attributes
    ----------
    values : float32, shape (frames, z, y, x)
        Activity with noise, corrected for decay.
    clean : float32, like `values`
        The same without noise.
    curves : float64, shape (factors, frames)
        True frame means of each factor.
    images : float32, shape (factors, z, y, x)
        True share of each factor in each voxel, blurred.
    labels : uint8, shape (z, y, x)
        1 + index of the factor that a voxel lies in; 0 outside.
    names : tuple of str
    frames : float64, shape (frames, 2)
        Start and end in s.
    spacing_mm : float
    blood : str
    uptake : float
        True net uptake K1·k3/(k2 + k3) of the tissue ``"myo"`` or ``"grey"``, ml/cm³/min.
    """

    values: Volume
    clean: Volume
    curves: Curve
    images: Volume
    labels: NDArray[np.uint8]
    names: tuple[str, ...]
    frames: Curve
    spacing_mm: float
    blood: str
    uptake: float
    tissues: Mapping[str, Tissue] = field(default_factory=dict)

    def factor(self, name: str) -> int:
        """Return the index of a factor."""
        return self.names.index(name)


def plasma_input(t_min: Curve) -> Curve:
    """Return Feng's input function at times in minutes; zero before the injection."""
    a1, a2, a3 = _AMPLITUDES
    r1, r2, r3 = _RATES
    t = np.maximum(t_min, 0.0)
    value = (a1 * t - a2 - a3) * np.exp(-r1 * t) + a2 * np.exp(-r2 * t) + a3 * np.exp(-r3 * t)
    return np.where(t_min > 0, np.maximum(value, 0.0), 0.0)


def tissue_curve(tissue: Tissue, blood: Curve, step_min: float) -> Curve:
    """Return the activity in tissue, without blood, that an input on a fine grid causes."""
    k2, k3, k4 = tissue.k2, tissue.k3, tissue.k4
    total = k2 + k3 + k4
    root = np.sqrt(max(total**2 - 4 * k2 * k4, 0.0))
    slow, fast = (total - root) / 2, (total + root) / 2
    if fast - slow < 1e-12:
        return tissue.K1 * _decaying(blood, slow, step_min)
    first = (k3 + k4 - slow) / (fast - slow)
    second = (fast - k3 - k4) / (fast - slow)
    response = first * _decaying(blood, slow, step_min) + second * _decaying(blood, fast, step_min)
    return np.asarray(tissue.K1 * response)


def frame_means(curve: Curve, frames: Curve, step_s: float = _STEP_S) -> Curve:
    """Return the mean of a finely sampled curve over each frame, exactly for straight pieces."""
    t = step_s * np.arange(len(curve))
    area = np.concatenate([[0.0], np.cumsum((curve[1:] + curve[:-1]) / 2) * step_s])
    at = np.interp(frames, t, area)
    # Between two samples the area is a parabola; a straight line between its ends is near enough
    # where frames begin and end on samples, as ours do.
    return np.asarray((at[:, 1] - at[:, 0]) / (frames[:, 1] - frames[:, 0]))


def body_of(kind: str = "heart") -> Body:
    """Return a body: ``"heart"`` (large), ``"small"`` (small ventricles) or ``"brain"``."""
    if kind == "brain":
        return _brain()
    small = kind == "small"
    lv, wall, outer = (20.0, 20.0, 30.0), (30.0, 30.0, 38.0), (30.0, 28.0, 33.0)
    rv = (26.0, 24.0, 30.0)
    if small:
        lv, wall, outer = (12.0, 12.0, 18.0), (20.0, 20.0, 25.0), (20.0, 19.0, 23.0)
        rv = (16.0, 15.0, 20.0)
    left = (18.0, 0.0, 0.0) if not small else (13.0, 0.0, 0.0)
    right = (-20.0, 4.0, 0.0) if not small else (-13.0, 3.0, 0.0)
    shapes = (
        Ellipsoid("soft", (0.0, 0.0, 0.0), (92.0, 70.0, np.inf)),
        Ellipsoid("lung", (66.0, -6.0, 4.0), (26.0, 50.0, 60.0)),
        Ellipsoid("lung", (-66.0, -6.0, 4.0), (24.0, 50.0, 60.0)),
        Ellipsoid("liver", (-30.0, 36.0, -34.0), (50.0, 30.0, 22.0)),
        Ellipsoid("myo", right, outer),
        Ellipsoid("RV", right, rv),
        Ellipsoid("myo", left, wall),
        Ellipsoid("LV", left, lv),
    )
    tissues = {
        "myo": Tissue(0.6, 1.2, 0.1, 0.001, 0.05),
        "lung": Tissue(0.233, 1.536, 0.012, 0.0, 0.087),
        "soft": Tissue(0.1, 1.0, 0.0, 0.0, 0.03),
        "liver": Tissue(0.667, 0.695, 0.003, 0.0, 0.001),
    }
    return Body(shapes, tissues)


def _brain() -> Body:
    shapes = (
        Ellipsoid("scalp", (0.0, 0.0, 0.0), (84.0, 92.0, 92.0)),
        Ellipsoid("grey", (0.0, 0.0, 0.0), (66.0, 78.0, 78.0)),
        Ellipsoid("white", (0.0, 0.0, 0.0), (52.0, 64.0, 64.0)),
        Ellipsoid("grey", (16.0, 4.0, 0.0), (11.0, 15.0, 12.0)),
        Ellipsoid("grey", (-16.0, 4.0, 0.0), (11.0, 15.0, 12.0)),
        # Carotid siphons and the confluence: all the blood that a head shows.
        Ellipsoid("LV", (26.0, 30.0, -26.0), (7.0, 7.0, 16.0)),
        Ellipsoid("LV", (-26.0, 30.0, -26.0), (7.0, 7.0, 16.0)),
        Ellipsoid("LV", (0.0, -72.0, -6.0), (9.0, 7.0, 30.0)),
    )
    tissues = {
        "grey": Tissue(0.102, 0.13, 0.062, 0.0068, 0.045),
        "white": Tissue(0.054, 0.109, 0.045, 0.0058, 0.025),
        "scalp": Tissue(0.06, 0.5, 0.01, 0.0, 0.03),
    }
    return Body(shapes, tissues)


def make_phantom(
    kind: str | Body = "heart",
    *,
    seed: int = 0,
    alpha: float = 0.5,
    vary: float = 0.0,
    frames: Curve = FRAMES,
    noise_mm: float = 4.0,
) -> Phantom:
    """Simulate a scan.

    Parameters
    ----------
    kind : str or Body
        As in `body_of`.
    seed : int
    alpha : float
        Noise: the variance of a voxel is alpha · activity · e^(λt) / minutes; 0 for none.
    vary : float
        Half-axes, middles and rate constants vary by up to this share (0.2 for ±20 %).
    frames : float64, shape (frames, 2)
        Start and end in s.
    noise_mm : float
        Width (FWHM) of the filter that correlates neighbouring voxels' noise.
    """
    rng = np.random.default_rng([seed, 71])
    body = body_of(kind) if isinstance(kind, str) else kind
    if vary:
        body = _varied(body, vary, rng)
    names = _factors(body)
    labels = _labels(body, names)
    curves = _curves(body, names, frames)
    images = _images(body, names, labels)
    clean = np.tensordot(curves.T, images, axes=1).astype(np.float32)
    values = clean + _noise(clean, frames, alpha, noise_mm / body.spacing_mm, rng)
    main = next((body.tissues[n] for n in ("myo", "grey") if n in body.tissues), Tissue(0, 1))
    return Phantom(
        values,
        clean,
        curves,
        images,
        labels,
        names,
        np.asarray(frames),
        body.spacing_mm,
        body.blood,
        main.K1 * main.k3 / (main.k2 + main.k3),
        body.tissues,
    )


def _factors(body: Body) -> tuple[str, ...]:
    found = [name for name in ("RV", "LV") if any(s.name == name for s in body.shapes)]
    return (*found, *body.tissues)


def _varied(body: Body, share: float, rng: np.random.Generator) -> Body:
    def about(value: float) -> float:
        return float(value * (1 + share * rng.uniform(-1, 1)))

    # In the order of their names: that of a set differs from one process to the next.
    swell = {name: about(1.0) for name in sorted({s.name for s in body.shapes})}
    # The whole heart grows and shrinks together, or walls would vanish.
    heart = about(1.0)
    shift = {s.name: rng.uniform(-20, 20, 3) * share for s in body.shapes}
    shapes = []
    for shape in body.shapes:
        inner = shape.name in ("LV", "RV", "myo")
        size = heart if inner else swell[shape.name]
        move = shift["LV" if inner and "LV" in shift else shape.name]
        middle = tuple(float(m + d) for m, d in zip(shape.middle, move, strict=True))
        half = tuple(h * size for h in shape.half)
        shapes.append(replace(shape, middle=middle, half=half))  # type: ignore[arg-type]
    tissues = {
        name: Tissue(about(t.K1), about(t.k2), about(t.k3), about(t.k4), about(t.blood))
        for name, t in sorted(body.tissues.items())
    }
    return replace(body, shapes=tuple(shapes), tissues={n: tissues[n] for n in body.tissues})


def _labels(body: Body, names: tuple[str, ...]) -> NDArray[np.uint8]:
    nx, ny, nz = body.shape
    at = [body.spacing_mm * (np.arange(n) - (n - 1) / 2) for n in (nz, ny, nx)]
    z, y, x = np.meshgrid(*at, indexing="ij")
    labels = np.zeros(x.shape, np.uint8)
    within = body.shapes[0].holds(x, y, z)  # the first holds all others
    for shape in body.shapes:
        labels[shape.holds(x, y, z) & within] = 1 + names.index(shape.name)
    return labels


def _curves(body: Body, names: tuple[str, ...], frames: Curve) -> Curve:
    t = _STEP_S * np.arange(int(frames[-1, 1] / _STEP_S) + 1) / 60
    step = _STEP_S / 60
    pools = {"RV": (0.20, 2.0), "LV": (0.30, 5.0)}  # delay in min, dispersion in s
    fine = {}
    for name, (delay, spread) in pools.items():
        fine[name] = 60 / spread * _decaying(plasma_input(t - delay), 60 / spread, step)
    for name, tissue in body.tissues.items():
        fine[name] = tissue_curve(tissue, fine[body.blood], step)
    return np.stack([frame_means(fine[name], frames) for name in names])


def _images(body: Body, names: tuple[str, ...], labels: NDArray[np.uint8]) -> Volume:
    share = np.stack([(labels == k + 1).astype(np.float32) for k in range(len(names))])
    blood = names.index(body.blood)
    for k, name in enumerate(names):
        if name in body.tissues:
            part = np.float32(body.tissues[name].blood)
            share[blood] += part * share[k]
            share[k] *= 1 - part
    sigma = body.blur_mm / _FWHM / body.spacing_mm
    return np.stack([gaussian_filter(each, sigma, mode="nearest") for each in share])


def _noise(
    clean: Volume, frames: Curve, alpha: float, width: float, rng: np.random.Generator
) -> Volume:
    if alpha <= 0:
        return np.zeros_like(clean)
    minutes = (frames[:, 1] - frames[:, 0]) / 60
    growth = np.exp(np.log(2) / HALF_LIFE_S * frames.mean(axis=1))
    made = np.empty_like(clean)
    for k, frame in enumerate(clean):
        white = gaussian_filter(rng.standard_normal(frame.shape), width / _FWHM)
        white /= white.std()
        made[k] = white * np.sqrt(alpha * np.maximum(frame, 0) * growth[k] / minutes[k])
    return made


def _decaying(source: Curve, rate: float, step: float) -> Curve:
    """Convolve with e^(-rate·t), exactly for a source of straight pieces."""
    from scipy.signal import lfilter

    if rate * step < 1e-6:
        fall, now, before = 1.0, step / 2, step / 2
    else:
        a = rate * step
        fall = np.exp(-a)
        now = (a - 1 + fall) / (rate * a)
        before = (1 - fall * (1 + a)) / (rate * a)
    return np.asarray(lfilter([now, before], [1.0, -fall], source))
