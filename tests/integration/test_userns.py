"""User namespaces of containers: every mode, as root and rootless, under both runtimes, with and without ranges of ids.

A probe prints what the container sees of itself; many questions are put to one container.
"""

from __future__ import annotations

import io
import os
import pwd
import stat
import tarfile

import pytest

from tests.rig import host, images
from tests.rig.lacking import lacking
from tests.rig.program import Completed, Program, finish

RUNTIMES = [name for name in ("crun", "runc") if host.program(name)]
ALONE = ("--network", "none")
IMAGE = "owned"
PASSWD = "root:x:0:0:root:/root:/bin/sh\nbin:x:1:1:bin:/:/bin/sh\napp:x:1234:1235:app:/data:/bin/sh\n"
PROBE = """
map() { echo $1 $(cat /proc/self/$1 | tr -s ' \\n' ' '); }
map uid_map; map gid_map
echo user $(id -u):$(id -g) $HOME
own() { stat -c "$1 %u:%g %a" "$1"; }
for path in / /data /data/file /data/suid /etc/hosts /etc/hostname /dev/shm /proc/1 /vol; do own $path; done
cat /data/again
echo inode $(stat -c %i /data/file) $(stat -c %i /data/again)
ls /proc/self/attr >/dev/null && echo attr
ls -d /data/gone 2>/dev/null
true
"""
OWNED = {
    "/": "0:0 755",
    "/data": "1234:1235 750",
    "/data/file": "1234:7 640",
    "/data/suid": "0:1235 4755",
    "/etc/hosts": "0:0 644",
    "/etc/hostname": "0:0 644",
    "/dev/shm": "0:0 1777",
}


def owned_image(program: Program) -> str:
    """An image with files of several owners, hard links and a set-uid file.  It is there once."""
    if program.run("image", "exists", IMAGE, check=False).returncode == 0:
        return IMAGE
    with open(images.busybox_archive(), "rb") as archive:
        data = io.BytesIO(archive.read())
    with tarfile.open(fileobj=data, mode="a") as tar:

        def add(name: str, content: bytes | None, uid: int, gid: int, mode: int) -> None:
            member = tarfile.TarInfo(name)
            member.uid, member.gid, member.mode = uid, gid, mode
            member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            member.size = len(content or b"")
            tar.addfile(member, io.BytesIO(content or b""))

        add("etc/passwd", PASSWD.encode(), 0, 0, 0o644)
        add("etc/group", b"root:x:0:\napp:x:1235:\n", 0, 0, 0o644)
        add("data", None, 1234, 1235, 0o750)
        add("data/file", b"content\n", 1234, 7, 0o640)
        add("data/suid", b"#!/bin/sh\n", 0, 1235, 0o4755)
        link = tarfile.TarInfo("data/again")
        link.type, link.linkname = tarfile.LNKTYPE, "data/file"
        tar.addfile(link)
    program.run("import", "--change", "WORKDIR /made/here", "--change", "CMD sh", "-", IMAGE, input=data.getvalue())
    return IMAGE


def probed(done: Completed) -> dict[str, str]:
    """What the probe says, by its first words."""
    return dict(line.partition(" ")[::2] for line in done.lines)


def probe(program: Program, runtime: str, *flags: str, user: str = "0") -> dict[str, str]:
    image = owned_image(program)
    volume = f"{program.files}/vol"
    program.call("mkdir", "-p", volume)
    words = ("--runtime", runtime, "run", "--rm", *ALONE, *(("--user", user) if user else ()), *flags)
    return probed(program.run(*words, "-v", f"{volume}:/vol", image, "sh", "-c", PROBE))


def ranges(program: Program) -> int:
    """How many ids /etc/subuid gives to the program's user."""
    with open("/etc/subuid", encoding="ascii") as file:
        lines = [line.strip().split(":") for line in file]
    return sum(int(size) for name, _, size in lines if name == pwd.getpwuid(program.uid).pw_name)


Mode = tuple[tuple[str, ...], str, str, str]


