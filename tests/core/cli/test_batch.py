"""Does a batch finish whatever one file does, and go on where it stopped?"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.core.cli.shell import SAMPLE, files_in, one_line
from tests.fixtures import pebble

from partwise.cli import batch, inspect, main, run
from partwise.errors import FileProblem
from partwise.jobs import cluster as cluster_module
from partwise.plugins.registry import Registry
from partwise.report.index import render_index


def test_batch_goes_on_after_a_failure_and_resumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    pebble.write_pebbles(folder / "a.txt")
    pebble.write_pebbles(folder / "c.txt", [9.0])
    (folder / "b.txt").write_text("pebbles\nx")
    (folder / "readme.md").write_text("not ours")
    (folder / "._a.txt").write_text("pebbles\nleft by another system")
    out = tmp_path / "out"
    words = ["batch", "pebble", str(folder), "-o", str(out)]
    assert main(words) == 3
    with (out / "batch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert [row["status"] == "done" for row in rows] == [True, False, True]
    assert float(rows[2]["Mean (mm)"]) == 9.0
    assert rows[0]["verdict"] == "good"
    page = (out / "index.html").read_text("utf-8")
    assert "2 of 3 files analysed, 1 failed" in page
    assert 'href="a/report.html"' in page
    assert "holds something that is no number" in page
    assert files_in(out) == ["a", "batch.csv", "c", "index.html"]
    pebble.write_pebbles(folder / "b.txt")
    stamp = (out / "a" / "result.json").stat().st_mtime_ns
    capsys.readouterr()
    assert main([*words, "--resume"]) == 0
    assert (out / "a" / "result.json").stat().st_mtime_ns == stamp
    assert "b.txt: done" in capsys.readouterr().err
    assert files_in(out) == ["a", "b", "batch.csv", "c", "index.html"]


def test_resume_repeats_what_was_asked_otherwise_or_is_not_whole(tmp_path: Path) -> None:
    beside = pebble.write_pebbles(tmp_path / "beside.txt")
    source, out = pebble.write_pebbles(tmp_path / "a.txt"), tmp_path / "out"
    words = ["batch", "pebble", str(source), "-o", str(out), "--resume"]
    words += ["-p", f"reference={beside}"]
    stamps = []

    def run_it(*more: str) -> None:
        assert main([*words, *more]) == 0
        stamps.append((out / "a" / "result.json").stat().st_mtime_ns)

    run_it()
    run_it()
    assert stamps[0] == stamps[1]
    pebble.write_pebbles(beside, [8.0])  # the other file is another one now
    run_it()
    (out / "a" / "report.pdf").unlink()
    run_it()
    run_it("--seed", "1")
    assert len(set(stamps)) == 4


def test_resume_sees_a_change_in_the_middle_and_in_what_lies_beside(tmp_path: Path) -> None:
    values = np.ones(70_000)
    source, out = pebble.write_pebbles(tmp_path / "a.txt", values), tmp_path / "out"
    note = tmp_path / "a.note"
    note.write_text("2")
    words = ["batch", "pebble", str(source), "-o", str(out), "--resume"]

    def mean() -> float:
        assert main(words) == 0
        with (out / "batch.csv").open(newline="") as file:
            return float(next(csv.DictReader(file))["Mean (mm)"])

    assert mean() == 2.0
    values[35_000] = 8.0  # as many bytes, and the same at both ends
    pebble.write_pebbles(source, values)
    assert mean() == pytest.approx(2.0002)
    note.write_text("3")
    assert mean() == pytest.approx(3.0003)
    inputs = json.loads((out / "a" / "result.json").read_text("utf-8"))["inputs"]
    assert [Path(entry["path"]).name for entry in inputs] == ["a.txt", "a.note"]
    note.unlink()
    assert mean() == pytest.approx(1.0001)


def test_a_folder_that_a_series_fills_is_one_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader = dataclasses.replace(pebble.PLUGIN.readers[0], series=True)
    registry = Registry([dataclasses.replace(pebble.PLUGIN, readers=(reader,))])
    for module in (run, inspect, batch):
        monkeypatch.setattr(module, "load_registry", lambda: registry)
    for person in ("first", "second"):
        (tmp_path / "all" / person).mkdir(parents=True)
        (tmp_path / "all" / person / "0-notes.txt").write_text("not ours")
        for k in range(3):
            pebble.write_pebbles(tmp_path / "all" / person / f"{k}.txt")
    one = str(tmp_path / "all" / "first")
    assert main(["run", "pebble", one, "-o", str(tmp_path / "one")]) == 0
    assert main(["info", one]) == 0
    assert "Pebbles" in capsys.readouterr().out
    words = ["batch", "pebble", str(tmp_path / "all"), "-o", str(tmp_path / "out")]
    assert main(words) == 0
    assert files_in(tmp_path / "out") == ["batch.csv", "first", "index.html", "second"]
    stamp = (tmp_path / "out" / "first" / "result.json").stat().st_mtime_ns
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "out" / "first" / "result.json").stat().st_mtime_ns == stamp
    with pytest.raises(FileProblem, match="folder"):
        registry.open(tmp_path)


def test_a_file_that_ends_its_process_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_one", pebble.row_or_die)
    for name in ("a", "b-fatal", "c", "d"):
        pebble.write_pebbles(tmp_path / f"{name}.txt")
    tasks = {
        number: batch._Task("pebble", path, tmp_path / "out", {}, 0, "")
        for number, path in enumerate(sorted(tmp_path.glob("*.txt")))
    }
    rows = dict(batch._perform(tasks, 2, None))
    assert [rows[number]["status"] == "done" for number in range(4)] == [True, False, True, True]
    assert "was lost" in rows[1]["status"]


def test_the_index_has_the_largest_residual_first_and_escapes(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {
            "file": "<a>.txt",
            "status": "done",
            "folder": "a & b",
            "residual": 0.01,
            "verdict": "good",
        },
        {"file": "b.txt", "status": "done", "folder": "b", "residual": 0.3, "verdict": "look"},
        {"file": "c.txt", "status": "done", "folder": "c", "residual": None, "verdict": ""},
        {"file": "d.txt", "status": "<broken>"},
    ]
    page = render_index("T & U", tmp_path, rows)
    order = [page.index(word) for word in ("&lt;broken&gt;", "c.txt", "b.txt", "&lt;a&gt;.txt")]
    assert order == sorted(order)
    assert 'href="a%20%26%20b/report.html"' in page
    assert "T &amp; U" in page
    assert "30.0\u202f%" in page


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_batch_on_a_scheduler_gives_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra 'cluster'")
    for name in "ab":
        pebble.write_pebbles(tmp_path / f"{name}.txt", [1.0, 2.0])
    files = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address

        @contextlib.contextmanager
        def connected(asked: str | None) -> Iterator[Any]:
            assert asked == address
            with distributed.Client(cluster) as client:
                yield client

        monkeypatch.setattr(cluster_module, "connected", connected)
        words = ["batch", "pebble", *files]
        assert main([*words, "-o", str(tmp_path / "far"), "--scheduler", address]) == 0
    assert main([*words, "-o", str(tmp_path / "near")]) == 0
    tables = []
    for place in ("far", "near"):
        with (tmp_path / place / "batch.csv").open(newline="") as file:
            tables.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert tables[0] == tables[1]
    assert len(tables[0]) == 2


def test_without_dask_or_a_scheduler_batch_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", "local"]
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main(words) == 2
    assert "pip install distributed" in one_line(capsys)
    assert not (tmp_path / "o").exists()


def test_a_scheduler_that_is_not_there_is_told_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "_PATIENCE_S", 0.3)
    with socket.socket() as taken:  # bound but not listening: nobody answers here
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", address]
        assert main(words) == 2
    told = capfd.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert f"no scheduler answers at {address}" in told[0]
    assert "dask scheduler" in told[0]


def test_what_answers_but_is_no_scheduler_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "_PATIENCE_S", 1.0)

    def answer(server: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed at the end of the test
            while True:
                with server.accept()[0] as visitor:
                    visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        words = ["batch", "pebble", SAMPLE, "-o", str(tmp_path / "o"), "--scheduler", address]
        assert main(words) == 2
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert f"no scheduler answers at {address}" in capfd.readouterr().err


def test_two_processes_give_the_table_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The processes look for installed plugins, so this takes a plugin that is installed."""
    table = "a,b,c,d\n" + "\n".join(
        ",".join(str((i * j) % 7 + 1) for j in range(4)) for i in range(9)
    )
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(table)
    (tmp_path / "broken.csv").write_text("a,b\n1,x\n")
    run_it = [sys.executable, "-m", "partwise", "batch", "matrix"]
    run_it += [str(tmp_path / f"{name}.csv") for name in ("a", "broken", "b")]
    run_it += ["-o", str(tmp_path / "out"), "-p", "rank=2", "-p", "starts=1", "--workers", "2"]
    done = subprocess.run(run_it, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 3, done.stderr
    with (tmp_path / "out/batch.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] == "done" for row in rows] == [True, False, True]
    assert rows[0]["explained"] == rows[2]["explained"]
