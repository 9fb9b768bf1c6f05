from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from partwise.api import Dataset, InputProblem, LocalJob, Part, Result
from partwise.cli import main
from partwise.params import parse
from partwise.plugins.registry import load_registry
from partwise_pet.analysis import PetAnalysis
from partwise_pet.export import write_curves, write_images
from partwise_pet.nifti import load_nifti
from partwise_pet.samples import heart_series


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """The middle of the sample: all four parts in a third of its voxels."""
    whole = load_nifti(heart_series())
    assert whole.values is not None
    values = np.ascontiguousarray(whole.values[:, 5:15, 2:24, 1:29])
    axes = tuple(
        replace(axis, size=size) for axis, size in zip(whole.axes, values.shape, strict=True)
    )
    return replace(whole, values=values, axes=axes)


def run(dataset: Dataset, job: Any = None, **texts: str) -> Result:
    params = parse(PetAnalysis.Params, {"rank": "4", "doubt": "off", **texts})
    return PetAnalysis().run(dataset, params, job or LocalJob())


@pytest.fixture(scope="module")
def result(dataset: Dataset) -> Result:
    return run(dataset, doubt="on")


def line(result: Result, check: str) -> Any:
    return next(each for each in result.trust if each.check == check)


def test_views_stand_in_the_order_of_a_reading_and_blur_is_told(result: Result) -> None:
    tabs = [view.options["tab"] for view in result.views]
    assert tabs == ["Slices", "Curves", "Input function", "Patlak", "Ki map", "VT map"]
    patlak = result.views[3]
    tissues = [part for part in result.parts if not part.facts["blood"]]
    assert patlak.options["colors"] == [part.color for part in tissues]
    (mark,) = patlak.options["marks"]
    assert patlak.arrays["x"].min() < mark["x"] < patlak.arrays["x"].max()
    widths = result.facts["blur_mm"]
    assert len(widths) == 2
    assert line(result, "blur").text


def test_the_sample_gives_blood_and_tissue_with_names_and_doubt(result: Result) -> None:
    assert [part.name for part in result.parts[:3]] == [
        "Arterial blood",
        "Venous blood",
        "Retention",
    ]
    assert sum(part.share for part in result.parts) == pytest.approx(1)
    assert line(result, "blood").verdict == "good"
    # Without a click the fit alone never settles how late blood goes on; it is always said.
    assert line(result, "uniqueness").verdict in ("look", "bad")
    assert "blood −" in line(result, "uniqueness").text
    assert line(result, "use").text == "Research use, not diagnostic"
    assert "not believed" in line(result, "timing").detail
    ki = [m for m in result.measures if m.name == "Ki, Retention, factor"]
    assert ki[0].value == pytest.approx(0.0443, rel=0.06)
    # Its band stands beside it wherever it is read: measure, table and trust card.
    (row,) = [r for r in result.tables[0].rows if r[0] == "Retention"]
    band = str(row[result.tables[0].columns.index("Ki, band")])
    low, high = (float(word) for word in band.split(" to "))
    assert low < 0.0443 < high
    assert f"Band: {band}" in ki[0].meaning
    assert f"from {low:.3g} to {high:.3g}" in line(result, "ki").text
    assert ki[0].unit == "mL/cm³/min"


def test_naive_settings_are_told_not_to_be_used(dataset: Dataset) -> None:
    naive = run(dataset, overlap="0", weighting="none")
    blood = line(naive, "blood")
    assert naive.fit.explained > 0.9
    assert blood.verdict == "bad"
    assert blood.text.startswith("Do not use this blood curve")
    ki = [m for m in naive.measures if m.name.startswith("Ki")]
    assert all("as the factor's own curve fails" in m.meaning for m in ki)


def test_views_carry_no_second_copy_of_the_series(result: Result, dataset: Dataset) -> None:
    assert dataset.values is not None
    for view in result.views:
        assert all(array.size < dataset.values.size / 10 for array in view.arrays.values())
    kinds = [view.kind for view in result.views]
    assert kinds[0] == "volume"
    assert "curves" in kinds
    curves = next(view for view in result.views if view.kind == "curves")
    assert curves.arrays["low"].shape == curves.arrays["y"].shape
    assert curves.axes[0].unit == "min"
    assert curves.axes[1].unit == "kBq/mL"


