"""What lies still over an image? Masks and outlines, painted once for each place looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from partwise_app.viewers.penwork import outer_box, paint_shape
from partwise_app.viewers.sketch import Shape

if TYPE_CHECKING:
    from partwise_app.viewers.image import ImagePane

__all__ = ["Laid", "Mask"]

_MASK_ALPHA = 130


@dataclass(frozen=True, eq=False)
class Mask:
    """Where something is, over the whole image.

    Attributes
    ----------
    color : str
    where : bool, shape (height, width)
        Of any resolution; it is stretched over the image.
    """

    color: str
    where: NDArray[np.bool_]


class Laid:
    """Masks and outlines, kept as a picture per pane.

    While a vector is dragged the image is painted anew up to forty times a second and nothing
    here changes: ten masks stretched over two megapixels would then take longer than all else.
    """

    def __init__(self) -> None:
        self._masks: tuple[QImage, ...] = ()
        self._kept: dict[ImagePane, tuple[object, QImage]] = {}

    def set_masks(self, masks: Sequence[Mask]) -> None:
        """Take masks in place of those before; the later lie over the earlier."""
        self._masks = _combined([_picture_of(mask) for mask in masks])

    def paint(self, painter: QPainter, pane: ImagePane, shapes: tuple[Shape, ...]) -> None:
        """Paint the masks and some outlines over what a pane shows."""
        scene = pane.scene_rect()
        if scene is None or not (self._masks or shapes):
            self._kept.pop(pane, None)
            return
        ratio = pane.devicePixelRatioF()
        key = (pane.viewport_now, pane.extent, ratio, shapes, self._masks)
        known = self._kept.get(pane)
        if known is None or known[0] != key:
            known = self._kept[pane] = key, self._draw(pane, scene, shapes)
        painter.drawImage(QPointF(0, 0), known[1])

    def _draw(self, pane: ImagePane, scene: QRectF, shapes: tuple[Shape, ...]) -> QImage:
        ratio = pane.devicePixelRatioF()
        out = QImage(pane.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        out.setDevicePixelRatio(ratio)
        out.fill(Qt.GlobalColor.transparent)
        painter = QPainter(out)
        painter.setFont(pane.font())
        for picture in self._masks:
            painter.drawImage(scene, picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        seen = QRectF(pane.rect())
        for shape in shapes:
            if outer_box(pane, shape).intersects(seen):
                paint_shape(painter, pane, shape)
        painter.end()
        return out


def _picture_of(mask: Mask) -> QImage:
    where = np.asarray(mask.where, dtype=np.bool_)
    color = QColor(mask.color)
    share = _MASK_ALPHA / 255
    levels = [round(part * share) for part in (color.red(), color.green(), color.blue())]
    packed = (_MASK_ALPHA << 24) | (levels[0] << 16) | (levels[1] << 8) | levels[2]
    pixels = np.where(where, np.uint32(packed), np.uint32(0))
    height, width = pixels.shape
    shape = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, width, height, 4 * width, shape).copy()


def _combined(pictures: Sequence[QImage]) -> tuple[QImage, ...]:
    """Lay pictures of one size over each other."""
    out: list[QImage] = []
    for picture in pictures:
        if out and out[-1].size() == picture.size():
            painter = QPainter(out[-1])
            painter.drawImage(0, 0, picture)
            painter.end()
        else:
            out.append(picture)
    return tuple(out)
