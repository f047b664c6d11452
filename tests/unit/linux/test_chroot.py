"""What is run to go below another root: words and environment, from an entry and the tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import ArgosyError
from argosy.linux import chroot
from argosy.linux.chroot import Entry, Programs

PROGRAMS = Programs("/usr/bin/setpriv", "/usr/sbin/chroot")
NONE, CHROOT, POD = 0, 1 << 18, 1 << 6 | 1 << 7 | 1 << 8 | 1 << 18 | 1 << 0


@pytest.fixture
def root(tmp_path: Path) -> str:
    """A tree with a program, a file that is none, and `env`."""
    for name in ("bin/tool", "usr/bin/env", "bin/file"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755 if name != "bin/file" else 0o644)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "bin/outside").symlink_to("/etc/passwd")
    return str(tmp_path)


def entry(root: str, *args: str, **changes: object) -> Entry:
    """An entry that runs `args` as our own user."""
    own = {"uid": os.geteuid(), "gid": os.getegid(), "env": ("PATH=/bin",), **changes}
    return Entry(root=root, args=args or ("tool",), **own)  # type: ignore[arg-type]


def test_without_privileges_there_is_only_the_root_to_change(root: str) -> None:
    words = chroot.argv(entry(root, "tool", "-x"), PROGRAMS, CHROOT)
    assert words == ["/usr/sbin/chroot", "--", root, "tool", "-x"]


def test_groups_and_capabilities_are_set_before_and_the_user_behind(root: str) -> None:
    wanted = entry(root, uid=4242, gid=6, groups=(7, 8), capabilities=(0, 8), no_new_privileges=True)
    words = chroot.argv(wanted, PROGRAMS, POD)
    before, behind = words[: words.index("/usr/sbin/chroot")], words[words.index("/usr/sbin/chroot") :]
    assert before == [
        *("/usr/bin/setpriv", "--no-new-privs", "--regid", "6", "--groups", "7,8"),
        *("--inh-caps", "-all", "--bounding-set", "-all,+cap_0,+cap_7,+cap_8,+cap_18", "--"),
    ]
    assert behind == ["/usr/sbin/chroot", "--userspec=+4242:+6", "--groups=+7,+8", "--", root, "tool"]


def test_a_user_without_groups_is_looked_up_nowhere(root: str) -> None:
    """chroot(1) would ask the tree's name services for the groups of a user, unless it is given a list."""
    assert "--groups=" in chroot.argv(entry(root, uid=4242), PROGRAMS, POD)


def test_the_trees_shell_goes_to_a_directory(root: str) -> None:
    wanted = entry(root, "tool", "$x", cwd="/tmp", env=("PATH=/bin", "LANG=C"))
    with pytest.raises(ArgosyError, match="there is no /bin/sh"):
        chroot.argv(wanted, PROGRAMS, NONE)
    os.link(f"{root}/bin/tool", f"{root}/bin/sh")
    words = chroot.argv(wanted, PROGRAMS, NONE)
    assert words[3:] == ["/bin/sh", "-c", 'cd "$0" && exec "$@"', "/tmp", "/usr/bin/env", "LANG=C", "tool", "$x"]


@pytest.mark.parametrize(
    "name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "LOCPATH", "GCONV_PATH", "NLSPATH"]
)
def test_what_would_steer_the_hosts_programs_is_set_inside(root: str, name: str) -> None:
    wanted = entry(root, env=("PATH=/bin", f"{name}=/x=y", "HOME=/"))
    assert chroot.argv(wanted, PROGRAMS, NONE)[-3:] == ["/usr/bin/env", f"{name}=/x=y", "tool"]
    assert chroot.environment(wanted) == {"PATH": "/bin", "HOME": "/"}


def test_it_is_an_error_where_nothing_can_set_it(root: str) -> None:
    os.unlink(f"{root}/usr/bin/env")
    with pytest.raises(ArgosyError, match="cannot set LD_PRELOAD"):
        chroot.argv(entry(root, env=("PATH=/bin", "LD_PRELOAD=x")), PROGRAMS, NONE)


WRONG: tuple[tuple[tuple[str, ...], dict[str, object], str], ...] = (
    (("nosuch",), {}, "executable file `nosuch` not found in $PATH: No such file"),
    (("file",), {}, "executable file `file` not found in $PATH"),
    (("outside",), {}, "not found in $PATH"),
    (("/bin/nosuch",), {}, "not found: No such file"),
    (("/bin/file",), {}, "Permission denied"),
    (("/tmp",), {}, "Permission denied"),
    (("tool",), {"cwd": "/nosuch"}, "chdir to `/nosuch`: No such file"),
    (("tool",), {"cwd": "/bin/file"}, "chdir to `/bin/file`: Not a directory"),
)


def test_nothing_to_run(root: str) -> None:
    with pytest.raises(ArgosyError, match="no command was given"):
        chroot.argv(Entry(root=root, args=()), PROGRAMS, NONE)


@pytest.mark.parametrize(("args", "changes", "message"), WRONG)
def test_what_is_wrong_is_said_before(
    root: str, args: tuple[str, ...], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ArgosyError) as caught:
        chroot.argv(entry(root, *args, **changes), PROGRAMS, NONE)
    assert message in str(caught.value)


def test_a_relative_program_is_looked_up_from_the_working_directory(root: str) -> None:
    os.link(f"{root}/bin/tool", f"{root}/bin/sh")
    assert chroot.argv(entry(root, "./tool", cwd="/bin"), PROGRAMS, NONE)[-1] == "./tool"
