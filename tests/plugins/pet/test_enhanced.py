"""Enhanced PET: many slices in one file, each with its own place, time and scale."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset as Dicom
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from tests.plugins.pet.conftest import DURATIONS, STARTS

from partwise.api import FileProblem
from partwise_pet.dicom import load_dicom

SHAPE = (6, 3, 4, 5)
BEGUN = dt.datetime(2020, 3, 4, 23, 59, 30)
Change = Callable[[Any], None]


@pytest.fixture
def counts() -> Any:
    return np.random.default_rng(3).integers(0, 30000, SHAPE).astype(np.int16)


def one(**fields: Any) -> Any:
    """A sequence of one item."""
    item = Dicom()
    for name, value in fields.items():
        setattr(item, name, value)
    return Sequence([item])


def slope_of(k: int, z: int) -> float:
    return 0.25 * (1 + k) + 0.125 * z


def write(path: Path, counts: Any, frames: range, uid: str, change: Change | None = None) -> Path:
    """Write some frames of a series into one file, its slices in no order."""
    made: Any = Dicom()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.130"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
    made.SeriesInstanceUID, made.Modality, made.DecayCorrected = uid, "PT", "YES"
    _, nz, ny, nx = counts.shape
    made.Rows, made.Columns, made.NumberOfFrames = ny, nx, len(frames) * nz
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated = made.BitsStored = 16
    made.HighBit, made.PixelRepresentation = 15, 1
    drug = one(RadionuclideHalfLife="6586.2", RadionuclideTotalDose="370000000")
    drug[0].RadiopharmaceuticalStartDateTime = "20200304235915"
    made.RadiopharmaceuticalInformationSequence = drug
    shared = Dicom()
    shared.PlaneOrientationSequence = one(ImageOrientationPatient=[-1, 0, 0, 0, -1, 0])
    shared.PixelMeasuresSequence = one(PixelSpacing=[3, 2], SliceThickness=4)
    unit = one(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
    shared.RealWorldValueMappingSequence = one(MeasurementUnitsCodeSequence=unit)
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    groups, pixels = [], []
    order = np.random.default_rng(1).permutation(len(frames) * nz)
    for k, z in ((frames[i // nz], i % nz) for i in order):
        at = BEGUN + dt.timedelta(seconds=STARTS[k])
        own = Dicom()
        own.PlanePositionSequence = one(ImagePositionPatient=[0, 0, 4 * z])
        own.FrameContentSequence = one(
            FrameAcquisitionDateTime=f"{at:%Y%m%d%H%M%S.%f}",
            FrameAcquisitionDuration=1e3 * DURATIONS[k],
            TemporalPositionIndex=k + 1,
        )
        own.PixelValueTransformationSequence = one(
            RescaleSlope=f"{slope_of(k, z):.10g}", RescaleIntercept="0", RescaleType="US"
        )
        groups.append(own)
        pixels.append(counts[k, z].tobytes())
    made.PerFrameFunctionalGroupsSequence = Sequence(groups)
    made.PixelData = b"".join(pixels)
    if change is not None:
        change(made)
    made.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize("split", [False, True])
def test_an_enhanced_series_is_read_whole_or_file_by_file(
    tmp_path: Path, counts: Any, split: bool
) -> None:
    uid = generate_uid()
    parts = [range(k, k + 2) for k in range(0, 6, 2)] if split else [range(6)]
    paths = [write(tmp_path / f"{9 - p[0]}.dcm", counts, p, uid) for p in parts]
    dataset = load_dicom(paths[-1])
    slopes = np.array([[slope_of(k, z) for z in range(3)] for k in range(6)])
    want = counts * slopes[..., None, None]
    assert dataset.values is not None
    assert np.abs(dataset.values - want).max() <= 1e-5 * np.ptp(want)
    told: Any = dataset.meta["frames"]
    np.testing.assert_allclose(told, np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1))
    assert [abs(axis.step) for axis in dataset.axes[1:]] == pytest.approx([4, 3, 2])
    assert dataset.meta["orientation"] == "RAS"
    assert dataset.meta["unit"] == "Bq/mL"
    assert dataset.meta["decay_corrected"] is True
    assert dataset.meta["half_life_s"] == pytest.approx(6586.2)
    notes: Any = dataset.meta["notes"]
    assert any("15 s after the injection" in note for note in notes)


def _forget_places(made: Any) -> None:
    del made.PerFrameFunctionalGroupsSequence


def _forget_some(made: Any) -> None:
    made.PerFrameFunctionalGroupsSequence = made.PerFrameFunctionalGroupsSequence[:-1]


def _forget_one_place(made: Any) -> None:
    del made.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def _twice(made: Any) -> None:
    groups = made.PerFrameFunctionalGroupsSequence
    at = groups[0].FrameContentSequence[0].TemporalPositionIndex
    for own in groups:
        if own.FrameContentSequence[0].TemporalPositionIndex == at:
            own.PlanePositionSequence[0].ImagePositionPatient = [0, 0, 0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_forget_places, "holds many slices and does not say where each lies"),
        (_forget_some, "claims 18 slices and describes 17"),
        (_forget_one_place, "does not say where it lies"),
        (_twice, "or at other places|a slice twice"),
    ],
)
def test_what_an_enhanced_file_does_not_say_is_never_guessed(
    tmp_path: Path, counts: Any, change: Change, words: str
) -> None:
    path = write(tmp_path / "a.dcm", counts, range(6), generate_uid(), change)
    with pytest.raises(FileProblem, match=words):
        load_dicom(path)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_cut_enhanced_file_is_refused_by_name(tmp_path: Path, counts: Any, share: float) -> None:
    path = write(tmp_path / "a.dcm", counts, range(6), generate_uid())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileProblem) as caught:
        load_dicom(path)
    assert caught.value.path == path


def test_times_that_are_not_told_are_not_made_up(tmp_path: Path, counts: Any) -> None:
    def forget(made: Any) -> None:
        for own in made.PerFrameFunctionalGroupsSequence:
            del own.FrameContentSequence[0].FrameAcquisitionDuration

    path = write(tmp_path / "a.dcm", counts, range(6), generate_uid(), forget)
    assert load_dicom(path).meta["frames"] is None
