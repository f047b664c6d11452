"""The runtime specification as a whole: what podman's default container has, and what each option changes."""

from __future__ import annotations

from typing import Any

import pytest

from argosy import jsontext
from argosy.config.containers import ContainersConf
from argosy.errors import ArgosyError, Invalid, Unsupported
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec.generate import HostNode, check, defaulted, generate
from argosy.spec.options import (
    BadOption,
    ContainerOptions,
    Device,
    Mount,
    NamespaceMode,
    NetworkMode,
    RestartPolicy,
    SecurityOptions,
    Ulimit,
)
from tests.unit.spec.requests import ID, options, request, spec

HOST = NamespaceMode("host")


def mounts(made: dict[str, Any]) -> dict[str, tuple[str, str, set[str]]]:
    return {m["destination"]: (m["type"], m["source"], set(m["options"])) for m in made["mounts"]}


def namespaces(made: dict[str, Any]) -> dict[str, str]:
    return {entry["type"]: entry.get("path", "") for entry in made["linux"]["namespaces"]}


def test_the_default_container() -> None:
    made = spec(files={"/etc/hosts": "/run/x/hosts"}, cgroups_path="/a/b")
    assert made["ociVersion"] == "1.0.2"
    assert made["root"] == {"path": "/store/merged", "readonly": False}
    assert made["hostname"] == ID[:12]
    assert made["process"]["args"] == ["sh"]
    assert made["process"]["cwd"] == "/"
    assert made["process"]["user"] == {"uid": 0, "gid": 0, "umask": 0o22, "additionalGids": [50]}
    assert "HOSTNAME=" + ID[:12] in made["process"]["env"]
    assert made["process"]["noNewPrivileges"] is False
    assert namespaces(made) == dict.fromkeys(("mount", "network", "pid", "ipc", "uts", "cgroup"), "")
    assert made["linux"]["resources"] == {"devices": [{"allow": False, "access": "rwm"}], "pids": {"limit": 2048}}
    assert made["linux"]["sysctl"] == {"net.ipv4.ping_group_range": "0 0"}
    assert made["linux"]["cgroupsPath"] == "/a/b"
    assert made["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO"
    assert len(made["linux"]["seccomp"]["syscalls"]) > 10
    assert made["annotations"] == {"io.container.manager": "argosy"}


def test_the_default_mounts_are_podmans() -> None:
    found = mounts(spec(files={"/etc/hosts": "/run/x/hosts", "/run/.containerenv": "/run/x/env"}))
    safe = {"nosuid", "noexec", "nodev"}
    assert found == {
        "/proc": ("proc", "proc", safe),
        "/dev": ("tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536k"}),
        "/sys": ("sysfs", "sysfs", safe | {"rprivate", "ro"}),
        "/dev/pts": (
            "devpts",
            "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"},
        ),
        "/dev/mqueue": ("mqueue", "mqueue", safe),
        "/dev/shm": ("tmpfs", "shm", safe | {"mode=1777", "size=67108864"}),
        "/sys/fs/cgroup": ("cgroup", "cgroup", safe | {"rprivate", "relatime", "ro"}),
        "/etc/hosts": ("bind", "/run/x/hosts", {"bind", "rprivate"}),
        "/run/.containerenv": ("bind", "/run/x/env", {"bind", "rprivate"}),
    }


def test_parents_come_before_what_is_mounted_in_them() -> None:
    wanted = (Mount("bind", "/h", "/a/b/c"), Mount("tmpfs", "", "/a"), Mount("bind", "/h", "/dev/shm/x"))
    order = [m["destination"] for m in spec(mounts=wanted)["mounts"]]
    for position, path in enumerate(order):
        assert not any(path.startswith(later + "/") for later in order[position:]), (path, order)


def test_a_users_mount_replaces_ours() -> None:
    found = mounts(
        spec(
            mounts=(Mount("bind", "/h", "/sys/fs/cgroup"), Mount("bind", "/m", "/etc/hosts")),
            files={"/etc/hosts": "/x"},
        )
    )
    assert found["/sys/fs/cgroup"][:2] == ("bind", "/h")
    assert found["/etc/hosts"][:2] == ("bind", "/m")
    found = mounts(spec(mounts=(Mount("bind", "/dev", "/dev"),)))
    assert not [path for path in found if path.startswith("/dev/")]
    assert found["/dev"][:2] == ("bind", "/dev")


