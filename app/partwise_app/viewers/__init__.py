"""Pictures of data: images by tiles, curves, scatters; each draws values it is given."""
