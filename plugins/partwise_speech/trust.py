"""How far can the separation be believed? Each line is a number that was computed."""

from __future__ import annotations

import math

from partwise.api import Result, Trust, graded
from partwise_speech.choice import Choice
from partwise_speech.drift import Drift
from partwise_speech.learned import Noise
from partwise_speech.moved import Moved
from partwise_speech.painted import Painted
from partwise_speech.rumble import RUMBLE_HZ
from partwise_speech.summary import Summary
from partwise_speech.tell import quieter_db

__all__ = ["by_hand", "cut_off", "lines", "quieter_alone"]

_FEW_CUT, _MANY_CUT = 1e-4, 1e-2


def lines(summary: Summary, noise: Noise, choice: Choice, drift: Drift | None) -> tuple[Trust, ...]:
    """Return the trust card."""
    told = [_quieter(summary, noise), _voices(noise, choice), _method(noise, choice)]
    told.append(_explained(summary))
    if drift is not None:
        told.append(_moved(drift))
    told.append(
        Trust(
            "processed",
            None,
            "look",
            "Processed: not for acoustic measurement",
            "Measure the recording as it was made; listen to the speech.",
        )
    )
    return tuple(told)


def cut_off(share: float) -> tuple[Trust, ...]:
    """Return what too loud a recording lost at the top; nothing where hardly any."""
    if share < _FEW_CUT:
        return ()
    return (
        Trust(
            "cut off",
            share,
            "bad" if share >= _MANY_CUT else "look",
            f"{100 * share:.2g} % of the samples are cut off: the recording was too loud",
            "What is cut off sounds harsh. It is neither mended nor taken for noise; the voice "
            "keeps it, and its measures are of it too.",
        ),
    )


def quieter_alone(result: Result | None) -> float | None:
    """Return how many dB quieter noise alone became at strength 1; None where it is unknown."""
    told = result.trust if result is not None else ()
    return next((line.value for line in told if line.check == "noise"), None)


def by_hand(moved: Moved, painted: Painted, original: float) -> tuple[Trust, ...]:
    """Return what a hand has decided in place of the fit; nothing where it decided nothing.

    Parameters
    ----------
    moved : Moved
    painted : Painted
    original : float
        Share of the recording that is mixed under the speech, in %.
    """
    told = []
    if moved.text:
        count = len(moved.noise), len(moved.voice)
        told.append(
            Trust(
                "moved",
                float(sum(count)),
                "look",
                f"{count[0]} of the noise's atoms and {count[1]} of the voice's groups were moved",
                "By hand: they were fitted as they stand, and count on the other side.",
            )
        )
    if painted.boxes:
        seconds = sum(box.end - box.start for box in painted.boxes)
        boxes = f"{len(painted.boxes)} box{'es' if len(painted.boxes) > 1 else ''}"
        told.append(
            Trust(
                "painted",
                float(len(painted.boxes)),
                "look",
                f"{boxes} marked by hand",
                f"Together {seconds:.1f} s at some frequencies; there the hand decides.",
            )
        )
    if original:
        told.append(
            Trust(
                "original",
                original,
                "look",
                f"{original:.0f} % of the original lies under the speech",
                "So much of the noise is left on purpose.",
            )
        )
    return tuple(told)


def _quieter(summary: Summary, noise: Noise) -> Trust:
    lead = summary.lead_in
    if lead is None or noise.span is None:
        return Trust(
            "noise",
            None,
            "look",
            f"The noise was learned from {_name(noise)}",
            "Drag over a stretch without speech, and the noise is known better.",
        )
    less = quieter_db(lead)
    start, end = noise.span
    return Trust(
        "noise",
        less,
        graded(less, 8, 3),
        f"Noise alone became {less:.1f} dB quieter",
        f"Measured from {start:.1f} to {end:.1f} s, the {noise.origin}, at strength 1.",
    )


def _name(noise: Noise) -> str:
    return noise.given.name if noise.given is not None else f"the {noise.origin}"


def _voices(noise: Noise, choice: Choice) -> Trust:
    alike = noise.alike
    detail = (
        f"{100 * alike.pitched:.0f} % of it has the pitch of a voice; its mean spectrum has a "
        f"cosine of {alike.alike:.2f} with that of speech."
    )
    if noise.span is None and not alike.pitched:
        return Trust(
            "voices",
            None,
            "look",
            "Whether the noise holds voices was not looked at",
            "It needs a stretch of noise alone.",
        )
    if alike.value > 0:
        words = "The noise is like voices, and a generic voice cannot tell them from the talker"
        if choice.why.startswith("the talker's own"):
            words = "The noise is like voices; the talker's own tells them apart"
        return Trust(
            "voices",
            alike.value,
            "look",
            f"{words} ({alike.value:.2f})",
            f"{detail} A clean recording of this talker helps most.",
        )
    return Trust("voices", alike.value, "good", "The noise is unlike voices (0.00)", detail)


def _method(noise: Noise, choice: Choice) -> Trust:
    return Trust(
        "method",
        choice.mask,
        "good" if noise.snr_db > 0 else "look",
        f"{noise.snr_db:.0f} dB of speech over noise: {choice.why}",
        f"Gain = mask to the power {choice.mask:.2f} × tracked gain to the power "
        f"{choice.tracked:.2f}, at least −{-20 * math.log10(choice.floor):.0f} dB. Chosen by the "
        f"ratio above {RUMBLE_HZ:.0f} Hz, where voices are.",
    )


def _explained(summary: Summary) -> Trust:
    share = summary.explained
    return Trust(
        "explained",
        share,
        graded(share, 0.8, 0.6),
        f"{100 * share:.1f} % explained",
        "Of the squares of the spectrogram in bands, by the models of voice and noise together.",
    )


def _moved(drift: Drift) -> Trust:
    before, after = drift.before, drift.after
    if math.isnan(before.f0) or math.isnan(after.f0):
        return Trust(
            "drift",
            None,
            "look",
            "Too little voice to measure",
            f"{before.voiced:.1f} s had a pitch before, {after.voiced:.1f} s after.",
        )
    change = 100 * (after.f0 - before.f0) / before.f0
    return Trust(
        "drift",
        change,
        "good" if abs(change) < 3 else "look",
        f"The pitch moved by {change:+.1f} %".replace("-", "−"),
        f"Median of the voiced frames from {drift.start:.0f} to {drift.end:.0f} s; the table has "
        "jitter, shimmer, HNR and CPPS.",
    )
