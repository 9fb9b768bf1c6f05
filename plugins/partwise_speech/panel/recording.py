"""What does the microphone hear? Recorded into a file, or heard live without the noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from partwise.api import FileProblem
from partwise_app.api import Later, SectionLabel, button, label, tr
from partwise_speech import device
from partwise_speech.panel.monitor import Monitor
from partwise_speech.panel.transport import clock
from partwise_speech.player import NoSound
from partwise_speech.recorder import Level, Recorder
from partwise_speech.sources import voice_of
from partwise_speech.stream import Known

__all__ = ["LevelMeter", "Recording"]

_TICK_MS = 50
_FLOOR_DB = -60.0
_HIGH_DB, _OVER_DB = -12.0, -3.0


class LevelMeter(QWidget):
    """A bar from −60 dB to full scale: green, amber above −12 dB, red above −3 dB."""

    def __init__(self) -> None:
        super().__init__()
        self.level = Level(_FLOOR_DB, False)
        self.setFixedHeight(8)
        self.setAccessibleName(tr("Level of the microphone"))

    def set_level(self, level: Level) -> None:
        self.level = level
        self.setToolTip(f"{level.peak_db:.0f} dB".replace("-", "−"))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        frame = QRectF(self.rect())
        painter.fillRect(frame, self.palette().light())
        left = 0.0
        for edge, color in ((_HIGH_DB, "#2a9d6f"), (_OVER_DB, "#dfae4a"), (0.0, "#e2706a")):
            right = frame.width() * (min(self.level.peak_db, edge) - _FLOOR_DB) / -_FLOOR_DB
            if right > left:
                painter.fillRect(QRectF(left, 0, right - left, frame.height()), QColor(color))
                left = right
        if self.level.clipped:
            painter.fillRect(QRectF(frame.right() - 5, 0, 5, frame.height()), QColor("#e2706a"))
        painter.end()


class Recording(QWidget):
    """Records into a file that is chosen first, so that nothing is ever only in memory.

    Or lets the microphone be heard live, separated: nothing is kept of that.

    Parameters
    ----------
    voice : callable
        Returns the value of the parameter that says which voice to look for.
    """

    recorded = Signal(Path)
    failed = Signal(str)

    def __init__(self, voice: Callable[[], str]) -> None:
        super().__init__()
        self._voice = voice
        self.recorder: Recorder | None = None
        self.monitor: Monitor | None = None
        self._reason = ""
        self.button = button(tr("Record…"), "small")
        self.button.clicked.connect(self._on_button)
        self.live = button(tr("Hear live"), "toggle", checkable=True)
        self.live.clicked.connect(self._on_live)
        self._meter = LevelMeter()
        self._words = label("", "small", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.button)
        line.addWidget(self.live)
        line.addWidget(self._meter, 1)
        line.addStretch()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(SectionLabel(tr("Record")))
        box.addLayout(line)
        box.addWidget(self._words)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_tick)
        self._asking = Later(self)
        self._asking.done.connect(self._on_device)
        self._meter.hide()
        self._say("")
        self.look_for_device()

    def look_for_device(self) -> None:
        """Ask in a thread whether there is a microphone."""
        self._asking.ask(_why_not, at_once=False)

    def start(self, path: Path) -> None:
        """Record into a file until `stop`."""
        self.stop_live()
        try:
            self.recorder = Recorder(path, device.open_microphone)
        except (NoSound, FileProblem) as problem:
            self.failed.emit(str(problem))
            return
        self._meter.show()
        self.live.setEnabled(False)
        self.button.setText(tr("Stop"))
        self.button.setAccessibleName(tr("Stop recording"))
        self._timer.start()
        self._on_tick()

    def stop(self) -> None:
        """End the recording and tell where it is."""
        recorder, self.recorder = self.recorder, None
        if recorder is None:
            return
        self._timer.stop()
        self._meter.hide()
        self.look_for_device()
        self.button.setText(tr("Record…"))
        self.button.setAccessibleName(tr("Record"))
        try:
            path = recorder.stop()
        except FileProblem as problem:
            self.failed.emit(str(problem))
            return
        self._say(tr("Recorded {name}", name=path.name))
        self.recorded.emit(path)

    def start_live(self) -> None:
        """Let the microphone be heard without the noise until `stop_live`."""
        name = self._voice()

        def known() -> Known:
            return Known.of(voice_of(name))

        try:
            self.monitor = Monitor(known, device.open_microphone, device.open_speaker)
        except NoSound as problem:
            self.failed.emit(str(problem))
        self.live.setChecked(self.monitor is not None)
        if self.monitor is not None:
            self._timer.start()
            self._on_tick()

    def stop_live(self) -> None:
        """Let microphone and loudspeaker go."""
        monitor, self.monitor = self.monitor, None
        if monitor is not None:
            monitor.stop()
            self._timer.stop()
            self._say("")
        self.live.setChecked(False)

    def _on_live(self, on: bool) -> None:
        if on:
            self.start_live()
        else:
            self.stop_live()

    def _on_button(self) -> None:
        if self.recorder is not None:
            self.stop()
            return
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Record into"), "recording.wav", "WAV (*.wav);;FLAC (*.flac)"
        )
        if path:
            target = Path(path)
            known = target.suffix.lower() in (".flac", ".wav")
            self.start(target if known else target.with_name(target.name + ".wav"))

    def _on_tick(self) -> None:
        if self.monitor is not None:
            self._tell_live(self.monitor)
            return
        if self.recorder is None:
            return
        level = self.recorder.level
        self._meter.set_level(level)
        seconds = self.recorder.seconds
        words = clock(seconds, seconds)
        if level.clipped:
            words += "  " + tr("too loud: move the microphone away and record again")
        self._say(words)

    def _tell_live(self, monitor: Monitor) -> None:
        if monitor.problem:
            self.stop_live()
            self.failed.emit(monitor.problem)
            return
        if monitor.learning:
            words = tr("Learning the noise: say nothing for a second")
        else:
            late = f"{1e3 * monitor.latency:.0f}"
            words = tr("Live without the noise, {late} ms late", late=late)
        self._say(words)

    def _say(self, words: str) -> None:
        self._words.setText(words)
        self._words.setVisible(bool(words))

    def _on_device(self, reasons: object) -> None:
        assert isinstance(reasons, tuple)
        no_microphone, no_speaker = reasons
        self.button.setEnabled(not no_microphone)
        self.button.setToolTip(no_microphone or tr("Record from the microphone into a file"))
        self.live.setEnabled(not no_microphone and not no_speaker and self.recorder is None)
        self.live.setToolTip(
            no_microphone
            or no_speaker
            or tr("Hear the microphone without the noise, over headphones; nothing is kept")
        )
        if no_microphone or self._words.text() == self._reason:
            self._say(no_microphone)
        self._reason = no_microphone


def _why_not() -> tuple[str, str]:
    """Why there is no microphone, and nothing to play on."""
    return device.why_no_microphone(), device.why_no_speaker()
