"""`bake`: the images that a bake file describes."""

from __future__ import annotations

import os

from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.build.bake.definition import Definition
    from argosy.build.bake.targets import Selection, Target
    from argosy.cli.main import Opener
    from argosy.cli.output import Output
    from argosy.engine import Engine


class BakeFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    file: tuple[str, ...]
    list_: str | None
    load: bool
    metadata_file: str | None
    no_cache: bool
    print: bool
    progress: str | None
    provenance: str | None
    pull: bool
    push: bool
    sbom: str | None
    set: tuple[str, ...]
    tls_verify: bool | None
    var: tuple[str, ...]


def run(flags: BakeFlags, opener: Opener, out: Output) -> int:
    """Build the targets one after another, each after those that it needs; an image's id for each."""
    from argosy.build.bake import definition, targets

    for name in flags.operands:
        if "://" in name:
            raise Unsupported(
                f"{name}: bake files are read from this host", hint="clone the repository, and bake there"
            )
    given = _variables(flags.var)
    known = definition.Definition(definition.read(flags.file), os.environ, given)
    if flags.list_:
        return _list(flags.list_, known, out)
    selection = targets.select(known, flags.operands, flags.set)
    if flags.print:
        return _print(selection, out)
    images = _build(selection, flags, opener.open(), out)
    if flags.metadata_file:
        _tell(flags.metadata_file, images)
    return 0


def _variables(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ArgosyError(f"invalid --var {text}: it must be NAME=VALUE")
        found[name] = value
    return found


def _list(what: str, known: Definition, out: Output) -> int:
    """--list: the targets and groups, or the variables with their values."""
    if what not in ("targets", "variables"):
        raise ArgosyError(f"invalid --list {what}: choose targets or variables")
    if what == "variables":
        rows = [[name, _shown(known.scope.lookup(name))] for name in known.variables]
        out.table(("VARIABLE", "VALUE"), rows)
        return 0
    names = [(name, "target") for name in known.targets] + [(name, "group") for name in known.groups]
    out.table(("TARGET", "KIND"), [list(row) for row in sorted(names)])
    return 0


def _shown(value: Any) -> str:
    from argosy import jsontext

    return value if isinstance(value, str) else jsontext.encode(value).decode()


def _print(selection: Selection, out: Output) -> int:
    """--print: what would be built, as buildx shows it."""
    from argosy.build.bake.targets import FIELDS
    from argosy.cli.documents import indented

    document = {
        "group": {name: {"targets": list(members)} for name, members in selection.groups.items()},
        "target": {
            target.name: {
                name: value
                for name, value in {"context": ".", "dockerfile": "Dockerfile", **target.fields}.items()
                if name in FIELDS
            }
            for target in selection.targets
        },
    }
    for name, fields in document["target"].items():
        document["target"][name] = {key: fields[key] for key in FIELDS if key in fields}
    out.line(indented(document, 2))
    return 0


def _build(selection: Selection, flags: BakeFlags, engine: Engine, out: Output) -> dict[str, str]:
    """The ids of the images by target."""
    from argosy.transports.scratch import TemporaryDirectory

    images: dict[str, str] = {}
    with TemporaryDirectory() as work:
        for target in selection.targets:
            try:
                images[target.name] = _build_one(target, flags, images, work.path, engine, out)
            except ArgosyError as error:
                error.add_note(f"in target {target.name}")
                raise
    return images


def _build_one(target: Target, flags: BakeFlags, images: dict[str, str], work: str, engine: Engine, out: Output) -> str:
    from argosy.cli import flags as grammar
    from argosy.cli.podman import _bake_flags, build
    from argosy.linux import files

    place = _bake_flags.Place(images, f"{work}/Dockerfile", f"{work}/iid")
    if "dockerfile-inline" in target.fields:
        files.write_atomic(place.inline, target.fields["dockerfile-inline"].encode())
    values = _bake_flags.values(target, flags, place)
    several = "," in values.get("platform", "")
    if several:
        values.pop("iidfile")  # there are several ids, and no target can be built from a list
    command = build.COMMAND
    parsed = grammar.Parsed(values, (_bake_flags.context(target),))
    command.run(grammar.build_options(command, parsed, command.path), engine, out)
    return "" if several else files.read(place.iidfile).decode().partition(":")[2]


def _tell(path: str, images: dict[str, str]) -> None:
    """--metadata-file: the digests of the configs, under buildx's names."""
    from argosy.cli.documents import indented
    from argosy.linux import files

    document = {name: {"containerimage.config.digest": f"sha256:{image}"} for name, image in images.items() if image}
    try:
        files.write_named(path, f"{indented(document, 2)}\n".encode())
    except OSError as error:
        raise ArgosyError(f"failed to write {path}: {error.strerror}") from error


COMMAND = Command(
    path="bake",
    summary="Build the images that a bake file describes",
    description=(
        "Builds targets and groups of a bake file in HCL or JSON: variables (which the environment overrides), "
        "functions, inheritance, matrices, and targets that are contexts of others. Without --file the files "
        "docker-bake.json, docker-bake.hcl and their .override ones are read, the later over the earlier; without a "
        "target it is the group or target `default`."
    ),
    usage="[TARGET...]",
    options=BakeFlags,
    run=run,
    flags=(
        Flag("file", short="f", kind="list", help="Bake file, in HCL or JSON; - is standard input"),
        Flag("list", kind="string", field="list_", help="List targets or variables, and build nothing"),
        Flag("load", help="Put the images into the store, as is always done"),
        Flag("metadata-file", kind="string", help="Write the digests of the images to this file"),
        Flag("no-cache", help="Do not take steps from the cache"),
        Flag("print", help="Print what would be built, and build nothing"),
        Flag("progress", kind="string", help="How to tell what is done: auto, plain, tty, quiet or rawjson"),
        Flag("provenance", kind="optional", implied="true", help="Attach where the images come from, as for build"),
        Flag("pull", help="Always pull base images"),
        Flag("push", help="Push the images under their names when they are built"),
        Flag("sbom", kind="optional", implied="true", help="Attach bills of materials, as for build"),
        Flag("set", kind="list", help="Override a field of targets (TARGET.FIELD[.KEY]=VALUE; TARGET may hold *)"),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates when contacting registries"),
        Flag("var", kind="list", help="Set a variable of the file (NAME=VALUE)"),
    ),
    examples=(
        "argosy bake",
        "argosy bake --print web",
        "argosy bake -f release.hcl --set '*.platform=linux/arm64' --push release",
    ),
)
