"""Which way of fitting suits this noise and this voice? Chosen on recordings kept for choosing.

The more the noise resembles speech, the more sparsity it takes to keep the voice from rendering it.
What learns beside the activations depends on which model is the poorer one: a generic voice has to
come to fit its talker, where the noise is known; the atoms of crying have to follow it, where only
some of it was heard.
"""

from __future__ import annotations

from dataclasses import replace

from partwise_speech.choice import SUNG
from partwise_speech.learned import Noise
from partwise_speech.separator import Settings

__all__ = ["STEADY", "settings_for"]

_GENERIC = Settings(updates=40, adapt_every=8)
STEADY = Settings(adapt_every=4, adapts="speech", adapt_after=12, level=True)
_AMONG_VOICES = Settings(adapt_every=0, sparsity=0.3, relaxed=0.1, keep=300, around=125)
_SUNG = Settings(updates=40, adapt_every=1, adapts="sure noise", level=True)
_OWN = Settings(updates=36, adapt_every=2, keep=600, keep_after=12)

_VARIED, _VOICES = 0.95, 0.5
_WEAK_DB, _WEAKER_DB = 4.0, 8.0  # ratios of speech to noise from which the noise learns less


def settings_for(noise: Noise, *, own: bool, taught: bool) -> Settings:
    """Say how the stretches of a recording are fitted.

    Parameters
    ----------
    noise : Noise
    own : bool
        Whether the voice is that of this very talker: such a voice bears that the atoms of the
        noise learn often, for they do not take it for noise unless it is far louder than they are.
    taught : bool
        Whether a hand has painted what is speech and what is noise.
    """
    if own:
        # What comes and goes has no level that speech could be compared with.
        known = noise.varied < _VARIED
        weak = known * ((noise.snr_db >= _WEAK_DB) + (noise.snr_db >= _WEAKER_DB))
        return replace(_OWN, adapt_every=_OWN.adapt_every << weak)
    if noise.given is not None or taught:
        return _GENERIC
    if noise.span is None:
        return STEADY
    if noise.alike.value > _VOICES:
        return _AMONG_VOICES
    if noise.varied < _VARIED:
        return STEADY
    return _SUNG if noise.alike.sung > SUNG else _GENERIC
