"""Is there a sound in this recording, long enough to be separated, and was it too loud?"""

from __future__ import annotations

import numpy as np

from partwise.api import InputProblem
from partwise_speech.outlook import Wave
from partwise_speech.sound import Recording

__all__ = ["check_length", "check_sound", "share_cut_off"]

_SHORTEST_S = 0.3
_SILENT = 1e-12  # of full scale: no device tells less
_AT_TOP, _BELOW = 0.999, 0.9  # of the largest sample
_LOOK_S, _LOOKS = 10.0, 12
_LEAST_TOP = 0.1  # below it, the steps of eight bits alone put many samples at the top


def check_length(recording: Recording) -> None:
    """Raise `InputProblem` where a recording is too short."""
    if recording.seconds < _SHORTEST_S:
        raise InputProblem(
            f"{recording.title} lasts {recording.seconds:.2f} s",
            argument="input",
            fix=f"give at least {_SHORTEST_S} s",
        )


def check_sound(recording: Recording, wave: Wave) -> None:
    """Raise `InputProblem` where there is nothing to hear: silence, a constant, no difference.

    Parameters
    ----------
    recording : Recording
    wave : Wave
        As `partwise_speech.outlook.waveform` gives it: the mean of all channels.
    """
    low, high = float(wave[0].min()), float(wave[0].max())
    if high - low > _SILENT:
        return
    each = (recording.read(start, stop) for start, stop in recording.blocks())
    if abs(low) > _SILENT:
        what = f"holds no sound: each of its samples is {low:.3g}"
        fix = "that is what an input gives that nothing is plugged into; check cable and microphone"
    elif any(np.abs(sound).max() > _SILENT for sound in each):
        what = "is silent where its channels are mixed: they cancel each other"
        fix = "keep one channel of it, or turn the sign of one"
    else:
        what, fix = "is silent", "check the microphone or the file"
    raise InputProblem(f"{recording.title} {what}", argument="input", fix=fix)


def share_cut_off(recording: Recording) -> float:
    """Return which share of the samples was cut off at the top, 0 where none was.

    Cut-off samples stand at the top in a row, and are more than those that come near it; of a
    sound as it was they are fewer. A long recording is looked at in stretches.
    """
    whole = list(recording.blocks(_LOOK_S))
    some = whole[:: -(-len(whole) // _LOOKS)]
    sound = np.concatenate([recording.read(start, stop) for start, stop in some], axis=1)
    count = 0
    for line in (*sound, *-sound):
        top = float(line.max(initial=0.0))
        high = line >= _AT_TOP * top
        near = int(np.count_nonzero(line >= _BELOW * top)) - int(np.count_nonzero(high))
        row = int(np.count_nonzero(high[1:] & high[:-1]))
        if top > _LEAST_TOP and row > near:
            count += row
    return count / sound.size
