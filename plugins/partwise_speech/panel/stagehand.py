"""What happens on the spectrogram? Spans, marks, brush, playhead and preview of one drawing.

The drawing changes with the stage; what it is to show stays here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from partwise_app.api import Brush, Patch, Span, SpectrogramView, Window, tr
from partwise_speech.painted import Painted
from partwise_speech.panel.preview import Preview
from partwise_speech.panel.teaching import NOISE_COLOR, SPEECH_COLOR

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Stagehand"]

_NOISE, _SELECTION = "noise", "selection"


class Stagehand(QObject):
    """Keeps one spectrogram as the panel wants it, and passes on what hands do there."""

    noise_moved = Signal(float, float)
    """The noise-only stretch was dragged to other seconds."""
    selected = Signal(object)
    """(start, end) in seconds, or None."""
    sought = Signal(float)
    painted = Signal(object)
    """A tuple of dabs."""
    looked = Signal()
    """Another stretch is in sight."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view: SpectrogramView | None = None
        self._noise: tuple[float, float] | None = None
        self._noise_name = ""
        self._selection: tuple[float, float] | None = None
        self._patches: tuple[Patch, ...] = ()
        self._brush: Brush | None = None
        self._places: tuple[str, ...] = ()

    @property
    def view(self) -> SpectrogramView | None:
        """The drawing, where there is one."""
        return self._view

    @property
    def selection(self) -> tuple[float, float] | None:
        """What is selected, in seconds."""
        return self._selection

    @property
    def noise(self) -> tuple[float, float] | None:
        """Where noise is alone, in seconds."""
        return self._noise

    @property
    def window(self) -> tuple[float, float]:
        """What is in sight, in seconds."""
        shown = self._view.window_shown if self._view is not None else Window(0.0, 0.0)
        return shown.low, shown.high

    def take(self, view: object) -> None:
        """Work on another drawing."""
        found = view if isinstance(view, SpectrogramView) else None
        if found is self._view:
            self._draw()
            return
        if self._view is not None:
            self._let_go(self._view)
        self._view = found
        if found is not None:
            found.span_drawn.connect(self._on_drawn)
            found.span_changed.connect(self._on_span)
            found.sought.connect(self.sought)
            found.painted.connect(self.painted)
            found.looked.connect(self._on_looked)
            found.set_brush(self._brush)
            self._draw()

    def set_noise(self, stretch: tuple[float, float] | None, name: str) -> None:
        """Show where noise is alone."""
        self._noise, self._noise_name = stretch, name
        self._draw()

    def select(self, stretch: tuple[float, float] | None) -> None:
        """Select a stretch, or nothing."""
        if stretch != self._selection:
            self._selection = stretch
            self._draw()
            self.selected.emit(stretch)

    def set_painted(self, painted: Painted) -> None:
        """Show what is marked as speech and as noise."""
        self._patches = tuple(
            Patch(
                box.start,
                box.end,
                box.low,
                box.high,
                SPEECH_COLOR if box.kind == "speech" else NOISE_COLOR,
                "/" if box.kind == "speech" else "\\",
            )
            for box in painted.boxes
        )
        self._draw()

    def set_brush(self, brush: Brush | None) -> None:
        self._brush = brush
        if self._view is not None:
            self._view.set_brush(brush)

    def set_playhead(self, at: float | None, *, follow: bool) -> None:
        """Show where the sound is, and turn the page after it."""
        if self._view is None:
            return
        self._view.set_playhead(at)
        if follow and at is not None:
            self._view.follow(at)

    def set_preview(self, preview: Preview | None) -> None:
        """Show speech as it would be; None shows it as it was found."""
        if self._view is not None:
            levels = preview.levels if preview is not None else None
            self._view.set_preview(levels, preview.first if preview is not None else 0)

    def set_alone(
        self,
        levels: NDArray[np.uint8] | None,
        first: int = 0,
        name: str = "",
        color: str = "",
    ) -> None:
        """Draw something else in place of the speech, under its name; None ends that."""
        if self._view is not None:
            self._view.set_alone(levels, first, name, color)

    def _draw(self) -> None:
        if self._view is None:
            return
        spans: list[Span] = []
        places: list[str] = []
        if self._noise is not None:
            spans.append(Span(*self._noise, self._noise_name, NOISE_COLOR))
            places.append(_NOISE)
        if self._selection is not None:
            spans.append(Span(*self._selection, tr("Selected")))
            places.append(_SELECTION)
        self._places = tuple(places)
        if tuple(spans) != self._view.spans:
            self._view.set_spans(spans)
        self._view.set_patches(self._patches)

    def _let_go(self, view: SpectrogramView) -> None:
        view.span_drawn.disconnect(self._on_drawn)
        view.span_changed.disconnect(self._on_span)
        view.sought.disconnect(self.sought)
        view.painted.disconnect(self.painted)
        view.looked.disconnect(self._on_looked)
        view.set_brush(None)
        view.set_playhead(None)
        no_spans: Sequence[Span] = ()
        view.set_spans(no_spans)
        view.set_patches(())
        view.set_alone(None)

    def _on_drawn(self, start: float, end: float) -> None:
        self.select((start, end))

    def _on_span(self, place: int, start: float, end: float) -> None:
        if place < len(self._places) and self._places[place] == _NOISE:
            self.noise_moved.emit(start, end)
        else:
            self._selection = (start, end)
            self.selected.emit(self._selection)

    def _on_looked(self, window: object) -> None:
        self.looked.emit()
