"""Each block of the golden table is what its flags come to."""

from __future__ import annotations

import pytest

from argosy.cli.podman import create
from tests.unit.spec import golden

BLOCKS = golden.blocks()


@pytest.mark.parametrize("flags", BLOCKS)
def test_golden(flags: str) -> None:
    assert golden.result(flags) == BLOCKS[flags]


def test_the_table_is_large() -> None:
    assert len(BLOCKS) > 300


# What changes nothing in config.json: what these do is tested where they do it.
ELSEWHERE = """
    add-host arch attach authfile cgroups chrootdirs cidfile conmon-pidfile decryption-key disable-content-trust dns
    dns-option dns-search env-file gidmap gpus group-entry hostuser http-proxy image-volume init-ctr label label-file
    log-driver log-opt name network no-hosts os passwd passwd-entry pidfile platform pull quiet replace requires
    restart rm rootfs sdnotify seccomp-policy signature-policy stop-signal stop-timeout subgidname subuidname tls-verify
    tz uidmap pod pod-id-file health-cmd health-interval health-log-destination health-max-log-count
    health-max-log-size health-on-failure health-retries health-start-period health-startup-cmd health-startup-interval
    health-startup-retries health-startup-success health-startup-timeout health-timeout no-healthcheck
    expose ip secret ip6 mac-address network-alias publish publish-all userns variant volumes-from
"""


def test_every_flag_is_there() -> None:
    used = {word.partition("=")[0] for flags in BLOCKS for word in flags.split()}
    shown = [flag for flag in create.COMMAND.flags if not flag.only and flag.name not in ELSEWHERE.split()]
    assert [flag.name for flag in shown if not used & {f"--{flag.name}", f"-{flag.short}"}] == []
