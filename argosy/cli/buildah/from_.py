"""`from`: a new working container."""

from __future__ import annotations

from argosy.cli import layerkeys
from argosy.cli.buildah import _containers
from argosy.cli.flags import Command, Flag
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.containers.record import WorkingRecord
    from argosy.cli.output import Output
    from argosy.engine import Engine
    from argosy.oci.platform import Platform

_PULL = {"true": "newer", "false": "missing", "always": "always", "never": "never"}
_FORMATS = {"oci": "oci", "docker": "docker"}


class FromFlags(Value):
    """What was given on the command line; None where a flag was not."""

    operands: tuple[str, ...]
    add_host: tuple[str, ...]
    arch: str | None
    authfile: str | None
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    cert_dir: str | None
    cgroup_parent: str | None
    cgroupns: str | None
    cidfile: str | None
    cpu_period: int
    cpu_quota: int
    cpu_shares: int
    cpuset_cpus: str | None
    cpuset_mems: str | None
    creds: str | None
    decryption_key: tuple[str, ...]
    device: tuple[str, ...]
    dns: tuple[str, ...]
    dns_option: tuple[str, ...]
    dns_search: tuple[str, ...]
    format: str | None
    http_proxy: bool
    ipc: str | None
    isolation: str | None
    memory: str | None
    memory_swap: str | None
    name: str | None
    network: tuple[str, ...]
    os: str | None
    pid: str | None
    platform: str | None
    pull: str | None
    quiet: bool
    retry: int | None
    retry_delay: float | None
    security_opt: tuple[str, ...]
    shm_size: str | None
    signature_policy: str | None
    tls_verify: bool | None
    ulimit: tuple[str, ...]
    userns: str | None
    userns_gid_map: tuple[str, ...]
    userns_gid_map_group: str | None
    userns_uid_map: tuple[str, ...]
    userns_uid_map_user: str | None
    uts: str | None
    variant: str | None
    volume: tuple[str, ...]


def run(flags: FromFlags, engine: Engine, out: Output) -> int:
    """Make the container and print its name."""
    if not flags.operands:
        raise ArgosyError('an image name (or "scratch") must be specified')
    if len(flags.operands) > 1:
        raise ArgosyError("too many arguments specified")
    record = _create(flags, engine)
    if flags.cidfile:
        from argosy.linux import files

        try:
            files.write_atomic(flags.cidfile, record.id.encode(), mode=0o644)
        except OSError as error:
            _containers.known(engine).remove(record.id)
            raise ArgosyError(f"cannot write the container's id to {flags.cidfile}: {error.strerror}") from error
    out.line(record.name)
    return 0


def _create(flags: FromFlags, engine: Engine) -> WorkingRecord:
    from argosy.cli import progress
    from argosy.cli.podman import _build_options

    image = flags.operands[0].removeprefix("docker://")
    _check_place(image)
    form = image_format(flags.format, engine)
    policy = _policy(flags.pull, image)
    options = _build_options.run_options(flags, no_hosts=False)
    registry = _build_options.registry_options(flags)
    with progress.shown(quiet=flags.quiet) as shown:
        build = engine.build(
            registry=registry,
            progress=shown,
            signature_policy=flags.signature_policy or "",
            keys=layerkeys.read(private=flags.decryption_key),
        )
        return build.containers.create(
            image, name=flags.name or "", platform=_platform(flags), policy=policy, form=form, options=options
        )


def _check_place(image: str) -> None:
    from argosy.images import places

    if places.is_place(image):
        raise Unsupported(f"{image}: images come from the store and from registries here", hint=f"pull {image} first")


def image_format(text: str | None, engine: Engine) -> str:
    """--format, else BUILDAH_FORMAT, else containers.conf's, else oci."""
    wanted = text or engine.environ.get("BUILDAH_FORMAT", "") or engine.conf.image_default_format or "oci"
    if wanted not in _FORMATS:
        raise ArgosyError(f'unrecognized image type "{wanted}"', hint="--format oci or docker")
    return _FORMATS[wanted]


def _policy(text: str | None, image: str) -> str:
    """buildah asks the registry for a newer image unless told otherwise; what was made here has none to ask."""
    policy = _PULL.get((text or "true").strip().lower())
    if policy is None:
        raise Invalid("--pull", text or "", f"choose {', '.join(_PULL)}")
    return "missing" if policy == "newer" and image.startswith("localhost/") else policy


def _platform(flags: FromFlags) -> Platform:
    from argosy.oci import platform

    if flags.platform:
        if flags.arch or flags.os or flags.variant:
            raise ArgosyError("invalid --platform may not be used with --os, --arch, or --variant")
        return platform.parse(flags.platform)
    host = platform.host()
    if not (flags.arch or flags.os or flags.variant):
        return host
    return platform.normalized(
        platform.Platform(flags.os or host.os, flags.arch or host.architecture, flags.variant or "")
    )


_SHARED = frozenset(FromFlags.__annotations__) - {*("name", "cidfile", "pull", "format", "platform", "decryption_key")}


def _flags() -> tuple[Flag, ...]:
    """Those that `build` has as well have one table."""
    from argosy.cli.podman import _build_table

    return tuple(flag for flag in _build_table.FLAGS if flag.key in _SHARED)


COMMAND = Command(
    path="from",
    summary="Create a working container based on an image",
    description=(
        "Makes a working container of an image, which is pulled if need be, or with `scratch` an empty one, and prints "
        "its name. What the flags say of limits, networks and rights holds for all that runs in it."
    ),
    usage="IMAGE",
    options=FromFlags,
    run=run,
    flags=(
        *_flags(),
        layerkeys.DECRYPTION,
        Flag("cidfile", kind="string", help="Write the container ID to the file"),
        Flag("format", short="f", kind="string", help="Format of the image that is committed: oci or docker"),
        Flag("name", kind="string", help="Name for the working container"),
        Flag("platform", kind="string", help="Set the OS/ARCH/VARIANT of the image"),
        Flag(
            "pull",
            kind="optional",
            implied="true",
            help="Pull the image if the registry has a newer one (true), if it is missing (false), always or never",
        ),
    ),
    examples=("argosy from --name web debian:12", "argosy from scratch"),
)
