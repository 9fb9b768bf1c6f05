"""What do the panel's buttons do with presets, profiles, outlines and tables?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from partwise.api import FileProblem, InputProblem
from partwise_app.api import tr
from partwise_stain.panel import files
from partwise_stain.panel.case import Case
from partwise_stain.presets import STAINS, preset
from partwise_stain.profile import read_profile
from partwise_stain.regional import Told
from partwise_stain.regions import read_regions, write_regions

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

__all__ = ["Deeds"]

_GEOJSON = "GeoJSON (*.geojson *.json)"


class Deeds:
    """Asks for files, reads and writes them, and says what was wrong where it could not be done.

    Parameters
    ----------
    case : Case
    parent : QWidget
        Of the dialogs.
    """

    def __init__(self, case: Case, parent: QWidget) -> None:
        self._case, self._parent = case, parent

    def use_preset(self, key: str) -> None:
        """Take the published vectors of a protocol: in sight at once, measured by the next run.

        Where they are of other stains than those in sight, or `key` is empty, that run starts.
        """
        host, case, title = self._case.host, self._case, tr("Use a preset")
        if not key:
            if case.corrected:
                host.take_back()
            host.take({"vectors": "", "profile": ""}, {}, tr("Find the stains"))
            host.run()
            return
        vectors = preset(key)
        text = ";".join(",".join(f"{value:.4f}" for value in vector) for vector in vectors.T)
        values = {"stains": key, "vectors": text, "profile": ""}
        if not case.take(STAINS[key], vectors, values, title):
            host.run()

    def use_profile(self, path: Path) -> None:
        """Take vectors and white from a profile, as `use_preset` does.

        Raises
        ------
        FileProblem
            It is no profile.
        """
        profile = read_profile(path)
        host, case, title = self._case.host, self._case, tr("Open profile")
        values = {"vectors": "", "white": "auto", "profile": str(path)}
        if not case.take(STAINS[profile.stains], profile.vectors, values, title):
            host.run()

    def add_regions(self, path: Path) -> None:
        """Add the outlines of a GeoJSON file to those that are there.

        Raises
        ------
        FileProblem
            It holds none.
        """
        for region in read_regions(path):
            self._case.add(region.kind, region.points, region.name, region.holes)

    def ask_profile(self) -> None:
        """Ask for a profile and use it."""
        path = files.ask_open(
            self._parent, tr("Open a stain profile"), tr("Stain profile (*.json)")
        )
        if path is not None:
            self.attempt(partial(self.use_profile, path))

    def save_profile(self) -> None:
        """Ask where to, and write the stains as they stand."""
        path = self._where(tr("Save a stain profile"), "-profile.json", "Stain profile (*.json)")
        if path is not None:
            self.attempt(partial(files.save_profile, self._case, path))

    def save_numbers(self, told: Sequence[Told]) -> None:
        """Ask where to, and write the table of regions."""
        path = self._where(tr("Save numbers"), "-regions.csv", "CSV (*.csv)")
        if path is not None:
            self.attempt(partial(files.save_numbers, told, path))

    def save_outlines(self) -> None:
        """Ask where to, and write the outlines."""
        path = self._where(tr("Save outlines"), ".geojson", _GEOJSON)
        if path is not None:
            self.attempt(partial(write_regions, self._case.regions, path))

    def ask_outlines(self) -> None:
        """Ask for a file of outlines and add them."""
        path = files.ask_open(self._parent, tr("Open outlines"), _GEOJSON)
        if path is not None:
            self.attempt(partial(self.add_regions, path))

    def attempt(self, deed: Callable[[], object]) -> bool:
        """Do something, or say why it could not be done; returns whether it was."""
        try:
            deed()
        except InputProblem as problem:
            self.say(problem)
            return False
        return True

    def say(self, problem: InputProblem) -> None:
        """Say what was wrong and what to do."""
        what = problem.what[:1].upper() + problem.what[1:]
        if isinstance(problem, FileProblem):
            what = f"{problem.path.name} {problem.what}"
        words = f"{what}; {problem.fix}." if problem.fix else f"{what}."
        self._case.host.notify(words, "warn")

    def _where(self, title: str, ending: str, pattern: str) -> Path | None:
        dataset = self._case.dataset
        stem = Path(dataset.title).stem if dataset is not None else "slide"
        return files.ask_save(self._parent, title, f"{stem}{ending}", pattern)