def modes(program: Program) -> list[Mode]:
    """Flags, and what a container with them sees: the maps, and the owner of a directory of the user's."""
    if not program.rootless:
        whole = "0 0 1 1 1 4294967294"
        replaced = "0 0 100 100 4900 50 150 150 4750"
        return [
            (("--userns", "keep-id"), whole, whole, "0:0"),
            (("--uidmap", "0:200000:5000"), "0 200000 5000", "0 200000 5000", "65534:65534"),
            (
                ("--uidmap", "0:200000:2000", "--gidmap", "0:300000:1000", "--gidmap", "1000:400000:3000"),
                "0 200000 2000",
                "0 300000 1000 1000 400000 3000",
                "65534:65534",
            ),
            (("--uidmap=0:0:4900", "--uidmap=+100:4900:50"), replaced, replaced, "0:0"),
        ]
    own, last = program.uid, ranges(program)
    keep = f"0 1 {own} {own} 0 1 {own + 1} {own + 1} {last - own}"
    chosen = f"0 1 50 50 0 1 51 51 {last - 50}"
    small = f"0 1 {own} {own} 0 1 {own + 1} {own + 1} {1999 - own}"
    added = f"0 1 6000 6000 0 1 6001 6001 {last - 6000}"
    name = pwd.getpwuid(own).pw_name
    return [
        (("--userns", "keep-id"), keep, keep, f"{own}:{own}"),
        (("--userns", "keep-id:uid=50,gid=50"), chosen, chosen, "50:50"),
        (("--userns", "keep-id:size=2000"), small, small, f"{own}:{own}"),
        (("--userns", "nomap"), f"0 1 {last}", f"0 1 {last}", "65534:65534"),
        (("--userns", "auto"), "0 1 1236", "0 1 1236", "65534:65534"),
        (
            ("--userns", "auto:size=2000,uidmapping=5000:7:1"),
            "0 1 6 6 8 1994 5000 7 1",
            "0 1 2000",
            "65534:65534",
        ),
        (("--uidmap", "0:0:5000"), "0 0 1 1 1 4999", "0 0 1 1 1 4999", "0:0"),
        (("--gidmap", f"+g6000:@{own}"), f"0 0 1 1 1 {last}", added, "0:6000"),
        (("--subuidname", name), f"0 1 {last}", f"0 1 {last}", "65534:65534"),
    ]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_mode(shared_both: Program, runtime: str) -> None:
    if shared_both.rootless and ranges(shared_both) < 10000:
        pytest.skip("needs ranges in /etc/subuid")
    for flags, uids, gids, mine in modes(shared_both):
        seen = probe(shared_both, runtime, *flags)
        told = {name: seen[name] for name in OWNED}
        assert (seen["uid_map"], seen["gid_map"]) == (uids, gids), flags
        assert told == OWNED, flags
        assert seen["/proc/1"].split()[0] == "0:0", flags
        assert seen["/vol"].split()[0] == mine, flags
        assert "content" in seen, flags
        assert len(set(seen["inode"].split())) == 1, flags
        assert "attr" in seen, flags


