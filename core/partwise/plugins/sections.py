"""What does a plugin keep in the project? Its own JSON, brought up to date step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from partwise.errors import AnalysisProblem
from partwise.plugins.contract import Plugin
from partwise.plugins.registry import resolve

__all__ = ["read_section", "section_name", "written_section"]

_VERSION = "version"


def section_name(plugin: Plugin) -> str:
    """Return under which name a plugin keeps its own JSON: that of its section, else its id."""
    return plugin.section.name if plugin.section is not None else plugin.id


def read_section(plugin: Plugin, sections: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a plugin kept, as its present version writes it; empty where it kept nothing.

    Keys that the plugin does not know are handed over too, so that they survive a save.

    Raises
    ------
    AnalysisProblem
        What was kept is of a newer version, or cannot be brought up to date.
    """
    stored = sections.get(section_name(plugin))
    if not isinstance(stored, Mapping):
        return {}
    data = {key: value for key, value in stored.items() if key != _VERSION}
    if plugin.section is None:
        return data
    version = stored.get(_VERSION, 1)
    wanted = plugin.section.version
    if not isinstance(version, int) or version > wanted:
        raise AnalysisProblem(
            f"what {plugin.title} kept in this project is of its version {version}, "
            f"this one knows {wanted}",
            fix="update the plugin; what it kept stays in the project",
        )
    try:
        migrate = resolve(plugin.section.migrate) if version < wanted else None
        for step in range(version, wanted):
            data = dict(migrate(step, data)) if migrate is not None else data
    except Exception as error:
        raise AnalysisProblem(
            f"what {plugin.title} kept in this project cannot be read ({error})",
            fix="report it to the plugin's author; what it kept stays in the project",
        ) from error
    return data


def written_section(plugin: Plugin, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes into the project for `data`: with the version that wrote it."""
    if plugin.section is None:
        return dict(data)
    return {**data, _VERSION: plugin.section.version}
