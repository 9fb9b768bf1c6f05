"""Samples are there, and the synthetic one is made by the command that is documented."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from partwise.api import LocalJob
from partwise_stain.analysis import StainAnalysis
from partwise_stain.plugin import PLUGIN
from partwise_stain.readers import load_picture
from partwise_stain.samples import ihc_picture, tissue_picture
from partwise_stain.tissue import _main, make_tissue
from partwise_stain.vectors import angle_between


def test_every_dotted_name_leads_somewhere() -> None:
    names = [name for reader in PLUGIN.readers for name in (reader.probe, reader.load)]
    names += [*PLUGIN.analyses, *(exporter.write for exporter in PLUGIN.exporters)]
    names += [exporter.applies for exporter in PLUGIN.exporters if exporter.applies]
    names += [sample.path for sample in PLUGIN.samples]
    for name in names:
        module, attribute = name.split(":")
        assert callable(getattr(importlib.import_module(module), attribute))


def test_the_shipped_tissue_gives_its_stains_back() -> None:
    path = tissue_picture()
    truth = json.loads(path.with_suffix(".json").read_text())
    assert path.stat().st_size < 3e6
    result = StainAnalysis().run(
        load_picture(path), StainAnalysis.Params(stains="he", resample=False), LocalJob()
    )
    for part in result.parts:
        assert angle_between(part.profile, np.array(truth["vectors"][part.key])) < 2
    # There is something to see beside the stains, and it is where the truth has it.
    missed = next(line.value for line in result.trust if line.check == "not-explained")
    assert missed is not None
    assert sum(truth["foreign_share_of_picture"].values()) == pytest.approx(missed, rel=0.35)
    assert 0.95 < result.fit.explained < 0.995


def test_the_brown_sample_is_brown() -> None:
    sample = next(sample for sample in PLUGIN.samples if sample.key == "stain-ihc")
    params = StainAnalysis.Params(resample=False, **dict(sample.parameters))
    result = StainAnalysis().run(load_picture(ihc_picture()), params, LocalJob())
    dab = result.parts[1].profile
    assert result.parts[1].key == "dab"
    assert dab[2] > dab[1] > dab[0]


def test_the_command_writes_the_picture_and_its_truth(tmp_path: Path) -> None:
    out = tmp_path / "t.png"
    _main([str(out), "--seed", "4", "--width", "200", "--height", "160"])
    with Image.open(out) as image:
        drawn = np.asarray(image)
    assert np.array_equal(drawn, make_tissue(200, 160, 4, jpeg=82, blemishes=True).rgb)
    truth = json.loads(out.with_suffix(".json").read_text())
    assert truth["seed"] == 4
    assert set(truth["vectors"]) == {"haematoxylin", "eosin"}


def test_what_is_no_stain_lies_outside_their_plane() -> None:
    tissue = make_tissue(400, 300, seed=3, jpeg=0, blemishes=True)
    od = -np.log10(np.maximum(tissue.rgb, 1) / np.array(tissue.white))
    normal = np.cross(tissue.vectors[:, 0], tissue.vectors[:, 1])
    beside = np.abs(od @ normal / np.linalg.norm(normal))
    foreign = tissue.foreign.max(axis=2) > 0.3
    assert 0.002 < foreign.mean() < 0.08
    assert np.median(beside[foreign]) > 5 * np.median(beside[~foreign])


@pytest.mark.parametrize("jpeg", [0, 90])
def test_light_through_the_tissue_is_what_its_truth_says(jpeg: int) -> None:
    tissue = make_tissue(240, 200, seed=2, jpeg=jpeg)
    light = np.array(tissue.white) * 10.0 ** -(tissue.concentrations @ tissue.vectors.T)
    # A lens and photons stand between; on average nothing is lost.
    np.testing.assert_allclose(tissue.rgb.mean(axis=(0, 1)), light.mean(axis=(0, 1)), atol=1.0)
