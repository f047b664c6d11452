"""What docker's prune commands print: the objects that are gone under a title, and the space that they took."""

from __future__ import annotations

from argosy import human

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from argosy.cli.output import Output
    from argosy.containers.state import ContainerView
    from argosy.engine import Engine
    from argosy.images.inventory import Image
    from argosy.volumes.named import Volume


def show(out: Output, title: str, lines: Sequence[str], freed_bytes: int) -> None:
    """Print all of it; no title where nothing is gone."""
    for line in (f"{title}:", *lines, "") if lines else ():
        out.line(line)
    out.line(f"Total reclaimed space: {human.close_size(freed_bytes)}")


def container_bytes(engine: Engine, views: Iterable[ContainerView]) -> dict[str, int]:
    """What the containers have written, by id."""
    return {v.id: engine.containers.sizes(v.id, v.record["image"]["manifest_digest"]).rw_bytes for v in views}


def volume_bytes(engine: Engine, volumes: Iterable[Volume]) -> dict[str, int]:
    """What is in the volumes, by name."""
    from argosy.containers.sizes import tree_bytes
    from argosy.volumes import named

    return {volume.name: tree_bytes(named.data_path(engine.store, volume.name)) for volume in volumes}


def total(sizes: Mapping[str, int], names: Iterable[str]) -> int:
    """The size of those that are gone."""
    return sum(sizes.get(name, 0) for name in names)


def image_lines(images: Iterable[Image], removed: Sequence[str]) -> list[str]:
    """One line for each name that is gone, and one for each image."""
    from argosy.cli.podman._images_docker import familiar

    names = {image.id: [familiar(str(name)) for name in image.names] for image in images}
    lines = []
    for image_id in removed:
        lines += [f"untagged: {name}" for name in names.get(image_id, ())]
        lines.append(f"deleted: sha256:{image_id}")
    return lines
