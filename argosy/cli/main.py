"""From the argument vector to an exit status: global flags, the command's words, its flags, the engine, its `run`.

Only the command that is called is imported.  The engine, and with it the store and the user namespace, is opened by the
caller's `open_engine(...)` after the command line has been read, and only for a command whose index entry asks for it;
any other gets an `Opener`.
"""

from __future__ import annotations

import os

from argosy.cli import names
from argosy.cli.flags import HIDDEN_KEYS, Flag, HelpWanted, Parsed, UsageError, build_options, parse
from argosy.cli.output import Output, OutputClosed
from argosy.errors import ArgosyError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from argosy.cli.flags import Command
    from argosy.values import Value

_LEVELS = ("trace", "debug", "info", "warn", "warning", "error", "fatal", "panic")
_SIGPIPE_STATUS = 128 + 13
_SIGINT_STATUS = 128 + 2

GLOBAL_FLAGS = (
    Flag("cgroup-manager", kind="string", help='Cgroup manager to use ("cgroupfs"|"systemd")'),
    Flag("conmon", kind="string", help="Path of the conmon binary"),
    Flag("cpu-profile", kind="string", hidden=True, help="File to write a profile of the time spent to"),
    Flag("connection", short="c", kind="string", help="Connection to use: the command runs on its host, through ssh"),
    Flag("default-mounts-file", kind="string", hidden=True, help="File to read in place of mounts.conf"),
    Flag("events-backend", kind="string", help='Events backend to use ("file"|"journald"|"none")'),
    Flag("hooks-dir", kind="list", help="Directory of OCI hooks (may be given several times)"),
    Flag("identity", kind="string", help="File with the private key for the host to run on"),
    Flag(
        "log-level",
        kind="string",
        default="warn",
        help=f"Log messages above specified level ({', '.join(_LEVELS)}); debug shows each program that is run",
    ),
    Flag("max-workers", kind="uint", hidden=True, help="Most operations at once, which are done one by one"),
    Flag("memory-profile", kind="string", hidden=True, help="File to write a profile of the memory used to"),
    Flag("module", kind="list", help="Load a containers.conf module (a path, or a name in containers.conf.modules)"),
    Flag("namespace", kind="string", help="Namespace of containers and pods (refused unless empty)"),
    Flag("network-cmd-path", kind="string", help="Path of the program that connects a container to the network"),
    Flag("network-config-dir", kind="string", help="Path of the directory with the configuration of networks"),
    Flag("noout", help="Do not output to stdout; what containers print is theirs"),
    Flag("registries-conf", kind="string", hidden=True, help="File to read in place of registries.conf"),
    Flag("registries-conf-dir", kind="string", hidden=True, help="Directory to read in place of registries.conf.d"),
    Flag("remote", short="r", kind="optbool", help="Run on the host of the default connection"),
    Flag("root", kind="string", help="Path of the directory in which data, including images, is stored"),
    Flag("runroot", kind="string", help="Path of the directory in which state is stored that a reboot ends"),
    Flag("runtime", kind="string", help="Name or path of the OCI runtime that runs containers"),
    Flag("runtime-flag", kind="list", help="Add a global flag for the OCI runtime, without its dashes"),
    Flag("short-name-alias-conf", kind="string", hidden=True, help="File of the short names that were resolved"),
    Flag("ssh", kind="string", help="How to use ssh ('native' is all there is)"),
    Flag("storage-driver", kind="string", help="Storage driver that keeps images and containers"),
    Flag("storage-opt", kind="list", help="Option of the storage driver, KEY=VALUE (may be given several times)"),
    Flag("syslog", help="Output messages to syslog as well as the console"),
    Flag("tmpdir", kind="string", help="Path of the directory in which state is stored, where --runroot names none"),
    Flag("trace", hidden=True, help="Ignored, as by podman"),
    Flag("transient-store", kind="optbool", help="Work with containers that are gone after a reboot"),
    Flag("url", kind="string", help="Host to run on, ssh://[USER@]HOST[:PORT]"),
    Flag("volumepath", kind="string", help="Path of the directory in which volumes are stored"),
)
_VERSION = Flag("version", short="v", help="Version of this program")
ROOT_FLAGS = (*GLOBAL_FLAGS, Flag("debug", short="D", hidden=True, help="Set the log level to debug"), _VERSION)
# What buildah's help shows and podman's does not.
_BUILDAH_SHOWS = ("registries-conf", "registries-conf-dir", "short-name-alias-conf")
# docker's own flags, in place of those of the same letters; it takes them before the command only.
DOCKER_FLAGS = (
    Flag("config", kind="string", field="docker_config"),
    Flag("context", short="c", kind="string", field="docker_context"),
    Flag("host", short="H", kind="list", field="docker_host"),
    Flag("log-level", short="l", kind="string"),
    Flag("tls"),
    Flag("tlscacert", kind="string"),
    Flag("tlscert", kind="string"),
    Flag("tlskey", kind="string"),
    Flag("tlsverify"),
)


