"""The contract between Partwise and a plugin, the registry, and isolation of what fails."""