def test_no_file_of_ours_is_made_in_a_users_directory() -> None:
    files = {"/run/.containerenv": "/x"}
    assert "/run/.containerenv" not in mounts(spec(mounts=(Mount("bind", "/h", "/run"),), files=files))
    assert "/run/.containerenv" in mounts(spec(mounts=(Mount("tmpfs", "", "/run"),), files=files))


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (Mount("bind", "/h", "/m"), ("bind", "/h", {"rw", "rprivate", "rbind"})),
        (Mount("bind", "/h", "/m", ("ro", "rslave", "bind")), ("bind", "/h", {"ro", "rslave", "bind"})),
        (Mount("volume", "/v", "/m"), ("bind", "/v", {"rw", "rprivate", "rbind", "nosuid", "nodev"})),
        (Mount("volume", "/v", "/m", ("dev",)), ("bind", "/v", {"rw", "rprivate", "rbind", "nosuid", "dev"})),
        (
            Mount("tmpfs", "", "/m", ("size=1m",)),
            ("tmpfs", "tmpfs", {"size=1m", "rw", "rprivate", "nosuid", "nodev", "tmpcopyup"}),
        ),
        (Mount("tmpfs", "", "/m", copy_up=False), ("tmpfs", "tmpfs", {"rw", "rprivate", "nosuid", "nodev"})),
    ],
)
def test_mount_defaults(mount: Mount, expected: tuple[str, str, set[str]]) -> None:
    assert mounts(spec(mounts=(mount,)))["/m"] == expected


