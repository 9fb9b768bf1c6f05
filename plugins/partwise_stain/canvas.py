"""What does tissue look like as amounts of two stains? Glands, stroma, vessels and cells, drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Canvas", "Field", "box_at", "smooth"]

Field = NDArray[np.float64]


class Canvas:
    """Concentrations of both stains, painted on.

    Attributes
    ----------
    h, e, red, brown : float64, shape (height, width)
        Haematoxylin, eosin, red cells and pigment, in OD.
    free : bool, shape (height, width)
        Stroma, where nuclei may be put.
    """

    def __init__(
        self, width: int, height: int, rng: np.random.Generator, *, blemishes: bool
    ) -> None:
        self.rng = rng
        self.blemishes = blemishes
        self.shape = (height, width)
        self.y, self.x = np.mgrid[:height, :width].astype(np.float64)
        self.h = np.zeros(self.shape)
        self.e = np.zeros(self.shape)
        self.red = np.zeros(self.shape)
        self.brown = np.zeros(self.shape)
        self.free = np.ones(self.shape, dtype=np.bool_)
        self.solid = np.ones(self.shape)
        # Collagen runs along the level lines of a smooth landscape.
        self.along = 0.9 + 1.4 * self.noise(260)

    def noise(self, size: float, shape: tuple[int, ...] | None = None) -> Field:
        """Smooth noise of unit deviation with features of `size` pixels."""
        height, width = shape or self.shape
        step = max(1, int(size / 4))
        small = self.rng.normal(size=(height // step + 9, width // step + 9))
        small = ndimage.gaussian_filter(small, size / step / 2.0)
        small = (small - small.mean()) / max(float(small.std()), 1e-9)
        big = ndimage.zoom(small, step, order=1) if step > 1 else small
        return np.asarray(big[step : step + height, step : step + width])

    def streaks(self, length: float, thick: float) -> Field:
        """Noise drawn out along the fibres."""
        bend = 40 * self.noise(120) + 9 * self.noise(36)
        c, s = np.cos(self.along.mean()), np.sin(self.along.mean())
        u = (self.x * c + self.y * s) / length
        v = (self.y * c - self.x * s + bend + 60 * (self.along - self.along.mean())) / thick
        table = ndimage.gaussian_filter(self.rng.normal(size=(256, 1024)), 0.8, mode="wrap")
        table /= table.std()
        return np.asarray(
            ndimage.map_coordinates(table, [u % 256, v % 1024], order=1, mode="grid-wrap")
        )

    def stroma(self) -> None:
        """Wavy collagen with gaps between bundles."""
        coarse, fine = self.streaks(90, 11), self.streaks(46, 3.2)
        finest = self.streaks(24, 1.5)
        body = 0.33 + 0.07 * coarse + 0.055 * fine + 0.035 * finest + 0.05 * self.noise(150)
        gaps = self.streaks(150, 17) + 0.55 * self.noise(90)
        self.solid = smooth(gaps, -1.75, -1.30)
        self.e += np.clip(body, 0.08, None) * (0.03 + 0.97 * self.solid)
        self.h += np.clip(0.045 + 0.016 * coarse + 0.012 * fine, 0.005, None) * self.solid

    def glands(self) -> Field:
        """Glands cut across: lumen, tall cells with mucin, nuclei along the base."""
        height, width = self.shape
        taken = np.zeros(self.shape)
        placed: list[tuple[float, float, float]] = []
        wanted = max(2, round(height * width / 66_000))
        for _ in range(wanted * 60):
            radius = self.rng.uniform(60, 128)
            cx, cy = self.rng.uniform(-20, width + 20), self.rng.uniform(-20, height + 20)
            if all(np.hypot(cx - x, cy - y) > 1.10 * (radius + r) for x, y, r in placed):
                placed.append((cx, cy, radius))
            if len(placed) >= wanted:
                break
        for cx, cy, radius in placed:
            self._gland(cx, cy, radius, taken)
        return taken

    def _gland(self, cx: float, cy: float, radius: float, taken: Field) -> None:
        rng = self.rng
        reach = int(radius * 1.9)
        box = box_at(cx, cy, reach, self.shape)
        if box is None:
            return
        y, x = self.y[box] - cy, self.x[box] - cx
        theta = np.arctan2(y, x)
        wobble = _harmonics(theta, rng, 5, 0.10)
        turn, flat = rng.uniform(0, np.pi), rng.uniform(0.72, 1.0)
        px, py = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        depth = radius - np.hypot(px * flat, py / flat) / (1 + wobble)  # pixels inside the base
        tall = rng.uniform(32, 46)  # height of the cells
        lumen_edge = tall * (1 + 0.10 * _harmonics(theta, rng, 14, 0.5))
        inside = smooth(depth, -1.0, 1.0)
        lumen = smooth(depth - lumen_edge, -2.0, 2.0)
        halo = smooth(depth, -7.5, -4.5) * (1 - smooth(depth, -2.5, -0.5))
        grain = self.noise(3.0, x.shape)
        cell = 1 - 0.10 * smooth(
            np.cos(theta * radius / 5.5 + 2 * _harmonics(theta, rng, 7, 1)), 0.8, 1
        )
        apical = smooth(depth / lumen_edge, 0.45, 0.8)
        e = (0.31 + 0.05 * grain) * cell * (1 - 0.35 * apical) + 0.16 * smooth(
            depth - lumen_edge, -5, -1
        )
        h = (0.16 + 0.04 * grain) * cell * (1 - 0.55 * apical)
        secretion = np.clip(
            0.07 + 0.05 * self.noise(26, x.shape) + 0.03 * self.noise(7, x.shape), 0, None
        ) * rng.choice([0.0, 0.0, 0.7, 1.5])
        e = e * (1 - lumen) + secretion * lumen
        h = h * (1 - lumen) + 0.12 * secretion * lumen
        self._lay(box, inside, h, e)
        # A thin cleft where the gland shrank from its stroma, and the basement membrane.
        self.e[box] *= 1 - 0.70 * halo * (self.noise(60, x.shape) > 0.2)
        self.e[box] += 0.16 * np.exp(-0.5 * ((depth + 0.5) / 1.3) ** 2)
        taken[box] = np.maximum(taken[box], smooth(depth, -14, -8))
        self.free[box] &= depth < -9
        self._epithelium(cx, cy, radius, (theta, depth, box), tall)

    def _epithelium(
        self,
        cx: float,
        cy: float,
        radius: float,
        frame: tuple[Field, Field, tuple[slice, slice]],
        tall: float,
    ) -> None:
        """Nuclei in one crowded row near the base, goblet cells between."""
        theta, depth, box = frame
        rng = self.rng
        top, left = box[0].start, box[1].start
        around = int(2 * np.pi * radius / 10.5)
        for k in range(around):
            angle = -np.pi + 2 * np.pi * (k + rng.uniform(-0.25, 0.25)) / around
            level = rng.normal(12.0, 2.6) + (10 if rng.random() < 0.12 else 0)
            near = np.abs(np.angle(np.exp(1j * (theta - angle)))) * radius
            target = near**2 + (depth - level) ** 2
            row, column = np.unravel_index(int(np.argmin(target)), target.shape)
            if target[row, column] > 9:
                continue
            spot = (left + float(column), top + float(row))
            out = np.arctan2(spot[1] - cy, spot[0] - cx)
            if rng.random() < 0.16:
                inner = (spot[0] - 13 * np.cos(out), spot[1] - 13 * np.sin(out))
                self._goblet(inner, rng.uniform(6.5, 9.5), out)
            size = (rng.normal(8.2, 0.7), rng.normal(4.9, 0.45))
            self._nucleus(spot, size, out + rng.normal(0, 0.16), rng.normal(0.74, 0.10))

    def _goblet(self, spot: tuple[float, float], size: float, turn: float) -> None:
        box = box_at(*spot, 22, self.shape)
        if box is None:
            return
        u, v = self.local(box, spot, turn)
        mask = 1 - smooth(np.hypot(u / (1.35 * size), v / size), 0.82, 1.04)
        self._lay(box, mask, np.full(mask.shape, 0.10), np.full(mask.shape, 0.045))

    def vessels(self, taken: Field) -> None:
        """Capillaries: a gap, a thin wall, red cells."""
        height, width = self.shape
        rng = self.rng
        count = max(3, round(height * width / 170_000))
        for _ in range(count * 6):
            if count == 0:
                break
            cx, cy = rng.uniform(40, width - 40), rng.uniform(40, height - 40)
            a, b = rng.uniform(26, 60), rng.uniform(12, 22)
            box = box_at(cx, cy, int(a) + 12, self.shape)
            if box is None or taken[box].max() > 0.5:
                continue
            count -= 1
            turn = float(self.along[int(cy), int(cx)])
            u, v = self.local(box, (cx, cy), turn)
            d = np.hypot(u / a, v / b) * (1 + _harmonics(np.arctan2(v, u), rng, 6, 0.07))
            self._lay(box, 1 - smooth(d, 0.94, 1.02), np.zeros(d.shape), np.full(d.shape, 0.02))
            self.e[box] += 0.22 * np.exp(-0.5 * ((d - 1.04) / 0.05) ** 2)
            self.free[box] &= d > 1.12
            taken[box] = np.maximum(taken[box], d < 1.1)
            for _cell in range(int(a * b / 26)):
                r, t = np.sqrt(rng.uniform(0, 0.72)), rng.uniform(0, 2 * np.pi)
                p, q = a * r * np.cos(t), b * r * np.sin(t)
                c, s = np.cos(turn), np.sin(turn)
                self.red_cell((cx + p * c - q * s, cy + p * s + q * c), rng.uniform(5.6, 7.0))
            for _wall in range(int(a / 9)):
                t = rng.uniform(0, 2 * np.pi)
                p, q = 1.07 * a * np.cos(t), 1.09 * b * np.sin(t)
                c, s = np.cos(turn), np.sin(turn)
                spot = (cx + p * c - q * s, cy + p * s + q * c)
                along = turn + np.arctan2(b * np.cos(t), -a * np.sin(t))
                self._nucleus(spot, (rng.normal(8.5, 1), 2.6), along, rng.normal(0.95, 0.08))

    def red_cell(self, spot: tuple[float, float], size: float) -> None:
        """One red cell: in its own colour with blemishes, as eosin without."""
        box = box_at(*spot, 12, self.shape)
        if box is None:
            return
        u, v = self.local(box, spot, 0.0)
        d = np.hypot(u, v) / size
        mask = 1 - smooth(d, 0.86, 1.06)
        e = 0.56 * (0.86 + 0.22 * smooth(d, 0.2, 0.75)) * self.rng.uniform(0.9, 1.1)
        if self.blemishes:
            self._lay(box, mask, np.full(d.shape, 0.01), 0.05 * e)
            self.red[box] = self.red[box] * (1 - mask) + 1.15 * e * mask
        else:
            self._lay(box, mask, np.full(d.shape, 0.03), e)

    def stromal_nuclei(self) -> None:
        """Spindle-shaped fibroblasts along the fibres, lymphocytes in loose crowds."""
        height, width = self.shape
        rng = self.rng
        crowd = self.noise(120)
        for _ in range(int(height * width / 620)):
            cx, cy = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
            row, column = int(cy), int(cx)
            if not self.free[row, column] or self.solid[row, column] < 0.6:
                continue
            dense = crowd[row, column] > 0.55
            if rng.random() < (0.8 if dense else 0.05):
                size = float(rng.normal(5.4, 0.5))
                self._nucleus(
                    (cx, cy), (size, size * rng.uniform(0.86, 1)), 0, rng.normal(0.98, 0.1)
                )
            elif rng.random() < 0.24:
                turn = float(self._fibre_angle(row, column)) + rng.normal(0, 0.22)
                long = float(np.clip(rng.normal(10.5, 2.4), 6, 17))
                self._nucleus((cx, cy), (long, rng.uniform(2.3, 3.7)), turn, rng.normal(0.78, 0.12))

    def _fibre_angle(self, row: int, column: int) -> float:
        gradient = self.along[min(row + 1, self.shape[0] - 1), column] - self.along[row - 1, column]
        return float(self.along.mean() - np.arctan(30 * gradient))

    def _nucleus(
        self, spot: tuple[float, float], size: tuple[float, float], turn: float, dark: float
    ) -> None:
        """One nucleus: membrane, clumped chromatin, often a nucleolus."""
        box = box_at(*spot, int(max(size)) + 5, self.shape)
        if box is None:
            return
        rng = self.rng
        u, v = self.local(box, spot, turn)
        d = np.hypot(u / size[0], v / size[1]) * (1 + _harmonics(np.arctan2(v, u), rng, 5, 0.05))
        mask = 1 - smooth(d, 0.86, 1.08)
        clumps = ndimage.gaussian_filter(rng.normal(size=d.shape), 1.15)
        clumps /= clumps.std()
        h = 0.78 + 0.17 * clumps + 0.24 * np.exp(-0.5 * ((d - 0.86) / 0.13) ** 2)
        if min(size) > 4.2:
            du, dv = rng.normal(0, 0.28, 2) * size
            h += 0.45 * np.exp(-0.5 * ((u - du) ** 2 + (v - dv) ** 2) / 1.1**2)
        # A section is thicker than a nucleus: some of what lies above and below shows through.
        self._lay(box, mask, np.clip(dark * h, 0.15, None), 0.25 * self.e[box])

    def _lay(self, box: tuple[slice, slice], mask: Field, h: Field, e: Field) -> None:
        """Lay a structure over what is there."""
        self.h[box] = self.h[box] * (1 - mask) + h * mask
        self.e[box] = self.e[box] * (1 - mask) + e * mask
        self.red[box] *= 1 - mask

    def local(
        self, box: tuple[slice, slice], spot: tuple[float, float], turn: float
    ) -> tuple[Field, Field]:
        """Coordinates in a box, from a spot and turned."""
        x, y = self.x[box] - spot[0], self.y[box] - spot[1]
        c, s = np.cos(turn), np.sin(turn)
        return x * c + y * s, y * c - x * s


def box_at(cx: float, cy: float, reach: int, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    """Return the part of an image within `reach` of a place; None where there is none."""
    top, bottom = max(int(cy) - reach, 0), min(int(cy) + reach + 1, shape[0])
    left, right = max(int(cx) - reach, 0), min(int(cx) + reach + 1, shape[1])
    if bottom <= top or right <= left:
        return None
    return slice(top, bottom), slice(left, right)


def smooth(values: Field, low: float, high: float) -> Field:
    """Return a step from 0 at `low` to 1 at `high`, without corners."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _harmonics(theta: Field, rng: np.random.Generator, most: int, size: float) -> Field:
    total = np.zeros_like(theta)
    for k in range(2, most + 2):
        total += rng.normal(0, size / k) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    return total
