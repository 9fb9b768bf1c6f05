"""How do player, stage, brushes and lists work together? Everything wired, little decided here."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from partwise.api import Result
from partwise_app.api import Brush, Host, tr
from partwise_speech.panel.asking import Asking
from partwise_speech.panel.atomwork import AtomWork
from partwise_speech.panel.closer import Closer
from partwise_speech.panel.drift import Drift, drift_of
from partwise_speech.panel.folder import Folder
from partwise_speech.panel.gains import Gains
from partwise_speech.panel.heard import RESIDUAL, SPEECH, WHOLE, Heard
from partwise_speech.panel.hearing import Hearing
from partwise_speech.panel.keeping import Keeping
from partwise_speech.panel.keys import Keys
from partwise_speech.panel.quality import Measuring
from partwise_speech.panel.recording import Recording
from partwise_speech.panel.selection import Selection
from partwise_speech.panel.stagehand import Stagehand
from partwise_speech.panel.streaming import Wanted
from partwise_speech.panel.teaching import ERASER, Teaching
from partwise_speech.panel.trying import Trying
from partwise_speech.tell import mixed_db
from partwise_speech.trust import quieter_alone

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QShowEvent

__all__ = ["Panel"]


class Panel(QWidget):
    """What the speech panel adds to the window.

    Parameters
    ----------
    host : Host

    Attributes
    ----------
    under_stage : QWidget
        Play, selection and brushes; the window puts it between stage and mixer.
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._asking = Asking(host)
        self.stagehand = Stagehand(self)
        self.hearing = Hearing(self.stagehand, self)
        self.gains = Gains(self._asking, self)
        self.remasking, self.refitting = self.gains.remasking, self.gains.refitting
        self.trying = Trying(self)
        self.closer = Closer(self)
        self.selection = Selection()
        self.teaching = Teaching()
        self.atomwork = AtomWork(host, self.stagehand, self.hearing, self.remasking, self)
        self.atoms, self.showing = self.atomwork.board, self.atomwork.showing
        self.drift = Drift()
        self.keeping = Keeping(host, self._asking, self)
        self.recording = Recording(self._asking.chosen_voice)
        self.folder = Folder()
        self.measuring = Measuring(self)
        self._compared: object = None
        self.listening, self.preparing = self.hearing.listening, self.hearing.preparing
        self.transport, self.shelf = self.hearing.transport, self.keeping.shelf
        self.learning = self.keeping.learning
        self.under_stage = self._lay_out()
        self._soon = QTimer(self)  # several changes of one deed are drawn once
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._keys = self._make_keys()
        self._connect()
        for control in self.under_stage.findChildren(QWidget):
            if control.focusPolicy() & Qt.FocusPolicy.ClickFocus:
                control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._fold_atoms()
        self.refresh()

    # What is looked at

    def refresh(self) -> None:
        """Draw what the host tells now."""
        host, asking = self._host, self._asking
        dataset, result = host.dataset, host.result
        self.stagehand.take(host.view("spectrogram"))
        if dataset is None:
            self.listening.pause()
        if not host.running or dataset is None:
            self._follow_sound(result)
        streams = dataset is not None and self.preparing.codes is None
        wanted = Wanted.of(host.parameters) if streams else None
        self.hearing.streaming.offer(self.preparing.recording, wanted)
        self.hearing.show_state()
        self._show_selection()
        self._show_noise(result)
        self._measure()
        self.stagehand.set_painted(asking.painted)
        self.folder.follow(host.parameters)
        self._show_teaching(result)
        self.atomwork.follow(result, asking.moved)
        if not host.running:
            self.drift.show_table(drift_of(result))
        self.keeping.show_all(has_noise=self.atomwork.noise is not None and not host.running)
        self.hearing.follow_solo([s.key for s in host.strips if s.solo])
        self._compare(dataset, result)

    def _follow_sound(self, result: Result | None) -> None:
        """Gains, sound and drawing of the result, as strength, mixture and atoms are chosen."""
        asking, stage, prepared, gains = self._asking, self.stagehand, self.preparing, self.gains
        prepared.open(self._host.dataset)
        gains.follow(prepared.recording, result, self._host.parameters, stage.window)
        strength, codes, version = asking.strength, gains.codes, gains.version
        prepared.follow(codes, strength, version)
        self.listening.set_original(asking.original)
        self.trying.follow(stage, result, strength, codes, version)
        self.closer.follow(stage, prepared, result, strength, version)

    def _show_teaching(self, result: Result | None) -> None:
        asking, teaching = self._asking, self.teaching
        teaching.set_strength(asking.strength)
        teaching.set_original(asking.original)
        teaching.set_ready("painted" in self._host.parameters, SPEECH in self.listening.keys)
        teaching.set_marked(bool(asking.painted.boxes))
        tried = False
        if result is not None and self.preparing.codes is not None:
            ran = (float(result.facts.get(name, 0.0)) for name in ("strength", "original"))
            chosen = asking.strength, 100 * asking.original
            tried = any(abs(a - b) > 1e-6 for a, b in zip(ran, chosen, strict=True))
        teaching.set_tried(tried or self.gains.is_tried)
        self._show_quieter()

    def _show_quieter(self, _value: float = 0.0) -> None:
        """Say what strength and original do to noise alone, while they move too."""
        result, teaching = self._host.result, self.teaching
        quieter = quieter_alone(result)
        if self._host.running or quieter is None or self.gains.is_tried:
            teaching.set_quieter(None)  # what moved atoms and marks do to it a run measures
        else:
            teaching.set_quieter(mixed_db(quieter * teaching.chosen[0], teaching.chosen[1]))

    def _measure(self, _what: object = None) -> None:
        """Measure what is heard now, soon."""
        stage, heard = self.stagehand, self.preparing.heard
        known = heard if self.preparing.codes is not None else Heard(heard.rate)
        self.measuring.follow(known, self.teaching.chosen[1], stage.noise, stage.window)

    def _compare(self, dataset: object, result: Result | None) -> None:
        """The first parts of a recording are seen beside it, while they emerge."""
        view = self.stagehand.view
        offered = view is not None and "compare" in dict(view.layers())
        if result is not None and offered and dataset is not self._compared:
            self._compared = dataset
            self._host.look("compare")

    # Putting together

    def _lay_out(self) -> QWidget:
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(14)
        for widget in (self.drift, self.shelf, self.recording, self.folder):
            box.addWidget(widget)
        under = QWidget()
        under.setObjectName("stagebar")
        under.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        under.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        rows = QVBoxLayout(under)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        for bar in (self.transport, self.selection, self.teaching, self.atoms):
            rows.addWidget(bar)
        return under

    def _connect(self) -> None:
        host, stage, asking = self._host, self.stagehand, self._asking
        host.changed.connect(self._soon.start)
        host.stage_changed.connect(self._soon.start)
        self.hearing.failed.connect(self._warn)
        self.preparing.ready.connect(self._soon.start)
        self.gains.remade.connect(self._soon.start)
        stage.looked.connect(self._on_looked)
        stage.selected.connect(self._on_selected)
        stage.noise_moved.connect(self._on_noise_moved)
        stage.painted.connect(self._on_painted)
        self.selection.noise_asked.connect(self._learn_noise)
        self.selection.voice_asked.connect(self._learn_voice)
        self.selection.marked.connect(self._mark_selection)
        self.selection.dropped.connect(self._drop_selection)
        self.teaching.brush_changed.connect(self._on_brush)
        self.teaching.cleared.connect(asking.clear_marks)
        self.teaching.strength_changed.connect(self._on_strength)
        self.teaching.strength_changed.connect(self._show_quieter)
        self.teaching.original_changed.connect(self._show_quieter)
        self.teaching.strength_set.connect(asking.set_strength)
        self.teaching.original_changed.connect(self.listening.set_original)
        self.teaching.original_set.connect(asking.set_original)
        self.trying.previewed.connect(self.preparing.patch)
        self.teaching.atoms.toggled.connect(self._fold_atoms)
        self.atomwork.drawn.connect(self._fold_atoms)
        self.atoms.turn_asked.connect(asking.turn)
        for key in (WHOLE, SPEECH, RESIDUAL):
            self.transport.choice(key).clicked.connect(self.atoms.release)
        self.preparing.ready.connect(self._measure)
        self.preparing.tried.connect(self._measure)
        self.teaching.original_changed.connect(self._measure)
        self.measuring.measured.connect(self.teaching.set_quality)
        self.shelf.save_noise_asked.connect(self._save_noise)
        self.keeping.changed.connect(self._soon.start)
        self.keeping.kept.connect(self._drop_selection)
        self.recording.recorded.connect(host.open)
        self.recording.failed.connect(host.notify)
        self.folder.failed.connect(self._warn)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close_sound)

    def _make_keys(self) -> Keys:
        key, hear = Qt.Key, self._hear

        def works() -> bool:
            return self._host.dataset is not None and self.isVisible()

        versions = {key.Key_1: WHOLE, key.Key_2: SPEECH, key.Key_3: RESIDUAL}
        claimed = {k: partial(hear, version) for k, version in versions.items()}
        brushes = {key.Key_S: "speech", key.Key_N: "noise", key.Key_E: ERASER}
        others = {k: partial(self._take_brush, brush) for k, brush in brushes.items()}
        others[key.Key_Space] = partial(self.listening.toggle)
        others[key.Key_A] = partial(self.listening.back_and_forth)
        others[key.Key_R] = partial(self.transport.loop.click)
        others[key.Key_Escape] = partial(self._drop_selection)

        def picture() -> QWidget | None:
            return self.stagehand.view

        return Keys(claimed, others, works, picture, self)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._keys.watch(self.window())
        self.listening.look_for_device()
        self.recording.look_for_device()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.listening.pause()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DeferredDelete:
            self.close_sound()
        return super().event(event)

    def close_sound(self) -> None:
        """Let devices go and want no answers any more."""
        self.recording.stop()
        self.recording.stop_live()
        self.folder.close_process()
        for asking in (
            self.hearing,
            self.keeping,
            self.gains,
            self.trying,
            self.closer,
            self.atomwork,
            self.measuring,
        ):
            asking.close()

    # What hands do

    def _warn(self, why: str) -> None:
        self._host.notify(why, "warn")

    def _on_looked(self) -> None:
        self.closer.look()
        self.showing.look()
        self.gains.look(self.stagehand.window)

    def _hear(self, key: str) -> None:
        self.listening.choose(key)
        self.atoms.release()

    def _take_brush(self, brush: str) -> None:
        if self.teaching.buttons[brush].isEnabled():
            self.teaching.hold(brush)

    def _on_brush(self, brush: object) -> None:
        self.stagehand.set_brush(brush if isinstance(brush, Brush) else None)

    def _on_painted(self, dabs: object) -> None:
        assert isinstance(dabs, tuple)
        self._asking.paint(self.teaching.kind, dabs)

    def _mark_selection(self, kind: str) -> None:
        stretch = self.stagehand.selection
        if stretch is not None and kind == "noise":
            self._asking.mark_noise(stretch)
            self._drop_selection()

    def _on_strength(self, value: float) -> None:
        self.trying.ask(self.stagehand, self.preparing, value)

    def _on_selected(self, stretch: object) -> None:
        found = stretch if isinstance(stretch, tuple) else None
        self._show_selection()
        if found is not None and self.listening.loop is not None:
            self.listening.set_loop(found)
        elif found is not None and not self.listening.playing:
            self.listening.seek(found[0])

    def _drop_selection(self) -> None:
        self.stagehand.select(None)

    def _on_noise_moved(self, start: float, end: float) -> None:
        self._asking.set_noise(start, end, "noise-span")
        self._soon.start()  # a stretch that was refused goes back to where it was

    def _learn_noise(self) -> None:
        stretch = self.stagehand.selection
        if stretch is not None and self._asking.set_noise(*stretch):
            self._drop_selection()
            self._host.run()

    def _learn_voice(self) -> None:
        stretch, sound = self.stagehand.selection, self.preparing.recording
        if stretch is not None and sound is not None:
            self.keeping.learn_voice(sound, stretch)

    def _save_noise(self) -> None:
        noise, sound = self.atomwork.noise, self.preparing.recording
        if noise is not None and sound is not None:
            self.keeping.save_noise(sound, noise)

    def _fold_atoms(self, _on: bool = False) -> None:
        has = self.atoms.has_any
        self.teaching.atoms.setVisible(has)
        self.atoms.setVisible(has and self.teaching.atoms.isChecked())

    # Showing

    def _show_selection(self) -> None:
        host = self._host
        hint = host.dataset is not None and host.result is None and not host.running
        self.selection.show_stretch(self.stagehand.selection, hint=hint)

    def _show_noise(self, result: Result | None) -> None:
        text = self._asking.noise_span
        ends = text.split(":")
        found = result.facts.get("noise_span") if result is not None else None
        if len(ends) == 2:
            try:
                self.stagehand.set_noise((float(ends[0]), float(ends[1])), tr("Noise only"))
            except ValueError:
                self.stagehand.set_noise(None, "")
        elif text == "auto" and found:
            self.stagehand.set_noise((float(found[0]), float(found[1])), tr("Noise only (found)"))
        else:
            self.stagehand.set_noise(None, "")
