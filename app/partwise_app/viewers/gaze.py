"""Where does a stage look? One viewport for all of its panes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QRectF, Signal

from partwise_app.viewers.image import ImagePane
from partwise_app.viewers.viewport import Box, Viewport

__all__ = ["Gaze"]

_STEP = 1.25


class Gaze(QObject):
    """Moves the panes of one stage over its image, all alike.

    Parameters
    ----------
    panes : sequence of ImagePane
        The first is always in sight.
    """

    turned = Signal()
    """It looks elsewhere, or with another size."""

    def __init__(self, panes: Sequence[ImagePane], parent: QObject) -> None:
        super().__init__(parent)
        self._panes = tuple(panes)
        self._scene: tuple[int, int] | None = None
        self._viewport = Viewport(0.0, 0.0, 1.0)
        self._fitting = True
        for pane in self._panes:
            pane.looked.connect(self.look)
            pane.fit_asked.connect(self.fit)

    @property
    def fitting(self) -> bool:
        """Whether the whole image is kept in view."""
        return self._fitting

    @property
    def zoom(self) -> float:
        """Screen pixels per pixel of the image."""
        return self._viewport.scale * self._panes[0].devicePixelRatioF()

    def begin(self, scene: tuple[int, int] | None) -> None:
        """Look at all of another image, (width, height), or at none."""
        self._scene = scene
        self.fit()

    def fit(self) -> None:
        """Look at the whole image, and keep to that when the window changes its size."""
        self._fitting = True
        if self._scene is not None:
            self._turn(Viewport.fitted(*self._scene, self._extent))

    def refit(self) -> None:
        """Take note that the panes have another size."""
        if self._fitting:
            self.fit()
        else:
            self.turned.emit()

    def step(self, steps: int) -> None:
        """Go closer to the middle by a step or more; negative ones go back."""
        self._scale(_STEP**steps)

    def zoom_to(self, factor: float) -> None:
        """Look with `factor` screen pixels per pixel of the image."""
        self._scale(factor / self.zoom)

    def centre(self, x: float, y: float) -> None:
        """Look at a place, in pixels of the image, as closely as before."""
        self.look(Viewport(x, y, self._viewport.scale))

    def look(self, viewport: Viewport) -> None:
        """Look somewhere on the image."""
        if self._scene is not None:
            self._fitting = False
            self._turn(viewport.clamped(*self._scene, self._extent))

    def box(self) -> Box:
        """Return what the first pane shows, in pixels of the image."""
        return self._viewport.box(self._extent)

    def show(self, rect: QRectF) -> None:
        """Look at all of a rectangle, in pixels of the image; nothing for an empty one."""
        if self._scene is not None and not rect.isEmpty():
            box = Box(rect.x(), rect.y(), rect.width(), rect.height())
            self.look(Viewport.around(box, self._extent))

    @property
    def _extent(self) -> tuple[float, float]:
        return self._panes[0].extent

    def _scale(self, factor: float) -> None:
        width, height = self._extent
        self.look(self._viewport.zoomed(factor, (width / 2, height / 2), (width, height)))

    def _turn(self, viewport: Viewport) -> None:
        self._viewport = viewport
        for pane in self._panes:
            pane.set_viewport(viewport)
        self.turned.emit()
