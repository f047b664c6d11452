"""`build`: an image from a Dockerfile."""

from __future__ import annotations

import os

from argosy.cli import layerkeys
from argosy.cli.flags import Command
from argosy.cli.podman._build_table import FLAGS, BuildFlags
from argosy.errors import ArgosyError
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build import Build
    from argosy.build.attest import Attestation
    from argosy.build.dockerfile.instructions import Dockerfile
    from argosy.build.options import BuildOptions
    from argosy.cli.output import Output
    from argosy.cli.podman._build_live import Live
    from argosy.cli.podman._build_rawjson import RawJson
    from argosy.cli.podman._build_report import Lines
    from argosy.cli.progress import Shown
    from argosy.engine import Engine
    from argosy.storage.images import ImageRecord


# The flags that count for --push as well.
_PUSHED = ("authfile", "cert_dir", "creds", "quiet", "tls_verify")


def run(flags: BuildFlags, engine: Engine, out: Output) -> int:
    """Build, and print the image's id.  A RUN that fails gives its own exit status."""
    from argosy.build import output
    from argosy.build.dockerfile import parser
    from argosy.cli.podman import _build_attest, _build_check, _build_options, _build_report

    _end_tidily()
    shows = _build_report.kind(flags.progress, out.program, quiet=flags.quiet, logged=bool(flags.logfile))
    flags = flags.replace(quiet=shows == "quiet")
    if flags.push and not flags.tag:
        raise ArgosyError("--push: the image has no name that it could be pushed under", hint="give it one with --tag")
    outputs = [output.parse(text) for text in flags.output]
    attested = _build_attest.wanted(flags)
    images: list[ImageRecord] = []
    documents: list[tuple[ImageRecord, list[Attestation]]] = []
    with _shown(shows, flags) as shown:
        build = engine.build(
            registry=_build_options.registry_options(flags),
            progress=shown,
            signature_policy=flags.signature_policy or "",
            stdin=0 if flags.stdin else None,
            runtime=flags.runtime or os.environ.get("BUILDAH_RUNTIME", ""),
            runtime_flags=flags.runtime_flag,
            hooks_dir=flags.hooks_dir,
            keys=layerkeys.read(private=flags.decryption_key),
        )
        with build.context(_operand(flags), has_file=bool(flags.file)) as context:
            data, name = context.dockerfile(flags.file, flags.cpp_flag)
            dockerfile = _prepared(parser.parse(data, name), flags)
            if flags.check:
                return _build_check.tell(dockerfile, context, flags, out)
            _build_check.enforce(dockerfile, context, flags)
            options = _build_options.build_options(flags, engine.conf, engine.environ, context, dockerfile, out.program)
            if flags.all_platforms:
                flags = flags.replace(platform=",".join(map(str, build.platforms(options))))
            if flags.plan:
                return _plan(build, _for_platforms(options, flags), out)
            for wanted_build in _for_platforms(options, flags):
                record = _build(build, wanted_build, flags, out, _Telling(shows, shown, first=not images))
                out.flush()
                for wanted in outputs:
                    build.write(record, wanted)
                documents.append((record, _build_attest.attest(attested, record, wanted_build, flags, engine, out)))
                _tell(record, wanted_build, flags, out)
                images.append(record)
    _list(images, engine, flags)
    if flags.push:
        _push(engine, flags, out)
        _build_attest.push(documents, flags, engine, out)
    return 0


def _shown(kind: str, flags: BuildFlags) -> Shown:
    """How pulls are told, and on a terminal the steps as well."""
    from argosy.cli import progress

    if kind == "tty":
        from argosy.cli.podman._build_live import Live

        return Live(explains=flags.explain)
    return progress.shown(quiet=kind in ("quiet", "rawjson"))


def _push(engine: Engine, flags: BuildFlags, out: Output) -> None:
    """--push: as `push` does, or `manifest push` for several platforms."""
    from argosy.cli import flags as grammar
    from argosy.cli.podman import _build_options, manifest_push, push

    several = len(_build_options.wanted_platforms(flags)) > 1
    command = manifest_push.COMMAND if several else push.COMMAND
    given = {name: getattr(flags, name) for name in _PUSHED}
    for name in flags.tag:
        operands = (name, f"docker://{name}") if several else (name,)
        values = {**given, "all": True} if several else given
        options = grammar.build_options(command, grammar.Parsed(values, operands), command.path)
        command.run(options, engine, out, attached=False)  # they follow, signed if that is wanted


def _for_platforms(options: BuildOptions, flags: BuildFlags) -> list[BuildOptions]:
    """The build for each platform; several images cannot have one name, which is then that of a list."""
    from argosy.cli.podman import _build_options

    found = _build_options.wanted_platforms(flags)
    names = options.names if len(found) == 1 else ()
    return [options.replace(platform=platform, names=names) for platform in found]


def _list(images: list[ImageRecord], engine: Engine, flags: BuildFlags) -> None:
    """Put the images into manifest lists: that of --manifest, and for several platforms those of --tag."""
    from argosy.cli.podman import _build_options

    for name in _build_options.lists(flags, len(images)):
        from argosy.cli.podman import _manifest
        from argosy.images.manifestlist import Lists

        list_id = Lists(engine.store).create(name, amend=True)
        registry = _build_options.registry_options(flags)
        for record in images:
            image_id = record.config_digest.partition(":")[2]
            _manifest.add(engine, list_id, image_id, registry, every=False)


