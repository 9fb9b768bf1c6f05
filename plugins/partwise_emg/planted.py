"""Which synergies does a simulated walker have? Muscles, bursts and noise with a known truth.

Weights and timing are invented after the usual picture of walking: weight acceptance, push-off,
early swing, late swing, and a band over the middle of stance. Nothing is taken from a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
from numpy.typing import NDArray

__all__ = [
    "MUSCLES",
    "Walker",
    "merge",
    "simulate",
    "simulate_cycles",
    "truth",
    "write_walker",
]

MUSCLES = ("ME", "MA", "FL", "RF", "VM", "VL", "ST", "BF", "TA", "GM", "GL", "SO")
_WEIGHTS = {
    #             ME   MA   FL   RF   VM   VL   ST   BF   TA   GM   GL   SO
    "acceptance": (0.8, 0.9, 0.4, 0.5, 0.9, 1.0, 0.1, 0.2, 0.3, 0.0, 0.0, 0.1),
    "stance": (0.6, 0.1, 0.9, 0.2, 0.1, 0.1, 0.0, 0.1, 0.0, 0.3, 0.2, 0.4),
    "push-off": (0.1, 0.0, 0.2, 0.0, 0.0, 0.0, 0.1, 0.1, 0.0, 1.0, 0.9, 1.0),
    "early swing": (0.0, 0.0, 0.2, 0.7, 0.1, 0.1, 0.0, 0.0, 1.0, 0.0, 0.1, 0.0),
    "late swing": (0.1, 0.3, 0.0, 0.1, 0.1, 0.1, 1.0, 0.9, 0.4, 0.0, 0.1, 0.0),
}
# Centre in % of the cycle (0 at touch-down) and width (standard deviation) of each burst.
_BURSTS = {
    "acceptance": (6.0, 5.0),
    "stance": (26.0, 7.0),
    "push-off": (46.0, 6.0),
    "early swing": (66.0, 6.0),
    "late swing": (91.0, 5.0),
}
_STANCE = 0.62
_POINTS = 200


@dataclass(frozen=True, eq=False)
class Walker:
    """A simulated trial and its truth.

    Attributes
    ----------
    emg : float64, shape (muscles, samples)
        Microvolts.
    rate_hz : float
    touchdown, liftoff : float64, shape (steps,)
    W : float64, shape (muscles, synergies)
        Unit columns.
    H : float64, shape (synergies, 200)
        Mean activation over the cycle.
    muscles : tuple of str
    """

    emg: NDArray[np.float64]
    rate_hz: float
    touchdown: NDArray[np.float64]
    liftoff: NDArray[np.float64]
    W: NDArray[np.float64]
    H: NDArray[np.float64]
    muscles: tuple[str, ...] = MUSCLES


def truth() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the healthy weights (unit columns) and activations over a cycle of 200 points."""
    W = np.array(list(_WEIGHTS.values())).T
    phase = (np.arange(_POINTS) + 0.5) / _POINTS * 100
    H = np.stack([_burst(phase, *burst) for burst in _BURSTS.values()])
    length = np.linalg.norm(W, axis=0)
    return W / length, H * length[:, None]


