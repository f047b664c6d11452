"""What an ordinary user has where ranges of ids are short, or missing: said once, and as faithful as can be."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import subprocess
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host, images
from tests.rig.lacking import lacking
from tests.rig.program import Program

pytestmark = [host.needs_root, host.needs_user]

FULL, ONE, SHORT = "", "only one user id is available", "only 11 user ids are available"
USERS = {"bin/mailer": (7, 8), "etc/shadow": (0, 42), "var": (4242, 0)}


@pytest.fixture
def user_of(new_program: Callable[[str], Program]) -> Iterator[Callable[..., Program]]:
    """An unprivileged user's program, on a host some of whose files are others."""
    with contextlib.ExitStack() as stack:

        def make(*cover: str) -> Program:
            program = new_program(host.TEST_USER)
            prefix = stack.enter_context(lacking(ids="", cover=cover))
            account = pwd.getpwnam(host.TEST_USER)
            identity = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--inh-caps=-all"]
            program.prefix, program.user = [*prefix, "setpriv", *identity], ""
            stack.callback(restore, program)
            return program

        yield make


def restore(program: Program) -> None:
    """Let the checks at the end of a test work with the plain host."""
    program.run("rm", "--all", "--force", "--time", "0", check=False)
    program.run("system", "reset", "--force", check=False)
    program.prefix, program.user = [], host.TEST_USER


def owned_image() -> bytes:
    """The busybox image, in which some files are other users'."""
    made = io.BytesIO()
    with tarfile.open(images.busybox_archive()) as source, tarfile.open(fileobj=made, mode="w") as target:
        for member in source:
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
        for name, (uid, gid) in USERS.items():
            extra = tarfile.TarInfo(name)
            extra.uid, extra.gid, extra.mode = uid, gid, 0o4750
            extra.type = tarfile.DIRTYPE if name == "var" else tarfile.REGTYPE
            target.addfile(extra)
    return made.getvalue()


def owners(program: Program, container: str) -> dict[str, tuple[int, int]]:
    """What an export says of the files in USERS."""
    program.run("export", "-o", f"{program.base}/home/tree.tar", container)
    with tarfile.open(f"{program.base}/home/tree.tar") as opened:
        return {name: (opened.getmember(name).uid, opened.getmember(name).gid) for name in USERS}


@pytest.mark.parametrize("cover", ["/etc/subuid", "/etc/subgid", "/usr/bin/newuidmap"])
def test_with_a_single_id_images_run_and_their_owners_are_remembered(
    user_of: Callable[..., Program], cover: str
) -> None:
    program = user_of(os.path.realpath(cover))
    done = program.run("import", "-", "owned", input=owned_image())
    assert done.stderr.count(ONE) == 1
    assert "`argosy doctor ids`" in done.stderr
    assert "less  ids: " in program.run("doctor", "ids").stdout
    done = program.run(
        "run",
        "--name",
        "c",
        "owned",
        "sh",
        "-c",
        "id -u; stat -c %u:%g /etc/shadow; chmod 700 /var; echo >>/etc/shadow",
    )
    assert (done.lines, done.stderr.count(ONE)) == (["0", "0:0"], 0)
    assert owners(program, "c") == USERS


def test_ranges_that_come_later_are_taken_by_migrate(user_of: Callable[..., Program]) -> None:
    program = user_of("/etc/subuid")
    program.run("import", "-", "owned", input=owned_image())
    program.run("run", "-d", "--name", "c", "owned", "sleep", "1001")
    holder = program.prefix[1].partition("=")[2]
    subprocess.run(["nsenter", f"--target={holder}", "--mount", "umount", "/etc/subuid"], check=True)
    done = program.run("system", "migrate")
    assert done.stdout.startswith("stopped ")
    stat = program.run("run", "--rm", "owned", "stat", "-c", "%u:%g", "/etc/shadow", "/var", "/bin/sh")
    assert (stat.lines, stat.stderr) == (["0:42", "4242:0", "0:0"], "")
    assert "c" in program.run("ps", "-a").stdout
    program.run("start", "c")
    assert program.run("exec", "c", "stat", "-c", "%u", "/var").stdout == "4242\n"


def test_with_short_ranges_larger_ids_are_refused_and_the_reason_told(
    user_of: Callable[..., Program], tmp_path: os.PathLike[str]
) -> None:
    with open(f"{tmp_path}/ranges", "w", encoding="utf-8") as file:
        file.write(f"{host.TEST_USER}:100000:10\n")
    os.chmod(f"{tmp_path}/ranges", 0o644)
    program = user_of(f"/etc/subuid={tmp_path}/ranges", f"/etc/subgid={tmp_path}/ranges")
    with open(images.busybox_archive(), "rb") as archive:
        done = program.run("import", "-", "busybox", input=archive.read())
    assert done.stderr.count(SHORT) == 1
    assert "only 10 ids" in program.run("doctor", "ids").stdout
    assert program.run("run", "--rm", "-u", "5", "busybox", "id", "-u").stdout == "5\n"
    done = program.run("import", "-", "owned", input=owned_image(), check=125)
    assert "is not in the id map" in done.stderr
    assert "argosy doctor ids" in done.stderr