class Ended(ArgosyError):
    """A signal asked for the end: steps that run are ended as well, and nothing is left."""


def _end_tidily() -> None:
    """Let SIGTERM and SIGHUP unwind what is being done, as ^C does."""
    import signal

    def end(number: int, _frame: object) -> None:
        raise Ended(f"the build was ended by {signal.Signals(number).name}", exit_code=128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


def _operand(flags: BuildFlags) -> str:
    """The context: what was named, else the working directory."""
    return flags.operands[0] if flags.operands else "."


def _prepared(dockerfile: Dockerfile, flags: BuildFlags) -> Dockerfile:
    """--from takes the place of the first base; --env adds an instruction to each stage's beginning."""
    from argosy.build.dockerfile import instructions as tree

    stages = list(dockerfile.stages)
    if flags.from_:
        stages[0] = stages[0].replace(start=stages[0].start.replace(base=flags.from_))
    if flags.env:
        assignments = []
        for text in flags.env:
            name, equals, value = text.partition("=")
            if not name:
                raise ArgosyError(f"invalid --env {text}: it must be NAME=VALUE")
            chosen = value if equals else os.environ.get(name, "")
            assignments.append(tree.Assignment(name, "'" + chosen.replace("'", "'\\''") + "'"))
        start = stages[-1].start
        added = tree.Env(start.line, start.line, f"ENV {' '.join(flags.env)}", "ENV", assignments=tuple(assignments))
        stages[-1] = stages[-1].replace(instructions=(added, *stages[-1].instructions))
    return dockerfile.replace(stages=tuple(stages))


def _plan(build: Build, builds: list[BuildOptions], out: Output) -> int:
    """--plan: what would be done for each platform."""
    from argosy.build import plan

    for options in builds:
        for line in plan.show(build.plan(options)):
            out.line(line)
    return 0


class _Telling(Value):
    """How a build is told: the kind of --progress, what is shown on the terminal, and whether it is the first one."""

    kind: str
    shown: Shown
    first: bool


def _build(build: Build, options: BuildOptions, flags: BuildFlags, out: Output, telling: _Telling) -> ImageRecord:
    from argosy.cli.output import Output as Writer
    from argosy.cli.podman._build_report import Lines

    if not flags.logfile:
        report = _report(telling, flags, out)
        try:
            return build.build(options, report)
        finally:
            report.settle()
    path, fresh = _log(flags, options, first=telling.first)
    try:
        kind = os.O_TRUNC if fresh else os.O_APPEND
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | kind | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ArgosyError(f"cannot write {path}: {error.strerror}") from error
    try:
        log = Writer(out.program, fd=fd, error_fd=fd)
        record = build.build(options, Lines(log, quiet=False, explains=flags.explain, streams=(fd, fd)))
        log.flush()
        return record
    finally:
        os.close(fd)


def _report(telling: _Telling, flags: BuildFlags, out: Output) -> Lines | Live | RawJson:
    if telling.kind == "tty":
        from argosy.cli.podman._build_live import Live

        assert isinstance(telling.shown, Live)
        return telling.shown
    if telling.kind == "rawjson":
        from argosy.cli.podman._build_rawjson import RawJson

        return RawJson()
    from argosy.cli.podman._build_report import Lines

    return Lines(out, quiet=flags.quiet, explains=flags.explain, streams=_streams(flags))


def _log(flags: BuildFlags, options: BuildOptions, *, first: bool) -> tuple[str, bool]:
    """--logfile, with --logsplit one for each platform; and whether it is to be emptied first."""
    path = flags.logfile or ""
    if flags.logsplit and options.platform is not None:
        return f"{path}_{options.platform.os}_{options.platform.architecture}", True
    return path, first


def _streams(flags: BuildFlags) -> tuple[int, int]:
    """Where the output of RUN goes; with --quiet only what is an error is shown."""
    if not flags.quiet:
        return 1, 2
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), 2


def _tell(record: ImageRecord, options: BuildOptions, flags: BuildFlags, out: Output) -> None:
    from argosy.linux import files

    image_id = record.config_digest.partition(":")[2]
    if flags.iidfile:
        try:
            files.write_named(flags.iidfile, record.config_digest.encode())
        except OSError as error:
            raise ArgosyError(f"failed to write the image's id to {flags.iidfile}: {error.strerror}") from error
    if not flags.quiet:
        if options.names:
            out.line(f"COMMIT {flags.tag[0]}")
        else:
            out.line("COMMIT")
        out.line(f"--> {image_id[:11]}")
        for name in options.names:
            out.line(f"Successfully tagged {name}")
    out.line(record.config_digest if flags.quiet and out.program == "docker" else image_id)


COMMAND = Command(
    path="build",
    summary="Build an image using instructions from Containerfiles",
    description="Builds an image by the instructions of a Dockerfile, with the files of a context: a directory, a tar "
    "archive on standard input (-), a URL, or a git repository (URL#ref:subdirectory). Stages that nothing needs are "
    "left out, independent ones are built side by side, and steps whose instruction and content are known are taken "
    "from the cache.",
    usage="[CONTEXT]",
    options=BuildFlags,
    run=run,
    flags=FLAGS,
    max_operands=1,
    examples=(
        "argosy build -t app .",
        "argosy build -f docker/Dockerfile --target test --build-arg VERSION=2 .",
        "argosy build --secret id=token,src=token.txt -t app https://example.com/app.git#main:server",
        "argosy build --check .",
    ),
)
