"""What happens to somebody who opens one of N hostile project files?

    python tests/bench/fuzz_project.py [--files 10000] [--seed 0]

Each file is a whole project with something done to it: bits flipped, bytes cut, spliced or
inserted, ZIP directories that lie, bombs, foreign names, JSON of wrong types, too deep or too
full, arrays whose headers lie, with and without a manifest that agrees. A process of its own
opens it within 5 s of the processor's time and 500 MB, verifies it, and saves what it could read.
Allowed are "refused" (with a `FileProblem`) and "read"; any other outcome is printed with its
number, which ``--only NUMBER`` repeats, and the command leaves with 1.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import io
import json
import random
import re
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from partwise.errors import FileProblem  # noqa: E402 - the path comes first
from partwise.project.store import load, save, verify  # noqa: E402

SECONDS, BYTES = 5, 500 << 20
_BASES = sorted((ROOT / "tests/fixtures/projects").glob("*.partwise"))
_WORDS = ("null", "[]", "{}", '"x"', "-1", "1e999", "true", "NaN", '{"array": "y"}', "1e308",
          '{"number": "nan"}', '"\\ud800"', "9" * 5000, '"' + "a" * 10_000 + '"', "0", '"../../x"',
          "[[[]]]", '{"array": {"array": ""}}', "-0.0", '"run-99999999999999999999"')  # fmt: skip
_NAMES = ("../evil.txt", "/etc/passwd", "arrays/../../x", "C:\\x", "a\x00b", "arrays/x.npy", "..",
          "inputs/" + "0" * 64, "inputs/../x", "arrays/" + "f" * 64 + ".npy", "project.json/",
          "é" * 300, "thumb.png.exe", "MIMETYPE")  # fmt: skip
_HEADERS = (
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}",
    "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 99999999999999999999)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1)}",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}" + " " * 4000,
    "[" * 4000,
    "9**9**9**9",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1)}",
    "{'descr': '<u1', 'fortran_order': False, 'shape': (8,), 'more': 1}",
)
_Members = dict[str, bytes]


def hostile(number: int, seed: int = 0) -> bytes:
    """Return the hostile file of that number."""
    rng = random.Random(f"{seed}/{number}")
    base = rng.choice(_BASES).read_bytes()
    with zipfile.ZipFile(io.BytesIO(base)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    how = rng.choice(_WAYS)
    return how(rng, base, members)


def _flip(rng: random.Random, base: bytes, members: _Members) -> bytes:
    data = bytearray(base)
    for _ in range(rng.choice((1, 1, 1, 3, 40))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _cut(rng: random.Random, base: bytes, members: _Members) -> bytes:
    start = rng.randrange(len(base))
    return base[:start] if rng.random() < 0.6 else base[:start] + base[start + rng.randrange(99) :]


def _splice(rng: random.Random, base: bytes, members: _Members) -> bytes:
    at, source = rng.randrange(len(base)), rng.randrange(len(base))
    length = rng.choice((1, 4, 8, 64, 2000))
    piece = base[source : source + length] if rng.random() < 0.5 else rng.randbytes(length)
    return base[:at] + piece + base[at + rng.choice((0, length)) :]


def _directory(rng: random.Random, base: bytes, members: _Members) -> bytes:
    data = bytearray(base)
    start = struct.unpack("<I", base[-6:-2])[0]
    for _ in range(rng.choice((1, 2, 6))):
        at = rng.randrange(start, len(data) - 4)
        value = rng.choice((0, 1, 255, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, len(base), start))
        data[at : at + 4] = struct.pack("<I", value)
    return bytes(data)


def _foreign(rng: random.Random, base: bytes, members: _Members) -> bytes:
    members[rng.choice(_NAMES)] = rng.randbytes(rng.choice((0, 1, 300)))
    return _zipped(rng, members)


def _missing(rng: random.Random, base: bytes, members: _Members) -> bytes:
    names = list(members)
    rng.shuffle(names)
    kept = names[: rng.randrange(len(names))]
    return _zipped(rng, {name: members[name] for name in members if name in kept})


def _bomb(rng: random.Random, base: bytes, members: _Members) -> bytes:
    name = rng.choice((*members, "thumb.png", "inputs/" + "0" * 64))
    members[name] = bytes(rng.choice((10, 40_000_000)))
    how = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    data = bytearray(_zipped(rng, members, compression=how))
    if rng.random() < 0.5:  # the directory says that it is stored
        for match in re.finditer(rb"PK\x01\x02", bytes(data)):
            data[match.start() + 10 : match.start() + 12] = b"\0\0"
    return bytes(data)


def _crowd(rng: random.Random, base: bytes, members: _Members) -> bytes:
    """Make directories of very many entries: real ones, or one entry that is listed again."""
    if rng.random() < 0.5:
        for k in range(rng.choice((19_990, 20_001, 30_000))):
            members[f"arrays/{k:064x}.npy"] = b""
        return _zipped(rng, members)
    start = struct.unpack("<I", base[-6:-2])[0]
    entry = base[start : base.index(b"PK\x01\x02", start + 4)]
    times = rng.choice((2, 400, 300_000))
    directory = entry * times
    count = min(times, 0xFFFF)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), start, 0)
    return base[:start] + directory + end


def _json(rng: random.Random, base: bytes, members: _Members) -> bytes:
    name = rng.choice(("project.json", "project.json", "project.json", "manifest.json"))
    text = members[name].decode()
    spans = [m.span(1) for m in re.finditer(r'(?:: |^ +)("[^"\n]*"|[^\[{"\n]+?),?\n', text, re.M)]
    for _ in range(rng.choice((1, 1, 2, 5))):
        start, stop = rng.choice(spans)
        if stop > len(text):
            continue
        text = text[:start] + rng.choice(_WORDS) + text[stop:]
    members[name] = text.encode("utf-8", "surrogatepass")
    return _zipped(rng, members)


def _shape(rng: random.Random, base: bytes, members: _Members) -> bytes:
    """Remove, repeat, or exchange parts of the JSON tree."""
    tree: Any = json.loads(members["project.json"])
    nodes: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node))
        for key in keys:
            nodes.append((node, key))
            if isinstance(node[key], dict | list):
                stack.append(node[key])
    for _ in range(rng.choice((1, 2, 4))):
        node, key = rng.choice(nodes)
        other, its = rng.choice(nodes)
        try:
            match rng.randrange(3):
                case 0:
                    del node[key]
                case 1:
                    node[key] = json.loads(json.dumps(other[its]))
                case _:
                    node[key] = [node[key]] * rng.choice((0, 2, 1000))
        except (KeyError, IndexError, ValueError, RecursionError):
            continue
    members["project.json"] = json.dumps(tree).encode()
    return _zipped(rng, members)


def _heavy(rng: random.Random, base: bytes, members: _Members) -> bytes:
    """Make JSON that is deep, or small on disk and large in memory."""
    many = rng.choice((1000, 100_000, 5_000_000))
    filling = rng.choice(
        (
            "[" * many + "]" * many,
            '{"a":' * many + "1" + "}" * many,
            "[" + "[]," * many + "0]",
            "[" + "{}," * many + "0]",
            "[" + "1.5," * many + "0]",
            '"' + "\\u0000" * many + '"',
            '"' + '\\"' * many + '"',
            '{"' + '":1,"'.join(map(str, range(min(many, 300_000)))) + '":1}',
        )
    )
    key = rng.choice(("sections", "unheard", "sources", "runs", "choices"))
    name = rng.choice(("project.json", "project.json", "manifest.json", "provenance.json"))
    text = members[name].decode().rstrip().removesuffix("}")
    members[name] = f'{text}, "{key}": {filling}}}'.encode()
    return _zipped(rng, members)


def _array(rng: random.Random, base: bytes, members: _Members) -> bytes:
    """Put an array that lies in the place of one that is used, hash and reference mended."""
    name = rng.choice([name for name in members if name.startswith("arrays/")])
    header = rng.choice(_HEADERS).encode()
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(8)
    if rng.random() < 0.3:
        whole = bytearray(members[name])
        whole[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        data = bytes(whole)
    digest = hashlib.sha256(data).hexdigest()
    was = name.removeprefix("arrays/").removesuffix(".npy")
    members["project.json"] = members["project.json"].replace(was.encode(), digest.encode())
    del members[name]
    members[f"arrays/{digest}.npy"] = data
    return _zipped(rng, members, mend=True)


def _around(rng: random.Random, base: bytes, members: _Members) -> bytes:
    junk = rng.randbytes(rng.choice((1, 100, 70_000)))
    return rng.choice((junk + base, base + junk, junk, b"", base + base, base[:4] * 1000))


_WAYS: tuple[Callable[[random.Random, bytes, _Members], bytes], ...] = (
    _flip, _flip, _cut, _splice, _directory, _directory, _foreign, _missing, _bomb,
    _json, _json, _json, _shape, _shape, _shape, _array, _array, _around,
)  # fmt: skip
# Some files take seconds to make; they are a small share of the whole.
_COSTLY = (_heavy, _crowd)


def _zipped(
    rng: random.Random, members: _Members, *, mend: bool | None = None, compression: int = 0
) -> bytes:
    if mend if mend is not None else rng.random() < 0.85:
        listed = {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(listed).encode()}
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(out, "w", compression) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    return out.getvalue()


def costly(number: int, seed: int = 0) -> bytes:
    """Return a hostile file that is large: deep or full JSON, crowded directories."""
    rng = random.Random(f"{seed}/costly/{number}")
    base = rng.choice(_BASES).read_bytes()
    with zipfile.ZipFile(io.BytesIO(base)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return rng.choice(_COSTLY)(rng, base, members)


def outcome(path: Path, between: Callable[[], object] | None = None) -> str:
    """Verify and open one file, then save it again; returns what became of it.

    `between` is called between the two tasks.
    """
    try:
        verify(path)
        loaded = load(path)
    except FileProblem:
        return "refused"
    if between is not None:
        between()
    try:
        save(loaded.state, path.with_name("saved.partwise"))
        load(path.with_name("saved.partwise"))
    except FileProblem as problem:
        return f"read, then not saved: {problem}"
    return "read"


# --- a process with limits --------------------------------------------------------------------


def _work(seed: int, first: int, last: int) -> None:
    """Try files from `first` to before `last`, telling each outcome on a line."""

    def too_slow(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, too_slow)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work" / "p.partwise"
        path.parent.mkdir()
        for number in range(first, last):
            print("begin", number, flush=True)
            path.write_bytes(_content(seed, number))
            limit = _virtual() + BYTES
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            _limit(SECONDS)
            try:
                found = outcome(path, lambda: _limit(SECONDS))
            except TimeoutError:
                found = f"took more than {SECONDS} s"
            except MemoryError:
                found = f"took more than {BYTES >> 20} MB"
            except Exception as error:  # noqa: BLE001 - what escapes is what is looked for
                found = f"escaped: {type(error).__name__}: {error}"[:200]
            finally:
                _limit(0)
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            strangers = {p.name for p in Path(folder).rglob("*")} - {
                "work", "p.partwise", "saved.partwise", "saved.partwise.bak"
            }  # fmt: skip
            if strangers:
                found = f"wrote {sorted(strangers)}"
            print("end", number, " ".join(found.split()), flush=True)


def _limit(seconds: float) -> None:
    """Interrupt this process when it has computed for so long; again where that is swallowed."""
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.5 if seconds else 0)


def _content(seed: int, number: int) -> bytes:
    return costly(number, seed) if number % 50 == 49 else hostile(number, seed)


def _virtual() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _run(seed: int, files: int) -> collections.Counter[str]:
    """Send files through processes; one that dies or hangs is replaced."""
    counts: collections.Counter[str] = collections.Counter()
    at = 0
    while at < files:
        command = [sys.executable, __file__, "--seed", str(seed), "--work", str(at), str(files)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert child.stdout is not None
        begun = -1
        while True:
            ready, _, _ = select.select([child.stdout], [], [], 12 * SECONDS)
            line = child.stdout.readline().decode() if ready else ""
            if not line:
                break
            word, number, *rest = line.split(maxsplit=2)
            begun = int(number)
            if word == "end":
                said = rest[0].strip()
                counts[said.partition(":")[0]] += 1
                if said not in ("refused", "read"):
                    print(f"  file {begun}: {said}")
                begun, at = -1, begun + 1
        child.kill()
        child.wait()
        if at < files and begun < 0:
            msg = f"the process did not begin ({child.returncode})"
            raise RuntimeError(msg)
        if begun >= 0:
            counts["process lost"] += 1
            print(f"  file {begun}: the process hung or died ({child.returncode})")
            at = begun + 1
    return counts


def main() -> int:
    """Print how many files came to which end."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", type=int)
    options.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.work:
        _work(asked.seed, *asked.work)
        return 0
    if asked.only is not None:
        _work(asked.seed, asked.only, asked.only + 1)
        return 0
    start = time.perf_counter()
    counts = _run(asked.seed, asked.files)
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    print(f"{sum(counts.values())} hostile files in {time.perf_counter() - start:.0f} s: {told}")
    return 0 if set(counts) <= {"refused", "read"} else 1


if __name__ == "__main__":
    sys.exit(main())
