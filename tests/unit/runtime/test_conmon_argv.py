"""The argument vectors and the environment that conmon is called with."""

from __future__ import annotations

import itertools

from argosy.runtime import conmon
from argosy.runtime.oci_runtime import OciRuntime

CRUN = OciRuntime("crun", "/usr/bin/crun", "/run/argosy/runtime")
RUNC = OciRuntime("runc", "/usr/sbin/runc", "/run/argosy/runtime")
REQUEST = conmon.ConmonRequest(
    program="/usr/bin/conmon",
    id="4f" * 32,
    name="web",
    bundle="/run/argosy/containers/4f",
    runtime=CRUN,
    pidfile="/run/argosy/containers/4f/pidfile",
    conmon_pidfile="/run/argosy/containers/4f/conmon.pid",
    exit_dir="/run/argosy/exits",
    log_path="/var/lib/argosy/containers/4f/ctr.log",
)


def value_of(argv: list[str], flag: str) -> str:
    return argv[argv.index(flag) + 1]


def runtime_args(argv: list[str]) -> list[str]:
    return [after for word, after in itertools.pairwise(argv) if word == "--runtime-arg"]


def test_a_plain_container() -> None:
    argv = conmon.argv(REQUEST)
    assert argv[0] == "/usr/bin/conmon"
    assert value_of(argv, "--api-version") == "1"
    assert (value_of(argv, "-c"), value_of(argv, "-u"), value_of(argv, "-n")) == ("4f" * 32, "4f" * 32, "web")
    assert (value_of(argv, "-r"), value_of(argv, "-b")) == ("/usr/bin/crun", "/run/argosy/containers/4f")
    assert value_of(argv, "-l") == "k8s-file:/var/lib/argosy/containers/4f/ctr.log"
    assert runtime_args(argv) == ["--root", "/run/argosy/runtime"]
    assert {"--full-attach", "--no-sync-log"} <= set(argv)
    assert not {"-t", "-i", "--systemd-cgroup", "--exit-command", "--persist-dir", "--runtime-opt"} & set(argv)


def test_a_terminal_never_gets_the_flag_for_a_pipe_as_input() -> None:
    assert "-i" in conmon.argv(REQUEST.replace(stdin=True))
    argv = conmon.argv(REQUEST.replace(stdin=True, tty=True))
    assert "-t" in argv
    assert "-i" not in argv


def test_runc_is_told_to_keep_its_log_out_of_standard_error() -> None:
    assert runtime_args(conmon.argv(REQUEST.replace(runtime=RUNC))) == [
        *("--root", "/run/argosy/runtime"),
        *("--log", "/dev/null"),
    ]


def test_conmon_itself_passes_on_that_systemd_keeps_the_cgroups() -> None:
    argv = conmon.argv(REQUEST.replace(runtime=CRUN.replace(cgroup_manager="systemd")))
    assert "--systemd-cgroup" in argv
    assert "--systemd-cgroup" not in runtime_args(argv)


def test_the_exit_command_word_by_word() -> None:
    argv = conmon.argv(REQUEST.replace(exit_command=("/usr/bin/python3", "-IS", "/x y", "--root=/r")))
    assert value_of(argv, "--exit-command") == "/usr/bin/python3"
    given = [after for word, after in itertools.pairwise(argv) if word == "--exit-command-arg"]
    assert given == ["-IS", "/x y", "--root=/r"]


def test_a_log_path_with_a_colon_goes_through_a_descriptor() -> None:
    request = REQUEST.replace(log_path="/srv/a:b/ctr.log")
    assert value_of(conmon.argv(request, 7), "-l") == "k8s-file:/proc/self/fd/7/ctr.log"


def test_log_drivers_and_their_limits() -> None:
    assert value_of(conmon.argv(REQUEST.replace(log_driver="none")), "-l") == "none"
    argv = conmon.argv(REQUEST.replace(log_driver="journald", log_tag="t", log_size_max=4096))
    assert (value_of(argv, "-l"), value_of(argv, "--log-tag")) == ("journald", "t")
    assert value_of(argv, "--log-size-max") == "4096"


def test_preserved_descriptors_are_told_to_the_runtime() -> None:
    argv = conmon.argv(REQUEST.replace(preserve_fds=2))
    given = [after for word, after in itertools.pairwise(argv) if word == "--runtime-opt"]
    assert given == ["--preserve-fds", "2"]


def test_a_detached_exec() -> None:
    request = conmon.ExecRequest(
        program="/usr/bin/conmon",
        id="4f" * 32,
        exec_id="ab" * 32,
        runtime=CRUN,
        directory="/run/x",
        process_path="/run/x/process.json",
        pidfile="/run/x/pid",
        conmon_pidfile="/run/x/conmon.pid",
        tty=True,
        stdin=True,
    )
    argv = conmon.argv_exec(request)
    assert "-e" in argv
    assert (value_of(argv, "-c"), value_of(argv, "-u")) == ("4f" * 32, "ab" * 32)
    assert value_of(argv, "--exec-process-spec") == "/run/x/process.json"
    assert value_of(argv, "-l") == "none"
    assert "-t" in argv
    assert "-i" not in argv


def test_the_environment_holds_what_finds_the_store_and_no_secret() -> None:
    given = {
        "PATH": "/bin",
        "HOME": "/root",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "CONTAINERS_CONF": "/c",
        "_ARGOSY_USERNS": "1:2:3",
        "PASSWORD": "sesame",
        "TMPDIR": "/elsewhere",
    }
    kept = conmon.environment("/run/argosy/containers/4f", given)
    assert kept == {
        "PATH": "/bin",
        "HOME": "/root",
        "XDG_RUNTIME_DIR": "/run/user/0",
        "CONTAINERS_CONF": "/c",
        "_ARGOSY_USERNS": "1:2:3",
        "TMPDIR": "/run/argosy/containers/4f",
    }


def test_more_of_the_environment_comes_from_the_configuration() -> None:
    kept = conmon.environment("/run/x", {"PATH": "/bin"}, ("A=1=2", "PATH=/sbin"))
    assert kept == {"PATH": "/sbin", "TMPDIR": "/run/x", "A": "1=2"}


def test_the_console_socket_gets_a_path_that_is_short_enough() -> None:
    long = "/run/user/1000/argosy/containers/" + "4f" * 32
    assert conmon.environment(long, {})["TMPDIR"] == "/run/user/1000/argosy/containers"
    assert conmon.environment("/" + "x" * 200, {})["TMPDIR"] == "/"
