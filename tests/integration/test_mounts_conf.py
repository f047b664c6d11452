"""mounts.conf: copies of the host's directories and files in every container."""

from __future__ import annotations

import os

from tests.rig.program import Program


def _tree(program: Program) -> str:
    """A directory with a file, a link to a file outside, and what cannot be copied."""
    program.write("outside", "linked\n", 0o600)
    directory = f"{program.files}/secrets"
    program.call("mkdir", "-p", f"{directory}/below")
    program.call("sh", "-c", f"echo one > {directory}/below/one; chmod 750 {directory}/below")
    program.call("ln", "-sf", "../outside", f"{directory}/link")
    program.call("ln", "-sf", "nowhere", f"{directory}/dangling")
    return directory


def test_copies_are_mounted(argosy_both: Program, busybox: str) -> None:
    directory = _tree(argosy_both)
    single = argosy_both.write("single", "file\n")
    conf = argosy_both.write(
        "mounts.conf",
        f"# what every container gets\n{directory}:/run/secrets\n{single}:/etc/app/conf\n{single}:/etc/hostname\n"
        f"{single}:/own\n{argosy_both.files}/missing:/missing\n",
    )
    script = (
        "cd /run/secrets; cat below/one link /etc/app/conf /own/mine; stat -c %a below; stat -c %a,%U link;"
        "test -L link || echo followed; echo changed > below/one; cat below/one; ls /missing; cat /etc/hostname"
    )
    own = f"{argosy_both.files}/own"
    argosy_both.call("sh", "-c", f"mkdir {own}; echo mine > {own}/mine")
    flags = ("--default-mounts-file", conf)
    done = argosy_both.run(
        *(*flags, "run", "--name", "c", "--hostname", "box", "-v", f"{own}:/own", busybox, "sh", "-c", script)
    )
    assert done.stdout.split() == [
        *("one", "linked", "file", "mine", "750", "600,root", "followed", "changed", "box"),
    ]
    assert f'path "{argosy_both.files}/missing" from "{conf}" does not exist, skipping' in done.stderr
    assert f'"{directory}/dangling" from "{conf}" cannot be copied' in done.stderr
    with open(f"{directory}/below/one") as file:
        assert file.read() == "one\n"
    # The next start copies what is there by then; without the file there is nothing.
    argosy_both.call("sh", "-c", f"echo two > {directory}/below/one")
    assert argosy_both.run(*flags, "start", "-a", "c").stdout.split()[0] == "two"
    assert argosy_both.run("run", "--rm", busybox, "ls", "/run").stdout.split() == []


def test_broken_files_stop_the_container(argosy: Program, busybox: str) -> None:
    conf = argosy.write("mounts.conf", "\n/only:relative\n")
    done = argosy.run("--default-mounts-file", conf, "run", "--rm", busybox, "true", check=125)
    assert f"{conf}" in done.stderr
    assert "at line 2" in done.stderr
    argosy.call("mkfifo", f"{argosy.files}/fifo")
    done = argosy.run("--default-mounts-file", f"{argosy.files}/fifo", "run", "--rm", busybox, "true", check=125)
    assert "not a regular file" in done.stderr
    profile = f"seccomp={argosy.files}/fifo"
    done = argosy.run("run", "--rm", "--security-opt", profile, busybox, "true", check=125)
    assert "not a regular file" in done.stderr
    argosy.write("mounts.conf", f"{argosy.files}/fifo:/x\n")
    done = argosy.run("--default-mounts-file", conf, "run", "--rm", busybox, "true", check=125)
    assert "neither a directory nor a regular file" in done.stderr
    os.mkdir(f"{argosy.files}/loop")
    os.symlink("..", f"{argosy.files}/loop/up")
    os.unlink(f"{argosy.files}/fifo")
    argosy.write("mounts.conf", f"{argosy.files}:/x\n")
    done = argosy.run("--default-mounts-file", conf, "run", "--rm", busybox, "true", check=125)
    assert "leads back" in done.stderr


def test_the_users_own_file(argosy_user: Program, busybox: str) -> None:
    single = argosy_user.write("single", "mine\n")
    argosy_user.call("mkdir", "-p", f"{argosy_user.base}/home/.config/containers")
    argosy_user.call("sh", "-c", f"echo {single}:/etc/single > $HOME/.config/containers/mounts.conf")
    assert argosy_user.run("run", "--rm", busybox, "cat", "/etc/single").stdout == "mine\n"