def test_trees_are_made_once_for_each_map(shared_both: Program) -> None:
    image = owned_image(shared_both)

    def trees() -> set[str]:
        try:
            return set(os.listdir(f"{shared_both.root}/maps"))
        except FileNotFoundError:
            return set()

    flags = ("--uidmap", "0:7:3000")
    before = trees()
    shared_both.run("run", "--rm", *ALONE, *flags, image, "true")
    made = trees() - before
    assert len(made) == (1 if shared_both.rootless else 0)
    kept = {name: os.stat(f"{shared_both.root}/maps/{name}").st_ino for name in made}
    shared_both.run("run", "--rm", *ALONE, *flags, image, "true")
    assert {name: os.stat(f"{shared_both.root}/maps/{name}").st_ino for name in made} == kept
    assert trees() - before == made


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_container_changes_execs_and_tells_with_its_own_ids(shared_both: Program, runtime: str) -> None:
    """One container, from the first start to a restart: exec, top, diff, export, inspect, another one that joins."""
    image, others = owned_image(shared_both), entrances()
    program = shared_both
    program.run(
        "--runtime", runtime, "run", "-d", "--name", "it", *ALONE, "--uidmap", "0:10:5000", image, "sleep", "99"
    )
    change = (
        "touch /made/here/new; chown 1234:7 /made/here/new; rm /data/file; mkdir /etc/own; stat -c %u:%g /made/here"
    )
    assert program.run("exec", "it", "sh", "-c", change).stdout == "0:0\n"
    assert program.run("exec", "--user", "app", "it", "sh", "-c", "id -u; echo $HOME").lines == ["1234", "/data"]
    for path in entrances() - others:
        kept = os.stat(f"/tmp/{path}")
        if kept.st_uid == program.uid:  # else it is that of a test which runs beside this one
            assert stat.S_IMODE(kept.st_mode) == 0o710, "nobody can put another root there"
        os.rmdir(f"/tmp/{path}/root")  # what tidies up /tmp may take it; runc goes there
    assert program.run("exec", "it", "id", "-u").stdout == "0\n"
    top = program.run("top", "it", "user", "pid", "args").lines
    assert top[1].split() == ["root", "1", "sleep", "99"]
    document = program.run("inspect", "it").json()[0]["HostConfig"]
    assert document["UsernsMode"] == "private"
    assert document["IDMappings"] == {"UidMap": ["0:10:5000"], "GidMap": ["0:10:5000"]}
    expected = ["A /etc/own", "A /made", "A /made/here", "A /made/here/new", "C /data", "C /etc", "D /data/file"]
    assert sorted(program.run("diff", "it").lines) == expected
    joined = program.run(
        "run", "--rm", *ALONE, "--userns", "container:it", image, "sh", "-c", PROBE.replace("/vol", "/")
    )
    assert (
        probed(joined)["uid_map"]
        == probed(program.run("exec", "it", "sh", "-c", PROBE.replace("/vol", "/")))["uid_map"]
    )
    refused = program.run("rm", "it", check=False)
    assert refused.returncode
    exported(program)
    program.run("restart", "--time", "0", "it")
    assert program.run("exec", "it", "stat", "-c", "%u:%g", "/made/here/new").stdout == "1234:7\n"
    program.run("stop", "--time", "0", "it")
    assert sorted(program.run("diff", "it").lines) == expected
    exported(program)
    program.run("rm", "it")
    assert entrances() <= others


def entrances() -> set[str]:
    """The directories in /tmp through which containers have got to their root."""
    return {name for name in os.listdir("/tmp") if name.startswith("argosy-") and len(name) == len("argosy-") + 32}


def exported(program: Program) -> None:
    """The archive of the container has the ids inside."""
    data = program.run("export", "it").stdout_bytes
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        owners = {member.name.removeprefix("./"): (member.uid, member.gid) for member in tar}
    assert owners["made/here/new"] == (1234, 7)
    assert owners["data"] == (1234, 1235)
    assert owners["data/suid"] == (0, 1235)
    assert owners["etc/own"] == (0, 0)
    assert "data/file" not in owners


def test_keep_id_is_the_caller(argosy_user: Program) -> None:
    """The container runs as the caller, who is in its account files, and what it makes in his directory is his."""
    program = argosy_user
    image = owned_image(program)
    account = pwd.getpwuid(program.uid)
    shared = f"{program.files}/shared"
    program.call("mkdir", shared)
    script = "id -un; id -gn; echo $HOME; pwd; touch /shared/new; mkdir /shared/dir; tail -n1 /etc/passwd /etc/group"
    done = program.run(
        "run", "--rm", *ALONE, "--userns", "keep-id", "-v", f"{shared}:/shared", image, "sh", "-c", script
    )
    assert done.lines[:4] == [account.pw_name, account.pw_name, "/made/here", "/made/here"]
    assert f"{account.pw_name}:*:{account.pw_uid}:{account.pw_gid}:" in done.stdout
    assert f"{account.pw_name}:x:{account.pw_gid}:{account.pw_name}" in done.stdout
    assert {os.stat(f"{shared}/{name}").st_uid for name in ("new", "dir")} == {program.uid}
    program.call("rm", "-r", f"{shared}/new", f"{shared}/dir")
    env = {"PODMAN_USERNS": "keep-id"}
    assert program.run("run", "--rm", *ALONE, image, "id", "-u", env=env).stdout == f"{program.uid}\n"
    maps = ("--uidmap", "0:0:2000")
    assert program.run("run", "--rm", *ALONE, *maps, image, "id", "-u", env=env).stdout == "0\n"
    chosen = program.run("create", "--userns", "keep-id:uid=1234", image).stdout.strip()
    assert program.run("inspect", chosen, "--format", "{{.Config.User}}").stdout == f"1234:{program.uid}\n"
    program.run("rm", chosen)


