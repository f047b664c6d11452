"""From the argument vector to the command: names, groups, global flags, errors and their status."""

from __future__ import annotations

import os
import pstats
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from argosy.cli import docker, main, names, podman
from argosy.cli.docker import errors
from argosy.cli.flags import Command, Flag
from argosy.cli.output import Output
from argosy.errors import ArgosyError, Exists, InUse, NotFound
from argosy.linux import process
from argosy.values import Value


class Options(Value):
    operands: tuple[str, ...]
    fail: str | None
    root: str | None = None


def _frob(options: Options, engine: object, out: Output) -> int:
    out.line(f"{options.operands} {engine}")
    if options.fail == "notfound":
        raise NotFound("container", "x", hint="Look at `argosy ps`.")
    if options.fail == "inuse":
        raise InUse("image", "x", ("c1",))
    if options.fail == "os":
        raise FileNotFoundError(2, "No such file or directory", "/nowhere")
    if options.fail == "bug":
        raise KeyError("oops")
    if options.fail == "interrupt":
        raise KeyboardInterrupt
    return int(options.fail or 0)


FROB = Command("frob", "Frob it", Options, _frob, flags=(Flag("fail", kind="string"),), usage="[THING...]")
SHADOW = FROB.replace(path="shadow", flags=(*FROB.flags, Flag("root", kind="string")))
RAW = FROB.replace(path="raw", interspersed=False)


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, command in (("frob", FROB), ("shadow", SHADOW), ("raw", RAW)):
        module = ModuleType(f"argosy.cli.podman.{name}")
        module.__dict__["COMMAND"] = command
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(podman.COMMANDS, name, (name, "Frob it", True))
        monkeypatch.setitem(docker.COMMANDS, name, (f"podman.{name}", "Frob it", True))
    monkeypatch.setitem(podman.COMMANDS, "things frob", ("frob", "Frob it", True))
    monkeypatch.setitem(docker.COMMANDS, "things frob", ("podman.frob", "Frob it", True))
    monkeypatch.setitem(podman.COMMANDS, "things list", ("frob", "Frob it", False))
    monkeypatch.setitem(podman.ALIASES, "things ls", "things list")
    monkeypatch.setitem(podman.GROUPS, "things", "Manage things")
    monkeypatch.setitem(docker.GROUPS, "things", "Manage things")
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    yield
    process.trace(None)


class Opened:
    """What the engine was opened with."""

    def __init__(self) -> None:
        self.settings: dict[str, object] = {}

    def __call__(self, **settings: object) -> str:
        self.settings = settings
        return "ENGINE"


def call(capfd: pytest.CaptureFixture[str], *argv: str, opened: Opened | None = None) -> tuple[int, str, str]:
    status = main.run(argv, opened or Opened())
    text = capfd.readouterr()
    return status, text.out, text.err


