"""What colours, type and spacing does every widget use?"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DARK", "LIGHT", "Tokens"]


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as ``#rrggbb``; one accent, data brighter than the frame."""

    name: str
    canvas: str  # behind the data
    window: str
    raised: str  # fields, buttons
    hover: str
    selected: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    good: str
    look: str
    bad: str


DARK = Tokens(
    name="dark",
    canvas="#14171a",
    window="#1e2226",
    raised="#272c31",
    hover="#30363c",
    selected="#22364a",
    line="#343a40",
    text="#e4e7ea",
    muted="#98a1aa",
    accent="#4b9fea",
    on_accent="#0d1b28",
    good="#58b982",
    look="#dfae4a",
    bad="#e2706a",
)
LIGHT = Tokens(
    name="light",
    canvas="#eef0f2",
    window="#fbfbfc",
    raised="#eff1f3",
    hover="#e4e8ec",
    selected="#d9e8f6",
    line="#dcdfe3",
    text="#1c2126",
    muted="#5d6771",
    accent="#1b6ec2",
    on_accent="#ffffff",
    good="#1e8a57",
    look="#8f6200",
    bad="#b93a34",
)
