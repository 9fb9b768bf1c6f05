"""What did the microphone hear? Samples straight to a file, and how loud they were."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem

__all__ = ["Level", "OpenSource", "Push", "Recorder", "Source"]

Samples = NDArray[np.float32]
Push = Callable[[Samples], None]
"""Takes what was heard, one channel; called from the source's thread."""

_CLIPPED = 0.999
_FALL_DB = 26.0  # per second that a peak meter falls back (about IEC 60268-10, type I)
_QUIET_DB = -90.0


class Source(Protocol):
    """Where sound comes from."""

    @property
    def latency(self) -> float:
        """Seconds from a sound until it is passed on."""
        ...

    def start(self) -> None: ...

    def close(self) -> None: ...


OpenSource = Callable[[Push, int], Source]
"""Opens a source for a push and a rate in Hz; raises `partwise_speech.player.NoSound`."""


class Level(NamedTuple):
    """How loud it is now, in dB of full scale, and whether it was ever too loud."""

    peak_db: float
    clipped: bool


class Recorder:
    """Writes a recording while it is made: nothing waits in memory, and a crash loses a second.

    Parameters
    ----------
    path : Path
        The file to be; its suffix says the format, 24-bit PCM.
    open_source : callable
        See `OpenSource`.
    rate : int
        Samples per second.

    Raises
    ------
    FileProblem
        The file cannot be written.
    partwise_speech.player.NoSound
        There is no microphone.
    """

    def __init__(self, path: Path, open_source: OpenSource, rate: int = 48_000) -> None:
        import soundfile

        self.path, self.rate = path, rate
        self._failed: Exception | None = None
        self._blocks: queue.SimpleQueue[Samples | None] = queue.SimpleQueue()
        self._frames, self._peak_db, self._clipped = 0, _QUIET_DB, False
        self._source = open_source(self._push, rate)
        try:
            self._file = soundfile.SoundFile(path, "w", rate, 1, "PCM_24")
        except (OSError, RuntimeError) as error:
            self._source.close()
            raise FileProblem(
                path, "cannot be written", fix="choose another folder for the recording"
            ) from error
        self._writer = threading.Thread(target=self._write, name="partwise-recorder", daemon=True)
        self._writer.start()
        try:
            self._source.start()
        except BaseException:
            self.stop()
            path.unlink(missing_ok=True)
            raise

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        return self._frames / self.rate

    @property
    def level(self) -> Level:
        """How loud it is now."""
        return Level(self._peak_db, self._clipped)

    def stop(self) -> Path:
        """End the recording and return its file, whole on the disk.

        Raises
        ------
        FileProblem
            Not all of it could be written, for want of room.
        """
        self._source.close()
        self._blocks.put(None)
        self._writer.join()
        if self._failed is not None:
            raise FileProblem(
                self.path,
                f"holds {self.seconds:.0f} s or less: {self._failed}",
                fix="make room on the disk and record again",
            )
        return self.path

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def _push(self, heard: Samples) -> None:
        """Take a block in the source's thread: measure it and pass it on."""
        self._blocks.put(heard.copy())
        self._frames += len(heard)
        if not len(heard):
            return
        peak = float(np.max(np.abs(heard)))
        self._clipped |= peak >= _CLIPPED
        fallen = self._peak_db - _FALL_DB * len(heard) / self.rate
        self._peak_db = max(20 * np.log10(max(peak, 1e-9)), fallen, _QUIET_DB)

    def _write(self) -> None:
        import soundfile

        since = 0
        with self._file as file:
            while (block := self._blocks.get()) is not None:
                if self._failed is not None:
                    continue
                try:
                    file.write(np.clip(block, -1.0, 1.0))
                    since += len(block)
                    if since >= self.rate:
                        file.flush()
                        since = 0
                except (OSError, soundfile.LibsndfileError) as error:
                    self._failed = error
