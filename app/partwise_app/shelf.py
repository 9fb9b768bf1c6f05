"""Which samples does the welcome page offer, and what do they look like?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from partwise.errors import InputProblem
from partwise.plugins.registry import resolve
from partwise_app.glimpse import Glimpse
from partwise_app.theme import DARK, Tokens
from partwise_app.welcome import SampleCard, Welcome, reads_picture

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from partwise_app.filework import Opened
    from partwise_app.session import Session

__all__ = ["Shelf"]


class Shelf(QObject):
    """The samples of all plugins, on one welcome page.

    Parameters
    ----------
    session : Session
        Reads the samples that are no pictures, for a glimpse of them.
    welcome : Welcome
    window : QWidget
        On which glimpses are drawn, out of sight.
    """

    def __init__(self, session: Session, welcome: Welcome, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._welcome, self._window = session, welcome, window
        self._tokens = DARK
        self._opened: dict[str, Opened] = {}

    def fill(self) -> None:
        """Offer the samples; resolves what plugins bring, so after the first paint."""
        cards = self._cards()
        self._welcome.set_samples(cards)
        for card in cards:
            if card.picture is not None and not reads_picture(card.picture):
                self._session.inputs.glimpse(
                    card.picture, card.plugin, partial(self._on_read, card.key)
                )

    def set_theme(self, tokens: Tokens) -> None:
        """Draw the glimpses anew, where somebody sees them, in the colours of a theme."""
        if tokens is not self._tokens:
            self._tokens = tokens
            for key in self._opened if self._welcome.isVisible() else ():
                self._draw(key)

    def _cards(self) -> list[SampleCard]:
        cards = []
        for plugin in self._session.registry.plugins.values():
            for sample in plugin.samples:
                try:
                    path = Path(resolve(sample.path)())
                except (ImportError, OSError, InputProblem):
                    continue  # a sample that is not installed is not offered
                cards.append(
                    SampleCard(
                        sample.key, sample.title, sample.summary, plugin.title, path, plugin.id
                    )
                )
        return cards

    def _on_read(self, key: str, opened: Opened) -> None:
        self._opened[key] = opened
        self._draw(key)

    def _draw(self, key: str) -> None:
        """A sample that is no picture is drawn as it will be on the stage."""
        glimpse = Glimpse(key, self._opened[key], self._tokens, self._window)
        glimpse.drawn.connect(self._welcome.set_picture)
