"""Is what the residual's strip shows what the parts really leave over?"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.drawings import Thumbnail
from partwise_app.leftover import left_over
from partwise_app.mixer import Mixer
from partwise_app.sheets import filled_curve
from partwise_app.theme import DARK

Array = NDArray[np.float64]


def _made(profiles: Array, courses: Array) -> tuple[Part, ...]:
    return tuple(
        Part(f"p-{k}", f"P{k}", "#336699", profile, 0.5, course)
        for k, (profile, course) in enumerate(zip(profiles.T, courses, strict=True))
    )


def test_of_signals_it_is_the_root_mean_square_over_the_channels() -> None:
    rng = np.random.default_rng(3)
    profiles, courses = rng.random((4, 2)), rng.random((2, 50))
    extra = np.zeros((4, 50))
    extra[1, 20] = 3.0
    view = View("traces", "Signals", {"y": profiles @ courses + extra})
    left = left_over((view,), _made(profiles, courses))
    assert left is not None
    wanted = np.zeros(50)
    wanted[20] = 1.5  # the root of 9 over 4 channels
    np.testing.assert_allclose(left, wanted, atol=1e-12)


def test_a_sample_that_is_missing_is_no_residual() -> None:
    profiles, courses = np.ones((2, 1)), np.ones((1, 5))
    values = np.ones((2, 5))
    values[:, 2] = np.nan
    left = left_over((View("traces", "Signals", {"y": values}),), _made(profiles, courses))
    np.testing.assert_array_equal(left, np.zeros(5))


def test_of_a_series_of_volumes_only_the_voxels_of_the_parts_count() -> None:
    rng = np.random.default_rng(5)
    profiles, courses = rng.random((6, 2)), rng.random((2, 24))
    courses[:, 12:] = 0.0  # outside of the mask
    values = profiles @ courses
    values[:, 12:] = 100.0
    values[4, :12] += 2.0
    view = View("volume", "Series", {"values": values.reshape(6, 2, 3, 4)})
    left = left_over((View("curves", "Other", {"y": values}), view), _made(profiles, courses))
    assert left is not None
    np.testing.assert_allclose(left, [0, 0, 0, 0, 2, 0], atol=1e-12)


@pytest.mark.parametrize("samples", [49, 51])
def test_parts_that_are_not_of_what_is_drawn_leave_no_curve(samples: int) -> None:
    view = View("traces", "Signals", {"y": np.ones((4, 50))})
    assert left_over((view,), _made(np.ones((4, 1)), np.ones((1, samples)))) is None
    assert left_over((view,), ()) is None
    bare = Part("p", "P", "#336699", np.ones(4), 1.0)
    assert left_over((view,), (bare,)) is None


def test_the_strip_has_a_frame_only_for_a_picture(qtbot: QtBot) -> None:
    mixer = Mixer()
    qtbot.addWidget(mixer)
    mixer.set_strips((Strip("p", "P", "#336699"), Strip("residual", "Residual", "#888888")), {})
    mixer.show()

    def framed(key: str) -> bool:
        frame = mixer.strip_view(key).findChild(Thumbnail)
        assert frame is not None
        return frame.isVisible()

    assert (framed("p"), framed("residual")) == (True, False)
    picture = filled_curve(np.arange(9.0), QSize(90, 60), DARK, "#888888")
    assert picture.pixelColor(80, 50) != picture.pixelColor(10, 5)  # it grows to the right
    mixer.set_thumbnail("residual", picture)
    assert framed("residual")
    mixer.set_thumbnail("residual", None)
    assert not framed("residual")
    mixer.set_thumbnail("nobody", QImage())
