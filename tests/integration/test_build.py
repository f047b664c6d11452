"""`build`: images from Dockerfiles, as root and without privilege."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable

import pytest

from argosy.version import SPOKEN
from tests.rig.program import CHECKOUT, Program

BUSYBOX = shutil.which("busybox") or "/bin/busybox"
BASE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    """A program whose store has the image `base`, and a context `ctx` with a few files."""
    context(
        shared_both,
        "ctx",
        {"a.txt": "a\n", "b.txt": "b\n", "sub/c": "c\n", "sub/deep/d": "d\n", "script.sh": "#!/bin/sh\necho ran\n"},
    )
    shutil.copyfile(BUSYBOX, f"{shared_both.files}/ctx/busybox")
    os.chmod(f"{shared_both.files}/ctx/busybox", 0o755)
    os.chmod(f"{shared_both.files}/ctx/script.sh", 0o755)
    os.symlink("c", f"{shared_both.files}/ctx/sub/link")
    build(shared_both, BASE, "-t", "base")
    return shared_both


def context(program: Program, name: str, files: dict[str, str]) -> str:
    """A directory of files; its path."""
    for path, text in files.items():
        os.makedirs(os.path.dirname(f"{program.files}/{name}/{path}"), exist_ok=True)
        program.write(f"{name}/{path}", text)
    return f"{program.files}/{name}"


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def build(program: Program, dockerfile: str, *flags: str, where: str = "ctx", check: bool = True) -> str:
    """Build from standard input, and return what was written."""
    done = program.run("build", *flags, "-f", "-", f"{program.files}/{where}", input=dockerfile.encode(), check=check)
    return done.stdout + done.stderr


def shell(program: Program, image: str, line: str) -> list[str]:
    return program.run("run", "--rm", "--network", "none", "--user", "0", image, "sh", "-c", line).lines


def config(program: Program, image: str) -> dict[str, object]:
    found: dict[str, object] = program.run("image", "inspect", image).json()[0]["Config"]
    return found


def test_steps_make_an_image(program: Program) -> None:
    text = """ARG FROM=base
