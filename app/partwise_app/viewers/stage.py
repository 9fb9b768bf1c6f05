"""How does the stage show an image as whole = parts + residual?

One image, one viewport, one to three panes. The stage turns mode, mixing and strips into what
each pane shows; panes and loader threads do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QWidget

from partwise_app.keyed import unmarked
from partwise_app.theme import DARK, Tokens
from partwise_app.viewers.arrangement import AGAINST, COMPARE, Arrangement, check_mode
from partwise_app.viewers.gaze import Gaze
from partwise_app.viewers.image import ImagePane
from partwise_app.viewers.inset import OverviewInset
from partwise_app.viewers.layers import (
    EXTRA,
    PARTS,
    RESIDUAL,
    WHOLE,
    Extra,
    Light,
    Mixer,
    part_layer,
)
from partwise_app.viewers.likeness import Likeness, pixels_seen
from partwise_app.viewers.marks import Marks
from partwise_app.viewers.overlays import paint_message
from partwise_app.viewers.reading import CursorReading, read_below
from partwise_app.viewers.swipe import SwipeHandle
from partwise_app.viewers.tiles import TileService
from partwise_app.words import tr

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from partwise.data.mixing import Mixing
    from partwise.data.pyramid import Pyramid
    from partwise.project.document import Strip

__all__ = ["CursorReading", "ImageStage"]

_FINE = 3.0  # pixels of a figure to one of the window
_FRAME = 25  # ms between repaints while tiles arrive


class ImageStage(QWidget):
    """Whole, parts and residual of one image of any size, with linked pan, zoom and cursor."""

    cursor_moved = Signal(object)
    """A `CursorReading`, or None when the cursor is outside the image."""
    mode_changed = Signal(str)
    view_changed = Signal()
    """The viewport, and with it `zoom_percent` and `view_rect`, is another."""
    thumbnails_changed = Signal()
    """`thumbnail` has more to show than before: the overview of the image has arrived."""
    problem = Signal(str)
    """The image cannot be read in places; told once per image, with the reader's words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = DARK
        self._service = TileService(self)
        self._scene: tuple[int, int] | None = None
        self._microns: float | None = None
        self._mixing: Mixing | None = None
        self._mixer = Mixer()
        self._found: dict[str, str] = {}
        self._mode = self._former = WHOLE
        self._swipe = 0.5
        self._hover: tuple[float, float] | None = None
        self._awaited = False
        self._instead = "", ""
        self._likeness = Likeness(self._service)
        self._panes = tuple(ImagePane(f"pane-{k}", self._service, self) for k in range(3))
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for pane in self._panes:
            row.addWidget(pane, 1)
            pane.mode_asked.connect(self._toggle_mode)
            pane.hovered.connect(self._hovered)
        self._gaze = Gaze(self._panes, self)
        self._gaze.turned.connect(self._turned)
        self.marks = Marks(self._panes, self)
        self._extra: Extra | None = None
        # The layout resizes panes after the stage; the last one to hear knows all sizes.
        self._panes[0].resized.connect(self._resized)
        self._handle = SwipeHandle(self._panes[0])
        self._handle.moved.connect(self.set_swipe)
        self._inset = OverviewInset(self._panes[0])
        self._inset.asked.connect(self._gaze.centre)
        self._pace = QTimer(self)
        self._pace.setSingleShot(True)
        self._pace.setInterval(_FRAME)
        self._pace.timeout.connect(self._repaint)
        self._service.arrived.connect(self._arrived)
        self._service.failed.connect(self.problem)
        self.setAccessibleName(tr("Stage"))
        self._refresh()

    # What is shown

    def set_image(
        self,
        pyramid: Pyramid | None,
        *,
        title: str = "",
        microns_per_pixel: float | None = None,
        instead: tuple[str, str] = ("", ""),
    ) -> None:
        """Show another image, all of it, without parts; None shows what to do instead.

        Parameters
        ----------
        pyramid : Pyramid or None
        title : str
        microns_per_pixel : float, optional
        instead : (str, str), optional
            Why there is no image, and what to do; by default, that one can be opened.
        """
        self._instead = instead
        self._service.open(pyramid)
        level = pyramid.levels[0] if pyramid is not None else None
        self._scene = (level.width, level.height) if level else None
        self._microns = microns_per_pixel
        self._mixing, self._mixer, self._found = None, Mixer(), {}
        self._extra = None
        self.marks.set_tool("")
        self.marks.set_shapes(())
        self.marks.set_masks(())
        self._hover = None
        self._likeness.begin(there=pyramid is not None)
        self._inset.set_image(QImage(), self._scene or (1, 1))
        for pane in self._panes:
            pane.set_scene(self._scene, microns_per_pixel)
        self.setAccessibleDescription(title)
        self._gaze.begin(self._scene)
        self._refresh()
        self.cursor_moved.emit(None)

    def set_mixing(self, mixing: Mixing | None) -> None:
        """Unmix by other vectors from now on; None where only the whole exists."""
        if mixing is not self._mixing:
            self._mixing = mixing
            self._refresh()
            self._tell_cursor()

    def set_awaited(self, awaited: bool) -> None:
        """Say whether parts are on their way, where there are none to see yet."""
        if awaited != self._awaited:
            self._awaited = awaited
            self._refresh()

    @property
    def mixing(self) -> Mixing | None:
        """How the image is unmixed now."""
        return self._mixing

    def set_extra(self, extra: Extra | None) -> None:
        """Offer a layer of a panel's own as the modes ``"extra"`` and ``"compare:extra"``."""
        if extra is not self._extra:
            self._extra = extra
            if extra is None and self._mode in (EXTRA, AGAINST + EXTRA):
                self.set_mode(COMPARE if self._mixing is not None else WHOLE)
            else:
                self._refresh()

    def set_light(self, light: Light | None) -> None:
        """Show light otherwise than it was counted, as a camera's colour profile says.

        Of the whole and of parts, for the eye alone: they are unmixed as they were. None, or
        another image, ends it.
        """
        if light is not self._mixer.light:
            self._mixer = replace(self._mixer, light=light)
            self._refresh()
            self._take(self._service.overview())

    def set_strips(
        self, strips: Sequence[Strip], found_colors: Mapping[str, str] | None = None
    ) -> None:
        """Follow the mixer: what is shown, soloed, how it is named and coloured.

        Parameters
        ----------
        strips : sequence of Strip
            The parts in the order of the mixing's vectors; the residual's key is ``"residual"``.
        found_colors : mapping of str to str, optional
            `Part.color` by key. A part whose strip has another colour is drawn in it, others in
            their natural light. By default, the colour that a key has when it is first seen.
        """
        for strip in strips:
            self._found.setdefault(strip.key, strip.color)
        self._found.update(found_colors or {})
        self._mixer = Mixer(tuple(strips), dict(self._found), self._mixer.light)
        self._refresh()

    def set_mode(self, mode: str) -> None:
        """Show the whole, the parts, the residual, or several of them.

        Parameters
        ----------
        mode : str
            ``"whole"``, ``"parts"``, ``"residual"``, ``"part:<key>"``, ``"compare"`` (whole and
            parts with a line between them), ``"compare:<key>"`` (whole and one part, the
            residual, or the ``"extra"`` layer), ``"extra"`` or ``"side"`` (whole, parts and
            residual side by side).

        Raises
        ------
        ValueError
            No such mode.
        """
        check_mode(mode)
        if mode != self._mode:
            self._mode = mode
            self._refresh()
            self.mode_changed.emit(mode)

    def mode(self) -> str:
        """Return the mode."""
        return self._mode

    def _toggle_mode(self, mode: str) -> None:
        """Show the whole or the residual, and what was there before when asked again."""
        if self._mode == mode:
            self.set_mode(self._former)
        elif mode == WHOLE or self._mixing is not None:
            self._former = self._mode
            self.set_mode(mode)

    def set_theme(self, tokens: Tokens) -> None:
        """Use the colours of a theme."""
        self._tokens = tokens
        for pane in self._panes:
            pane.set_theme(tokens)
        self._handle.set_theme(tokens)
        self._inset.set_theme(tokens)
        self.update()

    def set_swipe(self, fraction: float) -> None:
        """Put the swipe line at a fraction of the width."""
        self._swipe = min(max(fraction, 0.0), 1.0)
        self._panes[0].set_swipe(self._swipe)
        self._handle.place(self._swipe, self._panes[0].size())

    # Where it looks

    @property
    def fitting(self) -> bool:
        """Whether the whole image is kept in view."""
        return self._gaze.fitting

    @property
    def zoom_percent(self) -> float:
        """100 where one pixel of the image is one pixel of the screen."""
        return self._gaze.zoom * 100

    def fit(self) -> None:
        """Show the whole image, and keep showing it when the window changes its size."""
        self._gaze.fit()

    def zoom_in(self) -> None:
        """Look closer at the middle."""
        self._gaze.step(1)

    def zoom_out(self) -> None:
        """Step back from the middle."""
        self._gaze.step(-1)

    def zoom_to(self, factor: float) -> None:
        """Show `factor` screen pixels per pixel of the image; 1 is 100 %."""
        self._gaze.zoom_to(factor)

    def view_rect(self) -> QRectF:
        """Return what the first pane shows, in level-0 pixels; empty where there is no image."""
        return QRectF(*self._gaze.box()) if self._scene else QRectF()

    def set_view_rect(self, rect: QRectF) -> None:
        """Show all of a rectangle in level-0 pixels; nothing for an empty one."""
        self._gaze.show(rect)

    # Pictures for elsewhere

    def thumbnail(self, what: str, size: QSize) -> QImage:
        """Return a small picture that fills `size` from its middle.

        Cheap: drawn from the overview and kept. In the moment of opening it waits a tenth of a
        second for the overview at most, and is plain where that is still on its way;
        `thumbnails_changed` tells when it has come. Figures larger than the overview (more than
        about 500 pixels) wait up to a second for a finer level.

        Parameters
        ----------
        what : str
            ``"whole"``, ``"residual"``, ``"parts"`` or the key of a part.
        size : QSize
            In device pixels.
        """
        layer = what if what in (WHOLE, PARTS, RESIDUAL) else part_layer(what)
        recipe = self._mixer.recipe(layer, self._mixing)
        self._take(self._likeness.first_look())
        return self._likeness.picture(recipe, size, self._tokens)

    def picture(self) -> QImage:
        """Return what is on the stage now with its names and scale, without controls."""
        return self._pixels(self.devicePixelRatioF())

    def drawn_size(self) -> QSize:
        """Return how large the drawing is."""
        return self.size()

    def draw_on(self, painter: QPainter) -> None:
        """Draw what is on the stage now with its names and scale, without controls."""
        # As one image: between tiles that are drawn one by one, paper would show through.
        painter.drawImage(QPointF(), self._pixels(_FINE))

    def _pixels(self, ratio: float) -> QImage:
        out = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        out.setDevicePixelRatio(ratio)
        out.fill(QColor(self._tokens.canvas))
        painter = QPainter(out)
        with unmarked():
            for pane in self._panes:
                if not pane.isHidden():
                    flag = QWidget.RenderFlag.DrawWindowBackground
                    pane.render(painter, pane.pos(), QRegion(), flag)
        painter.end()
        return out

    def seen(self, most: int = 200_000) -> NDArray[np.uint8] | None:
        """Return pixels of the whole that are in sight and at hand, (n, 3), at most about `most`.

        None where nothing has been read there yet.
        """
        return None if self._scene is None else pixels_seen(self._service, self._panes[0], most)

    def is_settled(self) -> bool:
        """Whether everything in sight is drawn, no coarser tile standing in."""
        return all(pane.is_settled() for pane in self._panes if not pane.isHidden())

    def close_threads(self) -> None:
        """End the loader threads now; they also end with the widget."""
        self._service.close()

    # Within

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Not a focus proxy: Tab would come by here on its way round, and leave out the top row.
        self._panes[0].setFocus(event.reason())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._tokens.canvas))
        if self._scene is None:
            text, detail = self._instead
            if not text:
                text = tr("Open an image, or drop one here")
                detail = tr("Whole-slide images, TIFF, PNG and JPEG")
            paint_message(painter, QRectF(self.rect()), text, detail, self._tokens, plate=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resized()

    def _resized(self) -> None:
        self._gaze.refit()
        self._place_overlays()

    def _place_overlays(self) -> None:
        pane = self._panes[0]
        self._handle.place(self._swipe, pane.size())
        self._inset.set_box(self._gaze.box())
        self._inset.move(12, pane.height() - self._inset.height() - 12)

    def _refresh(self) -> None:
        """Turn mode, mixing and strips into what each pane shows."""
        panes = self._arrangement().panes() if self._scene is not None else ()
        before = sum(not pane.isHidden() for pane in self._panes)
        for place, pane in enumerate(self._panes):
            pane.setHidden(place >= len(panes))
            if place < len(panes):
                pane.set_sheets(panes[place], with_scale=place == 0)
            else:
                self._service.want(f"pane-{place}", ())
        self._handle.setVisible(any(len(sheets) > 1 for sheets in panes))
        if before != len(panes):
            self._row.activate()  # so that fitting sees the panes' new sizes
            self._resized()
        self.update()

    def _arrangement(self) -> Arrangement:
        return Arrangement(self._mode, self._mixer, self._mixing, self._extra, self._awaited)

    def _turned(self) -> None:
        self._place_overlays()
        self.view_changed.emit()

    def _hovered(self, point: tuple[float, float] | None) -> None:
        inside = point is not None and self._scene is not None and _within(point, self._scene)
        self._hover = point if inside else None
        sender = self.sender()
        for pane in self._panes:
            pane.set_cross(None if pane is sender else self._hover)
        self._tell_cursor()

    def _tell_cursor(self) -> None:
        if self._hover is None:
            self.cursor_moved.emit(None)
            return
        found = read_below(
            self._hover,
            self._service,
            self._panes[0].level(),
            mixing=self._mixing,
            names=tuple(strip.name for strip in self._mixer.parts()),
            microns_per_pixel=self._microns,
        )
        self.cursor_moved.emit(found)

    def _arrived(self) -> None:
        self._service.heard()
        self._take(self._likeness.take_overview())
        # Painting for each of twenty tiles would take the time that drawing them needs.
        if self.is_settled():
            self._repaint()
        elif not self._pace.isActive():
            self._pace.start()

    def _repaint(self) -> None:
        self._pace.stop()
        for pane in self._panes:
            if not pane.isHidden():
                pane.update()
        if self._hover is not None:
            self._tell_cursor()

    def _take(self, overview: NDArray[np.uint8] | None) -> None:
        """Show the overview where it has just come."""
        if overview is None or self._scene is None:
            return
        self._inset.set_image(self._mixer.recipe(WHOLE, None).draw(overview), self._scene)
        self._place_overlays()
        self.thumbnails_changed.emit()


def _within(point: tuple[float, float], scene: tuple[int, int]) -> bool:
    return 0 <= point[0] < scene[0] and 0 <= point[1] < scene[1]
