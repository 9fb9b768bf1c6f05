"""One strip per part, the residual last: what is seen, kept, and how much of the whole it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from partwise.project.document import Strip
from partwise_app.commands import shortcut_text
from partwise_app.controls import label, restyle
from partwise_app.strip import THUMB_HEIGHT, WIDTHS, Share, StripView
from partwise_app.words import tr

__all__ = ["Mixer", "Share"]

_RESIDUAL = "residual"
_SHARE = 1000  # of the room; what is left over goes to the right end
_UNBOUND = 16_777_215  # px, Qt's word for no bound


class Mixer(QWidget):
    """The strips, side by side; many parts scroll, and the residual stays in sight beside them."""

    switched = Signal(str, str, bool)  # key, "show" | "solo" | "locked", on
    renamed = Signal(str, str)
    recolored = Signal(str, str)
    activated = Signal(str)  # look at this part alone
    moved = Signal(str, int)  # key, its place among the parts
    joined = Signal(str, str)  # key, key of the part that joins it
    parted = Signal(str)
    split_asked = Signal(str)

    thumbnail_size = QSize(WIDTHS[1] - 22, THUMB_HEIGHT)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Mixer of parts"))
        self._strips: dict[str, StripView] = {}
        self._hint = _Hint()
        self._body = body = QWidget()
        self._row = QHBoxLayout(body)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addWidget(self._hint)
        self._gap = QFrame(body)  # where a dragged strip would go
        self._gap.setObjectName("gap")
        self._gap.hide()
        self._parts = scroll = QScrollArea()
        scroll.setObjectName("strips")
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        self._all = QHBoxLayout(self)
        self._all.setContentsMargins(0, 0, 0, 0)
        self._all.setSpacing(0)
        self._all.addWidget(scroll, _SHARE)
        self._all.addStretch(1)

    def strip_view(self, key: str) -> QWidget:
        """Return the strip of a part; raises `KeyError`."""
        return self._strips[key]

    def strip_views(self) -> tuple[QWidget, ...]:
        """Return the strips, from left to right."""
        return tuple(self._strips.values())

    def keys(self) -> tuple[str, ...]:
        """Return the keys of the strips, from left to right."""
        return tuple(self._strips)

    def set_strips(
        self,
        strips: Sequence[Strip],
        shares: Mapping[str, Share],
        *,
        live: bool = False,
        divisible: bool = False,
    ) -> None:
        """Draw the strips.

        `live` ones can be looked at but not edited yet; of `divisible` ones a run can make two.
        """
        if tuple(strip.key for strip in strips) != self.keys():
            self._arrange(strips)
        soloed = any(strip.solo for strip in strips)
        for strip in strips:
            audible = strip.solo if soloed else strip.show
            view = self._strips[strip.key]
            view.draw(strip, shares.get(strip.key), dimmed=not audible, live=live)
            others = [(s.key, s.name) for s in strips if s.key not in (strip.key, _RESIDUAL)]
            view.set_others(others, divisible=divisible)
        self._hint.setVisible(not strips)

    def set_awaited(self, awaited: bool) -> None:
        """Say whether the first parts are on their way, while there are none."""
        self._hint.set_awaited(awaited)

    def set_thumbnail(self, key: str, picture: QImage | None) -> None:
        """Give a strip its picture, or leave out its frame where there is none."""
        if key in self._strips:
            self._strips[key].set_picture(QPixmap.fromImage(picture) if picture else None)

    def _arrange(self, strips: Sequence[Strip]) -> None:
        """Put the strips in their order; a part that was here before keeps its strip."""
        known = {strip.key for strip in strips}
        for key in [key for key in self._strips if key not in known]:
            self._drop(self._strips.pop(key))
        kept, self._strips = self._strips, {}
        for place, strip in enumerate(strips):
            view = kept.get(strip.key) or self._made(strip)
            view.set_number(0 if strip.key == _RESIDUAL else place + 1)
            if strip.key == _RESIDUAL:
                self._all.insertWidget(1, view, _SHARE)
            elif self._row.indexOf(view) != place:
                self._row.insertWidget(place, view, _SHARE)
            last = place == len(strips) - 2  # the scroll area ends with a line
            if last != bool(view.property("last")):
                restyle(view, "last", last)
            view.show()  # at once: strips that come with every snapshot would flicker
            self._strips[strip.key] = view
        parts = sum(strip.key != _RESIDUAL for strip in strips)
        self._parts.setMaximumWidth(1 + parts * WIDTHS[1] if parts else _UNBOUND)
        self._all.setStretchFactor(self._parts, _SHARE * max(parts, 1))
        self._row.activate()  # a hand may take hold of a strip where it is now

    def _drop(self, view: StripView) -> None:
        view.hide()
        self._row.removeWidget(view)
        self._all.removeWidget(view)
        view.deleteLater()

    def _made(self, strip: Strip) -> StripView:
        view = StripView(strip)
        view.switched.connect(self.switched)
        view.renamed.connect(self.renamed)
        view.recolored.connect(self.recolored)
        view.activated.connect(self.activated)
        view.stepped.connect(self._on_stepped)
        view.joined.connect(self.joined)
        view.parted.connect(self.parted)
        view.split_asked.connect(self.split_asked)
        view.dragged.connect(self._on_dragged)
        view.dropped.connect(self._on_dropped)
        return view

    def _on_stepped(self, key: str, by: int) -> None:
        place = self.keys().index(key) + by
        if 0 <= place < len(self._strips) - 1:
            self.moved.emit(key, place)

    def _on_dragged(self, key: str, x: int) -> None:
        place, at = self._place_at(key, x)
        here = self.keys().index(key) == place
        self._gap.setGeometry(at - 1, 8, 3, self._body.height() - 16)
        self._gap.setVisible(not here)
        self._gap.raise_()

    def _on_dropped(self, key: str, x: int) -> None:
        self._gap.hide()
        place, _ = self._place_at(key, x)
        if self.keys().index(key) != place:
            self.moved.emit(key, place)

    def _place_at(self, key: str, x: int) -> tuple[int, int]:
        """Which place among the parts a cursor means, and where its edge is in the row."""
        here = self._body.mapFromGlobal(QPoint(x, 0)).x()
        parts = [view for name, view in self._strips.items() if name != _RESIDUAL]
        before = [view for view in parts if view.geometry().center().x() < here]
        place = len([v for v in before if v is not self._strips[key]])
        edge = before[-1].geometry().right() if before else parts[0].geometry().left()
        return place, edge


class _Hint(QWidget):
    """What to do while there are no parts, or that they are on their way."""

    def __init__(self) -> None:
        super().__init__()
        self._what = label("", "strong")
        box = QVBoxLayout(self)
        box.setContentsMargins(18, 0, 0, 0)
        box.setSpacing(4)
        box.addStretch()
        box.addWidget(self._what)
        box.addWidget(
            label(
                tr(
                    "They appear here while they emerge; Stop keeps what stands. "
                    "Then show, solo or lock each, and give it your own name and colour."
                ),
                "muted",
            )
        )
        box.addStretch()
        self.set_awaited(False)

    def set_awaited(self, awaited: bool) -> None:
        keys = shortcut_text("run_start").strip(" ()")
        words = tr("Press Run to find the parts ({keys})", keys=keys)
        self._what.setText(tr("The first parts are on their way") if awaited else words)
