"""`container runlabel`: the command that a label of an image names."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman import _registry_flags
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.images.resolve import Resolved

_OURSELVES = ("argosy", "podman", "docker", "/usr/bin/podman", "/usr/bin/docker")


class RunlabelOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    authfile: str | None
    cert_dir: str | None
    creds: str | None
    display: bool
    name: str | None
    quiet: bool
    replacing: bool
    tls_verify: bool | None
    retry: int | None = None
    retry_delay: float | None = None


def run(options: RunlabelOptions, engine: Engine, out: Output) -> int:
    """Print the command, or run it."""
    from argosy.images import resolve

    label, text, *arguments = options.operands
    found = _image(options, engine, text)
    labels = resolve.config(engine.store, found.record).config.labels
    if not labels.get(label):
        raise ArgosyError(f"cannot find the value of label: {label} in image: {text}")
    shown = str(found.name) if found.name is not None else found.record.config_digest.partition(":")[2]
    name = options.name or shown.rpartition("/")[2].partition("@")[0].partition(":")[0]
    words = command(labels[label], shown, name, arguments, replace=options.replacing)
    if not words:
        raise ArgosyError(f"label {label} of image {text} has no command")
    own = words[0] in _OURSELVES
    if options.display:
        out.line(f"command: {' '.join([out.program if own else words[0], *words[1:]])}")
        return 0
    out.flush()
    _execute([*engine.site.again, *words[1:]] if own else words, words)
    return 0


def _image(options: RunlabelOptions, engine: Engine, text: str) -> Resolved:
    from argosy.cli import progress
    from argosy.images import pull

    with progress.shown(quiet=options.quiet) as shown:
        puller = engine.puller(options=_registry_flags.options(options, engine), progress=shown)
        return pull.pull_text(puller, text, "missing")


def _execute(argv: list[str], words: list[str]) -> None:
    """Run the program with our streams to its end.  Raises ArgosyError unless it ends well."""
    from argosy.errors import NotFound
    from argosy.linux import process

    try:
        status = process.wait(process.spawn(argv, fds={0: 0, 1: 1, 2: 2}))
    except NotFound as error:
        what = f'exec: "{words[0]}": executable file not found in $PATH'
        raise ArgosyError(f"`{' '.join(words)}` failed: {what}") from error
    if status:
        raise ArgosyError(f"`{' '.join(words)}` failed: exit status {status}")


def command(label: str, image: str, name: str, arguments: Sequence[str], *, replace: bool = False) -> list[str]:
    """The words of a label's command, with the image and the name in their places, and the arguments behind them.

    Raises ArgosyError for quotes that do not end.
    """
    import shlex

    places = {"IMAGE": image, "NAME": name}
    try:
        first = [_placed(word, places) for word in shlex.split(label)]
        words = shlex.split(_expanded(shlex.join(first), places))
    except ValueError as error:
        raise ArgosyError(f"cannot read the command `{label}`: {str(error).lower()}") from error
    if replace and "run" in words[1:2]:
        words.insert(2, "--replace")
    return [*words, *arguments]


def _placed(word: str, places: Mapping[str, str]) -> str:
    for key, value in places.items():
        if word in (key, f"${key}"):
            return value
        if word in (f"{key}={key}", f"{key}=${key}"):
            return f"{key}={value}"
    return word


def _expanded(text: str, places: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` with their values; of any other variable nothing is left, as with podman."""
    import re

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: places.get(found[1] or found[2], ""), text)


_TAKEN = ("authfile", "cert-dir", "creds", "quiet", "tls-verify")

COMMAND = Command(
    path="container runlabel",
    summary="Execute the command described by an image label",
    description=(
        "Runs the command that a label of an image has, with the image's name in place of IMAGE and the container's "
        "(--name, else the last part of the image's) in place of NAME. `podman` and `docker` at its beginning mean "
        "argosy. No shell reads it; arguments are added at its end. The image is pulled where it is not there."
    ),
    usage="LABEL IMAGE [ARG...]",
    options=RunlabelOptions,
    run=run,
    min_operands=2,
    interspersed=False,
    flags=(
        *(flag for flag in _registry_flags.FLAGS if flag.name in _TAKEN),
        Flag("display", help="Preview the command that the label would run"),
        Flag("name", short="n", kind="string", help="Assign a name to the container"),
        Flag("replace", field="replacing", help="Replace existing container with a new one from the image"),
    ),
    examples=("argosy container runlabel --display run web", "argosy container runlabel install web --debug"),
)
