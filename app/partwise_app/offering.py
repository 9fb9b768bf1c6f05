"""What does the palette offer now, and what does choosing one of it do?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from partwise_app.commands import COMMANDS
from partwise_app.gestures import switch_words
from partwise_app.palette import Offer
from partwise_app.session import Session
from partwise_app.words import tr

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

__all__ = ["Offering"]

_SAMPLE, _SOLO, _SPLIT = "sample:", "solo:", "split:"


class Offering:
    """Commands, samples and parts, as the palette lists them.

    Parameters
    ----------
    session : Session
    actions : mapping of str to QAction
        By the id of their command.
    open_sample, split : callable
        Take the key of a sample, and of a part.
    """

    def __init__(
        self,
        session: Session,
        actions: Mapping[str, QAction],
        *,
        open_sample: Callable[[str], None],
        split: Callable[[str], None],
    ) -> None:
        self._session = session
        self._actions = actions
        self._open_sample = open_sample
        self._split = split

    def offers(self) -> tuple[Offer, ...]:
        """Return what can be chosen, and what cannot now but could."""
        strips = self._session.strips
        found = [*self._commands(), *self._samples()]
        found += [
            Offer(f"{_SOLO}{s.key}", switch_words("solo", not s.solo, s.name), tr("Parts"))
            for s in strips
        ]
        if "divisible" in self._session.facts():
            found += [
                Offer(
                    f"{_SPLIT}{s.key}", tr("Split {name} in two, and run", name=s.name), tr("Parts")
                )
                for s in strips[:-1]
            ]
        return tuple(found)

    def choose(self, offer_id: str) -> None:
        """Do what an offer says."""
        kind, _, key = offer_id.partition(":")
        if f"{kind}:" == _SAMPLE:
            self._open_sample(key)
        elif f"{kind}:" == _SOLO:
            strip = next(s for s in self._session.strips if s.key == key)
            name = switch_words("solo", not strip.solo, strip.name)
            self._session.edits.strip(key, name, {"solo": not strip.solo})
        elif f"{kind}:" == _SPLIT:
            self._split(key)
        else:
            self._actions[offer_id].trigger()

    def _commands(self) -> list[Offer]:
        found = []
        for entry in COMMANDS:
            enabled = self._actions[entry.id].isEnabled()
            # Of the parts only those are named that there are.
            if entry.id == "help_palette" or (entry.deed == "view_toggle" and not enabled):
                continue
            title = tr(entry.title).rstrip("…")
            found.append(Offer(entry.id, title, tr(entry.menu), entry.shortcut, enabled))
        return found

    def _samples(self) -> list[Offer]:
        return [
            Offer(f"{_SAMPLE}{s.key}", tr("Open sample: {title}", title=s.title), plugin.title)
            for plugin in self._session.registry.plugins.values()
            for s in plugin.samples
        ]
