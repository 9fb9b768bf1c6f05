"""The Qt shell of Partwise: one window over one session; draws documents, imports no plugin."""
