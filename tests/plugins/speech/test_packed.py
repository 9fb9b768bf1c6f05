"""Sound that takes another program to unpack: read as it is, or refused with the way out."""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

from partwise.api import FileProblem
from partwise_speech import packed, readers
from partwise_speech.readers import load_sound, probe_sound
from partwise_speech.sound import recording_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")

_HEAD = b"\0\0\0\x20ftypM4A " + bytes(64)
_RATE = 22_050

_DECODER = """\
    #!{python}
    import os, struct, sys, time
    given = sys.argv[1:]
    open({log!r}, "a").write(f"{{os.getpid()}} {{given}}\\n")
    out = sys.stdout.buffer
    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\\0" * (len(data) % 2)
    fmt = struct.pack("<HHIIHH", 3, 2, {rate}, {rate} * 8, 8, 32)
    title = chunk(b"INAM", "Visit 3 \\u00fc".encode() + b"\\0")
    info = b"INFO" + title + chunk(b"ISFT", b"Lavf1")
    endless = struct.pack("<I", 0xFFFFFFFF)
    head = b"RIFF" + endless + b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"LIST", info)
    samples = open({sound!r}, "rb").read()
    {body}
"""
_GOOD = 'out.write(head + b"data" + endless + samples)'
_CUT = _GOOD + '; sys.stderr.write("[in#0/x] File ended prematurely at pos. 3\\n")'
_BROKEN = 'sys.stderr.write("[mov @ 0x1] moov atom not found\\n"); sys.exit(183)'
_MUTE = "sys.stderr.write(\"Stream map '' matches no streams.\\n\"); sys.exit(234)"
_BREAKS = 'out.write(head + b"data" + endless + samples[:4000]); out.flush(); sys.exit(1)'
_NONE = 'out.write(head + b"data" + endless)'
_ENDLESS = 'out.write(head + b"data" + endless)\n    while True: out.write(samples)'


class Desk:
    """A file that is packed, and a program that unpacks it as told."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.path = folder, folder / "visit.m4a"
        self.path.write_bytes(_HEAD)
        self.log = folder / "log.txt"
        self.log.touch()
        rng = np.random.default_rng(0)
        self.sound = rng.uniform(-1.2, 1.2, (3001, 2)).astype("<f4")
        (folder / "sound.raw").write_bytes(self.sound.tobytes())
        self.room = folder / "room"
        self.room.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(self.room))
        self.bin = folder / "bin"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setattr(packed, "_known", type(packed._known)())

    def decoder(self, body: str) -> None:
        program = self.bin / "ffmpeg"
        text = textwrap.dedent(_DECODER).format(
            python=sys.executable,
            log=str(self.log),
            rate=_RATE,
            sound=str(self.folder / "sound.raw"),
            body=textwrap.dedent(body.replace("\n    ", "\n")),
        )
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def test_what_is_unpacked_is_all_of_it_and_leaves_no_file(desk: Desk) -> None:
    desk.decoder(_GOOD)
    assert probe_sound(desk.path) == 0.9
    dataset = load_sound(desk.path)
    recording = recording_of(dataset)
    assert (recording.rate, recording.channels, recording.samples) == (_RATE, 2, 3001)
    np.testing.assert_array_equal(recording.read(0, 3001), desk.sound.T)
    assert dataset.meta["tags"] == {"title": "Visit 3 ü"}
    assert dataset.meta["unpacked"] == "Lavf1"
    assert dataset.source is not None
    assert dataset.source.path == str(desk.path)
    assert list(desk.room.iterdir()) == []
    call = desk.calls[0]
    assert "'-protocol_whitelist', 'file'" in call, "a list in disguise fetches nothing"
    assert f"file:{desk.path}" in call


def test_long_ones_are_read_piece_by_piece_and_unpacked_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.decoder(_GOOD)
    monkeypatch.setattr(readers, "_IN_MEMORY", 1000)
    dataset = load_sound(desk.path)
    assert dataset.values is None
    recording = recording_of(dataset)
    np.testing.assert_array_equal(recording.read(2000, 3001), desk.sound[2000:].T)
    np.testing.assert_array_equal(recording.read(10, 20), desk.sound[10:20].T)
    assert len(desk.calls) == 1
    assert list(desk.room.iterdir()) == []
    desk.path.write_bytes(_HEAD + b"more")  # another recording under the same name
    (desk.folder / "sound.raw").write_bytes(desk.sound[:100].tobytes())
    with pytest.raises(FileProblem, match="changed"):
        recording.read(2000, 3001)
    assert len(desk.calls) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (_BROKEN, r"damaged.*\(moov atom not found\)"),
        (_CUT, "damaged, cut"),
        (_BREAKS, "damaged, cut"),
        (_MUTE, "holds no sound"),
        (_NONE, "no samples"),
    ],
)
def test_what_cannot_be_unpacked_whole_is_refused(desk: Desk, body: str, words: str) -> None:
    desk.decoder(body)
    with pytest.raises(FileProblem, match=words) as caught:
        load_sound(desk.path)
    assert caught.value.path == desk.path
    assert caught.value.fix
    assert list(desk.room.iterdir()) == []


def test_a_program_that_never_ends_is_ended(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.decoder(_ENDLESS)
    monkeypatch.setattr(packed, "_LONGEST_S", 1)
    with pytest.raises(FileProblem, match="longer than a day"):
        load_sound(desk.path)
    with pytest.raises(ProcessLookupError):
        os.kill(int(desk.calls[0].split()[0]), 0)


def test_a_full_disk_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.decoder(_GOOD)

    class Full(io.BytesIO):
        def write(self, _block: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    made = tempfile.TemporaryFile

    def temporary(prefix: str = "") -> object:
        return Full() if prefix else made()  # what the program says has room

    monkeypatch.setattr(tempfile, "TemporaryFile", temporary)
    with pytest.raises(FileProblem, match="no room for it"):
        load_sound(desk.path)


def test_without_the_program_the_way_out_is_told(desk: Desk) -> None:
    with pytest.raises(FileProblem, match="takes the program ffmpeg") as caught:
        load_sound(desk.path)
    assert "install ffmpeg" in caught.value.fix
    assert "WAV or FLAC" in caught.value.fix
    (desk.bin / "ffmpeg").write_bytes(b"\x7fELF no program")
    (desk.bin / "ffmpeg").chmod(0o755)
    with pytest.raises(FileProblem, match="does not start"):
        load_sound(desk.path)


@pytest.mark.parametrize(
    ("name", "head", "surely"),
    [
        ("film.mkv", b"\x1a\x45\xdf\xa3", 0.9),
        ("film.bin", b"\x1a\x45\xdf\xa3", 0.3),
        ("voice.aac", b"\xff\xf1\x60\x40", 0.9),
        ("voice.amr", b"#!AMR\n", 0.9),
        ("photo.heic", b"\0\0\0\x20ftypheic", 0.0),
        ("list.m4a", b"#EXTM3U\n", 0.05),
    ],
)
def test_containers_are_told_by_what_they_hold(
    name: str, head: bytes, surely: float, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(head + bytes(64))
    assert probe_sound(path) == surely


def test_plain_sound_takes_no_other_program(desk: Desk) -> None:
    path = desk.folder / "plain.m4a"  # under a wrong name
    soundfile.write(path, desk.sound, _RATE, format="WAV", subtype="FLOAT")
    assert recording_of(load_sound(path)).samples == 3001
    assert desk.calls == []
