"""Are spectrograms and volumes drawn the right way up, in the colours of their parts?"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from partwise.data.dataset import Axis, Dataset
from partwise.report.pictures import drawings_of, spectrogram_of
from partwise.result import Fit, Part, Residual, Result, View

FIT = Fit("frobenius", 0.0, 1.0, 1, "converged", 0.0)
SOUND = (Axis("frequency", 40, "Hz", 100.0), Axis("time", 60, "s", 0.1))


def _heard(**options: Any) -> Result:
    levels = np.zeros((1, 40, 60), np.uint8)
    levels[0, :10, 30:] = 255  # low, and late
    view = View("spectrogram", "Sound", {"whole": levels[0], "parts": levels}, SOUND, options)
    part = Part("a", "Voice", "#0000ff", np.ones(40))
    return Result((part,), Residual(0.0), FIT, views=(view,))


def test_low_and_late_is_below_and_right_in_the_part_s_colour() -> None:
    ((caption, sheet),) = drawings_of(Dataset("sound", "s", ()), _heard(level=[-80.0, 0.0]))
    assert caption == "Sound: white is −80, full colour 0"
    pixels = np.asarray(sheet, dtype=int)
    blue = (pixels[..., 2] > 250) & (pixels[..., :2].max(axis=-1) < 5)
    rows, columns = np.nonzero(blue)
    half = pixels.shape[0] // 2
    assert rows.min() > half  # the part below the whole
    middle = (half, 72 + 820 // 2)
    assert columns.min() == pytest.approx(middle[1], abs=15)
    assert rows.max() - rows.min() == pytest.approx(200 / 4, abs=3)
    white = pixels[half + 40 : rows.min() - 2, columns.min() : columns.max()]
    assert white.min() > 250  # nothing above


@pytest.mark.parametrize("level", [None, "loud", [1.0], {"a": 1}])
def test_options_that_a_file_spoilt_spoil_no_report(level: Any) -> None:
    assert len(drawings_of(Dataset("sound", "s", ()), _heard(level=level))) == 1


def test_levels_of_another_kind_are_no_spectrogram() -> None:
    result = _heard()
    view = dataclasses.replace(result.views[0], arrays={"whole": np.zeros((3, 3, 3), np.uint8)})
    assert spectrogram_of(dataclasses.replace(result, views=(view,))) is None


@pytest.mark.parametrize(("orientation", "corner"), [("LPS", (0, 0)), ("RAS", (-1, -1))])
def test_a_slice_is_that_with_most_and_has_the_right_on_the_left(
    orientation: str, corner: tuple[int, int]
) -> None:
    axes = tuple(Axis(name, size, "mm", 2.0) for name, size in (("z", 4), ("y", 6), ("x", 6)))
    volume = np.zeros((4, 6, 6))
    volume[2, 0, 0] = 5.0
    part = Part("f", "Blood", "#ff0000", np.ones(3), course=volume.ravel())
    view = View("volume", "Factors", {}, (), {"orientation": orientation})
    result = Result((part,), Residual(0.0), FIT, views=(view,))
    ((caption, image),) = drawings_of(Dataset("volume", "v", axes), result)
    assert "slice 3 of 4 along z" in caption
    pixels = np.asarray(image)
    assert tuple(pixels[corner]) == (255, 0, 0)
    assert tuple(pixels[-1 - corner[0], -1 - corner[1]]) == (255, 255, 255)
