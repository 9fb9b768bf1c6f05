"""What would tissue look like whose stains we know? Synthetic H&E with its truth.

``python -m partwise_stain.tissue OUT.png [--seed N] [--width W] [--height H]`` writes the
picture and, beside it, OUT.json with the stain vectors and the white point that made it.

Glands with lumen, basal nuclei and goblet cells lie in wavy collagen with fibroblasts,
lymphocytes, capillaries full of red cells, and gaps. Everything is drawn as concentrations of
two stains; light is then I0 · 10^(−C·W), softened by a lens, counted as photons. Asked for
blemishes, the section is what a laboratory gets: red cells and a bleeding in their own colour,
brown pigment, eosin that differs from fibre to fibre, a fold, and a corner out of focus.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from partwise_stain.presets import unit

__all__ = ["Tissue", "make_tissue"]

Field = NDArray[np.float64]

VECTORS = ((0.620, 0.715, 0.323), (0.135, 0.905, 0.403))  # haematoxylin, eosin; before scaling
WHITE = (243.0, 241.0, 244.0)
_PHOTONS = 10_000 / 255  # electrons per level
_READ = 0.9  # levels; noise of the camera's electronics, in a blemished picture
# What is no stain. Haemoglobin absorbs about 415 nm, so red cells take more blue than eosin does;
# haemosiderin takes ever more towards blue.
RED_CELL = (0.11, 0.72, 0.69)
PIGMENT = (0.36, 0.54, 0.76)


@dataclass(frozen=True, eq=False)
class Tissue:
    """A picture and what made it.

    Attributes
    ----------
    rgb : uint8, shape (h, w, 3)
    concentrations : float64, shape (h, w, 2)
        Haematoxylin and eosin, in decimal OD per unit vector, before the lens.
    vectors : float64, shape (3, 2)
    white : (r, g, b)
    foreign : float64, shape (h, w, 2)
        Red cells and brown pigment, in OD along their own directions; 0 without blemishes.
    """

    rgb: NDArray[np.uint8]
    concentrations: Field
    vectors: Field
    white: tuple[float, float, float]
    foreign: Field


def make_tissue(
    width: int = 1600,
    height: int = 1200,
    seed: int = 1,
    *,
    vectors: Sequence[Sequence[float]] = VECTORS,
    white: tuple[float, float, float] = WHITE,
    jpeg: int = 90,
    blemishes: bool = False,
) -> Tissue:
    """Make a field of synthetic tissue at about half a micron per pixel.

    Parameters
    ----------
    width, height : int
        Pixels.
    seed : int
    vectors : two rows of (r, g, b)
        Of haematoxylin and eosin; scaled to unit length.
    white : (r, g, b)
    jpeg : int
        Quality of the camera's compression, 0 for none.
    blemishes : bool
        Draw what two stains do not explain, too.
    """
    canvas = _Canvas(width, height, np.random.default_rng(seed), blemishes=blemishes)
    canvas.stroma()
    glands = canvas.glands()
    canvas.vessels(glands)
    if blemishes:
        canvas.bleeding(glands)
    canvas.stromal_nuclei()
    if blemishes:
        canvas.pigment()
        canvas.fold()
    columns = unit(np.array(vectors, dtype=np.float64).T)
    concentrations = np.stack([canvas.h, canvas.e], axis=2)
    foreign = np.stack([canvas.red, canvas.brown], axis=2)
    od = concentrations @ columns.T
    if blemishes:
        od += foreign @ unit(np.array([RED_CELL, PIGMENT]).T).T
        od += canvas.shades(columns)
    light = np.array(white) * 10.0**-od
    light = ndimage.gaussian_filter(light, (0.75, 0.75, 0))
    if blemishes:
        light = canvas.out_of_focus(light)
    light = canvas.rng.poisson(light * _PHOTONS) / _PHOTONS
    if blemishes:
        light += canvas.rng.normal(0, _READ, light.shape)
    rgb = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    rgb = _compressed(rgb, jpeg) if jpeg else rgb
    return Tissue(rgb, concentrations, columns, white, foreign)


class _Canvas:
    """Concentrations of both stains, painted on."""

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
        self.free = np.ones(self.shape, dtype=np.bool_)  # stroma, where nuclei may be put
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
        self.solid = _smooth(gaps, -1.75, -1.30)
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
        box = _box(cx, cy, reach, self.shape)
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
        inside = _smooth(depth, -1.0, 1.0)
        lumen = _smooth(depth - lumen_edge, -2.0, 2.0)
        halo = _smooth(depth, -7.5, -4.5) * (1 - _smooth(depth, -2.5, -0.5))
        grain = self.noise(3.0, x.shape)
        cell = 1 - 0.10 * _smooth(
            np.cos(theta * radius / 5.5 + 2 * _harmonics(theta, rng, 7, 1)), 0.8, 1
        )
        apical = _smooth(depth / lumen_edge, 0.45, 0.8)
        e = (0.31 + 0.05 * grain) * cell * (1 - 0.35 * apical) + 0.16 * _smooth(
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
        taken[box] = np.maximum(taken[box], _smooth(depth, -14, -8))
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
        box = _box(*spot, 22, self.shape)
        if box is None:
            return
        u, v = self._local(box, spot, turn)
        mask = 1 - _smooth(np.hypot(u / (1.35 * size), v / size), 0.82, 1.04)
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
            box = _box(cx, cy, int(a) + 12, self.shape)
            if box is None or taken[box].max() > 0.5:
                continue
            count -= 1
            turn = float(self.along[int(cy), int(cx)])
            u, v = self._local(box, (cx, cy), turn)
            d = np.hypot(u / a, v / b) * (1 + _harmonics(np.arctan2(v, u), rng, 6, 0.07))
            self._lay(box, 1 - _smooth(d, 0.94, 1.02), np.zeros(d.shape), np.full(d.shape, 0.02))
            self.e[box] += 0.22 * np.exp(-0.5 * ((d - 1.04) / 0.05) ** 2)
            self.free[box] &= d > 1.12
            taken[box] = np.maximum(taken[box], d < 1.1)
            for _cell in range(int(a * b / 26)):
                r, t = np.sqrt(rng.uniform(0, 0.72)), rng.uniform(0, 2 * np.pi)
                p, q = a * r * np.cos(t), b * r * np.sin(t)
                c, s = np.cos(turn), np.sin(turn)
                self._red_cell((cx + p * c - q * s, cy + p * s + q * c), rng.uniform(5.6, 7.0))
            for _wall in range(int(a / 9)):
                t = rng.uniform(0, 2 * np.pi)
                p, q = 1.07 * a * np.cos(t), 1.09 * b * np.sin(t)
                c, s = np.cos(turn), np.sin(turn)
                spot = (cx + p * c - q * s, cy + p * s + q * c)
                along = turn + np.arctan2(b * np.cos(t), -a * np.sin(t))
                self._nucleus(spot, (rng.normal(8.5, 1), 2.6), along, rng.normal(0.95, 0.08))

    def _red_cell(self, spot: tuple[float, float], size: float) -> None:
        box = _box(*spot, 12, self.shape)
        if box is None:
            return
        u, v = self._local(box, spot, 0.0)
        d = np.hypot(u, v) / size
        mask = 1 - _smooth(d, 0.86, 1.06)
        e = 0.56 * (0.86 + 0.22 * _smooth(d, 0.2, 0.75)) * self.rng.uniform(0.9, 1.1)
        if self.blemishes:
            self._lay(box, mask, np.full(d.shape, 0.01), 0.05 * e)
            self.red[box] = self.red[box] * (1 - mask) + 1.15 * e * mask
        else:
            self._lay(box, mask, np.full(d.shape, 0.03), e)

    def bleeding(self, taken: Field) -> None:
        """Red cells that left their vessel and lie packed between the fibres."""
        height, width = self.shape
        rng = self.rng
        room = np.where(taken < 0.1, self.noise(90) + 0.8 * self.noise(220), -9.0)
        margin = min(60, height // 4, width // 4)
        inner = room[margin:-margin, margin:-margin]
        row, column = np.unravel_index(int(np.argmax(inner)), inner.shape)
        cx, cy = float(column + margin), float(row + margin)
        reach = 0.055 * np.hypot(width, height)
        for _ in range(int(reach**2 / 30)):
            r, t = reach * rng.beta(1.4, 2.2), rng.uniform(0, 2 * np.pi)
            x, y = cx + 1.5 * r * np.cos(t), cy + 0.8 * r * np.sin(t)
            inside = 0 <= x < width and 0 <= y < height
            if inside and taken[int(y), int(x)] < 0.1:
                self._red_cell((x, y), rng.uniform(5.2, 6.8))
                self.free[int(y), int(x)] = rng.random() < 0.3

    def pigment(self) -> None:
        """Brown granules in heaps, as macrophages leave them."""
        height, width = self.shape
        rng = self.rng
        for _ in range(max(4, round(height * width / 60_000))):
            cx, cy = rng.uniform(30, width - 30), rng.uniform(30, height - 30)
            for _grain in range(int(rng.integers(14, 40))):
                spot = (cx + rng.normal(0, 11), cy + rng.normal(0, 8))
                box = _box(*spot, 6, self.shape)
                if box is None or not self.free[box].all() or self.solid[box].min() < 0.5:
                    continue
                u, v = self._local(box, spot, 0.0)
                mask = 1 - _smooth(np.hypot(u, v) / rng.uniform(1.4, 3.4), 0.8, 1.1)
                self.brown[box] = np.maximum(self.brown[box], rng.uniform(0.6, 1.1) * mask)

    def fold(self) -> None:
        """A crease: the section lies double in a narrow, bent band."""
        height, width = self.shape
        middle = 0.80 * width + 0.05 * width * np.sin(self.y / height * 2.4) - 0.16 * self.y
        away = np.abs(self.x - middle) / (7 + 2.5 * self.noise(70))
        band = (1 - _smooth(away, 0.75, 1.1)) * _smooth(height * 0.42 - self.y, 0, 60)
        for field in (self.h, self.e, self.red, self.brown):
            np.multiply(field, 1 + 0.95 * band, out=field)

    def shades(self, columns: Field) -> Field:
        """Eosin is no single colour: proteins bind it differently; OD beside the plane."""
        beside = np.cross(columns[:, 0], columns[:, 1])
        beside /= np.linalg.norm(beside)
        size = 0.09 * self.noise(55) + 0.04 * self.noise(9)
        return np.asarray((self.e * size)[..., None] * beside)

    def out_of_focus(self, light: Field) -> Field:
        """Blur towards the lower left corner, where the section left the glass."""
        height, width = self.shape
        far = np.hypot(self.x / width, (height - self.y) / height)
        share = (1 - _smooth(far, 0.10, 0.42))[..., None]
        weak = ndimage.gaussian_filter(light, (1.6, 1.6, 0))
        strong = ndimage.gaussian_filter(light, (3.2, 3.2, 0))
        weak = light + np.minimum(2 * share, 1) * (weak - light)
        return np.asarray(weak + np.maximum(2 * share - 1, 0) * (strong - weak))

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
        box = _box(*spot, int(max(size)) + 5, self.shape)
        if box is None:
            return
        rng = self.rng
        u, v = self._local(box, spot, turn)
        d = np.hypot(u / size[0], v / size[1]) * (1 + _harmonics(np.arctan2(v, u), rng, 5, 0.05))
        mask = 1 - _smooth(d, 0.86, 1.08)
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

    def _local(
        self, box: tuple[slice, slice], spot: tuple[float, float], turn: float
    ) -> tuple[Field, Field]:
        x, y = self.x[box] - spot[0], self.y[box] - spot[1]
        c, s = np.cos(turn), np.sin(turn)
        return x * c + y * s, y * c - x * s


def _box(cx: float, cy: float, reach: int, shape: tuple[int, int]) -> tuple[slice, slice] | None:
    top, bottom = max(int(cy) - reach, 0), min(int(cy) + reach + 1, shape[0])
    left, right = max(int(cx) - reach, 0), min(int(cx) + reach + 1, shape[1])
    if bottom <= top or right <= left:
        return None
    return slice(top, bottom), slice(left, right)


def _smooth(values: Field, low: float, high: float) -> Field:
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _harmonics(theta: Field, rng: np.random.Generator, most: int, size: float) -> Field:
    total = np.zeros_like(theta)
    for k in range(2, most + 2):
        total += rng.normal(0, size / k) * np.cos(k * theta + rng.uniform(0, 2 * np.pi))
    return total


def _compressed(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=quality, subsampling="4:2:2")
    return np.asarray(Image.open(buffer).convert("RGB"))


def _main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m partwise_stain.tissue", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=1600)
    parser.add_argument("--height", type=int, default=1200)
    parser.add_argument("--clean", action="store_true", help="two stains and nothing else")
    asked = parser.parse_args(arguments)
    tissue = make_tissue(asked.width, asked.height, asked.seed, jpeg=82, blemishes=not asked.clean)
    Image.fromarray(tissue.rgb).save(asked.out, optimize=True)
    truth = {
        "seed": asked.seed,
        "width": asked.width,
        "height": asked.height,
        "white": list(tissue.white),
        "vectors": {
            name: [round(float(value), 6) for value in tissue.vectors[:, k]]
            for k, name in enumerate(("haematoxylin", "eosin"))
        },
        "foreign_share_of_picture": {
            name: round(float((tissue.foreign[..., k] > 0.1).mean()), 4)
            for k, name in enumerate(("red-cells", "pigment"))
        },
    }
    asked.out.with_suffix(".json").write_text(json.dumps(truth, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
