from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtGui import QImage

from partwise.data.mixing import Mixing
from partwise.project.document import Strip
from partwise_app.viewers.layers import Mixer, Recipe, residual_limit, unit_of
from partwise_app.viewers.maps import color_table, packed_table

WHITE = (240.0, 242.0, 244.0)
H = Strip("h", "Haematoxylin", "#5a5fd6")
E = Strip("e", "Eosin", "#e0608f")
R = Strip("residual", "Residual", "#8b929a")


def mixing() -> Mixing:
    columns = np.array([[0.65, 0.07], [0.70, 0.99], [0.29, 0.11]])
    return Mixing(columns / np.linalg.norm(columns, axis=0), WHITE)


def pixels(height: int = 200, width: int = 300) -> np.ndarray:
    return np.random.default_rng(3).integers(30, 255, (height, width, 3), dtype=np.uint8)


def array_of(image: QImage) -> np.ndarray:
    shape = image.height(), image.bytesPerLine() // 4, 4
    flat = np.frombuffer(image.constBits(), np.uint8).reshape(shape)
    return flat[:, : image.width(), 2::-1].copy()


def with_(strip: Strip, **changes: object) -> Strip:
    return Strip(**{**strip.__dict__, **changes})


def test_the_whole_is_drawn_as_it_is() -> None:
    rgb = pixels()
    assert np.array_equal(array_of(Recipe("whole").draw(rgb)), rgb)


def test_parts_are_drawn_as_the_mixing_renders_them() -> None:
    rgb, mix = pixels(), mixing()
    drawn = Recipe("parts", mix, (True, False)).draw(rgb)
    assert np.array_equal(array_of(drawn), mix.render(rgb, (True, False)))


def test_light_is_shown_otherwise_and_the_residual_as_it_is() -> None:
    def negative(rgb: np.ndarray) -> np.ndarray:
        return 255 - rgb

    rgb, mix = pixels(), mixing()
    plain, toned = Mixer((H, E, R)), Mixer((H, E, R), light=negative)
    for layer in ("whole", "parts", "part:h"):
        one, other = (array_of(m.recipe(layer, mix).draw(rgb)) for m in (plain, toned))
        assert np.array_equal(other, 255 - one), layer
    assert toned.recipe("residual", mix) == plain.recipe("residual", mix)


def test_an_image_owns_its_memory() -> None:
    rgb = pixels()
    drawn = Recipe("whole").draw(rgb)
    before = array_of(drawn)
    rgb[:] = 0
    assert np.array_equal(array_of(drawn), before)


def test_the_residual_is_drawn_on_a_fixed_scale() -> None:
    rgb, mix = pixels(), mixing()
    values = mix.residual(rgb)
    steps = np.minimum(values * np.float32(255 / residual_limit(mix)), 255).astype(np.uint8)
    assert np.array_equal(array_of(Recipe("residual", mix).draw(rgb)), color_table()[steps])
    assert unit_of(mix) == "OD"


@pytest.mark.parametrize(
    ("strips", "shown", "rest", "title"),
    [
        ((H, E, R), (True, True), True, "Parts + residual"),
        ((H, E, with_(R, show=False)), (True, True), False, "Parts"),
        ((H, with_(E, show=False), with_(R, show=False)), (True, False), False, "Haematoxylin"),
        ((H, with_(E, solo=True), R), (False, True), False, "Eosin"),
        ((H, E, with_(R, solo=True)), (False, False), True, "Residual alone"),
        ((with_(H, show=False), with_(E, show=False), with_(R, show=False)), (False, False), False,
         "No part shown"),
    ],
)  # fmt: skip
def test_show_and_solo_decide_what_is_heard(
    strips: tuple[Strip, ...], shown: tuple[bool, ...], rest: bool, title: str
) -> None:
    mixer = Mixer(strips)
    recipe = mixer.recipe("parts", mixing())
    assert (recipe.shown, recipe.with_residual) == (shown, rest)
    assert mixer.title("parts") == title


def test_one_part_alone_ignores_the_switches() -> None:
    recipe = Mixer((with_(H, show=False), E, R)).recipe("part:h", mixing())
    assert recipe.shown == (True, False)
    assert not recipe.with_residual


def test_parts_without_strips_are_shown() -> None:
    assert Mixer().recipe("parts", mixing()).shown == (True, True)


def test_a_part_in_its_found_colour_keeps_its_natural_light() -> None:
    mixer = Mixer((H, E, R), {"h": H.color, "e": E.color})
    assert mixer.recipe("part:h", mixing()).colors is None


def test_a_recoloured_part_is_tinted_and_the_other_is_not() -> None:
    mix, rgb = mixing(), pixels()
    mixer = Mixer((with_(H, color="#108040"), E, R), {"h": H.color, "e": E.color})
    natural = array_of(Mixer((H, E, R)).recipe("part:e", mix).draw(rgb)).astype(int)
    same = array_of(mixer.recipe("part:e", mix).draw(rgb)).astype(int)
    assert np.abs(natural - same).max() <= 2
    tinted = array_of(mixer.recipe("part:h", mix).draw(rgb)).reshape(-1, 3).mean(axis=0)
    assert tinted[1] == max(tinted)


def test_equal_choices_make_equal_recipes() -> None:
    mix = mixing()
    assert Mixer((H, E, R)).recipe("parts", mix) == Mixer((H, E, R)).recipe("parts", mix)
    assert Mixer((H, E, R)).recipe("parts", mix) != Mixer((H, E, R)).recipe("parts", mixing())


@pytest.mark.parametrize("name", ["viridis", "cividis"])
def test_tables_agree_with_the_published_maps(name: str) -> None:
    theirs = pg.colormap.get(name).getLookupTable(nPts=256)[:, :3]
    assert np.abs(color_table(name).astype(int) - theirs.astype(int)).max() <= 7
    brightness = color_table(name) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(brightness) >= -0.5).all()


def test_packed_colours_are_opaque() -> None:
    packed = packed_table()
    assert packed.shape == (256,)
    assert ((packed >> 24) == 0xFF).all()
    assert np.array_equal((packed >> 16) & 0xFF, color_table()[:, 0])
