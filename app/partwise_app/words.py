"""In which language does the window speak? Every text that a person reads passes here.

Texts are English in the source and looked up when they are shown. Names that come from data,
plugins or the person are values and are never translated.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

__all__ = ["CONTEXT", "mark", "tr"]

CONTEXT = "Partwise"


def tr(text: str, /, **values: object) -> str:
    """Return a text in the language of the window, with values put in by name.

    Examples
    --------
    >>> tr("Open {name}", name="slide.svs")
    'Open slide.svs'
    """
    said = QCoreApplication.translate(CONTEXT, text) if text else text
    return said.format(**values) if values else said


def mark(text: str) -> str:
    """Return a text as it is, to be translated when it is shown: for tables made at import."""
    return text
