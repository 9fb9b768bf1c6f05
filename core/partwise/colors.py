"""Which colour does a part get? Ten that colour-blind eyes tell apart, by lightness as well."""

from __future__ import annotations

__all__ = ["color_of"]

# After the schemes of Okabe and Ito (2008) and of Tol (2021), with lightness spread out.
_COLORS = (
    "#3f8fd2",
    "#e08a2c",
    "#2a9d6f",
    "#d1477a",
    "#8f7fe0",
    "#b5a42e",
    "#56c7d6",
    "#b3562b",
    "#9aa3ad",
    "#6c8f3a",
)


def color_of(number: int) -> str:
    """Return the colour of part `number`, counted from 1; after ten they come again."""
    return _COLORS[(number - 1) % len(_COLORS)]
