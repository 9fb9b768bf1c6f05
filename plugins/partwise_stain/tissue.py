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

from partwise_stain.blemishes import bleeding, fold, out_of_focus, pigment, shades
from partwise_stain.canvas import Canvas, Field
from partwise_stain.presets import unit

__all__ = ["Tissue", "make_tissue"]

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
    canvas = Canvas(width, height, np.random.default_rng(seed), blemishes=blemishes)
    canvas.stroma()
    glands = canvas.glands()
    canvas.vessels(glands)
    if blemishes:
        bleeding(canvas, glands)
    canvas.stromal_nuclei()
    if blemishes:
        pigment(canvas)
        fold(canvas)
    columns = unit(np.array(vectors, dtype=np.float64).T)
    concentrations = np.stack([canvas.h, canvas.e], axis=2)
    foreign = np.stack([canvas.red, canvas.brown], axis=2)
    od = concentrations @ columns.T
    if blemishes:
        od += foreign @ unit(np.array([RED_CELL, PIGMENT]).T).T
        od += shades(canvas, columns)
    light = np.array(white) * 10.0**-od
    light = ndimage.gaussian_filter(light, (0.75, 0.75, 0))
    if blemishes:
        light = out_of_focus(canvas, light)
    light = canvas.rng.poisson(light * _PHOTONS) / _PHOTONS
    if blemishes:
        light += canvas.rng.normal(0, _READ, light.shape)
    rgb = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    rgb = _compressed(rgb, jpeg) if jpeg else rgb
    return Tissue(rgb, concentrations, columns, white, foreign)


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
