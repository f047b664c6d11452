"""What is raised where something would have to be written into a store that cannot be written to."""

from __future__ import annotations

from argosy.errors import ArgosyError


class ReadOnly(ArgosyError):
    """The store is on a read-only file system."""

    def __init__(self, root: str) -> None:
        super().__init__(
            f"the store at {root} is on a read-only file system",
            hint=f"use its images from a store of your own: --storage-opt additionalimagestore={root}",
        )
