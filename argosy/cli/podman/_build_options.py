"""What the flags of `build` mean."""

from __future__ import annotations

import os

from argosy.build import failure
from argosy.build.options import FORMATS, BuildOptions, NamedContext
from argosy.cli.podman import _build_isolation, _build_secrets, _build_userns
from argosy.errors import ArgosyError, Invalid
from argosy.images import naming
from argosy.images.resolve import POLICIES
from argosy.oci import platform as platforms
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import generate, parse
from argosy.spec.options import ContainerOptions, NamespaceMode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from argosy.build.context import Context
    from argosy.build.dockerfile.instructions import Dockerfile
    from argosy.build.exchange import Place
    from argosy.cli.buildah.from_ import FromFlags
    from argosy.cli.podman._build_table import BuildFlags
    from argosy.config.containers import ContainersConf
    from argosy.images.guard import Maker
    from argosy.oci.platform import Platform
    from argosy.oci.reference import Reference
    from argosy.spec.options import Mount
    from argosy.transports.access import RegistryOptions

_INSECURE = "security.insecure"
_PULL = {"true": "always", "false": "missing", "ifnotpresent": "missing", "ifmissing": "missing", "ifnewer": "newer"}
_EPOCH = "SOURCE_DATE_EPOCH"


def build_options(
    flags: BuildFlags,
    conf: ContainersConf,
    environ: Mapping[str, str],
    context: Context,
    dockerfile: Dockerfile,
    program: str,
) -> BuildOptions:
    """All of it.  Raises Invalid and ArgosyError, which name the flag."""
    arguments = pairs("build-arg", flags.build_arg, environ)
    latest_s, exact = _times(flags, environ, arguments)
    names = tuple(naming.local_name(text, naming.home(program)) for text in flags.tag)
    wanted = flags.format or environ.get("BUILDAH_FORMAT", "") or conf.image_default_format or "oci"
    form = "oci" if wanted in ("oci", "OCI") else wanted
    if form not in FORMATS:
        raise ArgosyError(f'unrecognized image type "{form}"', hint="--format oci or docker")
    return BuildOptions(
        dockerfile=dockerfile,
        context=context.directory,
        ignore=context.ignore_patterns(flags.ignorefile or "", dockerfile.path),
        target=flags.target or "",
        arguments=arguments,
        names=names,
        labels=tuple(_label(text) for text in flags.label),
        annotations=parse.parse_annotations(flags.annotation),
        format=form,
        layers=_makes_layers(flags, environ, program),
        squash=flags.squash,
        squash_all=flags.squash_all,
        use_cache=not flags.no_cache,
        cache_ttl_s=flags.cache_ttl,
        cache_from=_places(flags.cache_from, "src"),
        cache_to=_places(flags.cache_to, "dest"),
        pull=pull_policy(flags.pull),
        jobs=flags.jobs,
        all_stages=not flags.skip_unused_stages,
        os_version=flags.os_version or "",
        os_features=flags.os_feature,
        identity=flags.identity_label and program != "docker",
        signers=_signers(flags, names, environ),
        latest_s=latest_s,
        exact_times=exact,
        omit_history=flags.omit_history,
        unset_env=flags.unsetenv,
        secrets=dict(_build_secrets.secret(text) for text in flags.secret),
        agents=dict(_build_secrets.agent(text, environ) for text in flags.ssh),
        contexts=dict(_named_context(text) for text in flags.build_context),
        allow_insecure=_allowed(flags.allow),
        on_failure=_on_failure(flags.on_failure or ""),
        run=run_options(flags, no_hosts=flags.no_hosts),
    )


def _places(texts: tuple[str, ...], key: str) -> tuple[Place, ...]:
    """--cache-from and --cache-to."""
    if not texts:
        return ()
    from argosy.build import exchange

    return tuple(exchange.parse(text, key) for text in texts)


