"""What colours, type and spacing does every widget use?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette

from partwise_app.keyed import Keyed
from partwise_resources import resource

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

__all__ = ["DARK", "LIGHT", "Theme", "Tokens", "contrast", "mixed", "stylesheet"]

_FONTS = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")
_BASE_PX = 13


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


def mixed(first: str, second: str, amount: float) -> str:
    """Return the colour `amount` (0 to 1) of the way from `first` to `second`."""
    a, b = QColor(first), QColor(second)
    channels = (
        round(x + (y - x) * amount)
        for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True)  # type: ignore[index]  # the stubs call the tuple an object
    )
    return QColor(*channels).name()


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def stylesheet(tokens: Tokens) -> str:
    """Return the application's style sheet in the colours of a theme."""
    template = Template(Path(__file__).with_name("style.qss").read_text(encoding="utf-8"))
    derived = {
        "accent_hover": mixed(tokens.accent, tokens.text, 0.18),
        "faint": mixed(tokens.muted, tokens.window, 0.45),
    }
    return template.substitute(asdict(tokens), **derived)


class Theme(QObject):
    """Which theme is on, and the application dressed in it.

    Parameters
    ----------
    app : QApplication
    mode : {"system", "dark", "light"}
        ``"system"`` follows the desktop, also while the application runs.
    """

    changed = Signal(object)  # Tokens

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode = mode
        self._tokens = DARK
        _load_fonts(app)
        app.setStyle("Fusion")
        Keyed(app)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self.set_mode(mode)

    @property
    def mode(self) -> str:
        return self._mode

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    def set_mode(self, mode: str) -> None:
        """Choose ``"system"``, ``"dark"`` or ``"light"`` and dress the application anew."""
        self._mode = mode
        self._tokens = LIGHT if self._wants_light() else DARK
        self._app.setPalette(_palette(self._tokens))
        self._app.setStyleSheet(stylesheet(self._tokens))
        self.changed.emit(self._tokens)

    def _wants_light(self) -> bool:
        if self._mode != "system":
            return self._mode == "light"
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light

    def _on_system_changed(self) -> None:
        if self._mode == "system":
            self.set_mode("system")


def _load_fonts(app: QApplication) -> None:
    """Carry the type with us: a bare machine may have no fonts at all."""
    for name in _FONTS:
        QFontDatabase.addApplicationFont(str(resource("fonts", name)))
    font = QFont("Inter")
    font.setPixelSize(_BASE_PX)
    app.setFont(font)


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for which, color in (
        (role.Window, tokens.window),
        (role.WindowText, tokens.text),
        (role.Base, tokens.window),
        (role.AlternateBase, tokens.raised),
        (role.Text, tokens.text),
        (role.PlaceholderText, tokens.muted),
        (role.Button, tokens.raised),
        (role.ButtonText, tokens.text),
        (role.BrightText, tokens.bad),
        (role.Highlight, tokens.accent),
        (role.HighlightedText, tokens.on_accent),
        (role.ToolTipBase, tokens.raised),
        (role.ToolTipText, tokens.text),
        (role.Link, tokens.accent),
        (role.Mid, tokens.muted),
        (role.Light, tokens.hover),
        (role.Dark, tokens.line),
        (role.Shadow, tokens.canvas),
    ):
        palette.setColor(which, QColor(color))
    for which in (role.Text, role.ButtonText, role.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.muted))
    return palette


def _luminance(color: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

    c = QColor(color)
    return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF())
