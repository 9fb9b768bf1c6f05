"""The document, its history, its file, its links to inputs, and where results came from."""