def _signers(flags: BuildFlags, names: tuple[Reference, ...], environ: Mapping[str, str]) -> tuple[Maker, ...]:
    """--sign-by: what signs the image under the first of its names."""
    if not flags.sign_by:
        return ()
    from argosy.images import sign

    named = len(wanted_platforms(flags)) == 1 and not flags.all_platforms
    if not names or not named:
        why = "only an image that has a name of its own can be signed"
        raise Invalid("--sign-by", flags.sign_by, why, hint="name it with --tag, or sign it when it is pushed")
    return sign.makers(sign.SignOptions(gpg_key=flags.sign_by), str(names[0]), names[0], environ)


def _makes_layers(flags: BuildFlags, environ: Mapping[str, str], program: str) -> bool:
    """--layers, else BUILDAH_LAYERS, else what the program that we are called as does."""
    if flags.layers is not None:
        return flags.layers
    said = environ.get("BUILDAH_LAYERS", "").lower()
    return program != "buildah" if said not in ("true", "1", "false", "0") else said in ("true", "1")


def pull_policy(text: str | None) -> str:
    """--pull as podman reads it: alone it is always."""
    if text is None:
        return "missing"
    policy = _PULL.get(text.lower(), text.lower())
    if policy not in POLICIES:
        raise Invalid("--pull", text, f"choose {', '.join(POLICIES)}")
    return policy


def wanted_platforms(flags: BuildFlags) -> tuple[Platform | None, ...]:
    """Those of --platform, or --os, --arch and --variant over those of the host; None alone where none was given."""
    if flags.platform:
        if flags.os or flags.arch or flags.variant:
            raise ArgosyError("invalid --platform may not be used with --os, --arch, or --variant")
        found = tuple(dict.fromkeys(platforms.parse(text) for text in flags.platform.split(",")))
        if len(found) > 1 and flags.iidfile:
            what = f'building multiple images, but iidfile "{flags.iidfile}" can only be used to store one image ID'
            raise ArgosyError(what, hint="leave out --iidfile, or build for one platform")
        if len(found) > 1 and flags.output:
            raise ArgosyError("--output can be used for one platform only", hint="build for one after another")
        return found
    if not (flags.os or flags.arch or flags.variant):
        return (None,)
    host = platforms.host()
    chosen = host.replace(
        os=flags.os or host.os,
        architecture=flags.arch or host.architecture,
        variant=flags.variant or ("" if flags.arch else host.variant),
    )
    return (platforms.normalized(chosen),)


def lists(flags: BuildFlags, count: int) -> tuple[str, ...]:
    """The manifest lists that `count` images go to: --manifest, and for several images all that they are called."""
    for_all = flags.tag if count > 1 else ()
    return tuple(dict.fromkeys((*((flags.manifest,) if flags.manifest else ()), *for_all)))


