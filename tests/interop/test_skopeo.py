"""skopeo's commands under its name, compared with skopeo itself on the same images."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import replace

import pytest

from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import Registry, encode, image, sha256

INSECURE = "--tls-verify=false"


def skopeo(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The peer."""
    if host.program("skopeo") is None:
        pytest.skip("skopeo is not installed")
    with tempfile.TemporaryDirectory() as runtime:  # or else it asks root's directory for credentials
        environ = {**os.environ, "XDG_RUNTIME_DIR": os.environ.get("XDG_RUNTIME_DIR", runtime)}
        return subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False, env=environ)


def ours(program: Program, *arguments: str, check: bool | int = True) -> str:
    done = program.run(*arguments, name="skopeo", check=check)
    return done.stdout if check is True else done.stderr


def test_inspect_and_list_tags(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"bin/hello": b"hello"}, {"data": os.urandom(10_000)}])
    reference = insecure_registry.push("skopeo/one", "1", made)
    insecure_registry.push("skopeo/one", "2", made)
    target = f"docker://{reference}"
    documents: tuple[tuple[str, ...], ...] = (
        ("inspect", INSECURE, target),
        ("inspect", INSECURE, "--no-tags", target),
        ("inspect", INSECURE, "--config", target),
        ("list-tags", INSECURE, f"docker://{insecure_registry.name}/skopeo/one"),
    )
    for arguments in documents:
        document, theirs = json.loads(ours(argosy, *arguments)), json.loads(skopeo(*arguments).stdout)
        if "LayersData" not in theirs:
            document.pop("LayersData", None)  # came with skopeo 1.10
        assert document == theirs, arguments
    texts: tuple[tuple[str, ...], ...] = (
        ("inspect", INSECURE, "--raw", target),
        ("inspect", INSECURE, "--raw", "--config", target),
        ("inspect", INSECURE, "--format", "{{.Name}} {{.Digest}} {{.Architecture}}", target),
    )
    for arguments in texts:
        assert ours(argosy, *arguments).rstrip("\n") == skopeo(*arguments).stdout.rstrip("\n"), arguments


def test_a_config_that_says_little_and_the_flag_of_both_sides(argosy: Program, insecure_registry: Registry) -> None:
    made = image([{"a": b"little"}])
    manifest = json.loads(made.manifest)
    rootfs = json.loads(made.blobs[manifest["config"]["digest"]])["rootfs"]
    config = encode({"architecture": "amd64", "os": "linux", "rootfs": rootfs})
    manifest["config"].update(digest=sha256(config), size=len(config))
    little = replace(made, manifest=encode(manifest), blobs={**made.blobs, sha256(config): config})
    target = f"docker://{insecure_registry.push('skopeo/little', '1', little)}"
    assert json.loads(ours(argosy, "inspect", INSECURE, target))["Created"] is None
    assert json.loads(ours(argosy, "inspect", "--config", INSECURE, target)) == json.loads(
        skopeo("inspect", "--config", INSECURE, target).stdout
    )
    copied = argosy.run("copy", "-q", INSECURE, target, f"{target}-again", name="skopeo")
    assert "'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify" in copied.stderr


def test_local_places(argosy: Program, insecure_registry: Registry) -> None:
    reference = insecure_registry.push("skopeo/local", "1", image([{"a": b"local"}]))
    identity = argosy.run("pull", "-q", INSECURE, reference).lines[0]
    for form in ("oci-archive", "oci-dir", "docker-archive", "docker-dir"):
        path = f"{argosy.files}/{form}"
        argosy.run("save", "-q", "--format", form, "-o", path, reference)
        transport = {"oci-dir": "oci", "docker-dir": "dir"}.get(form, form)
        arguments = ("inspect", "--config", f"{transport}:{path}")
        assert json.loads(ours(argosy, *arguments)) == json.loads(skopeo(*arguments).stdout), form
    assert json.loads(ours(argosy, "list-tags", f"docker-archive:{argosy.files}/docker-archive")) == {
        "Tags": [reference]
    }
    manifest = ours(argosy, "inspect", "--raw", f"containers-storage:{identity}")
    path = argosy.write("manifest.json", manifest)
    assert ours(argosy, "manifest-digest", path) == skopeo("manifest-digest", path).stdout
    assert ours(argosy, "manifest-digest", path).strip() == insecure_registry_digest(argosy, reference)


def insecure_registry_digest(program: Program, reference: str) -> str:
    return program.run("image", "inspect", "--format", "{{.Digest}}", reference).lines[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("inspect", "foo"), "expected colon-separated transport:reference"),
        (("inspect", "foo:bar"), 'unknown transport "foo"'),
        (("inspect", "docker:foo"), "docker: image reference does not start with //"),
        (("inspect", "docker-daemon:foo"), "docker-daemon"),
        (("inspect", "dir:/nosuch"), "/nosuch"),
        (("inspect", "oci:/nosuch"), "/nosuch"),
        (("inspect", "oci-archive:/nosuch"), "/nosuch"),
        (("inspect", "docker-archive:/dev/null"), "manifest.json"),
        (("inspect", "containers-storage:nosuch"), "image not known"),
        (("list-tags", "dir:/x"), "Unsupported transport 'dir' for tag listing"),
        (("list-tags", "docker://a/b:tag"), "no tag or digest is allowed here"),
        (("inspect", "--creds", "a:b", "--no-creds", "docker://a"), "at the same time"),
        (("inspect", "--password", "b", "docker://a"), "password cannot be specified without username"),
        (("manifest-digest", "/nosuch"), "open /nosuch: no such file or directory"),
    ],
)
def test_what_does_not_go(argosy: Program, arguments: tuple[str, ...], said: str) -> None:
    assert said in ours(argosy, *arguments, check=1)