def test_privileged() -> None:
    node = HostNode("/dev/x", "/dev/x", "c", 1, 2, 0o640, 3, 4)
    null = HostNode("/dev/null", "/dev/null", "c", 1, 3)
    made = spec({"privileged": True}, nodes=(node, null))
    assert "seccomp" not in made["linux"]
    assert made["linux"]["maskedPaths"] == []
    assert "readonlyPaths" not in made["linux"]
    assert made["linux"]["devices"] == [
        {"path": "/dev/x", "type": "c", "major": 1, "minor": 2, "fileMode": 0o640, "uid": 3, "gid": 4}
    ]
    assert made["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert "rw" in mounts(made)["/sys"][2]
    assert "rw" in mounts(made)["/sys/fs/cgroup"][2]
    assert len(made["process"]["capabilities"]["effective"]) == 41


def test_privileged_with_a_profile_has_it() -> None:
    made = spec(
        {"privileged": True, "security": SecurityOptions(seccomp="/p")},
        seccomp_profile=b'{"defaultAction":"SCMP_ACT_LOG"}',
    )
    assert made["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_LOG"


def test_devices() -> None:
    node = HostNode("/dev/x", "/dev/y", "b", 7, 8, permissions="r")
    made = spec({"devices": (Device("/dev/x", "/dev/y", "r"),)}, nodes=(node,))
    assert made["linux"]["devices"][0]["path"] == "/dev/y"
    assert made["linux"]["resources"]["devices"][1] == {
        "allow": True,
        "type": "b",
        "major": 7,
        "minor": 8,
        "access": "r",
    }
    made = spec(nodes=(node,), rootless=True)
    assert "devices" not in made["linux"]
    assert "devices" not in made["linux"]["resources"]
    assert mounts(made)["/dev/y"] == ("bind", "/dev/x", {"slave", "nosuid", "noexec", "rw", "rbind"})
    own = HostNode("/dev/tty", "/dev/tty", "c", 5, 0)
    assert "/dev/tty" not in mounts(spec(nodes=(own,), rootless=True)), "the runtime makes that one"
    assert "/dev/tty" in mounts(spec(nodes=(own.replace(source="/dev/null"),), rootless=True))


def test_read_only() -> None:
    made = spec({"read_only": True}, files={"/etc/hosts": "/x"})
    found = mounts(made)
    assert made["root"]["readonly"] is True
    for path in ("/run", "/tmp", "/var/tmp"):
        assert found[path][0] == "tmpfs"
    assert found["/etc/hosts"][2] == {"bind", "rprivate", "ro", "nosuid", "nodev", "noexec"}
    found = mounts(spec({"read_only": True}, mounts=(Mount("bind", "/h", "/tmp"),)))
    assert found["/tmp"][0] == "bind"
    assert "/tmp" not in mounts(spec({"read_only": True, "read_only_tmpfs": False}))


def test_init() -> None:
    made = spec({"init": True}, init_path="/usr/bin/catatonit")
    assert made["process"]["args"] == ["/run/podman-init", "--", "sh"]
    assert mounts(made)["/run/podman-init"] == ("bind", "/usr/bin/catatonit", {"bind", "ro", "rprivate"})


@pytest.mark.parametrize(
    ("changes", "fields", "missing", "present"),
    [
        ({"network": NetworkMode("host")}, {"host_network": True}, {"network"}, {}),
        ({"network": NetworkMode()}, {"netns_path": "/n"}, set(), {"network": "/n"}),
        ({"pid": HOST}, {}, {"pid"}, {}),
        ({"ipc": HOST}, {}, {"ipc"}, {}),
        ({"uts": HOST}, {}, {"uts"}, {}),
        ({"cgroupns": HOST}, {}, {"cgroup"}, {}),
        (
            {"pid": NamespaceMode("container", "x")},
            {"joined": {"pid": "/proc/5/ns/pid"}},
            set(),
            {"pid": "/proc/5/ns/pid"},
        ),
        ({"uts": NamespaceMode("ns", "/u")}, {"joined": {"uts": "/u"}}, set(), {"uts": "/u"}),
        ({"pid": NamespaceMode("container", "x")}, {}, {"pid"}, {}),
        ({}, {"cgroup_mode": "v1"}, {"cgroup"}, {}),
        ({"cgroupns": NamespaceMode()}, {"cgroup_mode": "hybrid"}, set(), {"cgroup": ""}),
    ],
)
def test_namespaces(changes: Any, fields: Any, missing: set[str], present: dict[str, str]) -> None:
    found = namespaces(spec(changes, **fields))
    assert not missing & set(found)
    for kind, path in present.items():
        assert found[kind] == path


def test_shared_memory() -> None:
    assert mounts(spec({"ipc": HOST}))["/dev/shm"][:2] == ("bind", "/dev/shm")
    assert "/dev/shm" not in mounts(spec({"ipc": NamespaceMode("none")}))
    joined = spec({"ipc": NamespaceMode("container", "x")}, joined={"ipc": "/i"}, shm_path="/run/shm-of-x")
    assert mounts(joined)["/dev/shm"][:2] == ("bind", "/run/shm-of-x")
    assert "size=5" in mounts(spec({"shm_size_bytes": 5}))["/dev/shm"][2]
    assert "size=1048576" in mounts(spec(conf=ContainersConf(shm_size="1m")))["/dev/shm"][2]


def test_host_names() -> None:
    assert spec({"hostname": "box"})["hostname"] == "box"
    shared = spec({"uts": HOST}, hostname="outer")
    assert "hostname" not in shared
    assert "HOSTNAME=outer" in shared["process"]["env"]
    assert spec({"hostname": "a", "domainname": "b"})["linux"]["sysctl"]["kernel.domainname"] == "b"


def test_rootless() -> None:
    made = spec(rootless=True, gid_5_mapped=False)
    assert not [option for option in mounts(made)["/dev/pts"][2] if option.startswith("gid=")]
    assert mounts(made)["/sys"][0] == "sysfs"
    for field in ("host_network", "foreign_netns"):
        found = mounts(generate(request(rootless=True).replace(**{field: True})))["/sys"]
        assert found == ("bind", "/sys", {"rprivate", "nosuid", "noexec", "nodev", "ro", "rbind"})
    assert mounts(spec({"pid": HOST}, rootless=True))["/proc"][:2] == ("bind", "/proc")
    assert mounts(spec({"ipc": HOST}, rootless=True))["/dev/mqueue"][:2] == ("bind", "/dev/mqueue")
    assert "/dev/mqueue" not in mounts(spec({"ipc": HOST}, rootless=True, host_mqueue=False))


def test_limits() -> None:
    changes = {"memory_bytes": 100, "nano_cpus": 1_500_000_000, "pids_limit": 10, "cpu_shares": 5, "cpuset_cpus": "0"}
    resources = spec(changes)["linux"]["resources"]
    assert resources["memory"] == {"limit": 100, "swap": 200}
    assert resources["cpu"] == {"period": 100000, "quota": 150000, "shares": 5, "cpus": "0"}
    assert resources["pids"] == {"limit": 10}
    assert spec({"memory_bytes": 100}, unlimited={"swap": "x"})["linux"]["resources"]["memory"] == {"limit": 100}
    assert spec({"memory_bytes": 100, "memory_swap_bytes": -1})["linux"]["resources"]["memory"]["swap"] == -1
    assert "pids" not in spec({"pids_limit": 0})["linux"]["resources"]


def test_the_default_pids_limit_goes_where_it_cannot_hold() -> None:
    assert "pids" not in spec(unlimited={"pids": "no delegation"})["linux"]["resources"]


@pytest.mark.parametrize(
    ("changes", "controller", "flag"),
    [
        ({"pids_limit": 10}, "pids", "--pids-limit"),
        ({"memory_bytes": 10}, "memory", "--memory"),
        ({"memory_reservation_bytes": 10}, "memory", "--memory-reservation"),
        ({"nano_cpus": 10_000_000}, "cpu", "--cpus"),
        ({"cpu_shares": 10}, "cpu", "--cpu-shares"),
        ({"cpuset_cpus": "0"}, "cpuset", "--cpuset-cpus"),
    ],
)
def test_a_limit_that_cannot_hold_is_an_error(changes: Any, controller: str, flag: str) -> None:
    with pytest.raises(Unsupported) as caught:
        spec(changes, unlimited={controller: "no delegation"})
    assert f"cannot apply {flag}: no delegation" in str(caught.value)


def test_process_options() -> None:
    made = spec(
        {
            "tty": True,
            "user": "bob",
            "umask": "0077",
            "oom_score_adj": 5,
            "security": SecurityOptions(no_new_privileges=True),
        },
        image=ContainerConfig(user="root", working_dir="/srv"),
    )["process"]
    assert made["terminal"] is True
    assert made["user"] == {"uid": 1000, "gid": 1000, "umask": 0o77, "additionalGids": [1000, 50, 10]}
    assert (made["cwd"], made["oomScoreAdj"], made["noNewPrivileges"]) == ("/srv", 5, True)
    assert set(made["capabilities"]) == {"bounding"}
    assert spec(image=ContainerConfig(user="bob"))["process"]["user"]["uid"] == 1000


def test_rlimits_come_from_the_configuration() -> None:
    conf = ContainersConf(default_ulimits=("nofile=1000:2000", "core=0"))
    found = {limit["type"]: limit for limit in spec(conf=conf)["process"]["rlimits"]}
    assert found["RLIMIT_NOFILE"] == {"type": "RLIMIT_NOFILE", "soft": 1000, "hard": 2000}
    assert found["RLIMIT_CORE"]["hard"] == 0
    with pytest.raises(BadOption, match="own hard limit is 4096"):
        spec({"ulimits": (Ulimit("nofile", 5000, 5000),)})


def test_sysctls() -> None:
    made = spec({"sysctls": {"net.core.somaxconn": "5", "kernel.shmmax": "6"}})["linux"]["sysctl"]
    assert made["net.core.somaxconn"] == "5"
    assert "sysctl" not in spec(host_network=True)["linux"]
    with pytest.raises(BadOption, match="can't be set since Network Namespace set to host"):
        spec({"sysctls": {"net.core.somaxconn": "5"}}, host_network=True)
    with pytest.raises(BadOption, match="can't be set since IPC Namespace set to host"):
        spec({"sysctls": {"kernel.shmmax": "5"}, "ipc": HOST})


def test_labels() -> None:
    assert "apparmorProfile" not in spec()["process"]
    assert spec(apparmor=True, apparmor_profile="p")["process"]["apparmorProfile"] == "p"
    mine = {"security": SecurityOptions(apparmor="mine")}
    with pytest.raises(BadOption, match='apparmor profile "mine" specified, but Apparmor is not enabled'):
        spec(mine)
    made = spec(process_label="u:r:t:s", mount_label="u:r:f:s")
    assert made["process"]["selinuxLabel"] == "u:r:t:s"
    assert made["linux"]["mountLabel"] == "u:r:f:s"
    assert not any("context" in option for mount in made["mounts"] for option in mount["options"])
    assert "selinuxLabel" not in spec(mount_label="u:r:f:s")["process"]


def test_unconfined_is_only_by_request() -> None:
    assert "seccomp" not in spec({"security": SecurityOptions(seccomp="unconfined")})["linux"]
    for changes in ({}, {"user": "bob"}, {"cap_add": ("ALL",)}, {"security": SecurityOptions(unmask=("ALL",))}):
        assert "seccomp" in spec(changes)["linux"]


def test_a_compiled_filter_is_passed_in_an_annotation() -> None:
    asked = []

    def compile_filter(name: str, build: Any) -> str:
        asked.append((name, build()))
        return "QlBG"

    made = spec({"annotations": {"a": "b"}}, compile_seccomp=compile_filter)
    assert made["annotations"]["run.oci.seccomp_bpf_data"] == "QlBG"
    assert made["annotations"]["a"] == "b"
    # Were the annotation not understood, the container would die at its first system call.
    assert made["linux"]["seccomp"] == {"defaultAction": "SCMP_ACT_KILL_PROCESS"}
    name, profile = asked[0]
    assert profile == spec()["linux"]["seccomp"]
    spec({"cap_drop": ("ALL",)}, compile_seccomp=compile_filter)
    assert asked[1][0] != name
    spec(seccomp_profile=b'{"defaultAction":"SCMP_ACT_LOG"}', compile_seccomp=compile_filter)
    assert asked[2][0].split("-")[0] != name.split("-")[0]


def test_flags_of_a_profile_survive_compilation() -> None:
    text = b'{"defaultAction":"SCMP_ACT_LOG","flags":["SECCOMP_FILTER_FLAG_LOG"]}'
    made = spec(seccomp_profile=text, compile_seccomp=lambda name, build: "x")
    assert made["linux"]["seccomp"]["flags"] == ["SECCOMP_FILTER_FLAG_LOG"]


def test_a_cached_filter_does_not_hide_a_broken_profile() -> None:
    with pytest.raises(Invalid, match='seccomp profile /my/file: "defaultAction"'):
        spec(
            {"security": SecurityOptions(seccomp="/my/file")},
            seccomp_profile=b"{}",
            compile_seccomp=lambda name, build: "x",
        )
    with pytest.raises(Invalid, match="seccomp profile"):
        spec(seccomp_profile=b"")


def test_our_annotations_come_last() -> None:
    made = spec({"annotations": {"io.container.manager": "me", "x": "y"}}, annotations={"x": "ours"})
    assert made["annotations"] == {"io.container.manager": "argosy", "x": "ours"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"command": None}, "no command or entrypoint provided"),
        ({"hostname": "a" * 65}, "at most 64"),
        ({"hostname": "a\nb"}, "printable"),
        ({"remove": True, "restart": RestartPolicy("always")}, "the --rm option conflicts with --restart"),
        ({"memory_bytes": 10, "memory_swap_bytes": 5}, "minimum memoryswap limit"),
        ({"cap_add": ("CAP_CHOWN",), "cap_drop": ("CAP_CHOWN",)}, "cannot be dropped and added"),
    ],
)
def test_check_at_create(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgosyError) as caught:
        check(options(**changes), ContainerConfig())
    assert words in str(caught.value)


