from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partwise.data.dataset import Axis, Dataset
from partwise.data.pyramid import ArrayPyramid
from partwise.project.document import Run, Strip
from partwise.result import Fit, Part, Residual, Result, View
from partwise_app import resolve
from partwise_app.notices import notice_of
from partwise_app.viewers.plotting import number

H = np.array([0.65, 0.70, 0.29])
E = np.array([0.07, 0.99, 0.11])
OPTIONS = {"transform": "optical-density", "white": [240, 241, 242]}


def _parts() -> tuple[Part, Part]:
    return (
        Part("h", "Haematoxylin", "#5040a0", H / np.linalg.norm(H)),
        Part("e", "Eosin", "#d04070", E / np.linalg.norm(E)),
    )


def _cone(parts: tuple[Part, ...]) -> View:
    basis = np.linalg.qr(np.column_stack([p.profile for p in parts[:2]]))[0]
    rays = np.array([p.profile @ basis for p in parts]) * 1.7
    return View("scatter", "Cone", {"points": np.zeros((1, 2)), "rays": rays})


def test_mixing_takes_vectors_white_and_corrections() -> None:
    parts = _parts()
    strips = (Strip("h", "H", "#000000"), Strip("e", "E", "#000000", profile=(0.0, 1.0, 0.0)))
    mixing = resolve.mixing_of(parts, strips, OPTIONS)
    assert mixing is not None
    np.testing.assert_allclose(mixing.vectors[:, 0], parts[0].profile)
    np.testing.assert_array_equal(mixing.vectors[:, 1], [0, 1, 0])
    assert mixing.white == (240, 241, 242)


def test_what_is_no_colour_has_no_mixing() -> None:
    assert resolve.mixing_of((Part("a", "A", "#000000", np.ones(40)),), (), OPTIONS) is None
    assert resolve.mixing_of((), (), OPTIONS) is None


def test_ray_of_a_part_gives_its_profile_back() -> None:
    parts = _parts()
    view = _cone(parts)
    for part, ray in zip(parts, view.arrays["rays"], strict=True):
        found = resolve.profile_from_ray(view, parts, (float(ray[0]), float(ray[1])))
        assert found is not None
        np.testing.assert_allclose(np.array(found), np.asarray(part.profile, float), atol=1e-12)


@given(st.floats(0.05, 0.95))
def test_dragged_ray_stays_a_unit_profile_in_the_plane(where: float) -> None:
    parts = _parts()
    view = _cone(parts)
    first, second = view.arrays["rays"]
    tip = where * first + (1 - where) * second
    profile = np.array(resolve.profile_from_ray(view, parts, (float(tip[0]), float(tip[1]))))
    assert np.linalg.norm(profile) == pytest.approx(1)
    assert (profile >= 0).all()
    across = np.cross(parts[0].profile, parts[1].profile)
    assert abs(profile @ across) < 1e-9


def test_corrected_rays_point_where_the_correction_does() -> None:
    parts = _parts()
    view = _cone(parts)
    middle = parts[0].profile + parts[1].profile
    middle /= np.linalg.norm(middle)
    strips = (Strip("h", "H", "#000000", profile=tuple(middle)), Strip("e", "E", "#000000"))
    shown = resolve.corrected_view(view, parts, strips)
    ray = shown.arrays["rays"][0]
    found = resolve.profile_from_ray(view, parts, (float(ray[0]), float(ray[1])))
    assert found is not None
    np.testing.assert_allclose(np.array(found), middle, atol=1e-9)
    np.testing.assert_array_equal(shown.arrays["rays"][1], view.arrays["rays"][1])
    assert resolve.corrected_view(view, parts, (strips[1],)) is view


def test_a_scatter_with_one_ray_cannot_be_dragged() -> None:
    parts = _parts()[:1]
    view = View("scatter", "Cone", {"points": np.zeros((1, 2)), "rays": np.ones((1, 2))})
    assert resolve.profile_from_ray(view, parts, (1.0, 1.0)) is None


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.004, "0.4 %"),
        (0.05, "5 %"),
        (0.613, "61 %"),
        (1, "100 %"),
    ],
)
def test_shares_are_told_as_people_do(share: float, text: str) -> None:
    assert resolve.percent(share) == text


def test_facts_of_an_image_name_size_power_and_pixel() -> None:
    pyramid = ArrayPyramid(np.zeros((30, 2040, 3), np.uint8))
    axes = (Axis("y", 30, "µm", 0.4991), Axis("x", 2040, "µm", 0.4991))
    data = Dataset("image", "a.svs", axes, pyramid=pyramid, meta={"magnification": 20.0})
    assert resolve.facts_of(data) == "2,040 × 30 px · 20× · 0.50 µm/px"
    assert resolve.microns(data) == 0.4991


def test_the_facts_of_signals_and_volumes_are_told_in_their_own_units() -> None:
    channel, time = Axis("channel", 12), Axis("time", 10_000, "s", 0.001)
    assert resolve.facts_of(Dataset("traces", "a", (channel, time))) == (
        "12 channels · 10.0 s · 1,000 Hz"
    )
    long = Axis("time", 600 * 16_000, "s", 1 / 16_000)
    assert resolve.facts_of(Dataset("traces", "a", (channel, Axis("point", 200)))) == "12 channels"
    assert resolve.facts_of(Dataset("sound", "a", (Axis("channel", 1), long))) == (
        "10.0 min · 16,000 Hz"
    )
    space = (Axis("frame", 42), Axis("z", 9, "mm"), Axis("y", 8, "mm"), Axis("x", 7, "mm"))
    assert resolve.facts_of(Dataset("volume", "a", space)) == "7 × 8 × 9 · 42 frames"
    assert resolve.facts_of(Dataset("volume", "a", (time,))) == "volume"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.41234, "0.4123"), (236.0, "236"), (12345.6, "12,346"), (-1.5e-7, "−1.5 × 10⁻⁷")],
)
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert number(value, 4) == text


def test_what_nobody_foresaw_is_told_without_a_traceback() -> None:
    notice = notice_of(KeyError("profile"), "Opening a.svs")
    assert "Traceback" not in notice.text + notice.detail
    assert "KeyError" in notice.more
    full = notice_of(OSError(28, "No space left on device", "a.partwise"), "Saving a.partwise")
    assert full.text == "Saving a.partwise failed: No space left on device a.partwise"


def test_numbered_parts_that_emerge_are_known_by_likeness() -> None:
    before = (
        Part("part-1", "Part 1", "#111111", np.array([1.0, 0.0])),
        Part("part-2", "Part 2", "#222222", np.array([0.0, 1.0])),
    )
    chosen = (Strip("part-1", "Liver", "#aabbcc"), Strip("part-2", "Part 2", "#222222"))
    emerging = tuple(
        Part(f"part-{k}", f"Part {k}", f"#{k}{k}{k}{k}{k}{k}", np.array(profile))
        for k, profile in ((1, [0.1, 1.0]), (2, [1.0, 0.2]))
    )
    known = Strip("part-1", "Part 1", "#111111"), Strip("part-2", "Part 2", "#222222")
    result = Result(before, Residual(0.0), Fit("frobenius", 0.0, 1.0, 1, "converged", 0.0))
    run = Run("run-1", "source-1", "pebble", "sort", "Run 1", result, known)
    strips = resolve.live_strips(emerging, run, chosen)
    assert [s.key for s in strips] == ["part-1", "part-2", "residual"]
    assert [s.name for s in strips] == ["Part 2", "Liver", "Residual"]
