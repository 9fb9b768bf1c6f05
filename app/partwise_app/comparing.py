"""Which two runs are compared, and until when?"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from PySide6.QtCore import QObject

from partwise.params import ParamSpec
from partwise.project.compare import Difference, differences
from partwise.project.document import Run, State
from partwise_app import resolve
from partwise_app.comparison import Comparison
from partwise_app.desk import Desk
from partwise_app.filework import Opened
from partwise_app.session import Session
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.plots import PlotStage, is_table
from partwise_app.viewers.views import ViewStage

__all__ = ["Comparing"]


class Comparing(QObject):
    """Puts another run beside the one that is looked at, until something else is looked at.

    Parameters
    ----------
    session : Session
    desk : Desk
    """

    def __init__(self, session: Session, desk: Desk) -> None:
        super().__init__(desk)
        self._session = session
        self._desk = desk
        self._page: Comparison | None = None  # made when first needed: it has threads of its own
        self._pair: tuple[str, str] | None = None
        self._plots: tuple[PlotStage | ViewStage, ...] = ()
        self._tokens = DARK
        session.selection_changed.connect(self._on_selection)
        session.changed.connect(self._on_changed)

    @property
    def page(self) -> Comparison | None:
        """What is shown, or None."""
        return self._page if self._pair is not None else None

    def begin(self, other_id: str) -> None:
        """Compare the run that is looked at with another one of its input."""
        run, opened = self._session.run, self._session.input
        if run is None:
            return
        page = self._page or self._make_page()
        self._pair = other_id, run.id
        pyramid = opened.dataset.pyramid if opened is not None else None
        page.set_pictures(pyramid is not None)
        if pyramid is not None and opened is not None:
            for stage in page.stages:
                size = resolve.microns(opened.dataset)
                stage.set_image(pyramid, title=opened.dataset.title, microns_per_pixel=size)
        self._plots = ()
        if opened is not None and pyramid is None:
            self._set_plots(page, opened)
        self._draw()
        self._desk.show_over(page)

    def _set_plots(self, page: Comparison, opened: Opened) -> None:
        """Put what was measured on two stages, where it is no image."""
        if is_table(opened.dataset):
            for stage in page.set_plots(PlotStage):
                assert isinstance(stage, PlotStage)
                stage.set_dataset(opened.dataset)
                self._plots = (*self._plots, stage)
        elif opened.views:
            for views in page.set_plots(ViewStage):
                assert isinstance(views, ViewStage)
                views.set_input(opened.dataset.title, opened.views)
                self._plots = (*self._plots, views)

    def end(self) -> None:
        """Go back to the stage."""
        if self._pair is not None:
            self._pair = None
            self._desk.show_over(None)

    def set_theme(self, tokens: Tokens) -> None:
        self._tokens = tokens
        if self._page is not None:
            self._page.set_theme(tokens)

    def close_threads(self) -> None:
        """End the loader threads."""
        if self._page is not None:
            self._page.close_threads()

    def _make_page(self) -> Comparison:
        self._page = Comparison()
        self._page.set_theme(self._tokens)
        self._page.closed.connect(self.end)
        return self._page

    def _draw(self) -> None:
        page, state = self._page, self._session.state
        if page is None or self._pair is None:
            return
        runs = [state.run(run_id) for run_id in self._pair]
        first, second = (state.title(run.id, run.title) for run in runs)
        page.set_titles(first, second)
        opened = self._session.opened_input(runs[0].source)
        specs = {spec.name: spec for spec in opened.specs} if opened is not None else {}
        labels = {name: spec.label for name, spec in specs.items()}
        before, after = (state.part_strips(run.id) for run in runs)
        lines = differences(runs[0], runs[1], before, after, labels)
        page.set_lines([_worded(line, {s.label: s for s in specs.values()}) for line in lines])
        for stage, run in zip(page.stages, runs, strict=True):
            strips = state.part_strips(run.id)
            stage.set_strips(strips, {part.key: part.color for part in run.result.parts})
            options = resolve.image_options(run)
            stage.set_mixing(resolve.mixing_of(run.result.parts, strips, options))
            stage.set_mode("parts")
        for plots, run in zip(self._plots, runs, strict=False):
            plots.set_result(run.result, state.part_strips(run.id))
            if isinstance(plots, PlotStage) and plots.mode() == "side":
                plots.set_mode("parts")  # each has half the room

    def _on_selection(self) -> None:
        run: Run | None = self._session.run
        if self._pair is not None and (run is None or run.id != self._pair[1]):
            self.end()

    def _on_changed(self, before: State, after: State) -> None:
        if self._pair is None:
            return
        known = {run.id for run in after.runs} - set(after.choices.removed)
        if not set(self._pair) <= known:
            self.end()
        elif before.choices.strips != after.choices.strips:
            self._draw()


def _worded(line: Difference, specs: Mapping[str, ParamSpec]) -> Difference:
    """Say the values of a parameter, by its label, as the form says them."""
    spec = specs.get(line.name)
    if line.group != "Parameter" or spec is None:
        return line
    before, after = (resolve.value_in_words(spec, text) for text in (line.before, line.after))
    return dataclasses.replace(line, before=before, after=after)
