"""Image configs: read, kept, written."""

from __future__ import annotations

import json
from typing import Any

from argosy.oci import digest, imageconfig
from argosy.oci.imageconfig import ContainerConfig, Healthcheck, History, ImageConfig
from argosy.oci.platform import Platform

DIFF_ID = "sha256:" + "1f" * 32
FULL: dict[str, Any] = {
    "created": "2024-01-02T03:04:05Z",
    "author": "somebody",
    "architecture": "arm",
    "variant": "v7",
    "os": "linux",
    "os.version": "1",
    "config": {
        "User": "1000:1000",
        "ExposedPorts": {"80/tcp": {}, "8000-8010": {}},
        "Env": ["PATH=/bin", "EMPTY=", "TWO=a=b"],
        "Entrypoint": ["/entry"],
        "Cmd": ["a", "b"],
        "Volumes": {"/data": {}},
        "WorkingDir": "/work",
        "Labels": {"a": "b"},
        "StopSignal": "SIGRTMIN+3",
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 3},
        "Shell": ["/bin/sh", "-c"],
        "OnBuild": ["RUN true"],
        "ArgsEscaped": True,
    },
    "rootfs": {"type": "layers", "diff_ids": [DIFF_ID]},
    "history": [
        {"created": "2024-01-02T03:04:05Z", "created_by": "RUN x", "author": "me", "comment": "c"},
        {"created_by": "ENV y", "empty_layer": True},
    ],
    "container": "abc",
}


def encoded(data: Any) -> bytes:
    return json.dumps(data).encode()


def test_all_fields() -> None:
    parsed = imageconfig.parse(encoded(FULL))
    assert parsed.platform == Platform("linux", "arm", "v7", "1")
    assert parsed.diff_ids == (digest.Digest(DIFF_ID),)
    assert parsed.config == ContainerConfig(
        user="1000:1000",
        env=("PATH=/bin", "EMPTY=", "TWO=a=b"),
        cmd=("a", "b"),
        entrypoint=("/entry",),
        working_dir="/work",
        exposed_ports=("80/tcp", "8000-8010"),
        volumes=("/data",),
        stop_signal="SIGRTMIN+3",
        labels={"a": "b"},
        healthcheck=Healthcheck(test=("CMD", "true"), interval_ns=5_000_000_000, retries=3),
        shell=("/bin/sh", "-c"),
        on_build=("RUN true",),
    )
    assert parsed.history[0] == History("2024-01-02T03:04:05Z", "RUN x", "me", "c")
    assert parsed.history[1].empty_layer


def test_what_was_read_is_written_with_unknown_fields() -> None:
    assert json.loads(imageconfig.parse(encoded(FULL)).to_bytes()) == FULL


def test_changes_are_written() -> None:
    parsed = imageconfig.parse(encoded(FULL))
    changed = parsed.replace(author="", config=parsed.config.replace(cmd=(), user="0"), diff_ids=())
    written = json.loads(changed.to_bytes())
    assert "author" not in written
    assert "Cmd" not in written["config"]
    assert written["config"]["User"] == "0"
    assert written["config"]["ArgsEscaped"] is True
    assert written["rootfs"] == {"type": "layers", "diff_ids": []}
    assert written["container"] == "abc"


def test_a_new_one_reads_back() -> None:
    made = ImageConfig(
        os="linux",
        architecture="amd64",
        config=ContainerConfig(cmd=("/bin/sh",), exposed_ports=("80/tcp",)),
        diff_ids=(digest.of_bytes(b"layer"),),
        history=(History(created_by="import"),),
    )
    parsed = imageconfig.parse(made.to_bytes())
    assert parsed.replace(raw={}) == made


def test_null_counts_as_missing() -> None:
    nulls = {"architecture": "amd64", "os": "linux", "config": dict.fromkeys(FULL["config"])}
    parsed = imageconfig.parse(encoded({**nulls, "rootfs": {"type": "layers", "diff_ids": None}, "history": None}))
    assert parsed.config == ContainerConfig()
    assert parsed.diff_ids == ()
    assert imageconfig.parse(encoded({**nulls, "config": None})).config == ContainerConfig()


def test_configs_survive_records() -> None:
    parsed = imageconfig.parse(encoded(FULL)).config
    assert ContainerConfig.from_json(parsed.to_json()) == parsed
