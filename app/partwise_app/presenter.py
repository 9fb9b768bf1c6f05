"""How is the session drawn? From what changed to the widgets that show it, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize
from PySide6.QtGui import QPixmap

from partwise.plugins.contract import Plugin
from partwise.project.document import Run, State, Strip
from partwise.result import Part, Snapshot, Trust
from partwise_app import resolve
from partwise_app.desk import Desk
from partwise_app.host import Host, load_panel
from partwise_app.mixer import Share
from partwise_app.notices import Notice
from partwise_app.session import Session
from partwise_app.sheets import spark
from partwise_app.statusbar import StatusBar
from partwise_app.theme import DARK, Tokens
from partwise_app.tree import Entry
from partwise_app.viewers.plots import is_table

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Presenter"]

_ALONE = "part:"
_NAMED = 2  # more parts than this are offered by their numbers, for want of room
_RESIDUAL = "residual"
_TREE_THUMB = QSize(76, 52)
_EDITS = {
    ("show", True): "Show",
    ("show", False): "Hide",
    ("solo", True): "Solo",
    ("solo", False): "End solo of",
    ("locked", True): "Lock",
    ("locked", False): "Unlock",
}


class Presenter(QObject):
    """Draws one session on one desk.

    Parameters
    ----------
    session : Session
    desk : Desk
    status : StatusBar
    """

    def __init__(self, session: Session, desk: Desk, status: StatusBar) -> None:
        super().__init__(desk)
        self._session = session
        self._desk = desk
        self._status = status
        self._live: Snapshot | None = None
        self._had_run = False
        self._host = Host(session)
        self._panels: dict[str, QWidget | None] = {}
        self._trusted: tuple[Trust, ...] = ()
        self._tokens = DARK
        self._shown_input: object = None
        self._told: tuple[object, ...] = ()
        self._against: str | None = None  # what stands beyond the line; None until chosen
        session.changed.connect(self._on_changed)
        session.selection_changed.connect(self._on_selection)
        session.input_changed.connect(self._on_input)
        session.snapshot_arrived.connect(self._on_snapshot)
        session.running_changed.connect(self._on_running)
        session.progressed.connect(status.job.progress)
        session.busy_changed.connect(self._on_busy)
        session.stopped.connect(self._on_stopped)
        session.stopping.connect(self._on_stopping)
        status.job.cancel_asked.connect(session.stop)
        desk.tree.chosen.connect(self._on_chosen)
        desk.tree.renamed.connect(session.rename)
        desk.form.edited.connect(session.set_parameter)
        desk.mixer.switched.connect(self._on_switched)
        desk.mixer.renamed.connect(self._on_renamed)
        desk.mixer.recolored.connect(self._on_recolored)
        desk.mixer.activated.connect(self._on_activated)
        desk.stage.cursor_moved.connect(status.set_reading)
        desk.stage.mode_changed.connect(self._on_mode_changed)
        desk.stage.view_changed.connect(self._on_view)
        desk.stage.thumbnails_changed.connect(self._draw_thumbnails)
        desk.plots.cursor_moved.connect(status.set_reading)
        desk.stagebar.mode_asked.connect(desk.stage.set_mode)
        desk.stagebar.against_asked.connect(self._on_against)
        desk.scatter.ray_moved.connect(self._on_ray)
        self._on_selection()

    # --- from session to desk ------------------------------------------------------------

    def _on_changed(self, before: State, after: State) -> None:
        listed = (before.sources, before.runs, before.choices.titles)
        if listed != (after.sources, after.runs, after.choices.titles):
            self._draw_tree()
        if before.choices.parameters != after.choices.parameters:
            self._draw_form()
        if before.choices.strips != after.choices.strips:
            self._follow_mixer(before, after)
            self._draw_parts()
            if not self._session.running_here:
                self._draw_trust()

    def _on_selection(self) -> None:
        self._live = None
        self._turn_stage()
        self._draw_tree()
        self._draw_form()
        self._draw_parts()
        self._draw_run()

    def _turn_stage(self) -> None:
        """An input alone is seen whole; the first sight of a result is a comparison."""
        had, has = self._had_run, self._session.run is not None
        self._had_run = has
        if self._session.running_here or had == has:
            return
        self._desk.stage.set_mode("compare" if has else "whole")

    def _on_input(self) -> None:
        opened = self._session.input
        if opened is self._shown_input:
            return
        self._shown_input = opened
        stage = self._desk.stage
        self._desk.show_panel(self._panel_for(opened.plugin) if opened is not None else None)
        self._desk.show_image(opened is None or opened.dataset.pyramid is not None)
        if opened is not None and is_table(opened.dataset):
            self._desk.show_plots()
            self._desk.plots.set_dataset(opened.dataset)
        if opened is None:
            stage.set_image(None)
        else:
            size = resolve.microns(opened.dataset)
            stage.set_image(
                opened.dataset.pyramid, title=opened.dataset.title, microns_per_pixel=size
            )
        self._told = ()  # the stage has forgotten its mixing with the image
        self._draw_thumbnails()

    def _panel_for(self, plugin: Plugin) -> QWidget | None:
        if plugin.id not in self._panels:
            self._panels[plugin.id] = load_panel(plugin, self._host)
        return self._panels[plugin.id]

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self._live = snapshot
        self._draw_live(snapshot)
        self._desk.curve.set_trace(snapshot.trace, None, True)

    def _on_running(self, running: bool) -> None:
        if running:
            source = self._session.source
            self._status.job.begin(f"{source.title if source else ''}: starting")
            self._trusted = ()
            self._desk.trust.set_lines(())
            self._desk.measures.set_measures(())
            self._desk.curve.set_trace((), None, True)
            if self._session.run is None:
                self._desk.stage.set_mode("compare")
        else:
            self._status.job.rest("Ready")

    def _on_stopping(self) -> None:
        self._status.job.stopping()

    def _on_stopped(self, asked: bool) -> None:
        self._status.job.rest("Stopped" if asked else "Ready")
        if self._session.run is not None:
            self._on_selection()  # the result that was there before stands again
        elif self._live is None or not asked:
            self._live = None
            self._desk.stage.set_mode("whole")
            self._draw_parts()
            self._desk.curve.set_trace((), None, False)
        else:
            self._desk.curve.set_trace(self._live.trace, None, False)
            text = "The parts stay in view as they stood; they are not in the project."
            self._session.noticed.emit(Notice("look", "Stopped before the end.", text))

    def _on_busy(self) -> None:
        if self._session.running:
            return
        doing = self._session.doing
        if doing:
            self._status.job.begin(doing, cancellable=doing.startswith("Exporting"))
        else:
            self._status.job.rest("Ready")

    def _draw_tree(self) -> None:
        state, session = self._session.state, self._session
        entries = []
        for source in state.sources:
            entries.append(self._source_entry(source.id, source.title))
            entries.extend(
                Entry(
                    run.id,
                    True,
                    state.title(run.id, run.title),
                    resolve.summary_of_run(run),
                    resolve.worst_verdict(run),
                )
                for run in reversed(state.runs_of(source.id))
            )
        current = session.run.id if session.run else (session.source.id if session.source else "")
        self._desk.tree.set_entries(session.title, tuple(entries), current)

    def _source_entry(self, source_id: str, title: str) -> Entry:
        session = self._session
        opened = session.opened_input(source_id)
        lost = source_id in session.lost
        facts = session.lost.get(source_id, "")
        if not lost:
            facts = resolve.facts_of(opened.dataset) if opened else "not read yet"
        return Entry(source_id, False, session.state.title(source_id, title), facts, lost=lost)

    def _draw_form(self) -> None:
        opened = self._session.input
        if opened is None:
            self._desk.form.set_form("Analysis", (), {})
        else:
            self._desk.form.set_form(opened.plugin.title, opened.specs, self._session.parameters)

    def _draw_run(self) -> None:
        """Draw what belongs to a whole result: trust, measures, curve."""
        if self._session.running_here:
            return
        run = self._session.run
        result = run.result if run is not None else None
        self._draw_trust()
        self._desk.measures.set_measures(result.measures if result else ())
        about = result.provenance if result else None
        trace = result.fit.trace if result else ()
        self._desk.curve.set_trace(trace, about.seconds if about else None, False)
        self._desk.export.setEnabled(run is not None and self._session.input is not None)
        self._desk.report.setEnabled(run is not None)

    def _draw_trust(self) -> None:
        lines = resolve.trust_lines(self._session.run, self._session.strips)
        if lines != self._trusted:
            self._trusted = lines
            self._desk.trust.set_lines(lines)

    def _draw_parts(self) -> None:
        """Draw what follows the mixer: strips, stage, scatter."""
        session, desk = self._session, self._desk
        run, strips = session.run, session.strips
        if run is None:
            desk.mixer.set_strips((), {})
            desk.stage.set_mixing(None)
            self._told = ()
            desk.stage.set_strips(())
            desk.stagebar.set_against((), "")
        else:
            desk.mixer.set_strips(strips, _shares(run))
            if self._is_image:
                self._stage_strips(run.result.parts, strips)
            self._mix(run.result.parts, strips)
        self._draw_scatter(run, strips)
        if self._is_table:
            desk.plots.set_result(run.result if run is not None else None, strips)
        elif not self._is_image and session.input is not None:
            desk.sheets.set_result(run.result if run is not None else None, strips)
        desk.stagebar.set_ready(self._is_image, run is not None)
        self._on_mode(desk.stage.mode())
        self._draw_thumbnails()

    def _draw_live(self, snapshot: Snapshot) -> None:
        strips = resolve.live_strips(snapshot.parts, self._session.strips)
        shares = {
            part.key: Share(part.share, "Of what the parts explain, so far")
            for part in snapshot.parts
            if part.share > 0
        }
        self._desk.mixer.set_strips(strips, shares, live=True)
        if self._is_image:
            self._stage_strips(snapshot.parts, strips)
            self._mix(snapshot.parts, strips, live=True)
            self._desk.stagebar.set_ready(True, True)
            self._draw_strip_thumbnails(strips)
        elif self._is_table:
            self._desk.plots.set_live(snapshot.parts, strips)
            self._draw_strip_thumbnails(strips)

    def _mix(self, parts: Sequence[Part], strips: Sequence[Strip], *, live: bool = False) -> None:
        """Give the stage the mixing model, but only where it is another one."""
        if not self._is_image:
            return
        given = strips if not live else tuple(s for s in strips if s.locked)
        options = resolve.image_options(self._session.run)
        told = (
            id(self._shown_input),
            tuple(id(part) for part in parts),
            tuple((s.key, s.profile) for s in given),
        )
        if told != self._told or live:
            self._told = told
            self._desk.stage.set_mixing(resolve.mixing_of(parts, given, options))

    def _stage_strips(self, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        """Tell the stage what to show; while comparing, one part may stand beyond the line."""
        stage, found = self._desk.stage, {part.key: part.color for part in parts}
        against = parts[0].key if self._against is None and parts else self._against or ""
        comparing = stage.mode() == "compare" and any(s.key == against for s in strips)
        shown = tuple(strips)
        if comparing:
            shown = tuple(dataclasses.replace(s, solo=s.key == against, show=True) for s in strips)
        stage.set_strips(shown, found)
        offered: tuple[tuple[str, str], ...] = ()
        if stage.mode() == "compare" and strips:
            few = len(parts) <= _NAMED
            names = tuple(
                (part.key, self._name(part.key) if few else f"{k}")
                for k, part in enumerate(parts, 1)
            )
            offered = (*names, ("", "As mixed"))
        self._desk.stagebar.set_against(offered, against)

    def _follow_mixer(self, before: State, after: State) -> None:
        """Whoever shows, hides or solos a part wants to see that, also beyond the line."""
        run = self._session.run
        if run is None or run.id not in {r.id for r in before.runs}:
            return

        def seen(state: State) -> list[tuple[bool, bool]]:
            return [(strip.show, strip.solo) for strip in state.strips(run.id)]

        if seen(before) != seen(after):
            self._against = ""

    def _draw_scatter(self, run: Run | None, strips: Sequence[Strip]) -> None:
        view = resolve.view_of(run, "scatter")
        if run is None or view is None:
            self._desk.show_scatter("", "", "")
            return
        parts = run.result.parts
        movable = resolve.plane_of(view, parts) is not None
        shown = resolve.corrected_view(view, parts, strips)
        self._desk.scatter.set_view(shown, parts, strips)
        unit = view.axes[0].unit if view.axes else ""
        title = "Optical density" if unit == "OD" else view.title
        self._desk.show_scatter(title, "drag a tip" if movable else "", view.title)

    @property
    def _is_image(self) -> bool:
        opened = self._session.input
        return opened is not None and opened.dataset.pyramid is not None

    @property
    def _is_table(self) -> bool:
        opened = self._session.input
        return opened is not None and is_table(opened.dataset)

    def _draw_thumbnails(self) -> None:
        source = self._session.source
        if source is None or self._session.input is None:
            return
        if not self._is_image and not self._is_table:
            self._draw_sparks()
            return
        picture = self._desk.shown.thumbnail("whole", _TREE_THUMB)
        self._desk.tree.set_thumbnail(source.id, QPixmap.fromImage(picture))
        strips = self._session.strips
        if self._live is not None:
            strips = resolve.live_strips(self._live.parts, strips)
        self._draw_strip_thumbnails(strips)

    def _draw_sparks(self) -> None:
        run = self._session.run
        size = self._desk.mixer.thumbnail_size * self._desk.devicePixelRatioF()
        colors = {strip.key: strip.color for strip in self._session.strips}
        for part in run.result.parts if run is not None else ():
            picture = spark(part, size, self._tokens, colors.get(part.key, part.color))
            self._desk.mixer.set_thumbnail(part.key, picture)

    def set_theme(self, tokens: Tokens) -> None:
        """Draw pictures that are ours in the colours of a theme."""
        self._tokens = tokens
        self._draw_thumbnails()

    def _draw_strip_thumbnails(self, strips: Sequence[Strip]) -> None:
        size = self._desk.mixer.thumbnail_size * self._desk.devicePixelRatioF()
        for strip in strips:
            self._desk.mixer.set_thumbnail(strip.key, self._desk.shown.thumbnail(strip.key, size))

    # --- from desk to session ------------------------------------------------------------

    def _on_chosen(self, entry_id: str, is_run: bool) -> None:
        if is_run:
            self._session.select_run(entry_id)
        else:
            self._session.look_at_source(entry_id)

    def _on_switched(self, key: str, field: str, on: bool) -> None:
        name = f"{_EDITS[field, on]} {self._name(key)}"
        self._session.edit_strip(key, name, {field: on})

    def _on_renamed(self, key: str, name: str) -> None:
        self._session.edit_strip(key, f"Rename {self._name(key)}", {"name": name})

    def _on_recolored(self, key: str, color: str) -> None:
        self._session.edit_strip(key, f"Colour {self._name(key)}", {"color": color})

    def _on_activated(self, key: str) -> None:
        if self._is_table:
            plots = self._desk.plots
            wanted = "residual" if key == _RESIDUAL else f"{_ALONE}{key}"
            plots.set_mode("side" if plots.mode() == wanted else wanted)
            return
        if not self._is_image:
            solo = any(s.solo for s in self._session.strips if s.key == key)
            self._on_switched(key, "solo", not solo)
            return
        stage = self._desk.stage
        wanted = "residual" if key == _RESIDUAL else f"{_ALONE}{key}"
        stage.set_mode("compare" if stage.mode() == wanted else wanted)

    def _on_against(self, key: str) -> None:
        self._against = key
        self._draw_parts()

    def _on_ray(self, key: str, moved: tuple[float, float]) -> None:
        run = self._session.run
        view = resolve.view_of(run, "scatter")
        if run is None or view is None:
            return
        profile = resolve.profile_from_ray(view, run.result.parts, moved)
        if profile is not None:
            edit = f"Correct {self._name(key)}"
            self._session.edit_strip(key, edit, {"profile": profile}, merge=f"ray-{key}")

    def _on_mode_changed(self, mode: str) -> None:
        if self._live is not None:
            strips = resolve.live_strips(self._live.parts, self._session.strips)
            self._stage_strips(self._live.parts, strips)
        elif self._session.run is not None:
            self._stage_strips(self._session.run.result.parts, self._session.strips)
        else:
            self._desk.stagebar.set_against((), "")
        self._on_mode(mode)

    def _on_mode(self, mode: str) -> None:
        alone = self._name(mode.removeprefix(_ALONE)) if mode.startswith(_ALONE) else ""
        self._desk.stagebar.set_mode(mode, alone)

    def _on_view(self) -> None:
        self._desk.stagebar.set_zoom(self._desk.stage.zoom_percent if self._is_image else None)

    def _name(self, key: str) -> str:
        strips = self._session.strips
        if self._live is not None:
            strips = resolve.live_strips(self._live.parts, strips)
        return next((s.name for s in strips if s.key == key), key)


def _shares(run: Run) -> Mapping[str, Share]:
    """How much each strip is, and of what: parts share what is explained, the rest is left."""
    shares = {
        part.key: Share(part.share, f"{100 * part.share:.2f} % of what the parts explain")
        for part in run.result.parts
    }
    left = run.result.residual
    words = left.text or f"{100 * left.share:.2f} % of the whole is not explained"
    return {**shares, _RESIDUAL: Share(left.share, words)}
