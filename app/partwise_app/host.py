"""What may a plugin's panel see and do? The run that is looked at, and corrections to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from partwise.plugins.contract import Plugin
from partwise.plugins.registry import resolve
from partwise.project.document import State, Strip
from partwise.result import Part
from partwise_app.session import Session

__all__ = ["Host", "load_panel"]

_log = logging.getLogger("partwise.app")


class Host(QObject):
    """The side of the window that a panel sees.

    A panel is a ``QWidget`` made with its host. It draws what the host tells, asks for
    corrections, and changes nothing by itself.
    """

    changed = Signal()
    """Parts, strips or the run are others."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        session.changed.connect(self._on_changed)
        session.selection_changed.connect(self.changed)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Parts of the run that is looked at, as found; empty before a run."""
        run = self._session.run
        return run.result.parts if run is not None else ()

    @property
    def strips(self) -> tuple[Strip, ...]:
        """What is chosen for each part, the residual's last."""
        return self._session.strips

    def correct(self, key: str, profile: Sequence[float], name: str) -> None:
        """Put a profile in place of the one found, as an edit called `name`."""
        self._session.edits.strip(key, name, {"profile": tuple(profile)}, merge=f"{name}-{key}")

    def take_back(self) -> None:
        """Take all corrections back, as one edit."""
        self._session.edits.reset_profiles()

    def _on_changed(self, before: State, after: State) -> None:
        if before.choices.strips != after.choices.strips or before.runs != after.runs:
            self.changed.emit()


def load_panel(plugin: Plugin, host: Host) -> QWidget | None:
    """Make the panel of a plugin; None where it brings none or it fails, which the log tells."""
    if not plugin.panel:
        return None
    try:
        made = resolve(plugin.panel)(host)
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything
        _log.exception("the panel of %s could not be made; form and stage do without", plugin.id)
        return None
    return made if isinstance(made, QWidget) else None
