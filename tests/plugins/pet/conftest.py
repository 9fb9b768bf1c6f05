from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

STARTS = [0.0, 5.0, 10.0, 20.0, 40.0, 100.0]
DURATIONS = [5.0, 5.0, 10.0, 20.0, 60.0, 120.0]


@pytest.fixture
def series(tmp_path: Path) -> Callable[..., Path]:
    """Write a NIfTI series of six frames, with a sidecar unless told otherwise."""

    def write(
        values: Any = None, sidecar: Any = True, name: str = "scan.nii.gz", **fields: Any
    ) -> Path:
        if values is None:
            rng = np.random.default_rng(0)
            values = rng.random((6, 3, 4, 5)).astype(np.float32)
        affine = np.diag([2.0, 3.0, 4.0, 1.0])
        image: Any = nibabel.Nifti1Image(np.asarray(values).transpose(3, 2, 1, 0), affine)
        image.header.set_xyzt_units("mm", "sec")
        path = tmp_path / name
        nibabel.save(image, path)
        beside = path.with_name(name.removesuffix(".gz").removesuffix(".nii") + ".json")
        if isinstance(sidecar, str):
            beside.write_text(sidecar, "utf-8")
        elif sidecar:
            told = {
                "FrameTimesStart": STARTS,
                "FrameDuration": DURATIONS,
                "Units": "Bq/mL",
                "RadionuclideHalfLife": 6586.2,
                "ImageDecayCorrected": True,
                **fields,
            }
            kept = {key: value for key, value in told.items() if value is not None}
            beside.write_text(json.dumps(kept), "utf-8")
        return path

    return write
