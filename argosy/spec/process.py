"""The process of a container: its arguments, environment and working directory, from the image and the options."""

from __future__ import annotations

import posixpath

from argosy.errors import Invalid
from argosy.spec.options import BadOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from argosy.config.containers import ContainersConf
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SECCOMP_LABEL = "io.containers.seccomp.profile"
SYSTEMD_STOP_SIGNAL = "SIGRTMIN+3"  # systemd(1): halt
_SYSTEMD = frozenset(("/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init"))
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy")


def arguments(options: ContainerOptions, image: ContainerConfig) -> list[str]:
    """The program and its arguments.  An entrypoint of the user's takes the place of the image's CMD, too.

    Raises BadOption when neither the image nor the user names a program.
    """
    if options.entrypoint is not None:
        words = [*options.entrypoint, *(options.command or ())]
    else:
        words = [*image.entrypoint, *(options.command or image.cmd)]
    if not words:
        raise BadOption(
            "no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
            hint=f"name a program: argosy run {options.image} COMMAND",
        )
    if not words[0]:
        raise BadOption("the program to run is an empty string", hint="name a program, or leave out --entrypoint")
    check_text("command", words)
    return words


def runs_systemd(options: ContainerOptions, image: ContainerConfig) -> bool:
    """Whether the container is prepared for systemd as its first process (--systemd)."""
    if options.systemd in ("always", "false"):
        return options.systemd == "always"
    words = arguments(options, image)
    if len(words) > 2 and words[0] == "/bin/sh" and words[1] == "-c":
        words = words[2:]  # a CMD or ENTRYPOINT in shell form
    return words[0] in _SYSTEMD or words[0].rpartition("/")[2] == "systemd"


def environment(
    options: ContainerOptions,
    image: ContainerConfig,
    conf: ContainersConf,
    *,
    home: str,
    hostname: str,
) -> list[str]:
    """The environment with HOME and HOSTNAME, where nothing else gives them: see `chosen_environment`."""
    found = chosen_environment(options, image, conf)
    found.setdefault("HOME", home)
    found.setdefault("HOSTNAME", hostname)
    pairs = [f"{name}={value}" for name, value in found.items()]
    check_text("environment variable", pairs)
    return pairs


def chosen_environment(options: ContainerOptions, image: ContainerConfig, conf: ContainersConf) -> dict[str, str]:
    """The environment, weakest first: podman's defaults, containers.conf, the caller's, image, options.

    `container=podman` stays podman's word: systemd and many scripts look for exactly that, to know that they run in a
    container of this kind; "argosy" would make systemd-detect-virt say "container-other".

    --env-merge changes what is there by then, and only that; --unsetenv takes away what no -e gives.
    """
    found = {"PATH": _PATH, "TERM": "xterm", "container": "podman"}
    found.update(_pairs(conf.env, "env in containers.conf"))
    found.update(options.host_env)
    found.update(_pairs(image.env, "Env in the image's config"))
    if options.env_merge:
        from argosy.spec import words

        for item in options.env_merge:
            name, _, word = item.partition("=")
            if name in found:
                found[name] = words.expand(word, found)
    for name in options.unset_env:
        found.pop(name, None)
    if options.unset_all_env:
        found.clear()
    found.update(options.env)
    return found


def from_caller(options: ContainerOptions, conf: ContainersConf, environ: Mapping[str, str]) -> Mapping[str, str]:
    """What a new container takes from the caller's environment: all of it (--env-host), or how to reach the web.

    Asked when it is created, since who restarts it later has another environment.
    """
    if conf.env_host if options.env_host is None else options.env_host:
        return dict(environ)
    if conf.http_proxy if options.http_proxy is None else options.http_proxy:
        names = (*_PROXIES, *map(str.upper, _PROXIES))
        return {name: environ[name] for name in names if name in environ}
    return {}


def _pairs(items: Iterable[str], what: str) -> list[tuple[str, str]]:
    pairs = []
    for item in items:
        name, equals, value = item.partition("=")
        if not name or not equals:
            raise Invalid(what, item, "this is not NAME=VALUE")
        pairs.append((name, value))
    return pairs


def working_directory(given: str, what: str = "working directory") -> str:
    """The working directory `given`, absolute and without dots; "/" when it is empty.

    A directory of /proc is refused: /proc/self/fd/N may be one of the host's (CVE-2024-21626).  A symlink to one is
    seen only when the root is there: whoever starts the container opens the directory beneath the root first.
    """
    if not given:
        return "/"
    hint = "use --workdir to name another one"
    if given[0] != "/":
        raise Invalid(what, given, "it must be an absolute path", hint=hint)
    path = "/" + posixpath.normpath(given).lstrip("/")
    if (path + "/").startswith(("/proc/", "/dev/fd/")):
        raise Invalid(what, given, "a directory of /proc may lead out of the container", hint=hint)
    check_text(what, [path])
    return path


def directory_of(options: ContainerOptions, image: ContainerConfig) -> str:
    """The container's working directory: --workdir, else the image's."""
    if options.workdir:
        return working_directory(options.workdir)
    return working_directory(image.working_dir, "WorkingDir in the image's config:")


def check_text(what: str, texts: Iterable[str]) -> None:
    """Raise Invalid for text that cannot be passed on: with a NUL byte, or (lone surrogates) not UTF-8."""
    together = "".join(texts)
    if together.isascii() and "\0" not in together:
        return
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            why = "it is not UTF-8, which the runtime specification demands"
            raise Invalid(what, text.encode("utf-8", "backslashreplace").decode(), why) from error
        if "\0" in text:
            raise Invalid(what, text, "it holds a NUL character")
