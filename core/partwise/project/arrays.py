"""How is an array read from a file that a stranger sent? By a header we check ourselves.

NPY format version 1.0 (numpy enhancement proposal 1), a small part of it: plain numbers, no
structures, no objects. The header is checked against the member's size before a byte of data
is believed.
"""

from __future__ import annotations

import ast
import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["pack", "unpack"]

_MAGIC = b"\x93NUMPY\x01\x00"
_KINDS = frozenset("biuf")  # no complex number, text, date or object belongs to a result
_MOST_AXES = 8
_LONGEST_HEADER = 4096


def pack(array: NDArray[Any]) -> memoryview:
    """Return the NPY bytes of an array of plain numbers, little-endian, C order.

    They are copied once, and by NumPy: what copies bytes in Python keeps the window from working
    for as long, and an hour of sound has a hundred million of them.
    """
    if array.dtype.kind not in _KINDS:
        msg = f"an array of {array.dtype} has no place in a project"
        raise TypeError(msg)
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    header = io.BytesIO()
    facts = np.lib.format.header_data_from_array_1_0(plain)
    np.lib.format.write_array_header_1_0(header, facts)
    text = np.frombuffer(header.getvalue(), np.uint8)
    out = np.empty(text.size + plain.nbytes, np.uint8)
    out[: text.size] = text
    out[text.size :] = plain.reshape(-1).view(np.uint8)
    return out.data


def unpack(data: bytes | memoryview) -> NDArray[Any]:
    """Return the array of NPY bytes; raises `ValueError` where they are not what `pack` writes."""
    if data[:8] != _MAGIC or len(data) < 10:
        msg = "it is no NPY 1.0 array"
        raise ValueError(msg)
    length = int.from_bytes(data[8:10], "little")
    if length > _LONGEST_HEADER or 10 + length > len(data):
        msg = "its header is longer than the member"
        raise ValueError(msg)
    dtype, shape, fortran = _header(bytes(data[10 : 10 + length]))
    if math.prod(shape) * dtype.itemsize != len(data) - 10 - length:
        msg = "its shape does not fit its size"
        raise ValueError(msg)
    flat = np.frombuffer(data, dtype, offset=10 + length)
    order: Any = "F" if fortran else "C"
    return flat.reshape(shape, order=order).astype(dtype.newbyteorder("="))


def _header(text: bytes) -> tuple[np.dtype[Any], tuple[int, ...], bool]:
    try:
        header = ast.literal_eval(text.decode("latin-1").strip())
        descr, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, MemoryError, RecursionError) as error:
        msg = "its header cannot be read"
        raise ValueError(msg) from error
    sound = (
        isinstance(descr, str)
        and len(descr) == 3
        and descr[0] in "<|"
        and descr[1] in _KINDS
        and descr[2] in "1248"
        and isinstance(fortran, bool)
        and isinstance(shape, tuple)
        and len(shape) <= _MOST_AXES
        and all(type(n) is int and n >= 0 for n in shape)
    )
    if not sound:
        msg = "its header asks for something that no project holds"
        raise ValueError(msg)
    try:
        return np.dtype(descr), shape, fortran
    except TypeError as error:
        msg = f"its type {descr} is unknown"
        raise ValueError(msg) from error
