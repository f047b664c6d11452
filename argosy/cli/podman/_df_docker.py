"""`docker system df`: docker's lines, its four tables of --verbose, and the fields of its templates.

Of the build cache docker's own tables are always empty: what argosy keeps between builds are images and layers.
"""

from __future__ import annotations

from argosy import human
from argosy.cli.documents import html_safe
from argosy.cli.podman import _docker_lists, _images_docker, _ps_docker, _volume_docker
from argosy.cli.podman._docker_lists import Kind, Row
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.cli.podman._docker_lists import Fields
    from argosy.cli.podman.system_df import ContainerUsage, Total, VolumeUsage
    from argosy.images.usage import ImageUsage

_SUMMARY = Kind(
    "*formatter.diskUsageContext",
    {"Active": "ACTIVE", "Reclaimable": "RECLAIMABLE", "Size": "SIZE", "TotalCount": "TOTAL", "Type": "TYPE"},
    ("Type", "TotalCount", "Active", "Size", "Reclaimable"),
)
_IMAGES = Kind(
    _images_docker.TYPE_NAME,
    _images_docker.HEADINGS,
    ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"),
)
_CONTAINERS = Kind(
    _ps_docker.TYPE_NAME,
    _ps_docker.HEADINGS,
    ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"),
)
_VOLUMES = _volume_docker.KIND.replace(columns=("Name", "Links", "Size"))
_CACHE = Kind(
    "*formatter.buildCacheContext",
    {name: name for name in ("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED")},
    ("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED"),
)


class Details(Value):
    """What --verbose shows."""

    images: tuple[ImageUsage, ...]
    containers: tuple[ContainerUsage, ...]
    volumes: tuple[VolumeUsage, ...]


def summary(totals: list[Total], format_: str | None, out: Output) -> None:
    """One line for each kind of object."""
    rows = [
        {
            "Active": str(total.active),
            "Reclaimable": _share(total.reclaimable_bytes, total.size_bytes),
            "Size": human.close_size(total.size_bytes),
            "TotalCount": str(total.count),
            "Type": total.kind,
        }
        for total in totals
    ]
    cache = {"Active": "0", "Reclaimable": "0B", "Size": "0B", "TotalCount": "0", "Type": "Build Cache"}
    _docker_lists.show(out, _SUMMARY, [Row(row) for row in (*rows, cache)], format_)


def _share(count: int, whole: int) -> str:
    words = human.close_size(count)
    return f"{words} ({count * 100 // whole}%)" if whole else words


def verbose(details: Details, format_: str | None, now_s: float, out: Output) -> None:
    """One line for each object, kind by kind, or all of them at once as JSON or to a template."""
    images = [_image(one) for one in details.images]
    containers = [_container(one, now_s) for one in details.containers]
    volumes = [_volume(one) for one in details.volumes]
    if format_ is not None and format_ != "table":
        _formatted({"Images": images, "Containers": containers, "Volumes": volumes, "BuildCache": []}, format_, out)
        return
    for title, kind, rows in (
        ("Images space usage:", _IMAGES, images),
        ("\nContainers space usage:", _CONTAINERS, containers),
        ("\nLocal Volumes space usage:", _VOLUMES, volumes),
        ("\nBuild cache usage: 0B", _CACHE, []),
    ):
        out.line(title + "\n")
        _docker_lists.show(out, kind, [Row(row) for row in rows], None)


def _formatted(document: dict[str, list[Fields]], format_: str, out: Output) -> None:
    from argosy import jsontext
    from argosy.cli import templates

    if templates.is_json(format_):
        out.line(html_safe(jsontext.encode(document).decode("utf-8", "surrogateescape")))
    else:
        templates.render(out, format_, [document], type_name="*formatter.DiskUsageContext")


def _image(one: ImageUsage) -> Fields:
    name = next((name for name in one.image.names if name.tag), None)
    return {
        **_images_docker.fields(one.image, name, full=False),
        "Containers": str(len(one.image.containers)),
        "SharedSize": human.close_size(one.shared_bytes),
        "UniqueSize": human.close_size(one.unique_bytes),
    }


def _container(one: ContainerUsage, now_s: float) -> Fields:
    view = one.view
    since = human.ago(int(view.created_at * 1e9), int(now_s * 1e9))
    return {
        "Command": _ps_docker.command(view, full=False),
        "CreatedAt": human.moment(int(view.created_at * 1e9)),
        "ID": view.id[:12],
        "Image": _ps_docker.shown_image(view.image),
        "LocalVolumes": str(len(view.record.get("volumes", ()))),
        "Names": view.name,
        "RunningFor": since,
        "Size": human.close_size(one.size_bytes),
        "State": view.run.status,
        "Status": _ps_docker.status(view, int(now_s * 1e9)),
    }


def _volume(one: VolumeUsage) -> Fields:
    return {
        **_volume_docker.UNKNOWN,
        "Driver": "local",
        "Links": str(one.links),
        "Name": one.name,
        "Scope": "local",
        "Size": human.close_size(one.size_bytes),
    }
