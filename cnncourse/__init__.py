"""Convolutional neural networks, taught by hand and tested against torch."""

__version__ = "0.1.0"
