"""How long does it take to read a huge series, and in how much memory? Ours beside nibabel.

    python tests/bench/pet_reading.py [--small] [--folder FOLDER]

Writes 256 × 256 × 100 voxels × 40 frames of float32 (1 GB), plain and packed, once with a scale,
and reads each in a process of its own. Peak memory is what the system says of that process
(ru_maxrss); pages of mapped files count in it, and are given back when others need the room.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

LARGE, SMALL = (40, 100, 256, 256), (20, 40, 96, 96)


def main() -> None:
    """Write the series, read them with both, print a table."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n\n", maxsplit=1)[0])
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    shape = SMALL if asked.small else LARGE
    if asked.read:
        _read(asked.read[0], Path(asked.read[1]))
        return
    if asked.write:
        _write(asked.write, shape)
        return
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        # Elsewhere: a process begins with the peak of the one that started it.
        _ran("--write", folder, *(["--small"] if asked.small else []))
        paths = [Path(folder) / name for name in ("plain.nii", "scaled.nii", "plain.nii.gz")]
        print(f"{' × '.join(map(str, shape[::-1]))} values, {4 * np.prod(shape) / 1e9:.2f} GB")
        print(f"{'file':<14}{'reader':<10}{'seconds':>9}{'peak, MB':>10}")
        for path in paths:
            for reader in ("partwise", "nibabel"):
                seconds, peak = _measured(reader, path)
                print(f"{path.name:<14}{reader:<10}{seconds:>9.1f}{peak:>10.0f}")


def _write(folder: Path, shape: tuple[int, int, int, int]) -> None:
    import nibabel

    rng = np.random.default_rng(0)
    base = np.round(rng.gamma(2, 1, shape[1:]) * 50) / 50
    plain, scaled = folder / "plain.nii", folder / "scaled.nii"
    for path, kind, slope in ((plain, np.float32, 1.0), (scaled, np.int16, 0.01)):
        head: Any = nibabel.Nifti1Header()
        head.set_data_dtype(kind)
        head.set_data_shape(shape[::-1])
        head.set_sform(np.diag([1.2, 1.2, 2, 1]), 1)
        head["vox_offset"], head["magic"] = 352, b"n+1"
        head["scl_slope"], head["scl_inter"] = slope, 0
        with path.open("wb") as file:
            file.write(bytes(head.structarr.tobytes()).ljust(352, b"\0"))
            for k in range(shape[0]):
                frame = np.roll(base, k, 0) * np.exp(-k / 20)
                file.write((frame / slope).astype(kind).tobytes())
    packed = folder / "plain.nii.gz"
    with plain.open("rb") as source, gzip.open(packed, "wb", 1) as target:
        shutil.copyfileobj(source, target, 1 << 22)
    times = [60.0 * k for k in range(shape[0])]
    told = json.dumps({"FrameTimesStart": times, "FrameDuration": [60.0] * shape[0]})
    for path in (plain, scaled):
        path.with_suffix(".json").write_text(told, "utf-8")


def _measured(reader: str, path: Path) -> tuple[float, float]:
    told = _ran("--read", reader, str(path)).split()
    return float(told[0]), float(told[1])


def _ran(*arguments: str) -> str:
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _read(reader: str, path: Path) -> None:
    import nibabel

    from partwise_pet.nifti import load_nifti

    began = time.perf_counter()
    if reader == "partwise":
        values = load_nifti(path).values
    else:
        image: Any = nibabel.load(path)
        values = image.get_fdata(dtype=np.float32)
    assert values is not None
    assert values.ndim == 4
    seconds = time.perf_counter() - began
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(seconds, kilobytes / (1e6 if sys.platform == "darwin" else 1024))


if __name__ == "__main__":
    main()
