"""What does each pane of the image stage show in a mode? Pure functions of what is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from partwise_app.viewers.image import Sheet
from partwise_app.viewers.layers import (
    EXTRA,
    PARTS,
    RESIDUAL,
    RESIDUAL_KEY,
    WHOLE,
    Extra,
    Mixer,
    Recipe,
    part_layer,
    residual_limit,
    unit_of,
)
from partwise_app.viewers.overlays import ColorBar
from partwise_app.words import tr

if TYPE_CHECKING:
    from partwise.data.mixing import Mixing  # noqa: TC004  annotations are never evaluated

__all__ = ["AGAINST", "COMPARE", "Arrangement", "check_mode"]

COMPARE = "compare"
AGAINST = "compare:"  # one layer beyond the line
_SIDE = "side"
_MODES = (WHOLE, COMPARE, _SIDE, PARTS, RESIDUAL, EXTRA)


def check_mode(mode: str) -> None:
    """Raise `ValueError` where there is no such mode."""
    if mode not in _MODES and not mode.startswith((part_layer(""), AGAINST)):
        msg = f"no mode {mode!r}; there are {', '.join(_MODES)}, part:<key>, compare:<key>"
        raise ValueError(msg)


@dataclass(frozen=True)
class Arrangement:
    """What the stage has been told.

    Attributes
    ----------
    mode : str
    mixer : Mixer
    mixing : Mixing or None
        None where only the whole exists.
    extra : Extra or None
        The layer of a panel's own.
    awaited : bool
        Whether parts are on their way.
    """

    mode: str
    mixer: Mixer
    mixing: Mixing | None = None
    extra: Extra | None = None
    awaited: bool = False

    def panes(self) -> tuple[tuple[Sheet, ...], ...]:
        """Return what each pane shows: one sheet, or one on either side of its line."""
        return tuple(tuple(self._sheet(layer) for layer in pane) for pane in self._layers())

    def _layers(self) -> tuple[tuple[str, ...], ...]:
        if self.mode == _SIDE:
            return (WHOLE,), (PARTS,), (RESIDUAL,)
        if self.mode == COMPARE:
            return ((WHOLE, PARTS),)
        if self.mode.startswith(AGAINST):
            return ((WHOLE, self._beyond(self.mode.removeprefix(AGAINST))),)
        return ((self.mode,),)

    def _beyond(self, key: str) -> str:
        """The layer of a part or of the residual; of all parts where there is no such part."""
        if key == RESIDUAL_KEY:
            return RESIDUAL
        if key == EXTRA and self.extra is not None:
            return EXTRA
        known = {strip.key for strip in self.mixer.parts()}
        return part_layer(key) if set(key.split("+")) <= known else PARTS

    def _sheet(self, layer: str) -> Sheet:
        if layer == EXTRA and self.extra is not None:
            return Sheet(Recipe(EXTRA, extra=self.extra), self.extra.title)
        # Beside the whole or the residual, the parts stand for themselves; alone on the stage
        # they carry the residual where its strip is shown, as the mixer says.
        residual_too = self.mode == PARTS or any(s.solo for s in self.mixer.strips)
        recipe = self.mixer.recipe(layer, self.mixing, residual_too=residual_too)
        title = self.mixer.title(layer, residual_too=residual_too)
        if layer == WHOLE:
            return Sheet(recipe, title)
        if self.mixing is None:
            return Sheet(recipe, title, message=self._message(layer))
        bar = None
        if layer == RESIDUAL:
            bar = ColorBar(residual_limit(self.mixing), unit_of(self.mixing))
        return Sheet(recipe, title, self.mixer.color(layer), bar)

    def _message(self, layer: str) -> str:
        if self.awaited:
            return tr("The first parts are on their way")
        if layer == PARTS:
            return tr("Run to see the parts")
        return tr("Run to see the residual") if layer == RESIDUAL else tr("Run to see the part")
