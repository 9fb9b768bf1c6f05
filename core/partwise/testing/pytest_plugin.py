"""What does Partwise bring to pytest? One fixture, which imports nothing before it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from partwise.plugins.contract import Plugin

__all__ = ["keeps_contract"]


@pytest.fixture
def keeps_contract() -> Callable[[Plugin], None]:
    """Return a function that fails the test with every rule of the contract a plugin breaks."""

    def check(plugin: Plugin) -> None:
        from partwise.testing.contract import check_plugin

        findings = check_plugin(plugin)
        if findings:
            broken = "\n".join(f"  {finding.rule}: {finding.what}" for finding in findings)
            pytest.fail(f"{plugin.id} breaks the contract\n{broken}", pytrace=False)

    return check
