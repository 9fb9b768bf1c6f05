"""What may a plugin's panel see and do? The run that is looked at, and corrections to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from partwise.data.dataset import Dataset
from partwise.errors import PartwiseProblem
from partwise.plugins import safety
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import resolve
from partwise.project.document import State, Strip
from partwise.result import Part, Result
from partwise_app.filework import Opened
from partwise_app.notices import Notice
from partwise_app.session import Session

if TYPE_CHECKING:
    from partwise_app.desk import Desk
    from partwise_app.picture import Picture

__all__ = ["Host", "load_capture", "load_panel"]

_log = logging.getLogger("partwise.app")


class Host(QObject):
    """The side of the window that a panel sees.

    A panel is a ``QWidget`` made with its host. It draws what the host tells, asks for changes,
    and changes nothing by itself. It stands below the form; a widget that it has as
    ``under_stage`` is put between stage and mixer.

    While an input of another plugin is looked at, there is nothing to see: `dataset` and
    `result` are None, and what is asked for does nothing.
    """

    changed = Signal()
    """Parts, strips, the run, parameters or the section are others."""
    stage_changed = Signal()
    """Other drawings are on the stage: `view` may give another one."""

    def __init__(
        self,
        session: Session,
        plugin: Plugin | None = None,
        desk: Desk | None = None,
        picture: Picture | None = None,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._plugin = plugin
        self._desk = desk
        self._picture = picture
        self._told = ""  # what of the section could not be read, once
        session.changed.connect(self._on_changed)
        session.selection_changed.connect(self.changed)
        session.running_changed.connect(self.changed)
        if picture is not None:
            picture.drawn.connect(self.changed)
            picture.stage_changed.connect(self.stage_changed)

    # --- what there is -------------------------------------------------------------------

    @property
    def dataset(self) -> Dataset | None:
        """The input that is looked at, once it is read."""
        opened = self._input
        return opened.dataset if opened is not None else None

    @property
    def result(self) -> Result | None:
        """The result that is looked at, or what stands of the run that goes on.

        The latter has parts, trace and perhaps views; every number that only the end of a run
        computes is not a number.
        """
        if self._input is None:
            return None
        if self._picture is not None and self._picture.live is not None:
            return self._picture.live_result
        run = self._session.run
        return run.result if run is not None else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of `result`, as found; empty before a run."""
        result = self.result
        return result.parts if result is not None else ()

    @property
    def strips(self) -> tuple[Strip, ...]:
        """What is chosen for each part: key, name, color, show, solo, locked; residual last."""
        if self._input is None:
            return ()
        if self._picture is not None and self._picture.live is not None:
            return self._picture.strips
        return self._session.strips

    @property
    def running(self) -> bool:
        """Whether a run of the input that is looked at goes on."""
        return self._session.running_here

    # --- parameters ----------------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Every parameter by its name, as the form shows it."""
        return self._session.parameters if self._input is not None else {}

    def set_parameter(self, name: str, value: Any, title: str = "", merge: str = "") -> None:
        """Choose a parameter's value, as an edit called `title`; the form follows.

        Each is a step of its own; those with the same `merge` in quick succession are one, such as
        the movements of a slider or two parameters that belong together.

        Raises
        ------
        KeyError
            There is no such parameter.
        UsageProblem
            The value is not allowed.
        """
        opened = self._input
        if opened is None:
            return
        spec = {spec.name: spec for spec in opened.specs}[name]
        self._session.edits.parameter(name, spec.validate(value), title, merge=merge)

    # --- what the plugin keeps -----------------------------------------------------------

    @property
    def section(self) -> Mapping[str, Any]:
        """The plugin's own JSON in the project, as its present version writes it."""
        try:
            return self._session.section if self._input is not None else {}
        except PartwiseProblem as problem:
            if self._told != str(problem):
                self._told = str(problem)
                self._session.noticed.emit(Notice("look", f"{problem.what}.", problem.fix))
            return {}

    def keep(self, data: Mapping[str, Any], title: str, merge: str = "") -> None:
        """Put `data` in place of `section`, as an edit called `title`.

        Begin from a copy of `section`, so that keys of a newer version survive. Edits with the
        same `merge` in quick succession are one step.
        """
        if self._input is not None:
            self._session.keep(data, title, merge=merge)

    # --- parts ---------------------------------------------------------------------------

    def correct(self, key: str, profile: Sequence[float], name: str) -> None:
        """Put a profile in place of the one found, as an edit called `name`."""
        self._session.edits.strip(key, name, {"profile": tuple(profile)}, merge=f"{name}-{key}")

    def take(
        self, values: Mapping[str, Any], profiles: Mapping[str, Sequence[float]], name: str
    ) -> None:
        """Choose parameters and put profiles in place of those found, as one edit called `name`.

        Parameters
        ----------
        values : mapping
            By parameter, as in `set_parameter`; those that are not named stay.
        profiles : mapping
            By key of a part, as in `correct`.
        name : str

        Raises
        ------
        KeyError
            There is no such parameter.
        UsageProblem
            A value is not allowed.
        """
        opened = self._input
        if opened is None:
            return
        specs = {spec.name: spec for spec in opened.specs}
        chosen = {key: specs[key].validate(value) for key, value in values.items()}
        self._session.edits.take(name, chosen, profiles)

    def change_strip(self, key: str, title: str, **changes: Any) -> None:
        """Change what is chosen for a part (``show``, ``solo``, ``locked``, …) as an edit."""
        self._session.edits.strip(key, title, changes)

    def take_back(self) -> None:
        """Take all corrections back, as one edit."""
        self._session.edits.reset_profiles()

    # --- deeds ---------------------------------------------------------------------------

    def run(self) -> None:
        """Start a run; it goes on from what was stopped or corrected, as Run does."""
        if self._input is not None:
            self._session.start_run()

    def open(self, path: Path) -> None:
        """Open a file beside what is open, such as one that the panel has just written."""
        self._session.open_path(path)

    def notify(self, text: str, tone: Literal["good", "warn"] = "good") -> None:
        """Show a line above the page, until something else is to be said.

        What was refused or did not succeed is told with the tone ``"warn"``.
        """
        self._session.noticed.emit(Notice("look" if tone == "warn" else "good", text))

    # --- the stage -----------------------------------------------------------------------

    def view(self, kind: str) -> QWidget | None:
        """Return the drawing of the first view of a kind that is on the stage now.

        Ask again when `stage_changed` says so; a drawing lives as long as the window, what it
        shows changes.
        """
        if self._desk is None or self._input is None:
            return None
        return self._desk.drawing(kind)

    def look(self, mode: str) -> None:
        """Show a tab of the stage, such as ``"whole"``, ``"parts"`` or ``"view:1"``."""
        if self._picture is not None and self._input is not None:
            self._picture.look(mode)

    def mix_by(self, **options: Any) -> None:
        """Draw an image as if its run had mixed by other options, such as another ``white``.

        ``profiles``, by key of a part, stand in place of those found where no hand has put others.
        Each call replaces the one before; without options the run's own hold again. Say it on
        each `changed`: the picture forgets it with the input.
        """
        if self._picture is not None and self._input is not None:
            self._picture.mix_by(options)

    # --- inside --------------------------------------------------------------------------

    @property
    def _input(self) -> Opened | None:
        opened = self._session.input
        if opened is None or (self._plugin is not None and opened.plugin.id != self._plugin.id):
            return None
        return opened

    def _on_changed(self, before: State, after: State) -> None:
        one, two = before.choices, after.choices
        if (
            one.strips != two.strips
            or one.parameters != two.parameters
            or before.runs != after.runs
            or before.sections != after.sections
        ):
            self.changed.emit()


def load_capture(plugin: Plugin, window: QWidget) -> Any | None:
    """Make the dialog by which a plugin makes files; None where it fails, which the log tells."""
    try:
        with safety.loading(plugin.id):
            return resolve(plugin.capture)(window)
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything
        _log.exception("what %s makes files with could not be made", plugin.id)
        return None


def load_panel(plugin: Plugin, host: Host) -> QWidget | None:
    """Make the panel of a plugin; None where it brings none or it fails, which the log tells."""
    if not plugin.panel:
        return None
    try:
        with safety.loading(plugin.id):  # one that takes the window down is left out next time
            made = resolve(plugin.panel)(host)
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything
        _log.exception("the panel of %s could not be made; form and stage do without", plugin.id)
        return None
    return made if isinstance(made, QWidget) else None
