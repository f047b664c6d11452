"""Every kind of mount, many in one container, as root and without privilege, with both runtimes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host, images
from tests.rig.program import Completed, Program

NO_NETWORK = ("--network", "none")
RUNTIMES = [name for name in ("crun", "runc") if host.program(name) is not None]


def archive() -> bytes:
    """A root file system."""
    with open(images.busybox_archive(), "rb") as file:
        return file.read()


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    """With an image, one with two VOLUMEs, and a directory `src` of the user's that has content."""
    program = shared_both
    program.flags += ["--log-level", "error"]
    program.busybox()
    program.run("import", "--change", "VOLUME /vol", "--change", "VOLUME /etc", "-", "voluminous", input=archive())
    program.call("mkdir", "-p", f"{program.files}/src/sub", f"{program.files}/upper", f"{program.files}/work")
    program.call("sh", "-c", f"cd {program.files}/src && echo outside >file && echo b >.hidden && ln -s / link")
    return program


@pytest.fixture
def run(program: Program) -> Iterator[Callable[..., Completed]]:
    """Runs a shell in a new container; afterwards nothing of its mounts is left."""

    def run(script: str, *flags: str, image: str = "busybox", check: bool | int = True) -> Completed:
        return program.run("run", "--rm", *NO_NETWORK, *flags, image, "sh", "-c", script, check=check)

    yield run
    kept = [name for name in os.listdir(f"{program.root}/containers") if name != "names"]
    assert [name for name in kept if os.path.lexists(f"{program.root}/containers/{name}/mounts")] == []


def options_of(done: Completed, place: str) -> set[str]:
    """What /proc/mounts, on standard output, says of the mount at `place`: its type and options."""
    for line in done.lines:
        words = line.split()
        if words[1:2] == [place]:
            return {words[2], *words[3].split(",")}
    raise AssertionError(f"nothing is mounted at {place}:\n{done.stdout}")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_kind_at_once(program: Program, run: Callable[..., Completed], runtime: str) -> None:
    src = f"{program.files}/src"
    script = """cat /proc/mounts
        echo changed >/top/file; touch /top/new /scratch/new /img/rw/new
        touch /img/ro/new 2>&1; touch /bound/new 2>&1; touch /vtop/new
        cat /top/file /bound/file /globbed/file /globbed2/.hidden
        ls /img/part /globbed; ls -ld /img/rw/bin/busybox | cut -c1-10
        stat -c '%u:%g %a %F' /scratch /onefile
        """
    done = run(
        script,
        *("--runtime", runtime),
        *(
            "-v",
            f"{src}:/bound:ro,noexec,nosuid,slave",
            "-v",
            f"{src}:/out:rshared",
            "-v",
            f"{src}:/top:O",
            "-v",
            "kept:/vtop:O",
        ),
        *("--mount", f"type=bind,src={src},dst=/alone,bind-nonrecursive,bind-propagation=private"),
        *("--mount", "type=image,src=busybox,dst=/img/ro", "--mount", "type=image,src=busybox,dst=/img/rw,rw=true"),
        *("--mount", "type=image,src=busybox,dst=/img/part,subpath=etc/"),
        *("--mount", "type=image,src=busybox,dst=/onefile,subpath=bin/busybox"),
        *("--mount", "type=tmpfs,dst=/sized,tmpfs-size=1m,tmpfs-mode=700,ro", "--tmpfs", "/scratch:U,mode=750"),
        *("--mount", "type=devpts,dst=/terminals,mode=620,max=5", "--mount", "type=ramfs,dst=/ram"),
        *("--mount", f"type=glob,src={src}/[fs]*,dst=/globbed", "--mount", f"type=glob,src={src}/.h*,dst=/globbed2"),
    )
    assert options_of(done, "/bound") >= {"ro", "noexec", "nosuid"}
    assert options_of(done, "/sized") >= {"tmpfs", "size=1024k", "mode=700", "ro", "nosuid", "nodev"}
    assert options_of(done, "/terminals") >= {"devpts", "mode=620", "max=5"}
    assert options_of(done, "/ram") >= {"ramfs", "rw", "nosuid", "nodev"}
    assert "ro" in options_of(done, "/img/ro")
    assert "rw" in options_of(done, "/img/rw")
    told = [line for line in done.lines if line.count(" ") < 5 or line.startswith("touch")]
    assert told[0] == "touch: /img/ro/new: Read-only file system"
    assert told[1] == "touch: /bound/new: Read-only file system"
    assert told[2:6] == ["changed", "outside", "outside", "b"]
    assert {"group", "passwd"} <= set(told)
    assert told[-3:] == ["-rwxr-xr-x", "0:0 750 directory", "0:0 755 regular file"]
    assert sorted(os.listdir(src)) == [".hidden", "file", "link", "sub"]
    assert os.listdir(f"{program.root}/volumes/kept/_data") == []


