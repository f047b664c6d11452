"""The argument vector of a foreground exec."""

from __future__ import annotations

from argosy.runtime import exec as runtime_exec
from argosy.runtime.exec import ExecRequest
from argosy.runtime.oci_runtime import OciRuntime

CRUN = OciRuntime("crun", "/usr/bin/crun", "/run/r")
RUNC = OciRuntime("runc", "/usr/sbin/runc", "/run/r")


def test_log_and_process_are_inherited_memory_files() -> None:
    argv = runtime_exec.argv(ExecRequest(CRUN, "id", b"{}"))
    assert argv == [
        *("/usr/bin/crun", "--root", "/run/r", "--log", "/proc/self/fd/3", "--log-format", "json"),
        *("exec", "--process", "/proc/self/fd/4", "id"),
    ]


def test_runcs_usual_log_gives_way() -> None:
    argv = runtime_exec.argv(ExecRequest(RUNC, "id", b"{}"))
    assert argv.count("--log") == 1
    assert "/dev/null" not in argv


def test_preserved_descriptors_come_first() -> None:
    argv = runtime_exec.argv(ExecRequest(CRUN, "id", b"{}", preserve_fds=2), "--detach")
    assert argv[argv.index("exec") :] == [
        *("exec", "--detach", "--preserve-fds", "2", "--process", "/proc/self/fd/6", "id")
    ]
    assert "/proc/self/fd/5" in argv
