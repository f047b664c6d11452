"""The pull of a large image: 3 layers, 50,000 files, 900 MB, from a registry on this machine into an empty store."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench import peers, work
from bench.timing import Result

LAYERS = 3
FILES = 50_000
TOTAL_BYTES = 900 << 20
_TMPFS = "/dev/shm"


def measure(base: str, *, runs: int = 3) -> Iterator[Result]:
    """Pull on tmpfs and on disk, beside podman.  Yields nothing where there is no docker-registry."""
    if shutil.which("docker-registry") is None or shutil.which("skopeo") is None:
        print("pull: docker-registry and skopeo are needed (`make test` installs them)")
        return
    with registry(base) as address:
        layout = make_image(f"{base}/large")
        image = f"{address}/bench/large:1"
        peers.call(["skopeo", "copy", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{image}"])
        for where, bar in (("tmpfs", 0.30), ("disk", 0.60)):
            directory = f"{_TMPFS}/argosy-bench-{os.getpid()}" if where == "tmpfs" else f"{base}/pull"
            os.mkdir(directory, 0o700)
            team = [peers.argosy(directory, peers.launcher_for(base, None)), peers.podman(directory)]
            found = [peer for peer in team if peer is not None]
            try:
                yield work.pull(found, image, runs, where, bar)
            finally:
                for peer in found:
                    peers.clear(peer)
                shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def registry(base: str) -> Iterator[str]:
    """A registry without TLS on a free port of the loopback interface; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = f"{base}/registry.yml"
    with open(config, "w") as file:
        file.write(
            f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {base}/registry}}}}\n"
            f"http: {{addr: '{address}'}}\n"
        )
    server = subprocess.Popen(
        ["docker-registry", "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 0.1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield address
    finally:
        server.terminate()
        server.wait()


def make_image(directory: str, *, files: int = FILES, total_bytes: int = TOTAL_BYTES) -> str:
    """An OCI layout with one image, tagged 1: text-like content, as compressible as programs are.  Its path."""
    os.makedirs(f"{directory}/blobs/sha256")
    draw = random.Random(7)
    words = [draw.randbytes(draw.randint(2, 9)) for _ in range(6000)]
    layers, diff_ids = [], []
    for number in range(LAYERS):
        archive = _layer(draw, words, number, files // LAYERS, total_bytes // LAYERS)
        diff_ids.append(f"sha256:{hashlib.sha256(archive).hexdigest()}")
        layers.append(_blob(directory, gzip.compress(archive, 6, mtime=0), "layer.v1.tar+gzip"))
        del archive
    config = {"architecture": _architecture(), "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(directory, json.dumps(config).encode(), "config.v1+json"),
        "layers": layers,
    }
    entry = _blob(directory, json.dumps(manifest).encode(), "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": "1"}
    with open(f"{directory}/index.json", "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [entry]}, file)
    with open(f"{directory}/oci-layout", "w") as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    return directory


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def _layer(draw: random.Random, words: list[bytes], number: int, files: int, total_bytes: int) -> bytes:
    buffer = io.BytesIO()
    text = b" ".join(draw.choices(words, k=400_000))
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for index in range(files):
            if index % 100 == 0:
                folder = tarfile.TarInfo(f"usr/share/layer{number}/d{index // 100}")
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(folder)
            entry = tarfile.TarInfo(f"usr/share/layer{number}/d{index // 100}/file{index}")
            entry.size = min(len(text), max(1, int(draw.expovariate(files / total_bytes))))
            start = draw.randint(0, len(text) - entry.size)
            archive.addfile(entry, io.BytesIO(text[start : start + entry.size]))
    return buffer.getvalue()


def _blob(directory: str, data: bytes, kind: str) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    with open(f"{directory}/blobs/sha256/{digest}", "wb") as file:
        file.write(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}
