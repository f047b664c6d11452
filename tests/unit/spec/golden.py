"""The golden table: flags of `run`, and what each of them changes in config.json.

golden.txt has a block for each line of flags: the JSON pointers whose values differ from those of a container without
flags, or the error.  Lists of objects are keyed by what names their entries, so that a change stays where it belongs.

usage: python -m tests.unit.spec.golden    writes the file anew; read the difference before you keep it
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from argosy.cli.flags import build_options, parse
from argosy.cli.podman import _container_flags, create
from argosy.errors import ArgosyError
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import generate, process
from argosy.spec.generate import HostNode
from argosy.spec.options import ContainerOptions
from tests.unit.spec.requests import ID, request

FILE = Path(__file__).with_name("golden.txt")
IMAGE = ContainerConfig(
    user="bob", env=("PATH=/usr/bin:/bin", "FROM=image"), entrypoint=("/entry",), cmd=("sh",), working_dir="/srv"
)


def blocks() -> dict[str, str]:
    """The flags of each block of the file, and what it says of them."""
    found: dict[str, str] = {}
    for block in FILE.read_text(encoding="utf-8").split("\n\n"):
        flags, _, result = block.strip("\n").partition("\n")
        if flags and not flags.startswith("#"):
            assert flags not in found, f"{flags} is there twice"
            found[flags] = result
    return found


def result(flags: str) -> str:
    """What the flags change, as the file has it; "(none)" stands for no flags, of which everything is shown."""
    words = [] if flags == "(none)" else shlex.split(flags)
    try:
        made = leaves(config(words))
    except ArgosyError as error:
        return "\n".join(f"  ! {line}" for line in str(error).splitlines())
    before = {} if flags == "(none)" else leaves(config([]))
    changed = {path: _change(value, before.get(path)) for path, value in made.items() if before.get(path) != value}
    changed.update(dict.fromkeys(before.keys() - made.keys(), "is gone"))
    return "\n".join(f"  {path} {text}" for path, text in sorted(changed.items()))


def _change(value: Any, before: Any) -> str:
    """`value`, or of a list what came and what went."""
    if isinstance(value, list) and isinstance(before, list) and not {*map(type, value), *map(type, before)} - {str}:
        came = [f"+{item}" for item in value if item not in before]
        went = [f"-{item}" for item in before if item not in value]
        if came or went:
            return " ".join(came + went)
    return f"= {json.dumps(value, ensure_ascii=False)}"


def options(words: list[str]) -> ContainerOptions:
    """The options of `create` with these flags, and /bin/program for a command."""
    parsed = parse(create.COMMAND.flags, [*words, "box", "/bin/program"], interspersed=False)
    given = build_options(create.COMMAND, parsed, "argosy create")
    return _container_flags.container_options(given)  # type: ignore[arg-type]  # create's own options


def config(words: list[str]) -> dict[str, Any]:
    """config.json of that container on a host where everything works."""
    given = options(words)
    generate.check(given, IMAGE)
    made = request(
        image=IMAGE,
        options=given,
        mounts=given.mounts,
        nodes=tuple(HostNode(d.source, d.target, "c", 1, 5, permissions=d.permissions) for d in given.devices),
        block_devices={path: (8, number) for number, path in enumerate(("/dev/sda", "/dev/sdb"))},
        init_path="/usr/bin/catatonit",
        may_raise_rlimits=True,
        systemd=process.runs_systemd(given, IMAGE),
        files={"/etc/hosts": "/run/hosts", "/run/.containerenv": "/run/containerenv"},
        seccomp_profile=b'{"defaultAction":"SCMP_ACT_ALLOW"}' if given.security.seccomp.startswith("/") else None,
        netns_path="/run/netns/x",
    )
    return generate.generate(made)


def leaves(document: Any, path: str = "") -> dict[str, Any]:
    """JSON pointer to value.  The rules of the seccomp profile are told by what they allow."""
    if path.endswith("/seccomp") and "syscalls" in document:
        return {f"{path}/allowed": sorted(_allowed(document))}
    if path.endswith("/env"):
        return {f"{path}/{name}": value for name, _, value in (entry.partition("=") for entry in document)}
    if isinstance(document, list) and document and all(isinstance(item, dict) for item in document):
        document = dict(map(_keyed, document))
    if isinstance(document, dict) and document:
        found = {}
        for key, value in document.items():
            found.update(leaves(value, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"))
        return found
    return {path: document.replace(ID, "ID") if isinstance(document, str) else document}


def _keyed(item: dict[str, Any]) -> tuple[str, Any]:
    """An entry by what names it: where it is mounted, a device, the kind of a namespace or limit; else itself."""
    name = "destination" if "destination" in item else "path" if "fileMode" in item else "type"
    if "allow" in item or name not in item:
        return json.dumps(item), "there"
    return str(item[name]), {key: value for key, value in item.items() if key != name} or "there"


def _allowed(document: dict[str, Any]) -> set[str]:
    """The calls that some rule lets through whatever their arguments are."""
    rules = (rule for rule in document["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args"))
    return {name for rule in rules for name in rule["names"]}


def main() -> None:
    """Write the file as things are now."""
    written = [f"{flags}\n{result(flags)}".rstrip("\n") for flags in blocks()]
    head = "# Flags of `run`, and what they change in config.json; see golden.py.\n\n"
    FILE.write_text(head + "\n\n".join(written) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
