"""The panel: channels, filters, cycles, rules and norms, beside form and stage."""

from __future__ import annotations

from partwise_emg.panel.board import Panel

__all__ = ["Panel"]
