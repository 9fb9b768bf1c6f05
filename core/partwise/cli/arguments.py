"""Which words does the command line understand?"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any, NoReturn

import partwise

__all__ = ["parser"]


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, as all others."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"partwise: error: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser; ``command`` in its answer is what to call with the arguments."""
    top = _Parser(
        prog="partwise",
        description="Separate a measurement into its nonnegative parts. Without a command, "
        "the window opens.",
        epilog="Exit codes: 0 done, 2 usage, 3 the input, 4 the analysis, 5 cancelled.",
    )
    top.add_argument("--version", action="version", version=f"partwise {partwise.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    run = _add(commands, "run", "run:run", "analyse inputs and write everything into a folder")
    run.add_argument(
        "plugin", metavar="PLUGIN", help="who analyses, such as stain; partwise plugins lists them"
    )
    run.add_argument("inputs", metavar="INPUT", nargs="+", help="files to analyse")
    _add_run_options(run)
    run.add_argument("--save", metavar="FILE.partwise", help="also save a project")
    run.add_argument("--pack", action="store_true", help="the project carries its inputs along")
    run.add_argument("--json", action="store_true", help="print result.json to stdout")

    batch = _add(commands, "batch", "batch:batch", "analyse every file of a folder, one table")
    batch.add_argument(
        "plugin", metavar="PLUGIN", help="who analyses, such as stain; partwise plugins lists them"
    )
    batch.add_argument("inputs", metavar="FOLDER|FILE", nargs="+", help="files, or folders of them")
    _add_run_options(batch)
    how = batch.add_mutually_exclusive_group()
    how.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="processes, which share the cores (default 1)",
    )
    how.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, or local")
    batch.add_argument("--resume", action="store_true", help="skip what is done already")

    info = _add(commands, "info", "inspect:info", "say what Partwise reads in a file")
    info.add_argument("file", metavar="FILE", help="an input, or a project")

    verify = _add(commands, "verify", "inspect:verify_project", "check that a project is whole")
    verify.add_argument("file", metavar="FILE.partwise")
    verify.add_argument("--rerun", action="store_true", help="run it again: the same numbers?")

    plugins = _add(commands, "plugins", "inspect:plugins", "list, check or begin plugins")
    plugins.add_argument("action", nargs="?", choices=["list", "check", "new"], default="list")
    plugins.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        default="",
        help="list: show its parameters; check: does it keep the contract? new: what to call it",
    )

    samples = _add(commands, "samples", "inspect:samples", "list samples, or copy one")
    samples.add_argument("action", nargs="?", choices=["list", "get"], default="list")
    samples.add_argument("name", nargs="?", metavar="NAME", default="", help="which one to get")
    samples.add_argument("-o", "--output", metavar="DIR", default=".", help="where to put it")

    demo = _add(commands, "demo", "demo:demo", "run a sample and leave everything in a folder")
    demo.add_argument("-o", "--output", metavar="DIR", required=True)
    demo.add_argument("--sample", metavar="NAME", default="stain-he")

    # Answered before this parser is asked, and listed here for --help.
    commands.add_parser("gui", help="open the window [FILE…] [--safe-mode]", add_help=False)
    return top


def _add(commands: Any, name: str, where: str, text: str) -> argparse.ArgumentParser:
    added: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    added.add_argument("--debug", action="store_true", help="show the traceback of an error")
    added.set_defaults(command=_later(where))
    return added


def _add_run_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "-o", "--output", type=_folder, metavar="DIR", required=True, help="where files go"
    )
    command.add_argument(
        "-p",
        "--parameter",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        dest="parameters",
        help="set a parameter; partwise plugins list PLUGIN tells which there are",
    )
    command.add_argument(
        "--seed", type=_seed, default=0, metavar="N", help="of every random choice (default 0)"
    )
    command.add_argument(
        "--analysis", default="", metavar="NAME", help="which of the plugin's (default: the first)"
    )


def _folder(text: str) -> str:
    if not text.strip():
        msg = "no folder is named"  # a variable of the shell that is not set, mostly
        raise argparse.ArgumentTypeError(msg)
    return text


def _seed(text: str) -> int:
    seed = int(text) if text.isdecimal() else -1
    if seed < 0:
        msg = f"{text} is no whole number from 0"
        raise argparse.ArgumentTypeError(msg)
    return seed


def _later(where: str) -> Callable[[argparse.Namespace], int]:
    module, _, name = where.partition(":")

    def call(arguments: argparse.Namespace) -> int:
        found = getattr(importlib.import_module(f"partwise.cli.{module}"), name)
        return int(found(arguments) or 0)

    return call
