"""The OCI runtime, runc or crun, as a program: its argument vectors, its errors, and which of the two to take.

Everything here speaks the command line that both share.  A runtime gets a state directory of Argosy's own
(`<run>/runtime`), since podman's ids share `/run/crun`.  Which runtime works is a fact about the host, found out once
and kept in `<run>/cache/runtime.json` under the identity of the programs.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound, Unsupported
from argosy.linux import process
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from argosy.config.containers import ContainersConf

PREFERRED = ("crun", "runc")
_CACHE = "runtime.json"
_SERVICE_VARIABLES = ("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID")
_MESSAGE_LIMIT = 2000  # a runtime repeats what it could not run, however long that is
_HYBRID_CONTROLLERS = "/sys/fs/cgroup/unified/cgroup.controllers"


class OciRuntime(Value):
    """One runtime program and the global flags that it is called with.

    `root` is its state directory; `cgroup_manager` is "cgroupfs", "systemd" or "disabled"; `flags` are the user's own
    global flags, without their dashes.  `notice` is what to tell the user, once, about why this runtime was chosen (""
    when there is nothing to tell).  `words` stand before all flags: our own runtime is a command of ours.
    """

    name: str
    path: str
    root: str
    version: str = ""
    cgroup_manager: str = "cgroupfs"
    flags: tuple[str, ...] = ()
    notice: str = ""
    words: tuple[str, ...] = ()

    @property
    def is_crun(self) -> bool:
        """Whether the program takes crun's flags and annotations."""
        return self.name.startswith("crun")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The first two numbers of its version; none where that is not known."""
        return tuple(int(part) for part in self.version.split(".")[:2] if part.isdecimal())

    def global_flags(self) -> list[str]:
        """The flags that go before the subcommand."""
        flags = [*self.words, "--root", self.root]
        if self.cgroup_manager == "systemd":
            flags.append("--systemd-cgroup")
        elif self.cgroup_manager == "disabled" and self.is_crun:
            flags.append("--cgroup-manager=disabled")
        if not self.is_crun:
            # runc writes its errors as plain text to standard error only while its log is another file.
            flags += ["--log", "/dev/null"]
        return flags + [f"--{flag}" for flag in self.flags]

    def argv(self, *words: str) -> list[str]:
        """The argument vector of one subcommand."""
        return [self.path, *self.global_flags(), *words]

    def argv_start(self, container_id: str) -> list[str]:
        """`start`: lets the created container's process run its program."""
        return self.argv("start", container_id)

    def argv_kill(self, container_id: str, signal: int, *, everything: bool = False) -> list[str]:
        """`kill`: one signal to the first process, or to each process of the container."""
        return self.argv("kill", *(["--all"] if everything else []), container_id, str(signal))

    def argv_delete(self, container_id: str, *, force: bool = False) -> list[str]:
        """`delete`: removes the runtime's record and the cgroup; `force` kills what still runs."""
        return self.argv("delete", *(["--force"] if force else []), container_id)

    def argv_state(self, container_id: str) -> list[str]:
        """`state`: the runtime's own view, as JSON."""
        return self.argv("state", container_id)

    def start(self, container_id: str, program: str = "") -> None:
        """Start the created container.  Raises what `translate` makes of the runtime's message."""
        self._call(self.argv_start(container_id), container_id, program)

    def kill(self, container_id: str, signal: int, *, everything: bool = False) -> None:
        """Send `signal`.  A container that is not running is an error of the runtime's."""
        self._call(self.argv_kill(container_id, signal, everything=everything), container_id)

    def pause(self, container_id: str) -> None:
        """Stop all processes of the container where they are."""
        self._call(self.argv("pause", container_id), container_id)

    def resume(self, container_id: str) -> None:
        """Let them go on."""
        self._call(self.argv("resume", container_id), container_id)

    def update(self, container_id: str, resources: bytes) -> None:
        """Give the running container other limits: linux.resources, of which what is left out stays."""
        self._call(self.argv("update", "--resources", "-", container_id), container_id, data=resources)

    def delete(self, container_id: str, *, force: bool = False, made: bool = True) -> None:
        """Remove the runtime's record.  Idempotent: a container that it does not know is removed already.

        With `made` False it never said that it had made the container: a failure is not one then, since what cannot
        make a container may not be able to take one away.
        """
        done = process.run(self.argv_delete(container_id, force=force), env=environment(), check=False)
        message = plain_message(done.stderr)
        if done.returncode != 0 and made and not _says_unknown(message):
            raise translate(self.name, message, container_id)

    def state(self, container_id: str) -> dict[str, object]:
        """The runtime's record of the container.  Raises NotFound when it has none."""
        from argosy import jsontext

        done = process.run(self.argv_state(container_id), env=environment(), check=False)
        if done.returncode != 0:
            message = plain_message(done.stderr)
            if _says_unknown(message):
                raise NotFound("container", container_id, details=message)
            raise translate(self.name, message, container_id)
        state: dict[str, object] = jsontext.decode(done.stdout, f"state of {container_id}")
        return state

    def _call(self, argv: Sequence[str], container_id: str, program: str = "", *, data: bytes = b"") -> None:
        done = process.run(argv, input=data, env=environment(), check=False)
        if done.returncode != 0:
            raise translate(self.name, plain_message(done.stderr), container_id, program)


