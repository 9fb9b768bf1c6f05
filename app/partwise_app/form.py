"""Which parameters can be chosen? A form made from their declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from partwise.errors import UsageProblem
from partwise.params import ParamSpec
from partwise_app.controls import Choice, SectionLabel, Switch, button, label, restyle
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDropEvent

__all__ = ["ParamForm"]

_LABEL_WIDTH = 96
_ROW_HEIGHT = 28


class ParamForm(QWidget):
    """A field per parameter; advanced ones are folded away."""

    edited = Signal(str, object)  # name, an allowed value
    validity_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs: tuple[ParamSpec, ...] = ()
        self._fields: dict[str, _Field] = {}
        self._title = SectionLabel(tr("Analysis"))
        self._empty = label("", "muted", wrap=True)
        self._fold = button(
            tr("▸  Advanced"), "fold", name=tr("Advanced parameters"), checkable=True
        )
        self._fold.toggled.connect(self._on_fold)
        self._basic, self._advanced = QWidget(), QWidget()
        for body in (self._basic, self._advanced):
            rows = QVBoxLayout(body)
            rows.setContentsMargins(0, 0, 0, 0)
            rows.setSpacing(6)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 14, 14, 12)
        box.setSpacing(8)
        self._room = label("", "muted", wrap=True)
        self._room.hide()
        for widget in (self._title, self._empty, self._basic, self._fold, self._advanced):
            box.addWidget(widget)
        box.addWidget(self._room)
        self._advanced.hide()
        self._fold.hide()

    @property
    def valid(self) -> bool:
        """Whether every field holds an allowed value."""
        return not any(field.problem for field in self._fields.values())

    def field(self, name: str) -> QWidget:
        """Return the control of a parameter; raises `KeyError`."""
        return self._fields[name].control

    def problem(self, name: str) -> str:
        """Return what is wrong with a field, in words, or nothing."""
        return self._fields[name].problem

    def take_typed(self) -> None:
        """Take what stands in a field that is still being typed in."""
        for field in self._fields.values():
            field.take_typed()

    def set_form(
        self,
        title: str,
        specs: Sequence[ParamSpec],
        values: Mapping[str, Any],
        *,
        lost: bool = False,
    ) -> None:
        """Show the fields of an analysis; the fields stay where the analysis is the same.

        Where there are none, what to do is said: open a file, or find the `lost` one.
        """
        self._empty.setText(
            tr("Find the file to run it again.")
            if lost
            else tr("Open a file to see what can be chosen.")
        )
        self._title.set_words(title or tr("Analysis"))
        self._empty.setVisible(not specs)
        if tuple(specs) != self._specs:
            self._rebuild(tuple(specs))
        shown = {name: values.get(name, f.spec.default) for name, f in self._fields.items()}
        for name, field in self._fields.items():
            field.show_value(shown[name])
            field.set_idle(self._goes_with(field.spec) if field.spec.idle(shown) else "")

    def set_room(self, words: str, fits: bool) -> None:
        """Say what a run needs of memory; no words take the line away."""
        restyle(self._room, "tone", "muted" if fits else "bad")
        self._room.setText(words)
        self._room.setVisible(bool(words))

    def room(self) -> str:
        """Return what is said of memory."""
        return self._room.text()

    def _rebuild(self, specs: tuple[ParamSpec, ...]) -> None:
        for field in self._fields.values():
            field.hide()
            field.deleteLater()
        self._specs, self._fields = specs, {}
        for spec in specs:
            field = _Field(spec)
            field.edited.connect(self.edited)
            field.problem_changed.connect(self._on_problem)
            body = self._advanced if spec.advanced else self._basic
            layout = body.layout()
            assert layout is not None
            layout.addWidget(field)
            self._fields[spec.name] = field
        self._fold.setVisible(any(spec.advanced for spec in specs))
        self._basic.setVisible(any(not spec.advanced for spec in specs))
        self._advanced.setVisible(self._fold.isChecked() and self._fold.isVisibleTo(self))

    def _goes_with(self, spec: ParamSpec) -> str:
        """With which other choices a parameter is looked at, in words."""
        cases = []
        for name, value in spec.goes_with:
            other = self._fields[name].spec
            word = {"": tr("none"), "true": tr("on"), "false": tr("off")}.get(value, value)
            cases.append(f"{other.label}: {other.choices.get(value, word)}")
        return tr("Only with {cases}", cases=tr(" or ").join(cases))

    def _on_fold(self, open_: bool) -> None:
        self._fold.setText(tr("▾  Advanced") if open_ else tr("▸  Advanced"))
        self._advanced.setVisible(open_)

    def _on_problem(self) -> None:
        self.validity_changed.emit(self.valid)


class _Field(QWidget):
    """One parameter: label, control with its unit, and what is wrong where something is."""

    edited = Signal(str, object)
    problem_changed = Signal()

    def __init__(self, spec: ParamSpec) -> None:
        super().__init__()
        self.spec = spec
        self.problem = self._idle = ""
        self._value: Any = spec.default
        self.control: QWidget = self._make_control()
        name = QLabel(spec.label)
        name.setProperty("tone", "muted")
        name.setWordWrap(True)
        name.setFixedWidth(_LABEL_WIDTH)
        name.setBuddy(self.control)
        self._explain()
        self.control.setAccessibleName(spec.label)
        self.control.setAccessibleDescription(spec.help)
        self._wrong = label("", "bad", wrap=True)
        self._wrong.setContentsMargins(_LABEL_WIDTH + 8, 0, 0, 0)
        self._wrong.hide()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(name)
        row.addWidget(self.control, 0 if isinstance(self.control, Switch) else 1)
        if isinstance(self.control, Switch):
            row.addStretch()
        if spec.unit:
            row.addWidget(label(spec.unit, "muted"))
        if spec.kind == "file":
            browse = button(
                "…",
                "small",
                name=tr("Choose a file for {label}", label=spec.label),
                tip=tr("Choose a file"),
            )
            browse.clicked.connect(self._on_browse)
            row.addWidget(browse)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addLayout(row)
        box.addWidget(self._wrong)

    def show_value(self, value: Any) -> None:
        """Show a value from the document, unless this field is being typed in."""
        self._value = value
        control = self.control
        if isinstance(control, Choice):
            control.blockSignals(True)
            control.setCurrentIndex(max(control.findData(value), 0))
            control.blockSignals(False)
        elif isinstance(control, Switch):
            control.blockSignals(True)
            control.setChecked(bool(value))
            control.blockSignals(False)
        line = self._line
        if line is not None and not (line.hasFocus() and self.problem):
            line.setText(self.spec.choices.get(value, _text_of(value)))
            line.setCursorPosition(0)
            self._set_problem("")

    def set_idle(self, words: str) -> None:
        """Rest while a run takes no notice of this; `words` say when it does, none end it."""
        if words != self._idle:
            self._idle = words
            self.setEnabled(not words)
            self._explain()

    def take_typed(self) -> None:
        """Take what was typed, as if the keyboard had left the field."""
        if self._line is not None and self._line.hasFocus():
            self._on_text()

    @property
    def _line(self) -> QLineEdit | None:
        """Where it is typed; None where there is nothing to type."""
        control = self.control
        return control.lineEdit() if isinstance(control, Choice) else _as_line(control)

    def _explain(self) -> None:
        spec = self.spec
        lines = [spec.help, spec.allowed] if spec.type is not bool else [spec.help]
        if spec.kind == "file":
            lines[1:] = [tr("Choose a file, or drop one on the field")]
        if self._idle:
            lines.append(self._idle)
        for widget in (self, self.control):
            widget.setToolTip("\n".join(lines))

    def _make_control(self) -> QWidget:
        spec = self.spec
        if spec.choices:
            choice = Choice()
            for value, words in spec.choices.items():
                choice.addItem(words, value)
            choice.activated.connect(self._on_choice)
            choice.setFixedHeight(_ROW_HEIGHT)
            if spec.kind == "open":
                line = choice.take_others()
                line.editingFinished.connect(self._on_text)
                line.textEdited.connect(self._on_typing)
            return choice
        if spec.type is bool:
            switch = Switch()
            switch.toggled.connect(self._on_switch)
            return switch
        line = _FileLine() if spec.kind == "file" else QLineEdit()
        if isinstance(line, _FileLine):
            line.dropped.connect(self._on_dropped)
        line.setFixedHeight(_ROW_HEIGHT)
        if spec.type in (int, float):
            line.setAlignment(Qt.AlignmentFlag.AlignRight)
        if spec.kind == "file":
            line.setPlaceholderText(tr("none"))
        elif spec.type is str:
            line.setPlaceholderText(_text_of(spec.default) or tr("none"))
        line.editingFinished.connect(self._on_text)
        line.textEdited.connect(self._on_typing)
        return line

    def _read(self, text: str) -> tuple[Any, str]:
        known = {words.casefold(): value for value, words in self.spec.choices.items()}
        text = known.get(text.strip().casefold(), text)
        try:
            return self.spec.read(text), ""
        except UsageProblem as problem:
            return None, problem.fix or problem.what

    def _on_typing(self, text: str) -> None:
        self._set_problem(self._read(text)[1])

    def _on_text(self) -> None:
        assert self._line is not None
        value, problem = self._read(self._line.text())
        self._set_problem(problem)
        if not problem and value != self._value:
            self._value = value
            self.edited.emit(self.spec.name, value)

    def _on_choice(self, index: int) -> None:
        assert isinstance(self.control, Choice)
        self._set_problem("")
        self._value = self.control.itemData(index)
        self.edited.emit(self.spec.name, self._value)

    def _on_switch(self, on: bool) -> None:
        self.edited.emit(self.spec.name, on)

    def _on_browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self,
            tr("Choose {lower}", lower=self.spec.label.lower()),
            str(Path(self._value).parent) if self._value else "",
        )
        if path:
            self._on_dropped(path)

    def _on_dropped(self, path: str) -> None:
        assert isinstance(self.control, QLineEdit)
        self.control.setText(path)
        self._on_text()

    def _set_problem(self, problem: str) -> None:
        changed = problem != self.problem
        self.problem = problem
        restyle(self.control, "wrong", bool(problem))
        self._wrong.setText(problem[:1].upper() + problem[1:])
        self._wrong.setVisible(bool(problem))
        if changed:
            self.problem_changed.emit()


class _FileLine(QLineEdit):
    """A line for a path; a file that is dropped on it is chosen, not opened."""

    dropped = Signal(str)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _file_in(event.mimeData()):
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        path = _file_in(event.mimeData())
        if path:
            event.acceptProposedAction()
            self.dropped.emit(path)
        else:
            super().dropEvent(event)


def _file_in(data: QMimeData) -> str:
    paths = (url.toLocalFile() for url in data.urls() if url.isLocalFile())
    return next((path for path in paths if Path(path).is_file()), "")


def _as_line(control: QWidget) -> QLineEdit | None:
    return control if isinstance(control, QLineEdit) else None


def _text_of(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
