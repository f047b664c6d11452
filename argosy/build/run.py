"""RUN: from the instruction to what a container is told, its mounts made and undone around it.

What a mount shows is there for one step and never in the layer.  Secrets are written below the run directory, which is
on a tmpfs, and named neither in history nor in keys.
"""

from __future__ import annotations

import os
import posixpath

from argosy.build import cache, configure
from argosy.build.dockerfile import mounts as mounting
from argosy.build.dockerfile.errors import DockerfileError, near
from argosy.build.dockerfile.words import heredoc_mark
from argosy.build.working import part_of_layers
from argosy.errors import ArgosyError
from argosy.linux import files, locks, paths
from argosy.oci import digest as digests
from argosy.records.scratch import Scratch
from argosy.spec import parse
from argosy.spec.options import Mount as HostMount
from argosy.spec.options import NetworkMode
from argosy.storage import staged
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from argosy.build.agent import Agent
    from argosy.build.dockerfile.instructions import CommandLine, Run
    from argosy.build.dockerfile.mounts import Mount
    from argosy.build.dockerfile.scopes import Scope
    from argosy.build.filetree import FileTree, Selected
    from argosy.build.options import BuildOptions
    from argosy.build.plan import Source
    from argosy.build.sources import Sources
    from argosy.build.working import Working
    from argosy.oci.imageconfig import ContainerConfig
    from argosy.spec.options import ContainerOptions
    from argosy.storage.store import Store

_SCRIPTS = "/dev/pipes"
_SECRET_LIMIT = 500 << 10  # docker's
_AGENT = "/run/buildkit/ssh_agent.{}"


class Command(Value):
    """What is run: its words, and a script that is to be found at `script` while it runs."""

    words: tuple[str, ...]
    script: str = ""
    text: str = ""


def command(line: CommandLine, config: ContainerConfig) -> Command:
    """The words of a RUN.  A heredoc alone is the shell's script, or with `#!` a file that is executed."""
    if not line.heredocs:
        return Command(configure.shell_words(config, line))
    shell = config.shell or configure.DEFAULT_SHELL
    first = line.heredocs[0]
    if heredoc_mark(line.words[0]) is not None and len(line.heredocs) == 1:
        if first.content.startswith("#!"):
            path = f"{_SCRIPTS}/{posixpath.basename(first.name)}"
            return Command((*shell, path), path, first.text)
        return Command((*shell, first.text))
    text = line.words[0] + "".join(f"\n{one.content}{one.name}" for one in line.heredocs)
    return Command((*shell, text))


def parsed_mounts(instruction: Run, scope: Scope) -> list[Mount]:
    """The mounts, variables replaced.  Raises DockerfileError, without place."""
    return [mounting.parse_mount(text, lambda value: scope.expand(value).text) for text in instruction.mounts]