def test_region_and_points_do_what_they_say(dataset: Dataset) -> None:
    small = run(dataset, region="box 3:25 2:22 1:9", points="1@19,11,4 2@8,11,4")
    assert small.facts["voxels"] <= 22 * 20 * 8
    first: Any = small.parts[0].course
    volume = first.reshape(dataset.values.shape[1:])  # type: ignore[union-attr]  # read above
    assert volume[0].max() == 0
    # Anchors keep their numbers: the first click is in the left ventricle.
    assert small.parts[0].name == "Arterial blood"
    assert small.parts[1].name == "Venous blood"
    assert volume[4, 11, 19] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"region": "box 0:1 0:1 0:1"}, "1 voxels, too few"),
        ({"region": "box 40:50 0:1 0:1"}, "holds no voxel"),
        ({"points": "9@1,1,1"}, "names factor 9 of 4"),
        ({"points": "1@1,1,99"}, "lies outside"),
        ({"points": "1@5,5,5 2@5,5,6"}, "share a voxel"),
        ({"negative": "refuse"}, "are below zero"),
        ({"input": "samples"}, "none are given"),
        ({"suv": "on"}, "SUV needs"),
    ],
)
def test_what_cannot_be_done_is_refused(
    dataset: Dataset, texts: dict[str, str], words: str
) -> None:
    with pytest.raises(InputProblem) as caught:
        run(dataset, **texts)
    assert words in str(caught.value)


def test_what_rests_on_the_width_of_the_blur_is_told(result: Result) -> None:
    told = line(result, "ki-blur")
    assert "retention would be −" in told.text
    assert "+" in told.text
    # By how much, and for which widths, around the one that was taken.
    middle = result.facts["blur_mm"][0]
    assert f"for {middle - 1.5:.1f} mm (FWHM)" in told.detail
    assert f"for {middle + 1.5:.1f} mm" in told.detail
    assert 0 < told.value < 0.3


@pytest.mark.parametrize("rank", ["auto", "3"])
def test_a_series_in_which_nothing_differs_is_refused_in_its_own_words(
    dataset: Dataset, rank: str
) -> None:
    assert dataset.values is not None
    one = np.arange(1.0, 1 + len(dataset.values), dtype=np.float32)[:, None, None, None]
    for values in (np.full_like(dataset.values, 3.0), one * np.ones_like(dataset.values)):
        with pytest.raises(InputProblem, match="one and the same curve"):
            run(replace(dataset, values=values), rank=rank)


def test_too_few_curves_for_the_factors_are_told(dataset: Dataset) -> None:
    assert dataset.values is not None
    rng = np.random.default_rng(0)
    curves = rng.random((2, len(dataset.values)))
    shares = rng.random((2, *dataset.values.shape[1:]))
    values = np.tensordot(curves.T, shares, 1).astype(np.float32)
    with pytest.raises(InputProblem, match="fewer than 5 curves"):
        run(replace(dataset, values=values), rank="5")


def test_a_locked_curve_stays_to_the_last_bit(dataset: Dataset, result: Result) -> None:
    kept = result.parts[0]
    again = run(dataset, LocalJob(kept=(kept,)))
    np.testing.assert_array_equal(again.parts[0].profile, kept.profile)
    assert (again.parts[0].key, again.parts[0].color) == (kept.key, kept.color)
    assert len({part.key for part in again.parts}) == 4


def test_a_run_goes_on_from_where_it_stood(dataset: Dataset, result: Result) -> None:
    job = LocalJob(start=result.parts)
    again = run(dataset, job)
    for mine, theirs in zip(again.parts, result.parts, strict=True):
        like = np.corrcoef(mine.profile, theirs.profile)[0, 1]
        assert like > 0.99


