"""Muscle synergies: which muscles work together, and when in the cycle."""
