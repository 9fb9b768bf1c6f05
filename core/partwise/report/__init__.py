"""What a run leaves for people: its folder of files, and the report."""