def test_volumes(shared_both: Program) -> None:
    image = owned_image(shared_both)
    program = shared_both
    maps = ("--uidmap", "0:10:5000")
    look = ("stat", "-c", "%n %u:%g", "/data", "/data/file")
    seen = program.run("run", "--rm", *ALONE, *maps, "-v", "filled:/data", image, *look)
    assert seen.lines == ["/data 1234:1235", "/data/file 1234:7"]
    given = f"{program.files}/given"
    program.call("mkdir", "-p", f"{given}/below")
    mount = ("-v", f"{given}:/given:U")
    seen = program.run(
        "run", "--rm", *ALONE, *maps, "--user", "app", *mount, image, "stat", "-c", "%u:%g", "/given/below"
    )
    assert seen.stdout == "1234:1235\n"
    if program.rootless:
        refused = program.run("run", "--rm", *maps, "-v", "raw:/data:idmap", image, "true", check=125)
        assert "the kernel gives it to real root only" in refused.stderr
        return
    write = "stat -c '%n %u:%g' /data /data/file; touch /data/new"
    seen = program.run("run", "--rm", *ALONE, *maps, "-v", "raw:/data:idmap", image, "sh", "-c", write)
    assert seen.lines == ["/data 1234:1235", "/data/file 1234:7"]
    raw = f"{program.root}/volumes/raw/_data"
    owners = {name: (os.stat(f"{raw}/{name}").st_uid, os.stat(f"{raw}/{name}").st_gid) for name in ("", "file", "new")}
    assert owners == {"": (1234, 1235), "file": (1234, 7), "new": (0, 0)}
    seen = program.run("run", "--rm", *ALONE, "-v", "raw:/data", image, *look)
    assert seen.lines == ["/data 1234:1235", "/data/file 1234:7"]


@pytest.mark.skipif(not host.can_use_tun() or not host.program("pasta"), reason="needs pasta and /dev/net/tun")
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_networks_belong_to_the_namespace(shared_both: Program, runtime: str) -> None:
    """A namespace that is connected has a sysfs and devices of its own, and may be changed from inside."""
    image = owned_image(shared_both)
    maps = ("--uidmap", "0:10:5000")
    script = "ls /sys/class/net; ip link set lo down && echo changed; grep -c sysfs /proc/mounts"
    flags = ("run", "--rm", "--cap-add", "NET_ADMIN", "--network", "pasta", *maps, image, "sh", "-c", script)
    done = shared_both.run("--runtime", runtime, *flags)
    assert "lo" in done.lines
    assert len(done.lines) >= 4
    assert "changed" in done.lines
    shares = ("--network", "host", "--pid", "host", "--ipc", "host", "--uts", "host")
    done = shared_both.run("run", "--rm", *shares, *maps, image, "sh", "-c", "ls /sys/class/net; hostname")
    assert done.lines[-1] == os.uname().nodename
    assert set(os.listdir("/sys/class/net")) - {"bonding_masters"} <= set(done.lines)


