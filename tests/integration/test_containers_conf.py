"""containers.conf: what its keys do to containers that ask for nothing themselves."""

from __future__ import annotations

import json
import os

import pytest

from tests.rig.program import Program

# Every key of [containers] that one container can show, and what it shows: a command's output.
CONF = """
[containers]
annotations = ["org.example.note=from conf"]
base_hosts_file = "{files}/base"
cgroupns = "host"
container_name_as_hostname = true
default_capabilities = ["CHOWN", "cap_kill"]
default_sysctls = ["net.ipv4.ping_group_range=0 1"]
default_ulimits = ["nofile=100:200"]
devices = ["/dev/zero:/dev/nothing:r"]
dns_options = ["ndots:3"]
dns_searches = ["example.org"]
dns_servers = ["192.0.2.53"]
env = ["FROM_CONF=1", "BOTH=conf"]
env_host = true
host_containers_internal_ip = "192.0.2.9"
init = true
ipcns = "private"
keyring = false
log_size_max = 10000
mounts = ["type=tmpfs,destination=/extra,tmpfs-size=1m", "type=bind,source={files},target=/bound,ro"]
netns = "host"
oom_score_adj = 700
read_only = true
shm_size = "1m"
tz = "Etc/GMT+7"
umask = "0027"
utsns = "private"
volumes = ["kept:/kept", "{files}:/files:ro"]

[engine]
conmon_env_vars = ["CONMON_SAYS=hello"]
env = ["ENGINE_SAYS=hello", "HOME=/never"]
stop_timeout = 1
"""
SHOWN = {
    "grep nameserver /etc/resolv.conf": "nameserver 192.0.2.53",
    "grep search /etc/resolv.conf": "search example.org",
    "grep options /etc/resolv.conf": "options ndots:3",
    "grep containers.internal /etc/hosts | cut -f1": "192.0.2.9",
    "grep basename /etc/hosts | cut -f1": "192.0.2.77",
    "hostname": "thename",
    "grep CapBnd /proc/self/status | cut -f2": "0000000000000021",
    "ulimit -n": "100",
    "ulimit -Hn": "200",
    "ls /dev/nothing": "/dev/nothing",
    "echo $FROM_CONF $BOTH": "1 mine",
    "echo $ENGINE_SAYS $CALLER": "hello here",
    "ps | grep -c '[p]odman-init'": "1",
    "df -k /extra | tail -1 | awk '{print $2}'": "1024",
    "ls /bound/marker /files/marker": "/bound/marker\n/files/marker",
    "touch /kept/x && echo written": "written",
    "touch /bound/x 2>/dev/null || echo no": "no",
    "touch /root/x 2>/dev/null || echo no": "no",
    "cat /proc/self/oom_score_adj": "700",
    "df -k /dev/shm | tail -1 | awk '{print $2}'": "1024",
    "date +%z": "-0700",
    "umask": "0027",
}


@pytest.fixture
def conf(argosy_both: Program) -> str:
    argosy_both.write("marker", "")
    argosy_both.write("base", "192.0.2.77 basename\n")
    return argosy_both.write("containers.conf", CONF.replace("{files}", argosy_both.files))


def test_the_keys_of_containers(argosy_both: Program, busybox: str, conf: str) -> None:
    """One container shows what most keys do."""
    argosy_both.env |= {"CONTAINERS_CONF": conf, "CALLER": "here"}
    script = "\n".join(f"{command}; echo --" for command in SHOWN)
    done = argosy_both.run("run", "--name", "the_name", "-e", "BOTH=mine", busybox, "sh", "-c", script)
    found = [text.strip() for text in done.stdout.split("--\n")][:-1]
    assert dict(zip(SHOWN, found, strict=True)) == SHOWN
    document = argosy_both.run("inspect", "the_name").json()[0]
    assert document["HostConfig"]["OomScoreAdj"] == 700
    assert document["HostConfig"]["IpcMode"] == "private"
    # What a container was made with stays; what the files say at each start may change.
    argosy_both.env["CONTAINERS_CONF"] = os.devnull
    again = argosy_both.run("start", "-a", "the_name").stdout.split("--\n")
    assert dict(zip(SHOWN, (text.strip() for text in again), strict=False))["cat /proc/self/oom_score_adj"] == "700"


def test_flags_win(argosy_both: Program, busybox: str, conf: str) -> None:
    argosy_both.env |= {"CONTAINERS_CONF": conf}
    script = "cat /proc/self/oom_score_adj; hostname; ls /extra; umask; echo x > /root/x; echo [$ENGINE_SAYS$FROM_CONF]"
    flags = (
        *("--oom-score-adj", "600", "--hostname", "box", "-v", f"{argosy_both.files}:/extra", "--umask", "0077"),
        *("--read-only=false", "--env-host=false", "--unsetenv", "FROM_CONF"),
    )
    done = argosy_both.run("run", "--rm", *flags, busybox, "sh", "-c", script)
    assert done.stdout.split() == ["600", "box", "base", "containers.conf", "marker", "0077", "[]"]


