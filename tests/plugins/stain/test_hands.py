"""What a hand picks, drags or leaves out has the effect it should have on vectors and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise.api import ArrayPyramid, Axis, Dataset, InputProblem, LocalJob, Mixing, Result
from partwise_stain.analysis import StainAnalysis
from partwise_stain.difference import delta_e, reconstruction
from partwise_stain.flagged import flag_lines, flag_numbers
from partwise_stain.hue import CORNERS, chroma, vector_at
from partwise_stain.pick import pixels_in, stain_of, white_of
from partwise_stain.quality import inspect_slide, judge_stains, unclean
from partwise_stain.regional import tally
from partwise_stain.regions import write_regions
from partwise_stain.tissue import Tissue
from partwise_stain.vectors import angle_between

WHITE = (243.0, 241.0, 244.0)
H, E = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])
Params = StainAnalysis.Params


def light_of(od: np.ndarray) -> np.ndarray:
    return np.rint(np.array(WHITE) * 10**-od).astype(np.uint8)


def as_dataset(rgb: np.ndarray) -> Dataset:
    axes = (Axis("y", rgb.shape[0], "px"), Axis("x", rgb.shape[1], "px"))
    return Dataset("image", "made", axes, pyramid=ArrayPyramid(rgb))


channel = st.floats(0.02, 1.0)


@given(channel, channel, channel)
def test_the_wheel_gives_back_the_vector_that_it_shows(r: float, g: float, b: float) -> None:
    x, y = chroma([r, g, b])
    assert angle_between(vector_at(float(x), float(y)), [r, g, b]) < 1e-4
    # More of the same stain is the same point.
    np.testing.assert_allclose(chroma([2 * r, 2 * g, 2 * b]), [x, y], atol=1e-9)


def test_beyond_the_wheel_is_its_edge() -> None:
    for place, corner in enumerate(CORNERS):
        far = vector_at(3 * corner[0], 3 * corner[1])
        assert far[place] == pytest.approx(1)
        assert min(far) == 0


def test_a_mixture_lies_between_its_stains() -> None:
    first, second, mixture = (chroma(v) for v in (H, E, 0.4 * H + 0.6 * E))
    along, across = second - first, mixture - first
    assert abs(along[0] * across[1] - along[1] * across[0]) < 1e-9
    assert 0 < (across @ along) / (along @ along) < 1


def test_a_picked_stain_is_the_colour_of_its_pixels() -> None:
    field = np.full((64, 64, 3), 243, np.uint8)
    field[20:40, 20:40] = light_of(0.9 * H)
    field[24:26, 24:26] = 250  # a hole
    pyramid = ArrayPyramid(field)
    for box in ((20, 20, 20, 20), (32, 32, 0, 0)):
        pixels = pixels_in(pyramid, box)
        assert angle_between(stain_of(pixels, WHITE), H) < 1
    assert len(pixels_in(pyramid, (32, 32, 0, 0))) == 25
    assert len(pixels_in(pyramid, (-30, -30, 10, 10))) == 0
    with pytest.raises(InputProblem, match="too little stain"):
        stain_of(pixels_in(pyramid, (0, 0, 10, 10)), WHITE)
    with pytest.raises(InputProblem, match="too little stain"):
        stain_of(np.empty((0, 3), np.uint8), WHITE)


def test_a_large_box_is_read_at_a_coarser_level() -> None:
    field = np.random.default_rng(0).integers(0, 255, (1024, 1024, 3), dtype=np.uint8)
    assert len(pixels_in(ArrayPyramid(field), (0, 0, 1024, 1024))) == 256**2


def test_a_picked_white_is_even_and_bright() -> None:
    rng = np.random.default_rng(3)
    glass = np.clip(np.array(WHITE) + rng.normal(0, 1, (400, 3)), 0, 255).round().astype(np.uint8)
    assert white_of(glass) == pytest.approx(WHITE, abs=0.6)
    for pixels in (light_of(np.tile(2 * H, (50, 1))), rng.integers(0, 255, (400, 3)).astype("u1")):
        with pytest.raises(InputProblem, match="no even, bright background"):
            white_of(pixels)


def test_delta_e_is_zero_for_what_stains_explain_and_large_for_ink() -> None:
    mixing = Mixing(np.column_stack([H, E]), WHITE)
    explained = light_of(np.outer(np.linspace(0.3, 0.8, 50), 0.5 * H + 0.5 * E))
    ink = light_of(np.tile([0.9, 0.1, 0.9], (50, 1)))
    close, far = reconstruction(explained, mixing), reconstruction(ink, mixing)
    assert close is not None
    assert far is not None
    assert close.high < 1
    assert far.median > 10
    assert reconstruction(np.full((10, 3), 243, np.uint8), mixing) is None
    assert delta_e(ink, ink).max() == 0


def test_what_is_flagged_is_left_out_of_the_numbers_on_request(tissue: Tissue) -> None:
    field = tissue.rgb.copy()
    field[100:200, 100:220] = light_of(np.array([1.0, 0.45, 0.75]))  # a stroke of green ink
    dataset, mixing = as_dataset(field), Mixing(tissue.vectors, tissue.white)
    assert dataset.pyramid is not None
    slide = judge_stains(inspect_slide(dataset.pyramid, LocalJob()), mixing, brown=False)
    left = unclean(slide)
    assert left[110:190, 110:210].all()
    grades = (0.2, 0.4, 0.6)
    everything = tally(dataset, mixing, None, grades, LocalJob())
    clean = tally(dataset, mixing, None, grades, LocalJob(), left=left)
    plain = tally(as_dataset(tissue.rgb), mixing, None, grades, LocalJob(), left=left)
    assert clean.tissue == plain.tissue < everything.tissue
    np.testing.assert_allclose(clean.amount, plain.amount)
    told = StainAnalysis().run(
        dataset, Params(stains="he", clean=True, resample=False, nuclei=False), LocalJob()
    )
    line = next(line for line in told.trust if line.check == "left-out")
    assert "felt pen" in line.detail
    assert line.value is not None
    assert line.value > 0.05


def test_flags_are_told_as_numbers_and_only_large_ones_as_lines(tissue: Tissue) -> None:
    slide = inspect_slide(ArrayPyramid(tissue.rgb), LocalJob())
    names = [number.name for number in flag_numbers(slide)]
    assert names == ["Folds", "Out of focus", "Brighter than white"]
    shares = dict(slide.shares) | {"fold": 0.0, "bright": 0.0, "blur": 0.3}
    lines = flag_lines(type(slide)(0, slide.rgb, slide.white, slide.masks, shares), None)
    assert [(line.check, line.verdict) for line in lines] == [("blur", "bad")]


def test_drawn_regions_and_thresholds_reach_the_command_line(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    from partwise_stain.regions import Region

    write_regions(
        [Region("a", "Gland", "rectangle", ((50, 50), (250, 50), (250, 250), (50, 250)))],
        tmp_path / "r.geojson",
    )
    asked = Params(
        stains="he", resample=False, regions=str(tmp_path / "r.geojson"), area_od=0.3, check=False
    )
    told = StainAnalysis().run(dataset, asked, LocalJob(seed=5))
    table = next(table for table in told.tables if table.title == "Regions")
    assert [row[0] for row in table.rows] == ["Gland"]

    def area(found: Result) -> float:
        return next(m.value for m in found.measures if m.name == "Eosin, area")

    assert area(told) < area(result)
    assert not any(m.name == "Folds" for m in told.measures)
