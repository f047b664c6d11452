"""containers.conf: which files count, how they merge, and the cache."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.config import containers
from argosy.config.containers import ContainersConf, load
from argosy.errors import ArgosyError, Invalid


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory and a run directory; the system's own files are looked for below it, too."""
    monkeypatch.setattr(containers, "_DIRECTORIES", (f"{tmp_path}/usr", f"{tmp_path}/etc"))
    (tmp_path / "run").mkdir()
    return tmp_path


def write(path: Path, text: str, age_s: int = 10) -> Path:
    """A configuration file that is old enough to be cached."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    when = path.stat().st_mtime_ns - age_s * 1_000_000_000
    os.utime(path, ns=(when, when))
    return path


def loaded(home: Path, *, rootless: bool = True, **environ: str) -> ContainersConf:
    return load(f"{home}/run", {"HOME": str(home), **environ}, rootless=rootless)


def cache(home: Path) -> Path:
    return home / "run/cache/containers.conf.json"


def test_defaults(home: Path) -> None:
    assert loaded(home) == ContainersConf()


def test_the_later_file_wins(home: Path) -> None:
    write(home / "usr/containers.conf", '[containers]\npids_limit=1\ntz="usr"\numask="0001"\n')
    write(home / "etc/containers.conf", '[containers]\npids_limit=2\ntz="etc"\n')
    write(home / "etc/containers.conf.d/20-b.conf", "[containers]\npids_limit=4\n")
    write(home / "etc/containers.conf.d/10-a.conf", '[containers]\npids_limit=3\ntz="drop-in"\n')
    write(home / "etc/containers.conf.d/30-no.txt", "[containers]\npids_limit=99\n")
    conf = loaded(home)
    assert (conf.pids_limit, conf.tz, conf.umask) == (4, "drop-in", "0001")
    write(home / ".config/containers/containers.conf", "[containers]\npids_limit=5\n")
    write(home / ".config/containers/containers.conf.d/x.conf", '[containers]\ntz="mine"\n')
    conf = loaded(home)
    assert (conf.pids_limit, conf.tz) == (5, "mine")
    assert loaded(home, rootless=False).pids_limit == 4


def test_the_environment_names_files(home: Path) -> None:
    write(home / "etc/containers.conf", '[containers]\npids_limit=2\ntz="etc"\n')
    only = write(home / "only.conf", "[containers]\npids_limit=7\n")
    over = write(home / "over.conf", "[containers]\npids_limit=8\n")
    assert loaded(home, CONTAINERS_CONF=str(only)).tz == ""
    assert loaded(home, CONTAINERS_CONF=str(only)).pids_limit == 7
    both = loaded(home, CONTAINERS_CONF_OVERRIDE=str(over))
    assert (both.pids_limit, both.tz) == (8, "etc")
    with pytest.raises(Invalid, match="CONTAINERS_CONF"):
        loaded(home, CONTAINERS_CONF="/nonexistent")


def test_xdg_config_home(home: Path) -> None:
    write(home / "xdg/containers/containers.conf", "[containers]\npids_limit=5\n")
    assert loaded(home, XDG_CONFIG_HOME=f"{home}/xdg").pids_limit == 5


def test_lists_and_tables(home: Path) -> None:
    write(
        home / "usr/containers.conf",
        '[containers]\nenv=["A=1"]\ndefault_capabilities=["chown","CAP_KILL"]\n'
        '[engine]\nenv=["E=1"]\n[engine.runtimes]\ncrun=["/a"]\nrunc=["/b"]\n[unknown]\nx=1\n',
    )
    write(
        home / "etc/containers.conf",
        '[containers]\nenv=["B=2",{append=true}]\nunknown_key=1\n[engine.runtimes]\nrunc=["/c","/d"]\n',
    )
    conf = loaded(home)
    assert conf.env == ("A=1", "B=2")
    assert conf.engine_env == ("E=1",)
    assert conf.default_capabilities == ("CAP_CHOWN", "CAP_KILL")
    assert conf.runtimes == {"crun": ("/a",), "runc": ("/c", "/d")}
    write(home / "etc/containers.conf", '[containers]\nenv=["B=2"]\n')
    assert loaded(home).env == ("B=2",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[containers\n", "line 1"),
        ("[containers]\n\nx = = 1\n", "line 3"),
        ('[containers]\npids_limit="1"\n', "containers.pids_limit must be an integer"),
        ("[containers]\npids_limit=true\n", "containers.pids_limit must be an integer"),
        ("[containers]\ninit=1\n", "containers.init must be true or false"),
        ("[containers]\ntz=1\n", "containers.tz must be a string"),
        ('[containers]\nenv="A=1"\n', "containers.env must be an array of strings"),
        ("[containers]\nenv=[1]\n", "containers.env must be an array of strings, but holds 1"),
        ("containers=1\n", "containers must be a table"),
        ("[engine]\nruntimes=1\n", "engine.runtimes must be a table"),
        ("[engine.runtimes]\ncrun='x'\n", "engine.runtimes.crun must be an array of strings"),
        ("a=" + "[" * 5000, "recursion"),
        ("[containers]\n\nenv=[1]\n", "(at line 3)"),
        ("engine.retry='x'\n", "engine.retry must be an integer, not 'x' (at line 1)"),
        ("[containers]\ncgroups='some'\n", "containers.cgroups must be one of enabled, disabled, no-conmon"),
        ("[containers]\numask='0999'\n", "containers.umask must be an octal number"),
        ("[containers]\nlog_size_max=100\n", "containers.log_size_max must be negative (no limit) or at least 8192"),
        ('[containers]\ntz="a\\u0000b"\n', "containers.tz must not hold a NUL byte"),
        ("[engine]\nevents_logger='syslog'\n", "engine.events_logger must be one of file, journald, none"),
        ("[engine]\n\npull_policy='x'\n", "engine.pull_policy must be one of"),
        ("[engine]\nstop_timeout=-1\n", "engine.stop_timeout must not be negative"),
        ("[engine.service_destinations.a]\nuri=1\n", "engine.service_destinations.a must be a table with a uri"),
        ("[engine.volume_plugins]\nx=1\n", "engine.volume_plugins.x must be a string, not 1 (at line 2)"),
        ("[network]\ndefault_subnet_pools=[{base='x'}]\n", "network.default_subnet_pools holds {'base': 'x'}"),
        (
            "[network]\ndefault_subnet_pools=[{base='x',size=24}]\n",
            "whose base is no IPv4 subnet of at least that size",
        ),
        (
            "[network]\ndefault_subnet_pools=[{base='10.1.0.0/16',size=8}]\n",
            "whose base is no IPv4 subnet of at least that size",
        ),
        ("[network]\ndefault_subnet='10.1.0.0/33'\n", "network.default_subnet must be a subnet such as 10.88.0.0/16"),
        ("[network]\ndns_bind_port=70000\n", "network.dns_bind_port must be a port"),
        ("[secrets]\ndriver=1\n", "secrets.driver must be a string"),
        ("[containers]\npidns='container:x'\n", "containers.pidns must be one of private, host, not"),
        ("[containers]\n\nlog_driver='syslog'\n", "containers.log_driver must be one of k8s-file"),
        ("[containers]\nenv=['A']\n", "containers.env holds 'A', which is not NAME=VALUE (at line 2)"),
        ("[engine]\nenv=['=x']\n", "engine.env holds '=x', which is not NAME=VALUE (at line 2)"),
        ("[containers]\nshm_size='big'\n", "containers.shm_size must be a size such as 65536k, not 'big' (at line 2)"),
        ("[containers]\noom_score_adj=1001\n", "containers.oom_score_adj must be between -1000 and 1000"),
        ("[engine]\nretry_delay='10'\n", "engine.retry_delay must be a duration such as 10s, not '10' (at line 2)"),
        ("[engine]\nretry_delay=10\n", "engine.retry_delay must be a duration such as 10s, not 10"),
        ("[engine]\nimage_parallel_copies=-1\n", "engine.image_parallel_copies must not be negative"),
        ("[engine]\nimage_default_transport='oci:'\n", "engine.image_default_transport must be one of docker://"),
    ],
)
def test_a_damaged_file_is_named(home: Path, text: str, words: str) -> None:
    path = write(home / "etc/containers.conf", text)
    with pytest.raises(Invalid) as caught:
        loaded(home)
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert not cache(home).exists()


def test_what_is_no_file_of_text(home: Path) -> None:
    path = home / "etc/containers.conf"
    path.parent.mkdir()
    path.write_bytes(b"[containers]\n#\xff\n")
    with pytest.raises(Invalid, match="line 2"):
        loaded(home)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(Invalid, match="not a regular file"):
        loaded(home)
    path.unlink()
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(Invalid, match="larger than 1 MiB"):
        loaded(home)
    path.unlink()
    path.symlink_to("containers.conf")
    with pytest.raises(ArgosyError, match=r"containers\.conf"):
        loaded(home)
    path.unlink()
    path.mkdir()
    with pytest.raises(ArgosyError, match=r"containers\.conf"):
        loaded(home)


def test_the_cache_is_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "etc/containers.conf", "[containers]\npids_limit=2\n")
    first = loaded(home)
    assert cache(home).stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr("argosy.config.tomlfile.read", None)
    assert loaded(home) == first


@pytest.mark.parametrize("change", ["edit", "touch", "replace", "remove", "add", "add drop-in", "edit drop-in"])
def test_the_cache_notices(home: Path, change: str) -> None:
    path = write(home / "etc/containers.conf", "[containers]\npids_limit=2\n")
    drop = write(home / "etc/containers.conf.d/a.conf", '[containers]\ntz="a"\n')
    os.utime(drop.parent, (1, 1))
    assert loaded(home).pids_limit == 2
    assert cache(home).exists()
    if change == "edit":
        with path.open("r+") as file:  # same inode and size
            file.write("[containers]\npids_limit=3\n")
        assert loaded(home).pids_limit == 3
    elif change == "touch":
        os.utime(path, (5, 5))
        assert loaded(home).pids_limit == 2
    elif change == "replace":
        write(home / "new", "[containers]\npids_limit=3\n").rename(path)
        assert loaded(home).pids_limit == 3
    elif change == "remove":
        path.unlink()
        assert loaded(home).pids_limit == 2048
    elif change == "add":
        write(home / ".config/containers/containers.conf", "[containers]\npids_limit=9\n")
        assert loaded(home).pids_limit == 9
    elif change == "add drop-in":
        write(home / "etc/containers.conf.d/b.conf", '[containers]\ntz="b"\n')
        assert loaded(home).tz == "b"
    else:
        with drop.open("r+") as file:
            file.write('[containers]\ntz="c"\n')
        assert loaded(home).tz == "c"


def test_the_seccomp_profile_of_the_administrator(home: Path) -> None:
    """It counts where no file names one, and a cache from before it came does not hide it."""
    conf = write(home / "etc/containers.conf", "[containers]\npids_limit=2\n")
    assert loaded(home).seccomp_profile == ""
    profile = write(home / "etc/seccomp.json", "{}")
    assert loaded(home).seccomp_profile == str(profile)
    write(conf, '[containers]\nseccomp_profile="/mine.json"\n')
    assert loaded(home).seccomp_profile == "/mine.json"


def test_a_fresh_file_is_not_cached_yet(home: Path) -> None:
    """It may be changed once more in the same instant, with the same size."""
    write(home / "etc/containers.conf", "[containers]\npids_limit=2\n", age_s=0)
    assert loaded(home).pids_limit == 2
    assert not cache(home).exists()


def test_another_environment_is_another_key(home: Path) -> None:
    only = write(home / "only.conf", "[containers]\npids_limit=7\n")
    assert loaded(home).pids_limit == 2048
    assert loaded(home, CONTAINERS_CONF=str(only)).pids_limit == 7
    assert loaded(home).pids_limit == 2048


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"shape":1}', b"\xff"])
def test_a_damaged_cache_is_ignored(home: Path, damage: bytes) -> None:
    write(home / "etc/containers.conf", "[containers]\npids_limit=2\n")
    loaded(home)
    cache(home).write_bytes(damage)
    assert loaded(home).pids_limit == 2
    assert loaded(home).pids_limit == 2


def test_a_cache_that_others_may_write_is_ignored(home: Path) -> None:
    write(home / "etc/containers.conf", "[containers]\npids_limit=2\n")
    loaded(home)
    text = cache(home).read_text()
    assert '"pids_limit":2' in text
    cache(home).write_text(text.replace('"pids_limit":2', '"pids_limit":0'))
    assert loaded(home).pids_limit == 0
    cache(home).chmod(0o666)
    assert loaded(home).pids_limit == 2


def test_without_a_run_directory_nothing_is_kept(home: Path) -> None:
    assert load(f"{home}/nowhere", {"HOME": str(home)}, rootless=True) == ContainersConf()
    assert not (home / "nowhere").exists()


def test_tables_of_other_things(home: Path) -> None:
    write(
        home / "etc/containers.conf",
        '[network]\ndefault_subnet_pools=[{base="10.1.0.0/16", size=24}]\n'
        '[engine]\nremote=true\n[engine.service_destinations.far]\nuri="ssh://far"\nidentity="~/.ssh/id"\n'
        '[secrets]\ndriver="pass"\n[secrets.opts]\nkey="x"\n[machine]\ncpus=1\n[farms]\ndefault="x"\n',
    )
    for conf in (loaded(home), loaded(home)):  # parsed, then from the cache
        assert conf.default_subnet_pools == (("10.1.0.0/16", 24),)
        assert conf.connections == {"far": ("ssh://far", "~/.ssh/id")}
        assert (conf.remote, conf.secret_driver, conf.secret_opts) == (True, "pass", {"key": "x"})


def test_modules(home: Path) -> None:
    write(home / "etc/containers.conf", '[containers]\ntz="etc"\npids_limit=1\n')
    write(home / "etc/containers.conf.modules/a.conf", '[containers]\ntz="system module"\n')
    write(home / ".config/containers/containers.conf.modules/a.conf", '[containers]\ntz="module"\n')
    path = write(home / "b.conf", "[containers]\npids_limit=3\n")
    over = write(home / "over.conf", "[containers]\npids_limit=4\n")

    def with_modules(*modules: str, rootless: bool = True, **environ: str) -> tuple[str, int]:
        conf = load(f"{home}/run", {"HOME": str(home), **environ}, rootless=rootless, modules=modules)
        return conf.tz, conf.pids_limit

    assert with_modules("a.conf", str(path)) == ("module", 3)
    assert with_modules("a.conf", rootless=False) == ("system module", 1)
    assert with_modules(str(path), CONTAINERS_CONF_OVERRIDE=str(over)) == ("etc", 4)
    for name in ("missing.conf", "/nonexistent", ""):
        with pytest.raises(Invalid, match="module"):
            with_modules(name)


def test_durations_and_dev_null(home: Path) -> None:
    path = write(home / "c.conf", "[engine]\nretry_delay='1m2.5s'\n[containers]\nshm_size='1.5 GB'\n")
    assert loaded(home, CONTAINERS_CONF=str(path)).retry_delay_s == 62.5
    assert loaded(home, CONTAINERS_CONF=os.devnull) == ContainersConf()


def test_the_environment_of_the_engine() -> None:
    conf = ContainersConf(engine_env=("A=1", "B=2=3"))
    assert containers.engine_environment(conf, {"A": "mine"}) == {"A": "mine", "B": "2=3"}
