"""By which names are sounds known? Those that our library reads, and those that are unpacked."""

from __future__ import annotations

__all__ = ["PACKED", "PATTERNS", "PLAIN"]

PLAIN = (
    "*.wav",
    "*.flac",
    "*.ogg",
    "*.oga",
    "*.opus",
    "*.mp3",
    "*.aif",
    "*.aiff",
    "*.caf",
    "*.w64",
    "*.au",
    "*.rf64",
)
PACKED = (
    "*.m4a",
    "*.m4b",
    "*.mp4",
    "*.m4v",
    "*.mov",
    "*.3gp",
    "*.aac",
    "*.amr",
    "*.wma",
    "*.wmv",
    "*.mka",
    "*.mkv",
    "*.webm",
    "*.avi",
)
PATTERNS = (*PLAIN, *PACKED)
