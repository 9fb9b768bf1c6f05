"""How do player, stage, brushes and lists work together? Everything wired, little decided here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtWidgets import QInputDialog, QVBoxLayout, QWidget

from partwise.api import FileProblem, Result, UsageProblem
from partwise_app.api import Brush, Host, tr
from partwise_speech import library
from partwise_speech.dictionary import load_dictionary
from partwise_speech.painted import Painted
from partwise_speech.panel.atoms import AtomGrid
from partwise_speech.panel.closer import Closer
from partwise_speech.panel.drift import Drift, drift_of
from partwise_speech.panel.heard import RESIDUAL, SPEECH, WHOLE, Heard
from partwise_speech.panel.inspecting import Inspector
from partwise_speech.panel.keys import Keys
from partwise_speech.panel.learning import Learning
from partwise_speech.panel.listening import Listening
from partwise_speech.panel.preparing import ATOMS, Preparing, array_of
from partwise_speech.panel.recording import Recording
from partwise_speech.panel.selection import Selection
from partwise_speech.panel.shelf import GENERIC, Shelf
from partwise_speech.panel.stagehand import Stagehand
from partwise_speech.panel.teaching import ERASER, NOISE_COLOR, Teaching
from partwise_speech.panel.transport import Transport
from partwise_speech.panel.trying import Trying
from partwise_speech.sources import generic_voice

if TYPE_CHECKING:
    from PySide6.QtGui import QHideEvent, QShowEvent

__all__ = ["Panel"]

_SOLO = {("speech",): SPEECH, ("noise",): RESIDUAL}
_TOP_HZ = 8000.0


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
        self.listening = Listening(self)
        self.preparing = Preparing(self)
        self.stagehand = Stagehand(self)
        self.learning = Learning(self)
        self.trying = Trying(self)
        self.closer = Closer(self)
        self.transport = Transport(self.listening)
        self.selection = Selection()
        self.teaching = Teaching()
        self.atoms = AtomGrid()
        self.drift = Drift()
        self.shelf = Shelf()
        self.shelf.save_noise.hide()  # until there is one
        self.recording = Recording()
        self._atoms: NDArray[np.float32] | None = None
        self._order: NDArray[np.intp] = np.zeros(0, np.intp)
        self._solo: tuple[str, ...] = ()
        self._before_solo = WHOLE
        self._shelved: tuple[object, ...] = ()
        self._compared: object = None
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
        self.refresh()

    # What is looked at

    def refresh(self) -> None:
        """Draw what the host tells now."""
        host = self._host
        dataset, result, values = host.dataset, host.result, host.parameters
        strength = float(values.get("strength", 1.0))
        self.stagehand.take(host.view("spectrogram"))
        if dataset is None:
            self.listening.pause()
        if not host.running or dataset is None:
            self.preparing.follow(dataset, result, strength)
        codes = self.preparing.codes
        self._show_preparing()
        self._show_selection()
        self._show_noise(values, result)
        self.stagehand.set_painted(self._painted())
        self.teaching.set_strength(strength)
        self.teaching.set_ready("painted" in values, codes is not None)
        self.teaching.set_marked(bool(values.get("painted")))
        run_with = float(result.facts.get("strength", strength)) if result is not None else strength
        self.teaching.set_tried(codes is not None and abs(run_with - strength) > 1e-6)
        self.trying.follow(self.stagehand, result, strength)
        self.closer.follow(self.stagehand, self.preparing, result, strength)
        if not host.running:
            self._show_atoms(result)
            self.drift.show_table(drift_of(result))
        self._show_shelf(values)
        self._follow_solo()
        self._compare(dataset, result)

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
        for widget in (self.drift, self.atoms, self.shelf, self.recording):
            box.addWidget(widget)
        under = QWidget()
        under.setObjectName("stagebar")
        under.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        rows = QVBoxLayout(under)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        for bar in (self.transport, self.selection, self.teaching):
            rows.addWidget(bar)
        return under

    def _connect(self) -> None:
        host, stage, prepared = self._host, self.stagehand, self.preparing
        host.changed.connect(self._soon.start)
        host.stage_changed.connect(self._soon.start)
        prepared.ready.connect(self._on_ready)
        prepared.tried.connect(self._on_tried)
        prepared.failed.connect(self._on_failed)
        prepared.atoms_ready.connect(self._on_atoms_ready)
        self.listening.moved.connect(self._on_moved)
        self.transport.loop.clicked.connect(self._on_loop)
        stage.sought.connect(self.listening.seek)
        stage.looked.connect(self.closer.look)
        stage.selected.connect(self._on_selected)
        stage.noise_moved.connect(self._on_noise_moved)
        stage.painted.connect(self._on_painted)
        self.selection.noise_asked.connect(self._learn_noise)
        self.selection.voice_asked.connect(self._learn_voice)
        self.selection.marked.connect(self._mark_selection)
        self.selection.dropped.connect(self._drop_selection)
        self.teaching.brush_changed.connect(self._on_brush)
        self.teaching.cleared.connect(self._clear_marks)
        self.teaching.strength_changed.connect(self._on_strength)
        self.teaching.strength_set.connect(self._on_strength_set)
        self.trying.previewed.connect(prepared.patch)
        self.atoms.changed.connect(self._on_atoms)
        self.shelf.voice_chosen.connect(self._choose_voice)
        self.shelf.noise_chosen.connect(self._choose_noise)
        self.shelf.save_noise_asked.connect(self._save_noise)
        self.shelf.forget_asked.connect(self._forget)
        self.shelf.look_asked.connect(self._inspect)
        self.learning.learned.connect(self._on_learned)
        self.learning.failed.connect(host.notify)
        self.recording.recorded.connect(host.open)
        self.recording.failed.connect(host.notify)
        app = QCoreApplication.instance()
        if app is not None:
            app.aboutToQuit.connect(self.close_sound)

    def _make_keys(self) -> Keys:
        key, hear = Qt.Key, self.listening.choose

        def works() -> bool:
            return self._host.dataset is not None and self.isVisible()

        versions = {key.Key_1: WHOLE, key.Key_2: SPEECH, key.Key_3: RESIDUAL}
        claimed = {k: _bound(hear, version) for k, version in versions.items()}
        brushes = {key.Key_S: "speech", key.Key_N: "noise", key.Key_E: ERASER}
        others = {k: _bound(self._take_brush, brush) for k, brush in brushes.items()}
        others[key.Key_Space] = self.listening.toggle
        others[key.Key_A] = self.listening.back_and_forth
        others[key.Key_R] = self.transport.loop.click
        others[key.Key_Escape] = self._drop_selection

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
        self.listening.close()
        for asking in (self.preparing, self.learning, self.trying, self.closer):
            asking.close()

    # Hearing

    def _on_ready(self, heard: object) -> None:
        assert isinstance(heard, Heard)
        self.listening.set_heard(heard)
        self._show_preparing()

    def _on_failed(self, why: str) -> None:
        self._host.notify(why, "warn")
        self._show_preparing()

    def _show_preparing(self) -> None:
        """A result is there before its sound is."""
        prepared = self.preparing
        missing = prepared.codes is not None and SPEECH not in prepared.heard.tracks
        self.transport.set_preparing(missing and prepared.waiting)

    def _on_tried(self, heard: object) -> None:
        assert isinstance(heard, Heard)
        self.listening.set_heard(heard, as_loud=True)

    def _on_moved(self, at: float) -> None:
        follow = self.transport.follow.isChecked() and self.listening.playing
        self.stagehand.set_playhead(at, follow=follow)

    def _on_loop(self) -> None:
        wanted = self.transport.loop.isChecked()
        stretch = self.stagehand.selection or self.stagehand.window
        self.listening.set_loop(stretch if wanted else None)

    def _follow_solo(self) -> None:
        """Solo in the mixer is what is heard; ending it goes back to what was heard before."""
        solo = tuple(s.key for s in self._host.strips if s.solo)
        if solo == self._solo:
            return
        before, self._solo = self._solo, solo
        if solo in _SOLO:
            if not before:
                self._before_solo = self.listening.key
            self.listening.choose(_SOLO[solo])
        elif before in _SOLO and not solo:
            self.listening.choose(self._before_solo)

    def _on_atoms(self) -> None:
        chosen = self.atoms.heard()
        if chosen is None or self._atoms is None:
            if self.listening.key == ATOMS:
                self.listening.choose(RESIDUAL)
            return
        picked = tuple(int(self._order[k]) for k in chosen)
        self.preparing.ask_atoms(self._atoms, picked, self.stagehand.window)

    def _on_atoms_ready(self, start: float, end: float) -> None:
        chosen = self.atoms.heard() or ()
        name = tr("Atom {number}", number=chosen[0] + 1) if len(chosen) == 1 else tr("Some atoms")
        words = tr("{name}, {start} – {end} s", name=name, start=f"{start:.1f}", end=f"{end:.1f}")
        self.transport.set_title(ATOMS, words)
        self.listening.choose(ATOMS)
        if not start <= self.listening.position < end:
            self.listening.seek(start)

    # Teaching

    def _painted(self) -> Painted:
        try:
            return Painted.read(str(self._host.parameters.get("painted", "")))
        except ValueError:
            return Painted()

    def _take_brush(self, brush: str) -> None:
        if self.teaching.buttons[brush].isEnabled():
            self.teaching.hold(brush)

    def _on_brush(self, brush: object) -> None:
        self.stagehand.set_brush(brush if isinstance(brush, Brush) else None)

    def _on_painted(self, dabs: object) -> None:
        assert isinstance(dabs, tuple)
        kind = self.teaching.kind
        title = {"speech": tr("Paint speech"), "noise": tr("Paint noise")}.get(
            kind or "", tr("Erase marks")
        )
        self._set("painted", self._painted().painted(kind, dabs).text, title)

    def _mark_selection(self, kind: str) -> None:
        stretch = self.stagehand.selection
        if stretch is not None and kind == "noise":
            box = (*stretch, 0.0, _TOP_HZ)
            painted = self._painted().painted("noise", [box], round_=False)
            self._set("painted", painted.text, tr("Mark a stretch as noise"))
            self._drop_selection()

    def _clear_marks(self) -> None:
        self._set("painted", "", tr("Clear marks"))

    def _on_strength(self, value: float) -> None:
        self.trying.ask(self.stagehand, self.preparing, value)

    def _on_strength_set(self, value: float) -> None:
        self._set("strength", value, tr("Set strength"), "strength")

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
        text = f"{start:.3f}:{end:.3f}"
        self._set("noise_span", text, tr("Set where noise is alone"), "noise-span")
        self._soon.start()  # a stretch that was refused goes back to where it was

    def _learn_noise(self) -> None:
        stretch = self.stagehand.selection
        if stretch is None:
            return
        text = f"{stretch[0]:.3f}:{stretch[1]:.3f}"
        if self._set("noise_span", text, tr("Set where noise is alone")):
            self._drop_selection()
            self._host.run()

    def _learn_voice(self) -> None:
        stretch, sound = self.stagehand.selection, self.preparing.recording
        if stretch is None or sound is None:
            return
        name = self._ask_name(tr("Learn this voice"), Path(sound.title).stem)
        if name:
            self.learning.voice(sound, stretch, name)

    def _save_noise(self) -> None:
        sound, result = self.preparing.recording, self._host.result
        if self._atoms is None or sound is None or result is None:
            return
        name = self._ask_name(tr("Save this noise"), tr("Noise of {name}", name=sound.title))
        if name:
            span = result.facts.get("noise_span")
            self.learning.noise(self._atoms, sound.title, tuple(span) if span else None, name)

    def _ask_name(self, title: str, name: str) -> str:
        said, sure = QInputDialog.getText(self, title, tr("Name"), text=name)
        return said.strip() if sure else ""

    def _on_learned(self, kind: str, path: str) -> None:
        if kind == "voice":
            self._choose_voice(path)
            self._host.notify(tr("The voice is kept and used in the next run."))
        else:
            self._host.notify(tr("The noise is kept for other recordings."))
        self._shelved = ()
        self._drop_selection()
        self._soon.start()

    def _choose_voice(self, value: str) -> None:
        self._set("speech_dictionary", value, tr("Choose a voice"))
        self._soon.start()

    def _choose_noise(self, value: str) -> None:
        self._set("noise_file", value, tr("Choose a noise"))
        self._soon.start()

    def _inspect(self, value: str) -> None:
        try:
            found = generic_voice() if value == GENERIC else load_dictionary(Path(value))
        except FileProblem as problem:
            self._host.notify(tr("{what}; {fix}", what=problem.what, fix=problem.fix), "warn")
            return
        Inspector(found, self).show()

    def _forget(self, path: object) -> None:
        assert isinstance(path, Path)
        values = self._host.parameters
        if values.get("speech_dictionary") == str(path):
            self._choose_voice(GENERIC)
        if values.get("noise_file") == str(path):
            self._choose_noise("")
        library.forget(path)
        self._shelved = ()
        self._soon.start()

    def _set(self, name: str, value: Any, title: str, merge: str = "") -> bool:
        """Ask the host for an edit; what is refused is said."""
        if name not in self._host.parameters:
            return False
        try:
            self._host.set_parameter(name, value, title, merge)
        except UsageProblem as problem:
            self._host.notify(problem.fix or problem.what, "warn")
            return False
        return True

    # Showing

    def _show_selection(self) -> None:
        host = self._host
        hint = host.dataset is not None and host.result is None and not host.running
        self.selection.show_stretch(self.stagehand.selection, hint=hint)

    def _show_noise(self, values: Any, result: Result | None) -> None:
        text = str(values.get("noise_span", ""))
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

    def _show_atoms(self, result: Result | None) -> None:
        atoms = array_of(result, "atoms")
        if atoms is self._atoms:
            return
        self._atoms = atoms
        self.shelf.save_noise.setVisible(atoms is not None)
        active, spectra = array_of(result, "active"), _spectra(result)
        if atoms is None or active is None or spectra is None:
            self.atoms.set_atoms(None, (), NOISE_COLOR)
            return
        weight = active.sum(axis=1, dtype=np.float64)
        weight /= weight.sum() or 1.0
        self._order = np.argsort(-weight, kind="stable")
        self.atoms.set_atoms(spectra[self._order], list(weight[self._order]), NOISE_COLOR)

    def _show_shelf(self, values: Any) -> None:
        voice = str(values.get("speech_dictionary", GENERIC))
        noise = str(values.get("noise_file", ""))
        place = library.folder()
        stamp = place.stat().st_mtime_ns if place.is_dir() else 0
        if (voice, noise, stamp) != self._shelved:
            self._shelved = voice, noise, stamp
            self.shelf.show_all(library.saved(), voice, noise)


def _spectra(result: Result | None) -> NDArray[np.float32] | None:
    """Spectra of the atoms, (atoms, bands)."""
    views = result.views if result is not None else ()
    view = next((v for v in views if "atoms" in v.arrays), None)
    return view.arrays.get("y") if view is not None else None


def _bound(call: Any, argument: str) -> Any:
    def done() -> None:
        call(argument)

    return done
