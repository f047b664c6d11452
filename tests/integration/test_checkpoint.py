"""`container checkpoint` and `container restore`, with a runtime that stands in for one with CRIU."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator

import pytest

from tests.rig import host
from tests.rig.checkpointing import Runtime, flags
from tests.rig.program import Program

pytestmark = host.needs_root


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    shared_program.busybox()
    return shared_program


@pytest.fixture(scope="module")
def runtime(program: Program) -> Runtime:
    return Runtime(program)


@pytest.fixture(autouse=True)
def _emptied(program: Program) -> Iterator[None]:
    yield
    program.run("rm", "--all", "--force", "--time", "0", "--volumes")
    program.run("volume", "rm", "--all", "--force")


def started(program: Program, name: str, *words: str) -> str:
    words = words or ("--network", "none")
    return program.run("run", "-d", "--name", name, *words, "busybox", "sleep", "600").stdout.strip()


def state_of(program: Program, name: str) -> dict[str, object]:
    found: dict[str, object] = program.run("inspect", name).json()[0]["State"]
    return found


def test_here_and_back(program: Program, runtime: Runtime) -> None:
    words = ("--network", "none", "--restart", "always", "--ipc", "shareable", "-v", "kept:/kept")
    container_id = started(program, "c", *words)
    program.run("exec", "c", "sh", "-c", "echo there > /dev/shm/x; echo changed > /x")
    done = program.run("container", "checkpoint", "--tcp-established", "--file-locks", "c")
    assert done.lines == ["c"]
    (call,) = runtime.calls()
    assert flags(call) == {"--image-path", "--work-path", "--tcp-established", "--file-locks"}
    found = state_of(program, "c")
    assert (found["Status"], found["Checkpointed"]) == ("exited", True)
    directory = f"{program.root}/containers/{container_id}"
    assert sorted(name for name in os.listdir(directory) if "checkpoint" in name or name == "criu") == [
        "checkpoint",
        "checkpoint.json",
    ]
    assert program.run("container", "restore", "--all", "--tcp-established", "--file-locks").lines == [container_id]
    (call,) = runtime.calls()
    assert {"--image-path", "--tcp-established", "--file-locks"} <= flags(call)
    assert runtime.restored() == "memory"
    assert program.run("exec", "c", "cat", "/dev/shm/x", "/x").lines == ["there", "changed"]
    found = state_of(program, "c")
    assert (found["Status"], found["Restored"], "Checkpointed" in found) == ("running", True, False)
    assert not os.path.exists(f"{directory}/checkpoint")
    statuses = program.run("events", "--stream=false", "--since", "1h", "--format", "{{.Status}}").lines
    assert [status for status in statuses if status in ("checkpoint", "restore")] == ["checkpoint", "restore"]
    running = "is running or paused, cannot restore: container state improper"
    assert running in program.run("container", "restore", "c", check=125).stderr
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"


def test_it_goes_on_and_what_is_kept(program: Program, runtime: Runtime) -> None:
    container_id = started(program, "c")
    directory = f"{program.root}/containers/{container_id}"
    pid = state_of(program, "c")["Pid"]
    program.run("container", "checkpoint", "--pre-checkpoint", "--latest")
    program.run("container", "checkpoint", "--leave-running", "--with-previous", "--keep", "c")
    first, second = runtime.calls()
    assert "--pre-dump" in first
    assert {"--leave-running", "--parent-path"} <= flags(second)
    assert state_of(program, "c")["Pid"] == pid
    assert os.path.exists(f"{directory}/checkpoint/parent/pages-1.img")
    assert os.listdir(f"{directory}/criu") == ["stats-dump"]
    shown = program.run("container", "checkpoint", "--print-stats", "c").json()
    assert shown["podman_checkpoint_duration"] > 0
    (row,) = shown["container_statistics"]
    assert row["Id"] == container_id
    assert row["criu_statistics"] == {"freezing_time": 1, "frozen_time": 2}
    assert row["runtime_checkpoint_duration"] > 0
    shown = program.run("container", "restore", "--keep", "--print-stats", "c").json()
    assert shown["container_statistics"][0]["Id"] == container_id
    assert os.path.isdir(f"{directory}/checkpoint")
    runtime.calls()


def test_what_fails_changes_nothing(program: Program, runtime: Runtime) -> None:
    started(program, "c", "--network", "none", "--restart", "always")
    pid = state_of(program, "c")["Pid"]
    runtime.fail(wanted=True)
    try:
        refused = program.run("container", "checkpoint", "c", check=125)
        assert "criu failed: type DUMP errno 0" in refused.stderr
        assert state_of(program, "c")["Pid"] == pid
    finally:
        runtime.fail(wanted=False)
    program.run("container", "checkpoint", "c")
    runtime.fail(wanted=True)
    try:
        assert "criu failed" in program.run("container", "restore", "c", check=False).stderr
        assert state_of(program, "c")["Checkpointed"] is True
    finally:
        runtime.fail(wanted=False)
    program.run("container", "restore", "c")
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    runtime.calls()


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
def test_by_an_archive(program: Program, runtime: Runtime, compression: str) -> None:
    archive = f"{program.files}/archive"
    words = (
        "--network",
        "none",
        "-v",
        "data:/data",
        "-v",
        "/anonymous",
        "-e",
        "A=B",
        "--pidfile",
        f"{program.files}/pid",
    )
    started(program, "c", *words)
    program.run("exec", "c", "sh", "-c", "echo 1 > /data/x; echo 2 > /anonymous/x; echo 3 > /new; rm /etc/passwd")
    program.run("container", "checkpoint", "--export", archive, "--compress", compression, "c")
    with open(archive, "rb") as file:
        magic = file.read(2)
    assert {"zstd": b"\x28\xb5", "gzip": b"\x1f\x8b"}.get(compression, magic) == magic
    taken = program.run("container", "restore", "--import", archive, check=125).stderr
    assert "volume with name data already exists. Use --ignore-volumes" in taken
    taken = program.run("container", "restore", "--import", archive, "--ignore-volumes", check=125).stderr
    assert 'the container name "c" is already in use' in taken
    program.run("rm", "-v", "c")
    program.run("volume", "rm", "data")
    made = program.run("container", "restore", "--import", archive, "--name", "d", "--keep").stdout.strip()
    assert program.run("exec", "d", "cat", "/data/x", "/anonymous/x", "/new").lines == ["1", "2", "3"]
    assert program.run("exec", "d", "ls", "/etc/passwd", check=False).returncode == 1
    found = program.run("inspect", "d").json()[0]
    assert (found["Id"], found["State"]["Restored"]) == (made, True)
    assert "A=B" in found["Config"]["Env"]
    assert found["PidFile"].endswith(f"{made}/pidfile")  # the host's file is not the archive's to name
    both = ("--ignore-rootfs", "--ignore-volumes", "--name", "e", "--publish", "127.0.0.1::80")
    program.run("container", "restore", "--import", archive, *both)
    assert program.run("exec", "e", "ls", "/new", "/etc/passwd", check=False).lines == ["/etc/passwd"]
    runtime.calls()


def test_in_a_pod(program: Program, runtime: Runtime) -> None:
    archive = f"{program.files}/pod-archive"
    program.run("pod", "create", "--name", "p", "--network", "none")
    program.run("run", "-d", "--pod", "p", "--name", "c", "busybox", "sleep", "600")
    program.run("container", "checkpoint", "--export", archive, "c")
    program.run("rm", "c")
    restore = ("container", "restore", "--import", archive)
    assert "cannot restore pod container without --pod" in program.run(*restore, check=125).stderr
    missing = program.run(*restore, "--pod", "nosuch", check=125).stderr
    assert "no pod with name or ID nosuch found: no such pod" in missing
    program.run(*restore, "--pod", "p")
    assert program.run("ps", "--filter", "pod=p", "--filter", "name=c", "--format", "{{.Names}}").lines[-1] == "c"
    alone = f"{program.files}/alone"
    started(program, "d")
    program.run("container", "checkpoint", "--export", alone, "d")
    words = ("container", "restore", "--import", alone, "--pod", "p", "--name", "e")
    assert "cannot restore non pod container into pod" in program.run(*words, check=125).stderr
    program.run("pod", "rm", "--force", "--time", "0", "p")
    runtime.calls()


def test_by_an_image(program: Program, runtime: Runtime) -> None:
    started(program, "c")
    program.run("exec", "c", "sh", "-c", "echo 3 > /new")
    program.run("container", "checkpoint", "--create-image", "saved", "c")
    annotations = program.run("image", "inspect", "saved").json()[0]["Annotations"]
    assert annotations["io.podman.annotations.checkpoint.name"] == "c"
    assert program.run("container", "restore", "--name", "d", "saved").lines == ["saved"]
    assert program.run("exec", "d", "cat", "/new").lines == ["3"]
    assert "image busybox is no checkpoint" in program.run("container", "restore", "busybox", check=125).stderr
    program.run("container", "restore", "c")
    program.run("rmi", "saved")
    runtime.calls()


def test_with_a_pre_checkpoint_from_elsewhere(program: Program, runtime: Runtime) -> None:
    earlier, archive = f"{program.files}/earlier", f"{program.files}/later"
    started(program, "c")
    program.run("container", "checkpoint", "--pre-checkpoint", "--export", earlier, "c")
    program.run("container", "checkpoint", "--with-previous", "--export", archive, "c")
    program.run("rm", "c")
    words = ("container", "restore", "--keep", "--import", archive, "--import-previous", earlier)
    made = program.run(*words).stdout.strip()
    assert os.path.exists(f"{program.root}/containers/{made}/checkpoint/parent/pages-1.img")
    assert "may be a pre-checkpoint" in program.run(*words[:3], "--import", earlier, check=125).stderr
    runtime.calls()


REFUSED = {
    "checkpoint": {
        ("nosuch",): 'no container with name or ID "nosuch" found: no such container',
        (): "you must provide at least one name or id",
        ("--all", "--latest"): "--all and --latest cannot be used together",
        ("--compress", "lzma", "-e", "x", "c"): 'selected compression algorithm ("lzma") not supported',
        ("--compress", "gzip", "c"): "--compress can only be used with --export",
        ("--ignore-rootfs", "c"): "--ignore-rootfs can only be used with --export",
        ("--ignore-volumes", "c"): "--ignore-volumes can only be used with --export",
        ("-P", "--with-previous", "c"): "--with-previous can not be used with --pre-checkpoint",
        ("--with-previous", "c"): "has no pre-checkpoint",
        ("fleeting",): "cannot checkpoint containers that have been started with '--rm' unless '--export' is used",
        ("-e", "x", "joined"): "cannot export checkpoints of containers with dependencies",
        ("ended",): "is not running, cannot checkpoint: container state improper",
    },
    "restore": {
        ("nosuch",): "no such container or image: nosuch",
        ("ended",): "a complete checkpoint for this container cannot be found, cannot restore",
        ("--import", "/no/such"): "failed to open checkpoint archive /no/such for import: open /no/such: no such file",
        ("--import", "x", "--all"): "cannot use --import with --all or --latest",
        ("--import", "x", "c"): "cannot use --import with positional arguments",
        ("--import-previous", "x", "c"): "--import-previous can only be used with image or --import",
        ("--ignore-rootfs", "c"): "--ignore-rootfs can only be used with image or --import",
        ("--name", "x", "c"): "--name can only be used with image or --import",
        ("--publish", "1:1", "c"): "--publish can only be used with image or --import",
        ("--import", "x", "--name", "d", "--tcp-established"): "--tcp-established cannot be used with --name",
        ("--pod", "x", "c"): "--pod can only be used with image or --import",
    },
}


def test_what_is_refused(program: Program, runtime: Runtime) -> None:
    started(program, "c")
    started(program, "fleeting", "--network", "none", "--rm")
    started(program, "joined", "--network", "container:c")
    program.run("create", "--name", "ended", "busybox")
    for command, cases in REFUSED.items():
        for words, told in cases.items():
            assert told in program.run("container", command, *words, check=125).stderr, (command, words)
    without = {"PATH": host.SYSTEM_PATH}
    crun = "/usr/bin/crun"
    if (
        os.path.exists(crun)
        and subprocess.run([crun, "checkpoint", "--help"], check=False, capture_output=True).returncode
    ):
        refused = program.run("--runtime", crun, "container", "checkpoint", "c", env=without, check=False).stderr
        assert refused == "" or "checkpoint" in refused


def packed(files: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for entry in more:
            archive.addfile(entry)
    return out.getvalue()


def other(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


Change = Callable[[dict[str, object]], object]


def changed(text: bytes, change: Change) -> bytes:
    """argosy.dump with a change."""
    body = json.loads(text)
    change(body)
    return json.dumps(body).encode()


def test_hostile_archives(program: Program, runtime: Runtime) -> None:
    archive, victim = f"{program.files}/good", f"{program.files}/victim"
    container_id = started(program, "c")
    program.run("container", "checkpoint", "--export", archive, "--compress", "none", "c")
    program.run("rm", "c")
    with tarfile.open(archive) as file:
        good = {entry.name: file.extractfile(entry).read() for entry in file if entry.isfile()}  # type: ignore[union-attr]
    dump = good["argosy.dump"]

    def with_options(**fields: object) -> dict[str, bytes]:
        return {**good, "argosy.dump": changed(dump, lambda body: body["record"]["options"].update(fields))}  # type: ignore[index]

    refused = {
        "a link out": packed(good, other("checkpoint/x", tarfile.SYMTYPE, victim)),
        "a link for images": packed({"argosy.dump": dump}, other("checkpoint", tarfile.SYMTYPE, program.files)),
        "a link for the dump": packed({}, other("argosy.dump", tarfile.SYMTYPE, victim)),
        "a way out": packed({**good, "../../victim": b"x"}),
        "a device": packed(good, other("checkpoint/d", tarfile.CHRTYPE)),
        "a FIFO": packed(good, other("argosy.fifo", tarfile.FIFOTYPE)),
        "another file": packed({**good, "container.json": b"{}"}),
        "deeper": packed({**good, "checkpoint/a/b": b"x"}),
        "no images": packed({"argosy.dump": dump}),
        "no dump": packed({"checkpoint/pages-1.img": b"x"}),
        "podman's": packed({"checkpoint/pages-1.img": b"x", "config.dump": b"{}", "spec.dump": b"{}"}),
        "cut off": packed(good)[:2000],
        "no archive": b"x" * 5000,
        "a runtime of its own": packed(
            {**good, "argosy.dump": changed(dump, lambda body: body.update(runtime=victim))}
        ),
        "another version": packed({**good, "argosy.dump": changed(dump, lambda body: body.update(more=1))}),
        "a wrong type": packed(with_options(env=["A"])),
        "a number for a list": packed(with_options(mounts=[{"kind": 7}])),
        "its own filter": packed(with_options(annotations={"run.oci.seccomp_bpf_data": "x"})),
        "a name": packed({**good, "argosy.dump": changed(dump, lambda body: body.update(name="../x"))}),
        "a root of the host": packed(with_options(rootfs="/")),
        "another's namespace": packed(with_options(pid={"kind": "container", "target": "c"})),
        "a layer that climbs": packed({**good, "rootfs-diff.tar": packed({"../../../../victim": b"x"})}),
        "another image": packed(
            {**good, "argosy.dump": changed(dump, lambda body: body["record"]["image"].update(id="sha256:" + "0" * 64))}  # type: ignore[index]
        ),
    }
    for case, data in refused.items():
        path = program.write("hostile", data)
        done = program.run("container", "restore", "--import", path, check=125)
        assert "internal error" not in done.stderr, (case, done.stderr)
        assert program.run("ps", "-aq").stdout == "", case
        assert not os.path.exists(victim), case
    loud = packed(
        with_options(
            pidfile=victim,
            conmon_pidfile=victim,
            cidfile=victim,
            log_options={"path": victim},
            mounts=[{"kind": "bind", "source": "/etc", "target": "/host", "options": ["ro"]}],
            privileged=True,
        )
    )
    done = program.run("container", "restore", "--import", program.write("loud", loud))
    assert "is given of this host: /etc at /host, all privileges" in done.stderr
    assert not os.path.exists(victim)
    assert done.stdout.strip() != container_id
    assert program.run("system", "check", "--quick").stdout == "No damage, nothing left over\n"
    runtime.calls()
