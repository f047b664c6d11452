"""What the real docker client prints of the objects that we have, from a daemon that answers with just those."""

from __future__ import annotations

import json
import re
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from argosy.images import timestamps
from tests.rig import host
from tests.rig.program import Program

pytestmark = host.needs_program("docker")

CALLS: tuple[tuple[str, ...], ...] = (
    ("images",),
    ("images", "--no-trunc"),
    ("images", "--quiet"),
    ("images", "--format", "json"),
    ("images", "--format", "table {{.ID}}\\t{{.Repository}}:{{.Tag}} {{.VirtualSize}}"),
    ("images", "--format", "{{.Foo}}"),
    ("history", "one:latest"),
    ("history", "--no-trunc", "one:latest"),
    ("history", "--human=false", "one:latest"),
    ("history", "--quiet", "one:latest"),
    ("history", "--format", "json", "one:latest"),
    ("history", "--format", "table {{.ID}}\\t{{.Comment}}", "one:latest"),
    ("volume", "ls"),
    ("volume", "ls", "--format", "json"),
    ("volume", "ls", "--format", 'table {{.Name}}\\t{{.Label "a"}}'),
    ("network", "ls"),
    ("network", "ls", "--no-trunc"),
    ("network", "ls", "--quiet"),
    (
        "network",
        "ls",
        "--format",
        '{{json .ID}} {{json .Labels}} {{json .IPv4}} {{if eq .Name "vault"}}{{.CreatedAt}}{{end}}',
    ),
    ("network", "ls", "--format", 'table {{.Name}}\\t{{.IPv6}} {{.Internal}}\\t{{.Label "a"}}'),
    ("network", "ls", "--format", "{{.Foo}}"),
    ("network", "inspect", "vault"),
    ("network", "inspect", "--verbose", "vault", "--format", "{{.Driver}} {{json .IPAM.Config}} {{.Options}}"),
    ("network", "inspect", "vault", "nosuch"),
    ("network", "rm", "nosuch"),
    ("ps", "--all"),
    ("ps", "--all", "--no-trunc"),
    ("ps", "--all", "--format", 'table {{.Names}}\\t{{.Label "a"}}\\t{{.Mounts}}\\t{{.LocalVolumes}}'),
    ("ps", "--all", "--format", "{{.Label}}"),
    ("system", "df"),
    ("system", "df", "--format", "json"),
    ("system", "df", "--format", "table {{.Type}}\\t{{.TotalCount}}"),
    ("system", "df", "--verbose"),
)


