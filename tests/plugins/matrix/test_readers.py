"""Tables as people save them: what is read, and what is refused in which words."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import sparse

from partwise.api import Dataset, FileProblem
from partwise_matrix import grid
from partwise_matrix import text as texts
from partwise_matrix.planted import plant_spectra
from partwise_matrix.readers import load_table, probe_excel, probe_numpy, probe_parquet, probe_text
from partwise_matrix.samples import spectra_table

PROBES = (probe_text, probe_numpy, probe_excel, probe_parquet)


def table(folder: Path, text: str | bytes, name: str = "t.csv") -> Dataset:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_table(path)


@pytest.mark.parametrize(
    ("text", "values", "rows", "columns"),
    [
        ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], (), ("a", "b")),
        ("1 2\n3 4\n", [[1, 2], [3, 4]], (), ()),
        (",a,b\n0,1,2\n1,3,4\n", [[1, 2], [3, 4]], ("0", "1"), ("a", "b")),
        ("x\ty\nr1\t1\t2\nr2\t3\t\n", [[1, 2], [3, np.nan]], ("r1", "r2"), ("x", "y")),
        ("n;a;b\nu;1,5;2\nv;3;1e3\n", [[1.5, 2], [3, 1000]], ("u", "v"), ("a", "b")),
        ("1,5;2,5\n3;4,25\n", [[1.5, 2.5], [3, 4.25]], (), ()),
        ("w,4,5,6\nu,1,2,3\nv,4,5,6\n", [[1, 2, 3], [4, 5, 6]], ("u", "v"), ("4", "5", "6")),
        ("# made by a machine\n\n1,2\n3,4\n", [[1, 2], [3, 4]], (), ()),
        ("a|b\n1|NA\n3|4\n", [[1, np.nan], [3, 4]], (), ("a", "b")),
        ('"x, y",b\n1,2\n3,4\n', [[1, 2], [3, 4]], (), ("x, y", "b")),
    ],
)  # fmt: skip
def test_a_text_table_is_read_as_it_is_written(
    tmp_path: Path, text: str, values: Any, rows: tuple[str, ...], columns: tuple[str, ...]
) -> None:
    dataset = table(tmp_path, text)
    assert dataset.kind == "table"
    np.testing.assert_array_equal(dataset.values, values)
    assert dataset.axes[0].labels == rows
    assert dataset.axes[1].labels == columns


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_survive_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    dataset = table(tmp_path, "gewebe,ä,µ\nß,1,2\nÖl,3,4\n".encode(encoding))
    assert dataset.axes[0].labels == ("ß", "Öl")
    assert dataset.axes[1].labels == ("ä", "µ")
    assert dataset.axes[0].name == "gewebe"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n4,5\n", "fewer cells in line 3 (1) than above (2)"),
        ("a,b\n1,2\n3,4,5\n4,5\n", "more cells in line 3 (3) than above (2)"),
        ("a,b\n1,2\n3,x7\n5,6\n7,8\n", "“x7” where a number should be, in line 3, column 2 (“b”)"),
        ('a,b\n"1,234.5",2\n3,4\n5,6\n', "without thousands separators"),
        ("a;b\n8.936;812\n3.063;1.234.567\n512;10.783\n4.500;0\n", "may part thousands"),
        ("a,b\n0,0\n0,\n", "nothing but zeros"),
        ("1,2\n", "at least two rows"),
        ("a,b\n1,inf\n3,4\n", "infinite number in row 1, column 2 (“b”)"),
        ("good day\nto you\n", "no columns of numbers"),
        (b"\xff\xfea", "no text"),
        (bytes(range(256)) * 9, "no text"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "damaged or cut NumPy array"),
        (b"PK\x03\x04" + bytes(80), "damaged or cut"),
        (b"PAR1" + bytes(80), "damaged or cut Parquet"),
        (b"", "empty"),
    ],
)
def test_what_is_no_table_is_refused_in_words(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(FileProblem) as refusal:
        table(tmp_path, text)
    assert words in str(refusal.value)
    assert refusal.value.fix


def test_a_second_column_of_text_is_left_out_and_told(tmp_path: Path) -> None:
    dataset = table(tmp_path, "gene,about,a,b\nA,long,1,2\nB,short,3,4\n")
    assert dataset.axes[0].labels == ("A", "B")
    assert dataset.meta["notes"] == ["left out, as it is text: about"]


def test_numpy_files_keep_their_precision_and_names(tmp_path: Path) -> None:
    X = np.array([[1, 2.5, 0], [3, 4, 5]], np.float32)
    np.save(tmp_path / "x.npy", X)
    dataset = load_table(tmp_path / "x.npy")
    assert dataset.values is not None
    assert dataset.values.dtype == np.float32
    np.savez(tmp_path / "x.npz", other=np.arange(9), X=X.astype(int), rows=["ä", "b"])
    dataset = load_table(tmp_path / "x.npz")
    assert dataset.axes[0].labels == ("ä", "b")
    assert dataset.values is not None
    np.testing.assert_array_equal(dataset.values, [[1, 2, 0], [3, 4, 5]])


def test_names_beside_a_table_are_told_by_how_many_they_are(tmp_path: Path) -> None:
    counts = np.arange(1, 13).reshape(4, 3)
    np.savez(
        tmp_path / "x.npz",
        V=counts,
        samples=["s1", "s2", "s3"],
        tissue=["a", "a", "b", "b"],
        genes=["BRCA1", "ESR1", "a very long name of a gene", "TP53"],
    )
    dataset = load_table(tmp_path / "x.npz")
    np.testing.assert_array_equal(np.asarray(dataset.values), counts)
    assert dataset.axes[0].name == "genes"
    assert dataset.axes[0].labels[1] == "ESR1"
    assert dataset.axes[1].labels == ("s1", "s2", "s3")
    assert dataset.meta["notes"] == ["left out: tissue"]


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_array])
def test_a_sparse_table_of_scipy_is_read(tmp_path: Path, form: Any) -> None:
    dense = np.array([[0, 2, 0, 1], [3, 0, 0, 0], [0, 0, 4, 0]], np.float32)
    sparse.save_npz(tmp_path / "x.npz", form(dense))
    dataset = load_table(tmp_path / "x.npz")
    np.testing.assert_array_equal(np.asarray(dataset.values), dense)
    assert "33 %" in str(dataset.meta["notes"])


def test_a_sparse_table_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    held: dict[str, Any] = {"data": np.ones(3), "indptr": np.array([0, 1, 3])}
    path = tmp_path / "x.npz"
    np.savez(path, indices=np.array([0, 1, 7]), shape=np.array([2, 2]), **held)
    with pytest.raises(FileProblem, match="damaged or cut NumPy archive"):
        load_table(path)
    np.savez(path, indices=np.array([0, 1, 0]), shape=np.array([2_000_000, 2_000]), **held)
    with pytest.raises(FileProblem, match="more than 200 million"):
        load_table(path)


def test_a_packed_table_is_read_and_a_cut_one_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"name,a,b\nx,1,2\ny,3,4\n")
    path = tmp_path / "table.csv.gz"
    path.write_bytes(packed)
    assert probe_text(path) >= 0.3
    assert load_table(path).axes[0].labels == ("x", "y")
    path.write_bytes(packed[:-6])
    with pytest.raises(FileProblem, match="damaged or cut gzip"):
        load_table(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "opened",))

    for name, save in (("p.npy", np.save), ("p.npz", np.savez)):
        save(tmp_path / name, np.array([[Bomb(), 1], [2, 3]], dtype=object), allow_pickle=True)
        with pytest.raises(FileProblem, match="Python objects"):
            load_table(tmp_path / name)
    assert not (tmp_path / "opened").exists()


def test_a_whole_file_of_no_numbers_is_not_called_damaged(tmp_path: Path) -> None:
    for array, said in ((np.ones((2, 2)) * 1j, "complex"), (np.array([["a"]]), "text")):
        np.save(tmp_path / "x.npy", array)
        with pytest.raises(FileProblem, match=f"it holds {said}") as caught:
            load_table(tmp_path / "x.npy")
        assert "damaged" not in str(caught.value)


def test_a_huge_array_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    np.lib.format.open_memmap(path, "w+", np.float64, (200_000, 2_000)).flush()
    with pytest.raises(FileProblem, match="more than 200 million"):
        load_table(path)


def test_a_text_that_unpacks_to_too_much_is_refused_before_it_is_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"a,b,c\n" + b"1,2,3\n" * 5000))
    monkeypatch.setattr(texts, "MOST_CELLS", 1000)
    monkeypatch.setattr(grid, "MOST_CELLS", 1000)
    monkeypatch.setattr(texts, "_numbered", pytest.fail)
    with pytest.raises(FileProblem, match=r"5,002 × 3 entries"):
        load_table(path)


def test_line_ends_of_any_kind_may_stand_in_one_file_and_in_a_name(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'id,"dose\nmg",b\r\nx,1,2\ry,3,4\nz,5,6')
    dataset = load_table(path)
    assert np.asarray(dataset.values).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert dataset.axes[0].labels == ("x", "y", "z")
    assert dataset.axes[1].labels == ("dose mg", "b")


def test_excel_and_parquet_are_read_with_their_names(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    book = openpyxl.Workbook()
    for row in (["gene", "a", "b"], ["X", 1, 2.5], ["Y", None, 4]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    frame = pa.table({"gene": ["X", "Y"], "a": [1.0, None], "b": [2.5, 4.0]})
    parquet.write_table(frame, tmp_path / "t.parquet")
    for name, probe in (("t.xlsx", probe_excel), ("t.parquet", probe_parquet)):
        assert probe(tmp_path / name) >= 0.5
        dataset = load_table(tmp_path / name)
        np.testing.assert_array_equal(dataset.values, [[1, 2.5], [np.nan, 4]])
        assert (dataset.axes[0].labels, dataset.axes[1].labels) == (("X", "Y"), ("a", "b"))
        assert dataset.axes[0].name == "gene"


def test_a_missing_library_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04" + b"xl/workbook.xml" * 9)
    real = importlib.import_module

    def without(name: str) -> Any:
        if name == "openpyxl":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(FileProblem, match="save the table as CSV, or run: pip install openpyxl"):
        load_table(tmp_path / "t.xlsx")


def test_probes_leave_images_and_prose_alone(tmp_path: Path) -> None:
    image, prose = tmp_path / "i.png", tmp_path / "p.txt"
    Image.fromarray(np.zeros((9, 9, 3), np.uint8)).save(image)
    prose.write_text("It was a dark, stormy night; 1 man, 2 dogs.\nThe rain fell.\n", "utf-8")
    assert [probe(image) for probe in PROBES] == [0, 0, 0, 0]
    assert [probe(prose) for probe in PROBES] == [0, 0, 0, 0]
    assert 0 < probe_text(spectra_table()) < 0.5  # leaves room for who knows the columns


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(junk=st.binary(max_size=400))  # fmt: skip
def test_any_bytes_are_a_table_or_refused(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk.csv"
    path.write_bytes(junk)
    assert all(0 <= probe(path) <= 1 for probe in PROBES)
    try:
        dataset = load_table(path)
    except FileProblem:
        return
    assert dataset.values is not None
    assert dataset.values.ndim == 2


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    comma=st.booleans(),
    named=st.booleans(),
    data=st.data(),
)  # fmt: skip
def test_what_is_written_comes_back(
    tmp_path: Path, delimiter: str, comma: bool, named: bool, data: st.DataObject
) -> None:
    number = st.floats(0.001, 1e6, allow_nan=False).map(lambda v: round(v, 3))
    columns = data.draw(st.integers(2, 5))
    rows = data.draw(st.lists(st.lists(number, min_size=columns, max_size=columns), min_size=3))
    comma = comma and delimiter != ","
    lines = []
    for k, row in enumerate(rows):
        cells = [repr(value) for value in row]
        cells = [cell.replace(".", ",") for cell in cells] if comma else cells
        lines.append(delimiter.join([f"row{k}", *cells] if named else cells))
    (tmp_path / "w.csv").write_text("\n".join(lines), "utf-8")
    dataset = load_table(tmp_path / "w.csv")
    np.testing.assert_array_equal(dataset.values, rows)
    assert len(dataset.axes[0].labels) == (len(rows) if named else 0)


def test_the_sample_is_what_its_maker_makes() -> None:
    planted, dataset = plant_spectra(), load_table(spectra_table())
    np.testing.assert_array_equal(dataset.values, planted.table)
    assert dataset.axes[0].labels == planted.rows
    assert dataset.meta["missing"] == np.isnan(planted.table).sum() > 0
