"""What does the microphone hear, without the noise? From source to sink, a moment later."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem, InputProblem
from partwise_speech.panel.told import told
from partwise_speech.player import OpenSink
from partwise_speech.recorder import OpenSource
from partwise_speech.stream import Known, Stream

__all__ = ["Monitor"]

Samples = NDArray[np.float32]

_RATE = 48_000
_MOST_WAITING_S = 0.25  # more has been missed: what is old is dropped, so that it stays live


class Monitor:
    """Plays what a source hears, separated; for headphones, or it hears itself.

    Parameters
    ----------
    known : callable
        Returns what speech is told from noise by; called in the thread, for it takes its time.
    open_source : callable
        See `partwise_speech.recorder.OpenSource`.
    open_sink : callable
        See `partwise_speech.player.OpenSink`.

    Attributes
    ----------
    problem : str
        Why nothing is heard; empty where it is.

    Raises
    ------
    partwise_speech.player.NoSound
        There is no microphone, or nothing to play on.
    """

    def __init__(
        self, known: Callable[[], Known], open_source: OpenSource, open_sink: OpenSink
    ) -> None:
        self._known = known
        self._heard: queue.SimpleQueue[Samples | None] = queue.SimpleQueue()
        self._made: deque[Samples] = deque()
        self._waiting = 0
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self.problem = ""
        self._sink = open_sink(self._pull, _RATE, 1)
        try:
            self._source = open_source(self._push, _RATE)
        except BaseException:
            self._sink.close()
            raise
        self._thread = threading.Thread(target=self._run, name="partwise-monitor", daemon=True)
        self._thread.start()
        try:
            self._source.start()
            self._sink.start()
        except BaseException:
            self.stop()
            raise

    @property
    def learning(self) -> bool:
        """Whether it still listens to the noise alone."""
        return self._stream is None or self._stream.listening

    @property
    def latency(self) -> float:
        """Seconds from the microphone to the ear: devices, separation, and what waits."""
        with self._lock:
            waiting = self._waiting / _RATE
        stream = self._stream.latency if self._stream is not None else 0.0
        return stream + waiting + self._sink.latency + self._source.latency

    def stop(self) -> None:
        """Let microphone and loudspeaker go."""
        self._source.close()
        self._sink.stop()
        self._sink.close()
        self._heard.put(None)
        self._thread.join()

    def _push(self, heard: Samples) -> None:
        """Take a block in the source's thread."""
        self._heard.put(heard.copy())

    def _run(self) -> None:
        try:
            stream = self._stream = Stream(_RATE, self._known())
        except (FileProblem, InputProblem) as problem:
            self.problem = told(problem)
            return
        while (block := self._heard.get()) is not None:
            made = stream.push(block)
            with self._lock:
                self._made.append(made)
                self._waiting += len(made)
                while self._waiting > _MOST_WAITING_S * _RATE and len(self._made) > 1:
                    self._waiting -= len(self._made.popleft())

    def _pull(self, out: Samples) -> None:
        """Fill with what comes next, in the sink's thread; silence where nothing is made yet."""
        out[:] = 0
        with self._lock:
            done = 0
            while done < len(out) and self._made:
                block = self._made.popleft()
                count = min(len(block), len(out) - done)
                out[done : done + count] = block[:count, None]
                if count < len(block):
                    self._made.appendleft(block[count:])
                done += count
                self._waiting -= count
        np.clip(out, -1.0, 1.0, out=out)
