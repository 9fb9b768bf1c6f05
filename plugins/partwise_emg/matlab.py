"""What arrays does a MATLAB 7.3 file hold? It is HDF5, written from the last axis to the first.

MATLAB says in an attribute of each dataset what it was: numbers, text as numbers of letters, a
cell as references to datasets elsewhere, a structure as a group. Whatever would lead out of the
file, or unpack to more than fits, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partwise.api import FileProblem
from partwise_emg.containers import MOST_VALUES

__all__ = ["members_of"]

_CLASS = "MATLAB_class"
_EMPTY = "MATLAB_empty"
_HIDDEN = "#"  # MATLAB's own groups: what references lead to
_DEEPEST = 4
_MOST_CELLS = 4096
_PACKED = (None, "gzip", "szip", "lzf")  # filters that come with the library; others are code
_AGAIN = "save it again with save(name, '-v7')"


def members_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a MATLAB 7.3 file by name; those of a structure as ``name/field``.

    Axes are in MATLAB's order and axes of one entry are left out, as in files of version 7. Text
    is an array of strings.

    Raises
    ------
    FileProblem
        Damaged or cut, too large, or leading out of the file.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return dict(_walked(path, file, file, "", 0))
    except FileProblem:
        raise
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, MemoryError) as error:
        raise FileProblem(path, "is a damaged or cut MATLAB 7.3 file", fix=_AGAIN) from error


def _walked(
    path: Path, file: Any, group: Any, above: str, depth: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    import h5py

    for name in group:
        if name.startswith(_HIDDEN):
            continue
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FileProblem(path, f"has a member {name!r} that leads elsewhere", fix=_AGAIN)
        member = group[name]
        if isinstance(member, h5py.Dataset):
            value = _value(path, file, member)
            if value is not None:
                yield f"{above}{name}", value
        elif isinstance(member, h5py.Group) and depth < _DEEPEST:
            yield from _walked(path, file, member, f"{above}{name}/", depth + 1)


def _value(path: Path, file: Any, member: Any) -> NDArray[Any] | None:
    """The array of one dataset; None for kinds that are no numbers and no text."""
    if _EMPTY in member.attrs:
        return None
    if member.is_virtual or member.external or member.compression not in _PACKED:
        raise FileProblem(path, f"has data {member.name!r} that lie elsewhere", fix=_AGAIN)
    if member.size > MOST_VALUES:
        raise FileProblem(path, "is too long for one analysis", fix="cut the trial out")
    kind = _kind(member)
    if kind == "char":
        return np.asarray(_text(member[()]))
    if kind == "cell":
        return _texts(path, file, member)
    if member.dtype.kind not in "fiub":
        return None
    return np.asarray(member[()]).T.squeeze()


def _kind(member: Any) -> str:
    """What it was in MATLAB: ``double``, ``char``, ``cell``."""
    kind = member.attrs.get(_CLASS, "")
    return kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)


def _texts(path: Path, file: Any, cells: Any) -> NDArray[Any] | None:
    """The texts of a cell array, from first to last; None if any of its cells is no text."""
    import h5py

    if cells.size > _MOST_CELLS or h5py.check_ref_dtype(cells.dtype) is not h5py.Reference:
        return None
    words = []
    for reference in np.asarray(cells[()]).T.ravel():
        cell = file[reference] if reference else None
        if not isinstance(cell, h5py.Dataset) or _kind(cell) != "char":
            return None
        value = _value(path, file, cell)
        words.append("" if value is None else str(value))
    return np.asarray(words)


def _text(letters: NDArray[Any]) -> str:
    """A row of letters; MATLAB keeps them as UTF-16."""
    return np.asarray(letters).T.ravel().astype("<u2").tobytes().decode("utf-16-le", "replace")