@pytest.mark.parametrize(
    ("flags", "message", "status"),
    [
        (("--userns", "bogus"), "unrecognized namespace mode bogus passed", 125),
        (("--userns", "private"), "must provide at least one UID or GID mapping to configure a user namespace", 125),
        (
            ("--userns", "host", "--uidmap", "0:1:1"),
            "--userns and --uidmap/--gidmap/--subuidname/--subgidname are mutually exclusive",
            125,
        ),
        (("--uidmap", "a:1:1"), 'expected ["[+ug]uint32:[@]uint32[:uint32]"]: ["a:1:1"]', 125),
        (("--uidmap", "0:1:5", "--uidmap", "3:100:1"), "mapping 3:100:1 conflicts with other mappings", 125),
        (("--uidmap", "1000:1:50"), "doesn't map UID 0", 126),
        (("--subuidname", "nosuch"), 'no subuid ranges found for user "nosuch" in /etc/subuid', 125),
        (("--userns", "ns:/nonexistent"), "cannot find specified user namespace path: stat /nonexistent", 125),
        (("--userns", "ns:/proc/self/ns/net"), "is no user namespace", 125),
        (("--userns", "container:nosuch"), "looking up container to share user namespace with: no container", 125),
        (("--userns", "auto:size=70000"), "", 125),
    ],
)
def test_refusals(shared_both: Program, flags: tuple[str, ...], message: str, status: int) -> None:
    image = owned_image(shared_both)
    before = shared_both.run("ps", "-aq").stdout
    done = shared_both.run("run", "--rm", *ALONE, *flags, image, "true", check=status)
    assert message in done.stderr
    assert shared_both.run("ps", "-aq").stdout == before


def test_what_goes_for_one_kind_of_user_only(shared_both: Program) -> None:
    image = owned_image(shared_both)
    if shared_both.rootless:
        beyond = shared_both.run("run", "--rm", "--uidmap", "0:1:500000", image, "true", check=125)
        assert "UID map 0:1:500000: only" in beyond.stderr
        foreign = shared_both.run("run", "--rm", "--uidmap", "0:0:1", "--uidmap", "1:@0", image, "true", check=125)
        assert "parent ID UID 0 is not mapped/delegated" in foreign.stderr
    else:
        refused = shared_both.run("run", "--rm", "--userns", "nomap", image, "true", check=125)
        assert "nomap is only supported in rootless mode" in refused.stderr


def test_auto_takes_ids_that_nobody_has(argosy_user: Program) -> None:
    """Each container gets its own, the next one those of one that is gone; a file that lies outside is seen."""
    if ranges(argosy_user) < 10000:
        pytest.skip("needs ranges in /etc/subuid")
    image = owned_image(argosy_user)
    first, second = (argosy_user.run("create", "--userns", "auto", image).stdout.strip() for _ in range(2))
    shown = [
        argosy_user.run("inspect", name).json()[0]["HostConfig"]["IDMappings"]["UidMap"] for name in (first, second)
    ]
    assert shown == [["0:1:1236"], ["0:1237:1236"]]
    argosy_user.run("rm", first)
    third = argosy_user.run("create", "--userns", "auto:size=100", image).stdout.strip()
    assert argosy_user.run("inspect", third).json()[0]["HostConfig"]["IDMappings"]["UidMap"] == ["0:1:100"]
    keeper = argosy_user.run("create", "--userns", "keep-id", image).stdout.strip()
    full = argosy_user.run("create", "--userns", "auto", image, check=125)
    assert "could not find enough available IDs" in full.stderr
    argosy_user.run("rm", second, third, keeper)