def test_parts_are_seen_while_they_emerge(dataset: Dataset) -> None:
    seen: list[tuple[Part, ...]] = []
    run(dataset, LocalJob(on_snapshot=lambda parts, trace: seen.append(parts)))
    assert seen
    assert all(part.course is not None for part in seen[0])


def test_decay_is_corrected_where_the_file_says_it_was_not(dataset: Dataset) -> None:
    assert dataset.values is not None
    frames = np.array(dataset.meta["frames"])
    rate = np.log(2) / 6586.2
    factor = (np.exp(-rate * frames[:, 0]) - np.exp(-rate * frames[:, 1])) / (
        rate * (frames[:, 1] - frames[:, 0])
    )
    faded = Dataset(
        "volume",
        "faded",
        dataset.axes,
        values=(dataset.values * factor[:, None, None, None]).astype(np.float32),
        meta={**dataset.meta, "decay_corrected": False},
    )
    plain, mended = run(dataset), run(faded)
    for mine, theirs in zip(plain.parts, mended.parts, strict=True):
        np.testing.assert_allclose(mine.profile, theirs.profile, atol=0.05 * mine.profile.max())
    assert any("Corrected for decay here" in t.detail for t in mended.trust)


def test_blood_samples_are_compared_and_drive_the_plots(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    middle = np.array(dataset.meta["frames"]).mean(axis=1)
    path = tmp_path / "blood.tsv"
    rows = zip(middle, 2 * result.parts[0].profile, strict=True)
    path.write_text("time_s\tplasma\n" + "".join(f"{t}\t{v}\n" for t, v in rows), "utf-8")
    told = run(dataset, blood=str(path), input="samples")
    assert "(0 %) and what" in line(told, "ki").detail  # the scale of samples is taken as it is
    assert not [each for each in run(dataset, input="roi").trust if each.check == "ki"]
    assert line(told, "samples").value == pytest.approx(-0.5, abs=0.03)
    half = next(m for m in told.measures if m.name == "Ki, Retention, factor").value
    whole = next(m for m in result.measures if m.name == "Ki, Retention, factor").value
    assert half == pytest.approx(whole / 2, rel=0.05)


def test_the_patlak_plot_begins_with_the_blood_and_keeps_its_line(result: Result) -> None:
    plot = next(view for view in result.views if view.options.get("tab") == "Patlak")
    x, y = plot.arrays["x"], plot.arrays["y"]
    late = x > 0.5 * x.max()  # where the line is
    assert late.sum() >= 4
    assert y.max() <= 3 * y[:, late].max()  # no ratio of two small numbers sets the scale
    assert y.shape == (len(plot.options["names"]), len(x))


def test_the_number_of_factors_is_found_where_it_is_left_to_the_data(dataset: Dataset) -> None:
    found = run(dataset, rank="auto", most="5")
    assert 3 <= found.facts["rank"] <= 5
    table = next(t for t in found.tables if t.title == "How many factors")
    assert [row[0] for row in table.rows] == [2, 3, 4, 5]


def test_images_and_curves_leave_as_promised(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    path = tmp_path / "factor-images.nii.gz"
    write_images(dataset, result, path, LocalJob(), None)
    image: Any = nibabel.load(path)
    assert dataset.values is not None
    assert image.shape == (*dataset.values.shape[:0:-1], 4)
    np.testing.assert_allclose(image.affine, np.array(dataset.meta["affine"]))
    course: Any = result.parts[1].course
    np.testing.assert_array_equal(
        np.asarray(image.dataobj)[..., 1].T.ravel(), course.astype(np.float32)
    )
    table = tmp_path / "curves.tsv"
    write_curves(dataset, result, table, LocalJob(), None)
    with table.open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert rows[0] == ["start_s", "end_s", *(part.name for part in result.parts)]
    numbers = np.array(rows[1:], dtype=float)
    np.testing.assert_allclose(numbers[:, :2], np.array(dataset.meta["frames"]))
    np.testing.assert_allclose(numbers[:, 2], result.parts[0].profile, rtol=1e-6)


def test_the_command_line_writes_every_file_by_role(tmp_path: Path) -> None:
    anchors = np.zeros((20, 26, 30), np.int16)
    anchors[8:11, 12:15, 19:22] = 1
    image: Any = nibabel.Nifti1Image(anchors.transpose(2, 1, 0), np.eye(4))
    nibabel.save(image, tmp_path / "anchors.nii.gz")
    out = tmp_path / "out"
    code = main(
        [
            "run", "pet", str(heart_series()), "-o", str(out), "-p", "rank=4",
            "-p", f"anchors={tmp_path / 'anchors.nii.gz'}", "-p", "doubt=off",
        ]
    )  # fmt: skip
    assert code == 0
    told = json.loads((out / "result.json").read_text("utf-8"))
    files = {each["role"]: out / each["path"] for each in told["files"]}
    assert {"factor-images", "curves", "maps", "regions", "frames"} <= set(files)
    assert all(path.is_file() for path in files.values())
    assert told["parts"][0]["name"] == "Arterial blood"
    # The scan, the sidecar that its frames were read from, and the anchors.
    inputs = [Path(each["path"]).name for each in told["inputs"]]
    assert inputs[0] == "pet-heart.nii.gz"
    assert sorted(inputs[1:]) == ["anchors.nii.gz", "pet-heart.json"]
    found: Any = nibabel.load(files["factor-images"])
    inside = np.asarray(found.dataobj)[anchors.T == 1]
    assert inside[:, 1:].max() < 1e-6 < inside[:, 0].min()


def test_a_wrong_value_is_a_usage_problem(tmp_path: Path, capsys: Any) -> None:
    code = main(["run", "pet", str(heart_series()), "-o", str(tmp_path / "o"), "-p", "rank=many"])
    assert code == 2
    assert "give auto, or a number from 1 to 12" in capsys.readouterr().err


def test_a_series_without_times_ends_with_the_way_out(tmp_path: Path, capsys: Any) -> None:
    bare = tmp_path / "bare.nii.gz"
    bare.write_bytes(heart_series().read_bytes())
    code = main(["run", "pet", str(bare), "-o", str(tmp_path / "o"), "-p", "rank=4"])
    assert code == 3
    assert "frames=FILE" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_the_shared_scan_comes_out_as_its_truth(shared_data: Path) -> None:
    scan = load_nifti(shared_data / "pet" / "simcardiac_fdg_dynamic.nii.gz")
    found = run(scan, region="box 9:39 11:37 0:20")
    table = np.loadtxt(
        shared_data / "pet" / "simcardiac_fdg_truth_tacs.csv", delimiter=",", skiprows=1
    )
    late = table[:, 0] >= 1200
    for part, column in ((found.parts[0], 4), (found.parts[2], 5)):
        truth = table[:, column]
        curve = part.profile * (part.profile @ truth) / (part.profile @ part.profile)
        assert np.linalg.norm(curve - truth) < 0.06 * np.linalg.norm(truth)
        assert curve[late].mean() == pytest.approx(truth[late].mean(), rel=0.08)


def test_the_plugin_is_known_by_its_entry_point() -> None:
    assert load_registry(safe_mode=True).get("pet").title == "Dynamic PET"


@pytest.mark.parametrize(
    "texts",
    [
        {"rank": "1"},
        {"rank": "2", "doubt": "on"},
        {"rank": "9"},
        {"loss": "kl"},
        {"loss": "1.5", "negative": "cut"},
        {"weighting": "duration", "threshold": "20"},
        {"bootstrap": "2"},
        {"input": "roi", "patlak_from": "59"},
    ],
)
def test_every_choice_gives_finite_curves_and_images(
    dataset: Dataset, texts: dict[str, str]
) -> None:
    found = run(dataset, region="box 3:25 2:22 3:7", **texts)
    assert len(found.parts) == int(texts.get("rank", "4"))
    for part in found.parts:
        course: Any = part.course
        assert np.isfinite(part.profile).all()
        assert (part.profile >= 0).all()
        assert np.isfinite(course).all()
    assert found.trust
    assert len({part.key for part in found.parts}) == len(found.parts)
