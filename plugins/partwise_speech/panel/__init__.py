"""See, hear and teach: what stands under the stage and beside the form for a recording."""

from __future__ import annotations

from partwise_speech.panel.board import Panel

__all__ = ["Panel"]
