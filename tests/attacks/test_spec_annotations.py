"""Annotations reach the runtime, which obeys some of them: none of these may come from a caller or a file."""

from __future__ import annotations

import pytest

from argosy.config.containers import ContainersConf
from argosy.errors import Invalid
from argosy.oci.imageconfig import ContainerConfig
from argosy.spec.generate import check
from tests.unit.spec.requests import options, spec

HOSTILE = [
    "run.oci.seccomp_bpf_data",
    "run.oci.seccomp.receiver",
    "run.oci.seccomp.plugins",
    "run.oci.seccomp_fail_unknown_syscall",
    "run.oci.handler",
    "run.oci.hooks.stdout",
    "run.oci.hooks.stderr",
    "run.oci.mount_context_type",
    "run.oci.pidfd_receiver",
    "run.oci.systemd.subgroup",
    "run.oci.delegate-cgroup",
    "run.oci.devices",
    "io.crun.anything",
    "org.systemd.property.DeviceAllow",
    "org.systemd.property.",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_refused(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(options(annotations={"fine": "x", key: "y"}), ContainerConfig())
    assert key in str(caught.value)
    with pytest.raises(Invalid):
        spec({"annotations": {key: "y"}})
    with pytest.raises(Invalid, match=r"containers\.conf"):
        spec(conf=ContainersConf(annotations=(f"{key}=y",)))


@pytest.mark.parametrize("key", ["run.oci.keep_original_groups", "io.podman.annotations.x", "run.ociX", "a.run.oci.b"])
def test_allowed(key: str) -> None:
    assert spec({"annotations": {key: "1"}})["annotations"][key] == "1"
    assert spec(conf=ContainersConf(annotations=(f"{key}=1",)))["annotations"][key] == "1"


def test_what_argosy_sets_cannot_be_replaced() -> None:
    made = spec(
        {"annotations": {"org.argosy.version": "0"}},
        annotations={"org.argosy.version": "1"},
        compile_seccomp=lambda name, build: "ours",
    )
    assert made["annotations"]["org.argosy.version"] == "1"
    assert made["annotations"]["run.oci.seccomp_bpf_data"] == "ours"