def test_a_start_finds_what_was_there_at_first(program: Program, run: Callable[..., Completed]) -> None:
    """What an overlay gets is gone with the run; what its own upper directory gets is the user's."""
    src = f"{program.files}/src"
    upper = f"O,upperdir={program.files}/upper,workdir={program.files}/work"
    program.run(
        *("create", "--name", "twice", *NO_NETWORK, "-v", f"{src}:/gone:O", "-v", f"{src}:/stays:{upper}"),
        *("--mount", "type=image,src=busybox,dst=/img,rw=true"),
        *("busybox", "sh", "-c", "for place in gone stays img; do ls /$place/mark; touch /$place/mark; done 2>&1"),
    )
    program.run("start", "--attach", "twice")
    assert os.path.exists(f"{program.files}/upper/mark")
    again = program.run("start", "--attach", "twice")
    assert again.lines == [
        "ls: /gone/mark: No such file or directory",
        "/stays/mark",
        "ls: /img/mark: No such file or directory",
    ]
    program.run("rm", "twice")
    assert os.path.exists(f"{program.files}/upper/mark")


def test_the_owner_of_what_is_mounted(program: Program, run: Callable[..., Completed]) -> None:
    """U follows no link and, of an overlay, changes what the container sees alone."""
    program.call("sh", "-c", f"mkdir {program.files}/mine && cd {program.files}/mine && touch file && ln -s ../src out")
    script = "stat -c '%n %u:%g' /d /d/file /d/out /top /top/file; touch /d/new /top/new"
    done = run(
        script,
        *("--user", "5:6", "-v", f"{program.files}/mine:/d:U", "-v", f"{program.files}/src:/top:O,U"),
    )
    assert done.lines == [f"{path} 5:6" for path in ("/d", "/d/file", "/d/out", "/top", "/top/file")]
    assert os.stat(f"{program.files}/src/file").st_uid == program.uid
    assert os.stat(f"{program.files}/src").st_uid == program.uid
    run("true", "-v", f"{program.files}/mine:/d:U")
    assert os.stat(f"{program.files}/mine/new").st_uid == program.uid


def test_parts_of_volumes(program: Program, run: Callable[..., Completed]) -> None:
    """A link in a volume leads nowhere but into it."""
    run("mkdir -p /v/a/b; echo part >/v/a/b/file; ln -s /a /v/alias; ln -s ../../../../../.. /v/out", "-v", "parts:/v")
    done = run(
        "cat /one/file /two/b/file; ls /three",
        *("--mount", "type=volume,src=parts,dst=/one,subpath=a/b"),
        *("--mount", "type=volume,src=parts,dst=/two,volume-subpath=alias"),
        *("--mount", "type=volume,src=parts,dst=/three,subpath=out"),
    )
    assert done.lines == ["part", "part", "a", "alias", "out"]
    missing = run("true", "--mount", "type=volume,src=parts,dst=/one,subpath=none", check=125)
    assert 'cannot mount "none" of' in missing.stderr


