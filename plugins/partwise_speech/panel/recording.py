"""How is a recording made from the window? A row with a level, a clock and one button."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from partwise.api import FileProblem
from partwise_app.api import Later, SectionLabel, button, label, tr
from partwise_speech import device
from partwise_speech.panel.transport import clock
from partwise_speech.player import NoSound
from partwise_speech.recorder import Level, Recorder

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
    """Records into a file that is chosen first, so that nothing is ever only in memory."""

    recorded = Signal(Path)
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.recorder: Recorder | None = None
        self.button = button(tr("Record…"), "small")
        self.button.clicked.connect(self._on_button)
        self._meter = LevelMeter()
        self._words = label("", "small", wrap=True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.button)
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
        self.look_for_device()

    def look_for_device(self) -> None:
        """Ask in a thread whether there is a microphone."""
        self._asking.ask(device.why_no_microphone, at_once=False)

    def start(self, path: Path) -> None:
        """Record into a file until `stop`."""
        try:
            self.recorder = Recorder(path, device.open_microphone)
        except (NoSound, FileProblem) as problem:
            self.failed.emit(str(problem))
            return
        self._meter.show()
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
        self.button.setText(tr("Record…"))
        self.button.setAccessibleName(tr("Record"))
        try:
            path = recorder.stop()
        except FileProblem as problem:
            self.failed.emit(str(problem))
            return
        self._words.setText(tr("Recorded {name}", name=path.name))
        self.recorded.emit(path)

    def _on_button(self) -> None:
        if self.recorder is not None:
            self.stop()
            return
        path, _ = QFileDialog.getSaveFileName(
            self, tr("Record into"), "recording.flac", "FLAC (*.flac);;WAV (*.wav)"
        )
        if path:
            target = Path(path)
            known = target.suffix.lower() in (".flac", ".wav")
            self.start(target if known else target.with_name(target.name + ".flac"))

    def _on_tick(self) -> None:
        if self.recorder is None:
            return
        level = self.recorder.level
        self._meter.set_level(level)
        seconds = self.recorder.seconds
        words = clock(seconds, seconds)
        if level.clipped:
            words += "  " + tr("too loud: move the microphone away and record again")
        self._words.setText(words)

    def _on_device(self, reason: object) -> None:
        self.button.setEnabled(not reason)
        self.button.setToolTip(str(reason) or tr("Record from the microphone into a file"))
        self._words.setText(str(reason))
        self._words.setVisible(True)
