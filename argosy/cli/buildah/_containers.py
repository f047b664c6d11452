"""The working containers, for all commands on them."""

from __future__ import annotations

import os

from argosy.cli.flags import Flag
from argosy.errors import ArgosyError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from argosy.build.containers import WorkingContainers
    from argosy.build.containers.record import WorkingRecord
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.engine import Engine

MISSING = "container ID must be specified"
ADD_HISTORY = Flag("add-history", help="Add an entry for this operation to the image's history")


def known(engine: Engine) -> WorkingContainers:
    """The working containers of the store."""
    return engine.build().containers


def find(containers: WorkingContainers, text: str) -> WorkingRecord:
    """The container that was named, or buildah's complaint."""
    try:
        return containers.find(text)
    except NotFound:
        raise ArgosyError(f'reading build container "{text}": container not known') from None


def open_inside(opener: Opener, words: str, out: Output) -> Engine:
    """The engine, where what is mounted can be seen by whoever asked.  Raises ArgosyError outside of `unshare`."""
    from argosy.cli.podman import image_mount

    return image_mount.open_inside(opener, words, out)


def each(texts: Sequence[str], act: Callable[[str], str], out: Output, what: str) -> int:
    """Do it for each container and print what it gives; goes on after errors.  `what` begins the complaint."""
    from argosy.cli.errors import report

    status = 0
    for text in texts:
        try:
            out.line(act(text))
        except NotFound:
            status = report(ArgosyError(f"{what.format(text)}: container not known"), out)
        except ArgosyError as error:
            status = report(error, out)
    return status


def tells_history(flag: bool) -> bool:  # noqa: FBT001 -- the flag as it came
    """--add-history, or BUILDAH_HISTORY."""
    return flag or os.environ.get("BUILDAH_HISTORY", "").lower() in ("1", "true")


def tell(containers: WorkingContainers, container_id: str, words: str) -> None:
    """Add a step to the history of the image to come."""
    from argosy.build.containers.record import told

    containers.change(container_id, lambda record: told(record, words))
