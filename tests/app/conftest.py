"""What tests of the window ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.app.desktop import Desktop

from partwise_app.theme import Theme


@pytest.fixture(scope="session")
def theme(qapp: Any) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def desktop(
    qtbot: Any, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desktop]:
    monkeypatch.setenv("PARTWISE_STATE", str(tmp_path / "state"))
    theme.set_mode("dark")
    made = Desktop(qtbot, theme, tmp_path)
    yield made
    made.close()
