"""The build cache at a registry, and what is pruned of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable

from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import OCI_MANIFEST, Registry

BUSYBOX = shutil.which("busybox") or "/bin/busybox"
TEXT = """FROM scratch AS tools
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM tools
RUN --mount=type=cache,target=/c,id=x [ -f /c/kept ] || echo kept > /c/kept
COPY a.txt /
"""


def make_context(program: Program) -> None:
    os.mkdir(f"{program.files}/ctx")
    shutil.copyfile(BUSYBOX, f"{program.files}/ctx/busybox")
    os.chmod(f"{program.files}/ctx/busybox", 0o755)
    program.write("ctx/a.txt", "a\n")


def build(program: Program, text: str, *flags: str, check: bool = True) -> tuple[str, str]:
    """What was written to the output, and to the errors."""
    words = ("build", "--network", "none", *flags, "-f", "-", f"{program.files}/ctx")
    done = program.run(*words, input=text.encode(), check=check)
    return done.stdout, done.stderr


def manifest(registry: Registry, repository: str, tag: str) -> dict[str, list[dict[str, dict[str, str]]]]:
    url = f"http://{registry.name}/v2/{repository}/manifests/{tag}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": OCI_MANIFEST})) as answer:
        found: dict[str, list[dict[str, dict[str, str]]]] = json.load(answer)
    return found


def test_the_cache_at_a_registry(insecure_registry: Registry, new_program: Callable[[str], Program]) -> None:
    first, second, third = new_program(""), new_program(host.TEST_USER if host.user_exists() else ""), new_program("")
    for program in (first, second, third):
        make_context(program)
    place = f"{insecure_registry.name}/cached/app"
    there = ("--tls-verify=false", "--cache-from", f"type=registry,ref={place}:ci,mounts=true")
    sent = ("--tls-verify=false", "--cache-to", f"type=registry,ref={place}:ci,mounts=true")
    output, told = build(first, TEXT, *there, *sent)
    assert "Using cache" not in output
    assert f"the cache {place}:ci cannot be read" in told
    image = output.splitlines()[-1]

    output, told = build(second, TEXT, *there)  # another user, another store
    assert (output.count("Using cache"), output.splitlines()[-1], told) == (4, image, "")
    assert "kept" in build(second, f"{TEXT}RUN --mount=type=cache,target=/c,id=x cat /c/kept\n")[0]

    build(first, TEXT.replace("a.txt /", "a.txt /b"), *sent)  # adds to what is there, and sends no layer again
    found = manifest(insecure_registry, "cached/app", "ci")["layers"]
    kinds = [name.rpartition(".")[2] for layer in found for name in layer["annotations"]]
    assert (kinds.count("layer"), kinds.count("mount")) == (5, 1)
    build(third, TEXT, "--tls-verify=false", "--cache-from", f"{place}:ci", "--cache-to", place)
    output, _ = build(third, TEXT.replace("a.txt /", "a.txt /b"), *there, "--cache-from", f"{place}:absent")
    assert output.count("Using cache") == 4
    assert manifest(insecure_registry, "cached/app", "buildcache")["layers"]

    wrong = build(third, TEXT, "--no-cache", "--cache-to", "localhost:1/none", check=False)[1]
    assert "cannot reach the registry localhost:1" in wrong


def test_what_a_registry_says_is_not_believed(insecure_registry: Registry, argosy: Program) -> None:
    """An image of another kind, and a cache whose layers are not what they are said to be."""
    make_context(argosy)
    place = f"{insecure_registry.name}/believed/app"
    build(argosy, TEXT, "--tls-verify=false", "-t", f"{place}:image", "--push")
    build(argosy, TEXT, "--tls-verify=false", "--cache-to", f"{place}:good")
    document = manifest(insecure_registry, "believed/app", "good")
    first, second, *_ = document["layers"]
    first["annotations"], second["annotations"] = second["annotations"], first["annotations"]
    request = urllib.request.Request(
        f"http://{insecure_registry.name}/v2/believed/app/manifests/bad",
        data=json.dumps(document).encode(),
        headers={"Content-Type": OCI_MANIFEST},
        method="PUT",
    )
    with urllib.request.urlopen(request):
        pass
    argosy.run("rmi", "-a", "-f")
    assert "keep-storage" in argosy.run("builder", "prune", "-f", "--keep-storage", "much", check=False).stderr
    argosy.run("builder", "prune", "-f", "--max-used-space", "1g", "--min-free-space", "1k")
    assert build(argosy, TEXT)[0].count("Using cache") == 4
    argosy.run("rmi", "-a", "-f")
    assert argosy.run("builder", "prune", "-f", "--keep-storage", "1k").stdout != "Total reclaimed space: 0B\n"
    others = ("--cache-from", f"{place}:image", "--cache-from", f"{place}:bad")
    output, told = build(argosy, TEXT, "--tls-verify=false", *others)
    assert "this is something else" in told
    assert "its archive has another digest" in told
    assert output.count("Using cache") < 4


WAITS = (
    TEXT
    + """RUN echo ran >> /host/runs; echo running; until [ -e /host/go ]; do sleep 0.1; done
COPY a.txt /last
"""
)


def test_builds_share_the_cache_and_outlive_a_kill(argosy_both: Program) -> None:
    """A build is killed in a step; of two that come to that step at once, one carries it out."""
    make_context(argosy_both)
    os.mkdir(f"{argosy_both.files}/host", 0o777)
    os.chmod(f"{argosy_both.files}/host", 0o777)
    words = (
        "build",
        "--network",
        "none",
        "-v",
        f"{argosy_both.files}/host:/host",
        "-f",
        "-",
        f"{argosy_both.files}/ctx",
    )

    def started() -> subprocess.Popen[bytes]:
        process = argosy_both.start(*words, stdin=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(WAITS.encode())
        process.stdin.close()
        process.stdin = None
        return process

    def wait_for(process: subprocess.Popen[bytes], line: bytes) -> str:
        assert process.stdout is not None
        seen = b""
        while line not in seen:
            assert process.poll() is None, seen
            seen += process.stdout.readline()
        return seen.decode()

    killed = started()
    wait_for(killed, b"running\n")
    killed.kill()
    killed.wait()
    for pipe in (killed.stdout, killed.stderr):  # the step, which still runs, holds their other ends
        assert pipe is not None
        pipe.close()
    first = started()
    assert wait_for(first, b"running\n").count("Using cache") == 4
    second = started()
    wait_for(second, b"STEP 4/5")
    argosy_both.write("host/go", "")
    output, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors
    image = output.splitlines()[-1]
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert output.splitlines()[-1] == image
    with open(f"{argosy_both.files}/host/runs", encoding="utf-8") as file:
        assert file.read() == "ran\n" * 2
