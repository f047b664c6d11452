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


def environment(
    options: ContainerOptions,
    image: ContainerConfig,
    conf: ContainersConf,
    environ: Mapping[str, str],
    *,
    home: str,
    hostname: str,
) -> list[str]:
    """The environment, weakest first: podman's defaults, containers.conf, proxies of this process, image, options.

    `container=podman` stays podman's word: systemd and many scripts look for exactly that, to know that they run in a
    container of this kind; "argosy" would make systemd-detect-virt say "container-other".
    """
    found = {"PATH": _PATH, "TERM": "xterm", "container": "podman"}
    found.update(_pairs(conf.env, "env in containers.conf"))
    if conf.env_host:
        found.update(environ)
    if conf.http_proxy:
        for name in _PROXIES:
            found.update((key, environ[key]) for key in (name, name.upper()) if key in environ)
    found.update(_pairs(image.env, "Env in the image's config"))
    found.update(options.env)
    for name in options.unset_env:
        found.pop(name, None)
    found.setdefault("HOME", home)
    found.setdefault("HOSTNAME", hostname)
    pairs = [f"{name}={value}" for name, value in found.items()]
    check_text("environment variable", pairs)
    return pairs


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
