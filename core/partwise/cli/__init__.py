"""The command line: ``partwise run | batch | info | verify | plugins | samples | demo | gui``.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

__all__ = ["main"]

DONE, USAGE, INPUT, ANALYSIS, CANCELLED = 0, 2, 3, 4, 5


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    0 done, 2 usage, 3 the input, 4 the analysis, 5 cancelled. An error is one line on stderr;
    ``--debug`` adds the traceback.
    """
    if getattr(sys, "frozen", False):
        import multiprocessing

        multiprocessing.freeze_support()
    _mouths()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] == "gui":
        rest = [word for word in words[1:] if word != "--debug"]
        return _guarded(_gui, rest, debug="--debug" in words)
    from partwise.cli.arguments import parser

    arguments = parser().parse_args(words)
    if argv is None and not arguments.debug:
        _hush()
    return _guarded(arguments.command, arguments, debug=arguments.debug)


def _mouths() -> None:
    """Let whatever is said go somewhere: no letter, and no closed stream, ends a run."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who called
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for good
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _hush() -> None:
    """Keep what libraries log and warn of out of the answer: an error is one line."""
    import logging
    import warnings

    logging.disable()
    warnings.simplefilter("ignore")


def _gui(words: list[str]) -> int:
    import importlib.metadata

    from partwise.errors import UsageProblem

    if _no_display():
        if not {"--screenshot", "-h", "--help"} & set(words):
            raise UsageProblem(
                "there is no display to show a window on",
                fix="use partwise run or partwise demo, which need none",
            )
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # a picture needs none
    for point in importlib.metadata.entry_points(group="partwise.gui"):
        return int(point.load()(words) or DONE)
    raise UsageProblem(
        "this installation has no window", fix="install the desktop package, or see partwise --help"
    )


def _no_display() -> bool:
    """Whether Qt would end the process for want of a display: it does not say so otherwise."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform == "linux" and not any(os.environ.get(name) for name in named)


def _guarded(command: object, arguments: object, *, debug: bool) -> int:
    """Call a command and turn what goes wrong into one line and an exit code."""
    import signal
    import threading

    if threading.current_thread() is threading.main_thread():
        # A polite kill leaves as Ctrl+C does: temporary files are removed on the way out.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = int(command(arguments) or DONE)  # type: ignore[operator]
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _say("cancelled", CANCELLED)
    except BrokenPipeError:
        # Whoever read our output (head, a pager) has left; that is no error of ours, and what
        # is still buffered must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - every way out of a command passes here
        if debug:
            import traceback

            traceback.print_exc()
        text, code = _explain(error)
        return _say(text, code)


def _explain(error: Exception) -> tuple[str, int]:
    from partwise.errors import (
        Cancelled,
        FileProblem,
        InputProblem,
        PartwiseProblem,
        UsageProblem,
    )

    file = str(getattr(error, "partwise_input", "") or "")
    if isinstance(error, Cancelled):
        return "cancelled", CANCELLED
    if isinstance(error, UsageProblem):
        return f"error: {error}", USAGE
    if isinstance(error, FileProblem):
        return f"error: {error.path}: {error}", INPUT
    place = f"{file}: " if file else ""
    if isinstance(error, InputProblem):
        return f"error: {place}{error}", INPUT
    if isinstance(error, PartwiseProblem):
        return f"error: {place}{error}", ANALYSIS
    if isinstance(error, OSError):
        what = error.strerror or str(error)
        named = f"{error.filename}: " if error.filename else place
        return f"error: {named}{what}; make room, and check the name and permissions", INPUT
    if isinstance(error, MemoryError):
        return f"error: {place}there was not enough memory; close other programs", ANALYSIS
    name = type(error).__name__
    return f"error: {place}unexpected {name}: {error}; repeat with --debug and report it", ANALYSIS


def _say(text: str, code: int) -> int:
    print("partwise:", " ".join(text.split()), file=sys.stderr)
    return code
