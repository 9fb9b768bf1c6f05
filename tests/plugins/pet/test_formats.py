"""One simulated scan in every format, stored every way round: the same voxels, the same sides."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel import ecat as library
from pydicom.uid import generate_uid
from tests.plugins.pet.conftest import DURATIONS, STARTS
from tests.plugins.pet.test_enhanced import slope_of
from tests.plugins.pet.test_enhanced import write as write_enhanced
from tests.plugins.pet.test_readers import Series, placed, write_dicom, write_ecat

from partwise.api import Dataset
from partwise_pet.dicom import load_dicom
from partwise_pet.ecat import load_ecat
from partwise_pet.nifti import load_nifti
from partwise_pet.phantom import make_phantom

SIZES = np.array([2.0, 3.0, 4.5])  # mm: no two alike
NEAR = 1e-5  # of the range of the values


@cache
def scan() -> tuple[Any, Any, Any]:
    """Counts (frames, z, y, x), a slope for each frame and slice, and what both amount to."""
    frames = np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1)
    made = make_phantom("small", seed=3, alpha=0.5, frames=frames)
    piece = made.values[:, 6:11, 14:25, 20:29].astype(np.float64)
    slopes = np.array([[slope_of(k, z) for z in range(5)] for k in range(len(piece))]) / 500
    counts = np.rint(piece / slopes[..., None, None]).astype(np.int16)
    return counts, slopes, counts * slopes[..., None, None]


def turned(name: str) -> Any:
    """Affines that scanners and converters write: upright, mirrored, sagittal, oblique."""
    sizes = np.diag([*SIZES, 1.0])
    if name == "oblique":
        a, b = np.radians([17.0, -11.0])
        about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        turn = about_z @ about_x
    else:
        letters = {"R": (1, 0, 0), "A": (0, 1, 0), "S": (0, 0, 1)}
        letters |= {"L": (-1, 0, 0), "P": (0, -1, 0), "I": (0, 0, -1)}
        turn = np.array([letters[letter] for letter in name], float).T
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn @ sizes[:3, :3], (-31.5, 12.25, 40.0)
    return affine


def in_place_of(dataset: Dataset, affine: Any, shape: tuple[int, int, int]) -> Any:
    """The values of a dataset where the voxels of a grid lie in the body."""
    z, y, x = np.indices(shape).reshape(3, -1)
    spots = affine @ np.stack([x, y, z, np.ones_like(x)])
    back = np.linalg.inv(np.array(dataset.meta["affine"])) @ spots
    index = np.rint(back[:3]).astype(int)
    assert np.abs(back[:3] - index).max() < 1e-3, "the grids fall together"
    assert dataset.values is not None
    return dataset.values[:, index[2], index[1], index[0]].reshape(-1, *shape)


def check(dataset: Dataset, affine: Any) -> None:
    _, _, want = scan()
    found = in_place_of(dataset, affine, want.shape[1:])
    assert np.abs(found - want).max() <= NEAR * np.ptp(want)
    told: Any = dataset.meta["frames"]
    np.testing.assert_allclose(told, np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1))
    own = np.array(dataset.meta["affine"])
    for column, letter in enumerate(str(dataset.meta["orientation"])):
        assert (own["RLAPSI".index(letter) // 2, column] > 0) == (letter in "RAS")
    notes: Any = dataset.meta["notes"]
    tilted = affine[0, 1] != 0 and affine[0, 0] != 0
    assert any("oblique to the body" in note for note in notes) == tilted


@pytest.mark.parametrize("name", ["RAS", "LPS", "RAI", "PIR", "SAL", "oblique"])
def test_voxels_and_sides_are_the_same_from_every_format(
    tmp_path: Path, series: Series, name: str
) -> None:
    counts, slopes, want = scan()
    affine = turned(name)
    nifti = series(values=want)
    nibabel.save(nibabel.Nifti1Image(want.astype(np.float32).transpose(3, 2, 1, 0), affine), nifti)
    check(load_nifti(nifti), affine)

    check(load_dicom(write_dicom(tmp_path / "classic", counts, slopes, affine)), affine)

    def place(made: Any) -> None:
        turn, spacing, spots = placed(affine, counts.shape[1])
        shared = made.SharedFunctionalGroupsSequence[0]
        shared.PlaneOrientationSequence[0].ImageOrientationPatient = turn
        shared.PixelMeasuresSequence[0].PixelSpacing = spacing
        for own in made.PerFrameFunctionalGroupsSequence:
            spot = own.PlanePositionSequence[0]
            spot.ImagePositionPatient = spots[round(float(spot.ImagePositionPatient[2]) / 4)]
            scale = own.PixelValueTransformationSequence[0]
            scale.RescaleSlope = f"{float(scale.RescaleSlope) / 500:.10g}"

    path = write_enhanced(tmp_path / "enhanced.dcm", counts, range(6), generate_uid(), place)
    check(load_dicom(path), affine)


@pytest.mark.parametrize(("lies", "letters"), [(2, "RAS"), (3, "RAS"), (1, ""), (8, "")])
def test_ecat_reads_as_its_library_does_and_makes_up_no_side(
    tmp_path: Path, lies: int, letters: str
) -> None:
    counts, slopes, _ = scan()
    path = write_ecat(tmp_path / "scan.v", counts, slopes[0, 0], lies)
    dataset = load_ecat(path)
    with path.open("rb") as file:
        holder = nibabel.fileholders.FileHolder(fileobj=file)
        image: Any = library.EcatImage.from_file_map({"header": holder, "image": holder})
        want = np.asarray(image.dataobj).transpose(3, 2, 1, 0)
    assert dataset.values is not None
    assert np.abs(dataset.values - want).max() <= NEAR * np.ptp(want)
    assert np.ptp(want) == pytest.approx(np.ptp(counts.astype(float)) * slopes[0, 0])
    assert dataset.meta["orientation"] == letters
    notes: Any = dataset.meta["notes"]
    assert any("left and right are not marked" in note for note in notes) == (letters == "")


def test_a_nifti_without_directions_has_no_sides(series: Series) -> None:
    path = series(name="lost.nii")
    data = bytearray(path.read_bytes())
    data[252:256] = bytes(4)  # qform_code and sform_code
    path.write_bytes(bytes(data))
    dataset = load_nifti(path)
    assert dataset.meta["orientation"] == ""
    assert [abs(axis.step) for axis in dataset.axes[1:]] == pytest.approx([4, 3, 2])
    notes: Any = dataset.meta["notes"]
    assert any("which way round" in note for note in notes)