def test_auto_of_root_takes_the_ranges_of_containers(argosy: Program) -> None:
    if argosy.rootless:
        pytest.skip("needs root")
    ranges_file = argosy.write("subid", "containers:500000:1500\ncontainers:700000:65536\nother:900000:2000\n")
    image = owned_image(argosy)
    script = f'mount --bind {ranges_file} /etc/subuid && mount --bind {ranges_file} /etc/subgid && exec "$@"'
    argosy.prefix = ["unshare", "--mount", "sh", "-c", script, "sh"]
    kept = argosy.run("create", "--userns", "auto", image).stdout.strip()
    seen = argosy.run(
        "run", "--rm", *ALONE, "--userns", "auto", image, "sh", "-c", "cat /proc/self/uid_map; ls -ln /data"
    )
    assert [line.split() for line in seen.lines[:2]] == [["0", "501236", "264"], ["264", "700000", "972"]]
    assert "1234" in seen.stdout
    conf = argosy.write("auto.conf", '[storage.options]\nroot-auto-userns-user="other"\nauto-userns-max-size=1300\n')
    env = {"CONTAINERS_STORAGE_CONF": conf}
    other = argosy.run("run", "--rm", *ALONE, "--userns", "auto", image, "cat", "/proc/self/uid_map", env=env)
    assert other.stdout.split() == ["0", "900000", "1236"]
    argosy.write("auto.conf", "[storage.options]\nauto-userns-max-size=1235\n")
    refused = argosy.run("create", "--userns", "auto", image, env=env, check=125)
    assert "size 1236 that is bigger than the maximum value allowed with userns=auto 1235" in refused.stderr
    argosy.prefix = []
    argosy.run("rm", kept)
    lacking_name = argosy.run("run", "--rm", *ALONE, "--userns", "auto", image, "true", check=False)
    if lacking_name.returncode:
        assert 'no subuid ranges found for user "containers"' in lacking_name.stderr


def test_what_configuration_says(shared_both: Program) -> None:
    """containers.conf gives the mode where no flag does; a wrong one is told."""
    image = owned_image(shared_both)
    chosen = "keep-id" if shared_both.rootless else "keep-id:uid=7"
    conf = shared_both.write("userns.conf", f'[containers]\nuserns = "{chosen}"\nuserns_size = 3000\n')
    env = {"CONTAINERS_CONF": conf}
    user = shared_both.uid if shared_both.rootless else 7
    assert shared_both.run("run", "--rm", *ALONE, image, "id", "-u", env=env).stdout == f"{user}\n"
    assert shared_both.run("run", "--rm", *ALONE, "--userns", "host", image, "id", "-u", env=env).stdout == "0\n"
    wrong = shared_both.run("run", "--rm", *ALONE, image, "true", env={"PODMAN_USERNS": "bogus"}, check=125)
    assert "unrecognized namespace mode bogus passed" in wrong.stderr
    if shared_both.rootless and ranges(shared_both) >= 10000:
        look = ("cat", "/proc/self/uid_map")
        done = shared_both.run("run", "--rm", *ALONE, "--userns", "auto", image, *look, env=env)
        assert done.stdout.split() == ["0", "1", "3000"]


def test_a_directory_as_root(argosy_both: Program) -> None:
    """--rootfs: as it is, as an overlay, and as root with an id map of its own."""
    program = argosy_both
    tree = f"{program.files}/tree"
    program.call("mkdir", "-p", tree)
    program.call("tar", "-C", tree, "-xf", images.busybox_archive())
    look = ("sh", "-c", "cat /proc/self/uid_map; stat -c %u /bin; touch /new && stat -c %u /new")
    maps = ("--uidmap", "0:0:1", "--uidmap", "1:1:99") if program.rootless else ("--uidmap", "0:0:100")
    done = program.run("run", "--rm", *ALONE, *maps, "--rootfs", f"{tree}:O", *look)
    assert done.lines[-2:] == ["0", "0"]
    assert not os.path.exists(f"{tree}/new")
    if not program.rootless:
        done = program.run("run", "--rm", *ALONE, "--uidmap", "0:9000:100", "--rootfs", f"{tree}:idmap", *look)
        assert done.lines[-2:] == ["0", "0"]
        assert os.stat(f"{tree}/new").st_uid == 0


def test_trees_count_and_go_with_their_image(argosy_user: Program) -> None:
    program = argosy_user
    image = owned_image(program)

    def image_bytes() -> int:
        (row,) = (row for row in program.run("system", "df", "--format", "json").json() if row["Type"] == "Images")
        return int(row["RawSize"])

    before = image_bytes()
    program.run("run", "--rm", *ALONE, "--userns", "keep-id", image, "true")
    assert len(os.listdir(f"{program.root}/maps")) == 1
    assert image_bytes() > before
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"
    program.run("rmi", image)
    assert os.listdir(f"{program.root}/maps") == []


