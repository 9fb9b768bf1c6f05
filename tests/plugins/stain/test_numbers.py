"""Areas, grades and nuclei are what a plain count gives, with intervals that hold the truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures.giant import write_giant

from partwise.api import ArrayPyramid, Axis, Dataset, FileProblem, LocalJob, Mixing, Result
from partwise_stain.analysis import StainAnalysis
from partwise_stain.export import mixing_of
from partwise_stain.foreign import is_foreign, kinds_of, left_out
from partwise_stain.nuclei import spots
from partwise_stain.presets import PROTOCOLS, published, unit
from partwise_stain.profile import read_profile, write_profile
from partwise_stain.readers import load_picture, load_slide
from partwise_stain.regional import measure_region
from partwise_stain.samples import ihc_picture
from partwise_stain.tissue import PIGMENT, RED_CELL, Tissue, make_tissue
from partwise_stain.trust import percent
from partwise_stain.unmix import GRADES
from partwise_stain.vectors import angle_between

RUN = StainAnalysis().run
Params = StainAnalysis.Params


def as_dataset(rgb: np.ndarray, step: float = 1.0, unit: str = "px") -> Dataset:
    height, width = rgb.shape[:2]
    axes = (Axis("y", height, unit, step), Axis("x", width, unit, step))
    return Dataset("image", "made", axes, pyramid=ArrayPyramid(rgb))


@pytest.fixture(scope="module")
def brown() -> Result:
    return RUN(load_picture(ihc_picture()), Params(stains="hdab", resample=False), LocalJob())


def value(result: Result, name: str) -> float:
    return next(measure.value for measure in result.measures if measure.name == name)


def test_grades_are_a_plain_count(brown: Result) -> None:
    dataset = load_picture(ihc_picture())
    assert dataset.pyramid is not None
    level = dataset.pyramid.levels[0]
    rgb = dataset.pyramid.read(0, 0, 0, level.width, level.height)
    mixing = mixing_of(brown)
    h, rest = mixing.strengths(rgb).astype(np.float64), mixing.residual(rgb).astype(np.float64)
    inside = ((h @ mixing.vectors.T) ** 2).sum(axis=2) + 3 * rest**2 > 0.15**2
    dab = h[inside][:, 1]
    shares = [(dab >= grade).mean() for grade in (0.2, 0.4, 0.6)]
    assert value(brown, "DAB, positive tissue") == pytest.approx(100 * shares[0], abs=0.05)
    assert value(brown, "DAB, H-score by area") == pytest.approx(100 * sum(shares), abs=0.2)


def test_higher_thresholds_lower_the_score(brown: Result) -> None:
    dataset = load_picture(ihc_picture())
    strict = RUN(dataset, Params(stains="hdab", resample=False, grades="0.4,0.7,1.0"), LocalJob())
    name = "DAB, H-score by area"
    assert 0 < value(strict, name) < value(brown, name) <= 300


def test_the_caveat_of_dab_is_said(brown: Result) -> None:
    line = next(line for line in brown.trust if line.check == "dab-is-no-dye")
    assert line.verdict == "look"
    assert "antigen" in line.text


def test_intervals_hold_the_number_they_are_of(brown: Result) -> None:
    table = next(table for table in brown.tables if "intervals" in table.title)
    ranges = [(row[1], row[2], row[3]) for row in table.rows if row[2] != ""]
    assert len(ranges) >= 4
    for middle, low, high in ranges:
        assert float(low) <= float(middle) <= float(high)
        assert float(low) < float(high)


def test_intervals_cover_the_share_that_fields_were_drawn_from() -> None:
    rng = np.random.default_rng(5)
    white = (243.0, 241.0, 244.0)
    mixing = Mixing(unit(np.array([(0.65, 0.70, 0.29), (0.07, 0.99, 0.11)]).T), white)
    held = 0
    for _ in range(20):
        stained = rng.random((10, 10)) < 0.3  # a field is 32 pixels wide in a picture of this size
        planes = np.stack([0.5 * stained, rng.uniform(0.2, 0.6, (10, 10))], axis=2)
        strength = np.kron(planes, np.ones((32, 32, 1)))
        light = np.array(white) * 10 ** -(strength @ mixing.vectors.T)
        rgb = np.clip(light + rng.normal(0, 1, light.shape), 0, 255).astype(np.uint8)
        told = measure_region(
            as_dataset(rgb), mixing, ("Haematoxylin", "Eosin"), None, GRADES, LocalJob()
        )
        area = next(number for number in told.numbers if number.name == "Haematoxylin, area")
        assert area.value == pytest.approx(100 * stained.mean(), abs=1)
        assert area.interval is not None
        held += area.interval[0] <= 30 <= area.interval[1]
    assert held >= 16


def test_nuclei_are_counted_once_each() -> None:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:300, :300]
    picture = np.full((300, 300), 0.05) + rng.normal(0, 0.01, (300, 300))
    centres = [(20 + 26 * i, 20 + 26 * j) for i in range(11) for j in range(11)]
    for cy, cx in centres:
        picture += 0.6 * (np.hypot(y - cy, x - cx) < rng.uniform(5, 8))
    at = spots(picture.astype(np.float32), 0.5, 0.05)
    assert len(at) == len(centres)
    away = np.hypot(
        at[:, None, 0] - np.array(centres)[:, 0], at[:, None, 1] - np.array(centres)[:, 1]
    )
    assert away.min(axis=1).max() < 3


def test_the_number_of_nuclei_follows_the_scale_of_the_file(tissue: Tissue) -> None:
    asked = Params(stains="he", resample=False)
    with_scale = RUN(as_dataset(tissue.rgb, 0.5, "µm"), asked, LocalJob())
    without = RUN(as_dataset(tissue.rgb), asked, LocalJob())
    units = [
        next(measure.unit for measure in result.measures if measure.name == "Nuclei")
        for result in (with_scale, without)
    ]
    assert units == ["per mm²", "per Mpx"]
    # A megapixel of half a micron is a quarter of a square millimetre.
    assert value(with_scale, "Nuclei") == pytest.approx(4 * value(without, "Nuclei"))


def test_of_a_scrap_of_tissue_no_nuclei_are_told(tissue: Tissue) -> None:
    """One blob on forty pixels of tissue would make a quarter of a million per mm²."""
    height, width = tissue.rgb.shape[:2]
    dark = tissue.concentrations[..., 0]
    y, x = np.unravel_index(np.argmax(dark[20:-20, 20:-20]), (height - 40, width - 40))
    mixing = Mixing(tissue.vectors, tissue.white)
    told = []
    for reach in (6, 60):
        scrap = np.full(tissue.rgb.shape, 243, np.uint8)
        box = (
            slice(max(y + 20 - reach, 0), y + 20 + reach),
            slice(max(x + 20 - reach, 0), x + 20 + reach),
        )
        scrap[box] = tissue.rgb[box]
        found = measure_region(
            as_dataset(scrap, 1.0, "µm"), mixing, ("H", "E"), None, GRADES, LocalJob(), nuclei=0
        )
        told.append([number.name for number in found.numbers])
    assert "Nuclei" not in told[0]
    assert "Nuclei" in told[1]


def test_nuclei_of_a_giant_are_those_of_its_field(tmp_path: Path) -> None:
    """Its darkest pixels are so large that nuclei melt away: no threshold comes from them."""
    field = make_tissue(512, 512, 3).rgb
    write_giant(tmp_path / "giant.svs", field, 60_000, levels=4)
    write_giant(tmp_path / "field.svs", field, 1024, tissue=1.0)
    asked = Params(
        stains="he",
        vectors="0.620,0.715,0.323;0.135,0.905,0.403",
        white="243,241,244",
        resample=False,
        check=False,
    )
    own, whole = (
        next(
            measure.value
            for measure in StainAnalysis()
            .run(load_slide(tmp_path / name), asked, LocalJob())
            .measures
            if measure.name == "Nuclei"
        )
        for name in ("field.svs", "giant.svs")
    )
    assert whole == pytest.approx(own, rel=0.002)


@pytest.mark.parametrize(("radius", "told"), [(0, None), (6, "look"), (10, "bad")])
def test_blood_that_may_pass_for_eosin_is_told(radius: int, told: str | None) -> None:
    y, x = np.mgrid[:320, :320]
    fraction = ((x // 12 + y // 20) % 3 / 2)[..., None]
    vectors = published("he")[0]
    od = 0.5 * (fraction * vectors[:, 0] + (1 - fraction) * vectors[:, 1])
    od[:40] = 0
    od[np.hypot(x % 40 - 20, y % 40 - 20) < radius] = 0.6 * unit(RED_CELL)
    light = np.array([243.0, 241.0, 245.0]) * 10.0**-od
    light += np.random.default_rng(1).normal(0, 2, light.shape)
    rgb = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    # With an eosin that is blood all of it is explained; what is not explained is told as such.
    for eosin, passes in ((RED_CELL, True), (tuple(vectors[:, 1]), False)):
        pair = ";".join(",".join(f"{v:.4f}" for v in row) for row in (vectors[:, 0], eosin))
        asked = Params(stains="he", vectors=pair, resample=False, check=False, nuclei=False)
        trust = {line.check: line for line in RUN(as_dataset(rgb), asked, LocalJob()).trust}
        assert ("blood" in trust) == (passes and told is not None)
        if "blood" in trust:
            assert trust["blood"].verdict == told


def test_red_cells_and_pigment_are_told_by_hue() -> None:
    od = 0.6 * np.array([RED_CELL, PIGMENT]) / np.linalg.norm([RED_CELL, PIGMENT], axis=1)[:, None]
    red, pigment = kinds_of(od, 0.02)
    assert red.tolist() == [True, False]
    assert pigment.tolist() == [False, True]
    stains = np.concatenate([pair.T for pair in published("he")])
    assert not np.any(kinds_of(stains, 0.0))


def test_a_hue_of_most_of_the_slide_is_no_foreign_body() -> None:
    od = np.array([RED_CELL, (0.6, 0.7, 0.3)])
    noise = np.full(2, 0.02)
    assert is_foreign(od, noise, np.array([10.0, 90.0]), left_out("auto")).tolist() == [True, False]
    assert not is_foreign(od, noise, np.array([60.0, 40.0]), left_out("auto")).any()
    assert not is_foreign(od, noise, np.array([10.0, 90.0]), left_out("none")).any()
    assert not is_foreign(od, noise, np.array([10.0, 90.0]), left_out("pigment")).any()


def test_what_is_no_stain_is_said_and_left_out() -> None:
    section = make_tissue(640, 480, seed=6, blemishes=True)
    result = RUN(as_dataset(section.rgb), Params(stains="he", resample=False), LocalJob())
    line = next(line for line in result.trust if line.check == "something-else")
    assert line.value is not None
    tissue = value(result, "Tissue") / 100
    drawn = (section.foreign.max(axis=2) > 0.3).mean() / tissue
    assert line.value == pytest.approx(drawn, rel=0.5)
    assert percent(line.value) in line.text
    for k, part in enumerate(result.parts):
        assert angle_between(part.profile, section.vectors[:, k]) < 3


def test_a_profile_carries_stains_to_another_slide(
    dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    write_profile(dataset, result, path, LocalJob(), None)
    other = make_tissue(320, 320, seed=19)
    again = RUN(as_dataset(other.rgb), Params(profile=str(path), resample=False), LocalJob())
    assert again.facts["stains"] == "he"
    for a, b in zip(again.parts, result.parts, strict=True):
        assert (a.key, a.name) == (b.key, b.name)
        assert angle_between(a.profile, b.profile) < 1e-3
    np.testing.assert_allclose(again.facts["white"], result.facts["white"], atol=1e-3)
    line = next(line for line in again.trust if line.check == "white-point")
    assert "set by hand" in line.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "else"}, "no stain profile"),
        ({"version": 9}, "version 9"),
        ({"parts": [{"vector": [1, 0, 0]}, {"vector": [2, 0, 0]}]}, "cannot be"),
        ({"parts": [{"vector": [1, -1, 0]}, {"vector": [0, 0, 1]}]}, "no stain vectors"),
        ({"white": [0, 1, 2]}, "cannot be"),
        ({"stains": "tea"}, "cannot be"),
        ({"parts": 3}, "damaged"),
    ],
)
def test_what_is_no_profile_is_refused_in_words(
    change: dict[str, object], words: str, dataset: Dataset, result: Result, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    write_profile(dataset, result, path, LocalJob(), None)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileProblem, match=words):
        read_profile(path)
    path.write_bytes(b"\xff\xfe no json")
    with pytest.raises(FileProblem, match="no stain profile"):
        read_profile(path)


def test_presets_are_published_vectors_with_their_source() -> None:
    assert sum(len(protocol.vectors) for protocol in PROTOCOLS.values()) >= 12
    for key, protocol in PROTOCOLS.items():
        assert len(protocol.sources) == len(protocol.vectors)
        assert all(protocol.sources)
        sets = published(key)
        assert sets.shape[1:] == (3, len(protocol.stains))
        assert np.allclose(np.linalg.norm(sets, axis=1), 1)
        for vectors in sets:
            Mixing(vectors)


def test_three_dyes_keep_their_published_vectors(tissue: Tissue) -> None:
    result = RUN(as_dataset(tissue.rgb), Params(stains="azan", resample=False), LocalJob())
    assert [part.name for part in result.parts] == ["Aniline blue", "Azocarmine", "Orange G"]
    for k, part in enumerate(result.parts):
        assert angle_between(part.profile, published("azan")[0][:, k]) < 1e-6


def test_two_dyes_of_any_protocol_are_fitted() -> None:
    pair = published("haec")[0].T
    section = make_tissue(400, 320, seed=23, vectors=pair)
    result = RUN(as_dataset(section.rgb), Params(stains="haec", resample=False), LocalJob())
    assert [part.key for part in result.parts] == ["haematoxylin", "aec"]
    for k, part in enumerate(result.parts):
        assert angle_between(part.profile, section.vectors[:, k]) < 3.5
    assert value(result, "AEC, positive tissue") > 0


def test_kept_parts_are_left_as_they_are_with_a_third(dataset: Dataset, result: Result) -> None:
    kept = replace(result.parts[1], profile=np.array([0.1, 0.9, 0.4]))
    again = RUN(dataset, Params(stains="he", resample=False), LocalJob(kept=[kept]))
    assert np.array_equal(again.parts[1].profile, kept.profile)