def test_volumes_of_other_containers(program: Program, run: Callable[..., Completed]) -> None:
    src = f"{program.files}/src"
    program.run(
        *("create", "--name", "lender", *NO_NETWORK, "-v", f"{src}:/bound:ro", "-v", "lent:/named", "-v", "/anonymous"),
        *("--tmpfs", "/own", "voluminous", "true"),
    )
    program.run(
        *("run", "--name", "borrower", *NO_NETWORK, "--volumes-from", "lender", "-v", "mine:/named", "busybox"),
        *("sh", "-c", "cat /bound/file; touch /bound/x 2>&1; echo hello >/anonymous/word; grep -c . /etc/passwd"),
    )
    program.run("rm", "-v", "lender")  # what the other one has too stays
    done = run(
        "cat /anonymous/word; touch /anonymous/x 2>&1; ls /named; awk '{print $2}' /proc/mounts | grep -c ^/own; true",
        *("--volumes-from", "borrower:ro"),
    )
    assert done.lines == ["hello", "touch: /anonymous/x: Read-only file system", "0"]
    (document,) = program.run("inspect", "borrower").json()
    assert document["HostConfig"]["VolumesFrom"] == ["lender"]
    found = {mount["Destination"]: mount.get("Name", mount["Source"]) for mount in document["Mounts"]}
    assert found["/named"] == "mine"
    assert found["/bound"] == src
    assert set(found) == {"/named", "/bound", "/anonymous", "/vol", "/etc"}
    program.run("rm", "-v", "borrower")
    assert sorted(set(os.listdir(f"{program.root}/volumes")) & {"lent", "mine", found["/anonymous"]}) == [
        "lent",
        "mine",
    ]


def test_the_volumes_of_an_image(run: Callable[..., Completed]) -> None:
    script = "grep -c . /etc/passwd; awk '$5 == \"/vol\" { print $4 }' /proc/self/mountinfo"
    as_tmpfs = run(script, "--image-volume", "tmpfs", image="voluminous")
    assert as_tmpfs.lines[1:] == ["/"]
    ignored = run(script, "--image-volume", "ignore", image="voluminous")
    assert ignored.lines[1:] == []
    bound = run(script, "--image-volume", "bind", image="voluminous")
    assert len(bound.lines) == 2
    assert bound.lines[1].endswith("/_data")
    assert as_tmpfs.lines[0] == ignored.lines[0] == bound.lines[0] != "0"


def test_a_root_without_an_image(program: Program) -> None:
    root = f"{program.files}/root"
    program.call("mkdir", root)
    program.call("tar", "-C", root, "-xf", program.write("busybox.tar", archive()))
    assert program.run("run", "--rm", *NO_NETWORK, "--rootfs", "files/root:O", "sh", "-c", "touch /new; ls /new").lines
    assert not os.path.exists(f"{root}/new")
    program.run("run", "--name", "bare", *NO_NETWORK, "--rootfs", root, "sh", "-c", "touch /new; exit 3", check=3)
    assert os.path.exists(f"{root}/new")
    assert program.run("start", "--attach", "bare", check=3).stderr == ""
    assert program.run("ps", "--all", "--format", "{{.Names}} [{{.Image}}]").lines == ["bare []"]
    for image in ("none", "busybox"):
        assert program.run("ps", "--all", "--quiet", "--filter", f"ancestor={image}").stdout == ""
    (document,) = program.run("inspect", "--size", "bare").json()
    assert (document["Image"], document["ImageName"], document["Rootfs"]) == ("", "", root)
    assert program.run("system", "check").returncode == 0
    program.run("system", "prune", "--force")
    assert program.run("run", "--rm", *NO_NETWORK, "--rootfs", f"{root}-none", "true", check=125).stderr.startswith(
        f"Error: running container create option: stat {root}-none: no such file or directory"
    )
    assert program.run("ps", "--all", "--quiet").stdout == ""
    mapped = ("run", "--rm", *NO_NETWORK, "--rootfs", f"{root}:idmap=uids=1000-0-1;gids=1000-0-1")
    if program.rootless:
        assert "the kernel gives it to real root only" in program.run(*mapped, "true", check=125).stderr
    else:
        program.call("chown", "-hR", "1000:1000", root)
        assert program.run(*mapped, "sh", "-c", "touch /newer; stat -c %u /bin /newer").lines == ["0", "0"]
        assert os.stat(f"{root}/newer").st_uid == 1000