def _own_flags(program: str) -> tuple[Flag, ...]:
    if program not in ("buildah", "skopeo"):
        return ()
    flags: tuple[Flag, ...] = names.own_globals(program).FLAGS
    return flags


def root_flags(program: str) -> tuple[Flag, ...]:
    """The flags that the program takes before a command."""
    return (*(DOCKER_FLAGS if program == "docker" else _own_flags(program)), *ROOT_FLAGS)


def shown_flags(program: str) -> tuple[Flag, ...]:
    """Those of them that its help shows."""
    own = _own_flags(program)
    names_ = {flag.name for flag in own}
    shown = (
        flag.replace(hidden=False) if program == "buildah" and flag.name in _BUILDAH_SHOWS else flag
        for flag in ROOT_FLAGS
    )
    return (*own, *(flag for flag in shown if flag.name not in names_))


# What the engine is opened with: keyword of `open_engine` to the global flag's key.
_ENGINE_SETTINGS = {
    "root": "root",
    "runroot": "runroot",
    "runtime": "runtime",
    "runtime_flags": "runtime_flag",
    "cgroup_manager": "cgroup_manager",
    "conmon": "conmon",
    "network_cmd_path": "network_cmd_path",
    "storage_driver": "storage_driver",
    "storage_opts": "storage_opt",
    "transient_store": "transient_store",
    "volumepath": "volumepath",
    "network_config_dir": "network_config_dir",
    "modules": "module",
    "hooks_dir": "hooks_dir",
    "default_mounts_file": "default_mounts_file",
    "events_backend": "events_backend",
    "remote": "remote",
}
# The variables that send each program to another host.
_HOST_VARIABLES = {
    "argosy": ("CONTAINER_HOST", "CONTAINER_CONNECTION"),
    "podman": ("CONTAINER_HOST", "CONTAINER_CONNECTION"),
    "docker": ("DOCKER_HOST",),
}
# Global flags that name no other host, and nothing which `elsewhere` would refuse.
_NOWHERE = frozenset(("version", "noout", "log_level", "syslog", "tmpdir", "debug", *_ENGINE_SETTINGS.values())) - {
    "remote"
}
_CHECKED = frozenset(("cgroup_manager", "network_cmd_path", "events_backend"))  # by `globalvalues`


def run(argv: Sequence[str], open_engine: Callable[..., Any], serve: Callable[..., int] | None = None) -> int:
    """Run the command line and give the exit status.  Everything is flushed; the caller only has to end the process.

    `open_engine(root=, runroot=, ..., notice=)` gets the global flags (None or an empty tuple where not given) and a
    function that shows a notice; it enters the user namespace and gives the engine.  `serve(service, engine, say, ...)`
    runs a service to its end.
    """
    call = _Call(names.program(argv[0] if argv else ""), open_engine, serve)
    return call.guarded(list(argv[1:]))


