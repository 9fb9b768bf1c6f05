"""What does a gesture change? From mixer, list, form and scatter to edits with names."""

from __future__ import annotations

from PySide6.QtCore import QObject

from partwise_app import resolve
from partwise_app.desk import Desk
from partwise_app.picture import Picture
from partwise_app.session import Session
from partwise_app.words import mark, tr

__all__ = ["Gestures", "switch_words"]

_EDITS = {
    ("show", True): mark("Show {name}"),
    ("show", False): mark("Hide {name}"),
    ("solo", True): mark("Solo {name}"),
    ("solo", False): mark("End solo of {name}"),
    ("locked", True): mark("Lock {name}"),
    ("locked", False): mark("Unlock {name}"),
}


def switch_words(field: str, on: bool, name: str) -> str:
    """Return what undo says of a switch of a strip: ``"show"``, ``"solo"`` or ``"locked"``."""
    return tr(_EDITS[field, on], name=name)


class Gestures(QObject):
    """Turns what hands do on one desk into edits of one session.

    Parameters
    ----------
    session : Session
    desk : Desk
    picture : Picture
    """

    def __init__(self, session: Session, desk: Desk, picture: Picture) -> None:
        super().__init__(desk)
        self._session = session
        self._desk = desk
        self._picture = picture
        edits = session.edits
        desk.tree.chosen.connect(self._on_chosen)
        desk.tree.renamed.connect(edits.rename)
        desk.tree.remove_asked.connect(edits.remove)
        desk.form.edited.connect(edits.parameter)
        desk.mixer.switched.connect(self._on_switched)
        desk.mixer.renamed.connect(self._on_renamed)
        desk.mixer.recolored.connect(self._on_recolored)
        desk.mixer.activated.connect(self._on_activated)
        desk.mixer.moved.connect(edits.move)
        desk.mixer.joined.connect(edits.join)
        desk.mixer.parted.connect(edits.part)
        desk.scatter.ray_moved.connect(self._on_ray)

    def _on_chosen(self, entry_id: str, is_run: bool) -> None:
        if is_run:
            self._session.select_run(entry_id)
        else:
            self._session.look_at_source(entry_id)

    def _on_switched(self, key: str, field: str, on: bool) -> None:
        self._session.edits.strip(key, switch_words(field, on, self._name(key)), {field: on})

    def _on_renamed(self, key: str, name: str) -> None:
        self._session.edits.strip(key, tr("Rename {name}", name=self._name(key)), {"name": name})

    def _on_recolored(self, key: str, color: str) -> None:
        self._session.edits.strip(key, tr("Colour {name}", name=self._name(key)), {"color": color})

    def _on_activated(self, key: str) -> None:
        if self._desk.has_stage:
            self._picture.look_at(key)
        else:
            solo = any(s.solo for s in self._session.strips if s.key == key)
            self._on_switched(key, "solo", not solo)

    def _on_ray(self, key: str, moved: tuple[float, float]) -> None:
        run = self._session.run
        view = resolve.view_of(run, "scatter")
        if run is None or view is None:
            return
        profile = resolve.profile_from_ray(view, run.result.parts, moved)
        if profile is not None:
            edit = f"Correct {self._name(key)}"
            self._session.edits.strip(key, edit, {"profile": profile}, merge=f"ray-{key}")

    def _name(self, key: str) -> str:
        return next((s.name for s in self._session.strips if s.key == key), key)
