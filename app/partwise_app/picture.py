"""What is on the stage? The one place that turns run, mixer and gaze into pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QPixmap

from partwise.project.document import Run, State, Strip
from partwise.result import Part, Result, Snapshot
from partwise_app import resolve
from partwise_app.desk import Desk
from partwise_app.leftover import left_over
from partwise_app.session import Session
from partwise_app.sheets import filled_curve, spark
from partwise_app.standing import live_result
from partwise_app.theme import DARK, Tokens
from partwise_app.turns import Turns
from partwise_app.viewers.plots import is_table
from partwise_app.words import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from partwise_app.filework import Opened

__all__ = ["Picture"]

_ALONE, _COMPARE, _AGAINST = "part:", "compare", "compare:"
_NAMED = 2  # more parts than this are offered by their numbers, for want of room
_LETTERS = 28  # of all names together, that leave room for the tabs
_RESIDUAL = "residual"
_LATER_MS, _TIMES = 300, 60  # until a drawing that is built in the background is asked again
_SOON_MS = 60  # until thumbnails follow an edit
_TREE_THUMB = QSize(76, 52)


class Picture(QObject):
    """Stage, plots, scatter and thumbnails of what a session looks at.

    Parameters
    ----------
    session : Session
    desk : Desk
    """

    drawn = Signal()  # parts that are still emerging were drawn, or they came to nothing
    stage_changed = Signal()  # other drawings are on the stage

    def __init__(self, session: Session, desk: Desk) -> None:
        super().__init__(desk)
        self._session = session
        self._desk = desk
        self._live: Snapshot | None = None
        self._live_result: Result | None = None
        self._had_run = False
        self._tokens = DARK
        self._shown_input: tuple[Opened | None, str] = None, ""
        self._asked_again = 0
        self._drawn_result: Result | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.draw_thumbnails)
        self._turns = Turns(self)
        self._told: tuple[object, ...] = ()
        self._mixed: dict[str, Any] = {}  # what a hand chose in place of the run's options
        self._left_of: Result | None = None  # whose residual curve `_left` is
        self._left: NDArray[np.float64] | None = None
        self._against: str | None = None  # what stands beyond the line; None until chosen
        desk.stage.mode_changed.connect(self._on_mode)
        desk.stage.view_changed.connect(self._on_view)
        desk.stage.thumbnails_changed.connect(self.draw_thumbnails)
        desk.views.drawings_changed.connect(self.stage_changed)
        desk.stagebar.mode_asked.connect(self.look)
        desk.stagebar.against_asked.connect(self._on_against)

    @property
    def live(self) -> Snapshot | None:
        """What is seen of a run that is going on."""
        return self._live

    @property
    def live_result(self) -> Result | None:
        """What is seen of a run that is going on, as a result without its numbers."""
        if self._live is None:
            return None
        if self._live_result is None:
            self._live_result = live_result(self._live)
        return self._live_result

    @property
    def strips(self) -> tuple[Strip, ...]:
        """Strips of what is seen, one per part."""
        if self._live is not None:
            return resolve.live_strips(
                self._live.parts, self._session.run, self._session.strips, self._session.begun_from
            )
        return self._session.part_strips

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts that are seen."""
        if self._live is not None:
            return self._live.parts
        return self._session.run.result.parts if self._session.run is not None else ()

    # --- looking -------------------------------------------------------------------------

    def look(self, mode: str) -> None:
        """Look at something; comparing goes on with what stood beyond the line before."""
        shown = self._desk.shown
        if mode == _COMPARE and shown is self._desk.stage:
            mode = self._comparison()
        shown.set_mode(mode)

    def look_at(self, key: str) -> None:
        """Look at a part alone, and back at the comparison when asked again."""
        shown = self._desk.shown
        wanted = "residual" if key == _RESIDUAL else f"{_ALONE}{self._layer_of(key)}"
        self.look(_COMPARE if shown.mode() == wanted else wanted)

    def mode(self) -> str:
        """Return what is looked at, as in the table of commands."""
        return self._desk.shown.mode().partition(":")[0]

    def _comparison(self) -> str:
        key = self._against
        if key is None:
            key = self.parts[0].key if self.parts else ""
        known = {strip.key for strip in self.strips}
        there = bool(key) and set(key.split("+")) <= known
        return f"{_AGAINST}{key}" if there else _COMPARE

    def _on_against(self, key: str) -> None:
        self._against = key
        self.look(_COMPARE)

    def follow_mixer(self, before: State, after: State) -> None:
        """Whoever shows, hides or solos a part wants to see that, also beyond the line."""
        run = self._session.run
        if run is None or run.id not in {r.id for r in before.runs}:
            return

        def seen(state: State) -> dict[str, tuple[bool, bool]]:
            return {strip.key: (strip.show, strip.solo) for strip in state.strips(run.id)}

        if seen(before) != seen(after):
            self._against = ""
            if self.mode() == _COMPARE:
                self.look(_COMPARE)

    def mix_by(self, options: Mapping[str, Any]) -> None:
        """Mix an image otherwise than its run did, as by a white that was picked since.

        Holds until other options come, empty ones included, or another input.
        """
        if dict(options) == self._mixed:
            return
        self._mixed = dict(options)
        run = self._session.run
        if run is not None and self._live is None and self._is_image:
            self._mix(run.result.parts, self._session.part_strips)
            self._draw_scatter(run, self._session.part_strips)
            self._soon.start()

    # --- drawing -------------------------------------------------------------------------

    def show_input(self) -> None:
        """Show the input that is looked at, where it is another one."""
        opened, why = self._session.input, self._lost
        if (opened, why) == self._shown_input:
            return
        self._shown_input = opened, why
        self._asked_again = 0
        self._mixed = {}
        desk = self._desk
        desk.show_image(opened is None or opened.dataset.pyramid is not None)
        if opened is not None and is_table(opened.dataset):
            desk.show_plots()
            desk.plots.set_dataset(opened.dataset)
        elif opened is not None and opened.views:
            desk.show_views()
            desk.views.set_input(opened.dataset.title, opened.views)
        if opened is None:
            way_out = tr("Find the file to see it, and to run again.") if why else ""
            desk.stage.set_image(None, instead=(why, way_out))
        else:
            size = resolve.microns(opened.dataset)
            desk.stage.set_image(
                opened.dataset.pyramid, title=opened.dataset.title, microns_per_pixel=size
            )
        self._told = ()  # the stage has forgotten its mixing with the image
        self.stage_changed.emit()
        self.draw_thumbnails()

    def turn(self) -> None:
        """An input alone is seen whole; the first sight of a result is a comparison."""
        self._live = None
        self._desk.stage.set_awaited(self._session.running_here)
        had, has = self._had_run, self._session.run is not None
        self._had_run = has
        if self._session.running_here or had == has:
            return
        self._desk.stage.set_mode(self._comparison() if has else "whole")

    def draw(self) -> None:
        """Draw the run that is looked at."""
        session, desk = self._session, self._desk
        run, strips = session.run, session.part_strips
        if run is None:
            desk.stage.set_mixing(None)
            self._told = ()
            desk.stage.set_strips(())
        elif self._is_image:
            self._stage_strips(run.result.parts, strips)
            self._mix(run.result.parts, strips)
        self._draw_scatter(run, strips)
        result = run.result if run is not None else None
        again, self._drawn_result = result is self._drawn_result, result
        if self._is_table:
            desk.plots.set_result(result, strips)
        elif self._has_views:
            desk.views.set_result(result, strips)
        elif not self._is_image and session.input is not None:
            desk.sheets.set_result(result, strips)
        desk.stagebar.set_ready(self._is_image, run is not None)
        self._on_mode(desk.stage.mode())
        if again and self._is_image:
            self._soon.start()  # a hand is at work: what it looks at comes first
        else:
            self.draw_thumbnails()

    def draw_live(self, snapshot: Snapshot) -> None:
        """Draw the parts of a run that is going on; `draw_thumbnails` follows with the strips."""
        first, self._live = self._live is None, snapshot
        self._live_result = None
        strips = self.strips
        if self._is_image:
            self._stage_strips(snapshot.parts, strips)
            self._mix(snapshot.parts, strips, live=True)
            self._desk.stagebar.set_ready(True, True)
            if first and self.mode() == _COMPARE:
                self.look(_COMPARE)
        elif self._is_table:
            self._desk.plots.set_live(snapshot.parts, strips, snapshot.views)
        elif self._has_views:
            self._desk.views.set_live(snapshot.parts, strips, snapshot.views)
        self.drawn.emit()

    def begin_run(self) -> None:
        """The first parts of an input are awaited in a comparison."""
        self._desk.stage.set_awaited(True)
        if self._session.run is None:
            self._desk.stage.set_mode(_COMPARE)

    def end_without(self) -> None:
        """A first run ended without anything to see."""
        self._live = None
        self._desk.stage.set_awaited(False)
        self._desk.stage.set_mode("whole")
        self.draw()
        self.drawn.emit()

    def set_theme(self, tokens: Tokens) -> None:
        """Draw pictures that are ours in the colours of a theme."""
        self._tokens = tokens
        self.draw_thumbnails()

    def draw_thumbnails(self) -> None:
        """Draw the small pictures of mixer and list; soon, since the stage comes first."""
        self._turns.ask("strips", self._draw_strip_thumbnails)
        if self._live is None or self._is_image or self._is_table:  # a run leaves signals as is
            self._turns.ask("rest", self._draw_left_over)
            self._turns.ask("whole", self._draw_whole)

    # --- inside --------------------------------------------------------------------------

    @property
    def _lost(self) -> str:
        """Why the input that is looked at cannot be shown, in words; empty where it can."""
        source = self._session.source
        return self._session.lost.get(source.id, "") if source is not None else ""

    @property
    def _is_image(self) -> bool:
        opened = self._session.input
        return opened is not None and opened.dataset.pyramid is not None

    @property
    def _is_table(self) -> bool:
        opened = self._session.input
        return opened is not None and is_table(opened.dataset)

    @property
    def _has_views(self) -> bool:
        opened = self._session.input
        return opened is not None and bool(opened.views) and not self._is_image

    def _mix(self, parts: Sequence[Part], strips: Sequence[Strip], *, live: bool = False) -> None:
        """Give the stage the mixing model, but only where it is another one."""
        given = self._as_mixed(strips) if not live else tuple(s for s in strips if s.locked)
        options = {**resolve.image_options(self._session.run), **self._mixed}
        told = (
            id(self._shown_input[0]),
            tuple(self._mixed.items()),
            tuple(id(part) for part in parts),
            tuple((s.key, s.profile) for s in given),
        )
        if told != self._told or live:
            self._told = told
            self._desk.stage.set_mixing(resolve.mixing_of(parts, given, options))

    def _as_mixed(self, strips: Sequence[Strip]) -> tuple[Strip, ...]:
        """Strips with the profiles that are mixed by, where no hand has put others."""
        profiles = self._mixed.get("profiles", {})
        return tuple(
            dataclasses.replace(s, profile=tuple(profiles[s.key]))
            if s.profile is None and s.key in profiles
            else s
            for s in strips
        )

    def _stage_strips(self, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        self._desk.stage.set_strips(strips, {part.key: part.color for part in parts})

    def _offer_against(self) -> None:
        """Offer what may stand beyond the line, while there is one."""
        mode, parts = self._desk.stage.mode(), self.parts
        if self.mode() != _COMPARE or not parts or not self._is_image:
            self._desk.stagebar.set_against((), "")
            return
        strips = self._session.strips if self._live is None else self.strips
        heads = [s for s in strips if s.key != _RESIDUAL]
        few = len(heads) <= _NAMED and sum(len(s.name) for s in heads) <= _LETTERS
        names = [(self._layer_of(s.key), s.name if few else f"{k}") for k, s in enumerate(heads, 1)]
        self._desk.stagebar.set_against(
            (*names, ("", tr("As mixed"))), mode.removeprefix(_AGAINST) if mode != _COMPARE else ""
        )

    def _draw_scatter(self, run: Run | None, strips: Sequence[Strip]) -> None:
        view = resolve.view_of(run, "scatter")
        if run is None or view is None:
            self._desk.show_scatter("", "", "")
            return
        parts = run.result.parts
        movable = resolve.plane_of(view, parts) is not None
        shown = resolve.corrected_view(view, parts, self._as_mixed(strips))
        self._desk.scatter.set_view(shown, parts, strips)
        unit = view.axes[0].unit if view.axes else ""
        title = tr("Optical density") if unit == "OD" else view.title
        self._desk.show_scatter(title, tr("drag a tip") if movable else "", view.title)

    def _draw_strip_thumbnails(self) -> None:
        mixer, colors = self._desk.mixer, {strip.key: strip.color for strip in self.strips}
        size = mixer.thumbnail_size * self._desk.devicePixelRatioF()
        if self._session.source is None or self._session.input is None:
            for key in colors:  # no frames for pictures that there cannot be
                mixer.set_thumbnail(key, None)
        elif self._is_image or self._is_table:
            for key in colors:
                picture = self._desk.shown.thumbnail(self._layer_of(key), size)
                mixer.set_thumbnail(key, picture)
        else:
            for part in self.parts:
                color = colors.get(part.key, part.color)
                mixer.set_thumbnail(part.key, spark(part, size, self._tokens, color))

    def _draw_whole(self) -> None:
        """Draw the whole for the list."""
        source, shown = self._session.source, self._desk.shown
        drawn = self._is_image or self._is_table or self._has_views
        if source is None or not drawn:
            return
        if shown is self._desk.views and shown.is_building:
            if self._asked_again < _TIMES:
                self._asked_again += 1
                QTimer.singleShot(_LATER_MS, self, self._draw_whole)
            return
        picture = QPixmap.fromImage(shown.thumbnail("whole", _TREE_THUMB))
        self._desk.tree.set_thumbnail(source.id, picture)

    def _draw_left_over(self) -> None:
        """Draw what the parts leave over, where parts and whole are drawn over each other."""
        run = self._session.run
        if run is None or self._session.input is None or self._is_image or self._is_table:
            return
        if self._left_of is not run.result:
            self._left_of = run.result
            views = self._desk.views.views() if self._has_views else ()
            self._left = left_over(views, run.result.parts)
        size = self._desk.mixer.thumbnail_size * self._desk.devicePixelRatioF()
        colors = {strip.key: strip.color for strip in self.strips}
        picture = None
        if self._left is not None:
            color = colors.get(_RESIDUAL, self._tokens.muted)
            picture = filled_curve(self._left, size, self._tokens, color)
        self._desk.mixer.set_thumbnail(_RESIDUAL, picture)

    def _layer_of(self, key: str) -> str:
        """What a strip stands for on the stage: its part, or in an image the sum joined."""
        if not self._is_image or self._live is not None:
            return key
        strip = next((s for s in self._session.strips if s.key == key), None)
        return "+".join((key, *strip.joined)) if strip is not None else key

    def _on_mode(self, mode: str) -> None:
        alone = self._name(mode.removeprefix(_ALONE)) if mode.startswith(_ALONE) else ""
        there = mode.partition(":")[0] if not alone else mode
        self._desk.stagebar.set_mode(there if self._is_image else "", alone)
        self._offer_against()

    def _on_view(self) -> None:
        self._desk.stagebar.set_zoom(self._desk.stage.zoom_percent if self._is_image else None)

    def _name(self, key: str) -> str:
        head = key.partition("+")[0]
        shown = self._session.strips if self._live is None else self.strips
        return next((s.name for s in shown if s.key == head), head)
