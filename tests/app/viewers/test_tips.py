"""Names of tips that lie close together can both be read."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF

from partwise_app.viewers.tips import TIP, TipPlot


class Plain(TipPlot):
    """Units are pixels."""

    def _to_screen(self, x: float, y: float) -> QPointF:
        return QPointF(x, y)


@pytest.mark.parametrize(
    "places",
    [
        ((60.0, 60.0), (100.0, 62.0)),
        ((60.0, 60.0), (66.0, 63.0), (70.0, 52.0)),
        ((230.0, 6.0), (236.0, 14.0)),
    ],
)
def test_names_cover_neither_each_other_nor_other_tips(
    qtbot: Any, places: tuple[tuple[float, float], ...]
) -> None:
    plot = Plain()
    qtbot.addWidget(plot)
    plot.resize(240, 120)
    keys = [f"k{place}" for place in range(len(places))]
    plot.set_tips(
        dict(zip(keys, places, strict=True)),
        dict.fromkeys(keys, ("Haematoxylin", "#884499")),
        frozenset(),
    )
    metrics, plates = QFontMetricsF(plot.font()), list[QRectF]()
    for key in keys:
        plates.append(plot._name_plate(metrics, key, plates))
    assert all(QRectF(plot.rect()).contains(plate) for plate in plates)
    assert not any(one.intersects(two) for one, two in pairwise(plates))
    for key, plate in zip(keys, plates, strict=True):
        for other in set(keys) - {key}:
            at = plot.tip(other)
            assert not plate.intersects(QRectF(at.x() - TIP, at.y() - TIP, 2 * TIP, 2 * TIP))
