"""Blood and tissue curves from a dynamic PET series, with their doubt shown."""
