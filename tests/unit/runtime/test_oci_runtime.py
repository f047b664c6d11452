"""Choosing between crun and runc, their argument vectors, and what becomes of their messages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.config.containers import ContainersConf
from argosy.errors import NotFound, Unsupported
from argosy.runtime import oci_runtime
from argosy.runtime.oci_runtime import OciRuntime, choose, plain_message, translate


class Host:
    """A host with programs of our making, its PATH, and the controllers on the v2 side of its cgroups."""

    def __init__(self, base: Path) -> None:
        self.base = base
        (base / "bin").mkdir()
        self.controllers = base / "cgroup.controllers"
        self.run = str(base / "run")

    def install(self, name: str, version: str = "1.2.3") -> str:
        path = self.base / "bin" / name
        calls = self.base / f"{name}.calls"
        path.write_text(f"#!/bin/sh\necho x >> {calls}\necho '{name} version {version}'\n")
        path.chmod(0o755)
        return str(path)

    def calls(self, name: str) -> int:
        path = self.base / f"{name}.calls"
        return len(path.read_text().split()) if path.exists() else 0

    def choose(self, wanted: str = "", conf: ContainersConf | None = None) -> OciRuntime:
        return choose(
            conf or ContainersConf(), self.run, wanted=wanted, hybrid_controllers=str(self.controllers), directories=()
        )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return made


def test_crun_is_preferred(machine: Host) -> None:
    machine.install("crun", "1.14")
    machine.install("runc")
    found = machine.choose()
    assert (found.name, found.version, found.notice) == ("crun", "1.14", "")


def test_a_crun_that_wants_its_state_directory_named_tells_its_version_too(machine: Host) -> None:
    """crun 1.21 without XDG_RUNTIME_DIR tells nothing but "Failed to get state directory"."""
    path = machine.install("crun", "1.21")
    script = Path(path)
    script.write_text(
        script.read_text().replace("\n", f'\n[ "$1 $2" = "--root {machine.run}/runtime" ] || exit 1\n', 1)
    )
    assert machine.choose().version == "1.21"


def test_runc_takes_its_place_on_hybrid_cgroups_and_that_is_said_once(machine: Host) -> None:
    machine.install("crun")
    machine.install("runc")
    machine.controllers.write_text("hugetlb\n")
    found = machine.choose()
    assert found.name == "runc"
    assert found.notice == "crun refuses this host's hybrid cgroups (hugetlb is in v2): using runc"
    assert machine.choose().notice == ""


def test_an_empty_hybrid_hierarchy_suits_crun(machine: Host) -> None:
    machine.install("crun")
    machine.install("runc")
    machine.controllers.write_text("\n")
    assert machine.choose().name == "crun"


def test_runc_alone_needs_no_explanation(machine: Host) -> None:
    machine.install("runc")
    machine.controllers.write_text("hugetlb\n")
    found = machine.choose()
    assert (found.name, found.notice) == ("runc", "")


def test_when_none_works_the_reasons_and_the_way_out_are_told(machine: Host) -> None:
    with pytest.raises(Unsupported, match="crun is not installed, runc is not installed"):
        machine.choose()
    machine.install("crun")
    machine.controllers.write_text("hugetlb misc\n")
    with pytest.raises(Unsupported, match="hybrid cgroups") as caught:
        machine.choose()
    assert "mount -t cgroup -o hugetlb cgroup /sys/fs/cgroup/hugetlb" in caught.value.hint


def test_what_was_asked_for_is_taken_whatever_the_host_is(machine: Host) -> None:
    machine.install("crun")
    machine.install("runc")
    machine.controllers.write_text("hugetlb\n")
    assert machine.choose("crun").name == "crun"
    assert machine.choose("", ContainersConf(runtime="crun")).name == "crun"
    path = machine.install("my-runtime")
    assert machine.choose(path).path == path
    assert machine.choose("fast", ContainersConf(runtimes={"fast": ("/nowhere", path)})).path == path


@pytest.mark.parametrize("wanted", ["kata", "/nowhere/kata"])
def test_an_unknown_runtime_is_named(machine: Host, wanted: str) -> None:
    with pytest.raises(NotFound, match=f'default OCI runtime "{wanted}" not found'):
        machine.choose(wanted)


def test_the_version_is_asked_once_for_each_program(machine: Host) -> None:
    machine.install("crun", "1.8.1")
    assert machine.choose().version == machine.choose().version == "1.8.1"
    assert machine.calls("crun") == 1
    os.unlink(machine.base / "bin" / "crun")
    machine.install("crun", "1.14.1")
    assert machine.choose().version == "1.14.1"


def test_a_damaged_cache_is_made_anew(machine: Host) -> None:
    machine.install("crun")
    machine.choose()
    cache = Path(machine.run) / "cache" / "runtime.json"
    for content in (b"", b"[]", b'{"x": 1}', cache.read_bytes()[:20]):
        cache.write_bytes(content)
        assert machine.choose().version == "1.2.3"


def test_argument_vectors() -> None:
    crun = OciRuntime("crun", "/usr/bin/crun", "/run/r", flags=("debug",))
    assert crun.argv_start("id") == ["/usr/bin/crun", "--root", "/run/r", "--debug", "start", "id"]
    assert crun.argv_kill("id", 15)[-3:] == ["kill", "id", "15"]
    assert crun.argv_kill("id", 9, everything=True)[-4:] == ["kill", "--all", "id", "9"]
    assert crun.argv_delete("id", force=True)[-3:] == ["delete", "--force", "id"]
    disabled = crun.replace(cgroup_manager="disabled", flags=())
    assert disabled.argv_state("id") == [
        *("/usr/bin/crun", "--root", "/run/r", "--cgroup-manager=disabled", "state", "id")
    ]
    runc = OciRuntime("runc", "/usr/sbin/runc", "/run/r", cgroup_manager="systemd")
    assert runc.argv_start("id")[1:] == ["--root", "/run/r", "--systemd-cgroup", "--log", "/dev/null", "start", "id"]


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        (b"open executable: Permission denied\n", "open executable: Permission denied"),
        (b'{"msg":"no `x`","level":"error","time":"t"}\n', "no `x`"),
        (b'time="2026" level=error msg="exec: \\"x\\": no"\n', 'exec: "x": no'),
        (b'time="2026" level=warning msg="w"\ntime="2026" level=error msg="e"\n', "w\ne"),
        (b"{not json\n", "{not json"),
        (b"\xff\n", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_messages_lose_the_dress_of_their_log_format(said: bytes, plain: str) -> None:
    assert plain_message(said) == plain


@pytest.mark.parametrize(
    ("message", "status", "words"),
    [
        ("executable file `x` not found in $PATH: No such file or directory", 127, "command that was not found"),
        ('exec: "x": executable file not found in $PATH', 127, "command that was not found"),
        ('exec: "/bin/x": stat /bin/x: no such file or directory', 127, "command that was not found"),
        ("open executable: Permission denied", 126, "OCI permission denied"),
        ("open executable: Operation not permitted", 126, "OCI permission denied"),
        ("something else", 125, "OCI runtime error: crun: something else"),
        ("", 125, "failed without a message"),
    ],
)
def test_errors_have_podmans_status_and_words(message: str, status: int, words: str) -> None:
    error = translate("crun", message, "4f" * 32, "x")
    assert error.exit_code == status
    assert words in str(error)


def test_hints_name_the_way_out() -> None:
    hybrid = translate("crun", "cgroups in hybrid mode not supported, drop all controllers from cgroupv2", "4f" * 32)
    assert "--runtime runc" in hybrid.hint
    assert "argosy rm --force" in translate("crun", "container `x` already exists", "4f" * 32).hint
    assert oci_runtime.translate("crun", "open executable: Permission denied", "4f", "/bin/x").hint.startswith("/bin/x")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"msg":"fail startup", "level":"error", "time":"x"}', True),
        ('{"level":"fatal","msg":"x"}', True),
        ('{"level":"warning","msg":"x"}', False),
        ("{}", False),
        ("error", False),
        ("", False),
    ],
)
def test_errors_in_a_log(line: str, *, expected: bool) -> None:
    assert oci_runtime.is_error(line) == expected