def choose(
    conf: ContainersConf,
    run: str,
    *,
    wanted: str = "",
    flags: Sequence[str] = (),
    cgroup_manager: str = "cgroupfs",
    hybrid_controllers: str = _HYBRID_CONTROLLERS,
    directories: Sequence[str] = process.PROGRAM_DIRECTORIES,
) -> OciRuntime:
    """The runtime to take: the one that was asked for (`wanted`, else containers.conf), else the first that works here.

    crun is preferred.  It refuses hybrid cgroups that have a controller on the v2 side, so that runc takes its place
    there, with a notice the first time; `<run>/cache/runtime.json` remembers that, and each program's version, under
    the identity of the programs.  `directories` are looked through after PATH.  Raises NotFound for an unknown
    `wanted`, Unsupported when none works.
    """
    asked = wanted or conf.runtime
    if asked:
        name, path = _asked_for(conf, asked, directories)
        reason = ""
    else:
        name, path, reason = _first_that_works(conf, hybrid_controllers, directories)
    root = f"{run}/runtime"
    version, notice = _remember(run, path, root, reason)
    return OciRuntime(
        name=name,
        path=path,
        root=root,
        version=version,
        cgroup_manager=cgroup_manager,
        flags=tuple(flags),
        notice=notice,
    )


def _asked_for(conf: ContainersConf, asked: str, directories: Sequence[str]) -> tuple[str, str]:
    """Name and path of a runtime given by name or by path."""
    if "/" in asked:
        path = process.find_program(asked)
        if path is None:
            raise _no_runtime(asked, details="not an executable file")
        return os.path.basename(asked), path
    path = _find(conf, asked, directories)
    if path is None:
        raise _no_runtime(asked, hint=f"install {asked}, or name its path with --runtime or in containers.conf")
    return asked, path


def _no_runtime(asked: str, **words: str) -> NotFound:
    error = NotFound("OCI runtime", asked, **words)
    error.brief = f'default OCI runtime "{asked}" not found: invalid argument'
    return error


def _find(conf: ContainersConf, name: str, directories: Sequence[str]) -> str | None:
    for path in conf.runtimes.get(name, ()):
        if process.find_program(path) is not None:
            return path
    return process.find_program(name, directories)


def _first_that_works(
    conf: ContainersConf, hybrid_controllers: str, directories: Sequence[str]
) -> tuple[str, str, str]:
    """Name, path, and why a better one was passed over ("" when none was)."""
    controllers = _controllers_of_hybrid(hybrid_controllers)
    refused = refusal(hybrid_controllers)
    found = {name: path for name in PREFERRED if (path := _find(conf, name, directories)) is not None}
    for name, path in found.items():
        if name != "crun" or not refused:
            return name, path, refused if "crun" in found and name != "crun" else ""
    reasons = [f"{name} is not installed" for name in PREFERRED if name not in found]
    if not found:
        raise Unsupported(
            "no OCI runtime works on this host", details=", ".join(reasons), hint="`argosy doctor runtime`"
        )
    first = controllers.split(" ", 1)[0]
    raise Unsupported(
        "no OCI runtime works on this host",
        details=", ".join([refused, *reasons]),
        hint=f"install runc, or take the controller out of v2: mkdir /sys/fs/cgroup/{first}"
        f" && mount -t cgroup -o {first} cgroup /sys/fs/cgroup/{first}",
    )


def refusal(hybrid_controllers: str = _HYBRID_CONTROLLERS) -> str:
    """Why crun does not run here; "" when it does."""
    controllers = _controllers_of_hybrid(hybrid_controllers)
    return f"crun refuses this host's hybrid cgroups ({controllers} is in v2)" if controllers else ""


