"""Every action once: menus, keys, palette and the page of shortcuts are readings of this table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COMMANDS", "MENUS", "Command", "command", "shortcut_text"]


@dataclass(frozen=True)
class Command:
    """One action.

    Attributes
    ----------
    id : str
        Stable name, also the name of the method that does it (``file_open``).
    title : str
        Words in menus and palette; "…" where a question follows.
    menu : str
        Title of its menu.
    shortcut : str
        Portable key sequence, or empty.
    when : str
        Fact of the session that enables it; empty for always.
    group : int
        Commands of a menu are divided by lines where this number changes.
    icon : str
        Name of its picture, or empty.
    argument : str
        What its method is called with; empty for nothing.
    choice : str
        Name of the state that the command shows as checked; empty where it has none.
    """

    id: str
    title: str
    menu: str
    shortcut: str = ""
    when: str = ""
    group: int = 0
    icon: str = ""
    argument: str = ""
    choice: str = ""

    @property
    def deed(self) -> str:
        """Name of the method that does it."""
        return self.id.partition(":")[0]


MENUS = ("File", "Edit", "View", "Run", "Help")

_MODES = (
    ("whole", "Whole"),
    ("compare", "Compare, with a line to drag"),
    ("side", "Side by side"),
    ("parts", "Parts"),
    ("residual", "Residual"),
)
_THEMES = (("system", "Theme: as the system"), ("dark", "Theme: dark"), ("light", "Theme: light"))

COMMANDS: tuple[Command, ...] = (
    Command("file_open", "Open…", "File", "Ctrl+O", icon="open"),
    Command("file_record", "Record a voice…", "File", ""),
    Command("file_save", "Save project", "File", "Ctrl+S", "writable", 1, "save"),
    Command("file_save_as", "Save project as…", "File", "Ctrl+Shift+S", "savable", 1),
    Command(
        "file_pack:on",
        "Pack inputs into the project",
        "File",
        "",
        "savable",
        1,
        "",
        "on",
        "packing",
    ),
    Command("file_export", "Export…", "File", "Ctrl+E", "whole", 2, "export"),
    Command("file_report", "Save report…", "File", "Ctrl+Shift+R", "whole", 2, "report"),
    Command("file_picture", "Save figure…", "File", "Ctrl+Shift+E", "source", 2, "image"),
    Command("file_relink", "Find a missing file…", "File", "", "missing", 3, "link"),
    Command("file_look", "Open the newer project for a look", "File", "", "newer", 3),
    Command("file_recover", "Recover work", "File", "", "", 3),
    Command("file_close", "Close project", "File", "Ctrl+W", "project", 4),
    Command("file_quit", "Quit", "File", "Ctrl+Q", "", 5),
    Command("edit_undo", "Undo", "Edit", "Ctrl+Z", "undo", icon="undo"),
    Command("edit_redo", "Redo", "Edit", "Ctrl+Shift+Z", "redo", icon="redo"),
    Command("edit_copy_picture", "Copy picture", "Edit", "Ctrl+Shift+C", "source", 1, "copy"),
    Command("edit_copy_table", "Copy table of parts and measures", "Edit", "Ctrl+Alt+C", "run", 1),
    Command("edit_reset_strips", "Take corrections back", "Edit", "", "corrected", 2),
    Command("edit_rename", "Rename what is looked at", "Edit", "F2", "listed", 3),
    Command("edit_remove", "Remove what is looked at", "Edit", "", "listed", 3),
    Command("edit_preferences", "Settings…", "Edit", "Ctrl+,", "", 4, "settings"),
    *(
        Command(f"view_mode:{mode}", title, "View", f"Ctrl+{k}", "source", 0, "", mode, "mode")
        for k, (mode, title) in enumerate(_MODES, 1)
    ),
    *(
        Command(
            f"view_toggle:{k}", f"Show or hide part {k}", "View", f"{k}", f"part-{k}", 1, "", f"{k}"
        )
        for k in range(1, 10)
    ),
    Command("view_toggle:0", "Show or hide the residual", "View", "0", "run", 1, "", "0"),
    Command("view_compare_runs", "Compare with another run…", "View", "Ctrl+D", "two-runs", 5),
    Command("view_fit", "Fit to window", "View", "Ctrl+0", "source", 2, "fit"),
    Command("view_zoom_in", "Zoom in", "View", "Ctrl++", "source", 2, "zoom-in"),
    Command("view_zoom_out", "Zoom out", "View", "Ctrl+-", "source", 2, "zoom-out"),
    Command("view_actual", "Zoom to 100 %", "View", "Ctrl+Alt+0", "source", 2),
    *(
        Command(f"view_theme:{mode}", title, "View", "", "", 3, "theme", mode, "theme")
        for mode, title in _THEMES
    ),
    Command("view_reset", "Reset layout", "View", "", "", 4),
    Command("run_start", "Run", "Run", "Ctrl+R", "runnable", 0, "run"),
    Command(
        "run_from_here", "Run on, keeping what I corrected", "Run", "Ctrl+Shift+Return", "steered"
    ),
    Command("run_anew", "Run anew", "Run", "Ctrl+Alt+R", "runnable", 0),
    Command("run_stop", "Stop", "Run", "Ctrl+.", "stoppable", 0, "stop"),
    Command("run_defaults", "Set all parameters to their defaults", "Run", "", "source", 1),
    Command("help_palette", "Search commands…", "Help", "Ctrl+K", "", 0, "search"),
    Command("help_shortcuts", "Keyboard shortcuts", "Help", "F1", "", 0, "command"),
    Command("help_plugins", "Plugins", "Help", "", "", 1, "plugin"),
    Command("help_log", "Log of this session", "Help", "", "", 1),
    Command("help_about", "About Partwise", "Help", "", "", 2, "info"),
)
_BY_ID = {entry.id: entry for entry in COMMANDS}


def command(command_id: str) -> Command:
    """Return a command by its id; raises `KeyError`."""
    return _BY_ID[command_id]


def shortcut_text(command_id: str) -> str:
    """Return ``" (Ctrl+R)"`` for a tooltip, or nothing where there is no shortcut."""
    keys = _BY_ID[command_id].shortcut
    return f" ({keys})" if keys else ""
