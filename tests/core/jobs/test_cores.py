"""Do processes that compute side by side share the cores, and leave alone what a person has set?"""

from __future__ import annotations

import os

import pytest

from partwise.jobs import cores

_NAMES = ("PARTWISE_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_NAMES, "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cores, "count", lambda: 8)


@pytest.mark.parametrize(("processes", "each"), [(1, "8"), (2, "4"), (3, "2"), (40, "1")])
def test_cores_are_divided_and_nobody_gets_none(processes: int, each: str) -> None:
    with cores.divided(processes):
        assert [os.environ[name] for name in _NAMES] == [each] * 4
    assert not set(_NAMES) & set(os.environ)


def test_what_a_person_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTWISE_THREADS", "3")
    with cores.divided(2):
        assert os.environ["PARTWISE_THREADS"] == "3"
        assert os.environ["OMP_NUM_THREADS"] == "4"
    assert os.environ["PARTWISE_THREADS"] == "3"
