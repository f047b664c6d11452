"""Unit tests of argosy.images: real stores on temporary directories, sources in memory."""
