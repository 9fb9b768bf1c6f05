"""The first page: open a file, go on with a recent one, or try a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from partwise_app import icons
from partwise_app.controls import Elided, Rule, SectionLabel, button, label, set_icon
from partwise_app.drawings import Thumbnail
from partwise_app.theme import Tokens
from partwise_app.words import tr

__all__ = ["SampleCard", "Welcome", "reads_picture"]

_PAGE_WIDTH = 1020
_COLUMNS = 4  # at most
_CARD = QSize(230, 196)
_GAP = 14
_RECENT = 4
_MARGIN = 24
_PICTURE_HEIGHT = 84


@dataclass(frozen=True)
class SampleCard:
    """What a sample's card says.

    Attributes
    ----------
    key : str
    title, summary : str
    panel : str
        Title of the plugin.
    picture : Path or None
        The sample's file; shown where it is an image that Qt reads.
    plugin : str
        Id of the plugin.
    """

    key: str
    title: str
    summary: str
    panel: str
    picture: Path | None
    plugin: str = ""


class Welcome(QWidget):
    """The page shown while nothing is open."""

    open_asked = Signal()
    record_asked = Signal()
    path_asked = Signal(Path)
    sample_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(tr("Welcome"))
        self._recent: list[QPushButton] = []
        self._cards: list[QPushButton] = []
        self._open = button(
            tr(" Open a file…"), "primary", name=tr("Open a file"), tip=tr("Open a file (Ctrl+O)")
        )
        self._open.setFixedHeight(34)
        self._open.clicked.connect(self.open_asked)
        page = QWidget()
        page.setMaximumWidth(_PAGE_WIDTH)
        page.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._box = QVBoxLayout(page)
        self._box.setContentsMargins(_MARGIN, 20, _MARGIN, 20)
        self._box.setSpacing(8)
        self._box.addWidget(label(tr("See what your measurement is made of"), "title"))
        self._box.addWidget(
            label(
                tr(
                    "Open a measurement, press Run, and watch its parts emerge: "
                    "whole = parts + residual. Nothing leaves this computer."
                ),
                "muted",
                wrap=True,
            )
        )
        self._box.addSpacing(8)
        self._box.addLayout(self._begin())
        self._box.addSpacing(20)
        self._samples_title = SectionLabel(tr("Samples: one click opens and runs"))
        self._box.addWidget(self._samples_title)
        self._samples = QGridLayout()
        self._samples.setSpacing(_GAP)
        self._samples.setColumnStretch(_COLUMNS, 1)
        self._columns = _COLUMNS
        self._box.addLayout(self._samples)
        self._box.addSpacing(12)
        self._recent_title = SectionLabel(tr("Recent"))
        self._recent_rule = Rule()
        self._box.addWidget(self._recent_title)
        self._box.addWidget(self._recent_rule)
        self._recents = QVBoxLayout()
        self._recents.setSpacing(0)
        self._box.addLayout(self._recents)
        outer = QHBoxLayout()
        outer.addStretch(1)
        outer.addWidget(page, 20)
        outer.addStretch(1)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addStretch(2)
        column.addLayout(outer)
        column.addStretch(3)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(body)
        frame = QVBoxLayout(self)
        frame.setContentsMargins(0, 0, 0, 0)
        frame.addWidget(scroll)
        self.set_recent(())
        self.set_samples(())

    def _begin(self) -> QHBoxLayout:
        """How one begins with something of one's own."""
        self._record = button(
            tr("Record a voice…"), tip=tr("Record with a microphone into a file, and open it")
        )
        self._record.setFixedHeight(34)
        self._record.clicked.connect(self.record_asked)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self._open)
        row.addWidget(self._record)
        row.addWidget(label(tr("or drop a file anywhere in this window"), "muted"))
        row.addStretch()
        return row

    def set_samples(self, cards: Sequence[SampleCard]) -> None:
        """Offer samples."""
        for old in self._cards:
            self._samples.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._cards = []
        for card in cards:
            made = _card_button(card)
            made.setProperty("key", card.key)
            made.clicked.connect(self._on_sample)
            self._cards.append(made)
        self._lay_cards()
        self._samples_title.setVisible(bool(cards))

    def set_picture(self, key: str, picture: QImage) -> None:
        """Give a sample the picture that was drawn for it."""
        for made in self._cards:
            if made.property("key") == key:
                for frame in made.findChildren(Thumbnail):
                    frame.set_picture(QPixmap.fromImage(picture))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = min(self.width(), _PAGE_WIDTH) - 2 * _MARGIN + _GAP
        columns = max(1, min(_COLUMNS, room // (_CARD.width() + _GAP)))
        if columns != self._columns:
            self._columns = columns
            self._lay_cards()

    def _lay_cards(self) -> None:
        for place, made in enumerate(self._cards):
            self._samples.addWidget(made, place // self._columns, place % self._columns)

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Offer recent files, the newest first."""
        for old in self._recent:
            self._recents.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._recent = []
        for path in paths[:_RECENT]:
            made = button("", "link", name=tr("Open {name}", name=path.name), tip=str(path))
            made.setFixedHeight(28)
            made.setProperty("path", str(path))
            inner = QHBoxLayout(made)
            inner.setContentsMargins(6, 0, 6, 0)
            inner.setSpacing(12)
            name, where = label(path.name), Elided(_short(path.parent), "muted")
            for widget in (name, where):
                widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inner.addWidget(name)
            inner.addWidget(where, 1)
            made.clicked.connect(self._on_recent)
            self._recents.addWidget(made)
            self._recent.append(made)
        self._recent_title.setVisible(bool(paths))
        self._recent_rule.setVisible(bool(paths))

    def set_theme(self, tokens: Tokens) -> None:
        set_icon(self._open, icons.icon("open", tokens.on_accent))

    def _on_sample(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.sample_asked.emit(str(sender.property("key")))

    def _on_recent(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.path_asked.emit(Path(str(sender.property("path"))))


def _card_button(card: SampleCard) -> QPushButton:
    made = button("", "card", name=tr("Open and run {title}", title=card.title), tip=card.summary)
    made.setFixedSize(_CARD)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    picture = Thumbnail(card.title)
    picture.setFixedHeight(_PICTURE_HEIGHT)
    picture.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    if card.picture is not None:
        picture.set_picture(_read_small(card.picture))
    box = QVBoxLayout(made)
    box.setContentsMargins(9, 9, 9, 10)
    box.setSpacing(3)
    summary = label(card.summary, "muted", wrap=True)
    summary.setAlignment(Qt.AlignmentFlag.AlignTop)
    name = label(card.title, "strong")
    panel = label(card.panel, "small")
    head = QVBoxLayout()
    head.setContentsMargins(0, 4, 0, 0)
    head.setSpacing(1)
    head.addWidget(name)
    head.addWidget(panel)
    for widget in (picture, name, panel, summary):
        widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    box.addWidget(picture)
    box.addLayout(head)
    box.addWidget(summary, 1)
    return made


def reads_picture(path: Path) -> bool:
    """Whether a file is an image that can be shown as it is."""
    return QImageReader(str(path)).canRead()


def _read_small(path: Path) -> QPixmap:
    reader = QImageReader(str(path))
    size = reader.size()
    if size.isValid():
        frame = QSize(_CARD.width() * 2, _PICTURE_HEIGHT * 2)
        reader.setScaledSize(size.scaled(frame, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
    image = reader.read()
    return QPixmap.fromImage(image) if not image.isNull() else QPixmap()


def _short(folder: Path) -> str:
    home = Path.home()
    return f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder)
