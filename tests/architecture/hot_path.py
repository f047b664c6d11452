"""The commands that must be fast, and how to see what they import; as a program, writes the list anew."""

from __future__ import annotations

import json
import tempfile

from tests.rig import leaks, processes
from tests.rig.program import CHECKOUT, Program

LIST = f"{CHECKOUT}/tests/architecture/hot_path.json"
INTERPRETER = ("/usr/bin/python3", "-I", "-S", "-X", "importtime")

COMMANDS = {
    "run": ("run", "--rm", "--network", "none", "IMAGE", "true"),
    "exec": ("exec", "RUNNING", "true"),
    "ps": ("ps",),
    "container cleanup": ("container", "cleanup", "ENDED"),
}


def imported(program: Program, *args: str) -> list[str]:
    """The modules that a call of the program imports, in order."""
    argv = program.argv(*args)
    done = program.call(*INTERPRETER, *argv)
    lines = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
    return [columns[2].strip() for columns in lines[1:]]


def prepare(program: Program) -> None:
    """An image, a container that runs and one that has ended."""
    image = program.busybox()
    program.run("run", "-d", "--name", "running", "--network", "none", image, "sleep", "1000")
    program.run("run", "--name", "ended", "--network", "none", image, "true")


def words(command: str) -> list[str]:
    """The command line, with the names of the prepared objects."""
    names = {"IMAGE": "busybox", "RUNNING": "running", "ENDED": "ended"}
    return [names.get(word, word) for word in COMMANDS[command]]


def listed() -> dict[str, list[str]]:
    """The list: for each command the modules of our own that it may import."""
    with open(LIST, encoding="utf-8") as file:
        lists: dict[str, list[str]] = json.load(file)
    return lists


def main() -> None:
    """Write the list as things are now."""
    processes.adopt_orphans(True)
    lists = {}
    with tempfile.TemporaryDirectory() as directory:
        program = Program(f"{directory}/p", f"{CHECKOUT}/bin/argosy")
        prepare(program)
        for command in COMMANDS:
            imported(program, *words(command))  # writes the caches of the run directory
            names = imported(program, *words(command))
            lists[command] = sorted(name for name in names if name.split(".")[0] == "argosy")
            print(f"{command}: {len(lists[command])}")
        leaks.close(program, set())
    with open(LIST, "w", encoding="utf-8") as file:
        json.dump(lists, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
