"""Which parts does the sample table hold? Emission spectra of dyes and their mixtures."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["Planted", "plant_spectra", "write_spectra"]

# Name, wavelength of the peak and widths to the blue and red of it in nm: invented dyes.
_DYES = (
    ("Azure", 448.0, 17.0, 30.0),
    ("Moss", 507.0, 15.0, 28.0),
    ("Amber", 566.0, 16.0, 30.0),
    ("Ruby", 628.0, 18.0, 34.0),
)
_MISSING = 9  # entries where the detector was saturated


@dataclass(frozen=True, eq=False)
class Planted:
    """A table whose parts are known.

    Attributes
    ----------
    table : float64, shape (wavelengths, mixtures)
        Counts; NaN where the detector gave none.
    spectra : float64, shape (wavelengths, dyes)
        Unit columns.
    amounts : float64, shape (dyes, mixtures)
    dyes, rows, columns : tuple of str
    """

    table: NDArray[np.float64]
    spectra: NDArray[np.float64]
    amounts: NDArray[np.float64]
    dyes: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]


def plant_spectra(seed: int = 8, mixtures: int = 48) -> Planted:
    """Make counts of mixed dyes: spectra with a shoulder, sparse amounts, shot noise."""
    rng = np.random.default_rng(seed)
    waves = np.arange(400, 725, 5.0)
    spectra = np.stack([_spectrum(waves, *dye[1:]) for dye in _DYES], axis=1)
    amounts = rng.gamma(1.6, 700.0, (len(_DYES), mixtures))
    amounts *= rng.random(amounts.shape) < 0.62
    amounts[rng.integers(len(_DYES), size=mixtures), np.arange(mixtures)] += 400.0
    light = spectra @ amounts
    table = rng.poisson(light).astype(np.float64)
    table[rng.integers(len(waves), size=_MISSING), rng.integers(mixtures, size=_MISSING)] = np.nan
    return Planted(
        table,
        spectra,
        amounts,
        tuple(dye[0] for dye in _DYES),
        tuple(f"{wave:.0f} nm" for wave in waves),
        tuple(f"M{number:02d}" for number in range(1, mixtures + 1)),
    )


def write_spectra(path: Path, planted: Planted) -> None:
    """Write the table as CSV; a missing entry is an empty cell."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["emission", *planted.columns])
        for name, row in zip(planted.rows, planted.table, strict=True):
            writer.writerow([name, *("" if np.isnan(v) else f"{v:g}" for v in row)])


def _spectrum(
    waves: NDArray[np.float64], peak: float, blue: float, red: float
) -> NDArray[np.float64]:
    width = np.where(waves < peak, blue, red)
    main = np.exp(-0.5 * ((waves - peak) / width) ** 2)
    shoulder = 0.35 * np.exp(-0.5 * ((waves - peak - 46) / 24) ** 2)
    both = main + shoulder
    return np.asarray(both / np.linalg.norm(both))


if __name__ == "__main__":
    import sys

    write_spectra(Path(sys.argv[1]), plant_spectra())
