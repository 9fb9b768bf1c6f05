"""Where is the sample of the PET panel?"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from partwise.api import FileProblem

__all__ = ["heart_series"]


def heart_series() -> Path:
    """Return the simulated heart that comes with Partwise."""
    path = Path(str(files("partwise_resources"))).joinpath("samples", "pet-heart.nii.gz")
    if not path.is_file():
        raise FileProblem(path, "is missing from this installation", fix="install Partwise again")
    return path


def _write(path: Path) -> None:
    """Write the sample: a heart box of the large heart, noise 0.5, and its BIDS-PET sidecar."""
    import importlib
    import json
    from typing import Any

    import numpy as np

    from partwise_pet.phantom import FRAMES, HALF_LIFE_S, make_phantom

    nibabel: Any = importlib.import_module("nibabel")
    scan = make_phantom("heart", seed=20, alpha=0.5)
    # The heart with a rim of lung and soft tissue, as a person would frame it.
    piece = scan.values[:, :, 11:37, 9:39]
    top = float(piece.max())
    raw = np.rint(piece / top * 32000).astype(np.int16)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = [-94.0 + 9 * 4, -94.0 + 11 * 4, -38.0]
    image = nibabel.Nifti1Image(raw.transpose(3, 2, 1, 0), affine)
    image.header.set_slope_inter(top / 32000, 0.0)
    image.header.set_xyzt_units("mm", "sec")
    nibabel.save(image, path)
    told = {
        "Modality": "PT",
        "TracerName": "FDG (simulated)",
        "TracerRadionuclide": "F18",
        "RadionuclideHalfLife": HALF_LIFE_S,
        "Units": "kBq/mL",
        "FrameTimesStart": FRAMES[:, 0].tolist(),
        "FrameDuration": (FRAMES[:, 1] - FRAMES[:, 0]).tolist(),
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
    }
    path.with_name("pet-heart.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    import sys

    _write(Path(sys.argv[1]))
