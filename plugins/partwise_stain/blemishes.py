"""What befalls a section in a laboratory? Bleeding, pigment, a fold, uneven dye, bad focus."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from partwise_stain.canvas import Canvas, Field, box_at, smooth

__all__ = ["bleeding", "fold", "out_of_focus", "pigment", "shades"]


def bleeding(canvas: Canvas, taken: Field) -> None:
    """Red cells that left their vessel and lie packed between the fibres."""
    height, width = canvas.shape
    rng = canvas.rng
    room = np.where(taken < 0.1, canvas.noise(90) + 0.8 * canvas.noise(220), -9.0)
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
            canvas.red_cell((x, y), rng.uniform(5.2, 6.8))
            canvas.free[int(y), int(x)] = rng.random() < 0.3


def pigment(canvas: Canvas) -> None:
    """Brown granules in heaps, as macrophages leave them."""
    height, width = canvas.shape
    rng = canvas.rng
    for _ in range(max(4, round(height * width / 60_000))):
        cx, cy = rng.uniform(30, width - 30), rng.uniform(30, height - 30)
        for _grain in range(int(rng.integers(14, 40))):
            spot = (cx + rng.normal(0, 11), cy + rng.normal(0, 8))
            box = box_at(*spot, 6, canvas.shape)
            if box is None or not canvas.free[box].all() or canvas.solid[box].min() < 0.5:
                continue
            u, v = canvas.local(box, spot, 0.0)
            mask = 1 - smooth(np.hypot(u, v) / rng.uniform(1.4, 3.4), 0.8, 1.1)
            canvas.brown[box] = np.maximum(canvas.brown[box], rng.uniform(0.6, 1.1) * mask)


def fold(canvas: Canvas) -> None:
    """A crease: the section lies double in a narrow, bent band."""
    height, width = canvas.shape
    middle = 0.80 * width + 0.05 * width * np.sin(canvas.y / height * 2.4) - 0.16 * canvas.y
    away = np.abs(canvas.x - middle) / (7 + 2.5 * canvas.noise(70))
    band = (1 - smooth(away, 0.75, 1.1)) * smooth(height * 0.42 - canvas.y, 0, 60)
    for field in (canvas.h, canvas.e, canvas.red, canvas.brown):
        np.multiply(field, 1 + 0.95 * band, out=field)


def shades(canvas: Canvas, columns: Field) -> Field:
    """Eosin is no single colour: proteins bind it differently; OD beside the plane."""
    beside = np.cross(columns[:, 0], columns[:, 1])
    beside /= np.linalg.norm(beside)
    size = 0.09 * canvas.noise(55) + 0.04 * canvas.noise(9)
    return np.asarray((canvas.e * size)[..., None] * beside)


def out_of_focus(canvas: Canvas, light: Field) -> Field:
    """Blur towards the lower left corner, where the section left the glass."""
    height, width = canvas.shape
    far = np.hypot(canvas.x / width, (height - canvas.y) / height)
    share = (1 - smooth(far, 0.10, 0.42))[..., None]
    weak = ndimage.gaussian_filter(light, (1.6, 1.6, 0))
    strong = ndimage.gaussian_filter(light, (3.2, 3.2, 0))
    weak = light + np.minimum(2 * share, 1) * (weak - light)
    return np.asarray(weak + np.maximum(2 * share - 1, 0) * (strong - weak))