def test_what_conmon_gets(argosy_both: Program, busybox: str, conf: str) -> None:
    argosy_both.env |= {"CONTAINERS_CONF": conf}
    done = argosy_both.run("--log-level", "debug", "run", "-d", "--name", "c", busybox, "sleep", "1000")
    line = next(line for line in done.stderr.splitlines() if "--exit-dir" in line)
    assert "--no-new-keyring" in line
    assert "--log-size-max 10000" in line
    pid = argosy_both.run("inspect", "-f", "{{.State.ConmonPid}}", "c").stdout.strip()
    with open(f"/proc/{pid}/environ") as file:
        assert "CONMON_SAYS=hello" in file.read().split("\0")
    bundle = f"{argosy_both.runroot}/containers/{argosy_both.run('inspect', '-f', '{{.Id}}', 'c').stdout.strip()}"
    with open(f"{bundle}/config.json") as file:
        config, _ = json.JSONDecoder().raw_decode(file.read())
    assert config["annotations"]["org.example.note"] == "from conf"
    assert "sysctl" not in config["linux"]  # the network is the host's
    assert "cgroup" not in [entry["type"] for entry in config["linux"]["namespaces"]]
    argosy_both.run("rm", "-f", "c")


def test_volumes_are_prepared_on_create(argosy_both: Program, busybox: str) -> None:
    conf = argosy_both.write("containers.conf", "[containers]\nprepare_volume_on_create = true\n")
    for value, wanted in (("", []), (conf, ["sh"])):
        argosy_both.env["CONTAINERS_CONF"] = value
        argosy_both.run("create", "--name", "c", "-v", "v:/bin", busybox)
        data = argosy_both.run("volume", "inspect", "-f", "{{.Mountpoint}}", "v").stdout.strip()
        assert [name for name in os.listdir(data) if name == "sh"] == wanted
        argosy_both.run("rm", "-v", "c")
        argosy_both.run("volume", "rm", "-f", "v")


def test_one_log_path(argosy: Program, busybox: str) -> None:
    log = f"{argosy.files}/all.log"
    argosy.env["CONTAINERS_CONF"] = argosy.write("containers.conf", f'[containers]\nlog_path = "{log}"\n')
    argosy.run("run", "--name", "c", busybox, "echo", "hello")
    with open(log) as file:
        assert file.read().endswith("stdout F hello\n")
    argosy.env["CONTAINERS_CONF"] = os.devnull
    assert argosy.run("logs", "c").stdout == "hello\n"


def test_archives_of_several_images(argosy: Program, busybox: str) -> None:
    argosy.run("tag", busybox, "other")
    argosy.env["CONTAINERS_CONF"] = argosy.write("containers.conf", "[engine]\nmulti_image_archive = true\n")
    argosy.run("save", "-o", f"{argosy.files}/a.tar", busybox, "nowhere", check=125)
    argosy.run("save", "--multi-image-archive=false", "-o", f"{argosy.files}/a.tar", busybox, "nowhere")


def test_runtimes_that_need_control_groups(argosy: Program, busybox: str) -> None:
    text = '[engine]\nruntime_supports_nocgroups = ["krun"]\n'
    argosy.env["CONTAINERS_CONF"] = argosy.write("containers.conf", text)
    done = argosy.run("run", "--rm", "--cgroups=disabled", busybox, "true", check=125)
    assert "is not compatible with NoCgroups" in done.stderr


def test_no_resolv_conf(argosy: Program, busybox: str) -> None:
    text = '[containers]\ndns_servers = ["none"]\nnetns = "host"\n'
    argosy.env["CONTAINERS_CONF"] = argosy.write("containers.conf", text)
    assert argosy.run("run", "--rm", busybox, "ls", "/etc").stdout.split() == ["group", "hostname", "hosts", "passwd"]


def test_another_registries_conf(argosy: Program) -> None:
    conf = argosy.write("registries.conf", "\nshort-name-mode = 1\n")
    done = argosy.run("--registries-conf", conf, "pull", "nosuch", check=125)
    assert f'"{conf}"' in done.stderr
    assert "(at line 2)" in done.stderr
    done = argosy.run("--registries-conf", "/nosuch", "pull", "nosuch", check=125)
    why = "locating specified registries.conf: stat /nosuch: no such file or directory"
    assert f"Error: configuring runtime: {why}" in done.stderr
