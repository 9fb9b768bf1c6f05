"""What does the panel do? It turns hands into edits, and what holds into sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from partwise.api import LocalJob, Mixing
from partwise_app.api import Extra, Host, ImageStage, Rule, tr
from partwise_stain.difference import Difference, reconstruction
from partwise_stain.normalise import Recolouring
from partwise_stain.panel.aside import Aside
from partwise_stain.panel.bar import TOOL_KEYS, Bar
from partwise_stain.panel.case import Case
from partwise_stain.panel.checks import Checks
from partwise_stain.panel.correcting import Correcting
from partwise_stain.panel.deeds import Deeds
from partwise_stain.panel.density import Density
from partwise_stain.panel.flagging import Flagging
from partwise_stain.panel.measuring import Measuring
from partwise_stain.panel.outlines import Outlines
from partwise_stain.panel.vectors import Vectors
from partwise_stain.regional import Told

__all__ = ["Panel"]

_PAUSE = 250  # ms without a change, before anything is measured anew
_DIFFERENCE = "difference"
_COMPARE, _AGAINST = "compare", "compare:"
_SEEN = 30_000  # pixels in sight that are compared by eye's measure


class Panel(QWidget):
    """Stain vectors, slide check, densities and regions of the slide that is looked at.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host, self._case = host, Case(host)
        self.deeds = Deeds(self._case, self)
        self.outlines = Outlines(self._case, self)
        self.correcting = Correcting(self._case, self.deeds, self)
        self._stage: ImageStage | None = None
        self._seen_source: object = None
        self._seen_mixing: tuple[object, ...] = ()
        self._coloured: object = None  # whose tissue is on the wheel, and by which white
        self._asked: dict[str, tuple[float, ...]] = {}  # vectors of the form that no run took yet
        self._aside = Aside(self)
        self.vectors, self.checks = Vectors(self._case), Checks()
        self.density, self.under_stage = Density(), Bar()
        self._measuring = Measuring(self._case, self._aside, self)
        self._flagging = Flagging(self._case, self._aside, self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._lay_out()
        self._connect()
        self.refresh()

    @property
    def case(self) -> Case:
        """What is looked at."""
        return self._case

    @property
    def shares(self) -> dict[str, float]:
        """Shares of the flags that are known now."""
        return self._flagging.shares

    @property
    def told(self) -> tuple[Told, ...]:
        """Numbers of the slide and its regions that are known now."""
        return self._measuring.known()

    def refresh(self) -> None:
        """Draw what holds now; what takes longer is measured after a pause."""
        case = self._case
        self._take_stage()
        if case.source != self._seen_source:
            self._turn()
        self.vectors.refresh()
        _show(self.vectors, bool(case.keys))
        self.checks.set_clean(case.clean)
        self._light()
        mixing = case.mixing
        stains = tuple(zip(case.keys, case.names, strict=True))
        self.under_stage.set_ready(case.pyramid is not None, stains, "reference" in case.facts)
        told = (case.source, case.vectors, case.white)
        self._show_tissue()
        if told != self._seen_mixing:
            self._seen_mixing = told
            self._measuring.stop()
            self._offer_normalised(mixing)
        self.outlines.draw()
        self._draw_numbers()
        self._pause.start()

    # What is drawn

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for section in (self.vectors, self.density, self.checks):
            holder = QWidget()  # hidden with its line where the section has nothing to show
            outer, inner = QVBoxLayout(holder), QVBoxLayout()
            outer.setContentsMargins(0, 0, 0, 0)
            outer.setSpacing(0)
            inner.setContentsMargins(14, 12, 14, 12)
            inner.addWidget(section)
            outer.addWidget(Rule())
            outer.addLayout(inner)
            box.addWidget(holder)

    def _connect(self) -> None:
        host, bar, vectors = self._host, self.under_stage, self.vectors
        host.changed.connect(self.refresh)
        host.stage_changed.connect(self.refresh)
        self._pause.timeout.connect(self._measure)
        self._aside.answered.connect(self._on_answer)
        self._measuring.changed.connect(self._draw_numbers)
        self._flagging.changed.connect(self._on_flagged)
        self._flagging.failed.connect(self._on_unread)
        bar.tool_asked.connect(self._take_tool)
        bar.pick_asked.connect(self.correcting.pick)
        bar.wipe_asked.connect(self._wipe)
        bar.deed_asked.connect(self._do)
        bar.table.chosen.connect(self.outlines.choose)
        bar.table.renamed.connect(self._case.rename)
        vectors.moved.connect(self.correcting.correct)
        vectors.typed.connect(self.correcting.ask_numbers)
        vectors.picked.connect(self.correcting.pick)
        vectors.back_asked.connect(host.take_back)
        vectors.white_asked.connect(self.correcting.find_white)
        vectors.preset_asked.connect(self._use_preset)
        vectors.load_asked.connect(self._ask_profile)
        vectors.save_asked.connect(self._save_profile)
        self.checks.chosen.connect(self._draw_masks)
        self.checks.cleaned.connect(self._case.set_clean)
        self.checks.toned.connect(self._tone)
        self.outlines.drawn.connect(self.refresh)
        self.outlines.turned.connect(self._draw_numbers)
        self.density.moved.connect(self._move_threshold)

    def _take_stage(self) -> None:
        found = self._host.view("image")
        if self._stage is None and isinstance(found, ImageStage):
            self._stage = found
            marks = found.marks
            marks.set_tool_keys(TOOL_KEYS)
            self.outlines.take(found)
            self.correcting.take(found)
            marks.tool_changed.connect(self.under_stage.set_tool)
            found.mode_changed.connect(self._on_mode)
            found.view_changed.connect(self._pause.start)
            found.thumbnails_changed.connect(self._pause.start)

    def _turn(self) -> None:
        """Another slide, or none: look at it anew."""
        self._seen_source = self._case.source
        self.outlines.chosen = ""
        self.checks.set_shares(None)
        self.checks.offer_tone(self._case.has_profile)
        _show(self.checks, self._case.pyramid is not None)
        self._flagging.turn()

    def _light(self) -> None:
        """Draw by the white and the vectors that were chosen since the run, where there are any."""
        case = self._case
        white, asked = case.white, case.asked
        other: dict[str, Any] = {}
        if white is not None and white != case.found_white:
            other["white"] = white
        if asked:
            other["profiles"] = asked
        self._host.mix_by(**other)
        if asked != self._asked:
            self._asked = asked
            if asked:
                names = dict(zip(case.keys, case.names, strict=True))
                words = ", ".join(names[key] for key in asked)
                self._host.notify(
                    tr("{names}: the picture follows; Run measures with it.", names=words)
                )

    def _show_tissue(self) -> None:
        """Draw the colours of the slide's tissue on the wheel, where they are others."""
        coloured = self._flagging.coloured()
        if coloured != self._coloured:
            self._coloured = coloured
            self.vectors.show_tissue(self._flagging.colours())

    def _draw_numbers(self) -> None:
        case, bar = self._case, self.under_stage
        rows = self._measuring.rows() if case.mixing is not None else []
        bar.table.setVisible(bool(case.regions) and bool(rows))
        bar.table.set_rows(rows, case.brown, self.outlines.chosen)
        told = next((entry for key, _name, entry in rows if key == self.outlines.chosen), None)
        self._tell_shares()
        _show(self.density, case.mixing is not None)
        self.density.show_counts(case, told)

    def _draw_masks(self, keys: Sequence[str] = ()) -> None:
        if self._stage is not None:
            self._stage.marks.set_masks(self._flagging.masks(self.checks.ticked()))

    def _offer_normalised(self, mixing: Mixing | None) -> None:
        if self._stage is None:
            return
        facts = self._case.facts
        extra = None
        if mixing is not None and "reference" in facts:
            title = tr("In the colours of {name}", name=facts["reference"]["name"])
            extra = Extra(title, Recolouring(mixing, facts).quick)
        self._stage.set_extra(extra)

    # What is measured

    def _measure(self) -> None:
        """Ask for what is no longer true."""
        case = self._case
        if self._host.running or case.mixing is None:
            self.under_stage.set_readout("")
            return
        if case.clean and not self._flagging.judged:
            self._flagging.judge()  # numbers follow when it is known what they leave out
            return
        self._measuring.leave_out(self._flagging.left_out())
        self._measuring.ask()
        self._flagging.judge()
        pixels = self._stage.seen(_SEEN) if self._stage is not None else None
        if pixels is not None:
            self._aside.ask(_DIFFERENCE, partial(_compare, pixels, case.mixing))

    def _on_answer(self, slot: str, answer: object) -> None:
        if slot == _DIFFERENCE:
            self._show_difference(answer if isinstance(answer, Difference) else None)

    def _on_flagged(self) -> None:
        self._tell_shares()
        self._draw_masks()
        self._show_tissue()
        if self._case.clean and self._flagging.judged:
            self._pause.start()

    def _on_unread(self, why: str) -> None:
        self.checks.set_shares(None, tr("The slide cannot be read: {why}", why=why))

    def _tell_shares(self) -> None:
        shares = self._flagging.told(self._measuring.whole())
        if shares:
            self.checks.set_shares(shares)

    def _show_difference(self, found: Difference | None) -> None:
        if found is None:
            self.under_stage.set_readout(tr("No tissue in view"))
            return
        self.under_stage.set_readout(
            tr(
                "ΔE {median} · 95 % below {high}",
                median=f"{found.median:.1f}",
                high=f"{found.high:.1f}",
            ),
            tr("CIEDE2000 between slide and reconstruction, over the tissue in view"),
        )

    # What hands do

    def _take_tool(self, tool: str) -> None:
        if self._stage is not None:
            self._stage.marks.set_tool(tool)

    def _tone(self, on: bool) -> None:
        """Show colours as the slide's profile says, or as they were counted."""
        if self._stage is None:
            return
        self._stage.set_light(None)
        if on and not self.deeds.attempt(self._show_tone):
            self.checks.set_tone(False)

    def _show_tone(self) -> None:
        toned = self._case.toned()
        if toned is not None and self._stage is not None:
            self._stage.set_light(toned)
            self._host.notify(tr("Colours by the profile {name}.", name=toned.name))

    def _use_preset(self, key: str) -> None:
        self.deeds.use_preset(key)

    def _ask_profile(self) -> None:
        self.deeds.ask_profile()

    def _save_profile(self) -> None:
        self.deeds.save_profile()

    def _wipe(self, mode: str) -> None:
        if self._stage is None:
            return
        wanted = {"parts": _COMPARE, "extra": f"{_AGAINST}extra", "": "whole"}[mode]
        self._stage.set_mode(wanted)

    def _on_mode(self, mode: str) -> None:
        shown = {_COMPARE: "parts", f"{_AGAINST}extra": "extra"}.get(mode, "")
        self.under_stage.set_wipe(shown)

    def _move_threshold(self, place: int, value: float, graded: bool) -> None:
        self._case.set_threshold(place, value, graded=graded)

    def _do(self, deed: str) -> None:
        case = self._case
        if case.pyramid is None:
            return
        files: dict[str, Callable[[], None]] = {
            "csv": partial(self.deeds.save_numbers, self.told),
            "save": self.deeds.save_outlines,
            "load": self.deeds.ask_outlines,
        }
        if deed in files:
            files[deed]()
        elif deed == "all":
            self.outlines.add_view()
        elif deed == "remove":
            self.outlines.remove(self.outlines.chosen)
        elif deed == "clear":
            self.outlines.clear()


def _compare(pixels: Any, mixing: Mixing, job: LocalJob) -> Difference | None:
    return reconstruction(pixels, mixing)


def _show(section: QWidget, on: bool) -> None:
    """Show or hide a section with the line above it."""
    holder = section.parentWidget()
    assert holder is not None
    holder.setVisible(on)
