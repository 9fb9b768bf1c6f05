"""How does a frozen folder become a Debian package?

``dpkg-deb`` alone, without debhelper: the folder goes to ``/usr/lib/partwise`` as it is.
"""

from __future__ import annotations

import gzip
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

__all__ = ["build", "external_packages"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_WHO = "The Partwise contributors <partwise@example.invalid>"
_RUNNABLE = 0o755
_PLAIN = 0o644

# Opened by name at run time, so that no file says it needs them.
_ALSO = ("libegl1", "libgl1")

_SUMMARY = "separate a measurement into its nonnegative parts"
_DESCRIPTION = """\
 Partwise opens a measurement, separates it into parts that add up to it, and
 shows the whole, the parts and what is left over as one picture. A part can be
 corrected by hand, and the analysis goes on from there.
 .
 This package carries the Python and the libraries that it runs on.
"""

_OVERRIDES = """\
# Frozen: it carries Python, the libraries and the typeface that it was tested with.
partwise: embedded-library *
partwise: unstripped-binary-or-object *
partwise: custom-library-search-path *
partwise: hardening-no-pie *
partwise: library-not-linked-against-libc *
partwise: shared-library-lacks-prerequisites *
partwise: duplicate-font-file *
partwise: missing-depends-on-sensible-utils *
"""


def build(folder: Path, version: str, third_party: str, into: Path) -> Path:
    """Pack a frozen folder and return the package's path.

    Parameters
    ----------
    folder : Path
        What PyInstaller made, with the program ``partwise`` in it.
    version : str
        As in pyproject.toml.
    third_party : str
        Works and licences that the folder carries.
    into : Path
        Where the package is put.
    """
    architecture = _output("dpkg", "--print-architecture").strip()
    package = into / f"partwise_{version}_{architecture}.deb"
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary, "partwise")
        shutil.copytree(folder, tree / "usr/lib/partwise", symlinks=True)
        _link(tree / "usr/bin/partwise", "../lib/partwise/partwise")
        shares = {  # below usr/share: what of packaging/linux
            "applications/partwise.desktop": "partwise.desktop",
            "mime/packages/partwise.xml": "partwise.xml",
            "icons/hicolor/scalable/apps/partwise.svg": "partwise.svg",
            "icons/hicolor/scalable/mimetypes/application-x-partwise.svg": "partwise.svg",
        }
        for place, name in shares.items():
            _write(tree / "usr/share" / place, (HERE / "linux" / name).read_bytes())
        _write(tree / "usr/share/man/man1/partwise.1.gz", _packed(HERE / "linux" / "partwise.1"))
        docs = tree / "usr/share/doc/partwise"
        _write(docs / "copyright", _copyright(third_party).encode())
        _write(docs / "THIRD_PARTY.txt.gz", gzip.compress(third_party.encode(), 9, mtime=0))
        _write(docs / "changelog.gz", gzip.compress(_changelog(version).encode(), 9, mtime=0))
        _write(tree / "usr/share/lintian/overrides/partwise", _OVERRIDES.encode())
        _settle(tree)
        size_kib = sum(p.stat().st_size for p in tree.rglob("*") if not p.is_symlink()) // 1024
        for name in ("postinst", "postrm"):
            _write(tree / "DEBIAN" / name, (HERE / "linux" / name).read_bytes())
            (tree / "DEBIAN" / name).chmod(_RUNNABLE)
        control = _control(version, architecture, size_kib, external_packages(folder))
        _write(tree / "DEBIAN/control", control.encode())
        _write(tree / "DEBIAN/md5sums", _sums(tree).encode())
        tree.chmod(_RUNNABLE)
        (tree / "DEBIAN").chmod(_RUNNABLE)
        # Quick rather than small: at its best, xz takes many minutes over half a gigabyte.
        squeeze = ("-Zxz", "-z1", "--threads-max=2")
        _output("dpkg-deb", "--root-owner-group", *squeeze, "--build", str(tree), str(package))
    return package


def external_packages(folder: Path) -> list[str]:
    """Return the Debian packages of the libraries that a folder needs and does not carry."""
    binaries = [path for path in folder.rglob("*") if path.is_file() and _is_elf(path)]
    carried = {path.name for path in folder.rglob("*")}
    needed = set()
    for path in binaries:
        said = _output("objdump", "-p", str(path))
        needed |= set(re.findall(r"^\s+NEEDED\s+(\S+)", said, re.MULTILINE))
    known = dict(re.findall(r"^\s+(\S+) \(.*\) => (\S+)", _output("ldconfig", "-p"), re.MULTILINE))
    places = [known[name] for name in sorted(needed - carried) if name in known]
    found = set(_ALSO)
    for place in places:
        for owned in (str(Path(place).resolve()), place, place.removeprefix("/usr")):
            command = ["dpkg", "-S", owned]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                found.add(done.stdout.partition(":")[0])
                break
    return sorted(found)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _control(version: str, architecture: str, size_kib: int, packages: list[str]) -> str:
    libc = f"libc6 (>= {platform.libc_ver()[1]})"
    depends = [libc, *(name for name in packages if name != "libc6")]
    fields = {
        "Package": "partwise",
        "Version": version,
        "Architecture": architecture,
        "Maintainer": _WHO,
        "Installed-Size": str(size_kib),
        "Depends": ", ".join(depends),
        "Recommends": "libportaudio2",  # to hear parts; without it they are seen
        "Section": "science",
        "Priority": "optional",
        "Description": _SUMMARY,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items()) + _DESCRIPTION


def _changelog(version: str) -> str:
    entry = "  * What changed is told in the changelog of the program.\n"
    date = formatdate((ROOT / "CHANGELOG.md").stat().st_mtime)
    return f"partwise ({version}) unstable; urgency=medium\n\n{entry}\n -- {_WHO}  {date}\n"


def _copyright(third_party: str) -> str:
    ours = (ROOT / "LICENSE").read_text("utf-8").strip()
    overview = third_party.partition("\n\n\n")[0].strip()
    more = (
        "The full texts are in /usr/share/doc/partwise/THIRD_PARTY.txt.gz, and those of the GNU\n"
        "licences on Debian systems also in /usr/share/common-licenses/LGPL-3, LGPL-2.1 and GPL-3."
    )
    return f"{ours}\n\n\n{overview}\n\n{more}\n"


def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _settle(tree: Path) -> None:
    """Give every file the rights that a package's files have; only programs may be run."""
    program = tree / "usr/lib/partwise/partwise"
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(_RUNNABLE if path.is_dir() or path == program else _PLAIN)


def _sums(tree: Path) -> str:
    import hashlib

    def lines() -> Iterator[str]:
        for path in sorted((tree / "usr").rglob("*")):
            if path.is_file() and not path.is_symlink():
                # dpkg's own format; it guards against bad disks, not against people.
                digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
                yield f"{digest}  {path.relative_to(tree).as_posix()}\n"

    return "".join(lines())