@pytest.fixture
def daemon(argosy: Program, busybox: str) -> Iterator[str]:
    """The socket of a daemon that knows what is in the store of `argosy`."""
    argosy.run("tag", busybox, "docker.io/library/one:latest")
    argosy.run("tag", busybox, "localhost:5000/some/where:1.0")
    argosy.run("rmi", busybox)
    argosy.run("volume", "create", "--label", "a=b", "--label", "x", "data")
    argosy.run(
        "network", "create", "--internal", "--label", "a=b", "--subnet", "10.218.7.0/24", "-o", "mtu=1400", "vault"
    )
    flags = ("--network", "none", "--label", "a=b", "-v", "data:/data", "-v", "/usr/share/doc:/a:ro")
    argosy.run("create", "--name", "web", *flags, "docker.io/library/one:latest", "sleep", "1000")
    answers = _answers(argosy)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(_endpoint(self.path))
            body = b"OK" if self.path == "/_ping" else json.dumps(answer or {"message": "not found"}).encode()
            self.send_response(200 if answer or self.path == "/_ping" else 404)
            for header in ("Api-Version: 1.50", "Content-Type: application/json", f"Content-Length: {len(body)}"):
                self.send_header(*header.split(": "))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_DELETE = do_GET

        def log_message(self, *_arguments: Any) -> None:
            pass

        def address_string(self) -> str:
            return "a socket"

    path = f"{argosy.base}/docker.sock"
    with socketserver.ThreadingUnixStreamServer(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def _endpoint(path: str) -> str:
    return re.sub(r"^/v[\d.]+/|\?.*$", "", path).replace("images/one:latest/history", "history")


def _answers(argosy: Program) -> dict[str, Any]:
    """docker's documents, of what podman's say."""
    image, _ = argosy.run("images", "--format", "json").json()
    (container,) = argosy.run("ps", "--all", "--format", "json").json()
    (volume,) = argosy.run("volume", "inspect", "data").json()
    names = [name.removeprefix("docker.io/library/") for name in image["Names"]]
    size, used = image["Size"], 0
    listed = {"Id": f"sha256:{image['Id']}", "RepoTags": names, "RepoDigests": [], "Size": size, "VirtualSize": size}
    listed |= {"Created": image["Created"], "SharedSize": 0, "Containers": 1}
    made = {"Id": container["Id"], "Names": ["/web"], "Image": "one", "Command": "sleep 1000", "State": "created"}
    made |= {"Created": container["Created"], "Status": "Created", "Labels": container["Labels"], "Ports": []}
    made["Mounts"] = [
        {"Type": "bind", "Source": "/usr/share/doc", "Destination": "/a"},
        {"Type": "volume", "Name": "data", "Driver": "local", "Destination": "/data"},
    ]
    steps = [
        {
            "Id": step["id"] if step["id"].startswith("<") else f"sha256:{step['id']}",
            "Created": timestamps.parse(step["created"]) // 1_000_000_000,
            "CreatedBy": step["CreatedBy"],
            "Size": step["size"],
            "Comment": step.get("comment", ""),
        }
        for step in argosy.run("history", "--format", "json", "one:latest").json()
    ]
    names = argosy.run("network", "ls", "--format", "{{.Name}}", name="docker").lines
    networks = argosy.run("network", "inspect", *names, name="docker").json()
    known = {key: volume[key] for key in ("Name", "Driver", "Mountpoint", "Labels", "Scope")}
    measured = {**known, "UsageData": {"RefCount": 1, "Size": used}}
    disk = {"LayersSize": size, "Images": [listed], "Containers": [made], "Volumes": [measured], "BuildCache": []}
    return {
        "images/json": [{**listed, "SharedSize": -1, "Containers": -1}],
        "history": steps,
        "containers/json": [made],
        "volumes": {"Volumes": [known]},
        "networks": networks,
        "networks/vault": next(network for network in networks if network["Name"] == "vault"),
        "system/df": disk,
    }


def test_same_words_same_answers(argosy: Program, daemon: str) -> None:
    client = host.program("docker") or ""
    different = []
    for words in CALLS:
        command = [client, "--host", f"unix://{daemon}", *words]
        theirs = subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": argosy.base})
        ours = argosy.run(*words, check=False, name="docker")
        if _lines(words, ours.stdout) != _lines(words, theirs.stdout) or (ours.returncode == 0) != (
            theirs.returncode == 0
        ):
            different.append(f"{words}:\n{theirs.stdout}{theirs.stderr}is here\n{ours.stdout}{ours.stderr}")
    assert "\n".join(different) == ""


def _lines(words: tuple[str, ...], text: str) -> list[str]:
    """The lines; those of `images` in one order, since docker leaves that of one image's names to chance."""
    lines = _plain(text).splitlines()
    return sorted(lines) if words[0] == "images" else lines


def _plain(text: str) -> str:
    """Without what changes while the test runs, the widths of columns too, and without the field Platform."""
    text = re.sub(r"(Less than a|\d+|About a) (second|minute)s?( ago)?", "AGO", text).replace('"Platform":null,', "")
    text = text.replace("x=,a=b", "a=b,x=")  # docker leaves the order to chance
    return re.sub(r" {2,}", "  ", text).replace("  \n", "\n")
