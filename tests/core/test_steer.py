"""Parts as they stand, joined or split, are where a run begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from partwise.api import Part, match_parts, nmf, start_factors
from partwise.project.strips import RESIDUAL, Strip, before_run
from partwise.steer import joined_part, split_part


@pytest.fixture(scope="module")
def planted() -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    W = np.zeros((24, 3))
    for part in range(3):
        W[8 * part : 8 * part + 8, part] = rng.uniform(0.5, 1.0, 8)
    return W, rng.gamma(0.6, size=(3, 60))


def _part(key: str, profile: Any, course: Any, share: float = 0.5) -> Part:
    return Part(key, key, "#112233", np.asarray(profile), share, np.asarray(course))


def test_what_stands_is_where_the_fit_begins(planted: tuple[Any, Any]) -> None:
    W, H = planted
    parts = [_part(f"part-{k}", W[:, k], H[k]) for k in range(3)]
    begun = start_factors(W @ H, parts, 3)
    assert begun is not None
    np.testing.assert_allclose(begun[0] @ begun[1], W @ H, atol=1e-3)
    fit = nmf(W @ H, 3, init=begun, max_iter=3)
    assert fit.loss < 1e-6 * ((W @ H) ** 2).sum()


def test_a_part_that_was_two_is_turned_apart_and_the_rest_stays(planted: tuple[Any, Any]) -> None:
    W, H = planted
    X = W @ H
    lumped = nmf(X, 2, seed=0)
    parts = [_part(f"part-{k + 1}", lumped.W[:, k], lumped.H[k]) for k in range(2)]
    # The lump is the part that points nowhere in particular among the three.
    clear = match_parts(lumped.W, W).cosine
    lump = int(np.argmin(clear))
    halves = split_part(parts[lump], "part-3", "New", "#445566")
    assert halves[0].key == parts[lump].key
    start = [*halves, parts[1 - lump]]
    begun = start_factors(X, start, 3)
    assert begun is not None
    assert match_parts(W, begun[0]).cosine.min() > 0.95
    fit = nmf(X, 3, init=begun)
    assert fit.loss < 1e-3 * lumped.loss


def test_fewer_parts_are_filled_from_what_is_left_and_more_are_thinned(
    planted: tuple[Any, Any],
) -> None:
    W, H = planted
    two = [_part(f"part-{k}", W[:, k], H[k]) for k in range(2)]
    filled = start_factors(W @ H, two, 3)
    assert filled is not None
    assert match_parts(W, filled[0]).cosine.min() > 0.99
    faint = _part("part-9", W[:, 2], 1e-6 * H[2])
    thinned = start_factors(W @ H, [faint, *two], 2)
    assert thinned is not None
    np.testing.assert_allclose(thinned[0], W[:, :2], atol=1e-5)


def test_columns_that_stay_come_first_and_courses_are_refitted(planted: tuple[Any, Any]) -> None:
    W, H = planted
    begun = start_factors(W @ H, [_part("part-1", W[:, 1], H[1])], 2, fixed_W=W[:, :1])
    assert begun is not None
    np.testing.assert_array_equal(begun[0][:, 0], W[:, 0])
    np.testing.assert_allclose(begun[1][1], H[1], atol=1e-4)


def test_parts_of_another_shape_and_missing_entries_are_no_obstacle(
    planted: tuple[Any, Any],
) -> None:
    W, H = planted
    X = W @ H
    assert start_factors(X, [_part("a", np.ones(7), H[0])], 2) is None
    X[3, 4] = np.nan
    whole = _part("a", W[:, 0] + W[:, 1], H[0] + H[1])
    begun = start_factors(X, split_part(whole, "b", "B", "#000000"), 3)
    assert begun is not None
    assert np.isfinite(begun[0]).all()
    assert np.isfinite(begun[1]).all()


def test_joined_parts_carry_what_both_carried() -> None:
    one = _part("a", [1.0, 0.0], [2.0, 0.0], 0.6)
    two = _part("b", [0.0, 1.0], [1.0, 1.0], 0.4)
    both = joined_part([one, two])
    assert (both.key, both.share) == ("a", 1.0)

    def laid_out(part: Part) -> Any:
        return np.outer(part.profile, np.asarray(part.course))

    total = laid_out(one) + laid_out(two)
    np.testing.assert_allclose(laid_out(both).sum(axis=0), total.sum(axis=0))
    bare = joined_part([Part("a", "A", "#0", np.array([1.0, 0.0]), 0.75), two])
    np.testing.assert_allclose(bare.profile, [0.75 / 1.15, 0.4 / 1.15])


def test_names_of_joined_and_split_parts_go_to_the_run_that_follows() -> None:
    parts = [_part(key, [1.0], [1.0]) for key in ("part-1", "part-2", "part-3")]
    found = {p.key: Strip(p.key, p.name, p.color) for p in parts}
    joint = Strip("part-1", "Left + right", "#aa0000", joined=("part-2",))
    rest = (Strip("part-3", "Back", "#00aa00"), Strip(RESIDUAL, "Residual", "#888888"))
    start = [joined_part(parts[:2]), parts[2]]
    before, strips = before_run(parts, (joint, *rest), found, start)
    assert [p.key for p in before] == ["part-1", "part-3"]
    assert [s.name for s in strips] == ["Left + right", "Back", "Residual"]
    assert strips[0].joined == ()
    apart = (Strip("part-1", "Left", "#aa0000"), *rest)
    halves = [parts[0], *split_part(parts[2], "part-4", "Back 2", "#123456")]
    before, strips = before_run(parts[::2], apart, found, halves)
    assert [s.name for s in strips] == ["Left", "Back", "Back 2", "Residual"]
