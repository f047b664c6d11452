"""Services that systemd starts: the units of the documentation, and sockets that are handed over."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import socket

import pytest

from tests.rig.program import CHECKOUT, Program, finish


@pytest.mark.parametrize("service", ["registry", "cache"])
def test_a_socket_is_taken_over(argosy: Program, service: str) -> None:
    """As sd_listen_fds(3) has it: from descriptor 3 on, for the process that LISTEN_PID names."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command = ("bash", "-c", f'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3<&{listener.fileno()}', "sh")
        argv = [*command, *argosy.argv("system", service, "--listen", "127.0.0.1:1")]
        process = argosy.spawn(argv, stdout=-1, stderr=-1, pass_fds=(listener.fileno(),))
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=60)
        connection.request("GET", "/v2/")  # waits in the socket until the service is there
        assert connection.getresponse().status == 200
        connection.close()
        process.send_signal(signal.SIGTERM)
        assert f":{listener.getsockname()[1]}\n" in finish(process).stdout


def test_what_is_no_listening_socket(argosy: Program) -> None:
    command = ("sh", "-c", 'export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@" 3</dev/null', "sh")
    done = argosy.call(*command, *argosy.argv("system", "registry"), check=125)
    assert "descriptor 3 of LISTEN_FDS is no socket" in done.stderr


def test_the_units_of_the_documentation(argosy: Program) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    with open(f"{CHECKOUT}/docs/registry.md", encoding="utf-8") as file:
        units = re.findall(r"    # ~/\.config/systemd/user/(\S+)\n((?:    (?!# ~).*\n|\n)+)", file.read())
    assert [name for name, _ in units] == ["argosy-registry.socket", "argosy-registry.service"]
    for name, text in units:
        lines = [line[4:] for line in text.splitlines()]
        argosy.write(name, "\n".join(lines).replace("/usr/local/bin/argosy", argosy.launcher) + "\n")
    paths = [f"{argosy.files}/{name}" for name, _ in units]
    done = argosy.call("systemd-analyze", "verify", "--man=no", *paths)
    assert [line for line in done.stderr.splitlines() if "argosy" in line] == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--listen", "nowhere"), "HOST:PORT"),
        (("--listen", "127.0.0.1:70000"), "HOST:PORT"),
        (("--listen", "::1:5000"), "in brackets"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "/x"), "TLS needs both"),
        (("--listen", "127.0.0.1:0", "--tls-cert", "/x", "--tls-key", "/x"), "cannot use the certificate /x"),
        (("--listen", "192.0.2.1:5000"), "cannot listen at 192.0.2.1:5000"),
        (("x",), "takes no arguments"),
    ],
)
def test_what_cannot_begin(argosy: Program, flags: tuple[str, ...], said: str) -> None:
    assert said in argosy.run("system", "registry", *flags, check=125).stderr
    assert not os.path.exists(f"{argosy.root}/repositories/x")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--upstream", "nodots"), "not the host name of a registry"),
        (("--max-size", "big"), "--max-size"),
        (("--ttl", "soon"), "invalid"),
        (("--ttl=-1s",), "--ttl"),
    ],
)
def test_what_the_cache_refuses(argosy: Program, flags: tuple[str, ...], said: str) -> None:
    assert said in argosy.run("system", "cache", *flags, check=125).stderr
