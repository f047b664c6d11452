"""The texts of --add-host, --dns and --sysctl, and what cannot be together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from argosy.oci.imageconfig import ContainerConfig
from argosy.spec import parse
from argosy.spec import parsenames as names
from argosy.spec.generate import check
from argosy.spec.options import BadOption, NamespaceMode, NetworkMode
from tests.unit.spec.requests import options

Reader = Callable[..., Any]


@pytest.mark.parametrize(
    ("reader", "argument", "value"),
    [
        (names.parse_add_host, "x:1.2.3.4", "x:1.2.3.4"),
        (names.parse_add_host, "x:::1", "x:::1"),
        (names.parse_add_host, "x:host-gateway", "x:host-gateway"),
        (names.parse_dns, ("1.1.1.1", "::1"), ("1.1.1.1", "::1")),
        (names.parse_dns, ("none",), ("none",)),
        (names.parse_dns, ("",), ()),
        (names.parse_search, ".", "."),
        (names.parse_search, "a-b.example.", "a-b.example."),
        (
            names.parse_sysctls,
            ("net.ipv4.ip_forward=1", "kernel.sem=1 2"),
            {"net.ipv4.ip_forward": "1", "kernel.sem": "1 2"},
        ),
    ],
)
def test_values(reader: Reader, argument: Any, value: Any) -> None:
    assert reader(argument) == value


@pytest.mark.parametrize(
    ("reader", "argument", "message"),
    [
        (names.parse_add_host, "x", 'bad format for add-host: "x"'),
        (names.parse_add_host, ":1.2.3.4", 'bad format for add-host: ":1.2.3.4"'),
        (names.parse_add_host, "x:bad", 'invalid IP address in add-host: "bad"'),
        (names.parse_add_host, "x:[::1]", 'invalid IP address in add-host: "[::1]"'),
        (names.parse_add_host, "x\ny:1.2.3.4", "bad format for add-host"),
        (names.parse_dns, ("x",), "x is not an ip address"),
        (names.parse_dns, ("none", "1.1.1.1"), "none is not allowed to be specified with other DNS ip addresses"),
        (names.parse_search, "a b", "a b is not a valid domain"),
        (names.parse_search, "x..y", "x..y is not a valid domain"),
        (names.parse_search, "-x", "-x is not a valid domain"),
        (names.parse_search, "a_b.c", "a_b.c is not a valid domain"),
        (names.parse_dns_option, "a\nb", "invalid --dns-option"),
        (names.parse_sysctls, ("x",), "x is invalid, sysctl values must be in the form of KEY=VALUE"),
        (names.parse_sysctls, ("x=1",), "sysctl 'x' is not allowed"),
        (names.parse_sysctls, ("kernel/shmmax=1",), "sysctl 'kernel/shmmax' is not allowed"),
        (names.parse_sysctls, ("net.x= 1",), "'net.x= 1' is invalid, extra spaces found"),
        (lambda text: parse.parse_namespace(text, "pid"), "x", "unrecognized namespace mode x passed"),
        (lambda text: parse.parse_namespace(text, "uts"), "none", "unrecognized namespace mode none passed"),
        (
            lambda text: parse.parse_namespace(text, "ipc"),
            "container:",
            "invalid config provided: namespace mode container requires a value",
        ),
        (
            lambda text: parse.parse_namespace(text, "ipc"),
            "ns:",
            "invalid config provided: namespace mode path requires a value",
        ),
        (lambda text: parse.parse_namespace(text, "pid"), "pod", "cannot use pod namespace"),
    ],
)
def test_errors(reader: Reader, argument: Any, message: str) -> None:
    with pytest.raises(BadOption) as caught:
        reader(argument)
    assert message in caught.value.brief


HOST, OTHER = NamespaceMode("host"), NamespaceMode("container", "x")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"add_hosts": ("a:1.2.3.4",), "no_hosts": True}, "--no-hosts and --add-host cannot be set together"),
        (
            {"add_hosts": ("a:1.2.3.4",), "network": NetworkMode("container", "x")},
            "invalid config provided: cannot set extra host entries when the container is joined to another "
            "containers network namespace: invalid configuration",
        ),
        ({"dns": ("1.1.1.1",)}, "conflicting options: dns and the network mode: none"),
        ({"dns_search": ("x",)}, "conflicting options: dns and the network mode: none"),
        (
            {"dns_options": ("x",), "network": NetworkMode("container", "x")},
            "conflicting options: dns and the network mode: container",
        ),
        (
            {"dns": ("none",), "dns_search": ("x",), "network": NetworkMode("host")},
            "invalid config provided: UseImageResolvConf and DNSSearch are mutually exclusive options",
        ),
        (
            {"dns": ("none",), "dns_options": ("x",), "network": NetworkMode("host")},
            "invalid config provided: UseImageResolvConf and DNSOption are mutually exclusive options",
        ),
        (
            {"hostname": "x", "uts": HOST},
            "invalid config provided: cannot set hostname when running in the host UTS namespace: "
            "invalid configuration",
        ),
        ({"hostname": "x", "uts": OTHER}, "invalid config provided: cannot set hostname"),
        (
            {"sysctls": {"net.ipv4.ip_forward": "1"}, "network": NetworkMode("host")},
            "sysctl net.ipv4.ip_forward=1 can't be set since Network Namespace set to host: invalid argument",
        ),
        (
            {"sysctls": {"fs.mqueue.msg_max": "5"}, "ipc": HOST},
            "sysctl fs.mqueue.msg_max=5 can't be set since IPC Namespace set to host: invalid argument",
        ),
    ],
)
def test_conflicts(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadOption) as caught:
        check(options(**changes), ContainerConfig())
    assert caught.value.brief.startswith(message)


def test_what_can_be_together() -> None:
    for changes in (
        {"add_hosts": ("a:1.2.3.4",), "no_hosts": False},
        {"dns": ("1.1.1.1",), "network": NetworkMode("host")},
        {"hostname": "x", "network": NetworkMode("host")},
        {"sysctls": {"net.ipv4.ip_forward": "1", "kernel.sem": "1"}, "uts": HOST},
    ):
        check(options(**changes), ContainerConfig())
