"""What goes into the frozen program, and how it is told whose work that is."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import zipfile
from pathlib import Path

import numpy
import pytest

import compiled
import contents
import debian
import licences

ROOT = Path(__file__).resolve().parents[2]


def test_every_plugin_and_the_window_are_found_by_their_entry_points() -> None:
    assert {"partwise", "partwise_app", "partwise_resources", "partwise_stain"} <= set(
        contents.our_packages()
    )


def test_all_modules_of_ours_go_in_although_nothing_imports_them_by_a_line() -> None:
    hidden = set(contents.hidden())
    assert {"partwise.cli.demo", "partwise_app.main", "partwise_stain.analysis"} <= hidden
    for package in contents.our_packages():
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in root.rglob("*.py"):
            dotted = ".".join([package, *path.relative_to(root).with_suffix("").parts])
            assert dotted.removesuffix(".__init__") in hidden


def test_what_is_looked_up_by_name_exists() -> None:
    ours = tuple(contents.our_packages())
    for name in contents.hidden():
        if not name.startswith(ours):
            assert importlib.util.find_spec(name), name


def test_nothing_that_our_own_code_imports_is_left_out() -> None:
    for name in contents.EXCLUDED:
        assert not name.startswith(("partwise", "numpy.", "PySide6.QtCore", "PySide6.QtGui")) or (
            name.endswith("tests")
        )
        assert name not in contents.hidden()


def test_data_files_are_ours_and_not_what_python_made() -> None:
    files = list(contents.data_files())
    places = {(Path(file).name, folder) for file, folder in files}
    assert ("style.qss", "partwise_app") in places
    assert ("stain-he.png", str(Path("partwise_resources", "samples"))) in places
    assert ("ihc.png", "skimage/data") in places
    assert not [file for file, _ in files if "__pycache__" in file or file.endswith(".py")]


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("PySide6/Qt/lib/libQt6Core.so.6", True),
        ("PySide6/Qt/lib/libQt6Quick.so.6", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/Qt/plugins/platforms/libqeglfs.so", False),
        ("PySide6\\Qt\\plugins\\tls\\qopensslbackend.dll", False),
        ("skimage/data/ihc.png", True),
        ("skimage/data/astronaut.png", False),
        ("scipy/special/tests/data/boost.npz", False),
        ("partwise-0.1.0.dist-info/METADATA", True),
        ("partwise-0.1.0.dist-info/direct_url.json", False),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("pillow.libs/libharfbuzz-fb49c9fc.so.0.61450.0", True),
        ("partwise_resources/icons/run.svg", True),
    ],
)
def test_what_no_panel_uses_is_left_out_of_the_program(place: str, kept: bool) -> None:
    assert contents.wanted(place) is kept


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of the system are Linux's")
def test_a_library_of_the_system_stays_as_long_as_something_needs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs = {"/v/core.so": {"liba.so.1"}, "/usr/lib/liba.so.1": {"libb.so.2"}}
    needs |= {"/usr/lib/libgone.so.1": {"libits.so.1"}}
    monkeypatch.setattr(contents, "_needed", lambda path: frozenset(needs.get(path, ())))
    names = ("liba.so.1", "libb.so.2", "libgone.so.1", "libits.so.1", "libpython3.11.so.1.0")
    table = [("core.so", "/v/core.so", "EXTENSION"), ("mine.so", "/v/mine.so", "BINARY")]
    table += [(name, f"/usr/lib/{name}", "BINARY") for name in names]
    assert [row[0] for row in contents.linked(table)] == [
        "core.so", "mine.so", "liba.so.1", "libb.so.2", "libpython3.11.so.1.0"
    ]  # fmt: skip


def test_typeface_and_voice_are_told_with_their_licences() -> None:
    text = licences.third_party([file for file, _ in contents.data_files()])
    assert "SIL OPEN FONT LICENSE" in text
    assert "Creative Commons\nAttribution 4.0" in text


def test_whose_work_is_in_it_follows_from_the_files() -> None:
    source = str(Path(numpy.__file__).parent / "core" / "__init__.py")
    (work,) = licences.carried([source])
    assert work.metadata["Name"] == "numpy"
    text = licences.third_party([source])
    assert f"numpy {importlib.metadata.version('numpy')}" in text
    assert "Redistribution and use in source and binary forms" in text
    assert f"Python {sys.version.split()[0]}" in text
    assert "scipy" not in text.split("=" * 20)[0]


def test_the_licence_of_qt_is_there_in_full() -> None:
    import PySide6.QtCore

    text = licences.third_party([PySide6.QtCore.__file__])
    assert "LGPL-3.0-only, with Qt 6" in text
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in text
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "(ships no text)" not in text


@pytest.mark.parametrize(
    "package", ["soundfile", "soxr", "sounddevice", "ezc3d", "pyedflib", "h5py"]
)
def test_every_reader_s_library_is_listed_with_its_text(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    text = licences.third_party([spec.origin])
    assert package in text.lower().split("=" * 20)[0]
    assert "(ships no text)" not in text
    assert package not in contents.EXCLUDED


def test_our_own_files_are_no_third_party() -> None:
    assert licences.carried([str(ROOT / "core" / "partwise" / "__init__.py")]) == []


def test_a_person_s_loops_begin_as_those_that_came_along(tmp_path: Path) -> None:
    made, own = tmp_path / "program" / "kernels", tmp_path / "home" / "kernels"
    assert not compiled.begin_from(made, own), "none came along"
    made.mkdir(parents=True)
    (made / "loop.nbi").write_bytes(b"index")
    assert compiled.begin_from(made, own)
    assert (own / "loop.nbi").read_bytes() == b"index"
    (own / "loop.nbi").write_bytes(b"another processor")
    assert not compiled.begin_from(made, own), "what is the person's own stays"
    assert (own / "loop.nbi").read_bytes() == b"another processor"
    assert [entry.name for entry in own.parent.iterdir()] == ["kernels"]
    (tmp_path / "full").write_bytes(b"")
    assert not compiled.begin_from(made, tmp_path / "full" / "kernels"), "cannot be written"


def test_the_project_s_file_type_is_recognised_by_its_first_bytes(tmp_path: Path) -> None:
    from xml.etree import ElementTree

    path = tmp_path / "some.partwise"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/x-partwise")
    data = path.read_bytes()
    rules = ElementTree.parse(ROOT / "packaging" / "linux" / "partwise.xml")
    matches = list(rules.iter("{http://www.freedesktop.org/standards/shared-mime-info}match"))
    assert len(matches) == 2
    for match in matches:
        wanted = match.attrib["value"].encode("latin-1").decode("unicode_escape").encode("latin-1")
        assert data[int(match.attrib["offset"]) :].startswith(wanted)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Debian's tools")
def test_a_package_has_the_program_a_link_and_what_the_desktop_reads(tmp_path: Path) -> None:
    import shutil
    import subprocess

    if not (shutil.which("dpkg-deb") and shutil.which("objdump")):
        pytest.skip("there is no dpkg-deb or no objdump")
    folder = tmp_path / "partwise"
    folder.mkdir()
    (folder / "partwise").write_text("#!/bin/sh\necho here\n", "utf-8")
    (folder / "partwise").chmod(0o755)
    package = debian.build(folder, "1.2.3", "A work\n\n\nIts licence", tmp_path)
    prefix = tmp_path / "some where"
    subprocess.run(["dpkg", "-x", str(package), str(prefix)], check=True)
    answer = subprocess.run([prefix / "usr/bin/partwise"], capture_output=True, check=True)
    assert answer.stdout == b"here\n"
    for name in (
        "applications/partwise.desktop",
        "mime/packages/partwise.xml",
        "icons/hicolor/scalable/apps/partwise.svg",
        "doc/partwise/copyright",
        "man/man1/partwise.1.gz",
    ):
        assert (prefix / "usr/share" / name).is_file()
    scripts = tmp_path / "scripts"
    subprocess.run(["dpkg-deb", "-e", str(package), str(scripts)], check=True)
    for name in ("postinst", "postrm"):
        subprocess.run(["sh", "-n", str(scripts / name)], check=True)
        assert (scripts / name).stat().st_mode & 0o111
    fields = subprocess.run(["dpkg-deb", "-f", package], capture_output=True, text=True, check=True)
    assert "Version: 1.2.3" in fields.stdout
    assert "libegl1" in fields.stdout
