"""Texts as vectors: the encoder, its calibration, and how it is trained."""