FROM $FROM AS first
ARG WHO=world
RUN echo hello $WHO > /out && mkdir /empty
FROM base
WORKDIR /work/here
COPY --from=first /out /from/
COPY a.txt sub/ ./
COPY --chown=7:8 --chmod=600 b.txt /owned/
ENV X=1 Y="two words"
RUN echo "$Y" > said; id -u > who; rm /bin/vi
LABEL a=b
EXPOSE 80
VOLUME /data
USER 5:6
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/echo"]
CMD ["x"]
"""
    output = build(program, text, "-t", "made", "--build-arg", "WHO=you", "--label", "more=$1")
    assert "Successfully tagged localhost/made:latest" in output
    script = "cat /from/out said who; ls -l /owned | tail -1; ls /bin/vi 2>&1; stat -c '%n %a %u:%g %N' * deep/d"
    lines = program.run(
        "run", "--rm", "--network", "none", "--user", "0", "--entrypoint", "sh", "made", "-c", script
    ).lines
    assert lines[:3] == ["hello you", "two words", "0"]
    assert lines[3].split()[:4] == ["-rw-------", "1", "7", "8"]
    assert "No such file" in lines[4]
    assert [line.split(" ", 3)[:3] for line in lines[5:]] == [
        ["a.txt", "644", "0:0"],
        ["c", "644", "0:0"],
        ["deep", "755", "0:0"],
        ["link", "777", "0:0"],
        ["said", "644", "0:0"],
        ["who", "644", "0:0"],
        ["deep/d", "644", "0:0"],
    ]
    found = config(program, "made")
    assert found["Labels"] == {"io.buildah.version": SPOKEN["buildah"], "a": "b", "more": "$1"}
    assert (found["User"], found["WorkingDir"], found["StopSignal"]) == ("5:6", "/work/here", "SIGINT")
    assert (found["Entrypoint"], found["Cmd"]) == (["/bin/echo"], ["x"])
    assert list(found["ExposedPorts"]) == ["80/tcp"]  # type: ignore[call-overload]
    assert program.run("run", "--rm", "--network", "none", "made").stdout == "x\n"


def test_what_was_built_is_taken_from_the_cache(program: Program) -> None:
    text = "FROM base\nARG A=1\nRUN echo one > /one\nCOPY a.txt /\nRUN echo $A > /two\n"
    first = build(program, text, "-q")
    again = build(program, text)
    assert again.count("Using cache") == 4
    assert again.splitlines()[-1] == first.strip()
    assert (
        build(program, text, "--build-arg", "A=2").count("Using cache") == 1
    )  # RUN sees all arguments in its environment
    os.utime(f"{program.files}/ctx/a.txt")
    assert build(program, text).count("Using cache") == 4
    program.write("ctx/a.txt", "changed\n")
    try:
        output = build(program, text, "--explain")
        assert output.count("Using cache") == 2
        assert "not cached: file a.txt has changed" in output
        assert output.count("not cached:") == 2
    finally:
        program.write("ctx/a.txt", "a\n")
    assert "not cached: argument A has changed" in build(program, text, "--build-arg", "A=3", "--explain")
    assert "not cached: the base image has changed" in build(
        program, text.replace("base", "scratch"), "--explain", check=False
    )
    assert "Using cache" not in build(program, text, "--no-cache")


def test_reproducible_layers(program: Program) -> None:
    text = "FROM base\nCOPY a.txt sub /x/\nRUN echo one > /one; mkdir /dir\n"
    found = {
        build(program, text, "-q", "--no-cache", "--timestamp", "1000", *flags).strip()
        for flags in ((), (), ("--jobs=1",))
    }
    assert len(found) == 1
    (image,) = found
    assert shell(program, image, "stat -c %Y /one /dir /x/a.txt") == ["1000"] * 3
    assert program.run("image", "inspect", image).json()[0]["Created"] == "1970-01-01T00:16:40Z"


def test_run_mounts(program: Program) -> None:
    secret = program.write("secret", "hidden\n")
    text = """# syntax=docker/dockerfile:1
FROM base AS files
RUN mkdir /shared && echo staged > /shared/file
FROM base
RUN --mount=type=bind,target=/in,source=sub cat /in/deep/d > /bound; ! touch /in/new
RUN --mount=type=bind,target=/in,rw touch /in/new && ls /in/new
RUN --mount=type=bind,from=files,source=/shared,target=/in cat /in/file > /staged
RUN --mount=type=cache,target=/cache,id=a/b,mode=0700 echo kept >> /cache/file; stat -c %a /cache > /mode
RUN --mount=type=cache,target=/other,id=a/b wc -l < /other/file > /count
RUN --mount=type=tmpfs,target=/t touch /t/gone
RUN --mount=type=secret,id=s,target=/s,mode=0440 cat /s > /secret && stat -c %a /s >> /secret
RUN --mount=type=secret,id=s,env=TOKEN echo "$TOKEN" | md5sum > /sum
RUN --mount=type=secret,id=missing [ ! -e /run/secrets/missing ]
RUN --network=none ip link | grep -c mtu > /links
"""
    output = build(program, text, "-t", "mounts", "--secret", f"id=s,src={secret}")
    assert "hidden" not in output
    lines = shell(
        program, "mounts", "cat /bound /staged /mode /secret /links; ls -d /in /cache /other /t /s 2>&1 || true"
    )
    assert lines[:6] == ["d", "staged", "700", "hidden", "440", "1"]
    assert sum("No such file" in line for line in lines) == 5
    history = program.run("history", "--no-trunc", "mounts").stdout
    assert "hidden" not in history
    assert not os.path.exists(f"{program.files}/ctx/new")
    failed = build(program, "FROM base\nRUN --mount=type=secret,id=x,required true\n", check=False)
    assert "secret x is required, and was not given" in failed


def test_heredocs(program: Program) -> None:
    text = """FROM base
ENV NAME=me
RUN <<EOF
echo first > /one
echo "$NAME" >> /one
EOF
RUN <<EOF cat > /two
text
EOF
RUN <<'EOF'
#!/bin/busybox sh
echo $0 > /three
EOF
COPY <<a <<-'b' /files/
A $NAME "quoted"
a
	B $NAME
