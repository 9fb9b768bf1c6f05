"""Stain deconvolution: which dyes, how much of each, in a pixel of a stained slide?"""
