"""The tests; a package by name, so that no library's own ``tests`` comes before it."""