def merge(
    W: NDArray[np.float64], H: NDArray[np.float64], first: int, second: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Drive two synergies by one command, the mean of theirs; one synergy less is left."""
    a, b = np.linalg.norm(H[first]), np.linalg.norm(H[second])
    common = H[first] / a + H[second] / b
    common = common / np.linalg.norm(common)
    both = a * W[:, first] + b * W[:, second]
    length = float(np.linalg.norm(both))
    rest = [k for k in range(W.shape[1]) if k not in (first, second)]
    return (
        np.column_stack([W[:, rest], both / length]),
        np.vstack([H[rest], length * common]),
    )


def simulate_cycles(
    W: NDArray[np.float64],
    H: NDArray[np.float64],
    cycles: int,
    rng: np.random.Generator,
    *,
    noise: float = 0.05,
    vary: float = 0.2,
) -> NDArray[np.float64]:
    """Return envelopes of several cycles, (muscles, cycles × points), whose strength varies.

    `vary` is the spread of a synergy's strength from cycle to cycle, `noise` that of smooth noise
    of each muscle, as a share of the largest envelope.
    """
    points = H.shape[1]
    strength = np.exp(vary * rng.standard_normal((cycles, len(H), 1)) - vary**2 / 2)
    courses = np.concatenate(list(strength * H), axis=1)
    clean = W @ courses
    white = rng.standard_normal((len(W), cycles * points))
    smooth = scipy.signal.sosfiltfilt(scipy.signal.butter(2, 0.2, output="sos"), white, axis=1)
    smooth = smooth / smooth.std()
    return np.asarray(np.maximum(clean + noise * clean.max() * smooth, 0.0))


def simulate(
    *, merged: bool = False, steps: int = 9, seed: int = 1, rate_hz: float = 1000.0
) -> Walker:
    """Simulate raw EMG: noise of muscle, its strength the synergies', with steps that vary."""
    rng = np.random.default_rng([seed, 23])
    W, H = truth()
    if merged:
        W, H = merge(W, H, 3, 4)
    lengths = 1.05 * np.exp(0.02 * rng.standard_normal(steps))
    touch = 0.3 + np.concatenate([[0.0], np.cumsum(lengths)])
    stance = _STANCE + 0.008 * rng.standard_normal(steps)
    lift = touch[:-1] + stance * lengths
    samples = int((touch[-1] + 0.3) * rate_hz)
    t = np.arange(samples) / rate_hz
    step = np.clip(np.searchsorted(touch, t, side="right") - 1, 0, steps - 1)
    # Stance and swing are each half of the 200 points, as they are cut again later.
    into, length, share = t - touch[step], lengths[step], stance[step]
    part = np.where(into < share * length, into / (share * length) / 2, 0.0)
    swing = (into - share * length) / ((1 - share) * length)
    phase = np.where(into < share * length, part, 0.5 + swing / 2) % 1
    strength = np.exp(0.15 * rng.standard_normal((len(H), steps)))
    places = np.arange(_POINTS) / _POINTS
    courses = np.stack([np.interp(phase, places, row, period=1.0) for row in H]) * strength[:, step]
    envelope = W @ courses
    band = scipy.signal.butter(2, (20, 400), btype="bandpass", fs=rate_hz, output="sos")
    carrier = scipy.signal.sosfilt(band, rng.standard_normal((len(W), samples)), axis=1)
    carrier = carrier / carrier.std()
    gain = rng.uniform(120, 320, (len(W), 1))
    emg = gain * envelope / envelope.max() * carrier + 3.0 * rng.standard_normal(carrier.shape)
    return Walker(emg, rate_hz, touch, np.append(lift, np.nan), W, H)


def write_walker(path: Path, walker: Walker) -> None:
    """Write a trial as a NumPy archive, in whole microvolts as a converter gives them."""
    np.savez_compressed(
        path,
        emg=np.round(walker.emg).astype(np.int16),
        fs=np.array(walker.rate_hz),
        muscles=np.array(walker.muscles),
        touchdown_s=walker.touchdown,
        liftoff_s=walker.liftoff,
        true_weights=walker.W,
        true_activations=walker.H,
    )


def _burst(phase: NDArray[np.float64], centre: float, width: float) -> NDArray[np.float64]:
    """A bump around the cycle, whose end is its beginning."""
    away = (phase - centre + 50) % 100 - 50
    return np.asarray(np.exp(-0.5 * (away / width) ** 2) + 0.01)


if __name__ == "__main__":
    import sys

    folder = Path(sys.argv[1])
    write_walker(folder / "emg-healthy.npz", simulate(seed=1))
    write_walker(folder / "emg-merged.npz", simulate(merged=True, seed=2))