@pytest.mark.parametrize("driver", ["vfs", pytest.param("fuse", marks=host.needs_program("fuse-overlayfs"))])
def test_other_drivers(argosy_user: Program, driver: str) -> None:
    """Where layers are copied, owners are the same, in the container and in what is exported of it."""
    program = argosy_user
    if driver == "vfs":
        program.env["STORAGE_DRIVER"] = "vfs"
    else:
        program.env["STORAGE_OPTS"] = f"mount_program={host.program('fuse-overlayfs')}"
    image = owned_image(program)
    change = (
        "stat -c %u:%g /data /data/file; cat /data/again; mkdir -p /etc/own; rm /data/file; chown 1234:7 /made/here; "
    )
    change += "touch /made/here/new; chown 1234:7 /made/here/new"
    maps = ("--uidmap", "0:7:5000")
    done = program.run("run", "--name", "it", *ALONE, *maps, image, "sh", "-c", change)
    assert done.lines == ["1234:1235", "1234:7", "content"]
    assert "D /data/file" in program.run("diff", "it").lines
    exported(program)
    program.run("rm", "it")


def test_many_at_once(argosy_user: Program) -> None:
    """The first containers under a map make its trees together; each `auto` gets ids of its own."""
    program = argosy_user
    image = owned_image(program)
    words = ("run", "--rm", *ALONE, "--uidmap", "0:9:3000", image, "stat", "-c", "%u", "/data/file")
    assert {finish(process).stdout for process in [program.start(*words) for _ in range(4)]} == {"1234\n"}
    assert len(os.listdir(f"{program.root}/maps")) == 1
    if ranges(program) < 20000:
        return
    started = [program.start("create", "--userns", "auto:size=1500", image) for _ in range(6)]
    made = [finish(process).stdout.strip() for process in started]
    shown = [program.run("inspect", name).json()[0]["HostConfig"]["IDMappings"]["UidMap"] for name in made]
    assert sorted(line for (line,) in shown) == sorted(f"0:{1 + 1500 * number}:1500" for number in range(6))


def test_without_ranges(argosy_user: Program) -> None:
    """A single id: keep-id has that one, the other modes say what they lack."""
    if not host.is_root():
        pytest.skip("needs root, to be a user without ranges")
    user = pwd.getpwuid(argosy_user.uid)
    with lacking(cover=("/etc/subuid", "/etc/subgid")) as prefix:
        drop = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--inh-caps=-all")
        program = argosy_user
        program.user, program.prefix = "", [*prefix, *drop]
        try:
            image = owned_image(program)
            for runtime in RUNTIMES:
                words = ("--runtime", runtime, "run", "--rm", *ALONE)
                done = program.run(*words, "--uidmap", "0:0:1", image, "sh", "-c", "cat /proc/self/uid_map; id -u")
                assert [line.split() for line in done.lines] == [["0", "0", "1"], ["0"]]
            refused = program.run("run", "--rm", *ALONE, "--userns", "keep-id", image, "true", check=126)
            assert f"container uses ID mappings ({user.pw_uid}:0:1), but doesn't map UID 0" in refused.stderr
            for flags, message in (
                (("--userns", "nomap"), "nomap requires additional UIDs or GIDs"),
                (("--userns", "auto"), "could not find enough available IDs"),
                (("--uidmap", "0:1:10"), "only 1 ids are available"),
            ):
                assert message in program.run("run", "--rm", *ALONE, *flags, image, "true", check=125).stderr
        finally:
            program.user = user.pw_name


def test_the_store_stays_closed(argosy: Program) -> None:
    """While such a container runs, nobody else gets into the store, and nothing is left where everybody may go."""
    image, others = owned_image(argosy), entrances()
    argosy.run("run", "-d", "--name", "it", *ALONE, "--userns", "keep-id", image, "sleep", "99")
    closed = (argosy.root, argosy.runroot, f"{argosy.root}/containers", f"{argosy.runroot}/containers")
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in closed} == {0o700}
    assert entrances() <= others
    argosy.run("rm", "--force", "--time", "0", "it")
