"""Callers that hand the program a strange process: closed streams, few descriptors, odd signals, no home."""

from __future__ import annotations

import pytest

from tests.attacks.ground import Ground, busybox_layer
from tests.rig.program import Completed

# What a shell does before it runs the words behind it.
STRANGE = {
    "no standard input": 'exec "$@" <&-',
    "no standard error": 'exec "$@" 2>&-',
    "no home": 'unset HOME XDG_RUNTIME_DIR; exec "$@"',
    "no environment": 'exec env -i "$@"',
    "no permissions for new files": 'umask 0777; exec "$@"',
    "64 descriptors": 'ulimit -n 64; exec "$@"',
    "a directory that is gone": 'mkdir gone; cd gone; rmdir ../gone; exec "$@"',
    "a directory that cannot be read": 'mkdir -p shut/in; cd shut/in; chmod 0 ..; "$@"; s=$?; chmod 700 ..; exit $s',
    "a language without letters": 'LANG=C LC_ALL=C exec "$@"',
    "signals that are ignored": 'trap "" PIPE INT TERM HUP QUIT CHLD; exec "$@"',
}
PYTHON_IGNORES = "import os,signal,sys; signal.signal(17, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
RUN = ("run", "--rm", "--network=none", "-v", "made:/made", "-e", "A=\u00fc")
INSIDE = 'test -r /made && test -r /etc/passwd && echo "$A"'


@pytest.fixture(scope="module")
def image(ground: Ground) -> str:
    """A harmless image; what is told once of this host has been told."""
    ground.program.run("import", "-q", "-", "harmless", input=busybox_layer())
    ground.program.run(*RUN, "harmless", "true")
    return "harmless"


def call(ground: Ground, script: str, *args: str) -> Completed:
    return ground.program.call("sh", "-c", script, "sh", *ground.program.argv(*args), check=False)


@pytest.mark.parametrize("case", STRANGE)
def test_strange_callers(ground: Ground, image: str, case: str) -> None:
    done = call(ground, STRANGE[case], *RUN, image, "sh", "-c", INSIDE)
    assert done.stderr == ""
    assert (done.returncode, done.stdout) == (0, "\u00fc\n")
    assert ground.program.run("ps", "-aq").stdout == ""


def test_children_that_nobody_waits_for(ground: Ground, image: str) -> None:
    argv = ground.program.argv(*RUN, image, "sh", "-c", "exit 7")
    assert ground.program.call("/usr/bin/python3", "-c", PYTHON_IGNORES, *argv, check=7).stderr == ""


def test_no_standard_output(ground: Ground, image: str) -> None:
    assert call(ground, 'exec "$@" >&-', *RUN, image, "sh", "-c", "exit 7").returncode == 7
    assert call(ground, 'exec "$@" >/dev/full', "images").returncode == 125
    assert call(ground, 'exec "$@" >&- 2>&- <&-', "ps").returncode == 0


def test_too_few_descriptors(ground: Ground, image: str) -> None:
    """It is said before anything is made, and what to raise."""
    objects = ground.objects()
    for limit in (12, 20, 63):
        done = call(ground, f'ulimit -n {limit}; exec "$@"', *RUN, image, "true")
        assert done.returncode == 125
        ground.judge(done, [f"only {limit} files may be open at once", "ulimit -n 1024"])
    assert ground.objects() == objects


def test_files_made_under_a_strange_umask_serve_others(ground: Ground) -> None:
    done = call(ground, 'umask 0777; exec "$@"', "import", "-q", "/dev/null", "nothing")
    assert done.returncode == 125
    ground.judge(done, [])
    path = ground.program.write("layer.tar", busybox_layer())
    assert call(ground, 'umask 0777; exec "$@"', "import", "-q", path, "masked").returncode == 0
    listed = ground.program.run("run", "--rm", "--network=none", "-u", "1000:1000", "masked", "ls", "/etc")
    assert "passwd" in listed.lines
    ground.attack("rmi", "masked", status=0)