class Preparation:
    """One RUN with its mounts made; use it as a context, around the run.

    `options` is what the container is told.  Raises DockerfileError (without place) and ArgosyError.
    """

    def __init__(
        self,
        store: Store,
        instruction: Run,
        wanted: Command,
        mounts: list[Mount],
        scope: Scope,
        sources: Sources,
        working: Working,
        build: BuildOptions,
        workdir: str,
    ) -> None:
        self._store = store
        self._workdir = workdir or "/"
        self._sources = sources
        self._working = working
        self._id_map = working.id_map
        self._build = build
        self._locks: list[locks.Lock] = []
        self._agents: list[Agent] = []
        self._private = Scratch(f"{store.run}/builds/tmp")
        self._env: dict[str, str] = {}
        try:
            found = list(build.run.mounts)
            for number, mount in enumerate(mounts):
                found += self._mounted(mount, f"{number:03}")
            if wanted.script:
                path = self._write("script", wanted.text.encode("utf-8", "surrogateescape"), 0o755)
                found.append(HostMount("bind", path, wanted.script, ("bind", "ro")))
            self.options = self._options(instruction, wanted, scope, tuple(found))
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def _close(self) -> None:
        try:
            staged.discard(self._working.directory)
        finally:
            for agent in self._agents:
                agent.close()
            for lock in self._locks:
                lock.release()
            self._private.__exit__()

    def _options(
        self, instruction: Run, wanted: Command, scope: Scope, mounts: tuple[HostMount, ...]
    ) -> ContainerOptions:
        given = self._build.run
        network = given.network
        if instruction.network != "default":
            network = NetworkMode(instruction.network)
        if instruction.security == "insecure" and not self._build.allow_insecure:
            why = "RUN --security=insecure is not allowed: it takes the confinement of the step away"
            raise DockerfileError(why, hint="allow it with --allow security.insecure")
        devices, cdi = given.devices, given.cdi_devices
        for text in instruction.devices:
            name, _, behind = scope.expand(text).text.partition(",")
            if behind and behind != "required":
                raise DockerfileError(f"unexpected '{behind}' in --device={text}")
            if name.startswith("/"):
                devices = (*devices, parse.parse_device(name))
            else:
                cdi = (*cdi, name)
        return given.replace(
            command=wanted.words,
            entrypoint=(),
            env={**given.env, **scope.run_arguments, **self._env},
            mounts=mounts,
            network=network,
            devices=devices,
            cdi_devices=cdi,
            privileged=given.privileged or instruction.security == "insecure",
        )

    def _mounted(self, mount: Mount, key: str) -> list[HostMount]:
        makers = {
            "bind": self._bind,
            "cache": self._cache,
            "tmpfs": self._tmpfs,
            "secret": self._secret,
            "ssh": self._agent,
        }
        return makers[mount.type](mount, key)

    def _target(self, mount: Mount, default: str = "") -> str:
        return posixpath.join(self._workdir, mount.target or default)

    def _bind(self, mount: Mount, key: str) -> list[HostMount]:
        source = self._sources.named(mount.source_from)
        layers = self._sources.layers(source)
        directory = self._working.directory
        if layers is None:
            path = self._part(key, source, mount)
            if not mount.readonly:
                path = staged.overlay(self._store, directory, f"{key}-2", path)
        else:
            path = part_of_layers(self._store, self._working, key, layers, mount.source)
        return [_bound(path, self._target(mount), readonly=mount.readonly)]

    def _part(self, key: str, source: Source, mount: Mount) -> str:
        """A file or directory of a context; under an id map a copy, whose owners are those in the map."""
        if self._id_map is None or self._id_map.is_identity():
            place = self._sources.directory(source)
            return staged.part(self._working.directory, f"{key}-1", place, mount.source or ".")
        copy = f"{self._private.path}/bind-{key}"
        os.mkdir(copy, 0o700)
        tree = self._sources.files(source)
        (selected,) = tree.select(mount.source or ".")
        self._copy(tree, selected, copy, "/shown")
        return f"{copy}/shown"

    def _tmpfs(self, mount: Mount, _key: str) -> list[HostMount]:
        size = (f"size={mount.size}",) if mount.size else ()
        return [HostMount("tmpfs", "", self._target(mount), (*size, "mode=1777"))]

    def _cache(self, mount: Mount, key: str) -> list[HostMount]:
        """A directory of the store that outlives the step, under the cache's id, which may be any text."""
        told = mount.cache_id or self._target(mount)
        if self._id_map is not None and not self._id_map.is_identity():
            told += f"\0{self._id_map.lines()}"  # its files have other owners
        name = digests.of_bytes(told.encode("utf-8", "surrogateescape")).hex
        parent = f"{self._store.root}/buildcache/{cache.MOUNTS}"
        files.make_directories(parent)
        path = self._claimed(f"{parent}/{name}", mount.sharing)
        data = f"{path}/data"
        if not os.path.isdir(data):
            self._fill_cache(mount, path, key)
        return [_bound(data, self._target(mount), readonly=mount.readonly)]

    def _claimed(self, path: str, sharing: str) -> str:
        """The cache's directory, locked as `sharing` says; a private one that is in use is passed over."""
        number = 0
        while True:
            place = f"{path}-{number}" if number else path
            files.make_directories(place)
            try:
                lock = locks.acquire(place, shared=sharing == "shared", wait=sharing != "private")
            except FileNotFoundError:
                continue  # pruned just now
            if lock is not None:
                self._locks.append(lock)
                os.utime(place)
                return place
            number += 1

    def _fill_cache(self, mount: Mount, path: str, key: str) -> None:
        """Make the data of a new cache: empty, or a copy of what `from` names."""
        fresh = f"{path}/.fresh-{os.urandom(8).hex()}"
        os.mkdir(fresh, 0o700)
        try:
            if mount.source_from:
                self._copy_into(mount, fresh, key)
            os.chown(fresh, *self._owner(mount))
            os.chmod(fresh, 0o755 if mount.mode is None else mount.mode)
            os.rename(fresh, f"{path}/data")
        except OSError:
            files.remove_tree(fresh)
            if not os.path.isdir(f"{path}/data"):  # else another step was faster
                raise

    def _owner(self, mount: Mount) -> tuple[int, int]:
        """Whom what is mounted belongs to, as an id outside.  Raises Invalid for one that the map does not have."""
        inside = mount.uid or 0, mount.gid or 0
        return inside if self._id_map is None else self._id_map.to_host(*inside)

    def _copy_into(self, mount: Mount, directory: str, _key: str) -> None:
        tree = self._sources.files(self._sources.named(mount.source_from))
        (selected,) = tree.select(mount.source or ".")
        self._copy(tree, selected, directory, "/")

    def _copy(self, tree: FileTree, selected: Selected, directory: str, target: str) -> None:
        from argosy.build import copying

        target_fd = paths.open_root(directory)
        try:
            ownership = copying.Ownership(None, copying.unchanged, self._id_map)
            copying.copy(tree, copying.Placed(selected, target), target_fd, ownership)
        finally:
            os.close(target_fd)

    def _secret(self, mount: Mount, key: str) -> list[HostMount]:
        name = mount.cache_id or mount.source or posixpath.basename(mount.target)
        secret = self._build.secrets.get(name)
        if secret is None:
            if mount.required:
                raise DockerfileError(
                    f"secret {name} is required, and was not given{near(name, self._build.secrets)}",
                    hint=f"--secret id={name},src=FILE",
                )
            return []
        data = secret_data(name, secret.path, secret.variable)
        if mount.env:
            self._env[mount.env] = data.decode("utf-8", "surrogateescape")
            if not mount.target:
                return []
        mode = 0o400 if mount.mode is None else mount.mode
        path = self._write(f"secret-{key}", data, mode, self._owner(mount))
        return [HostMount("bind", path, self._target(mount, f"/run/secrets/{name}"), ("bind", "ro"))]

    def _agent(self, mount: Mount, key: str) -> list[HostMount]:
        name = mount.cache_id or mount.source or "default"
        source = self._build.agents.get(name)
        if source is None:
            if mount.required:
                hint = f"start an agent, and give --ssh {name}"
                raise DockerfileError(f"ssh agent {name} is required, and was not given", hint=hint)
            return []
        target = self._target(mount, _AGENT.format(int(key)))
        self._env.setdefault("SSH_AUTH_SOCK", target)
        from argosy.build.agent import Agent

        path = f"{self._private.path}/agent-{key}"
        self._agents.append(Agent(source, path))
        os.chown(path, *self._owner(mount))
        os.chmod(path, 0o600 if mount.mode is None else mount.mode)
        return [HostMount("bind", path, target, ("bind",))]

    def _write(self, name: str, data: bytes, mode: int, owner: tuple[int, int] = (0, 0)) -> str:
        path = f"{self._private.path}/{name}"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            files.write_all(fd, data)
            os.fchown(fd, *owner)
            os.fchmod(fd, mode)
        finally:
            os.close(fd)
        return path


def _bound(path: str, target: str, *, readonly: bool) -> HostMount:
    return HostMount("bind", path, target, ("rbind", "ro" if readonly else "rw", "rprivate"))


def secret_data(name: str, path: str, variable: str) -> bytes:
    """The secret's bytes.  Raises ArgosyError, which names the secret and never shows it."""
    if variable:
        value = os.environ.get(variable)
        if value is None:
            raise ArgosyError(f"secret {name}: the variable {variable} is not set")
        return os.fsencode(value)
    try:
        return files.read_regular(path, _SECRET_LIMIT)
    except OSError as error:
        raise ArgosyError(f"secret {name}: cannot read {path}: {error.strerror}") from error
