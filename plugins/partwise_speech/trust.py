"""How far can the separation be believed? Each line is a number that was computed."""

from __future__ import annotations

import numpy as np

from partwise.api import Trust, Verdict
from partwise_speech.summary import Summary

__all__ = ["lines"]


def lines(
    summary: Summary, span: tuple[float, float] | None, origin: str, voice: str
) -> tuple[Trust, ...]:
    """Return the trust card."""
    told = [_explained(summary), _noise_known(summary, span, origin)]
    return tuple(told)


def _explained(summary: Summary) -> Trust:
    share = summary.explained
    verdict: Verdict = "good" if share > 0.9 else "look" if share > 0.75 else "bad"
    return Trust(
        "explained",
        share,
        verdict,
        f"{100 * share:.1f} % explained",
        "Of the squares of the spectrogram in bands, by atoms of voice and noise together.",
    )


def _noise_known(summary: Summary, span: tuple[float, float] | None, origin: str) -> Trust:
    lead = summary.lead_in
    if lead is None or span is None:
        return Trust(
            "noise",
            None,
            "look",
            f"The noise was learned from the {origin}",
            "Drag over a stretch without speech, and the noise is known better.",
        )
    less = 10 * float(np.log10(lead[0] / max(lead[1], 1e-20)))
    verdict: Verdict = "good" if less > 8 else "look" if less > 3 else "bad"
    return Trust(
        "noise",
        less,
        verdict,
        f"Noise alone became {less:.1f} dB quieter",
        f"Measured from {span[0]:.1f} to {span[1]:.1f} s ({origin}).",
    )
