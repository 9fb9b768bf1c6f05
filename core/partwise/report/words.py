"""How are numbers written for people? Alike in every kind of report."""

from __future__ import annotations

import math

__all__ = ["VERDICTS", "cell_text", "number", "percent", "safe_color"]

# Verdict: (sign, words). The sign is said in words as well: colour alone says nothing to some.
VERDICTS = {"good": ("✓", "good"), "look": ("!", "worth a look"), "bad": ("×", "not good")}
_NARROW = "\u202f"  # a space that does not break


def number(value: float) -> str:
    """Return a number with four digits; a dash where there is none.

    Examples
    --------
    >>> number(-0.51234), number(float("nan")), number(7)
    ('−0.5123', '–', '7')
    """
    if isinstance(value, int):
        return f"{value:,}".replace(",", _NARROW).replace("-", "−")
    if not math.isfinite(value):
        return "–"
    digits, _, power = f"{value:.4g}".partition("e")
    # Scientific notation as it is printed, not as it is typed.
    text = f"{digits} × 10{_superscript(int(power))}" if power else digits
    return text.replace("-", "−")


def percent(value: float) -> str:
    """Return a fraction as a percentage with one decimal; a dash where there is none."""
    return f"{100 * value:.1f}{_NARROW}%".replace("-", "−") if math.isfinite(value) else "–"


def cell_text(cell: str | float) -> str:
    """Return a table's cell as text."""
    return cell if isinstance(cell, str) else number(cell)


def safe_color(color: str) -> str:
    """Return a colour if it is written ``#rrggbb``, else grey."""
    digits = color.removeprefix("#")
    sound = (
        len(color) == 7 and len(digits) == 6 and all(c in "0123456789abcdefABCDEF" for c in digits)
    )
    return color if sound else "#888888"


def _superscript(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
