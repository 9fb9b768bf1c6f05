"""What sounds when, and which of it is a part's? Waveform above, whole and parts below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
)

from partwise.data.dataset import Axis
from partwise.project.document import Strip
from partwise.result import Part, View
from partwise_app.viewers.later import Later
from partwise_app.viewers.overlays import paint_badge, small_font
from partwise_app.viewers.painting import Brush, Patch, Stroke, paint_patches
from partwise_app.viewers.peaks import Peaks
from partwise_app.viewers.plotting import series_of
from partwise_app.viewers.soundpanes import (
    COMPARE,
    LAYERS,
    WHOLE,
    Detail,
    Drawn,
    Pane,
    build,
    cells,
    panes_of,
)
from partwise_app.viewers.soundpicture import Grain, Look, paint_grain, paint_not_yet
from partwise_app.viewers.soundscale import (
    GAIN_LEVELS,
    FrequencyScale,
    Levels,
    paint_level_bar,
)
from partwise_app.viewers.soundwave import paint_wave
from partwise_app.viewers.timed import TimedPlot
from partwise_app.viewers.timeline import Span, Window, moment
from partwise_app.viewers.traces import spans_of
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["SpectrogramView"]

Bytes = NDArray[np.uint8]

_TOP, _GAP = 8.0, 6.0
_STRIP = 62.0
_LARGE = 4_000_000  # cells from which the pyramids are built in a thread


class _Made(NamedTuple):
    """What is ready to be drawn, of which arrays, and up to where they are known."""

    shown: Drawn
    panes: tuple[Pane, ...]
    arrays: Mapping[str, NDArray[Any]]
    reached: float | None


class _Alone(NamedTuple):
    """What is drawn in place of the first part, and from which column on."""

    peaks: Peaks
    first: int
    name: str
    color: str


class SpectrogramView(TimedPlot):
    """A ``"spectrogram"`` view; see `partwise.result.View` for its arrays and options.

    ``L`` turns the frequency axis logarithmic or linear, up and down arrows move the level that
    is drawn darkest. A drag over the waveform draws a span. With a brush, a drag over whole or
    parts paints.
    """

    painted = Signal(object)
    """A stroke was painted: a tuple of `partwise_app.viewers.painting.Dab`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = tr("No sound to show")
        self._shown: Drawn | None = None
        self._arrays: Mapping[str, NDArray[Any]] = {}
        self._drawn_of: Mapping[str, NDArray[Any]] = {}  # arrays that `_shown` was made of
        self._parts: tuple[Part, ...] = ()
        self._strips: tuple[Strip, ...] = ()
        self._view: View | None = None
        self._layer = COMPARE
        self._panes: tuple[Pane, ...] = ()
        self._whole: Bytes = np.empty((0, 0), np.uint8)
        self._wave_step = 1.0
        self._time = Axis("time", 0, "s")
        self._scale = FrequencyScale(Axis("frequency", 0, "Hz"), 0)
        self._levels, self._unit_of_level = Levels(-80.0, 0.0, -80.0), "dB"
        self._reached: float | None = None
        self._patches: tuple[Patch, ...] = ()
        self._brush: Brush | None = None
        self._stroke: Stroke | None = None
        self._preview: tuple[Peaks, int] | None = None
        self._alone: _Alone | None = None
        self._detail: Detail | None = None
        self._later = Later(self)
        self._later.done.connect(self._take)
        self.setAccessibleName(tr("Spectrogram"))
        self.setMinimumSize(240, 220)

    # What is shown

    def set_view(self, view: View, parts: Sequence[Part], strips: Sequence[Strip]) -> None:
        whole = view.arrays.get("whole")
        if whole is None or not whole.size:
            self._shown, self._whole, self._view = None, np.empty((0, 0), np.uint8), None
            self.stale()
            return
        fresh, first = self._arrays is not view.arrays, self._view is None
        alike = whole.shape == self._whole.shape
        self._view, self._arrays, self._whole = view, view.arrays, whole
        self._parts, self._strips = tuple(parts), tuple(strips)
        log = view.options.get("frequency") == "log" if first else self.logarithmic
        if len(view.axes) >= 2:
            self._time = view.axes[1]
            self._scale = FrequencyScale(view.axes[0], len(whole), log)
        goes_on = alike and (self._reached is not None or "reached" in view.options)
        if fresh:
            self._preview, self._alone, self._detail = None, None, None
            if not goes_on:  # a run that goes on is seen as it was, until what is new is ready
                self._shown = None
            self.empty = tr("Reading the sound")
            low, high = (float(v) for v in view.options.get("level", (-80.0, 0.0)))
            if (low, high) != self.level:
                self._levels = Levels(low, high, low)
        self._unit_of_level = str(view.options.get("unit", "dB"))
        step, start = self._time.step or 1.0, self._time.start
        end = start + max(whole.shape[1] - 1, 1) * step
        name = self._time.name[:1].upper() + self._time.name[1:]
        self.set_time(Window(start, end), self._time.unit, name, 16 * step)
        if fresh and "spans" in view.options:  # later ones may be set by a panel, or by hand
            self.set_spans(spans_of(view))
        samples = np.size(view.arrays.get("wave", ()))
        self._wave_step = float(view.options.get("wave_step", (end - start) / max(samples - 1, 1)))
        self.setAccessibleName(view.title)
        self._prepare()

    def layers(self) -> Sequence[tuple[str, str]]:
        if self._view is None or "parts" not in self._arrays:
            return ()
        found = [(mode, tr(words)) for mode, words in LAYERS]
        return found if "gain" in self._arrays else found[:-1]

    def show_layer(self, mode: str) -> None:
        if mode != self._layer and mode in dict(LAYERS):
            self._layer = mode
            if self._view is not None:
                self._prepare()

    def _prepare(self) -> None:
        """Get ready what the layer shows, in a thread where that takes its time."""
        assert self._view is not None
        arrays, level, reached = self._arrays, self.level, self._view.options.get("reached")
        known = self._shown if self._drawn_of is arrays else None
        each = arrays.get("parts")
        count = len(each) if each is not None else 0
        series = series_of(count, self._view, self._parts, self._strips) if count else ()
        layer = self._layer if count else WHOLE
        panes = panes_of(
            layer,
            series,
            self._strips,
            has_gain="gain" in arrays,
            whole=tr("Whole"),
            gain=tr("Gain"),
        )

        def work() -> _Made:
            return _Made(build(arrays, panes, level, known), panes, arrays, reached)

        below = " + ".join(pane.name for pane in panes if not pane.is_whole)
        self.describe(
            tr("Spectrogram of the whole")
            + (tr(", below it {names}", names=below) if below else "")
        )
        self._later.ask(work, at_once=cells(arrays, panes, known) <= _LARGE)
        self.stale()

    @property
    def logarithmic(self) -> bool:
        """Whether frequencies are spaced by their ratios."""
        return self._scale.logarithmic

    def set_logarithmic(self, on: bool) -> None:
        """Space frequencies by their ratios, or evenly."""
        self._scale = replace(self._scale, logarithmic=on)
        self.stale()

    def set_floor(self, level: float) -> None:
        """Draw levels up to `level` darkest."""
        low, high = self.level
        self._levels = Levels(low, high, min(max(level, low), high - 6.0))
        self.stale()

    def set_patches(self, patches: Sequence[Patch]) -> None:
        """Show boxes of time and frequency over whole and parts."""
        if tuple(patches) != self._patches:
            self._patches = tuple(patches)
            self.update()

    def set_brush(self, brush: Brush | None) -> None:
        """Paint with a brush from now on; None pans again."""
        self._brush, self._stroke = brush, None
        self.update()

    def set_preview(self, levels: Bytes | None, first: int = 0) -> None:
        """Draw other levels of the parts from column `first` on; None draws the parts again.

        Parameters
        ----------
        levels : ndarray of uint8, shape (frequencies, columns), or None
        first : int
        """
        self._preview = (Peaks(levels), first) if levels is not None and levels.size else None
        self.stale()

    def set_alone(
        self, levels: Bytes | None, first: int = 0, name: str = "", color: str = ""
    ) -> None:
        """Draw something else in place of the first part, under its name; None ends that.

        Parameters
        ----------
        levels : ndarray of uint8, shape (frequencies, columns), or None
        first : int
            Column that they begin with.
        name, color : str
        """
        kept = Peaks(levels) if levels is not None and levels.size else None
        self._alone = _Alone(kept, first, name, color) if kept is not None else None
        self.stale()

    def set_detail(
        self, arrays: Mapping[str, NDArray[Any]] | None, start: float = 0.0, step: float = 1.0
    ) -> None:
        """Draw a stretch more finely than the view holds it, while all in sight lies in it.

        Parameters
        ----------
        arrays : mapping of str to ndarray, or None
            Like those of the view, their times from `start` on, in steps of `step`.
        start, step : float
            In the unit of time.
        """
        self._detail = Detail(arrays, start, step) if arrays is not None else None
        self.stale()

    @property
    def column_step(self) -> float:
        """From one column of the view to the next, in the unit of time."""
        return self._time.step or 1.0

    @property
    def level(self) -> tuple[float, float]:
        """What 0 and 255 are, in the unit of levels."""
        return self._levels.low, self._levels.high

    def is_empty(self) -> bool:
        return self._shown is None

    def is_building(self) -> bool:
        return self._shown is None or self._drawn_of is not self._arrays

    # Where things are

    def area(self) -> QRectF:
        metrics = QFontMetricsF(small_font(self.font()))
        left = metrics.horizontalAdvance("−0.05") + metrics.height() + 16
        right = metrics.horizontalAdvance("−100") + 36
        height = self.height() - _TOP - self.below()
        return QRectF(left, _TOP, max(self.width() - left - right, 1.0), max(height, 1.0))

    def strip(self) -> QRectF:
        """Return where the waveform is; empty without one."""
        area = self.area()
        if self._shown is None or self._shown.wave is None or area.height() < 160:
            return QRectF(area.left(), area.top(), area.width(), 0)
        return QRectF(area.left(), area.top(), area.width(), _STRIP)

    def panes(self) -> list[QRectF]:
        """Return where the pictures are, from top to bottom."""
        area, strip = self.area(), self.strip()
        top = strip.bottom() + (_GAP if strip.height() else 0)
        count = max(len(self._panes), 1)
        each = (area.bottom() - top - _GAP * (count - 1)) / count
        return [
            QRectF(area.left(), top + k * (each + _GAP), area.width(), each) for k in range(count)
        ]

    def frequencies(self) -> tuple[float, float]:
        """Return the frequencies at the lower and upper border, in Hz."""
        return self._scale.ends

    def y_of(self, hertz: float, pane: QRectF) -> float:
        """Return where a frequency lies in a pane."""
        return self._scale.y_of(hertz, pane)

    def hertz_at(self, y: float, pane: QRectF) -> float:
        """Return the frequency at a place of a pane."""
        return self._scale.at(y, pane)

    # Drawing

    def paint_still(self, painter: QPainter) -> None:
        assert self._shown is not None
        shown, places, area = self._shown, self.panes(), self.area()
        look = Look(self.window_shown, area.left(), area.width(), self.devicePixelRatioF())
        if self.strip().height() and shown.wave is not None:
            first, last = ((at - self._time.start) / self._wave_step for at in self.window_shown)
            paint_wave(painter, shown.wave, self.strip(), (first, last), look.ratio, self.tokens)
        for pane, place in zip(self._panes, places, strict=True):
            self._paint_pane(painter, pane, place, look)
            self._scale.paint(painter, place, self.tokens)
        font = painter.font()
        for pane, place in zip(self._panes, places, strict=True):
            room = place.adjusted(-4, -4, 0, 0)
            named = self._alone if self._alone is not None and pane.key == (0,) else pane
            paint_badge(painter, room, named.name, self.tokens, color=named.color, right=False)
        painter.setFont(font)
        gain = any(pane.is_gain for pane in self._panes)
        beside = QRectF(places[0].topLeft(), places[-1].bottomRight())
        levels, unit = (GAIN_LEVELS, "dB") if gain else (self._levels, self._unit_of_level)
        paint_level_bar(painter, beside, levels, unit, self.tokens)
        self.paint_time_axis(painter, places[-1].bottom())

    def paint_over(self, painter: QPainter) -> None:
        for pane in self.panes():
            paint_patches(painter, self._patches, pane, self.x_of, self.y_of)
        if self._stroke is not None:
            self._stroke.paint(painter)
        spot = self.cursor_spot
        if self._brush is not None and spot is not None and self._pane_at(spot) is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for color, wide in ((QColor(0, 0, 0, 160), 3.0), (QColor(self._brush.color), 1.5)):
                painter.setPen(QPen(color, wide))
                painter.drawEllipse(spot, self._brush.radius, self._brush.radius)

    def _paint_pane(self, painter: QPainter, pane: Pane, place: QRectF, look: Look) -> None:
        """Draw what is found, over it what is tried out, and hatch what is not known yet."""
        levels = GAIN_LEVELS if pane.is_gain else self._levels
        if pane.key == (0,) and self._alone is not None:
            paint_not_yet(painter, place, self.tokens, "")
            self._paint_columns(painter, place, look, self._alone.peaks, self._alone.first)
            return
        paint_grain(painter, place, self._grain(pane), look, self._scale, levels)
        if pane.key == (0,) and self._preview is not None and not self._is_finer():
            self._paint_columns(painter, place, look, *self._preview)
        unknown = self._unknown(pane)
        if unknown is not None:
            paint_not_yet(painter, look.part(place, unknown, self.limits.high), self.tokens)

    def _paint_columns(
        self, painter: QPainter, place: QRectF, look: Look, peaks: Peaks, first: int
    ) -> None:
        """Draw levels where they belong, and nothing beyond them."""
        step = self.column_step
        begin = self._time.start + first * step
        part = look.part(place, begin - step / 2, begin + (peaks.size - 0.5) * step)
        if part.width() >= 1:
            grain = Grain(peaks, begin, step)
            paint_grain(painter, part, grain, look, self._scale, self._levels)

    def _unknown(self, pane: Pane) -> float | None:
        """From when on a run that goes on knows nothing of a pane."""
        last = self._whole.shape[1] - 1
        if self._reached is None:
            return None
        column = int((self._reached - self._time.start) / self.column_step) + 1
        if column >= last or (pane.is_whole and self._whole[:, column:].any()):
            return None
        return self._reached

    def _is_finer(self) -> bool:
        """Whether a preview of all of it is too coarse for what is in sight."""
        assert self._preview is not None
        whole = self._preview[0].size >= self._whole.shape[1]
        return whole and self._detail is not None and self._detail.covers(*self.window_shown)

    def _grain(self, pane: Pane) -> Grain:
        """The finest that there is of a picture for what is in sight, its start and its step."""
        assert self._shown is not None
        low, high = self.window_shown
        if self._detail is not None and self._detail.covers(low, high):
            fine = self._detail.peaks(pane, self.level)
            if fine is not None:
                return Grain(fine, self._detail.start, self._detail.step)
        peaks = self._shown.peaks[pane.key]
        # The columns of a gain may be finer than those of the whole.
        share = peaks.size / max(self._whole.shape[1], 1) if pane.is_gain else 1.0
        return Grain(peaks, self._time.start, self.column_step / share)

    # Cursor

    def reading(self, at: float, spot: QPointF) -> tuple[str, ...]:
        words = [moment(at, self.window_shown, self.unit)]
        pane = self._pane_at(spot)
        if pane is None or self._shown is None:
            return tuple(words)
        hertz = self.hertz_at(spot.y(), pane)
        words.append(f"{hertz:,.0f} Hz")
        step = self._time.step or 1.0
        column = min(max(round((at - self._time.start) / step), 0), self._whole.shape[1] - 1)
        row = self._scale.bin_of(hertz)
        level = self._in_words(int(self._whole[row, column]), self._levels)
        words.append(tr("whole {level}", level=level))
        for sheet in self._panes:
            if sheet.is_whole:
                continue
            if sheet.key == (0,) and self._alone is not None:
                words.extend(self._read_alone(self._alone, row, column))
                continue
            found = self._shown.peaks[sheet.key].levels
            share = found.shape[1] / self._whole.shape[1]
            value = int(found[row, min(int(column * share), found.shape[1] - 1)])
            levels = GAIN_LEVELS if sheet.is_gain else self._levels
            words.append(f"{sheet.name} {self._in_words(value, levels)}")
        return tuple(words)

    def _read_alone(self, alone: _Alone, row: int, column: int) -> tuple[str, ...]:
        """What stands in place of the first part there; nothing beyond it."""
        levels, place = alone.peaks.levels, column - alone.first
        if not 0 <= place < levels.shape[1]:
            return ()
        return (f"{alone.name} {self._in_words(int(levels[row, place]), self._levels)}",)

    def grabbed(self, spot: QPointF) -> tuple[str, Span | None]:
        what, span = super().grabbed(spot)
        return ("draw", None) if what == "pan" and self.strip().contains(spot) else (what, span)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        spot = event.position()
        pane, left = self._pane_at(spot), event.button() == Qt.MouseButton.LeftButton
        paints = left and not event.modifiers() and not self.is_empty()
        if self._brush is None or pane is None or not paints or super().grabbed(spot)[1]:
            super().mousePressEvent(event)
            return
        self._stroke = Stroke(self._brush, pane)
        self._stroke.add(spot)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._stroke is not None:
            self._stroke.add(event.position())
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        stroke, self._stroke = self._stroke, None
        if stroke is None:
            super().mouseReleaseEvent(event)
            return
        self.update()
        self.painted.emit(stroke.dabs(self.time_at, self.hertz_at))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_L:
            self.set_logarithmic(not self.logarithmic)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.set_floor(self._levels.floor + (3.0 if event.key() == Qt.Key.Key_Up else -3.0))
        else:
            super().keyPressEvent(event)

    # Within

    def _pane_at(self, spot: QPointF) -> QRectF | None:
        return next((pane for pane in self.panes() if pane.contains(spot)), None)

    def _take(self, drawn: object) -> None:
        assert isinstance(drawn, _Made)
        self._shown, self._panes, self._drawn_of, self._reached = drawn
        self.empty = tr("No sound to show")
        self.stale()

    def _in_words(self, byte: int, levels: Levels) -> str:
        unit = "dB" if levels is GAIN_LEVELS else self._unit_of_level
        value = f"{levels.value(byte):.1f} {unit}".replace("-", "−")
        return f"≤ {value}" if byte == 0 else value
