"""The PET panel: anchors by click, region tools, the frame table."""

from __future__ import annotations

from partwise_pet.panel.board import Panel

__all__ = ["Panel"]
