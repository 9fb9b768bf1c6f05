"""One strip per part, the residual last: what is seen, kept, and how much of the whole it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPixmap
from PySide6.QtWidgets import (
    QColorDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from partwise.project.document import Strip
from partwise_app.controls import ShareBar, Swatch, Thumbnail, button, label
from partwise_app.resolve import percent

__all__ = ["Mixer", "Share"]

_WIDTHS = 160, 208  # px, narrowest and widest
_RESIDUAL = "residual"
_THUMB_HEIGHT = 66


@dataclass(frozen=True)
class Share:
    """How much a part is: a fraction, and of what, for the tooltip."""

    value: float
    meaning: str


class Mixer(QScrollArea):
    """The strips, side by side."""

    switched = Signal(str, str, bool)  # key, "show" | "solo" | "locked", on
    renamed = Signal(str, str)
    recolored = Signal(str, str)
    activated = Signal(str)  # look at this part alone

    thumbnail_size = QSize(_WIDTHS[1] - 22, _THUMB_HEIGHT)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName("Mixer of parts")
        self._strips: dict[str, _StripView] = {}
        self._hint = label(
            "The parts appear here: press Run to find them, then show, solo or lock each.", "muted"
        )
        body = QWidget()
        self._row = QHBoxLayout(body)
        self._row.setContentsMargins(4, 0, 0, 0)
        self._row.setSpacing(0)
        self._hint.setContentsMargins(18, 0, 0, 0)
        self._row.addWidget(self._hint)
        self._row.addStretch(1)
        self.setWidget(body)

    def strip_view(self, key: str) -> QWidget:
        """Return the strip of a part; raises `KeyError`."""
        return self._strips[key]

    def keys(self) -> tuple[str, ...]:
        """Return the keys of the strips, from left to right."""
        return tuple(self._strips)

    def set_strips(
        self, strips: Sequence[Strip], shares: Mapping[str, Share], *, live: bool = False
    ) -> None:
        """Draw the strips; `live` ones can be looked at but not edited yet."""
        if tuple(strip.key for strip in strips) != self.keys():
            self._rebuild(strips)
        soloed = any(strip.solo for strip in strips)
        for strip in strips:
            audible = strip.solo if soloed else strip.show
            view = self._strips[strip.key]
            view.draw(strip, shares.get(strip.key), dimmed=not audible, live=live)
        self._hint.setVisible(not strips)

    def set_thumbnail(self, key: str, picture: QImage) -> None:
        """Give a strip its picture."""
        if key in self._strips:
            self._strips[key].set_picture(QPixmap.fromImage(picture))

    def _rebuild(self, strips: Sequence[Strip]) -> None:
        for view in self._strips.values():
            self._row.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._strips = {}
        for place, strip in enumerate(strips):
            number = 0 if strip.key == _RESIDUAL else place + 1
            view = _StripView(strip, number)
            view.switched.connect(self.switched)
            view.renamed.connect(self.renamed)
            view.recolored.connect(self.recolored)
            view.activated.connect(self.activated)
            self._row.insertWidget(place, view, 1000)
            self._strips[strip.key] = view


class _StripView(QFrame):
    """One strip."""

    switched = Signal(str, str, bool)
    renamed = Signal(str, str)
    recolored = Signal(str, str)
    activated = Signal(str)

    def __init__(self, strip: Strip, number: int) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setMinimumWidth(_WIDTHS[0])
        self.setMaximumWidth(_WIDTHS[1])
        self._key = strip.key
        self._name = strip.name
        self._swatch = Swatch(strip.color, f"Colour of {strip.name}")
        self._edit = QLineEdit(strip.name)
        self._edit.setProperty("kind", "inline")
        self._edit.setReadOnly(strip.key == _RESIDUAL)
        self._number = label(str(number) if number < 10 else "", "small")
        self._thumb = Thumbnail(f"Look at {strip.name} alone")
        self._thumb.setFixedHeight(_THUMB_HEIGHT)
        self._share = label("", "number")
        self._share.setMinimumWidth(42)
        self._share.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._bar = ShareBar(strip.color)
        keys = f" ({number})" if number < 10 else ""
        self._toggles = {
            "show": button(
                "Show", "toggle", tip=f"Show this part in the picture{keys}", checkable=True
            ),
            "solo": button("Solo", "toggle", tip="Show this part and no other", checkable=True),
            "locked": button(
                "Lock", "toggle", tip="Keep this part as it is in the next run", checkable=True
            ),
        }
        self._lay_out()
        self._swatch.clicked.connect(self._on_swatch)
        self._edit.editingFinished.connect(self._on_name)
        self._thumb.clicked.connect(self._on_thumb)
        self._toggles["show"].clicked.connect(self._on_show)
        self._toggles["solo"].clicked.connect(self._on_solo)
        self._toggles["locked"].clicked.connect(self._on_lock)

    def draw(self, strip: Strip, share: Share | None, *, dimmed: bool, live: bool) -> None:
        """Draw the strip as chosen."""
        self._name = strip.name
        if not self._edit.hasFocus():
            self._edit.setText(strip.name)
            self._edit.setCursorPosition(0)
        self._edit.setAccessibleName(f"Name of {strip.name}")
        self._swatch.set_color(strip.color)
        self._swatch.setAccessibleName(f"Colour of {strip.name}")
        self._swatch.setToolTip(f"Colour of {strip.name}")
        self._thumb.setAccessibleName(f"Look at {strip.name} alone")
        self._thumb.setToolTip(f"Look at {strip.name} alone on the stage")
        for name, on in (("show", strip.show), ("solo", strip.solo), ("locked", strip.locked)):
            toggle = self._toggles[name]
            toggle.setChecked(on)
            toggle.setAccessibleName(f"{toggle.text()} {strip.name}")
            toggle.setEnabled(not live)
        for widget in (self._swatch, self._edit):
            widget.setEnabled(not live)
        self._thumb.dimmed = dimmed
        self._thumb.update()
        self._share.setText(percent(share.value) if share else "")
        self._share.setToolTip(share.meaning if share else "")
        self._bar.set_share(share.value if share else 0.0, strip.color)

    def set_picture(self, picture: QPixmap) -> None:
        self._thumb.set_picture(picture)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(5)
        head.addWidget(self._swatch)
        head.addWidget(self._edit, 1)
        head.addWidget(self._number)
        keys = QHBoxLayout()
        keys.setSpacing(4)
        for toggle in self._toggles.values():
            keys.addWidget(toggle)
        if self._key == _RESIDUAL:
            self._toggles["locked"].hide()  # what is left over cannot be kept
        keys.addStretch()
        amount = QHBoxLayout()
        amount.setSpacing(8)
        amount.addWidget(self._bar, 1)
        amount.addWidget(self._share)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 10, 11, 10)
        box.setSpacing(7)
        box.addLayout(head)
        box.addWidget(self._thumb)
        box.addLayout(keys)
        box.addLayout(amount)
        box.addStretch()

    def _on_swatch(self) -> None:
        color = QColorDialog.getColor(QColor(self._swatch.color()), self, f"Colour of {self._name}")
        if color.isValid():
            self.recolored.emit(self._key, color.name())

    def _on_name(self) -> None:
        name = self._edit.text().strip()
        if name and name != self._name:
            self.renamed.emit(self._key, name)
        elif not name:
            self._edit.setText(self._name)

    def _on_thumb(self) -> None:
        self.activated.emit(self._key)

    def _on_show(self, on: bool) -> None:
        self.switched.emit(self._key, "show", on)

    def _on_solo(self, on: bool) -> None:
        self.switched.emit(self._key, "solo", on)

    def _on_lock(self, on: bool) -> None:
        self.switched.emit(self._key, "locked", on)
