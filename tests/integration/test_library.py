"""`import argosy` in programs that are not Argosy's: as root in the process itself, as a user by way of a helper."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.rig import host, processes
from tests.rig.foreign import Foreign, first_line
from tests.rig.program import Program, finish
from tests.rig.registry import Registry, image

SETUP = """
with open_engine() as engine, open(ARCHIVE, "rb") as archive:
    engine.images.import_archive(archive, "busybox", argosy.ImportOptions(changes=("CMD sh",)))
"""


@pytest.fixture
def foreign(argosy_both: Program) -> Foreign:
    """A program with a busybox image in its store, as root and as a user."""
    return ready(argosy_both)


@pytest.fixture
def foreign_user(argosy_user: Program) -> Foreign:
    """The same, as a user only: with a helper process."""
    return ready(argosy_user)


def ready(program: Program) -> Foreign:
    made = Foreign(program)
    made.run(SETUP)
    return made


def test_the_life_of_a_container(foreign: Foreign) -> None:
    done = foreign.run("""
    with open_engine() as engine:
        script = "trap 'exit 3' TERM; echo out; echo err >&2; while :; do sleep 0.05; done"
        from argosy.spec.options import HealthCheck
        check = HealthCheck(test=("CMD", "true"), interval_ns=HealthCheck.NEVER)
        made = engine.containers.create(options("sh", "-c", script, name="web", labels={"a": "b"}, health=check))
        assert engine.containers.find("web") == engine.containers.find(made[:12]) == made
        assert engine.containers.view("web").run.status == "created"
        engine.containers.start("web")
        assert engine.containers.view("web").run.status == "running"
        assert engine.containers.check_health("web") == "healthy"
        command = ExecOptions(command=("sh", "-c", "echo $0 $A; exit 5", "x"), env={"A": "1"})
        assert captured(lambda fd: engine.containers.exec("web", command.replace(stdout=fd))) == (5, b"x 1\\n")
        while len(entries := list(engine.containers.logs("web"))) < 2:
            time.sleep(0.05)
        assert sorted((entry.stream, entry.data, entry.ends) for entry in entries) == [
            (1, b"out", True), (2, b"err", True)
        ]
        assert any("sleep" in row[-1] or "sh" in row[-1] for row in engine.containers.top("web").rows)
        assert [view.name for view in engine.containers.list().views] == ["web"]
        assert engine.containers.inspect("web")["Name"] in ("web", "/web")
        assert engine.containers.stop("web") is True
        assert engine.containers.stop("web") is False
        assert engine.containers.wait("web") == 3
        assert engine.containers.view("web").labels["a"] == "b"
        engine.containers.remove("web")
        assert engine.containers.list().views == ()
    print("done")
    """)
    assert done.stdout == "done\n"
    assert foreign.program.run("images", "-q").lines != []


def test_run_copies_streams_both_ways(foreign: Foreign) -> None:
    foreign.run("""
    with open_engine() as engine:
        read_fd, write_fd = os.pipe()
        os.write(write_fd, b"typed")
        os.close(write_fd)
        script = "cat; head -c 300000 /dev/zero; exit 9"
        wanted = options("sh", "-c", script, interactive=True, remove=True)
        status, output = captured(
            lambda fd: engine.containers.run(wanted, Streams(stdin=read_fd, stdout=fd, stderr=None))
        )
        assert (status, output[:6], len(output)) == (9, b"typed\\0", 300005)
        assert engine.containers.list().views == ()
    """)


def test_errors_are_the_engines_own(foreign: Foreign) -> None:
    foreign.run("""
    def raised(call, *args, **more):
        try:
            call(*args, **more)
        except argosy.ArgosyError as error:
            return error
        raise AssertionError("nothing was raised")

    with open_engine() as engine:
        error = raised(engine.containers.start, "nothing")
        assert type(error) is argosy.NotFound and (error.kind, error.name) == ("container", "nothing"), error
        error = raised(engine.containers.create, options("true").replace(image="nothing"))
        assert isinstance(error, argosy.NotFound) and error.kind == "image", error
        assert str(error) == "nothing: image not known"
        engine.containers.create(options("true", name="one"))
        error = raised(engine.containers.create, options("true", name="one"))
        assert type(error) is argosy.Exists and error.name == "one" and error.holder, error
        quiet = Streams(stdout=None, stderr=None)
        assert raised(engine.containers.run, options("/nowhere", remove=True), quiet).exit_code == 127
        assert raised(engine.containers.run, options("/etc", remove=True), quiet).exit_code == 126
        assert raised(engine.containers.exec, "one", ExecOptions(command=("true",))).exit_code == 125
        error = raised(engine.images.remove, "busybox")
        assert error.exit_code == 2 and error.hint and error.containers == (engine.containers.find("one"),)
        error = raised(engine.images.import_archive, "relative.tar", "x")
        assert type(error) is argosy.Invalid and error.hint
        error = raised(engine.images.pull, "localhost:1/nothing", policy="never")
        assert isinstance(error, argosy.NotFound)
        try:
            engine.containers.start()
        except TypeError:
            pass
        else:
            raise AssertionError("no TypeError")
        engine.containers.remove("one")
    error = raised(lambda: engine.containers)
    assert "closed" in error.brief
    """)


def test_images(foreign: Foreign) -> None:
    foreign.run("""
    class Steps(argosy.Progress):
        def __init__(self):
            self.bytes, self.lines, self.threads = 0, [], set()
        def advance(self, key, count):
            self.bytes += count
            self.threads.add(threading.get_ident())
        def line(self, text):
            self.lines.append(text)

    with open_engine() as engine:
        images = engine.images
        steps = Steps()
        record = images.import_archive(ARCHIVE, "other", progress=steps)
        assert steps.bytes == os.stat(ARCHIVE).st_size and "Storing signatures" in steps.lines, vars(steps)
        found = images.resolve("other")
        assert found.record == record and str(found.name) == "localhost/other:latest"
        images.tag("other", "more:1", "more:2")
        assert images.untag("other", "more:1") == ("localhost/more:1",)
        assert images.exists("more:2") and not images.exists("more:1")
        listed = {str(name) for found in images.list(["reference=other"]).images for name in found.names}
        assert listed == {"localhost/more:2", "localhost/other:latest"}
        assert images.inspect("other")["Id"] == record.config_digest.removeprefix("sha256:")
        assert [step.comment for step in images.history("other")] == ["imported from tarball"]
        assert [entry.untagged for entry in images.remove("other")] == [("localhost/other:latest",)]
        (entry,) = images.remove("more:2")
        assert record.config_digest.endswith(entry.deleted)
        assert images.prune() == ()
    """)


def test_pull(foreign: Foreign, registry: Registry) -> None:
    """With the libraries of the program, which the package's own launcher does not know."""
    reference = registry.push("library/pull", "1", image([{"bin/hello": b"hello"}, {"data": os.urandom(100_000)}]))
    code = """
    class Steps(argosy.Progress):
        lines = []
        def line(self, text):
            self.lines.append(text)

    reference, certificates, creds = sys.argv[4:]
    registry = argosy.RegistryOptions(cert_dir=certificates, creds=creds)
    with open_engine() as engine:
        found = engine.images.pull(reference, options=registry, progress=Steps())
        assert str(found.name) == reference
        assert Steps.lines[0] == f"Trying to pull {reference}...", Steps.lines
        assert len(found.record.layers) == 2
        assert engine.images.pull(reference, policy="missing").record == found.record
        try:
            engine.images.pull(reference, options=registry.replace(creds="argosy:wrong"))
        except argosy.ArgosyError as error:
            assert "unauthorized" in str(error), error
    """
    certificates = registry.certificate_directory
    foreign.run(code, reference, certificates, f"{registry.user}:{registry.password}")