def test_a_command_gets_operands_and_engine(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(capfd, "argosy", "frob", "a", "b") == (0, "('a', 'b') ENGINE\n", "")


def test_a_command_that_needs_no_engine_gets_the_way_to_open_it(capfd: pytest.CaptureFixture[str]) -> None:
    opened = Opened()
    out = call(capfd, "argosy", "--root", "/r", "things", "ls", opened=opened)[1]
    assert out.startswith("() <argosy.cli.main.Opener object")
    assert opened.settings == {}
    assert main.Opener({"root": "/r"}, opened).open() == "ENGINE"
    assert opened.settings == {"root": "/r"}


def test_the_status_is_the_commands(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(capfd, "argosy", "frob", "--fail", "3")[0] == 3


def test_global_flags_before_and_behind_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    opened = Opened()
    call(
        capfd, "argosy", "--root", "/r", "--runtime-flag", "a", "things", "--runroot=/s", "frob", "x", "--runtime=runc",
        "--runtime-flag=b", opened=opened,
    )  # fmt: skip
    opened.settings.pop("notice")
    assert opened.settings == {
        "root": "/r",
        "runroot": "/s",
        "runtime": "runc",
        "runtime_flags": ("a", "b"),
        "search": (),
        "cgroup_manager": None,
        "conmon": None,
        "network_cmd_path": None,
        "storage_driver": None,
        "storage_opts": None,
        "transient_store": None,
        "volumepath": None,
        "network_config_dir": None,
        "modules": (),
        "hooks_dir": (),
        "default_mounts_file": None,
        "events_backend": None,
        "remote": None,
    }


def test_docker_knows_one_registry_for_short_names(capfd: pytest.CaptureFixture[str]) -> None:
    opened = Opened()
    call(capfd, "docker", "things", "frob", "x", opened=opened)
    assert opened.settings["search"] == ("docker.io",)


def test_what_follows_the_operand_is_not_ours_when_the_command_is_not_interspersed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    opened = Opened()
    assert call(capfd, "argosy", "raw", "image", "--root", "x", opened=opened)[1] == "('image', '--root', 'x') ENGINE\n"
    assert opened.settings["root"] is None


def test_a_commands_own_flag_hides_the_global_one(capfd: pytest.CaptureFixture[str]) -> None:
    opened = Opened()
    call(capfd, "argosy", "--root", "/r", "shadow", "--root", "/mine", opened=opened)
    assert opened.settings["root"] == "/r"


@pytest.mark.parametrize(
    ("argv", "error"),
    [
        (["podman", "xylophone"], "Error: unrecognized command `podman xylophone`\n"
                                  "Try 'podman --help' for more information\n"),
        (["things", "fob"], "Error: unrecognized command `argosy things fob`\n\nDid you mean this?\n\tfrob\n\n"
                            "Try 'argosy things --help' for more information\n"),
        (["frob", "--foo"], "Error: unknown flag: --foo\nSee 'argosy frob --help'\n"),
        (["--foo", "frob"], "Error: unknown flag: --foo\nSee 'argosy --help'\n"),
        (["--root"], "Error: flag needs an argument: --root\nSee 'argosy --help'\n"),
        (["--log-level", "loud", "frob"], "Error: Log Level \"loud\" is not supported, choose from: trace, debug, "
                                          "info, warn, warning, error, fatal, panic\n"),
        (["--cgroup-manager", "mine", "frob"], "Error: invalid cgroup manager \"mine\": it must be one of "
                                                "cgroupfs, systemd\n"),
        (["--network-cmd-path", "/bin/sh", "frob"], "Error: invalid network program \"/bin/sh\": it must be "
                                                    "called pasta or slirp4netns\n"),
        (["frob", "--fail", "notfound"], "Error: no such container: x\nLook at `argosy ps`.\n"),
        (["frob", "--fail", "os"], "Error: /nowhere: no such file or directory\n"),
    ],
)  # fmt: skip
def test_errors(capfd: pytest.CaptureFixture[str], argv: list[str], error: str) -> None:
    argv = argv if argv[0] == "podman" else ["argosy", *argv]
    status, _, err = call(capfd, *argv)
    assert (status, err) == (125, error)


def test_an_error_may_bring_its_own_status(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(capfd, "argosy", "frob", "--fail", "inuse")[0] == 2


def test_a_defect_is_named_and_its_stack_shown_on_request(capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = call(capfd, "argosy", "frob", "--fail", "bug")
    assert status == 125
    assert err.startswith("Error: internal error: KeyError: 'oops' at test_dispatch.py:")
    assert "Traceback" not in err
    assert "Traceback" in call(capfd, "argosy", "--log-level=debug", "frob", "--fail", "bug")[2]


def test_an_interrupt_ends_with_130_and_keeps_the_output(capfd: pytest.CaptureFixture[str]) -> None:
    assert call(capfd, "argosy", "frob", "--fail", "interrupt") == (130, "() ENGINE\n", "")


def test_debug_shows_each_program(capfd: pytest.CaptureFixture[str]) -> None:
    main.run(["argosy", "--log-level", "debug", "frob"], Opened())
    process.run(["true", "a b"])
    assert capfd.readouterr().err == "+ true 'a b'\n"


def test_no_command_shows_the_help_and_fails(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = call(capfd, "argosy")
    assert (status, err) == (125, "Error: missing command 'argosy COMMAND'\n")
    assert "Usage:\n  argosy [options] [command]" in out
    assert call(capfd, "argosy", "things")[2] == "Error: missing command 'argosy things COMMAND'\n"


@pytest.mark.parametrize("flag", ["-v", "--version", "--version=true"])
def test_version_names_the_program_called(capfd: pytest.CaptureFixture[str], flag: str) -> None:
    status, out, _ = call(capfd, "/usr/bin/podman", flag)
    assert status == 0
    assert out == "podman version 4.3.1\n"


def test_help_of_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capfd, "podman", "things", "list", "--help")
    assert status == 0
    assert out == (
        "Frob it\n\nDescription:\n  Frob it.\n\nUsage:\n  podman things list [options] [THING...]\n\n"
        "Aliases:\n  things list, things ls\n\n"
        "Options:\n      --fail string   \n      --help          Help for this command\n\n".replace("   \n", "\n")
    )
    assert call(capfd, "podman", "help", "things", "list")[1] == out
    assert call(capfd, "podman", "things", "ls", "-h")[1] == out


def test_help_of_a_group_lists_what_is_below_it(capfd: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capfd, "argosy", "things", "--help")
    assert status == 0
    assert "Available Commands:\n  frob Frob it\n  list Frob it\n" in out


def test_docker_shows_its_help_and_is_content(capfd: pytest.CaptureFixture[str]) -> None:
    for words, usage in (
        (("docker",), "docker [options] [command]"),
        (("docker", "things"), "docker things [command]"),
    ):
        status, out, err = call(capfd, *words)
        assert (status, err, f"Usage:\n  {usage}" in out) == (0, "", True)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("swarm init --force", 1, "Error: argosy has no swarm: it runs the containers of one host\ndocker run"),
        ("trust --help", 1, "Error: argosy has no notary"),
        ("--log-level debug compose -f x up", 1, "Error: argosy has no compose yet\n"),
        ("bogus -x", 1, "docker: unknown command: docker bogus\n\nRun 'docker --help' for more information\n"),
        ("things x", 1, "docker: unknown command: docker things x\n\nUsage:  docker things\n\nRun 'docker things"),
        ("--bogus", 125, "unknown flag: --bogus\n\nUsage:  docker [OPTIONS] COMMAND [ARG...]\n\nRun 'docker --help'"),
        ("frob --bogus", 125, "unknown flag: --bogus\n\nUsage:  docker frob [OPTIONS] [THING...]\n\nRun 'docker frob"),
        ("rename x", 1, "docker: 'docker rename' requires 2 arguments\n\nUsage:  docker rename CONTAINER NAME\n\nRun "),
        ("ps x", 1, "docker: 'docker ps' accepts no arguments\n"),
        ("volume create x y", 1, "docker: 'docker volume create' requires at most 1 argument\n"),
        ("run --rm", 1, "docker: 'docker run' requires at least 1 argument\n"),
        ("rm -f", 1, "docker: 'docker rm' requires at least 1 argument\n"),
        ("frob --fail notfound", 1, "Error response from daemon: No such container: x\n"),
        ("frob --fail inuse", 1, "Error response from daemon: image x is in use by c1\n"),
    ],
)
def test_errors_in_the_words_of_docker(capfd: pytest.CaptureFixture[str], words: str, status: int, text: str) -> None:
    for program in (("docker",), ("argosy", "docker")):
        found, _, err = call(capfd, *program, *words.split())
        assert (found, err[: len(text)]) == (status, text)


def test_docker_says_run_of_errors_before_a_container_runs() -> None:
    taken, text = Exists("container", "web", holder="0123"), "docker: Error response from daemon: Conflict. The contain"
    said, status = errors.told(taken, ("docker", "run", "--name", "web", "image"))
    assert (status, said[: len(text)], said.splitlines()[-1]) == (
        *(125, text),
        "Run 'docker run --help' for more information",
    )
    assert errors.told(taken, ("docker", "create", "image"))[1] == 1
    assert errors.told(ArgosyError("not there", exit_code=127), ("docker", "container", "run", "image"))[1] == 127
    missing = NotFound("image", "some/where")
    assert errors.told(missing, ("docker", "rmi"))[0] == "Error response from daemon: No such image: some/where:latest"


def test_a_remote_engine_is_refused_not_ignored(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://there:2375")
    status, _, err = call(capfd, "docker", "frob")
    assert status == 1
    assert "DOCKER_HOST" in err
    assert call(capfd, "podman", "frob")[0] == 0
    monkeypatch.setenv("CONTAINER_HOST", "unix:///there")
    for words in (("frob",), ("things", "list")):
        status, _, err = call(capfd, "argosy", *words)
        assert (status, "CONTAINER_HOST names another engine" in err) == (125, True)
        assert call(capfd, "argosy", "--remote=false", *words)[0] == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ("podman --url unix:///x", "--url names another engine"),
        ("podman -c far", '"far" destination is not defined'),
        ("argosy -r", "there is no default connection"),
        ("argosy --identity /k", "--identity is about another host, and none is named"),
        ("argosy --ssh native", "--ssh is about another host, and none is named"),
        ("argosy --namespace x", "--namespace is not supported"),
        ("argosy --events-backend x", '"x" is not a valid events backend'),
        ("docker -H tcp://x", "--host names another engine"),
        ("docker --context far", 'context "far": context not found'),
        ("docker --tlsverify", "--tlsverify names another engine"),
        ("docker -l loud", 'Log Level "loud" is not supported'),
    ],
)
def test_global_flags_that_cannot_be_obeyed(capfd: pytest.CaptureFixture[str], argv: str, words: str) -> None:
    opened = Opened()
    status, out, err = call(capfd, *argv.split(), "frob", opened=opened)
    docker = argv.startswith("docker") and "loud" not in argv
    assert (status, out, opened.settings) == (1 if docker else 125, "", {})
    assert words in err


@pytest.mark.parametrize(
    "argv",
    [
        ("argosy", "--remote=false"),
        ("argosy", "--transient-store=false"),
        ("docker", "-c", "default"),
        ("docker", "-D"),
    ],
)
def test_global_flags_that_ask_for_what_is(capfd: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    assert call(capfd, *argv, "frob")[0] == 0


def test_storage_options_reach_the_engine(capfd: pytest.CaptureFixture[str]) -> None:
    for flags, wanted in (
        ((), None),
        (("--storage-opt=",), ("",)),
        (("--storage-opt", "a=b,c", "--storage-opt=d=e"), ("a=b,c", "d=e")),
    ):
        opened = Opened()
        assert call(capfd, "podman", *flags, "frob", opened=opened)[0] == 0
        assert opened.settings["storage_opts"] == wanted


def test_modules_hooks_and_tmpdir_reach_the_engine(capfd: pytest.CaptureFixture[str]) -> None:
    opened = Opened()
    call(capfd, "argosy", "--module", "a,b", "--hooks-dir=/h", "frob", "--module=c", "--tmpdir", "/t", opened=opened)
    assert opened.settings["modules"] == ("a,b", "c")
    assert (opened.settings["hooks_dir"], opened.settings["runroot"]) == (("/h",), "/t")
    call(capfd, "argosy", "--tmpdir=/t", "--runroot=/s", "frob", opened=opened)
    assert opened.settings["runroot"] == "/s"


def test_profiles(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cpu, memory = tmp_path / "cpu", tmp_path / "memory"
    for fail, status in (("3", 3), ("notfound", 125)):
        flags = ("--cpu-profile", str(cpu), "--memory-profile", str(memory), "--fail", fail)
        assert call(capfd, "podman", "frob", *flags)[0] == status
        assert any(name == "_frob" for _, _, name in pstats.Stats(str(cpu)).stats)  # type: ignore[attr-defined]
        assert tracemalloc.Snapshot.load(str(memory)).traces
        cpu.unlink()
        memory.unlink()
    tracemalloc.stop()
    status, out, err = call(capfd, "podman", "--cpu-profile=/nowhere/x", "frob")
    assert (status, out) == (125, "")
    assert "cannot write the profile to /nowhere/x" in err


def test_files_that_flags_name(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONTAINERS_REGISTRIES_CONF", "ARGOSY_REGISTRIES_CONF_DIR", "ARGOSY_SHORT_NAME_ALIAS_CONF"):
        monkeypatch.setenv(name, "")
    monkeypatch.chdir("/etc")
    flags = ("--registries-conf=passwd", "--registries-conf-dir=x.d", "--short-name-alias-conf=/a", "--trace")
    assert call(capfd, "buildah", *flags, "--max-workers=3", "version")[0] == 0
    assert os.environ["CONTAINERS_REGISTRIES_CONF"] == "/etc/passwd"
    assert os.environ["ARGOSY_REGISTRIES_CONF_DIR"] == "/etc/x.d"
    assert os.environ["ARGOSY_SHORT_NAME_ALIAS_CONF"] == "/a"
    status, _, err = call(capfd, "podman", "--registries-conf=/nowhere", "frob")
    assert (status, "stat /nowhere: no such file" in err) == (125, True)


def test_the_context_of_docker(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", "")
    config = tmp_path / ".docker/config.json"
    config.parent.mkdir()
    for text, status in (('{"auths":{}}', 0), ("", 0), ('{"currentContext":"default"}', 0)):
        config.write_text(text)
        assert call(capfd, "docker", "frob")[0] == status
    config.write_text('{"currentContext":"far"}')
    status, _, err = call(capfd, "docker", "frob")
    assert (status, str(config) in err, '"far"' in err) == (1, True, True)
    assert call(capfd, "podman", "frob")[0] == 0
    assert call(capfd, "docker", "--context", "default", "frob")[0] == 0
    assert call(capfd, "docker", "--config", f"{tmp_path}/other", "frob")[0] == 0
    for text in ("{", "[]", '{"currentContext":1}'):
        monkeypatch.setenv("DOCKER_CONFIG", "")
        config.write_text(text)
        assert call(capfd, "docker", "frob")[0] == 1
    config.write_text("{}")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert "DOCKER_CONTEXT" in call(capfd, "docker", "frob")[2]


def test_noout_is_about_what_the_program_says_itself(capfd: pytest.CaptureFixture[str]) -> None:
    status = main.run(["argosy", "--noout", "frob"], Opened())
    os.write(1, b"from a container")
    assert (status, capfd.readouterr().out) == (0, "from a container")


def test_debug_is_a_level_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("podman", "docker"):
        for flag in ("-D", "--debug"):
            assert call(capfd, name, flag, "frob")[0] == 0


@pytest.mark.parametrize(
    ("argv0", "name"),
    [("argosy", "argosy"), ("/a/b/docker", "docker"), ("skopeo", "skopeo"), ("__main__.py", "argosy"), ("", "argosy")],
)
def test_names(argv0: str, name: str) -> None:
    assert names.program(argv0) == name
