"""The kit for authors of plugins: the contract, checked; a first plugin, written."""
