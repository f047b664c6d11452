"""`cp`: files between containers, and between containers and the host."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.output import Output
    from argosy.containers.copy import Side
    from argosy.engine import Engine

_INPUT = ("-", "/dev/stdin")
_OUTPUT = ("-", "/dev/stdout")


class CpOptions(Value):
    """What was asked for.  `archive` is None unless the flag was given; the last two are docker's."""

    operands: tuple[str, ...]
    archive: bool | None
    overwrite: bool = False
    follow_link: bool = False
    quiet: bool = False


def run(options: CpOptions, engine: Engine, out: Output) -> int:
    """Copy, or stream an archive in or out."""
    from argosy.containers import copy

    source, target = _sides(engine, *options.operands)
    wanted = copy.CopyOptions(owner=_owner(options, out.program), overwrite=options.overwrite)
    if out.program == "docker":
        if source.container_id and target.container_id:
            raise ArgosyError("copying between containers is not supported")
        wanted = wanted.replace(overwrite=True, follow=options.follow_link)
    if target.path in _OUTPUT and not target.container_id:
        if out.is_terminal:
            raise ArgosyError("refusing to copy an archive to the terminal", hint="redirect standard output")
        copy.write_archive(engine.site, source, out.write_bytes, follow=wanted.follow)
    elif source.path in _INPUT and not source.container_id:
        from argosy.images.archives import open_archive

        with open_archive("-", engine.store.root, engine.environ) as archive:
            copy.extract(engine.site, target, archive, wanted)
    else:
        copy.copy(engine.site, source, target, wanted)
    return 0


def _owner(options: CpOptions, program: str) -> str:
    """Whom files in the container belong to; docker's --archive means the contrary of podman's."""
    if program == "docker":
        return "kept" if options.archive else "root"
    return "kept" if options.archive is False else "user"


def _sides(engine: Engine, first: str, second: str) -> tuple[Side, Side]:
    """What the two words name.  Raises ArgosyError, in podman's words, unless one of them names a container."""
    from argosy.containers import copy

    (source_name, source_path), (target_name, target_path) = _parse(first), _parse(second)
    if not source_path or not target_path:
        raise ArgosyError(f'invalid arguments "{first}", "{second}": you must specify paths')
    if not source_name and not target_name:
        hint = "one of the two is CONTAINER:PATH"
        raise ArgosyError("name or ID cannot be empty", hint=hint)
    found = [
        copy.Side(path, copy.find(engine.site, name), name) if name else copy.Side(path)
        for name, path in ((source_name, source_path), (target_name, target_path))
    ]
    return found[0], found[1]


def _parse(text: str) -> tuple[str, str]:
    """The container, "" for the host, and the path; paths of containers begin at their root."""
    if not text.startswith((".", "/")) and ":" in text:
        name, _, path = text.partition(":")
        return name, path and (path if path.startswith("/") else f"/{path}")
    return "", text


COMMAND = Command(
    path="cp",
    summary="Copy files/folders between a container and the local filesystem",
    description=(
        "Copies a file or directory between a container, running or not, and the host, or between two containers. A "
        "directory is copied into a directory that is there, under its name; SRC_PATH/. means what is in it. What is "
        "mounted in the container is part of it; links are followed inside the container. `-` as SRC_PATH reads a tar "
        "archive, compressed or not, from standard input, and as DEST_PATH writes one to standard output."
    ),
    usage="[CONTAINER:]SRC_PATH [CONTAINER:]DEST_PATH",
    options=CpOptions,
    run=run,
    min_operands=2,
    max_operands=2,
    flags=(
        Flag(
            "archive",
            short="a",
            kind="optbool",
            help="Give what is copied into a container to its primary user (default true); if false, keep the owners",
        ),
        Flag("archive", short="a", kind="optbool", only="docker", help="Keep the owners of what is copied"),
        Flag("follow-link", short="L", only="docker", help="Always follow symbol link in SRC_PATH"),
        Flag("quiet", short="q", only="docker", help="Suppress progress output, which there is none of"),
        Flag("overwrite", help="Allow to overwrite directories with non-directories and vice versa"),
    ),
    examples=(
        "argosy cp app.conf web:/etc/app/",
        "argosy cp web:/var/log ./logs",
        "argosy cp - web:/srv < site.tar.gz",
    ),
)
