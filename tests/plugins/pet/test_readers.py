from __future__ import annotations

import datetime as dt
import errno
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from nibabel import ecat as library
from pydicom.dataset import Dataset as Dicom
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from tests.plugins.pet.conftest import DURATIONS, STARTS

from partwise.api import Axis, Cancelled, Dataset, FileProblem, LocalJob
from partwise.plugins.registry import load_registry
from partwise_pet.analysis import PetAnalysis
from partwise_pet.asked import PetParams
from partwise_pet.dicom import load_dicom, probe_dicom
from partwise_pet.ecat import load_ecat, probe_ecat
from partwise_pet.nifti import load_mask, load_nifti, probe_nifti
from partwise_pet.series import Settings, prepare
from partwise_pet.trustscan import placed_lines
from partwise_pet.volumes import orientation_of

Series = Callable[..., Path]
SHAPE = (6, 3, 4, 5)
UPRIGHT = np.diag([2.0, 3.0, 4.0, 1.0])


@pytest.fixture
def counts() -> Any:
    return np.random.default_rng(3).integers(0, 30000, SHAPE).astype(np.int16)


def write_ecat(
    path: Path,
    counts: Any,
    slope: float,
    lies: int = 8,
    starts: Any = STARTS,
    last: Any = DURATIONS,
) -> Path:
    """A big-endian ECAT 7 volume: header, and frames with a subheader each, 31 to a directory."""
    frames, nz, ny, nx = counts.shape
    head = np.zeros(1, np.dtype(library.hdr_dtype).newbyteorder(">"))[0]
    head["magic_number"], head["file_type"] = b"MATRIX72v", 7
    head["num_frames"], head["num_planes"] = frames, nz
    head["ecat_calibration_factor"], head["data_units"] = 1.0, b"Bq/ml"
    head["isotope_halflife"], head["patient_orientation"] = 6586.2, lies
    blocks = -(-counts[0].nbytes // 512)
    body, at = b"", 2  # the block, from 1, where the next directory begins
    for first in range(0, frames, 31):
        count = min(31, frames - first)
        after = at + 1 + count * (1 + blocks)
        mlist = np.zeros((32, 4), ">i4")
        mlist[0] = (31 - count, 2 if first + count == frames else after, 0, count)
        data = b""
        for k in range(first, first + count):
            begins = at + 1 + (k - first) * (1 + blocks)
            mlist[1 + k - first] = (0x1000001 + k, begins, begins + blocks, 1)
            sub = np.zeros(1, np.dtype(library.subhdr_dtype).newbyteorder(">"))[0]
            sub["data_type"], sub["num_dimensions"] = 6, 3
            sub["x_dimension"], sub["y_dimension"], sub["z_dimension"] = nx, ny, nz
            sub["x_pixel_size"], sub["y_pixel_size"], sub["z_pixel_size"] = 0.2, 0.3, 0.4
            sub["scale_factor"] = slope
            sub["frame_start_time"] = int(1e3 * starts[k])
            sub["frame_duration"] = int(1e3 * last[k])
            sub["decay_corr_fctr"] = 1.01
            data += sub.tobytes().ljust(512, b"\0")
            data += counts[k].astype(">i2").tobytes().ljust(512 * blocks, b"\0")
        body += mlist.tobytes() + data
        at = after
    path.write_bytes(head.tobytes().ljust(512, b"\0") + body)
    return path


def placed(affine: Any, count: int) -> tuple[list[float], list[float], list[list[float]]]:
    """As DICOM says it: directions of rows and columns, (down, across) mm, place of each slice."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, float)
    size = np.linalg.norm(lps[:3, :3], axis=0)
    spots = [lps[:3] @ (0, 0, z, 1) for z in range(count)]
    return (
        [float(f"{v:.14g}") for v in np.concatenate([lps[:3, 0] / size[0], lps[:3, 1] / size[1]])],
        [float(size[1]), float(size[0])],
        [[float(f"{v:.12g}") for v in spot] for spot in spots],
    )


def write_dicom(
    folder: Path, counts: Any, slope: Any, affine: Any = UPRIGHT, **fields: Any
) -> Path:
    """A series of one file per slice, in an order of names that says nothing.

    `slope` is one number or one per frame and slice; `affine` leads from indices x, y, z to mm to
    the right, to the front and to the head.
    """
    folder.mkdir(exist_ok=True)
    uid, begun = generate_uid(), dt.datetime(2020, 3, 4, 23, 59, 30)
    frames, nz, ny, nx = counts.shape
    names = np.random.default_rng(1).permutation(frames * nz)
    slopes = np.broadcast_to(np.asarray(slope, float), (frames, nz))
    turn, spacing, spots = placed(affine, nz)
    for k in range(frames):
        at = begun + dt.timedelta(seconds=STARTS[k])
        for z in range(nz):
            made: Any = Dicom()
            made.file_meta = FileMetaDataset()
            made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
            made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid()
            made.SOPClassUID, made.SeriesInstanceUID = "1.2.840.10008.5.1.4.1.1.128", uid
            made.Modality, made.Units, made.DecayCorrection = "PT", "BQML", "START"
            made.PatientWeight = "80"
            made.AcquisitionDate, made.AcquisitionTime = f"{at:%Y%m%d}", f"{at:%H%M%S.%f}"
            made.ActualFrameDuration = str(int(1e3 * DURATIONS[k]))
            made.FrameReferenceTime = str(1e3 * (STARTS[k] + DURATIONS[k] / 2))
            made.ImageOrientationPatient, made.ImagePositionPatient = turn, spots[z]
            made.PixelSpacing, made.SliceThickness = spacing, 4
            made.Rows, made.Columns = ny, nx
            made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
            made.BitsAllocated = made.BitsStored = 16
            made.HighBit, made.PixelRepresentation = 15, 1
            made.RescaleSlope, made.RescaleIntercept = f"{slopes[k, z]:.10g}", "0"
            drug: Any = Dicom()
            drug.RadionuclideHalfLife, drug.RadionuclideTotalDose = "6586.2", "370000000"
            drug.RadiopharmaceuticalStartTime = "235915"
            made.RadiopharmaceuticalInformationSequence = [drug]
            made.PixelData = counts[k, z].tobytes()
            made.ImageIndex, made.NumberOfSlices = k * nz + z + 1, nz
            for name, value in fields.items():
                setattr(made, name, value(k) if callable(value) else value)
            made.save_as(folder / f"im{names[k * nz + z]:04d}.dcm", enforce_file_format=True)
    return folder / "im0000.dcm"


def test_the_same_voxels_from_all_three_formats(
    tmp_path: Path, series: Series, counts: Any
) -> None:
    slope = 0.37
    nifti = series(sidecar=True, values=counts.astype(np.float32) * slope)
    image: Any = nibabel.Nifti1Image(counts.transpose(3, 2, 1, 0), np.diag([2.0, 3, 4, 1]))
    image.header.set_slope_inter(slope, 0)
    nibabel.save(image, nifti)
    found = [
        load_nifti(nifti),
        load_ecat(write_ecat(tmp_path / "scan.v", counts, slope)),
        load_dicom(write_dicom(tmp_path / "dicom", counts, slope)),
    ]
    # What was read with a file counts as input: its sidecar, the other slices of its series.
    assert [len(dataset.beside) for dataset in found] == [1, 0, SHAPE[0] * SHAPE[1] - 1]
    want = counts * slope
    for dataset in found:
        assert dataset.values is not None
        assert dataset.values.shape == SHAPE
        assert np.abs(dataset.values - want).max() <= 1e-5 * np.ptp(want)
        told: Any = dataset.meta["frames"]
        np.testing.assert_allclose(told, np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1))
        assert dataset.meta["half_life_s"] == pytest.approx(6586.2)
        assert dataset.meta["decay_corrected"] is True
        assert [abs(axis.step) for axis in dataset.axes[1:]] == pytest.approx([4, 3, 2])
        # How a body lies that the file calls "unknown" is not made up.
        assert dataset.meta["orientation"] == ("" if dataset.title == "scan.v" else "RAS")


def test_facts_of_the_injection_come_from_dicom(tmp_path: Path, counts: Any) -> None:
    meta = load_dicom(write_dicom(tmp_path / "d", counts, 1.0)).meta
    assert meta["dose_bq"] == 370e6
    assert meta["weight_kg"] == 80
    assert meta["unit"] == "Bq/mL"
    notes: Any = meta["notes"]
    assert any("15 s after the injection" in note for note in notes)


def test_a_missing_slice_is_told(tmp_path: Path, counts: Any) -> None:
    path = write_dicom(tmp_path / "d", counts, 1.0)
    other = next(p for p in sorted(path.parent.iterdir()) if p != path)
    other.unlink()
    with pytest.raises(FileProblem, match="has 2 slices of 3"):
        load_dicom(path)


def test_what_is_no_dynamic_pet_is_refused(tmp_path: Path, counts: Any, series: Series) -> None:
    with pytest.raises(FileProblem, match="no PET image"):
        load_dicom(write_dicom(tmp_path / "ct", counts, 1.0, Modality="CT"))
    with pytest.raises(FileProblem, match="one frame"):
        load_dicom(write_dicom(tmp_path / "one", counts[:1], 1.0))
    with pytest.raises(FileProblem, match="no dynamic series"):
        load_nifti(series(values=counts[:1].astype(np.float32), sidecar=False))


def test_missing_durations_leave_the_times_unknown(tmp_path: Path, counts: Any) -> None:
    path = write_dicom(tmp_path / "d", counts, 1.0, ActualFrameDuration=None)
    assert load_dicom(path).meta["frames"] is None


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.9])
def test_cut_files_are_refused_by_name(
    tmp_path: Path, series: Series, counts: Any, share: float
) -> None:
    nifti = series(name="whole.nii")
    packed = series(name="packed.nii.gz")
    ecat = write_ecat(tmp_path / "scan.v", counts, 1.0)
    for path, load in ((nifti, load_nifti), (packed, load_nifti), (ecat, load_ecat)):
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(FileProblem) as caught:
            load(path)
        assert caught.value.path == path
    slices = write_dicom(tmp_path / "d", counts, 1.0)
    whole = slices.read_bytes()
    slices.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(FileProblem):
        load_dicom(slices)


def test_values_that_are_no_numbers_are_refused(series: Series) -> None:
    values = np.ones(SHAPE, np.float32)
    values[2, 1, 1, 1] = np.nan
    with pytest.raises(FileProblem, match="NaN or infinite\\) in frame 3"):
        load_nifti(series(values=values))


def test_claims_of_a_huge_series_are_refused_before_memory_is_asked_for(
    tmp_path: Path, counts: Any
) -> None:
    path = write_ecat(tmp_path / "scan.v", counts, 1.0)
    data = bytearray(path.read_bytes())
    for k in range(SHAPE[0]):
        blocks = -(-counts[0].nbytes // 512)
        at = (2 + k * (1 + blocks)) * 512
        sub = np.frombuffer(data, np.dtype(library.subhdr_dtype).newbyteorder(">"), 1, at).copy()
        sub["x_dimension"] = sub["y_dimension"] = 30_000
        data[at : at + sub.nbytes] = sub.tobytes()
    path.write_bytes(bytes(data))
    with pytest.raises(FileProblem, match="ends before its last frame"):
        load_ecat(path)


def test_the_surest_reader_is_the_right_one(tmp_path: Path, series: Series, counts: Any) -> None:
    ecat = write_ecat(tmp_path / "scan.v", counts, 1.0)
    dicom = write_dicom(tmp_path / "d", counts, 1.0)
    bare = dicom.rename(dicom.with_suffix(""))
    registry = load_registry(safe_mode=True)
    for path in (series(), series(name="plain.nii"), ecat, bare):
        assert registry.recognise(path)[0][1].id == "pet", path
    assert probe_ecat(ecat) > probe_nifti(ecat)
    assert probe_dicom(bare) > 0.5


def test_orientation_is_named_and_never_made_up() -> None:
    assert orientation_of(np.diag([-2.0, -3.0, 4.0, 1.0])) == "LPS"
    turned = np.eye(4)[:, [2, 0, 1, 3]]
    assert sorted(orientation_of(turned)) == sorted("RAS")
    assert orientation_of(np.zeros((4, 4))) == ""


def test_a_packed_series_is_checked_to_its_end(series: Series) -> None:
    """A bit that fell over while a file was copied changes a voxel, and no length."""
    path = series(np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.int16))
    whole = path.read_bytes()
    broken = bytearray(gzip.decompress(whole))
    broken[-7] ^= 64
    packed = gzip.compress(bytes(broken), mtime=0)
    path.write_bytes(packed[:-8] + whole[-8:])
    with pytest.raises(FileProblem, match="damaged or cut"):
        load_nifti(path)
    path.write_bytes(whole[:-4])
    with pytest.raises(FileProblem, match="damaged or cut"):
        load_nifti(path)
    path.write_bytes(whole + b"what a shipper hung on")
    assert load_nifti(path).values is not None


@pytest.mark.parametrize("ending", ["hdr", "img"])
def test_a_header_by_itself_is_read_with_its_sidecar(
    ending: str, series: Series, tmp_path: Path
) -> None:
    image: Any = nibabel.load(series())
    nibabel.save(nibabel.Nifti1Pair(np.asarray(image.dataobj), image.affine), tmp_path / "scan.img")
    path = tmp_path / f"scan.{ending}"
    _, dataset = load_registry(safe_mode=True).open(path)
    assert dataset.meta["frames"] is not None
    assert len(dataset.beside) == 2


@pytest.mark.parametrize("nuclide", ["18F", "F18", "F-18"])
@pytest.mark.parametrize("half", [None, "6586.2", 109.8])
def test_the_half_life_is_that_of_the_nuclide(nuclide: str, half: Any, series: Series) -> None:
    path = series(TracerRadionuclide=nuclide, RadionuclideHalfLife=half)
    meta = load_nifti(path).meta
    assert meta["half_life_s"] == pytest.approx(6586.2, rel=1e-3)
    assert ("that of F18" in str(meta["notes"])) == (half == 109.8)


def test_a_mask_must_fit(series: Series, tmp_path: Path) -> None:
    labels = np.zeros((3, 4, 5), np.int16)
    labels[1, 2, 3] = 2
    image: Any = nibabel.Nifti1Image(labels.transpose(2, 1, 0), np.eye(4))
    path = tmp_path / "labels.nii"
    nibabel.save(image, path)
    np.testing.assert_array_equal(load_mask(path, (3, 4, 5))[0], labels)
    with pytest.raises(FileProblem, match="5 × 4 × 3 voxels, the series 6 × 4 × 3"):
        load_mask(path, (3, 4, 6))


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1)])
def test_a_mask_stored_from_another_side_lies_where_it_was_drawn(
    axes: tuple[int, ...], flips: tuple[int, ...], tmp_path: Path
) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (5, 4, 3)).astype(np.int16)
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 7, -5, 3
    image: Any = nibabel.Nifti1Image(labels, affine)
    path = tmp_path / "labels.nii"
    nibabel.save(image.as_reoriented(np.array([axes, flips]).T), path)
    found, note = load_mask(path, (3, 4, 5), affine.tolist())
    np.testing.assert_array_equal(found, labels.T)
    assert not note


def test_a_mask_that_lies_elsewhere_is_told(series: Series, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    scan = load_nifti(series(1 + rng.random((6, 3, 4, 5)).astype(np.float32)))
    mask, affine = np.ones((5, 4, 3), np.int16), np.diag([-2.0, 3.0, 4.0, 1.0])
    path = tmp_path / "mask.nii"
    nibabel.save(nibabel.Nifti1Image(mask, affine), path)
    ready = prepare(scan, Settings(mask=str(path)), 2, LocalJob())
    assert "up to 16 mm from the series" in ready.misplaced[0]
    assert placed_lines(ready)[0].verdict == "look"
    nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), path)  # as written without a thought
    assert not prepare(scan, Settings(mask=str(path)), 2, LocalJob()).misplaced


def test_labels_that_were_mixed_are_refused_and_a_mask_of_fractions_is_not(tmp_path: Path) -> None:
    mixed = np.zeros((5, 4, 3), np.float32)
    mixed[1, 1, 1], mixed[2, 2, 2] = 1.0, 0.7
    path = tmp_path / "mixed.nii"
    nibabel.save(nibabel.Nifti1Image(mixed, UPRIGHT), path)
    assert int(load_mask(path, (3, 4, 5))[0].sum()) == 2
    with pytest.raises(FileProblem, match=r"holds 0\.7 where labels are whole"):
        load_mask(path, (3, 4, 5), labels=True)


def test_pydicom_is_not_needed_to_recognise_a_file(tmp_path: Path) -> None:
    path = tmp_path / "odd.dcm"
    path.write_bytes(b"\0" * 200)
    assert 0 < probe_dicom(path) < 0.1
    assert pydicom.__version__


@pytest.mark.parametrize("name", ["packed.nii.gz", "plain.nii"])
def test_a_large_series_lies_on_disk_and_reads_the_same(
    series: Series, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = series(name=name)
    small = load_nifti(path).values
    monkeypatch.setattr("partwise_pet.volumes._IN_MEMORY", 100)
    mapped = load_nifti(path).values
    assert isinstance(mapped, np.memmap)
    own: Any = mapped.filename
    assert own == (path if name == "plain.nii" else None), "mapped as it is where plain"
    np.testing.assert_array_equal(mapped, small)


def test_a_full_disk_is_told(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = series()
    monkeypatch.setattr("partwise_pet.volumes._IN_MEMORY", 100)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(FileProblem, match="temporary file \\(No space left") as caught:
        load_nifti(path)
    assert "free some room" in caught.value.fix


def test_a_series_without_sizes_or_places_is_refused_or_told(
    tmp_path: Path, series: Series, counts: Any
) -> None:
    path = write_dicom(tmp_path / "d", counts, 1.0)
    for each in path.parent.iterdir():
        head = pydicom.dcmread(each)
        del head.Rows
        head.save_as(each)
    with pytest.raises(FileProblem, match="lack what a series needs"):
        load_dicom(path)
    lost = series(name="lost.nii")
    data = bytearray(lost.read_bytes())
    data[280:296] = np.full(4, np.nan, "<f4").tobytes()  # the first row of the sform
    lost.write_bytes(bytes(data))
    dataset = load_nifti(lost)
    assert np.isfinite([axis.step for axis in dataset.axes]).all()


def test_reading_tells_how_far_it_is_and_leaves_when_asked(series: Series, counts: Any) -> None:
    said: list[float] = []
    dicom = write_dicom(series().parent / "d", counts, 1.0)
    ecat = write_ecat(series().parent / "scan.v", counts, 1.0)
    registry = load_registry(safe_mode=True)
    for path in (series(), dicom, ecat):
        said.clear()
        registry.open(path, job=LocalJob(on_report=lambda fraction, _: said.append(fraction)))
        assert len(said) >= SHAPE[0]
        assert max(said) < 1
        stopped = LocalJob(is_cancelled=lambda: len(said) > 2)
        with pytest.raises(Cancelled):
            registry.open(path, job=stopped)


def test_frames_of_one_acquisition_time_are_told_apart_by_their_reference_times(
    tmp_path: Path, counts: Any
) -> None:
    same: dict[str, Any] = {"AcquisitionTime": "120000", "AcquisitionDate": "20200304"}
    dataset = load_dicom(write_dicom(tmp_path / "a", counts, 1.0, **same))
    assert dataset.values is not None
    np.testing.assert_array_equal(dataset.values, counts)
    np.testing.assert_allclose(
        np.array(dataset.meta["frames"]), np.stack([STARTS, np.add(STARTS, DURATIONS)], axis=1)
    )
    notes: Any = dataset.meta["notes"]
    assert any("taken one after another" in note for note in notes)
    # Counted images tell frames apart as well, and say nothing of when they were taken.
    dataset = load_dicom(write_dicom(tmp_path / "b", counts, 1.0, **same, FrameReferenceTime=None))
    np.testing.assert_array_equal(dataset.values, counts)
    assert dataset.meta["frames"] is None
    # A gap that the reference times show is not filled.
    late: Any = lambda k: str(1e3 * (STARTS[k] + DURATIONS[k] / 2 + (500 if k > 3 else 0)))  # noqa: E731
    dataset = load_dicom(write_dicom(tmp_path / "c", counts, 1.0, **same, FrameReferenceTime=late))
    assert dataset.meta["frames"] is None


def test_a_region_of_a_large_series_asks_for_the_memory_of_the_region() -> None:
    values = np.broadcast_to(np.float32(1), (40, 100, 256, 256))  # takes no room itself
    axes = tuple(Axis(name, size) for name, size in zip("tzyx", values.shape, strict=True))
    dataset = Dataset("volume", "large", axes, values=values)
    analysis = PetAnalysis()
    whole = analysis.memory(dataset, PetParams())
    heart = analysis.memory(dataset, PetParams(region="box 100:150 100:150 30:60"))
    assert whole == 32 * values.size
    assert values.size * 4 < heart < 1.2 * 4 * values.size


def test_an_hour_of_frames_in_ecat_lies_in_two_directories(tmp_path: Path) -> None:
    counts = np.random.default_rng(5).integers(0, 30000, (42, 2, 3, 4)).astype(np.int16)
    starts, last = 10.0 * np.arange(42), np.full(42, 10.0)
    dataset = load_ecat(write_ecat(tmp_path / "hour.v", counts, 0.5, 8, starts, last))
    assert dataset.values is not None
    np.testing.assert_array_equal(dataset.values, counts * np.float32(0.5))
    np.testing.assert_allclose(np.array(dataset.meta["frames"])[:, 0], starts)
