"""What a program must not leave behind: processes, mounts, namespaces, control groups, unfinished files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection

from tests.rig import host, processes
from tests.rig.program import Program

_SETTLE_S = 15.0
_CGROUPS = "/sys/fs/cgroup"


def close(program: Program, known: set[int]) -> list[str]:
    """Remove the containers, report what is left that should not be, and remove everything.

    `known` are the processes that were there before the program ran.  Where a mount is left, the files below stay too:
    what is mounted there may be somebody's data.
    """
    problems = []
    if names(f"{program.root}/containers", ignore=("names",)):
        removal = program.run("rm", "--all", "--force", "--time", "0", check=False)
        if removal.returncode:
            problems.append(f"`rm --all --force` failed: {removal.stderr.strip()}")
    problems += left_over(program, known)
    if names(f"{program.root}/networks", ignore=(".lock",)):
        program.run("network", "prune", "--force", check=False)  # their bridges are the host's
    keepers = pause_processes(program)
    left = processes.settle(known | keepers, 0)
    _remove_foreign_files(program)
    processes.kill(left | dict.fromkeys(keepers, ""))
    if not mounts(program, set()):
        shutil.rmtree(program.base, ignore_errors=True)
    if os.path.exists(program.base):
        problems.append(f"cannot remove {program.base}")
    return problems


def left_over(program: Program, known: set[int]) -> list[str]:
    """What is there that should not be when no container runs and no command is under way."""
    keepers = pause_processes(program)
    left = processes.settle(known | keepers, _SETTLE_S)
    problems = [f"process {pid}: {line}" for pid, line in left.items()]
    problems += mounts(program, keepers)
    for what, directory in (
        ("unfinished", f"{program.root}/tmp"),
        ("network namespace", f"{program.runroot}/netns"),
        ("run directory", f"{program.runroot}/containers"),
        ("runtime record", f"{program.runroot}/runtime"),
    ):
        # crun keeps compiled seccomp filters in `.cache` beside its records, from 1.9 on.
        problems += [f"{what}: {path}" for path in names(directory, ignore=(".cache",))]
    problems += [f"lease or rule: {path}" for path in shared_network_files(program)]
    return problems + [f"control group: {path}" for path in control_groups(program)]


def shared_network_files(program: Program) -> list[str]:
    """What containers of this program have of the host's networks: leases of addresses, elements of the firewall."""
    found = []
    for shared in ("/run/argosy/networks", f"{program.runroot}/networks"):
        for directory in names(shared):
            for path in names(directory, ignore=(".last",)):
                if os.path.basename(directory) in ("dns", "uplink"):
                    continue
                if os.path.basename(directory) == "firewall":
                    is_ours = os.path.basename(path) in _ids(program)
                else:
                    with open(path, encoding="utf-8", errors="replace") as file:
                        is_ours = file.read().startswith(f"{program.runroot}/")
                found += [path] if is_ours else []
    return found


def control_groups(program: Program) -> list[str]:
    """The groups of containers that are, or were, this program's: exit records outlive their containers."""
    ids = _ids(program)
    return [
        path
        for hierarchy in ("", *os.listdir(_CGROUPS))
        for path in names(f"{_CGROUPS}/{hierarchy}/argosy")
        if os.path.basename(path) in ids
    ]


def _ids(program: Program) -> set[str]:
    directories = (f"{program.root}/containers", f"{program.runroot}/exits", f"{program.runroot}/containers")
    return {os.path.basename(path) for directory in directories for path in names(directory)}


def pause_processes(program: Program) -> set[int]:
    """The process that holds the user namespace of the program's store: the one thing that may stay."""
    try:
        with open(f"{program.runroot}/userns.json", encoding="utf-8") as file:
            pid = int(json.load(file)["pid"])
    except (OSError, ValueError, KeyError):
        return set()
    return {pid} & processes.descendants().keys()


def mounts(program: Program, keepers: set[int]) -> list[str]:
    """Mounts below the program's directories, in our mount namespace and in the store's own."""
    found = []
    for pid in ("self", *map(str, keepers)):
        try:
            with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
                points = [line.split()[4] for line in table]
        except OSError:
            continue
        found += [f"mount: {point}" for point in points if point.startswith(program.base + "/")]
    return found


def names(directory: str, ignore: Collection[str] = ()) -> list[str]:
    """The paths of what is in a directory, if that is there."""
    try:
        return [f"{directory}/{name}" for name in sorted(os.listdir(directory)) if name not in ignore]
    except OSError:
        return []


def _remove_foreign_files(program: Program) -> None:
    """Files of other ids, which only root or the store's namespace may remove."""
    if not host.is_root() and os.path.isdir(program.root):
        program.run("unshare", "rm", "-rf", "--one-file-system", program.root, check=False)