def test_defaults_of_the_configuration_that_a_container_keeps() -> None:
    plain = options()
    assert defaulted(plain, ContainersConf()) == plain
    made = defaulted(plain, ContainersConf(init=True, read_only=True))
    assert (made.init, made.read_only, made.privileged) == (True, True, False)


def test_options_survive_the_record() -> None:
    wanted = ContainerOptions(
        image="x",
        command=("a", "b"),
        env={"A": "b"},
        mounts=(Mount("bind", "/a", "/b", ("ro",)),),
        devices=(Device("/dev/x", "/dev/y", "r"),),
        network=NetworkMode("container", "y"),
        security=SecurityOptions(mask=("/x",)),
        ulimits=(Ulimit("nofile", 1, 2),),
        restart=RestartPolicy("on-failure", 3),
        pids_limit=0,
        labels={"l": ""},
    )
    text = jsontext.encode(wanted.to_json())
    assert ContainerOptions.from_json(jsontext.decode(text)) == wanted


def test_every_specification_is_json() -> None:
    made = generate(request({"env": {"É": "ü"}, "privileged": True}))
    assert jsontext.decode(jsontext.encode(made)) == made


def test_systemd_mounts_and_its_hierarchy() -> None:
    spec = generate(request({}, systemd=True, systemd_hierarchy=True, cgroup_mode="v1"))
    found = {mount["destination"]: mount for mount in spec["mounts"]}
    for place in ("/run", "/run/lock", "/tmp", "/var/log/journal"):
        assert found[place]["type"] == "tmpfs"
    assert found["/sys/fs/cgroup/systemd"]["type"] == "bind"
    assert "ro" not in found["/sys/fs/cgroup/systemd"]["options"]
    assert "/sys/fs/cgroup/systemd/release_agent" in spec["linux"]["maskedPaths"]
    unified = generate(request({}, systemd=True, cgroup_mode="v2"))
    assert "rw" in next(m for m in unified["mounts"] if m["destination"] == "/sys/fs/cgroup")["options"]
    assert any(entry.startswith("container_uuid=") for entry in unified["process"]["env"])


def test_groups_of_the_caller_are_kept_by_annotation_alone() -> None:
    spec = generate(request({"groups": ("keep-groups",)}))
    assert spec["annotations"]["run.oci.keep_original_groups"] == "1"
    assert "run.oci.keep_original_groups" not in generate(request({"groups": ("5",)}))["annotations"]


def test_execution_domain() -> None:
    assert generate(request({"personality": "LINUX32"}))["linux"]["personality"] == {"domain": "LINUX32"}
    assert "personality" not in generate(request({}))["linux"]