def _controllers_of_hybrid(path: str) -> str:
    """The controllers on the v2 side of hybrid cgroups; "" when cgroups are v1, v2, or a hybrid that crun takes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 4096).decode().strip()
    finally:
        os.close(fd)


def _remember(run: str, path: str, root: str, reason: str) -> tuple[str, str]:
    """The program's version, and the notice if `reason` has not been told yet."""
    from argosy import jsontext
    from argosy.linux import files

    found = os.stat(path)
    identity = [path, found.st_ino, found.st_mtime_ns, found.st_size]
    cache = f"{run}/cache/{_CACHE}"
    try:
        known = jsontext.decode(files.read(cache), cache)
        kept = known[path]
        if kept["identity"] == identity and reason in ("", kept["told"]):
            return str(kept["version"]), ""
    except (OSError, ArgosyError, LookupError, TypeError):
        known = {}
    version = _version(path, root)
    known = known if isinstance(known, dict) else {}
    known[path] = {"identity": identity, "version": version, "told": reason}
    try:
        files.make_directories(os.path.dirname(cache))
        files.write_atomic(cache, jsontext.encode(known))
    except OSError:
        pass  # the notice may come twice
    return version, f"{reason}: using {os.path.basename(path)}" if reason else ""


def _version(path: str, root: str) -> str:
    """What `--version` says on its first line behind the word "version", or "" when the program has none."""
    done = process.run([path, *version_words(root)], check=False)
    words = done.stdout.decode("utf-8", "replace").split("\n", 1)[0].split()
    return words[words.index("version") + 1] if "version" in words[:-1] else ""


def version_words(root: str) -> tuple[str, ...]:
    """The arguments that make a runtime tell its version; crun wants to know its state directory even for that."""
    return "--root", root, "--version"


def environment() -> dict[str, str]:
    """Ours, without what a service manager has told us: a runtime would take its sockets for the container's."""
    return {name: value for name, value in os.environ.items() if name not in _SERVICE_VARIABLES}


def plain_message(stderr: bytes | str) -> str:
    """The runtime's error without the dress of its log format (logrus text, or one JSON object on a line)."""
    text = stderr.decode("utf-8", "replace") if isinstance(stderr, bytes) else stderr
    return "\n".join(_undressed(line) for line in text.strip().splitlines())[:_MESSAGE_LIMIT]


def is_error(line: str) -> bool:
    """Whether a line of a runtime's JSON log is an error, and not a warning or a trace."""
    from argosy import jsontext

    try:
        return jsontext.decode(line)["level"] in ("error", "fatal")
    except (ArgosyError, LookupError, TypeError):
        return False


def _undressed(line: str) -> str:
    from argosy import jsontext

    try:
        if line.startswith("{"):
            return str(jsontext.decode(line)["msg"])
        if line.startswith("time=") and ' msg="' in line:
            return str(jsontext.decode('"' + line.split(' msg="', 1)[1]))
    except (ArgosyError, LookupError, TypeError):
        pass
    return line


def _says_unknown(message: str) -> bool:
    """Whether the runtime has no record of the container: crun misses its file, runc says it in words."""
    return "/status`: No such file" in message or ("container" in message and "does not exist" in message)


NOT_FOUND = "OCI runtime attempted to invoke a command that was not found"


class Refused(ArgosyError):
    """The runtime says no, and not because the program is missing or may not be executed."""


def translate(runtime: str, message: str, container_id: str, program: str = "") -> ArgosyError:
    """The error for a runtime's refusal, with podman's words and statuses: 127 not found, 126 not permitted, else 125.

    `program` is what was to be run, for the hint.
    """
    lowered = message.lower()
    text = f"{runtime}: {message or 'failed without a message'}"
    hint = _hint(lowered, container_id, program)
    if _says_unknown(message):
        return Refused(f"OCI runtime error: {text}", hint=hint)
    if "permission denied" in lowered or "operation not permitted" in lowered:
        return ArgosyError(f"{text}: OCI permission denied", hint=hint, exit_code=126)
    if "no such file or directory" in lowered or ("executable file" in lowered and "not found" in lowered):
        return ArgosyError(f"{text}: {NOT_FOUND}", hint=hint, exit_code=127)
    return Refused(f"OCI runtime error: {text}", hint=hint)


def _hint(lowered: str, container_id: str, program: str) -> str:
    if "chdir" in lowered:
        return "the working directory must be one of the container's that its user may enter: see --workdir"
    if "permission denied" in lowered or "operation not permitted" in lowered:
        about_program = program and "exec" in lowered
        return f"{program} must be a file that the container's user may execute" if about_program else ""
    if "executable file" in lowered:
        return "check the command and the image's PATH"
    if "hybrid mode" in lowered:
        return "this host's cgroups suit runc: give --runtime runc"
    if "already exists" in lowered:
        return f"a start was interrupted: argosy rm --force {container_id[:12]}"
    return ""
