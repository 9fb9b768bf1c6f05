"""Questions and pages that stand before the window for a moment."""
