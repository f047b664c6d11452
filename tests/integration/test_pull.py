"""`pull` from real registries, with TLS and a password and without, as root and as a user."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.rig.hostile_registry import Exchange, Hostile, serves
from tests.rig.program import Program, finish
from tests.rig.registry import Image, Registry, image, index

INSECURE = "--tls-verify=false"


def id_of(made: Image) -> str:
    """The image id: the config's digest."""
    digest: str = json.loads(made.manifest)["config"]["digest"]
    return digest.removeprefix("sha256:")


def names(program: Program) -> list[str]:
    """Repository and tag of all images."""
    return sorted(program.run("images", "--format", "{{.Repository}}:{{.Tag}}").lines)


def test_from_a_registry_with_tls_and_a_password(argosy_both: Program, registry: Registry) -> None:
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(100_000)}])
    reference = registry.push("pull/tls", "1", made)
    certificates = ("--cert-dir", registry.certificate_directory)
    creds = f"{registry.user}:{registry.password}"
    done = argosy_both.run("pull", *certificates, "--creds", creds, reference)
    assert done.lines == [id_of(made)]
    layers = [layer["digest"] for layer in json.loads(made.manifest)["layers"]]
    assert done.stderr.splitlines()[:2] == [f"Trying to pull {reference}...", "Getting image source signatures"]
    assert {f"Copying blob {digest}" for digest in layers} <= set(done.stderr.splitlines())
    assert f"Copying config sha256:{id_of(made)}" in done.stderr
    assert "Writing manifest to image destination" in done.stderr
    assert names(argosy_both) == [reference]
    document = argosy_both.run("image", "inspect", reference).json()[0]
    assert document["Id"] == id_of(made)
    assert document["Digest"] == made.digest
    assert document["RepoDigests"] == [f"{registry.name}/pull/tls@{made.digest}"]


def test_credentials_from_a_file_and_wrong_ones(argosy: Program, registry: Registry) -> None:
    reference = registry.push("pull/auth", "1", image())
    certificates = ("--cert-dir", registry.certificate_directory)
    good = registry.auth_file(f"{argosy.files}/auth.json")
    bad = registry.auth_file(f"{argosy.files}/bad.json", password="wrong")
    assert argosy.run("pull", "-q", *certificates, "--authfile", good, reference).stderr == ""
    for arguments in (("--authfile", bad), ("--creds", "argosy:wrong"), ()):
        refused = argosy.run("pull", *certificates, *arguments, reference, check=125)
        assert "unauthorized" in refused.stderr
        assert "argosy login" in refused.stderr
        assert "wrong" not in refused.stderr
    refused = argosy.run("pull", "--authfile", good, reference, check=125)
    assert "certificate" in refused.stderr


def test_quiet_prints_ids_only(argosy: Program, insecure_registry: Registry) -> None:
    one, two = image([{"a": b"1"}]), image([{"a": b"2"}])
    references = [insecure_registry.push("pull/quiet", tag, made) for tag, made in (("1", one), ("2", two))]
    done = argosy.run("pull", "-q", INSECURE, *references)
    assert done.lines == [id_of(one), id_of(two)]
    assert done.stderr == ""
    assert argosy.run("pull", INSECURE, f"docker://{references[0]}").lines == [id_of(one)]


def test_one_that_fails_does_not_keep_the_others_from_it(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"a": b"1"}])
    reference = insecure_registry.push("pull/some", "1", made)
    done = argosy.run("pull", "-q", INSECURE, f"{insecure_registry.name}/pull/absent:1", reference, check=125)
    assert done.lines == [id_of(made)]
    assert "manifest unknown" in done.stderr


def test_what_is_not_there(argosy: Program, insecure_registry: Registry) -> None:
    insecure_registry.push("pull/there", "1", image())
    for name in ("pull/there:2", "pull/nowhere"):
        failed = argosy.run("pull", INSECURE, f"{insecure_registry.name}/{name}", check=125)
        assert "manifest unknown" in failed.stderr
        assert failed.stdout == ""
    assert "--tls-verify=false" in argosy.run("pull", f"{insecure_registry.name}/pull/there:1", check=125).stderr
    assert "lowercase" in argosy.run("pull", "localhost/UPPER", check=125).stderr
    assert "requires at least 1 arg" in argosy.run("pull", check=125).stderr
    config = argosy.write("none.conf", "")
    short = argosy.run("pull", "no-such-short-name", check=125, env={"CONTAINERS_REGISTRIES_CONF": config})
    assert 'short-name "no-such-short-name" did not resolve' in short.stderr
    assert names(argosy) == []