def test_many_threads_at_once(foreign: Foreign) -> None:
    """A call that waits does not hold up others; the program's working directory and namespaces stay its own."""
    foreign.run("""
    from concurrent.futures import ThreadPoolExecutor

    def namespaces():
        return [os.readlink(f"/proc/self/ns/{name}") for name in ("user", "mnt", "net", "pid", "cgroup", "ipc", "uts")]

    before, environment = namespaces(), dict(os.environ)
    os.chdir("/tmp")
    seen, done = set(), threading.Event()

    def look():
        while not done.is_set():
            seen.add(os.getcwd())
            time.sleep(0.0005)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with open_engine() as engine, ThreadPoolExecutor(6) as pool:
            def one(number):
                return captured(lambda fd: engine.containers.run(
                    options("sh", "-c", f"echo {number}; exit {number}", remove=True), Streams(stdout=fd, stderr=None)
                ))
            engine.containers.create(options("sleep", "1000", name="long"))
            engine.containers.start("long")
            waiting = pool.submit(engine.containers.wait, "long")
            assert list(pool.map(one, range(8))) == [(n, f"{n}\\n".encode()) for n in range(8)]
            assert not waiting.done()
            engine.containers.kill("long", "KILL")
            assert waiting.result(20) == 137
            engine.containers.remove("long")
    finally:
        done.set()
        watcher.join()
    assert seen == {"/tmp"}, seen
    assert namespaces() == before
    assert dict(os.environ) == environment
    """)


