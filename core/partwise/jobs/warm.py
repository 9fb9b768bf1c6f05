"""How is the first click kept from waiting for the compiler? By compiling before, and once.

The loops are compiled for the processor that they run on, where they run first, and kept on disk.
A worker only fetches them from there while it has nothing to do. Where they are not there yet, they
are compiled by a process of its own, since no two threads of one process can compile at once.
``python -m partwise.jobs.warm`` does it ahead of any window.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from partwise.jobs import cores

if TYPE_CHECKING:
    from partwise.plugins.registry import Registry

__all__ = ["Cold", "Preparer", "Warming", "main", "on_compiling", "steps"]

_AGAIN_S = 0.1  # between two looks whether there is time
_NICE = 10  # below the worker's


class Cold(Exception):
    """A loop is not on disk yet."""


def steps(plugins: Registry, *, everything: bool = False) -> list[Callable[[], object]]:
    """Load the analyses, and return what compiles or fetches the loops that their runs need.

    `everything` is also what few runs need, as of tables with gaps.

    An analysis may bring ``warm_up()``. A stranger's waits until it is asked for: if it never comes
    back, or takes the process along, then in a run of its own.
    """
    todo: list[Callable[[], object]] = []
    for plugin in plugins.plugins.values():
        if plugin.id in plugins.strangers:
            continue
        # A plugin that fails here fails again, with words, when it is asked to run.
        with contextlib.suppress(Exception):
            own = getattr(plugins.analysis(plugin), "warm_up", None)
            if callable(own):
                todo.append(own)
    if "partwise.engine.fit" in sys.modules:  # somebody computes with it
        from partwise.engine import warm_up

        todo.append(functools.partial(warm_up, everything=everything))
    return todo


def on_compiling(tell: Callable[[bool], None]) -> Callable[[], None]:
    """Have `tell` called with True before a thread compiles a loop, and with False after.

    A loop is not compiled if `tell` raises. Returns what ends the calls.
    """
    from numba.core import event

    class Listener(event.Listener):
        def __init__(self) -> None:
            self._mine = threading.local()

        def on_start(self, _event: Any) -> None:
            self._mine.depth = getattr(self._mine, "depth", 0) + 1
            if self._mine.depth == 1:
                tell(True)

        def on_end(self, _event: Any) -> None:
            self._mine.depth -= 1
            if self._mine.depth == 0:
                tell(False)

    listener = Listener()
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]  # as all of numba
    return functools.partial(event.unregister, "numba:compile", listener)


class Warming:
    """Fetches the loops into a process, in a thread of its own and while nobody asks for a run.

    Parameters
    ----------
    todo : sequence of callable
        What is called, one after the other, until one raises `Cold`.
    free : callable
        Whether there is time for the next one.
    done : callable
        Called from the thread at the end, with whether all were there.
    """

    def __init__(
        self,
        todo: Sequence[Callable[[], object]],
        free: Callable[[], bool],
        done: Callable[[bool], None],
    ) -> None:
        self._todo, self._free, self._done = todo, free, done

    def start(self) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._go, name="partwise-warming", daemon=True).start()

    def _go(self) -> None:
        for step in self._todo:
            while not self._free():
                time.sleep(_AGAIN_S)
            try:
                step()
            except Cold:
                self._done(False)
                return
            except Exception:  # noqa: BLE001, S112 - it fails again, with words, when it is asked for
                continue
        self._done(True)


class Preparer:
    """A process that compiles what is not on disk; it can be ended at any time, and begun again.

    Parameters
    ----------
    context : multiprocessing context
    registry : str
        Dotted name of what gives the plugins.
    """

    def __init__(self, context: Any, registry: str) -> None:
        self._context, self._registry = context, registry
        self._process: Any = None
        self.wanted = False

    @property
    def sentinel(self) -> list[Any]:
        """What becomes ready when the process ends; empty where there is none."""
        return [] if self._process is None else [self._process.sentinel]

    def begin(self) -> bool:
        """Start the process, where it is wanted and does not run; returns whether it did."""
        if self._process is not None or not self.wanted:
            return False
        process = self._context.Process(target=_prepare, args=(self._registry,), daemon=True)
        try:
            process.start()
        except (OSError, RuntimeError):  # no memory for it: runs compile for themselves
            self.wanted = False
            return False
        self._process = process
        return True

    def end(self) -> None:
        """End the process and wait for it; what it has compiled is on disk."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._process = None


def _prepare(registry: str) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(0)

        threading.Thread(target=follow, daemon=True).start()
    cores.be_modest(_NICE)
    from partwise.plugins.registry import resolve

    _compile(resolve(registry)())


def _compile(plugins: Registry) -> None:
    for step in steps(plugins, everything=True):
        with contextlib.suppress(Exception):  # it fails again, with words, when it is asked for
            step()


def main() -> int:
    """Compile what the plugins of Partwise itself need; returns the exit code."""
    from partwise.plugins.registry import load_registry

    began = time.perf_counter()
    _compile(load_registry(safe_mode=True))
    print(f"The fast loops are ready, after {time.perf_counter() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
