"""`secret create`, `exists`, `inspect`, `ls`, `rm`: the data is there for who asks, and in the store for nobody."""

from __future__ import annotations

import os

import pytest

from tests.rig.program import Program

DATA = "correct-horse-battery"


def _files_with(directory: str, text: str) -> list[str]:
    found = []
    for parent, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(parent, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if text.encode() in file.read():
                        found.append(path)
    return found


def test_the_life_of_a_secret(argosy_both: Program) -> None:
    program = argosy_both
    source = program.write("token", DATA)
    identity = program.run("secret", "create", "--label", "app=db", "token", source).lines[0]
    assert len(identity) == 25
    assert "token: secret name in use" in program.run("secret", "create", "token", source, check=125).stderr
    assert program.run("secret", "create", "--ignore", "token", source).lines == [identity]
    program.run("secret", "create", "other", "-", input="x\0y")
    program.run("secret", "create", "--env", "third", "VALUE", env={"VALUE": "v"})
    assert _files_with(program.root, DATA) == []
    key = f"{program.base}/home/.config/argosy/secrets.key"
    assert os.stat(key).st_mode & 0o777 == 0o600

    document = program.run("secret", "inspect", "token").json()[0]
    assert (document["ID"], document["Spec"]["Name"]) == (identity, "token")
    assert document["Spec"]["Labels"] == {"app": "db"}
    assert DATA not in program.run("secret", "inspect", "--pretty", "token").stdout
    shown = program.run("secret", "inspect", "--showsecret", "--format", "{{.SecretData}}", identity[:8])
    assert shown.stdout == f"{DATA}\n"
    assert program.run("secret", "create", "--replace", "token", "-", input="new").lines == [identity]
    assert program.run("secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "token").lines == ["new"]

    columns = program.run("secret", "ls", "--format", "{{.Name}} {{.Driver}}")
    assert columns.lines == ["other file", "third file", "token file"]
    assert program.run("secret", "ls", "-q", "--filter", "name=^tok").lines == [identity]
    assert program.run("secret", "ls", name="docker").lines[0].split() == ["ID", "NAME", "DRIVER", "CREATED", "UPDATED"]
    assert program.run("secret", "inspect", "token", name="docker").json()[0]["Version"] == {"Index": 2}
    program.run("secret", "exists", "token")
    program.run("secret", "exists", "nosuch", check=1)

    os.rename(key, f"{key}.away")
    assert f"{key}, is missing" in program.run("secret", "inspect", "--showsecret", "token", check=125).stderr
    os.rename(f"{key}.away", key)
    os.chmod(key, 0o644)
    assert "can be read by others" in program.run("secret", "create", "fourth", source, check=125).stderr
    os.chmod(key, 0o600)
    (sealed,) = (name for name in os.listdir(f"{program.root}/secrets/{identity}") if name != "secret.json")
    with open(f"{program.root}/secrets/{identity}/{sealed}", "r+b") as file:
        file.seek(20)
        file.write(b"\0\0\0\0")
    assert "cannot be decrypted" in program.run("secret", "inspect", "--showsecret", "token", check=125).stderr

    assert "nosuch" in program.run("secret", "rm", "token", "nosuch", check=125).stderr
    program.run("secret", "rm", "--ignore", "nosuch")
    assert len(program.run("secret", "rm", "--all").lines) == 2
    assert program.run("secret", "ls", "--noheading").stdout == ""
    assert os.listdir(f"{program.root}/secrets") == []


def test_containers_get_them(argosy_both: Program) -> None:
    program = argosy_both
    busybox = program.busybox()
    program.run("secret", "create", "token", "-", input=DATA)
    look = (
        "cat /run/secrets/token; echo; stat -c '%u:%g %a' /run/secrets/token /key/deep; echo $TOKEN; echo $token;"
        "grep -c '^tmpfs /key/deep tmpfs' /proc/mounts; sleep ${PAUSE:-0}"
    )
    given = [
        *("--secret", "token", "--secret", "token,target=/key/deep,uid=7,gid=8,mode=0400"),
        *("--secret", "token,type=env,target=TOKEN", "--secret", "token,type=env", "-e", "TOKEN=weaker"),
    ]
    wanted = [DATA, "0:0 444", "7:8 400", DATA, DATA, "1"]
    run = ("run", "--network", "none", *given)
    assert program.run(*run, "--rm", busybox, "sh", "-c", look).lines == wanted
    mapped = (*run, "--rm", "--uidmap", "0:100:50", "--gidmap", "0:100:50", busybox, "sh", "-c", look)
    assert program.run(*mapped).lines == wanted

    identity = program.run(*run, "-d", "--name", "long", "-e", "PAUSE=60", busybox, "sh", "-c", look).lines[0]
    document = program.run("inspect", "long").json()[0]
    assert [(one["Name"], one["UID"], one["Mode"]) for one in document["Config"]["Secrets"]] == [
        ("token", 0, 0o444),
        ("token", 7, 0o400),
    ]
    assert not any(entry.partition("=")[0] in ("TOKEN", "token") for entry in document["Config"]["Env"])
    assert DATA not in program.run("inspect", "long").stdout
    logs = [name for name in _files_with(program.root, DATA) if not name.endswith("/ctr.log")]
    assert logs == []  # the log holds what the program itself has written
    assert program.run("exec", "long", "cat", "/run/secrets/token").stdout == DATA
    program.run("stop", "-t", "0", "long")
    assert not os.path.exists(f"{program.runroot}/containers/{identity}")

    program.run("secret", "create", "--replace", "token", "-", input="second")
    program.run("start", "long")
    assert program.run("exec", "long", "cat", "/run/secrets/token").stdout == "second"
    program.run("stop", "-t", "0", "long")
    program.run("secret", "rm", "token")
    gone = program.run("start", "long", check=125).stderr
    assert 'no secret with name or id "token": no such secret' in gone
    program.run("secret", "create", "token", "-", input="a\0b")
    assert "NUL bytes" in program.run("start", "long", check=125).stderr
    program.run("rm", "long")


def test_data_that_other_programs_keep(argosy_user: Program) -> None:
    program = argosy_user
    place = f"{program.base}/home"
    commands = {"list": "ls", "lookup": f"cat {place}/$SECRET_ID", "store": f"cat >{place}/$SECRET_ID"}
    options = [f"--driver-opts={key}={value}" for key, value in commands.items()]
    source = program.write("token", DATA)
    create = ("secret", "create", "--driver", "shell", *options)
    assert "missing config value" in program.run(*create, "token", source, check=125).stderr
    options.append(f"--driver-opts=delete=rm {place}/$SECRET_ID")
    identity = program.run("secret", "create", "--driver", "shell", *options, "token", source).lines[0]
    assert _files_with(place, DATA) == [f"{place}/{identity}"]
    assert program.run("secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "token").lines == [DATA]
    program.run("secret", "rm", "token")
    assert not os.path.exists(f"{place}/{identity}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "a/b", "/etc/hostname"), "only 64 [a-zA-Z0-9-_.] characters allowed"),
        (("create", "a" * 65, "/etc/hostname"), "invalid secret name"),
        (("create", "s", "/nosuch"), "open /nosuch: no such file or directory"),
        (("create", "s", "/dev/null"), "must be larger than 0 and less than 512000 bytes"),
        (("create", "s", "/dev/zero"), "must be larger than 0 and less than 512000 bytes"),
        (("create", "--env", "s", "NOSUCH"), "environment variable NOSUCH is not set"),
        (("create", "--driver", "vault", "s", "/etc/hostname"), "invalid driver"),
        (("create", "--driver-opts", "path=here", "s", "/etc/hostname"), "not absolute"),
        (("create", "--driver-opts", "where=/x", "s", "/etc/hostname"), "no option where"),
        (("create", "--driver", "pass", "s", "/etc/hostname"), "no password store"),
        (("create", "--ignore", "--replace", "s", "/etc/hostname"), "cannot be used together"),
        (("create", "s"), "accepts 2 arg(s), received 1"),
        (("inspect", "nosuch"), 'no secret with name or id "nosuch": no such secret'),
        (("rm",), "requires one argument, or the --all flag"),
        (("ls", "--filter", "color=red"), 'invalid filter "color"'),
    ],
)
def test_what_is_refused(shared_program: Program, arguments: tuple[str, ...], said: str) -> None:
    assert said in shared_program.run("secret", *arguments, check=125).stderr
    assert shared_program.run("secret", "ls", "-q").stdout == ""
