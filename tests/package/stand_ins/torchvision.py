"""Stands in for torchvision, whose version is asked for."""
__version__ = "stand-in"
