"""Tar layers: decompression, a strict reader, what makes a tree of an archive, what makes an archive of a tree."""