b
"""
    build(program, text, "-t", "heredocs")
    assert shell(program, "heredocs", "cat /one /two /three /files/a /files/b") == [
        *("first", "me", "text", "/dev/pipes/EOF", 'A me "quoted"', "B $NAME"),
    ]


def test_add(program: Program) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        info = tarfile.TarInfo("dir/file")
        info.size, info.uid, info.mode = 2, 3, 0o640
        archive.addfile(info, io.BytesIO(b"x\n"))
    program.write("ctx/packed.tgz", data.getvalue())
    text = """FROM base
ADD packed.tgz /unpacked/
ADD --unpack=false packed.tgz /kept/
ADD --chown=9 packed.tgz a.txt /chowned/
"""
    build(program, text, "-t", "added")
    script = "stat -c '%n %a %u' /unpacked/dir/file /kept/packed.tgz /chowned/dir/file /chowned/a.txt"
    assert shell(program, "added", script) == [
        "/unpacked/dir/file 640 3",
        "/kept/packed.tgz 644 0",
        "/chowned/dir/file 640 9",
        "/chowned/a.txt 644 9",
    ]
    wrong = build(program, f"FROM base\nADD --checksum=sha256:{'0' * 64} a.txt /\n", check=False)
    assert "the checksum of a.txt is not what was given" in wrong


LINKED = """FROM {base}
COPY --link a.txt /tmp/a
COPY --link sub /private/new/
COPY --link --chown=u a.txt /link/owned/
COPY --link --chown=7 <<EOF /text
text
EOF
RUN echo after > /after
"""


def test_linked_copies_do_not_depend_on_what_is_below(program: Program) -> None:
    """On another base they are the same layers; directories that the base has keep owner and mode, links are hidden."""
    made = "mkdir -m 1777 /tmp; mkdir -m 700 /private; ln -s /tmp /link; mkdir -p /etc; echo u:x:55:56:: > /etc/passwd"
    build(program, f"FROM base\nRUN {made}\n", "-t", "under")
    build(program, "FROM under\nRUN echo more > /more\n", "-t", "updated")
    build(program, LINKED.format(base="under"), "-t", "linked")
    output = build(program, LINKED.format(base="updated"), "-t", "rebased", "--explain")
    assert (output.count("Using cache"), output.count("not cached: the base image has changed")) == (4, 1)
    layers = [program.run("image", "inspect", name).json()[0]["RootFS"]["Layers"] for name in ("linked", "rebased")]
    assert layers[0][-5:-1] == layers[1][-5:-1]
    archive = f"{program.files}/linked.tar"
    program.run("save", "-o", archive, "rebased")  # which writes the layers' archives from their trees
    program.run("rmi", "-f", "rebased")
    program.run("load", "-i", archive)
    names = "/tmp /tmp/a /private /private/new /private/new/deep /link /link/owned /link/owned/a.txt /text"
    assert shell(program, "rebased", f"stat -c '%n %a %u:%g' {names}") == [
        "/tmp 1777 0:0",
        "/tmp/a 644 0:0",
        "/private 700 0:0",
        "/private/new 755 0:0",
        "/private/new/deep 755 0:0",
        "/link 755 55:56",
        "/link/owned 755 55:56",
        "/link/owned/a.txt 644 55:56",
        "/text 644 7:7",
    ]
    assert shell(program, "rebased", "ls /tmp; cat /text") == ["a", "text"]
    assert program.run("system", "check").stdout == "No damage, nothing left over\n"
    squashed = build(program, LINKED.format(base="under"), "--squash", "-t", "squashed")
    assert "Using cache" not in squashed
    assert shell(program, "squashed", "stat -c %a:%u /tmp /private /text") == ["1777:0", "700:0", "644:7"]


def test_ignored_files_are_not_there(program: Program) -> None:
    where = context(program, "ignoring", {"keep": "1", "a.log": "2", "b.log": "3", "dir/x.log": "4", "dir/y": "5"})
    program.write("ignoring/.dockerignore", "**/*.log\n!b.log\n")
    build(program, "FROM base\nCOPY . /all/\n", "-t", "ignoring", where="ignoring")
    assert shell(program, "ignoring", "cd /all; find . -type f | sort") == [
        "./.dockerignore",
        "./b.log",
        "./dir/y",
        "./keep",
    ]
    done = program.run("build", "-f", "-", where, input=b"FROM scratch\nCOPY a.log /\n", check=False)
    assert "it is excluded" in done.stderr
    os.symlink("/etc/passwd", f"{where}/outside")
    done = program.run("build", "-f", "-", where, input=b"FROM scratch\nCOPY outside /\n", check=False)
    assert "a link to something that is not in it" in done.stderr
    program.write("ignoring/Other", "FROM base\nCOPY . /all/\n")
    program.write("ignoring/Other.dockerignore", "dir\n")
    program.run("build", "-t", "other", "-f", f"{where}/Other", where)
    assert "./a.log" in shell(program, "other", "cd /all; find . -type f")


def test_contexts(program: Program) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in (("Dockerfile", b"FROM base\nCOPY f /\nCOPY --from=more b.txt /\n"), ("f", b"piped\n")):
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    program.run("build", "-t", "piped", "--build-context", f"more={program.files}/ctx", "-", input=data.getvalue())
    assert shell(program, "piped", "cat /f /b.txt") == ["piped", "b"]
    program.run("build", "-t", "bare", "-", input=b"FROM base\nRUN echo bare > /f\n")
    assert shell(program, "bare", "cat /f") == ["bare"]
    build(program, "FROM other\n", "-t", "named", "--build-context", "other=docker-image://localhost/bare")
    assert shell(program, "named", "cat /f") == ["bare"]


def test_nothing_outside_the_context_is_copied(program: Program) -> None:
    where = context(program, "hostile", {"f": "inside\n"})
    os.symlink("/etc", f"{where}/etc")
    os.symlink("../../../../../../etc/passwd", f"{where}/passwd")
    for source in ("etc/passwd", "passwd", "../ctx/a.txt", "/etc/passwd"):
        done = program.run("build", "-f", "-", where, input=f"FROM scratch\nCOPY {source} /x\n".encode(), check=False)
        assert done.returncode == 125
        assert "is not in the build context" in done.stderr or "is a link to something that is not in it" in done.stderr
    text = "FROM base\nRUN ln -s /escaped /link && ln -s ../../../../../../../../tmp /tmplink\n"
    text += "COPY f /link/f\nCOPY f /tmplink/f\n"
    build(program, text, "-t", "contained", where="hostile")
    assert shell(program, "contained", "cat /escaped/f /tmp/f") == ["inside", "inside"]
    assert not os.path.exists("/escaped") and not os.path.exists("/tmp/f")


@pytest.mark.parametrize(
    ("dockerfile", "flags", "status", "words"),
    [
        ("FROM base\nRUN exit 7\n", (), 7, 'building at STEP "RUN exit 7": while running runtime: exit status 7'),
        ("FROM base\nRUN /nope\n", (), 127, "exit status 127"),
        ("FROM scratch\nRUN true\n", (), 1, 'building at STEP "RUN true"'),
        ("FROM base\nCOPY a.tx /\n", (), 125, '"a.tx" is not in the build context: no such file or directory'),
        ("FROM base\nCOPY *.none /\n", (), 125, "no source files were specified"),
        ("FROM base\nCOPY a.txt b.txt /x\n", (), 125, "the destination must be a directory and end with a /"),
        ("FROM base\nCOPY --from=later a /\nFROM base AS later\n", (), 125, "stage later is not above this one"),
        ("FROM base AS a\nCOPY --from=a a /\n", (), 125, "stage a is not above this one"),
        ("FROM base\nCOPY --from=3 a /\n", (), 125, "invalid stage index 3"),
        ("FROM base AS tools\nFROM base\nCOPY --from=tolls a /\n", ("--pull=never",), 125, "(did you mean tools?)"),
        ("FROM base\n" + "ENV A=1\n" * 10_001, (), 125, "more than 10000 instructions"),
        ("FROM base\nCOPY --chown=nobody a.txt /\n", (), 126, "unable to find user nobody"),
        ("FROM base\nCOPY --chmod=u+q a.txt /\n", (), 125, "invalid chmod parameter: 'u+q'"),
        ("FROM base\nRUN --security=insecure true\n", (), 125, "RUN --security=insecure is not allowed"),
        ("FROM base\nEXPOSE x\n", (), 125, "invalid containerPort: x"),
        ("FROM base\nSTOPSIGNAL NOPE\n", (), 125, "invalid signal NOPE"),
        ("FROM ${X}\n", (), 125, "base name (${X}) should not be blank"),
        ("FROM base\nENV A=${B?unset}\n", (), 125, "B: unset"),
        ("FROM base AS one\n", ("--target", "onne"), 125, "in the provided Dockerfile (did you mean one?)"),
        ("FROM base\n", ("--platform", "linux/arm64,linux/amd64", "--iidfile", "x"), 125, "building multiple images"),
        ("FROM base\n", ("--secret", "id=x,src=/nope"), 125, "there is no file /nope"),
        ("FROM base\n", ("--format", "v3"), 125, 'unrecognized image type "v3"'),
        ("FROM base\n", ("-t", "BAD NAME"), 125, "invalid"),
        ("FROM localhost/none\n", ("--pull=never",), 125, "image not known"),
        ("", (), 125, "file with no instructions"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    program: Program, dockerfile: str, flags: tuple[str, ...], status: int, words: str
) -> None:
    done = program.run("build", *flags, "-f", "-", f"{program.files}/ctx", input=dockerfile.encode(), check=False)
    assert words in done.stderr
    assert done.returncode == status


def test_squash_and_no_layers(program: Program) -> None:
    base = len(program.run("image", "inspect", "base").json()[0]["RootFS"]["Layers"])
    text = "FROM base\nRUN echo 1 > /one\nRUN echo 2 > /two; rm /one\nENV A=1\n"
    for flags, layers in ((("--squash",), base + 1), (("--layers=false",), base + 1), (("--squash-all",), 1)):
        build(program, text, *flags, "-t", "squashed")
        document = program.run("image", "inspect", "squashed").json()[0]
        assert len(document["RootFS"]["Layers"]) == layers
        assert shell(program, "squashed", "cat /two; ls /one /bin/ls 2>&1 || true") == [
            "2", "ls: /one: No such file or directory", "/bin/ls",
        ]  # fmt: skip


def test_stages_that_nothing_needs_are_left_out(program: Program) -> None:
    text = "FROM base AS broken\nRUN false\nFROM base AS used\nRUN echo x > /f\nFROM base\nCOPY --from=used /f /\n"
    output = build(program, text, "-t", "used")
    assert "[1/2] STEP 1/2: FROM base AS used" in output
    plan = build(program, text, "--plan")
    assert "waits for stage 1 (line 6: COPY from used)" in plan
    assert "stage broken is not needed" in plan


def test_triggers_of_a_base(program: Program) -> None:
    build(
        program, "FROM base\nONBUILD RUN echo $X > /trigger\nONBUILD COPY a.txt /\n", "--format", "docker", "-t", "on"
    )
    build(program, "FROM on\nRUN cat /trigger /a.txt > /both\n", "-t", "built-on", "--build-arg", "X=1")
    assert shell(program, "built-on", "cat /both") == ["", "a"]
    document = program.run("image", "inspect", "on").json()[0]
    assert document["ManifestType"].startswith("application/vnd.docker")


def test_what_was_built_can_be_saved_and_loaded(program: Program) -> None:
    build(program, "FROM base\nRUN echo saved > /f\n", "-t", "saved")
    for form in ("docker-archive", "oci-archive"):
        archive = f"{program.files}/{form}.tar"
        program.run("save", "--format", form, "-o", archive, "saved")
        image = program.run("image", "inspect", "saved", "--format", "{{.Id}}").stdout
        program.run("rmi", "-f", "saved")
        program.run("load", "-i", archive)
        assert (
            program.run("image", "inspect", "saved", "--format", "{{.Id}}").stdout == image or form == "docker-archive"
        )
        assert shell(program, "saved", "cat /f") == ["saved"]
        os.unlink(archive)


def test_files_of_the_result(program: Program) -> None:
    iid = f"{program.files}/iid"
    log = f"{program.files}/log"
    done = program.run(
        "build",
        "-q",
        "--iidfile",
        iid,
        "--logfile",
        log,
        "-f",
        "-",
        f"{program.files}/ctx",
        input=b"FROM base\nRUN echo logged\n",
    )
    assert read(iid) == f"sha256:{done.stdout.strip()}"
    assert "STEP 2/2: RUN echo logged" in read(log)


def test_check(program: Program) -> None:
    done = program.run(
        "build", "--check", "-f", "-", f"{program.files}/ctx", input=b"FROM base AS X\ncmd a\n", check=False
    )
    assert done.returncode == 1
    assert "Dockerfile:1: StageNameCasing: Stage name 'X' should be lowercase" in done.stdout
    assert "Dockerfile:2: JSONArgsRecommended" in done.stdout
    wrong = build(program, "# check=error=true\nFROM base\nCMD a\n", check=False)
    assert "Error: lint violation found for rules: JSONArgsRecommended" in wrong
    build(program, "# check=error=true\nFROM base\nCMD a\n", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all")


def test_the_example(program: Program) -> None:
    host = os.path.dirname(os.path.realpath(BUSYBOX))
    example = f"{program.files}/hello"
    shutil.copytree(f"{CHECKOUT}/examples/hello", example)
    program.run("build", "--build-context", f"host={host}", "--build-arg", "WHO=you", "-t", "hello", example)
    assert "The page:    <h1>Hello, you</h1>" in program.run("run", "--rm", "--network", "none", "hello").lines


def test_output(program: Program) -> None:
    where = f"{program.files}/out"
    archive = f"{program.files}/out.tar"
    text = "FROM scratch\nCOPY a.txt sub /x/\n"
    build(program, text, "-o", where, "-o", f"type=tar,dest={archive}")
    assert read(f"{where}/x/a.txt") == "a\n"
    assert read(f"{where}/x/deep/d") == "d\n"
    with tarfile.open(archive) as found:
        assert sorted(found.getnames()) == ["x", "x/a.txt", "x/c", "x/deep", "x/deep/d", "x/link"]
    for option, words in (
        ("type=zip,dest=x", "neither local nor tar"),
        ("type=tar", "dest is missing"),
        ("a=b", "unknown key"),
    ):
        assert words in build(program, text, "-o", option, check=False)


def test_pruning_the_cache(new_program: Callable[[str], Program]) -> None:
    program = new_program("")
    context(program, "ctx", {"a.txt": "a\n"})
    text = "FROM scratch\nCOPY a.txt /\n"
    image = build(program, text, "-q").strip()
    assert "Using cache" in build(program, text)
    program.run("builder", "prune", "--force")
    assert "Using cache" not in build(program, text)
    assert "Using cache" in build(program, text)
    program.run("rmi", "--force", image, check=False)
    program.run("system", "prune", "--force")
    assert os.listdir(f"{program.root}/layers") == []


def test_layers_are_buildahs_choice_under_its_name(program: Program) -> None:
    text = b"FROM base\nRUN echo 1 > /1\nRUN echo 2 > /2\n"
    base = len(program.run("image", "inspect", "base").json()[0]["RootFS"]["Layers"])
    for name, command, flags, layers in (
        ("buildah", "bud", (), 1),
        ("buildah", "build", ("--layers",), 2),
        ("podman", "build", (), 2),
    ):
        program.run(command, *flags, "-t", "named", "-f", "-", f"{program.files}/ctx", input=text, name=name)
        assert len(program.run("image", "inspect", "named").json()[0]["RootFS"]["Layers"]) == base + layers


def test_several_platforms_make_a_list(program: Program) -> None:
    text = "FROM scratch\nARG TARGETARCH\nENV A=$TARGETARCH\nCOPY a.txt /\n"
    platforms = ("--platform", "linux/arm64,linux/amd64")
    output = build(program, text, "-q", *platforms, "-t", "multi", "--manifest", "all")
    built = [program.run("image", "inspect", name).json()[0] for name in output.split()]
    assert [(image["Architecture"], image["Config"]["Env"][1]) for image in built] == [
        ("arm64", "A=arm64"),
        ("amd64", "A=amd64"),
    ]
    for name in ("multi", "all"):
        entries = program.run("manifest", "inspect", name).json()["manifests"]
        assert [entry["platform"]["architecture"] for entry in entries] == ["arm64", "amd64"]
        program.run("manifest", "rm", name)
    log = f"{program.files}/log"
    build(program, text, *platforms, "--logfile", log)
    assert read(log).count("STEP 1/4: FROM scratch") == 2
    build(program, text, *platforms, "--logfile", log, "--logsplit")
    assert all(read(f"{log}_linux_{name}").count("STEP 1/4: FROM scratch") == 1 for name in ("arm64", "amd64"))
    failed = build(program, "FROM base\nRUN true\n", "--platform", "linux/s390x", "--pull=never", check=False)
    assert "is for linux/amd64, not linux/s390x" in failed or "image not known" in failed


def test_the_cache_in_a_directory(new_program: Callable[[str], Program]) -> None:
    first, second = new_program(""), new_program("")
    cache = f"{first.base}/cache"
    text = f"{BASE}RUN --mount=type=cache,target=/c,id=x [ -f /c/kept ] || echo kept > /c/kept\nCOPY a.txt /\n"
    for program in (first, second):
        context(program, "ctx", {"a.txt": "a\n"})
        shutil.copyfile(BUSYBOX, f"{program.files}/ctx/busybox")
        os.chmod(f"{program.files}/ctx/busybox", 0o755)
    image = build(first, text, "-q", "--cache-to", f"type=local,dest={cache},mounts=true").strip()
    output = build(second, text, "-t", "again", "--cache-from", f"type=local,src={cache},mounts=true")
    assert output.count("Using cache") == 4
    assert output.splitlines()[-1] == image
    done = f"{BASE}RUN --mount=type=cache,target=/c,id=x cat /c/kept\n"
    assert "kept" in build(second, done)
    archive = f"{second.files}/again.tar"
    second.run("save", "-o", archive, "again")
    assert os.path.getsize(archive) > os.path.getsize(BUSYBOX)
    (layer, *_) = sorted(os.listdir(f"{cache}/layers"))
    with open(f"{cache}/layers/{layer}", "r+b") as file:
        file.write(b"damaged")
    third = new_program("")
    shutil.copytree(f"{first.files}/ctx", f"{third.files}/ctx")
    assert build(third, text, "--cache-from", f"type=local,src={cache}").count("Using cache") < 4
    wrong = build(third, text, "--cache-from", "type=gha,scope=x", check=False)
    assert "in a directory (local) or at a registry" in wrong


def test_root_and_rootless_give_the_same_image(argosy: Program, argosy_user: Program) -> None:
    text = f"{BASE}WORKDIR /w\nCOPY --chown=5:6 sub /sub\nRUN echo a > a && ln a b && ln -s a c && rm /bin/vi\nUSER 7\n"
    made = set()
    for program, when in ((argosy, 1_650_000_000), (argosy_user, 1_700_000_000)):  # whose files are of two dates
        context(program, "ctx", {"sub/a": "a\n", "sub/b/c": "c\n"})
        shutil.copyfile(BUSYBOX, f"{program.files}/ctx/busybox")
        os.chmod(f"{program.files}/ctx/busybox", 0o755)
        for name in ("busybox", "sub/a", "sub/b/c", "sub/b"):
            os.utime(f"{program.files}/ctx/{name}", (when, when))
        words = ("build", "-q", "-f", "-", f"{program.files}/ctx")
        done = program.run(*words, input=text.encode(), env={"SOURCE_DATE_EPOCH": "1600000000"})
        made.add(done.stdout)
    assert len(made) == 1
