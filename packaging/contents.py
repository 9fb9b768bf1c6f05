"""What goes into a frozen Partwise, and what stays out?

Read by the specs of all systems. Plugins are found as the program finds them, by their entry
points, so that a new one needs no line here.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

__all__ = [
    "DISTRIBUTION",
    "EXCLUDED",
    "data_files",
    "entry_points",
    "hidden",
    "keep",
    "libraries",
    "linked",
    "modules",
    "our_packages",
    "wanted",
]

DISTRIBUTION = "partwise"
_GROUPS = ("partwise.gui", "partwise.plugins")
_BESIDES = ("partwise", "partwise_resources")  # what no entry point names

# Imported by something that we carry, used by nothing that we call. The estimator for
# scikit-learn, Parquet (a hundred megabytes) and clusters are for those who program, and they have
# a Python of their own.
EXCLUDED = [
    "IPython", "dask", "distributed", "joblib", "librosa", "matplotlib", "networkx", "pandas",
    "pyarrow", "pytest", "setuptools", "sklearn", "sympy", "tkinter", "torch", "pystoi", "pesq",
    "nibabel.benchmarks", "nibabel.cmdline", "pydicom.cli", "pydicom.data.test_files",
    "hypothesis", "mypy", "mypyc", "pip", "pkg_resources", "hatchling", "pygments", "yaml",
    "numba.cuda", "numba.tests", "numpy.f2py.tests", "numpy.tests", "scipy.stats.tests",
    "pyqtgraph.examples", "pyqtgraph.opengl", "skimage.data.tests", "imageio", "nis", "readline",
    *(
        f"PySide6.{name}"
        for name in (
            "QtConcurrent", "QtDBus", "QtDesigner", "QtHelp", "QtNetwork", "QtQml", "QtQuick",
            "QtQuickControls2", "QtQuickTest", "QtQuickWidgets", "QtSql", "QtTest", "QtUiTools",
            "QtXml",
        )
    ),
]  # fmt: skip

# Libraries and plugins of Qt for keyboards on the screen, bare consoles, 3-D and servers.
_QT_UNUSED = (
    "Qt6Designer", "Qt6Help", "Qt6Labs", "Qt6Lottie", "Qt6Network", "Qt6Pdf", "Qt6Qml", "Qt6Quick",
    "Qt6ShaderTools", "Qt6Sql", "Qt6Test", "Qt6UiTools", "Qt6VirtualKeyboard",
    "Qt6WaylandCompositor", "Qt6EglF", "opengl32sw",
)  # fmt: skip
_QT_FOLDERS = (
    "Qt/qml/", "Qt/translations/", "Qt/plugins/egldeviceintegrations/", "Qt/plugins/qmltooling/",
    "Qt/plugins/networkinformation/", "Qt/plugins/tls/", "Qt/plugins/sqldrivers/",
    "Qt/plugins/designer/", "Qt/plugins/virtualkeyboard/", "Qt/plugins/generic/",
    "Qt/plugins/vectorimageformats/", "Qt/plugins/wayland-graphics-integration-server/",
)  # fmt: skip
_QT_PLATFORMS = ("eglfs", "linuxfb", "vkkhrdisplay", "vnc", "minimalegl", "virtualkeyboard")

# GTK's look for the frame of dialogs: it would bring half of GTK from the machine that builds. What
# else would come with it is then left out by `linked`.
_GTK = "libqgtk3"
_SYSTEM = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")

# Where and how an installer put a distribution: the paths of the machine that builds.
_RECORDS = ("INSTALLER", "RECORD", "REQUESTED", "direct_url.json")

# What TIFF files and slides are packed with; imagecodecs loads them by name.
_CODECS = (
    "ccitt", "deflate", "htj2k", "imcd", "jpeg2k", "jpeg8", "jpegls", "jpegsof3", "jpegxl",
    "jpegxr", "lerc", "ljpeg", "lzma", "pixarlog", "png", "shared", "shared_cython", "webp",
    "zlib", "zlibng", "zstd",
)  # fmt: skip

# Imported by compiled code, or by a line that runs only where they are.
_BY_NAME = (
    "compiled", "ezc3d", "h5py", "nibabel", "nibabel.ecat", "numba._devicearray", "openpyxl",
    "openslide_bin", "pyedflib", "skimage", "sounddevice", "soundfile", "soxr",
)  # fmt: skip

# Packages that find modules of their own by their names: coders of DICOM's pixels.
_WHOLE = ("pydicom.pixels",)

# Of skimage's example pictures, those that are samples.
_SKIMAGE_PICTURES = ("ihc.png",)


def entry_points() -> list[importlib.metadata.EntryPoint]:
    """Return the window and the plugins that our own distribution names."""
    declared = importlib.metadata.distribution(DISTRIBUTION).entry_points
    return [point for point in declared if point.group in _GROUPS]


def our_packages() -> list[str]:
    """Return the top-level packages of ours: the core, the resources, the window, the plugins."""
    named = {point.module.partition(".")[0] for point in entry_points()}
    return sorted(named.union(_BESIDES))


def modules(package: str) -> list[str]:
    """Return a package and all modules below it, without importing any but packages."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"{package} is named by an entry point and is not there")
    if spec.submodule_search_locations is None:
        return [package]
    found = [package]
    for info in pkgutil.iter_modules(list(spec.submodule_search_locations), f"{package}."):
        found += modules(info.name) if info.ispkg else [info.name]
    return found