def test_platforms(argosy: Program, insecure_registry: Registry) -> None:
    offered = {arch: image([{"arch": arch.encode()}], architecture=arch) for arch in ("amd64", "arm64", "s390x")}
    several = index([(made, {"os": "linux", "architecture": arch}) for arch, made in offered.items()])
    reference = insecure_registry.push("pull/platforms", "1", several)
    pull = ("pull", "-q", INSECURE)
    assert argosy.run(*pull, "--platform", "linux/arm64", reference).lines == [id_of(offered["arm64"])]
    assert argosy.run(*pull, "--arch", "s390x", reference).lines == [id_of(offered["s390x"])]
    assert argosy.run(*pull, "--os", "linux", "--arch", "x86_64", reference).lines == [id_of(offered["amd64"])]
    failed = argosy.run(*pull, "--platform", "linux/riscv64", reference, check=125)
    assert "no image found" in failed.stderr
    assert "linux/amd64, linux/arm64, linux/s390x" in failed.stderr
    failed = argosy.run(*pull, "--platform", "linux/arm64", "--arch", "arm64", reference, check=125)
    assert "--platform option can not be specified with --arch or --os" in failed.stderr
    assert "platform" in argosy.run(*pull, "--platform", "a/b/c/d", reference, check=125).stderr
    assert len(argosy.run("images", "-q").lines) == 3  # the name went from one to the next
    single = insecure_registry.push("pull/single", "1", offered["s390x"])
    told = argosy.run(*pull, "--platform", "linux/arm64", single)
    assert "image platform (linux/s390x) does not match the expected platform (linux/arm64)" in told.stderr


def test_all_tags(argosy: Program, insecure_registry: Registry) -> None:
    for tag in ("1", "2", "latest"):
        insecure_registry.push("pull/tags", tag, image([{"tag": tag.encode()}]))
    repository = f"{insecure_registry.name}/pull/tags"
    done = argosy.run("pull", "--all-tags", "-q", INSECURE, repository)
    assert len(set(done.lines)) == 3
    assert names(argosy) == [f"{repository}:{tag}" for tag in ("1", "2", "latest")]
    assert "without a tag" in argosy.run("pull", "-a", INSECURE, f"{repository}:1", check=125).stderr


def test_by_digest(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"a": b"digest"}])
    insecure_registry.push("pull/digest", "1", made)
    repository = f"{insecure_registry.name}/pull/digest"
    by_digest = f"{repository}@{made.digest}"
    assert argosy.run("pull", "-q", INSECURE, by_digest).lines == [id_of(made)]
    assert names(argosy) == [f"{repository}:<none>"]
    assert argosy.run("images", "-q", "--filter", "dangling=true").lines == []
    assert argosy.run("image", "prune", "-f").stdout == ""
    assert argosy.run("image", "exists", by_digest, check=False).returncode == 0
    absent = f"{repository}@sha256:{'0' * 64}"
    assert "manifest unknown" in argosy.run("pull", INSECURE, absent, check=125).stderr
    assert argosy.run("rmi", by_digest).lines == [f"Untagged: {by_digest}", f"Deleted: {id_of(made)}"]


def test_policies(argosy: Program, insecure_registry: Registry) -> None:
    one, two = image([{"v": b"1"}]), image([{"v": b"2"}])
    reference = insecure_registry.push("pull/policy", "1", one)
    pull = ("pull", "-q", INSECURE)
    assert "image not known" in argosy.run(*pull, "--policy", "never", reference, check=125).stderr
    assert argosy.run(*pull, "--policy", "missing", reference).lines == [id_of(one)]
    insecure_registry.push("pull/policy", "1", two)
    assert argosy.run(*pull, "--policy", "missing", reference).lines == [id_of(one)]
    assert argosy.run(*pull, "--policy", "never", reference).lines == [id_of(one)]
    assert argosy.run(*pull, "--policy", "newer", reference).lines == [id_of(two)]
    assert argosy.run(*pull, reference).lines == [id_of(two)]
    assert "pull policy" in argosy.run(*pull, "--policy", "often", reference, check=125).stderr


def test_short_names_and_rewritten_locations(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"a": b"short"}])
    insecure_registry.push("pull/short", "latest", made)
    config = argosy.write(
        "registries.conf",
        f'unqualified-search-registries = ["nowhere.invalid", "{insecure_registry.name}"]\n'
        f'[aliases]\n"nick" = "{insecure_registry.name}/pull/short"\n'
        f'[[registry]]\nprefix = "rewritten.test/here"\nlocation = "{insecure_registry.name}/pull"\ninsecure = true\n'
        f'[[registry]]\nlocation = "blocked.test"\nblocked = true\n',
    )
    environment = {"CONTAINERS_REGISTRIES_CONF": config}
    assert argosy.run("pull", "-q", INSECURE, "nick", env=environment).lines == [id_of(made)]
    assert argosy.run("pull", "-q", "rewritten.test/here/short", env=environment).lines == [id_of(made)]
    assert argosy.run("pull", "-q", INSECURE, "pull/short", env=environment).lines == [id_of(made)]
    assert names(argosy) == sorted((f"{insecure_registry.name}/pull/short:latest", "rewritten.test/here/short:latest"))
    assert "blocked" in argosy.run("pull", "blocked.test/x", env=environment, check=125).stderr


