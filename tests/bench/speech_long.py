"""How long does an hour take, and how much memory? From the command line, as anybody would.

    python tests/bench/speech_long.py [--minutes 60]

The sample is repeated to that length. Prints seconds by the clock and of the processor, and the
most memory that the program held.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from partwise_speech.samples import street_recording


def main() -> None:
    """Run once and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60.0)
    asked = parser.parse_args()
    sound, rate = soundfile.read(street_recording(), dtype="float32")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.wav"
        _write(path, sound, rate, round(60 * asked.minutes * rate))
        command = [sys.executable, "-m", "partwise", "run", "speech", str(path)]
        begun = time.perf_counter()
        subprocess.run(
            [*command, "-o", str(Path(folder) / "out"), "-p", "noise_span=auto"], check=True
        )
        seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    worked, most = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    whole = 60 * asked.minutes
    print(f"{asked.minutes:g} min: {seconds:.0f} s ({worked:.0f} s of the processor)")
    print(f"real-time factor {seconds / whole:.4f} ({worked / whole:.4f}); at most {most:.2f} GB")


def _write(path: Path, sound: NDArray[np.float32], rate: int, samples: int) -> None:
    """Write a sound again and again; all of it at once would count as memory of the program."""
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for left in range(samples, 0, -len(sound)):
            file.write(sound[:left])


if __name__ == "__main__":
    main()
