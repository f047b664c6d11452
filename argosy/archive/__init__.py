"""Tar layers: decompression, a strict reader, the applier that makes a tree of one, the writer that makes one of a tree."""
