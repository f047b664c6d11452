"""`volume create`, `exists`, `inspect`, `ls`, `prune`, `rm`."""

from __future__ import annotations

import os

import pytest

from tests.rig.program import Program


def test_the_life_of_a_volume(argosy_both: Program) -> None:
    program = argosy_both
    busybox = program.busybox()
    assert program.run("volume", "create", "--label", "app=db", "data").lines == ["data"]
    assert "volume already exists" in program.run("volume", "create", "data", check=125).stderr
    assert program.run("volume", "create", "data", name="docker").lines == ["data"]
    nameless = program.run("volume", "create").lines[0]
    assert len(nameless) == 64
    assert program.run("volume", "exists", "data", check=False).returncode == 0
    assert program.run("volume", "exists", "nosuch", check=1).stderr == ""
    program.run("run", "--rm", "--network", "none", "-v", "data:/data", busybox, "sh", "-c", "echo kept >/data/file")
    document = program.run("volume", "inspect", "data").json()[0]
    assert document["Labels"] == {"app": "db"}
    assert os.path.exists(f"{document['Mountpoint']}/file")
    program.run("create", "--name", "user", "-v", "data:/data", busybox)
    identity = program.run("inspect", "--format", "{{.Id}}", "user").lines[0]
    refused = program.run("volume", "rm", "data", check=2)
    assert f"volume data is being used by the following container(s): {identity}" in refused.stderr
    assert program.run("volume", "ls", "-q").lines == sorted((nameless, "data"))
    assert program.run("volume", "ls", "-q", "--filter", "dangling=true").lines == [nameless]
    assert program.run("volume", "ls", "-q", "--filter", "label=app=db", "--filter", "name=^d").lines == ["data"]
    assert "data local" in program.run("volume", "ls", "--format", "{{.Name}} {{.Driver}}").lines
    assert program.run("volume", "prune", input="n\n").stdout.endswith("[y/N] ")
    assert program.run("volume", "prune", "-f").lines == [nameless]
    assert program.run("volume", "rm", "-f", "data", "nosuch").lines == ["data"]
    assert program.run("ps", "-aq").lines == []
    assert program.run("volume", "ls").stdout == ""


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("create", "bad/name"), 125, "names must match"),
        (("create", "--driver", "nfs", "v"), 125, "required plugin missing"),
        (("inspect", "nosuch"), 125, "no such volume"),
        (("inspect",), 125, "--all"),
        (("rm", "nosuch"), 1, 'no volume with name "nosuch" found'),
        (("rm",), 125, "choose either one or more volumes or all"),
        (("rm", "-t", "1", "v"), 125, "--force option must be specified"),
        (("ls", "--filter", "bad=1"), 125, '"bad" is an invalid volume filter'),
        (("ls", "--filter", "name=["), 125, "invalid regular expression"),
        (("ls", "--filter", "dangling=maybe"), 125, "must be true or false"),
        (("prune", "-f", "--filter", "label"), 125, 'invalid filter "label"'),
    ],
)
def test_what_does_not_go(argosy: Program, arguments: tuple[str, ...], status: int, said: str) -> None:
    assert said in argosy.run("volume", *arguments, check=status).stderr


def test_templates_have_the_fields_that_json_leaves_out(argosy: Program) -> None:
    argosy.run("volume", "create", "--label", "a=b", "data")
    row = "{{.Name}} {{.Labels}} {{.UID}} {{.Anonymous}} {{.CreatedAt.IsZero}}"
    assert argosy.run("volume", "inspect", "--format", row, "data").stdout == "data map[a:b] 0 false false\n"
    listed = argosy.run("volume", "ls", "--format", "table {{.Name}}\t{{.Driver}}").lines
    assert [line.split() for line in listed] == [["VOLUME", "NAME", "DRIVER"], ["data", "local"]]
    assert argosy.run("inspect", "--format", "", "data").json() == argosy.run("inspect", "data").json()


def test_a_mount_makes_the_volume_that_it_describes(argosy_both: Program) -> None:
    argosy_both.busybox()
    words = ("run", "--rm", "--network", "none", "--mount")
    options = "volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m,volume-label=a=b"
    made = f"type=volume,src=made,dst=/v,{options}"
    assert "1024" in argosy_both.run(*words, made, "busybox", "df", "/v").stdout
    shown = argosy_both.run("volume", "inspect", "--format", "{{.Options.o}} {{.Labels}}", "made").stdout
    assert shown == "size=1m map[a:b]\n"
    argosy_both.run(*words, "type=volume,src=made,dst=/v,volume-opt=type=nfs", "busybox", "true")  # it is there
    refused = argosy_both.run(*words, "type=volume,src=no,dst=/v,volume-opt=x=y", "busybox", "true", check=125)
    assert "invalid mount option x for driver 'local'" in refused.stderr
    argosy_both.run("volume", "exists", "no", check=1)
