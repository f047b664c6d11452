"""Where the data of secrets is: sealed in a directory (`file`), in the tree of pass (`pass`), or wherever the user's
own commands put it (`shell`).  Options and messages are podman's; data goes to programs through pipes alone.
"""

from __future__ import annotations

import os

from argosy.errors import ArgosyError, NotFound
from argosy.linux import files, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class Driver(Protocol):
        """A place for data.  An entry is the name of one secret's data there; `remove` of what is gone is no error."""

        def store(self, entry: str, data: bytes) -> None: ...
        def load(self, entry: str) -> bytes: ...
        def remove(self, entry: str) -> None: ...


NAMES = ("file", "pass", "shell")
_COMMANDS = ("delete", "list", "lookup", "store")
_LIMIT = 1 << 20


def settled(name: str, options: Mapping[str, str], home: str) -> Mapping[str, str]:
    """The options of a new secret's driver, checked and with what they leave to the user's home directory.

    Raises ArgosyError for an unknown driver, or options that do not make one.
    """
    if name not in NAMES:
        raise ArgosyError("invalid driver", details=name, hint=f"there are {', '.join(NAMES)}")
    if name == "pass":
        return _pass_options(options, home)
    known = _COMMANDS if name == "shell" else ("path",)
    _check_known(name, options, known)
    if name == "shell" and set(options) != set(_COMMANDS):
        raise ArgosyError("missing config value", hint="--driver-opts list=COMMAND,lookup=...,store=...,delete=...")
    if name == "file" and options and not os.path.isabs(options["path"]):
        raise ArgosyError(f"the path of the driver file is not absolute: {options['path']}")
    return options


def opened(name: str, options: Mapping[str, str], directory: str, seal: Seal, unseal: Seal) -> Driver:
    """The driver; `file` without a path keeps its data in `directory`."""
    if name == "shell":
        return Shell(options)
    if name == "pass":
        return Pass(options)
    return File(options.get("path", directory), seal, unseal)


if TYPE_CHECKING:
    Seal = Callable[[bytes], bytes]


class File:
    """A file for each secret, sealed."""

    def __init__(self, directory: str, seal: Seal, unseal: Seal) -> None:
        self._directory = directory
        self._seal, self._unseal = seal, unseal

    def store(self, entry: str, data: bytes) -> None:
        try:
            files.make_directories(self._directory)
            files.write_atomic(f"{self._directory}/{entry}", self._seal(data), durable=True)
        except OSError as error:
            raise ArgosyError(f"cannot store the secret in {self._directory}: {error.strerror}") from error

    def load(self, entry: str) -> bytes:
        path = f"{self._directory}/{entry}"
        try:
            sealed = files.read_regular(path, _LIMIT)
        except OSError as error:
            raise ArgosyError(f"cannot read the data of a secret, {path}: {error.strerror}") from error
        return self._unseal(sealed)

    def remove(self, entry: str) -> None:
        files.unlink_missing(f"{self._directory}/{entry}")


class Pass:
    """A file encrypted by gpg in the tree of pass(1), as `pass insert ENTRY` would make it."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._root, self._key = options["root"], options["key"]
        home = options.get("gpghomedir", "")
        self._gpg = ["gpg", "--batch", "--quiet", *(["--homedir", home] if home else [])]

    def store(self, entry: str, data: bytes) -> None:
        target = f"{self._root}/{entry}.gpg"
        done = process.run([*self._gpg, "--encrypt", "-r", self._key], input=data)
        files.write_atomic(target, done.stdout, durable=True)

    def load(self, entry: str) -> bytes:
        path = f"{self._root}/{entry}.gpg"
        if not os.path.isfile(path):
            raise NotFound("secret data", path)
        return process.run([*self._gpg, "--decrypt", path], output_limit=_LIMIT).stdout

    def remove(self, entry: str) -> None:
        files.unlink_missing(f"{self._root}/{entry}.gpg")


class Shell:
    """The user's commands, which find the entry's name in SECRET_ID; data comes and goes by their streams."""

    def __init__(self, options: Mapping[str, str]) -> None:
        self._options = options

    def store(self, entry: str, data: bytes) -> None:
        self._run("store", entry, data)

    def load(self, entry: str) -> bytes:
        return self._run("lookup", entry)

    def remove(self, entry: str) -> None:
        self._run("delete", entry)

    def _run(self, command: str, entry: str, data: bytes = b"") -> bytes:
        environment = {**os.environ, "SECRET_ID": entry}
        argv = ["/bin/sh", "-c", self._options[command]]
        return process.run(argv, input=data, env=environment, output_limit=_LIMIT).stdout


def _check_known(name: str, options: Mapping[str, str], known: tuple[str, ...]) -> None:
    unknown = set(options).difference(known)
    if unknown:
        hint = f"it knows {', '.join(known)}"
        raise ArgosyError(f"the secret driver {name} has no option {min(unknown)}", hint=hint)


def _pass_options(options: Mapping[str, str], home: str) -> Mapping[str, str]:
    """With the root that pass or gopass use, and the key that the nearest .gpg-id names, where none were given."""
    _check_known("pass", options, ("gpghomedir", "key", "root"))
    places = (f"{home}/.password-store", f"{home}/.local/share/gopass/stores/root")
    root = options.get("root") or next(filter(os.path.isdir, places), "")
    if not os.path.isdir(root):
        hint = "pass init KEY, or --driver-opts root=DIRECTORY,key=KEY"
        raise ArgosyError(f"the secret driver pass finds no password store{f' at {root}' if root else ''}", hint=hint)
    root = os.path.abspath(root)
    key = options.get("key") or _gpg_id(root)
    if not key:
        raise ArgosyError(f"there is no .gpg-id in {root} or above it", hint="--driver-opts key=KEY")
    return {**options, "root": root, "key": key}


def _gpg_id(directory: str) -> str:
    while True:
        try:
            return files.read_regular(f"{directory}/.gpg-id").decode(errors="replace").strip()
        except FileNotFoundError:
            if directory == "/":
                return ""
            directory = os.path.dirname(directory)
