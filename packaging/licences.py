"""Whose work does a frozen Partwise carry, and under which licences?

Answers from what was packed, not from a list somebody keeps: every file that went in is looked up
among the files of the installed distributions, and shared libraries of the system among those of
its packages. Run in the environment that the program was built from.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

__all__ = ["carried", "system_packages", "third_party"]

_NOTICE = re.compile(r"(^|/)(licen[cs]es?|copying|notices?|authors|copyright)[^/]*(/|$)", re.I)
_OURS = "partwise"
_RULE = "=" * 100
_Work = tuple[str, str, list[str]]  # title, licence in a few words, texts

# Works whose wheels carry no text of their licence: those of the folder beside this file. The
# LGPL refers to the GPL, so that both have to be there.
_TEXTS = Path(__file__).resolve().parent / "texts"
_GIVEN = {
    "pyside6-essentials": ("LGPL-3.0", "GPL-3.0"),
    "shiboken6": ("LGPL-3.0", "GPL-3.0"),
}

# What a wheel carries besides the work that its name and its licence say.
_WITHIN = {
    "pyside6-essentials": "LGPL-3.0-only, with Qt 6",
    "soundfile": "BSD-3-Clause, with libsndfile and LAME (LGPL-2.1-or-later), mpg123 (LGPL-2.1), "
    "FLAC, Ogg, Vorbis and Opus (BSD-3-Clause)",
    "soxr": "LGPL-2.1-or-later, with libsoxr",
    "shiboken6": "LGPL-3.0-only",
}

# What our own packages carry of others, by the note that lies beside it.
_DATA = {
    "partwise_resources/fonts/OFL.txt": ("Inter, the typeface", "OFL-1.1"),
    "partwise_resources/speech/README.md": ("LibriSpeech, in the generic voice", "CC-BY-4.0"),
}

# Debian's packages name the usual licences by where their texts are on a Debian system.
_COMMON = Path("/usr/share/common-licenses")
_NAMED = re.compile(rf"{_COMMON}/([A-Za-z0-9.+-]*[A-Za-z0-9])")

_PREFACE = """\
Partwise is distributed under the BSD 3-Clause licence. This program carries the works of others,
listed here with the licences that their authors ship with them.

Qt and its Python bindings (PySide6, shiboken6) are used under the GNU Lesser General Public
Licence, version 3. They lie in this folder as separate shared libraries, which you may replace by
your own builds of the same version. Their sources are published by The Qt Company, which lists the
works of others within Qt at https://doc.qt.io/qt-6/licenses-used-in-qt.html. So do libsndfile and
libsoxr, under the GNU Lesser General Public Licence, version 2.1 or later, and OpenSlide, under
version 2.1.
"""


def carried(sources: Iterable[str]) -> list[importlib.metadata.Distribution]:
    """Return the distributions, by name, that any of the packed files belongs to.

    Parameters
    ----------
    sources : iterable of str
        Where the packed files and modules were taken from.
    """
    packed = {os.path.realpath(source) for source in sources}
    found = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"].lower()
        home = os.path.realpath(str(distribution.locate_file("")))
        files = (os.path.normpath(os.path.join(home, file)) for file in distribution.files or ())
        if name != _OURS and not packed.isdisjoint(files):
            found[name] = distribution
    return [found[name] for name in sorted(found)]


def system_packages(sources: Iterable[str]) -> list[str]:
    """Return the Debian packages, by name, that packed system libraries come from."""
    paths = sorted({os.path.realpath(s) for s in sources if s.startswith(("/lib", "/usr/lib"))})
    if not paths or shutil.which("dpkg") is None:
        return []
    # A library may be known under the folder that /lib leads to, or under /lib itself.
    asked = [*paths, *(path.removeprefix("/usr") for path in paths)]
    done = subprocess.run(["dpkg", "-S", *asked], capture_output=True, text=True, check=False)
    return sorted({line.partition(":")[0] for line in done.stdout.splitlines() if ": /" in line})


def third_party(sources: Iterable[str]) -> str:
    """Return the list of works with the text of every licence they ship.

    Parameters
    ----------
    sources : iterable of str
        Where the packed files and modules were taken from.
    """
    known = list(sources)
    works: list[_Work] = [(_title(one), _licence(one), _texts(one)) for one in carried(known)]
    works.append((f"Python {sys.version.split()[0]}", "PSF-2.0", _python_licence()))
    works += _carried_data(known)
    for name in system_packages(known):
        path = Path("/usr/share/doc", name, "copyright")
        text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
        works.append((f"{name} (Debian)", "see its text below", [text] if text else []))
    works += _common(text for _, _, texts in works for text in texts)
    lines = [_PREFACE, *(f"{title:40} {licence}" for title, licence, _ in works), ""]
    for title, _, texts in works:
        lines += ["", _RULE, title, _RULE, ""]
        lines += [f"{text.strip()}\n" for text in texts] or ["(ships no text)"]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def _carried_data(sources: Iterable[str]) -> list[_Work]:
    """Return the works among the data of our own packages."""
    known = sorted(set(sources))
    found = []
    for end, (title, licence) in _DATA.items():
        notes = [source for source in known if Path(source).as_posix().endswith(end)]
        if notes:
            found.append((title, licence, [Path(notes[0]).read_text("utf-8")]))
    return found


def _common(texts: Iterable[str]) -> list[_Work]:
    """Return the licences that texts name by their place on a Debian system."""
    named = {name for text in texts for name in _NAMED.findall(text)}
    files = sorted({(_COMMON / name).resolve() for name in named if (_COMMON / name).is_file()})
    return [
        (f"Licence text: {file.name}", "named above", [file.read_text("utf-8", errors="replace")])
        for file in files
    ]


def _title(one: importlib.metadata.Distribution) -> str:
    return f"{one.metadata['Name']} {one.version}"


def _licence(one: importlib.metadata.Distribution) -> str:
    fields = one.metadata.json  # each field's name in lower case with underscores
    within = _WITHIN.get(one.metadata["Name"].lower().replace("_", "-"))
    if within:
        return within
    said = str(fields.get("license_expression", ""))
    short = str(fields.get("license", "")).strip()
    short = short if "\n" not in short and len(short) < 60 else ""
    classified = [
        line.rpartition(" :: ")[2]
        for line in one.metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    return said or short or ", ".join(classified) or "see its text below"


def _texts(one: importlib.metadata.Distribution) -> list[str]:
    seen: dict[str, None] = {}
    for name in _GIVEN.get(one.metadata["Name"].lower().replace("_", "-"), ()):
        seen.setdefault((_TEXTS / f"{name}.txt").read_text("utf-8"))
    for file in sorted(one.files or (), key=str):
        place = file.as_posix()
        if _NOTICE.search(place) and not place.endswith((".py", ".pyc", ".pyi", ".so", ".json")):
            path = Path(str(file.locate()))
            if path.is_file() and path.stat().st_size < 1_000_000:
                seen.setdefault(path.read_text("utf-8", errors="replace").replace("\r\n", "\n"))
    return list(seen)


def _python_licence() -> list[str]:
    library = Path(os.__file__).parent
    for path in (library / "LICENSE.txt", Path(sys.base_prefix, "LICENSE.txt")):
        if path.is_file():
            return [path.read_text("utf-8")]
    return []
