from __future__ import annotations

import numpy as np
import pytest

from partwise.api import InputProblem
from partwise_pet.region import check_region, dab, region_of, written_stroke
from partwise_pet.series import Settings, looked_at

SHAPE = (8, 10, 12)


def everywhere() -> np.ndarray:
    return np.ones(SHAPE, bool)


def test_a_stroke_is_the_sum_of_its_dabs_and_erasing_takes_them_out() -> None:
    middles = [(3, 4, 2), (5, 4, 2), (8, 5, 3)]
    want = np.zeros(SHAPE, bool)
    for middle in middles:
        dab(want, middle, (2.0, 1.5, 1.0), True)
    text = written_stroke("", (2.0, 1.5, 1.0), middles)
    assert check_region(text) is None
    np.testing.assert_array_equal(region_of(text, everywhere()), want)
    erased = region_of(written_stroke("-", (2.0, 1.5, 1.0), middles), everywhere())
    np.testing.assert_array_equal(erased, ~want)
    assert region_of(f"{text}; {written_stroke('-', (2.0, 1.5, 1.0), middles)}", want).sum() == 0


def test_a_round_dab_of_one_voxel_is_a_ball_and_a_flat_one_stays_in_its_slice() -> None:
    ball = region_of("ball 5 5 4 1", everywhere())
    np.testing.assert_array_equal(region_of("brush 1 1 1 5,5,4", everywhere()), ball)
    assert ball.sum() == 7
    flat = region_of("brush 3 3 0 5,5,4", everywhere())
    assert flat[4].sum() > 20
    assert flat.sum() == flat[4].sum()


def test_what_lies_beyond_the_volume_is_left_out() -> None:
    corner = region_of("brush 2 2 2 0,0,0 11,9,7 40,40,40", everywhere())
    assert corner[0, 0, 0]
    assert corner[7, 9, 11]
    assert corner.sum() < 40


def test_a_first_stroke_stands_for_itself_below_the_threshold_too() -> None:
    values = np.zeros((2, *SHAPE))
    values[:, 2:4, 2:4, 2:4] = 100
    frames = np.array([[0.0, 1.0], [1.0, 2.0]])
    drawn, _ = looked_at(values, frames, Settings(region="brush 1 1 1 9,8,6"))
    assert drawn.sum() == 7
    more, _ = looked_at(values, frames, Settings(region="+brush 1 1 1 9,8,6"))
    assert more.sum() == 8 + 7
    with pytest.raises(InputProblem, match="no voxel"):
        looked_at(values, frames, Settings(region="-brush 9 9 9 3,3,3"))


@pytest.mark.parametrize("text", ["brush 1 1 5,5,4", "brush 1 1 1", "brush 1 1 1 5,5", "brush"])
def test_half_a_stroke_is_refused_with_a_way_to_write_one(text: str) -> None:
    assert "brush 2 2 0" in str(check_region(text))