def hidden() -> list[str]:
    """Return the modules that nothing imports by a line that could be read."""
    ours = [name for package in our_packages() for name in modules(package)]
    codecs = [f"imagecodecs._{name}" for name in ("imagecodecs", *_CODECS)]
    whole = [name for package in _WHOLE for name in modules(package)]
    return [*ours, *codecs, *_BY_NAME, *whole]


def libraries() -> Iterator[tuple[str, str]]:
    """Yield (file, folder inside the program) for libraries that are opened by path."""
    slides = importlib.util.find_spec("openslide_bin")
    for root in (slides.submodule_search_locations or []) if slides else []:
        for path in sorted(Path(root).iterdir()):
            if path.suffix in (".dll", ".dylib", ".so") or ".so." in path.name:
                yield str(path), "openslide_bin"


def data_files() -> Iterator[tuple[str, str]]:
    """Yield (file, folder inside the program) for what our packages and samples read."""
    for package in our_packages():
        spec = importlib.util.find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec else []:
            for path in sorted(Path(root).rglob("*")):
                if path.is_file() and path.suffix != ".py" and path.parent.name != "__pycache__":
                    yield str(path), str(Path(package, path.relative_to(root)).parent)
    images = importlib.util.find_spec("skimage")
    for root in (images.submodule_search_locations or []) if images else []:
        for name in _SKIMAGE_PICTURES:
            yield str(Path(root, "data", name)), "skimage/data"
        # skimage reads from these which of its modules to load for a name.
        for path in sorted(Path(root).rglob("__init__.pyi")):
            yield str(path), str(Path("skimage", path.relative_to(root)).parent)


def wanted(destination: str) -> bool:
    """Whether a collected file belongs into the program; `destination` is its place there."""
    place = destination.replace("\\", "/")
    name = place.rpartition("/")[2]
    if "/tests/" in place or "/testdata/" in place:
        return False
    if place.startswith("skimage/data/"):
        return name in _SKIMAGE_PICTURES or name.endswith((".py", ".pyi"))
    if name.startswith(_GTK) or name in _RECORDS:
        return False
    if "PySide6/" not in place and "Qt6" not in name:
        return True
    if any(part in name for part in _QT_UNUSED) or any(part in place for part in _QT_FOLDERS):
        return False
    platform = "Qt/plugins/platforms/" in place or "/platforminputcontexts/" in place
    return not (platform and any(part in name for part in _QT_PLATFORMS))


def keep(
    table: list[tuple[str, str, str]], also: Callable[[str], bool] = wanted
) -> list[tuple[str, str, str]]:
    """Return the rows of a PyInstaller table (destination, source, kind) that are wanted."""
    return linked([row for row in table if also(row[0])])


def linked(table: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Leave out libraries of the system that nothing else in the table needs any more."""
    if sys.platform != "linux":
        return table
    needs = {row[1]: _needed(row[1]) for row in table if row[2] in ("BINARY", "EXTENSION")}
    while True:
        wanted = {name for row in table for name in needs.get(row[1], ())}
        kept = [
            row
            for row in table
            if row[2] != "BINARY"
            or not row[1].startswith(_SYSTEM)
            or wanted & {Path(row[0]).name, Path(row[1]).name}
            or Path(row[0]).name.startswith("libpython")  # what the program itself opens first
        ]
        if len(kept) == len(table):
            return table
        table = kept


def _needed(path: str) -> frozenset[str]:
    """Return the names of the libraries that a library or program needs."""
    said = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=False)
    return frozenset(re.findall(r"^\s+NEEDED\s+(\S+)", said.stdout, re.MULTILINE))
