"""--secret and --ssh of `build`: what steps may use, and the image never has."""

from __future__ import annotations

import os
import stat

from argosy.build.options import AgentSource, Secret
from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def _fields(flag: str, text: str) -> dict[str, str]:
    found = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise Invalid(f"--{flag}", text, f'"{part}" is not KEY=VALUE')
        found[key] = value
    return found


def secret(text: str) -> tuple[str, Secret]:
    """id=ID, and src=PATH or env=NAME; with neither, the variable of that name, else the file."""
    fields = _fields("secret", text)
    unknown = fields.keys() - {"id", "src", "source", "env", "type"}
    if unknown:
        raise Invalid("--secret", text, f"unknown key {min(unknown)}")
    name = fields.get("id", "")
    if not name:
        raise Invalid("--secret", text, "it has no id")
    kind = fields.get("type", "")
    if kind not in ("", "file", "env"):
        raise Invalid("--secret", text, "its type is neither file nor env")
    path, variable = fields.get("src") or fields.get("source") or "", fields.get("env", "")
    if kind == "env" and not variable:
        path, variable = "", path or name
    if not path and not variable:
        path, variable = (name, "") if name not in os.environ else ("", name)
    if variable and variable not in os.environ:
        raise Invalid("--secret", text, f"the variable {variable} is not set")
    if path and not os.path.isfile(path):
        raise Invalid("--secret", text, f"there is no file {path}")
    return name, Secret(os.path.abspath(path) if path else "", variable)


def agent(text: str, environ: Mapping[str, str]) -> tuple[str, AgentSource]:
    """ID, ID=SOCKET of an agent, or ID=KEYFILE[,KEYFILE...]; without a file, the caller's own agent."""
    name, _, value = text.partition("=")
    name = name or "default"
    paths = value.split(",") if value else [environ.get("SSH_AUTH_SOCK", "")]
    if not all(paths):
        hint = "start one with ssh-agent(1), or give a key: --ssh ID=KEYFILE"
        raise Invalid("--ssh", text, "no agent runs (SSH_AUTH_SOCK is not set)", hint=hint)
    found = tuple(os.path.abspath(path) for path in paths)
    kinds = [_kind(path, text) for path in found]
    if kinds == [stat.S_IFSOCK]:
        return name, AgentSource(socket=found[0])
    if any(kind != stat.S_IFREG for kind in kinds):
        raise Invalid("--ssh", text, "it must be the socket of one agent, or files with keys")
    return name, AgentSource(keys=found)


def _kind(path: str, text: str) -> int:
    try:
        return stat.S_IFMT(os.stat(path).st_mode)
    except OSError as error:
        raise Invalid("--ssh", text, f"{path}: {str(error.strerror).lower()}") from error
