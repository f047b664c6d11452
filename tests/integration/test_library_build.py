"""Images made step by step by programs that are not Argosy's: `engine.build`, as root and by way of a helper."""

from __future__ import annotations

import pytest

from tests.rig.foreign import Foreign
from tests.rig.program import Program

SETUP = """
with open_engine() as engine, open(ARCHIVE, "rb") as archive:
    engine.images.import_archive(archive, "busybox", argosy.ImportOptions(changes=("CMD sh",)))
"""


@pytest.fixture(scope="module")
def foreign(shared_both: Program) -> Foreign:
    made = Foreign(shared_both)
    made.run(SETUP)
    return made


def test_an_image_is_made_step_by_step(foreign: Foreign) -> None:
    foreign.program.write("app.conf", "mode=test\n")
    done = foreign.run(f"""
    os.chdir({foreign.program.files!r})
    with open_engine() as engine, engine.build.working("busybox", options=options()) as c:
        assert c.name == "busybox-working-container"
        assert engine.build.find(c.name).id == c.id and [one.id for one in engine.build.list()] == [c.id]
        assert captured(lambda fd: c.run(["sh", "-c", "echo $A; pwd; id -u"], env={{"A": "1"}}, user="7",
                                         workdir="/tmp", stdout=fd)) == (0, b"1\\n/tmp\\n7\\n")
        c.copy("app.conf", "/etc/app.conf", chmod="600", chown="5:6")
        assert captured(lambda fd: c.run("stat -c '%a %u %g' /etc/app.conf", stdout=fd)) == (0, b"600 5 6\\n")
        c.config(env={{"MODE": "test", "PATH": None}}, labels={{"a": "b"}}, cmd=["cat", "/etc/app.conf"],
                 workdir="/srv", ports=["80/tcp"], user="5", author="me")
        first = c.commit("app:1", timestamp=7)
        c.run(["rm", "/etc/app.conf"], user="root", workdir="/")
        second = c.commit("app:2", squash=True, format="docker")
        found = engine.images.inspect("app:1")
        assert found["Id"] == first.config_digest.partition(":")[2]
        assert found["Config"]["Env"] == ["MODE=test"] and found["Config"]["Labels"] == {{"a": "b"}}
        assert found["Config"]["WorkingDir"] == "/srv" and found["Author"] == "me"
        assert found["Config"]["ExposedPorts"] == {{"80/tcp": {{}}}}
        assert len(engine.images.inspect("app:2")["RootFS"]["Layers"]) == 1
        print(first.config_digest)
    with open_engine() as engine:
        assert engine.build.list() == []
        run = argosy.ContainerOptions(image="app:1", network=NetworkMode("none"), remove=True)
        assert captured(lambda fd: engine.containers.run(run, Streams(stdout=fd))) == (0, b"mode=test\\n")
    """)
    assert done.stdout.startswith("sha256:")


def test_what_fails_leaves_no_container(foreign: Foreign) -> None:
    foreign.run("""
    with open_engine() as engine:
        try:
            with engine.build.working("busybox", options=options()) as c:
                assert c.run(["sh", "-c", "exit 3"], check=False) == 3
                c.run(["sh", "-c", "exit 4"])
        except argosy.ArgosyError as error:
            assert error.exit_code == 4 and error.brief == "sh -c exit 4: exit status 4", error
        else:
            raise AssertionError
        for attempt in (lambda c: c.copy("/nothere"), lambda c: c.config(ports=["no"]), lambda c: c.commit("A:b:c")):
            with engine.build.working("busybox") as c:
                try:
                    attempt(c)
                except argosy.ArgosyError:
                    continue
                raise AssertionError
        with engine.build.working("scratch", name="empty") as c:
            try:
                engine.build.working("scratch", name="empty")
            except argosy.ArgosyError as error:
                assert "already in use" in error.brief
            c.remove()
        for unknown in (lambda: engine.build.working("nothere", policy="never"), lambda: engine.build.find("nothere")):
            try:
                unknown()
            except argosy.NotFound:
                continue
            raise AssertionError
        assert engine.build.list() == []
    """)
