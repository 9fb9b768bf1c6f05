"""Which plugins are there, and which of them reads this file?"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from partwise.errors import AnalysisProblem, Cancelled, FileProblem, InputProblem, UsageProblem
from partwise.job import Job, LocalJob
from partwise.plugins import safety, trial
from partwise.plugins.contract import API, Analysis, Plugin, Reader, Sample

if TYPE_CHECKING:
    from partwise.data.dataset import Dataset

__all__ = ["GROUP", "Refused", "Registry", "load_registry", "resolve"]

GROUP = "partwise.plugins"
_OURS = "partwise"  # the distribution that carries the built-in plugins
# A frozen program is no interpreter that could try a plugin, and carries only those it came with.
_FROZEN = bool(getattr(sys, "frozen", False))
_SURE = 0.5  # a reader of a series, of a file that stands for its folder
_MOST_PROBED = 1000  # files of a folder, in search of a series
_CLAUSE = re.compile(r"(>=|<=|==|!=|<|>)\s*(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Refused:
    """A plugin that could not be taken in, and why, in words for a card."""

    name: str
    reason: str


def resolve(dotted: str) -> Any:
    """Return the object that a dotted name ``"package.module:attribute"`` leads to.

    Raises
    ------
    ImportError
        The module cannot be imported, or has no such attribute.
    """
    module, colon, attribute = dotted.partition(":")
    if not (module and colon and attribute):
        msg = f"{dotted!r} is not of the form package.module:attribute"
        raise ImportError(msg)
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            msg = f"{module} has no {attribute}"
            raise ImportError(msg) from error
    return found


class Registry:
    """The plugins of this session.

    Parameters
    ----------
    plugins : iterable of Plugin
        A second one with the same id is refused.
    refused : iterable of Refused
    strangers : iterable of str
        Ids of plugins that did not come with Partwise.
    """

    def __init__(
        self,
        plugins: Iterable[Plugin],
        refused: Iterable[Refused] = (),
        strangers: Iterable[str] = (),
    ) -> None:
        taken: dict[str, Plugin] = {}
        cards = list(refused)
        for plugin in plugins:
            if plugin.id in taken:
                reason = f"another plugin is called {plugin.id} already"
                cards.append(Refused(plugin.title, reason))
                continue
            taken[plugin.id] = plugin
        self._plugins = MappingProxyType({key: taken[key] for key in sorted(taken)})
        self._refused = tuple(cards)
        self._strangers = frozenset(strangers) & self._plugins.keys()

    @property
    def plugins(self) -> Mapping[str, Plugin]:
        """Plugins by id, in the order of their ids."""
        return self._plugins

    @property
    def refused(self) -> tuple[Refused, ...]:
        """What could not be taken in."""
        return self._refused

    @property
    def strangers(self) -> frozenset[str]:
        """Ids of the plugins that did not come with Partwise."""
        return self._strangers

    def get(self, plugin_id: str) -> Plugin:
        """Return a plugin; raises `UsageProblem` listing the known ones."""
        if plugin_id in self._plugins:
            return self._plugins[plugin_id]
        known = ", ".join(self._plugins) or "none"
        reason = next((f" ({r.reason})" for r in self._refused if r.name == plugin_id), "")
        raise UsageProblem(f"there is no plugin {plugin_id}{reason}", fix=f"known: {known}")

    def analysis(self, plugin: str | Plugin, analysis_id: str = "") -> Analysis:
        """Return an instance of an analysis of `plugin`, by default its first.

        Raises
        ------
        UsageProblem
            There is no such plugin or analysis.
        AnalysisProblem
            It cannot be imported.
        """
        plugin = self.get(plugin) if isinstance(plugin, str) else plugin
        known = []
        for dotted in plugin.analyses:
            kind = self._load(plugin, dotted)
            known.append(str(kind.id))
            if analysis_id in ("", kind.id):
                found: Analysis = kind()
                return found
        raise UsageProblem(
            f"{plugin.id} has no analysis {analysis_id}".rstrip(), fix=f"known: {', '.join(known)}"
        )

    def recognise(self, path: str | Path) -> list[tuple[float, Plugin, Reader]]:
        """Return who can read a file, the surest first.

        Raises
        ------
        FileProblem
            The file is missing, empty, a folder without a series, or nobody's.
        """
        path = self.entry(path)
        found = [
            (chance, plugin, reader)
            for plugin in self._plugins.values()
            for reader in plugin.readers
            if (chance := _probe(reader, path)) > 0
        ]
        if not found:
            known = ", ".join(self._patterns(self._plugins.values()))
            raise FileProblem(path, "is of no kind that Partwise reads", fix=f"it reads {known}")
        return sorted(found, key=lambda entry: -entry[0])  # stable: ties stay in id order

    def open(
        self, path: str | Path, plugin_id: str = "", job: Job | None = None
    ) -> tuple[Plugin, Dataset]:
        """Read a file with the surest reader, of one plugin where it is named.

        A `job` hears how far a reader of large files is, and is asked whether to stop.

        Raises
        ------
        FileProblem, UsageProblem
        Cancelled
            The job was.
        """
        path = self.entry(path, plugin_id)
        if not plugin_id:
            _, plugin, reader = self.recognise(path)[0]
            return plugin, _read(reader, path, job)
        plugin = self.get(plugin_id)
        chances = {reader: _probe(reader, path) for reader in plugin.readers}
        best = max(chances, key=lambda r: chances[r], default=None)
        if best is None or chances[best] <= 0:
            known = ", ".join(self._patterns([plugin]))
            raise FileProblem(path, f"is not what {plugin.title} reads", fix=f"it reads {known}")
        return plugin, _read(best, path, job)

    def entry(self, path: str | Path, plugin_id: str = "") -> Path:
        """Return the file to read: `path`, or one of the series of files that fills a folder.

        Raises
        ------
        FileProblem
            It is missing, empty, or a folder without a series that the plugin named, or any, reads.
        """
        path = Path(path)
        try:
            folder = path.is_dir()
        except OSError as error:
            raise _unreadable(path, error) from error
        if not folder:
            _check_file(path)
            return path
        plugins = [self.get(plugin_id)] if plugin_id else self._plugins.values()
        readers = [reader for plugin in plugins for reader in plugin.readers if reader.series]
        try:
            files = sorted(file for file in path.iterdir() if file.is_file())
        except OSError as error:
            raise _unreadable(path, error) from error
        for file in files[:_MOST_PROBED] if readers else ():
            if any(_probe(reader, file) >= _SURE for reader in readers):
                return file
        raise FileProblem(path, "is a folder", fix="name a file in it")

    def sample(self, key: str) -> tuple[Plugin, Sample, Path]:
        """Return a sample and where it lies; raises `UsageProblem` listing the known ones."""
        known = []
        for plugin in self._plugins.values():
            for sample in plugin.samples:
                known.append(sample.key)
                if sample.key == key:
                    return plugin, sample, Path(resolve(sample.path)())
        raise UsageProblem(f"there is no sample {key}", fix=f"known: {', '.join(known) or 'none'}")

    @staticmethod
    def _load(plugin: Plugin, dotted: str) -> Any:
        try:
            return resolve(dotted)
        except (Exception, SystemExit) as error:
            raise AnalysisProblem(
                f"{plugin.title} cannot be loaded ({_words(error)})", fix="reinstall the plugin"
            ) from error

    @staticmethod
    def _patterns(plugins: Iterable[Plugin]) -> list[str]:
        patterns = (p for plugin in plugins for reader in plugin.readers for p in reader.patterns)
        return list(dict.fromkeys(patterns))


def load_registry(*, safe_mode: bool = False) -> Registry:
    """Take in the installed plugins; one that fails becomes a card with its reason.

    Parameters
    ----------
    safe_mode : bool
        Take the built-in plugins only.
    """
    crashed = safety.left_over()
    plugins: list[Plugin] = []
    refused: list[Refused] = []
    strangers: list[str] = []
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.name):
        ours = point.dist is not None and point.dist.name.lower() == _OURS
        if safe_mode and not ours:
            refused.append(Refused(point.name, "left out in safe mode"))
        elif point.name in crashed:
            reason = "the program ended while loading it last time; it is tried again next time"
            refused.append(Refused(point.name, reason))
        else:
            why_not = "" if ours or point.dist is None or _FROZEN else trial.tried(point)
            taken = Refused(point.name, why_not) if why_not else _take_in(point)
            if isinstance(taken, Refused):
                refused.append(taken)
                continue
            plugins.append(taken)
            if not ours:
                strangers.append(taken.id)
    return Registry(plugins, refused, strangers)


def _take_in(point: importlib.metadata.EntryPoint) -> Plugin | Refused:
    try:
        # What is printed here is no answer of ours: scripts read that from the standard output.
        with safety.loading(point.name), contextlib.redirect_stdout(sys.stderr):
            record = point.load()
    except SystemExit:
        return Refused(point.name, "it cannot be loaded: it tried to end the program")
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        return Refused(point.name, f"it cannot be loaded: {_words(error)}")
    if not isinstance(record, Plugin):
        return Refused(point.name, f"{point.value} is not a Plugin record")
    if not _fits(record.api, API):
        mine = ".".join(map(str, API))
        return Refused(point.name, f"it wants plugin interface {record.api}; this one is {mine}")
    if not re.fullmatch(r"[a-z][a-z0-9-]*", record.id):
        return Refused(point.name, f"its id {record.id!r} is not a lower-case word")
    return record


def _fits(wanted: str, offered: tuple[int, int]) -> bool:
    for clause in wanted.split(","):
        match = _CLAUSE.fullmatch(clause.strip())
        if not match:
            return False
        sign, major, minor = match.groups()
        bound = (int(major), int(minor or 0))
        fits = {
            ">=": offered >= bound,
            "<=": offered <= bound,
            "==": offered == bound,
            "!=": offered != bound,
            "<": offered < bound,
            ">": offered > bound,
        }[sign]
        if not fits:
            return False
    return True


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
        str(path.resolve()).encode()
    except FileNotFoundError as error:
        raise FileProblem(path, "there is no such file", fix="check the path") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except UnicodeEncodeError as error:
        # No project and no report could name it again.
        what = "has letters in its name, or in that of a folder, that are no text here"
        raise FileProblem(path, what, fix="rename it, or set the locale to UTF-8") from error
    if size == 0:
        raise FileProblem(path, "is empty", fix="copy it again from where it came")


def _unreadable(path: Path, error: OSError) -> FileProblem:
    why = f"cannot be read ({error.strerror or error})"
    return FileProblem(path, why, fix="check its permissions")


def _probe(reader: Reader, path: Path) -> float:
    try:
        chance = float(resolve(reader.probe)(path))
    except (Exception, SystemExit):  # noqa: BLE001 - a probe that fails has not recognised the file
        return 0.0
    # Among equals the name decides, by less than any probe would.
    named = any(fnmatch.fnmatch(path.name.lower(), pattern) for pattern in reader.patterns)
    return min(chance, 1.0) + (1e-6 if named else 0.0) if chance > 0 else 0.0


def _read(reader: Reader, path: Path, job: Job | None) -> Dataset:
    load = resolve(reader.load)
    try:
        dataset: Dataset = load(path, job or LocalJob()) if reader.long else load(path)
    except (InputProblem, Cancelled):
        raise
    except MemoryError as error:
        raise FileProblem(path, "does not fit in memory", fix="close other programs") from error
    except (Exception, SystemExit) as error:
        what = f"cannot be read as {reader.title} ({_words(error)})"
        raise FileProblem(path, what, fix="check that the file is whole") from error
    return dataset


def _words(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
