"""Datasets with named axes and units, image pyramids, fingerprints of inputs, mixing models."""
