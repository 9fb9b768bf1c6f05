"""Which small pictures of an image go elsewhere: into list, mixer, report and projects?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from partwise_app.viewers.thumbnails import Thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtCore import QSize
    from PySide6.QtGui import QImage

    from partwise_app.theme import Tokens
    from partwise_app.viewers.image import ImagePane
    from partwise_app.viewers.layers import Recipe
    from partwise_app.viewers.tiles import TileService

__all__ = ["Likeness", "pixels_seen"]

_FIGURE = 384  # px of the shorter side; smaller pictures are drawn from the overview
_FIGURE_WAIT = 1.0  # s
_OVERVIEW_WAIT = 0.1  # s; a thumbnail asked for in the moment of opening waits that long at most


class Likeness:
    """Pictures of one image, from its overview as soon as that has come.

    Parameters
    ----------
    service : TileService
    """

    def __init__(self, service: TileService) -> None:
        self._service = service
        self._thumbnails = Thumbnails()
        self._there = self._overviewed = self._waited = False

    def begin(self, *, there: bool) -> None:
        """Forget the image before: another was opened, or none is there."""
        self._there = there
        self._overviewed = self._waited = False
        self._thumbnails.set_overview(None)

    def take_overview(self, wait: float = 0.0) -> NDArray[np.uint8] | None:
        """Return the overview, (height, width, 3), the one time that it has come; else None.

        Parameters
        ----------
        wait : float
            s, at most.
        """
        wanted = self._there and not self._overviewed
        pixels = self._service.overview(wait) if wanted else None
        if pixels is not None:
            self._overviewed = True
            self._thumbnails.set_overview(pixels)
        return pixels

    def first_look(self) -> NDArray[np.uint8] | None:
        """As `take_overview`, with a short wait the first time that a picture is asked for."""
        wait = 0.0 if self._waited else _OVERVIEW_WAIT
        self._waited = True
        return self.take_overview(wait)

    def picture(self, recipe: Recipe, size: QSize, tokens: Tokens) -> QImage:
        """Return a picture that fills `size`, in device pixels, from its middle."""
        finer = self._finer(size)
        if finer is not None:
            return self._thumbnails.figure(recipe, size, finer)
        return self._thumbnails.picture(recipe, size, tokens)

    def _finer(self, size: QSize) -> NDArray[np.uint8] | None:
        """The image at the coarsest level that fills `size`, where the overview does not."""
        if not self._there or min(size.width(), size.height()) < _FIGURE:
            return None
        grid = self._service.grid
        scale = max(size.width() / grid.width, size.height() / grid.height)
        level = grid.level_for(min(scale, 1.0))
        # A panorama would take hundreds of tiles to fill the height of a figure.
        level = max(level, grid.top - 2)
        return self._service.whole(level, _FIGURE_WAIT) if level < grid.top else None


def pixels_seen(service: TileService, pane: ImagePane, most: int) -> NDArray[np.uint8] | None:
    """Return pixels at hand below a pane, (n, 3), thinned out evenly to about `most`."""
    import numpy as np

    view, found = pane.viewport_now.box(pane.extent), []
    for tile in service.grid.tiles(pane.level(), view):
        pixels = service.pixels(tile)
        if pixels is None:
            continue
        box = service.grid.box(tile)
        across, down = pixels.shape[1] / box.width, pixels.shape[0] / box.height
        left, top = (max(int(v), 0) for v in ((view.x - box.x) * across, (view.y - box.y) * down))
        right = int((view.x + view.width - box.x) * across)
        bottom = int((view.y + view.height - box.y) * down)
        found.append(pixels[top : max(bottom, 0), left : max(right, 0)].reshape(-1, 3))
    total = sum(len(part) for part in found)
    if total == 0:
        return None
    step = max(1, round(total / most))
    return np.concatenate([part[::step] for part in found])
