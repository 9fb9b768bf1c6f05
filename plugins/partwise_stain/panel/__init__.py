"""The panel: vectors, regions, checks and colours of another slide, beside form and stage."""

from __future__ import annotations

from partwise_stain.panel.board import Panel

__all__ = ["Panel"]
