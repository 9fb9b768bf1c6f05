"""A slide's own colour profile turns its light into sRGB, whatever file holds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from tests.fixtures.icc import power_profile

from partwise.api import FileProblem
from partwise_stain.readers import colour_profile, load_slide
from partwise_stain.tissue import Tissue
from partwise_stain.toned import Toned

HERE = Path("slide.png")
LEVELS = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)


def as_srgb(light: np.ndarray) -> np.ndarray:
    """Levels of sRGB (IEC 61966-2-1) of light from 0 to 1."""
    bent = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(255 * bent)


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.4])
def test_light_is_shown_as_the_profile_says(gamma: float) -> None:
    toned = Toned(power_profile(gamma), HERE)
    assert toned.name == "Made camera"
    shown = toned(LEVELS)
    np.testing.assert_allclose(shown, as_srgb((LEVELS / 255.0) ** gamma), atol=2.1)
    assert shown.dtype == np.uint8


def test_a_profile_of_srgb_changes_nothing() -> None:
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colours = np.random.default_rng(1).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    off = Toned(same, HERE)(colours).astype(int) - colours
    assert np.abs(off).max() <= 1


@pytest.mark.parametrize("profile", [b"", b"no profile", power_profile(1.0)[:200]])
def test_what_is_no_profile_is_said(profile: bytes) -> None:
    with pytest.raises(FileProblem, match="cannot be used"):
        Toned(profile, HERE)


def test_a_profile_of_another_kind_of_colour_is_said() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    with pytest.raises(FileProblem, match="cannot be used"):
        Toned(lab, HERE)


def test_a_profile_is_found_in_pictures_and_slides(tissue: Tissue, tmp_path: Path) -> None:
    profile, picture = power_profile(1.8), Image.fromarray(tissue.rgb)
    picture.save(tmp_path / "a.png", icc_profile=profile)
    picture.save(tmp_path / "a.jpg", icc_profile=profile)
    tag = [(34675, 7, len(profile), profile, True)]
    tifffile.imwrite(tmp_path / "a.tif", tissue.rgb, photometric="rgb", extratags=tag)
    tifffile.imwrite(
        tmp_path / "a.svs",
        tissue.rgb,
        photometric="rgb",
        tile=(64, 64),
        description="Aperio Image Library v11.2.1\n|AppMag = 20|MPP = 0.5",
        extratags=tag,
    )
    for name in ("a.png", "a.jpg", "a.tif", "a.svs"):
        assert colour_profile(tmp_path / name) == profile, name
        assert load_slide(tmp_path / name).meta["icc"] is True
    picture.save(tmp_path / "plain.png")
    assert colour_profile(tmp_path / "plain.png") == b""
    assert load_slide(tmp_path / "plain.png").meta["icc"] is False
    with pytest.raises(FileProblem):
        colour_profile(tmp_path / "gone.png")
