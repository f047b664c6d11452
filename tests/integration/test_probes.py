"""What flags do inside a running container: many of them in one container, each with its own probe.

The flags of a group go together; each row is some of them, a line of shell that looks at their effect, and what it
prints.  Both runtimes run all groups, as root and without privilege.
"""

from __future__ import annotations

import os
import shlex
import socket

import pytest

from tests.rig.program import Program

Row = tuple[str, str, str]
_STATUS = "grep ^{} /proc/self/status | cut -f2"


def _status(field: str) -> str:
    return _STATUS.format(field)


def _options(place: str) -> str:
    """The options of a mount, those of the kernel's that tests are about."""
    table = f"awk '$5 == \"{place}\" {{print $6}}' /proc/self/mountinfo | tail -n 1"
    return f"{table} | tr , '\\n' | grep -v atime | tr '\\n' ' '"


PLAIN: tuple[Row, ...] = (
    ("", "id -u; id -g", "0\n0"),
    ("", "cat /proc/1/comm", "sh"),
    ("", "pwd", "/"),
    ("", "umask", "0022"),
    ("", _status("NoNewPrivs:"), "0"),
    ("", _status("Seccomp:"), "2"),
    ("", _status("CapEff:"), "00000000800405fb"),
    ("", _status("CapBnd:"), "00000000800405fb"),
    ("", _status("CapAmb:"), "0000000000000000"),
    ("", "echo $container $TERM", "podman xterm"),
    ("", "df -k /dev/shm | awk 'END{print $2}'", "65536"),
    ("", _options("/proc"), "rw nosuid nodev noexec"),
    ("", _options("/sys"), "ro nosuid nodev noexec"),
    ("", "ls /proc/acpi /proc/scsi 2>/dev/null | grep -v :", ""),
    ("", "cat /proc/kcore 2>/dev/null | wc -c", "0"),
    ("", "echo x 2>&1 >/proc/sys/kernel/hostname | grep -c Read-only", "1"),
    ("", "ls /sys/class/net", "lo"),
    ("", "ls -d /proc/[0-9]* | wc -l | awk '{print $1 < 9}'", "1"),
    ("", "test -t 0 || echo none", "none"),
    ("", "touch /new && ls /new", "/new"),
    ("", "readlink /dev/stdin; readlink /dev/fd", "/proc/self/fd/0\n/proc/self/fd"),
    ("", "ls /run/.containerenv", "/run/.containerenv"),
)
PROCESS: tuple[Row, ...] = (
    ("-e A=b", "echo $A", "b"),
    ("-e 'B=c d'", "echo $B", "c d"),
    ("-e PATH=/bin:/x", "echo $PATH", "/bin:/x"),
    ("-e TERM=dumb", "echo $TERM", "dumb"),
    ("--unsetenv container", "echo ${container-unset}", "unset"),
    ("--env-merge 'PATH=/opt:${PATH}'", "echo ok", "ok"),
    ("--hostname box", "hostname; cat /etc/hostname; echo $HOSTNAME", "box\nbox\nbox"),
    ("--workdir /tmp", "pwd", "/tmp"),
    ("--umask 077", "umask; touch /file; stat -c %a /file", "0077\n600"),
    ("--ulimit nofile=100:200", "ulimit -n; ulimit -Hn", "100\n200"),
    ("--ulimit core=0", "ulimit -c", "0"),
    ("--cap-drop chown", "chown 1 /file 2>&1 | grep -c permitted", "1"),
    ("--cap-drop net_bind_service --cap-add net_raw", _status("CapBnd:"), "00000000800421fa"),
    ("--security-opt no-new-privileges", _status("NoNewPrivs:"), "1"),
    ("--group-add 5,77", "id -G | tr ' ' '\\n' | grep -c -e '^5$' -e '^77$'", "2"),
    ("--tz Asia/Tokyo", "test -s /etc/localtime && echo set", "set"),
    ("--oom-score-adj 700", "cat /proc/self/oom_score_adj", "700"),
    ("--init", "head -c 16 /proc/1/cmdline", "/run/podman-init"),
    ("--add-host far:192.0.2.9", "grep far /etc/hosts", "192.0.2.9\tfar"),
    ("--sysctl net.core.somaxconn=77", "cat /proc/sys/net/core/somaxconn", "77"),
    ("--sysctl kernel.msgmax=4096", "cat /proc/sys/kernel/msgmax", "4096"),
    ("--ipc private", "ls /proc/sysvipc | wc -l", "3"),
    ("--chrootdirs /jail", "ls /jail/etc", "hostname\nhosts"),
)
MOUNTS: tuple[Row, ...] = (
    ("--read-only", "touch /x 2>&1 | grep -c Read-only", "1"),
    ("", "touch /tmp/x /run/x /var/tmp/x && echo written", "written"),
    ("-v FILES:/ro:ro", "cat /ro/file; touch /ro/x 2>&1 | grep -c Read-only", "content\n1"),
    ("-v FILES:/rw", "touch /rw/made; ls /rw", "file\nmade"),
    ("-v FILES:/flags:nosuid,nodev,noexec", _options("/flags"), "rw nosuid nodev noexec"),
    ("-v data:/data", "echo kept >/data/file; cat /data/file", "kept"),
    ("-v data:/again:ro", "cat /again/file; touch /again/x 2>&1 | grep -c Read-only", "kept\n1"),
    ("-v /anonymous", "touch /anonymous/x && ls /anonymous", "x"),
    ("--tmpfs /t:size=1m,mode=1700", "df -k /t | awk 'END{print $2}'; stat -c %a /t", "1024\n1700"),
    ("--tmpfs /noexec:noexec", f"{_options('/noexec')}", "rw nosuid nodev noexec"),
    (
        "--mount type=tmpfs,dst=/q,tmpfs-size=2m,tmpfs-mode=700",
        "stat -c %a /q; df -k /q | awk 'END{print $2}'",
        "700\n2048",
    ),
    ("--mount type=bind,src=FILES,dst=/m,ro", _options("/m"), "ro"),
    ("--mount type=volume,src=data,dst=/vol", "cat /vol/file", "kept"),
    ("--mount type=devpts,dst=/pts", "ls /pts", "ptmx"),
    ("--mount type=image,src=IMAGE,dst=/image", "ls /image/bin/sh", "/image/bin/sh"),
    ("--mount type=glob,src=FILES/f*,dst=/globbed", "ls /globbed", "file"),
    ("--shm-size 1m", "df -k /dev/shm | awk 'END{print $2}'", "1024"),
    ("--security-opt mask=/etc/shells:/usr", "ls /usr | wc -l", "0"),
    ("--security-opt unmask=/proc/interrupts", "head -c 4 /proc/interrupts | wc -c", "4"),
    ("--security-opt proc-opts=hidepid=2", f"{_options('/proc')}", "rw nosuid nodev noexec"),
    ("--device /dev/zero:/dev/zz", "head -c 3 /dev/zz | wc -c", "3"),
)
SHARED: tuple[Row, ...] = (
    ("--pid host", "test $$ -ne 1 && echo outside", "outside"),
    ("--uts host", "hostname", "HOSTNAME"),
    ("--ipc host", "ls -d /dev/shm", "/dev/shm"),
    ("--user 1234:77", "id -u; id -g", "1234\n77"),
    ("", _status("CapEff:"), "0000000000000000"),
    ("", "echo $HOME", "/"),
    ("", "grep 1234 /etc/passwd | cut -d: -f1,3,4", "1234:1234:77"),
    ("--security-opt seccomp=unconfined", _status("Seccomp:"), "0"),
    ("--cap-drop all", _status("CapBnd:"), "0000000000000000"),
    ("--no-hosts", "grep -c localhost /etc/hosts 2>/dev/null || echo none", "none"),
)
GROUPS = {"plain": PLAIN, "process": PROCESS, "mounts": MOUNTS, "shared": SHARED}