def test_images_are_made_and_removed_by_threads_at_once(foreign: Foreign) -> None:
    foreign.run("""
    from concurrent.futures import ThreadPoolExecutor
    with open_engine() as engine, ThreadPoolExecutor(4) as pool:
        def one(number):
            config = argosy.ImportOptions(changes=(f"LABEL n={number}",))
            record = engine.images.import_archive(ARCHIVE, f"made:{number}", config)
            assert engine.images.inspect(f"made:{number}")["Labels"] == {"n": str(number)}
            engine.images.remove(f"made:{number}")
            return record.config_digest
        assert len(set(pool.map(one, range(12)))) == 12
        assert engine.images.exists("busybox") and len(engine.images.list().images) == 1
    """)
    assert foreign.program.run("system", "check").returncode == 0


def test_a_container_outlives_the_program_and_is_removed_when_it_ends(foreign: Foreign) -> None:
    """conmon's exit command is Argosy, whatever program has started the container."""
    foreign.run("""
    with open_engine() as engine:
        engine.containers.create(options("sleep", "0.5", name="short", remove=True))
        engine.containers.start("short")
    """)
    deadline = time.monotonic() + 20
    while foreign.program.run("ps", "-aq").lines:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_logs_are_followed_and_left(foreign: Foreign) -> None:
    foreign.run("""
    with open_engine() as engine:
        script = "i=0; while [ $i -lt 5 ]; do echo $i; i=$((i+1)); sleep 0.1; done"
        engine.containers.create(options("sh", "-c", script, name="few"))
        engine.containers.start("few")
        assert [entry.data for entry in engine.containers.logs("few", follow=True)] == [b"0", b"1", b"2", b"3", b"4"]
        assert [entry.data for entry in engine.containers.logs("few", LogOptions(tail=2))] == [b"3", b"4"]
        engine.containers.create(options("sh", "-c", "while :; do echo x; sleep 0.05; done", name="many"))
        engine.containers.start("many")
        entries = engine.containers.logs("many", follow=True)
        assert next(entries).data == b"x"
        entries.close()
        engine.containers.remove("many", force=True, timeout_s=0)
    """)


@pytest.mark.parametrize("sig_proxy", [True, False])
def test_signals_of_the_program_reach_the_container(foreign: Foreign, *, sig_proxy: bool) -> None:
    """As those of the command do, where that is asked for; else they are the program's own."""
    code = """
    import signal
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(77))
    script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with open_engine() as engine:
        try:
            print(engine.containers.run(options("sh", "-c", script, name="one"), Streams(sig_proxy=sys.argv[4] == "1")))
        finally:
            engine.containers.remove("one", force=True, timeout_s=0)
    """
    process = foreign.start(code, "1" if sig_proxy else "0")
    assert first_line(process) == "ready"
    os.kill(process.pid, signal.SIGTERM)
    done = finish(process, check=0 if sig_proxy else 77)
    assert done.stdout == ("3\n" if sig_proxy else "")


def test_settings_and_notices(foreign: Foreign) -> None:
    done = foreign.run("""
    notices = []
    try:
        with open_engine(runtime="/nowhere/crun", notice=notices.append) as engine:
            engine.containers.run(options("true", remove=True), Streams())
    except argosy.ArgosyError as error:
        print(error)
    """)
    assert "/nowhere/crun" in done.stdout


def test_a_user_gets_one_helper_which_ends_with_the_engine(foreign_user: Foreign) -> None:
    foreign_user.run("""
    assert children() == []
    engine = open_engine()
    (helper,) = children()
    with open(f"/proc/{helper}/cmdline", "rb") as file:
        assert b"__library" in file.read()
    assert os.readlink(f"/proc/{helper}/ns/user") != os.readlink("/proc/self/ns/user")
    engine.images.list()
    assert children() == [helper]
    engine.close()
    engine.close()
    assert children() == [] and not os.path.exists(f"/proc/{helper}")
    """)


def test_a_killed_helper_is_an_error_and_the_next_engine_works(foreign_user: Foreign) -> None:
    foreign_user.run("""
    import signal
    engine = open_engine()
    (helper,) = children()
    engine.containers.create(options("sleep", "1000", name="long"))
    engine.containers.start("long")
    errors = []

    def wait():
        try:
            engine.containers.wait("long")
        except argosy.HelperGone as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    os.kill(helper, signal.SIGKILL)
    waiting.join(10)
    try:
        engine.containers.list()
    except argosy.ArgosyError as error:
        errors.append(error)
    for error in errors:
        assert type(error) is argosy.HelperGone and "ended unexpectedly" in error.brief and error.hint, error
    assert len(errors) == 2
    engine.close()
    with open_engine() as again:
        assert [view.run.status for view in again.containers.list().views] == ["running"]
        again.containers.remove("long", force=True, timeout_s=0)
    """)


