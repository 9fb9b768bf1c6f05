"""How is the session told beside the stage? List, form, mixer, trust, curve and status."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from partwise.plugins.contract import Plugin
from partwise.project.document import Run, State, Strip
from partwise.result import Snapshot, Trust
from partwise_app import resolve
from partwise_app.desk import Desk
from partwise_app.fitting import words_of_room
from partwise_app.gestures import Gestures
from partwise_app.host import Host, load_panel
from partwise_app.mixer import Share
from partwise_app.picture import Picture
from partwise_app.session import Session
from partwise_app.statusbar import StatusBar
from partwise_app.theme import Tokens
from partwise_app.tree import Entry
from partwise_app.turns import Turns
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Presenter"]

_RESIDUAL = "residual"
_FINDINGS, _MEASURES = 12, 18  # rows that are made before the end of a run asks for them


class Presenter(QObject):
    """Draws one session on one desk; its `picture` draws what is on the stage.

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
        self.picture = Picture(session, desk)
        self._gestures = Gestures(session, desk, self.picture)
        self._panels: dict[str, QWidget | None] = {}
        self._trusted: tuple[Trust, ...] = ()
        self._turns = Turns(self)
        session.changed.connect(self._on_changed)
        session.selection_changed.connect(self._on_selection)
        session.input_changed.connect(self._on_input)
        session.inputs.foreseen.connect(self._on_foreseen)
        session.snapshot_arrived.connect(self._on_snapshot)
        session.running_changed.connect(self._on_running)
        session.progressed.connect(status.job.progress)
        session.quiet.connect(status.job.quiet)
        session.busy_changed.connect(self._on_busy)
        session.preparing_changed.connect(self._on_preparing)
        session.stopped.connect(self._on_stopped)
        session.stopping.connect(self._on_stopping)
        status.job.cancel_asked.connect(session.stop)
        desk.stage.cursor_moved.connect(status.set_reading)
        desk.plots.cursor_moved.connect(status.set_reading)
        desk.views.cursor_moved.connect(status.set_reading)
        self._on_selection()

    def set_theme(self, tokens: Tokens) -> None:
        """Draw pictures that are ours in the colours of a theme."""
        self.picture.set_theme(tokens)

    # --- what changed --------------------------------------------------------------------

    def _on_changed(self, before: State, after: State) -> None:
        if _listed(before) != _listed(after):
            self._draw_tree()
        if before.choices.parameters != after.choices.parameters:
            self._draw_form()
        if before.choices.strips != after.choices.strips:
            self.picture.follow_mixer(before, after)
            self._draw_parts()
            if not self._session.running_here:
                self._draw_trust()

    def _on_selection(self) -> None:
        self.picture.turn()
        self._draw_tree()
        self._draw_form()
        self._draw_parts()
        self._draw_run()

    def _on_input(self) -> None:
        opened = self._session.input
        self._desk.show_panel(self._panel_for(opened.plugin) if opened is not None else None)
        self.picture.show_input()

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.picture.draw_live(snapshot)
        self._turns.ask("live", self._draw_live)

    def _draw_live(self) -> None:
        """Draw beside the stage what is seen of a run that is going on."""
        snapshot = self.picture.live
        if snapshot is None:
            return  # it has ended
        shares = {
            part.key: Share(part.share, tr("Of what the parts explain, so far"))
            for part in snapshot.parts
            if part.share > 0
        }
        self._desk.mixer.set_strips(self.picture.strips, shares, live=True)
        self.picture.draw_thumbnails()
        self._desk.curve.set_trace(snapshot.trace, None, True)

    def _on_running(self, running: bool) -> None:
        self._desk.mixer.set_awaited(running)
        if running:
            source = self._session.source
            self._status.job.begin(tr("{value}: starting", value=source.title if source else ""))
            self._trusted = ()
            self._desk.trust.set_lines(())
            self._desk.glance.set_lines(())
            self._desk.measures.set_measures(())
            self._desk.curve.set_trace((), None, True)
            self.picture.begin_run()
            self._turns.ask("findings", partial(self._desk.trust.prepare, _FINDINGS))
            self._turns.ask("measures", partial(self._desk.measures.prepare, _MEASURES))
        else:
            self._rest(tr("Ready"))

    def _on_stopping(self) -> None:
        self._status.job.stopping()

    def _on_stopped(self, asked: bool) -> None:
        self._rest(tr("Stopped") if asked else tr("Ready"))
        if self._session.run is not None:
            self._on_selection()  # what stood, or the result that was there before
        else:
            self.picture.end_without()
            self._draw_parts()
            self._desk.curve.set_trace((), None, False)

    def _on_busy(self) -> None:
        if self._session.running:
            return
        doing = self._session.doing
        if doing:
            self._status.job.begin(doing, cancellable=self._session.stoppable)
        else:
            self._rest(tr("Ready"))

    def _on_preparing(self) -> None:
        if not self._session.running and not self._session.doing:
            self._rest(tr("Ready"))

    def _rest(self, said: str) -> None:
        """Nothing that the person asked for goes on."""
        if self._session.preparing:
            self._status.job.begin_quietly(tr("Preparing the fast loops (once)…"))
        else:
            self._status.job.rest(said)

    # --- drawing -------------------------------------------------------------------------

    def _draw_tree(self) -> None:
        state, session = self._session.state, self._session
        entries = []
        for source in state.listed:
            entries.append(self._source_entry(source.id, source.title))
            runs = state.runs_of(source.id)
            former = dict(zip([run.id for run in runs[1:]], runs[:-1], strict=True))
            entries.extend(
                Entry(
                    run.id,
                    True,
                    state.title(run.id, run.title),
                    resolve.summary_of_run(run),
                    resolve.worst_verdict(run),
                    story=self._story(run, former.get(run.id)),
                )
                for run in reversed(runs)
            )
        current = session.run.id if session.run else (session.source.id if session.source else "")
        self._desk.tree.set_entries(tuple(entries), current)

    def _story(self, run: Run, former: Run | None) -> str:
        opened = self._session.opened_input(run.source)
        specs = {spec.name: spec for spec in opened.specs} if opened is not None else {}
        return resolve.story_of_run(self._session.state, run, former, specs)

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
        form, values = self._desk.form, self._session.parameters
        if opened is None:
            source = self._session.source
            lost = source is not None and source.id in self._session.lost
            form.set_form(tr("Analysis"), (), {}, lost=lost)
            form.set_room("", fits=True)
        else:
            form.set_form(opened.plugin.title, opened.specs, values)
            form.set_room(*words_of_room(self._session.registry, opened, values))

    def _draw_parts(self) -> None:
        """Draw what follows the mixer: strips and pictures."""
        run = self._session.run
        strips = self._session.strips
        shares = _shares(run, strips) if run is not None else {}
        divisible = "divisible" in self._session.facts()
        self._desk.mixer.set_strips(strips, shares, divisible=divisible)
        self.picture.draw()

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
        whole = run is not None and resolve.is_whole(run)
        self._desk.export.setEnabled(whole and self._session.input is not None)
        self._desk.report.setEnabled(whole)

    def _draw_trust(self) -> None:
        lines = resolve.trust_lines(self._session.run, self._session.strips)
        if lines != self._trusted:
            self._trusted = lines
            self._desk.trust.set_lines(lines)
            self._desk.glance.set_lines(lines)

    def _on_foreseen(self, plugin: Plugin) -> None:
        """Make a panel while its file is still being read."""
        panel = self._panel_for(plugin)
        if panel is not None:
            self._desk.park_panel(panel)

    def _panel_for(self, plugin: Plugin) -> QWidget | None:
        if plugin.id not in self._panels:
            host = Host(self._session, plugin, self._desk, self.picture)
            self._panels[plugin.id] = load_panel(plugin, host)
        return self._panels[plugin.id]


def _listed(state: State) -> tuple[object, ...]:
    return state.sources, state.runs, state.choices.titles, state.choices.removed


def _shares(run: Run, strips: tuple[Strip, ...]) -> Mapping[str, Share]:
    """How much each strip is, and of what: parts share what is explained, the rest is left."""
    # A run that was stopped may not have come to the shares; nothing is said then.
    whole = resolve.is_whole(run)
    each = {part.key: part.share for part in run.result.parts if whole or part.share > 0}
    shares = {}
    for strip in strips:
        if strip.key in each:
            share = each[strip.key] + sum(each.get(key, 0.0) for key in strip.joined)
            shares[strip.key] = Share(
                share, tr("{value} % of what the parts explain", value=f"{100 * share:.2f}")
            )
    left = run.result.residual
    words = left.text or f"{100 * left.share:.2f} % of the whole is not explained"
    return {**shares, _RESIDUAL: Share(left.share, words)}