def pairs(flag: str, items: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    """NAME=VALUE, or NAME for the caller's variable; one that he does not have is not given."""
    found = {}
    for item in items:
        name, equals, value = item.partition("=")
        if not name:
            raise Invalid(f"--{flag}", item, "it must be NAME=VALUE")
        if equals:
            found[name] = value
        elif name in environ:
            found[name] = environ[name]
    return found


def _times(flags: BuildFlags, environ: Mapping[str, str], arguments: Mapping[str, str]) -> tuple[int | None, bool]:
    """The latest time, and whether everything gets that very one: --timestamp, else SOURCE_DATE_EPOCH."""
    if flags.timestamp is not None:
        if flags.timestamp < 0:
            raise Invalid("--timestamp", str(flags.timestamp), "it is before 1970")
        return flags.timestamp, True
    text = arguments.get(_EPOCH) or environ.get(_EPOCH, "")
    if not text:
        return None, False
    if not (text.isascii() and text.isdecimal()):
        raise Invalid(_EPOCH, text, "it must be a number of seconds since 1970")
    return int(text), False


def _label(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name:
        raise Invalid("--label", text, "it must be KEY=VALUE")
    return name, value


def _named_context(text: str) -> tuple[str, NamedContext]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise Invalid("--build-context", text, "it must be NAME=VALUE")
    for prefix in ("docker-image://", "container-image://", "docker://"):
        if value.startswith(prefix):
            return name, NamedContext(image=value.removeprefix(prefix))
    if not os.path.isdir(value):
        raise Invalid("--build-context", text, "this is neither a directory nor docker-image://IMAGE")
    return name, NamedContext(directory=os.path.realpath(value))


def _on_failure(text: str) -> str:
    if text not in failure.ON_FAILURE:
        raise Invalid("--on-failure", text, "choose stop or shell")
    return text


def _allowed(items: Iterable[str]) -> bool:
    for item in items:
        if item not in (_INSECURE, "network.host"):
            raise Invalid("--allow", item, f"it is neither {_INSECURE} nor network.host")
    return _INSECURE in items


def namespace(text: str, flag: str) -> NamespaceMode:
    """buildah's words: container is a new one, a path one that is there."""
    if text == "container":
        text = "private"
    return parse.parse_namespace(f"ns:{text}" if text.startswith("/") else text, flag)


def registry_options(flags: BuildFlags | FromFlags) -> RegistryOptions:
    """How base images are pulled."""
    from argosy.transports.access import RegistryOptions

    backoff = None
    if flags.retry is not None or flags.retry_delay is not None:
        from argosy.registry import retry

        backoff = retry.backoff(3 if flags.retry is None else flags.retry, flags.retry_delay)
    return RegistryOptions(
        authfile=flags.authfile or "",
        creds=flags.creds or "",
        cert_dir=flags.cert_dir or "",
        tls_verify=flags.tls_verify,
        backoff=backoff,
    )


def run_options(flags: BuildFlags | FromFlags, *, no_hosts: bool) -> ContainerOptions:
    """What all RUN steps have, or all that runs in a working container."""
    given: dict[str, Any] = {}
    readers: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("memory_bytes", flags.memory, lambda text: parse.parse_size(text, "memory")),
        ("memory_swap_bytes", flags.memory_swap, parse.parse_swap),
        ("shm_size_bytes", flags.shm_size, lambda text: parse.parse_size(text, "shm-size")),
        ("network", flags.network, parse.parse_network),
        ("security", flags.security_opt, parse.parse_security),
        ("ipc", flags.ipc, lambda text: namespace(text, "ipc")),
        ("pid", flags.pid, lambda text: namespace(text, "pid")),
        ("uts", flags.uts, lambda text: namespace(text, "uts")),
        ("cgroupns", flags.cgroupns, lambda text: namespace(text, "cgroupns")),
    )
    for key, value, read in readers:
        if value:
            given[key] = read(value)
    options = ContainerOptions(
        **given,
        userns=_build_userns.user_namespace(flags),
        image="",
        remove=True,
        passwd=False,
        http_proxy=flags.http_proxy,
        add_hosts=flags.add_host,
        cap_add=parse.parse_capabilities(flags.cap_add),
        cap_drop=parse.parse_capabilities(flags.cap_drop),
        ulimits=tuple(map(parse.parse_ulimit, flags.ulimit)),
        devices=tuple(map(parse.parse_device, flags.device)),
        mounts=tuple(volume(text) for text in flags.volume),
        cgroup_parent=flags.cgroup_parent or "",
        cpu_period_us=flags.cpu_period,
        cpu_quota_us=flags.cpu_quota,
        cpu_shares=flags.cpu_shares,
        cpuset_cpus=flags.cpuset_cpus or "",
        cpuset_mems=flags.cpuset_mems or "",
        dns=flags.dns,
        dns_options=flags.dns_option,
        dns_search=flags.dns_search,
        no_hosts=True if no_hosts else None,
    )
    options = _build_isolation.isolated(options, _build_isolation.wanted(flags.isolation, os.environ))
    generate.check(options.replace(command=("true",)), ContainerConfig())
    return options


def volume(text: str) -> Mount:
    mount = parse.parse_volume(text, os.getcwd())
    if mount.kind != "bind":
        raise Invalid("--volume", mount.source, "it must be a directory of the host, by an absolute path")
    if not os.path.lexists(mount.source):
        raise Invalid("--volume", mount.source, "there is no such file or directory")
    return mount
