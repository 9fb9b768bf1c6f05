"""What do the small pictures in the mixer and the project tree show?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor, QImage

if TYPE_CHECKING:
    import numpy as np

    from partwise_app.theme import Tokens
    from partwise_app.viewers.layers import Recipe

__all__ = ["Thumbnails"]

_LEAST = 256  # px of the overview that a thumbnail is drawn from at least
_MOST = 64  # pictures kept: a live run makes new ones ten times a second


class Thumbnails:
    """Small pictures of one image's layers, drawn from its overview and kept."""

    def __init__(self) -> None:
        self._overview: NDArray[np.uint8] | None = None
        self._kept: dict[tuple[Recipe, int, int], QImage] = {}

    def set_overview(self, pixels: NDArray[np.uint8] | None) -> None:
        """Draw from other pixels, shape (height, width, 3), or from none yet."""
        self._overview = pixels
        self._kept.clear()

    def picture(self, recipe: Recipe, size: QSize, tokens: Tokens) -> QImage:
        """Return a picture that fills `size`, in device pixels; plain while there are no pixels."""
        key = (recipe, size.width(), size.height())
        if key not in self._kept:
            if self._overview is None or size.isEmpty():
                plain = QImage(size, QImage.Format.Format_RGB32)
                plain.fill(QColor(tokens.raised))
                return plain
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = _filled(recipe.draw(_thinned(self._overview, size)), size)
        return self._kept[key]

    @staticmethod
    def figure(recipe: Recipe, size: QSize, pixels: NDArray[np.uint8]) -> QImage:
        """Return a picture that fills `size`, drawn from pixels of a finer level; not kept."""
        return _filled(recipe.draw(pixels), size)


def _thinned(pixels: NDArray[np.uint8], size: QSize) -> NDArray[np.uint8]:
    """Every n-th pixel, so that a small picture costs little however often it is drawn."""
    wanted = max(size.width(), size.height(), _LEAST)
    step = max(1, min(pixels.shape[:2]) // wanted)
    return pixels[::step, ::step]


def _filled(image: QImage, size: QSize) -> QImage:
    grown = image.scaled(
        size,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    corner = QPoint((grown.width() - size.width()) // 2, (grown.height() - size.height()) // 2)
    return grown.copy(corner.x(), corner.y(), size.width(), size.height())
