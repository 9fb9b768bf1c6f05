"""How is a recording separated, once voice and noise are known? By kind of noise, and by method."""

from __future__ import annotations

from dataclasses import replace

from partwise_speech.choice import choose, rumble_is_apart
from partwise_speech.dictionary import Dictionary
from partwise_speech.learned import Noise
from partwise_speech.moved import Moved
from partwise_speech.painted import Painted
from partwise_speech.recipe import settings_for
from partwise_speech.separator import Separator
from partwise_speech.sound import Recording

__all__ = ["separator_for"]


def separator_for(
    recording: Recording,
    voice: Dictionary,
    noise: Noise,
    method: str,
    painted: Painted,
    moved: Moved,
) -> Separator:
    """Return what goes through a recording, or through a stretch of it.

    Parameters
    ----------
    recording : Recording
    voice : Dictionary
    noise : Noise
    method : str
        One of `partwise_speech.choice.METHODS`.
    painted : Painted
    moved : Moved
    """
    own = voice.is_own
    settings = settings_for(noise, own=own, taught=bool(painted.boxes))
    if method == "dictionaries":
        settings = replace(settings, level=False)
    return Separator(
        recording,
        voice,
        noise.atoms,
        noise.level,
        choose(method, noise.snr_db, noise.alike, own_voice=own, level=settings.level),
        settings,
        noise.loudest,
        painted,
        moved,
        noise.rumble if rumble_is_apart(method, own_voice=own) else None,
    )