def _words(text: str, program: Program) -> list[str]:
    text = text.replace("FILES", f"{program.files}/probes").replace("IMAGE", program.busybox())
    return shlex.split(text)


@pytest.mark.parametrize("runtime", ["crun", "runc"])
@pytest.mark.parametrize("group", GROUPS)
def test_probes(shared_both: Program, group: str, runtime: str) -> None:
    rows = GROUPS[group]
    directory = f"{shared_both.files}/probes"
    if not os.path.isdir(directory):
        os.mkdir(directory, 0o777)
        os.chmod(directory, 0o777)
        with open(f"{directory}/file", "w", encoding="ascii") as file:
            file.write("content\n")
    flags = [word for words, _, _ in rows for word in _words(words, shared_both)]
    script = "\n".join(f"echo '--- {number}'\n{{ {probe} ; }} 2>&1" for number, (_, probe, _) in enumerate(rows))
    command = ("--runtime", runtime, "--network", "none", *flags, shared_both.busybox(), "sh", "-c", script)
    done = shared_both.run("run", "--rm", *command, check=False)
    assert "--- " in done.stdout, done.stderr
    found = [part.partition("\n")[2].strip() for part in done.stdout.split("--- ")[1:]]
    expected = {"HOSTNAME": socket.gethostname()}
    wrong = [
        f"{words or '(no flag)'}: {probe}\n    gives {got!r}, not {wanted!r}"
        for (words, probe, wanted), got in zip(rows, found, strict=True)
        if got != expected.get(wanted, wanted)
    ]
    assert "\n".join(wrong) == "", done.stderr
