"""Where are the samples of the EMG panel?"""

from __future__ import annotations

from pathlib import Path

from partwise.api import FileProblem

__all__ = ["healthy", "merged"]


def healthy() -> Path:
    """Return the simulated healthy walker."""
    return _sample("emg-healthy.npz")


def merged() -> Path:
    """Return the simulated walker with two synergies driven by one command."""
    return _sample("emg-merged.npz")


def _sample(name: str) -> Path:
    path = Path(__file__).with_name("data") / name
    if not path.is_file():
        raise FileProblem(path, "is missing from this installation", fix="install Partwise again")
    return path