def test_id_maps(program: Program, run: Callable[..., Completed]) -> None:
    option = "idmap=uids=0-1000-1#5-7-1;gids=0-2000-1"
    flags = ("-v", f"{program.files}/src:/d:{option}")
    if program.rootless:
        assert "the kernel gives it to real root only" in run("true", *flags, check=125).stderr
    else:
        more = ("--mount", f"type=bind,src={program.files}/src/file,dst=/one,{option}")
        for runtime in RUNTIMES:
            done = run("stat -c %u:%g /d/file /one", *flags, *more, "--runtime", runtime)
            assert done.lines == ["1000:2000"] * 2
        refused = run("true", "-v", f"/proc:/p:{option}", check=125)
        assert "cannot mount /proc with an id map" in refused.stderr
    assert run("true", "-v", f"{program.files}/src:/d:idmap", check=125).stderr


BAD = [
    (("-v", "v1:/a", "-v", "/no/such:/b"), "statfs /no/such: no such file or directory"),
    (("-v", "v1:/a", "-v", "/tmp:/a"), "/a: duplicate mount destination"),
    (("--mount", "type=tmpfs,dst=/a", "--mount", "type=tmpfs,dst=/a"), "/a: duplicate mount destination"),
    (("-v", "v1:/a", "--mount", "type=glob,src=/no/such*,dst=/b"), 'no file paths matching glob "/no/such*"'),
    (
        ("-v", "v1:/a", "--mount", "type=image,src=none,dst=/b"),
        'creating image volume "none":"/b": none: image not known',
    ),
    (("-v", "v1:/a", "--volumes-from", "none"), 'looking up container "none" for volumes-from: no container with name'),
    (("-v", "v1:/a", "--volumes-from", ":ro"), 'looking up container "" for volumes-from: name or ID cannot be empty'),
    (("-v", "v1:/a", "--image-volume", "x"), 'invalid image volume mode "x" required value: bind, tmpfs, ignore'),
]


def test_bad_values_make_nothing(program: Program) -> None:
    before = sorted(os.listdir(f"{program.root}/volumes"))
    for flags, words in BAD:
        done = program.run("create", *NO_NETWORK, *flags, "voluminous", "true", check=125)
        assert words in done.stderr
    assert sorted(os.listdir(f"{program.root}/volumes")) == before
    assert program.run("ps", "--all", "--quiet").stdout == ""


def test_docker_makes_the_directory_that_is_missing(program: Program) -> None:
    missing = f"{program.files}/made/by/docker"
    program.run("create", "--name", "d", *NO_NETWORK, "-v", f"{missing}:/d", "busybox", "true", name="docker")
    assert os.path.isdir(missing)
    program.run("rm", "d")


def test_an_image_that_is_mounted_is_in_use(program: Program) -> None:
    program.run("import", "-", "borrowed", input=archive())
    digest = program.run("image", "inspect", "borrowed", "--format", "{{.Id}}").stdout.strip()
    program.run(
        *("create", "--name", "user", *NO_NETWORK, "--mount", "type=image,src=borrowed,dst=/i", "busybox"),
        *("ls", "/i/bin/busybox"),
    )
    (document,) = program.run("inspect", "user").json()
    assert document["Mounts"] == [
        {
            "Type": "image",
            "Source": "borrowed",
            "Destination": "/i",
            "Driver": "",
            "Mode": "",
            "Options": None,
            "RW": False,
            "Propagation": "",
        }
    ]
    program.run("rmi", digest, check=2)
    program.run("image", "prune", "--all", "--force")
    assert program.run("start", "--attach", "user").lines == ["/i/bin/busybox"]
    program.run("rm", "user")