@host.needs_root
def test_what_runs_on_inherits_nothing(foreign: Foreign) -> None:
    """The conmon of a container has the same descriptors as one that the command line has started."""
    done = foreign.run("""
    with open_engine() as engine:
        engine.containers.create(options("sleep", "1000", name="long"))
        engine.containers.start("long")
        print(engine.containers.view("long").run.conmon_pid)
    """)
    foreign.program.run("run", "-d", "--name", "command", "--network", "none", "busybox", "sleep", "1000")
    by_command = foreign.program.run("inspect", "--format", "{{.State.ConmonPid}}", "command").stdout
    assert descriptors(int(done.stdout)) == descriptors(int(by_command))


def descriptors(pid: int) -> list[str]:
    """What kinds of things a process has open."""
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return sorted(link.split(":")[0] if link[0] != "/" else os.path.basename(link) for link in links)


def test_closing_wakes_up_who_waits(foreign_user: Foreign) -> None:
    foreign_user.run("""
    engine = open_engine()
    engine.containers.create(options("true", name="never"))
    errors = []

    def wait():
        try:
            engine.containers.wait("never")
        except argosy.HelperGone as error:
            errors.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    engine.close()
    waiting.join(10)
    assert errors == ["the engine is closed"], errors
    with open_engine() as again:
        again.containers.remove("never")
    """)


def test_a_killed_program_leaves_no_helper(foreign_user: Foreign) -> None:
    """Not even one that is in the middle of a call; its container goes on."""
    known = set(processes.descendants())
    process = foreign_user.start("""
    engine = open_engine()
    print(engine.containers.create(options("sleep", "1000", name="long")), flush=True)
    engine.containers.start("long")
    print("started", flush=True)
    engine.containers.wait("long")
    """)
    assert len(first_line(process)) == 64
    assert first_line(process) == "started"
    time.sleep(0.3)
    process.kill()
    finish(process, check=False)
    deadline = time.monotonic() + 10
    while any("__library" in line for pid, line in processes.descendants().items() if pid not in known):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert foreign_user.program.run("ps", "--format", "{{.Names}}").lines == ["long"]


def test_an_interrupted_call_ends_in_the_helper_too(foreign_user: Foreign) -> None:
    process = foreign_user.start("""
    with open_engine() as engine:
        engine.containers.create(options("true", name="never"))
        print("waiting", flush=True)
        try:
            engine.containers.wait("never")
        except KeyboardInterrupt:
            pass
        (helper,) = children()
        deadline = time.monotonic() + 10
        while True:
            with open(f"/proc/{helper}/task/{helper}/children") as file:
                if not file.read().split():
                    break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        engine.containers.remove("never")
    """)
    assert first_line(process) == "waiting"
    time.sleep(0.3)
    os.kill(process.pid, signal.SIGINT)
    finish(process)


def test_a_forked_child_is_told_to_open_its_own(foreign_user: Foreign) -> None:
    foreign_user.run("""
    engine = open_engine()
    pid = os.fork()
    if not pid:
        try:
            engine.containers.list()
        except argosy.Unsupported as error:
            engine.close()
            os._exit("fork" in error.hint)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    assert engine.containers.list().views == ()
    engine.close()
    """)


def test_inside_the_namespace_no_helper_is_needed(foreign_user: Foreign) -> None:
    """As under `argosy unshare`."""
    program = foreign_user.program
    code = "import argosy, os, sys\nengine = argosy.open(root=sys.argv[1], runroot=sys.argv[2])\n"
    code += "print(len(engine.images.list().images), os.listdir('/proc/self/task') and os.getuid())\n"
    code += "print(open('/proc/self/task/%d/children' % os.getpid()).read().split())"
    home = os.path.dirname(os.path.dirname(program.launcher))
    words = ["env", f"PYTHONPATH={home}", "/usr/bin/python3", "-c", code, program.root, program.runroot]
    assert program.run("unshare", *words).lines == ["1 0", "[]"]


def test_descriptors_that_the_program_lets_be_inherited_stay_so(foreign: Foreign) -> None:
    foreign.run("""
    read_fd, write_fd = os.pipe()
    os.set_inheritable(read_fd, True)
    with open_engine() as engine:
        assert engine.containers.list().views == ()
    assert os.get_inheritable(read_fd)
    """)


def test_a_host_that_does_not_let_it_is_told_with_the_reason(foreign_user: Foreign) -> None:
    """The helper cannot start: what it said comes along."""
    done = foreign_user.run("""
    from argosy import version
    version.LAUNCHER = "/nowhere/launch.py"
    try:
        open_engine()
    except argosy.HelperGone as error:
        print(json.dumps([error.brief, error.details]))
    assert children() == []
    """)
    brief, details = json.loads(done.stdout)
    assert "ended unexpectedly" in brief
    assert "/nowhere/launch.py" in details
