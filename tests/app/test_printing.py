"""What is drawn in lines and words is in the file as lines and words, on white."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from PySide6.QtGui import QImage

from partwise.data.dataset import Axis
from partwise.result import View
from partwise_app.printing import PAPER, figure
from partwise_app.theme import DARK
from partwise_app.viewers.views import ViewStage


def _stage(qtbot: Any) -> ViewStage:
    stage = ViewStage()
    qtbot.addWidget(stage)
    stage.resize(640, 420)
    stage.set_theme(DARK)
    y = np.stack([np.linspace(0, 1, 50), np.linspace(1, 0, 50)])
    axes = (Axis("time", 50, unit="s", step=0.1), Axis("curve", 2, labels=("rising", "falling")))
    stage.set_input("Two", [View("curves", "Two", {"y": y}, axes)])
    stage.show()
    qtbot.waitExposed(stage)
    return stage


def test_lines_stay_lines_and_words_stay_words(qtbot: Any) -> None:
    text = figure(_stage(qtbot), ".svg", "Two <curves>", DARK).decode()
    assert "Two &lt;curves&gt;" in text
    for words in ("Time (s)", "rising", "falling"):
        assert words in text
    assert "<image" not in text
    assert len(re.findall("<(?:polyline|path)", text)) > 2


def test_paper_is_white_and_the_window_keeps_its_theme(qtbot: Any) -> None:
    stage = _stage(qtbot)
    image = QImage.fromData(figure(stage, ".png", "Two", DARK))
    size = stage.drawn_size()
    assert image.width() == round(size.width() * 300 / 96)
    assert round(image.dotsPerMeterX() * 0.0254) == 300
    assert image.pixelColor(1, 1).name() == PAPER.canvas
    assert stage.picture().pixelColor(1, 1).name() == DARK.canvas


def test_a_page_is_as_large_as_the_drawing(qtbot: Any) -> None:
    stage = _stage(qtbot)
    data = figure(stage, ".pdf", "Two", DARK)
    box = re.search(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", data)
    assert box is not None
    points = stage.drawn_size() * 0.75
    assert abs(float(box[1]) - points.width()) < 1
    assert abs(float(box[2]) - points.height()) < 1