class _Call:
    """One call of the program: its name, its output, and the global flags seen so far."""

    def __init__(self, program: str, open_engine: Callable[..., Any], serve: Callable[..., int] | None) -> None:
        self.program = program
        self.open_engine = open_engine
        self.run_service = serve
        self.out = Output(program)
        self.host_variables = _HOST_VARIABLES.get(program, ())
        self.settings: dict[str, Any] = {}
        self.program_settings: dict[str, Any] = {}

    def guarded(self, arguments: list[str]) -> int:
        """Run, flush, and turn whatever is raised into a status."""
        self.out.command_line = (self.program, *arguments)
        try:
            status = self._dispatch(arguments)
            self.out.flush()
        except (OutputClosed, KeyboardInterrupt) as stop:
            return _SIGPIPE_STATUS if isinstance(stop, OutputClosed) else self._interrupted()
        except Exception as error:  # noqa: BLE001 -- the edge: every error becomes words and a status
            return self._failed(error)
        return status

    def _failed(self, error: Exception) -> int:
        from argosy.cli.errors import report

        try:
            return report(error, self.out, traceback=self.settings.get("log_level") in ("trace", "debug"))
        except OutputClosed:
            return _SIGPIPE_STATUS
        except ArgosyError as second:  # the output held back could not be written either
            report(second, self.out)
            return report(error, self.out)

    def _interrupted(self) -> int:
        try:
            self.out.flush()
        except (OutputClosed, ArgosyError):
            pass
        return _SIGINT_STATUS

    def _dispatch(self, arguments: list[str]) -> int:
        index = names.index(self.program)
        path = ""
        while True:
            shown = f"{self.program} {path}".rstrip()
            flags = (*_own_flags(self.program), *GLOBAL_FLAGS) if path else root_flags(self.program)
            try:
                parsed = self._parse(flags, arguments, shown, interspersed=False)
            except HelpWanted:
                return self._group_help(path)
            self._note_globals(parsed)
            if not parsed.operands:
                return self._no_command(path, shown)
            word, arguments = parsed.operands[0], list(parsed.operands[1:])
            words = f"{path} {word}".lstrip()
            if self.program == "argosy" and words in names.GUESTS:
                self.program = self.out.program = words
                self.host_variables = _HOST_VARIABLES.get(words, ())
                return self._dispatch(arguments)
            words = index.ALIASES.get(words, words)
            if words in index.COMMANDS:
                return self._run_command(words, index.COMMANDS[words], arguments)
            if words not in index.GROUPS:
                raise self._unknown(path, word)
            path = words

    def _parse(self, flags: Iterable[Flag], arguments: list[str], shown: str, *, interspersed: bool) -> Parsed:
        try:
            return parse(flags, arguments, interspersed=interspersed)
        except UsageError as error:
            error.hint = f"See '{shown} --help'"
            raise

    def _note_globals(self, parsed: Parsed, hidden_by: Iterable[str] = ()) -> None:
        for flag in root_flags(self.program):
            if flag.key in parsed.values and flag.key not in hidden_by:
                value = parsed.values[flag.key]
                self.settings[flag.key] = self.settings.get(flag.key, ()) + value if flag.kind == "list" else value

    def _no_command(self, path: str, shown: str) -> int:
        if self.settings.get("version"):
            from argosy import version

            self.out.line(version.shown(self.program))
            return 0
        self._group_help(path)
        if self.program == "docker":
            return 0
        raise UsageError(f"missing command '{shown} COMMAND'")

    def _group_help(self, path: str) -> int:
        from argosy.cli import usage

        self.out.write(usage.group_help(self.program, path, shown_flags(self.program)))
        return 0

    def _unknown(self, path: str, word: str) -> ArgosyError:
        from argosy.cli import usage

        return usage.unknown_command(self.program, path, word)

    def _run_command(self, words: str, entry: tuple[str, str, bool], arguments: list[str]) -> int:
        module, _, needs_engine = entry
        command = names.load_command(self.program, module)
        shown = f"{self.program} {words}"
        flags = command.flags_of(self.program)
        own = {flag.key for flag in flags}
        try:
            known = (*flags, *_own_flags(self.program), *GLOBAL_FLAGS)
            parsed = self._parse(known, arguments, shown, interspersed=command.interspersed)
        except HelpWanted:
            from argosy.cli import usage

            self.out.write(usage.command_help(command, self.program, words))
            return 0
        if not HIDDEN_KEYS.isdisjoint(parsed.values):
            from argosy.cli import secretwords

            secretwords.hide(parsed.values)
        self._note_globals(parsed, own)
        if self.program == "buildah":
            names.own_globals(self.program).hand_on(self.settings, parsed, own)
        options = build_options(command, parsed, shown)
        self._apply_settings()
        docker = self.program == "docker"  # whose configuration may choose a context
        if not _NOWHERE.issuperset(self.settings) or any(map(os.environ.get, self.host_variables)) or docker:
            status = self._elsewhere(words, flags, parsed)
            if status is not None:
                return status
        cpu, memory = self.settings.get("cpu_profile", ""), self.settings.get("memory_profile", "")
        if cpu or memory:
            from argosy.cli import profiles

            return profiles.run(lambda: self._do(command, options, needs_engine), cpu=cpu, memory=memory)
        return self._do(command, options, needs_engine)

    def _elsewhere(self, words: str, flags: Sequence[Flag], parsed: Parsed) -> int | None:
        """Run the command on another host, if one is named: its exit status, or None."""
        from argosy.cli import remote

        self.out.flush()
        call = remote.Call(self.program, words, flags, parsed, self.settings, root_flags(self.program))
        return remote.run(call, os.environ, self.host_variables)

    def _do(self, command: Command, options: Value, needs_engine: bool) -> int:  # noqa: FBT001 -- of the index
        return command.run(options, self._engine() if needs_engine else self._opener(), self.out)

    def _apply_settings(self) -> None:
        if self.program == "skopeo":
            from argosy.cli.skopeo import _globals

            self.program_settings = _globals.take(self.settings)
        level = self.settings.get("log_level", "debug" if self.settings.get("debug") else "warn").lower()
        if level not in _LEVELS:
            raise UsageError(f'Log Level "{level}" is not supported, choose from: {", ".join(_LEVELS)}')
        self._check_settings()
        if self.settings.get("noout"):
            self.out.mute()
        if self.settings.get("syslog"):
            import syslog

            syslog.openlog(self.program)
            self.out.log = syslog.syslog
        self.out.notices = level not in ("error", "fatal", "panic")
        if level in ("trace", "debug"):
            from argosy.linux import process

            process.trace(lambda line: self.out.error(f"+ {line}"))

    def _check_settings(self) -> None:
        if not _NOWHERE.issuperset(self.settings):
            from argosy.cli import elsewhere, namedfiles

            elsewhere.refuse(self.settings)
            namedfiles.apply(self.settings)
        if not _CHECKED.isdisjoint(self.settings):
            from argosy.cli import globalvalues

            globalvalues.check(self.settings)

    def _engine(self) -> Any:
        engine = self._opener().open()
        driver = self.settings.get("storage_driver")
        if driver is not None and engine.store.driver != driver:
            raise Unsupported(
                f'the store at {engine.store.root} was made with the storage driver "{engine.store.driver}", '
                f'not with "{driver}"',
                hint="Leave out --storage-driver, or name another store with --root.",
            )
        return engine

    def _opener(self) -> Opener:
        settings = {keyword: self.settings.get(key) for keyword, key in _ENGINE_SETTINGS.items()}
        settings["runroot"] = settings["runroot"] or self.settings.get("tmpdir")
        for keyword in ("runtime_flags", "modules", "hooks_dir"):
            settings[keyword] = settings[keyword] or ()
        settings["search"] = ("docker.io",) if self.program == "docker" else ()
        return Opener({**settings, "notice": self.out.notice}, self.open_engine, self.program_settings, self._serve)

    def _serve(self, service: str, say: Callable[[str], None], **options: Any) -> int:
        assert self.run_service is not None
        return self.run_service(service, self._engine(), say, **options)


class Opener:
    """What a command gets instead of the engine when its index entry does not ask for one: the way to open it.

    `settings` are the keyword arguments of `open_engine`, `program_settings` the global flags that skopeo alone has.
    `serve(service, say, ...)` opens the engine and runs a service with it: the services are not the command line's to
    import.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        open_engine: Callable[..., Any],
        program_settings: dict[str, Any] | None = None,
        serve: Callable[..., int] | None = None,
    ) -> None:
        self.settings = settings
        self.program_settings = program_settings or {}
        self._open_engine = open_engine
        self._serve = serve

    def serve(self, service: str, say: Callable[[str], None], **options: Any) -> int:
        """Run a service until a signal ends it; `say` is told when it is ready."""
        assert self._serve is not None
        return self._serve(service, say, **options)

    def open(self) -> Any:
        """The engine, opened now."""
        return self._open_engine(**self.settings)
