"""A program that is not Argosy's and uses it as a library: any interpreter, with `site`, threads and all."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from typing import Any

from tests.rig import images
from tests.rig.program import Completed, Program, finish

_HEAD = """
import json, os, sys, threading, time
import argosy
from argosy import ContainerOptions, ExecOptions, LogOptions, NetworkMode, Streams

ROOT, RUN, ARCHIVE = sys.argv[1:4]

def open_engine(**more):
    return argosy.open(root=ROOT, runroot=RUN, **more)

def options(*command, **more):
    return ContainerOptions(image="busybox", command=command, network=NetworkMode("none"), **more)

def children():
    pids = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            pids += map(int, file.read().split())
    return pids

def captured(call):
    '''The status of call(write_fd), and all that came through the pipe.'''
    read_fd, write_fd = os.pipe()
    chunks = []
    def read():
        while chunk := os.read(read_fd, 65536):
            chunks.append(chunk)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        status = call(write_fd)
    finally:
        os.close(write_fd)
        reader.join()
        os.close(read_fd)
    return status, b"".join(chunks)
"""


class Foreign:
    """Runs Python code as the user of a program fixture, with that program's store in `ROOT` and `RUN`.

    `argosy` and the libraries that it needs come by PYTHONPATH; for the unprivileged user from the installed copy.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        home = os.path.dirname(os.path.dirname(program.launcher))
        libraries = f"{home}/.venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
        self._python = "/usr/bin/python3" if program.user else sys.executable
        self._env = {"PYTHONPATH": f"{home}:{libraries}", "PYTHONDONTWRITEBYTECODE": "1"}
        with open(images.busybox_archive(), "rb") as archive:
            self.archive = program.write("busybox.tar", archive.read())

    def start(self, code: str, *operands: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the code; `sys.argv[4:]` are the operands."""
        pipe = subprocess.PIPE
        text = _HEAD + textwrap.dedent(code)
        argv = [self._python, "-W", "error", "-c", text]
        argv += [self.program.root, self.program.runroot, self.archive, *operands]
        streams = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **options}
        return self.program.spawn(argv, env=self._env, **streams)

    def run(self, code: str, *operands: str, check: bool | int = True) -> Completed:
        """Run the code to its end."""
        return finish(self.start(code, *operands), check=check)


def first_line(process: subprocess.Popen[bytes]) -> str:
    """The first line that the code prints."""
    assert process.stdout is not None
    return process.stdout.readline().decode().rstrip("\n")
