"""Mutable objects as directories: the shelf."""
