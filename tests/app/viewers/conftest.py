from __future__ import annotations

import gc

import pytest


@pytest.fixture(scope="session", autouse=True)
def _libraries_are_swept_once() -> None:
    """Set the libraries' objects aside: each test sweeps the heap to see what it left behind."""
    import partwise.data.mixing  # noqa: F401  brings the compiler along, most of the heap

    gc.collect()
    gc.freeze()
