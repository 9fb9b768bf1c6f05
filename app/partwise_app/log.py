"""What happened in this session, for whoever wants to know? Nothing is sent anywhere."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Callable
from types import TracebackType

from partwise.folders import state_folder

__all__ = ["start_log", "stop_log", "tell_uncaught", "text_of_log"]

_FORMAT = "%(asctime)s  %(levelname)-7s %(message)s"
_LINES = 2000
_FILE_BYTES = 1 << 20


class _Memory(logging.Handler):
    """The last lines, for the log's window."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        del self.lines[:-_LINES]


_memory = _Memory()
_started: list[logging.Handler] = []
_tell: list[Callable[[BaseException], None]] = []


def start_log() -> None:
    """Write the log into the state folder and keep its end in memory.

    Where the folder cannot be written the log stays in memory alone. Exceptions that nobody
    caught are logged in place of a traceback on the screen.
    """
    if _started:
        return
    root = logging.getLogger("partwise")
    root.setLevel(logging.INFO)
    _started.append(_memory)
    try:
        state_folder().mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(
            state_folder() / "partwise.log", maxBytes=_FILE_BYTES, backupCount=1, encoding="utf-8"
        )
        _started.append(file)
    except OSError as error:
        root.warning("the log file cannot be written: %s", error)
    for handler in _started:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    sys.excepthook = _log_uncaught


def stop_log() -> None:
    """Close the log's file."""
    root = logging.getLogger("partwise")
    for handler in _started:
        root.removeHandler(handler)
        handler.close()
    _started.clear()
    sys.excepthook = sys.__excepthook__


def tell_uncaught(listener: Callable[[BaseException], None] | None) -> None:
    """Tell somebody as well of exceptions that nobody caught; None for nobody any more."""
    _tell[:] = [listener] if listener is not None else []


def text_of_log() -> str:
    """Return the end of the log."""
    return "\n".join(_memory.lines)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("partwise.app").error("not caught", exc_info=(kind, error, trace))
    where = state_folder() / "partwise.log"
    print(f"partwise: error: {kind.__name__}: {error}; see {where}", file=sys.stderr)
    for listener in _tell:
        listener(error)