def test_what_the_store_has_is_not_fetched(argosy: Program) -> None:
    base = {"base": os.urandom(50_000)}
    first, second = image([base, {"a": b"1"}]), image([base, {"b": b"2"}])
    with Hostile(serves(first)) as server:
        argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest")
        server.script = serves(second)
        del server.seen[:]
        done = argosy.run("pull", INSECURE, f"{server.name}/x:latest")
        shared = json.loads(first.manifest)["layers"][0]["digest"]
        assert f"Copying blob {shared} skipped: already exists" in done.stderr
        assert not any(shared in path for path in server.paths())
        del server.seen[:]
        argosy.run("pull", INSECURE, f"{server.name}/x:latest")
        assert not any("/blobs/" in path for path in server.paths())


def test_a_killed_pull_is_continued(argosy: Program) -> None:
    made = image([{"big": os.urandom(3_000_000)}])
    blob = json.loads(made.manifest)["layers"][0]["digest"]
    honest = serves(made)

    def half(exchange: Exchange) -> None:
        if blob not in exchange.path:
            honest(exchange)
            return
        data = made.blobs[blob]
        exchange.start(200, {"Content-Length": str(len(data))})
        exchange.send(data[: len(data) // 2])
        exchange.stall()

    with Hostile(half) as server:
        reference = f"{server.name}/x:latest"
        process = argosy.start("pull", INSECURE, reference)
        partial = f"{argosy.root}/tmp/ingest-{blob.removeprefix('sha256:')}"
        deadline = time.monotonic() + 30
        while not (os.path.exists(partial) and os.stat(partial).st_size > 1_000_000):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        finish(process, check=False)
        kept = os.stat(partial).st_size
        assert names(argosy) == []
    ranges: list[str] = []

    def resumed(exchange: Exchange) -> None:
        if blob in exchange.path:
            ranges.append(exchange.headers.get("range", ""))
            start = int(ranges[-1].removeprefix("bytes=").removesuffix("-") or 0)
            data = made.blobs[blob]
            span = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            exchange.answer(206, data[start:], span)
        else:
            honest(exchange)

    with Hostile(resumed) as server:
        assert argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest").lines == [id_of(made)]
    assert ranges == [f"bytes={kept}-"]
    assert [name for name in os.listdir(f"{argosy.root}/tmp") if name.startswith(("ingest", "layer"))] == []


def test_interrupted_by_the_user(argosy: Program) -> None:
    made = image([{"big": os.urandom(1_000_000)}, {"a": b"1"}])
    blob = json.loads(made.manifest)["layers"][0]["digest"]
    honest = serves(made)

    def slow(exchange: Exchange) -> None:
        if blob not in exchange.path:
            honest(exchange)
            return
        data = made.blobs[blob]
        exchange.start(200, {"Content-Length": str(len(data))})
        for start in range(0, len(data), 20_000):
            exchange.send(data[start : start + 20_000])
            time.sleep(0.1)

    with Hostile(slow) as server:
        process = argosy.start("pull", INSECURE, f"{server.name}/x:latest")
        while not any(blob in path for path in server.paths()):
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        done = finish(process, check=False, timeout_s=20)
        assert done.returncode == 130
        assert "Traceback" not in done.stderr
        assert names(argosy) == []
        assert not any(name.startswith("layer-") for name in os.listdir(f"{argosy.root}/tmp"))
        server.script = honest
        argosy.run("pull", "-q", INSECURE, f"{server.name}/x:latest")


def test_many_pulls_of_one_image_at_once(argosy: Program) -> None:
    made = image([{f"f{number}": os.urandom(200_000)} for number in range(4)])
    with Hostile(serves(made)) as server:
        running = [argosy.start("pull", "-q", INSECURE, f"{server.name}/x:latest") for _ in range(8)]
        for process in running:
            assert finish(process).stdout.strip() == id_of(made)
        fetched = [path for path in server.paths() if "/blobs/" in path and id_of(made) not in path]
    assert len(fetched) == len(set(fetched)) == 4
    assert names(argosy) == [f"{server.name}/x:latest"]


def test_a_full_disk_is_told_and_leaves_nothing(argosy: Program, insecure_registry: Registry) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    made = image([{"big": os.urandom(6_000_000)}])
    reference = insecure_registry.push("pull/full", "1", made)
    small = f"{argosy.base}/small"
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small], check=True)
    try:
        flags = ["--root", f"{small}/root"]
        failed = argosy.run(*flags, "pull", INSECURE, reference, check=125)
        assert "space" in failed.stderr
        assert "prune" in failed.stderr
        assert argosy.run(*flags, "images", "-q").stdout == ""
        assert not any(name.startswith("layer-") for name in os.listdir(f"{small}/root/tmp"))
        subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
        assert argosy.run(*flags, "pull", "-q", INSECURE, reference).lines == [id_of(made)]
    finally:
        shutil.rmtree(f"{small}/root", ignore_errors=True)
        subprocess.run(["umount", "-l", small], check=True)
