"""Cove without its pixels: state, tokens, models and the processes that hold them."""

__version__ = "0.1.0"
