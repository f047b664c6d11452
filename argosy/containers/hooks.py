"""OCI hooks: the JSON files of oci-hooks(5), schema 1.0.0, and what they add to a container's specification.

A file in a later directory masks one of the same name in an earlier; hooks come in the order of the names in lower
case.  The stage `precreate` is podman's: it is run here, before the runtime, and may rewrite the specification.
"""

from __future__ import annotations

import os
import stat

from argosy import jsontext
from argosy.errors import ArgosyError, Invalid
from argosy.linux import files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, NoReturn

_WHAT = "hook file"
_FILE_LIMIT = 1 << 20
_ANSWER_LIMIT = 16 << 20
_STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
_PRECREATE = "precreate"
_PRECREATE_TIME_S = 10.0  # as podman, where the hook names no timeout
_CONDITIONS = {"always": bool, "hasBindMounts": bool, "annotations": dict, "commands": list}


def apply(
    config: dict[str, Any], directories: Sequence[str], *, has_bind_mounts: bool, notice: Callable[[str], None]
) -> dict[str, Any]:
    """`config` with the hooks that match it.  A directory that is missing is worth a notice, as with podman.

    Raises ArgosyError that names the file, or the precreate hook that failed or answered with something else.
    """
    for path in _files(directories, notice):
        hook = _Hook(path)
        if not hook.matches(config, has_bind_mounts=has_bind_mounts):
            continue
        for stage in hook.stages:
            if stage != _PRECREATE:
                config.setdefault("hooks", {}).setdefault(stage, []).append(hook.entry)
        if _PRECREATE in hook.stages:
            config = hook.rewritten(config)
    return config


def _files(directories: Sequence[str], notice: Callable[[str], None]) -> list[str]:
    found: dict[str, str] = {}
    for directory in directories:
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            notice(f"the hooks directory {directory} does not exist")
            continue
        except OSError as error:
            raise ArgosyError(f"cannot read the hooks directory {directory}", details=str(error.strerror)) from error
        found.update((name, os.path.join(directory, name)) for name in names if name.endswith(".json"))
    return [found[name] for name in sorted(found, key=lambda name: (name.lower(), name))]


class _Hook:
    """One file, checked when it is made."""

    def __init__(self, path: str) -> None:
        self.path = path
        data = _read(path)
        if data.get("version") != "1.0.0":
            self.fault(f'version must be "1.0.0", not {data.get("version")!r}')
        self.entry: dict[str, Any] = self._entry(data.get("hook"))
        self.when: dict[str, Any] = self._when(data.get("when"))
        self.stages = self._texts(data.get("stages"), "stages")
        if not self.stages:
            self.fault("stages names none")
        for stage in self.stages:
            if stage not in (*_STAGES, _PRECREATE):
                self.fault(f"stages holds {stage!r}; there are {', '.join((*_STAGES, _PRECREATE))}")

    def fault(self, why: str) -> NoReturn:
        raise Invalid(_WHAT, self.path, why, hint="correct or remove it, or name other directories with --hooks-dir")

    def _entry(self, hook: Any) -> dict[str, Any]:
        if not isinstance(hook, dict):
            self.fault("hook must be an object")
        program = hook.get("path")
        if not isinstance(program, str) or not os.path.isabs(program):
            self.fault("hook.path must be an absolute path")
        try:
            mode = os.stat(program).st_mode
        except (OSError, ValueError) as error:
            self.fault(f"hook.path {program}: {getattr(error, 'strerror', None) or error}")
        if not stat.S_ISREG(mode) or not mode & 0o111:
            self.fault(f"hook.path {program} is not a program")
        for key in ("args", "env"):
            if key in hook:
                self._texts(hook[key], f"hook.{key}")
        timeout = hook.get("timeout", 1)
        if type(timeout) is not int or timeout < 1:
            self.fault("hook.timeout must be a positive number of seconds")
        return {key: hook[key] for key in ("path", "args", "env", "timeout") if key in hook}

    def _when(self, when: Any) -> dict[str, Any]:
        if not isinstance(when, dict) or not when:
            self.fault("when must be an object with a condition")
        for key, value in when.items():
            kind = _CONDITIONS.get(key)
            if kind is None:
                self.fault(f"when has {key!r}; there are {', '.join(_CONDITIONS)}")
            if not isinstance(value, kind):
                self.fault(f"when.{key} has a wrong type")
        annotations = when.get("annotations", {})
        self._texts([*annotations.values()], "when.annotations")
        for pattern in (*self._texts(when.get("commands", []), "when.commands"), *annotations, *annotations.values()):
            self._search(pattern, "")
        return when

    def _texts(self, value: Any, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and "\0" not in item for item in value):
            self.fault(f"{key} must hold strings")
        return tuple(value)

    def _search(self, pattern: str, text: str) -> bool:
        import re

        try:
            return re.search(pattern, text) is not None
        except (re.error, RecursionError, OverflowError) as error:
            self.fault(f"{pattern!r} is no regular expression: {error}")

    def matches(self, config: Mapping[str, Any], *, has_bind_mounts: bool) -> bool:
        """Whether all the conditions hold; `always` false and `hasBindMounts` false never do, as for podman."""
        checks = []
        if "always" in self.when:
            checks.append(self.when["always"])
        if "hasBindMounts" in self.when:
            checks.append(self.when["hasBindMounts"] and has_bind_mounts)
        for key_pattern, value_pattern in self.when.get("annotations", {}).items():
            pairs = config.get("annotations", {}).items()
            checks.append(any(self._search(key_pattern, k) and self._search(value_pattern, v) for k, v in pairs))
        commands = self.when.get("commands", [])
        if commands:
            checks.append(any(self._search(pattern, config["process"]["args"][0]) for pattern in commands))
        return bool(checks) and all(checks)

    def rewritten(self, config: dict[str, Any]) -> dict[str, Any]:
        """What the precreate hook makes of the specification, which it gets on its standard input."""
        environ = dict(item.partition("=")[::2] for item in self.entry.get("env", ()))
        program = self.entry["path"]
        done = process.run(
            [program, *self.entry.get("args", (program,))[1:]],
            input=jsontext.encode(config),
            env=environ,
            timeout_s=float(self.entry.get("timeout", _PRECREATE_TIME_S)),
            output_limit=_ANSWER_LIMIT,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise ArgosyError(f"the precreate hook {program} ended with status {done.returncode}", details=said)
        try:
            answer = jsontext.decode(done.stdout)
        except Invalid:
            answer = None
        if not isinstance(answer, dict) or not isinstance(answer.get("process"), dict) or not _runs(answer["process"]):
            raise ArgosyError(
                f"the precreate hook {program} did not answer with a runtime specification",
                hint=f"it is in {self.path}",
            )
        return answer


def _runs(entry: dict[str, Any]) -> bool:
    arguments = entry.get("args")
    return isinstance(arguments, list) and bool(arguments) and all(isinstance(text, str) for text in arguments)


def _read(path: str) -> dict[str, Any]:
    """The object in the file; a FIFO or a device is never waited for."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Invalid(_WHAT, path, "it is not a regular file")
            data = files.read_descriptor(fd, path, _FILE_LIMIT)
        finally:
            os.close(fd)
    except OSError as error:
        raise ArgosyError(f"cannot read the hook file {path}", details=str(error.strerror)) from error
    try:
        value = jsontext.decode(data, _WHAT)
    except Invalid as error:
        raise Invalid(_WHAT, path, error.why) from error
    if not isinstance(value, dict):
        raise Invalid(_WHAT, path, "it is not a JSON object")
    return value
