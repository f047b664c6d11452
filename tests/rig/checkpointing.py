"""An OCI runtime that checkpoints without CRIU: it records its calls, and starts anew what it is to restore.

CRIU wants more of a kernel than many hosts have; what is tested with this is all that is on our side of the runtime's
command line.  `criu` beside it says yes to every question.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from tests.rig.program import Program

_RUNTIME = """#!/usr/bin/python3 -IS
import os, subprocess, sys

REAL, HERE = {real!r}, {here!r}
arguments = sys.argv[1:]
at = next((number for number, word in enumerate(arguments) if word in ("checkpoint", "restore")), None)
if at is None:
    os.execv(REAL, [REAL, *arguments])
if "--help" in arguments:
    sys.exit(0)
with open(HERE + "/calls", "a") as log:
    log.write(" ".join(arguments[at:]) + "\\n")
if os.path.exists(HERE + "/broken"):
    sys.exit("criu failed: type DUMP errno 0")
before, words = arguments[:at], arguments[at + 1 :]


def value(flag):
    return words[words.index(flag) + 1]


if arguments[at] == "checkpoint":
    images, work = value("--image-path"), value("--work-path")
    with open(images + "/pages-1.img", "w") as pages:
        pages.write("memory")
    with open(work + "/stats-dump", "wb") as stats:
        stats.write(bytes.fromhex("0633095706330957" + "06000000" + "0a0408011002"))
    if "--parent-path" in words:
        os.symlink(value("--parent-path"), images + "/parent")
    with open(images + "/inventory.img", "w") as last:
        last.write("whole")
    if "--leave-running" not in words and "--pre-dump" not in words:
        sys.exit(subprocess.call([REAL, *before, "kill", words[-1], "KILL"]))
else:
    images = value("--image-path")
    with open(HERE + "/restored", "w") as log:
        log.write(open(images + "/pages-1.img").read())
    given = [flag for flag in ("--bundle", "--pid-file", "--console-socket") if flag in words]
    made = [word for flag in given for word in (flag, value(flag))]
    status = subprocess.call([REAL, *before, "create", *made, words[-1]])
    sys.exit(status or subprocess.call([REAL, *before, "start", words[-1]]))
"""


class Runtime:
    """The runtime's directory, and how the program is made to use it."""

    def __init__(self, program: Program) -> None:
        real = program.run("info", "--format", "{{.Host.OCIRuntime.Path}}").stdout.strip()
        self.directory = f"{program.files}/runtime"
        os.mkdir(self.directory)
        for name, text in (("runc", _RUNTIME.format(real=real, here=self.directory)), ("criu", "#!/bin/sh\n")):
            with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(f"{self.directory}/{name}", 0o755)
        program.env["PATH"] = f"{self.directory}:{program.environment()['PATH']}"
        program.flags += ["--runtime", "runc"]

    def calls(self) -> list[list[str]]:
        """The calls so far, each but once."""
        path = f"{self.directory}/calls"
        with open(path, encoding="utf-8") as file:
            found = [line.split() for line in file]
        os.unlink(path)
        return found

    def fail(self, *, wanted: bool) -> None:
        """Whether the next ones fail."""
        path = f"{self.directory}/broken"
        if wanted:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        else:
            os.unlink(path)

    def restored(self) -> str:
        """What was in the images of the last restore."""
        with open(f"{self.directory}/restored", encoding="utf-8") as file:
            return file.read()


def flags(call: Sequence[str]) -> set[str]:
    """The flags of a call, without their values."""
    return {word for word in call if word.startswith("--")}
