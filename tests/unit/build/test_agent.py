"""The SSH agent of a step: real ssh-add and ssh-keygen talk to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from argosy.build.agent import Agent, answer
from argosy.build.options import AgentSource
from argosy.errors import ArgosyError
from argosy.signatures import sshkeys
from tests.rig import host

pytestmark = [host.needs_program("ssh-keygen"), host.needs_program("ssh-add")]
KINDS = {"ed25519": (), "rsa": (), "ecdsa": ("-b", "521"), "old": ("-m", "PEM")}


def made(directory: Path, kind: str, passphrase: str = "") -> str:
    path = f"{directory}/{kind}"
    words = ["-t", "rsa" if kind == "old" else kind, *KINDS[kind], "-N", passphrase, "-C", kind, "-f", path]
    subprocess.run(["ssh-keygen", "-q", *words], check=True)
    return path


def test_keys_are_listed_and_sign(tmp_path: Path) -> None:
    keys = [made(tmp_path, kind) for kind in KINDS]
    path = f"{tmp_path}/agent"
    with Agent(AgentSource(keys=tuple(keys)), path), Agent(AgentSource(socket=path), f"{path}-behind"):
        for socket in (path, f"{path}-behind"):
            env = {**os.environ, "SSH_AUTH_SOCK": socket}
            listed = subprocess.run(["ssh-add", "-L"], env=env, check=True, capture_output=True, text=True).stdout
            assert [line.split()[2] for line in listed.splitlines()] == keys
            for key in keys:
                os.rename(key, f"{key}.away")  # the agent alone has it now
                try:
                    subprocess.run(["ssh-add", "-T", f"{key}.pub"], env=env, check=True, capture_output=True)
                finally:
                    os.rename(f"{key}.away", key)
            assert subprocess.run(["ssh-add", "-D"], env=env, check=False, capture_output=True).returncode
    assert subprocess.run(["ssh-add", "-l"], env=env, check=False, capture_output=True).returncode == 2


def test_what_is_no_key_is_told(tmp_path: Path) -> None:
    locked = made(tmp_path, "ed25519", "secret")
    with pytest.raises(ArgosyError, match="protected by a passphrase"):
        Agent(AgentSource(keys=(locked,)), f"{tmp_path}/agent")
    (tmp_path / "junk").write_bytes(b"junk")
    with pytest.raises(ArgosyError, match="neither a private key of SSH nor the socket of an agent"):
        Agent(AgentSource(keys=(f"{tmp_path}/junk",)), f"{tmp_path}/agent")
    with pytest.raises(ArgosyError, match="cannot read the key"):
        Agent(AgentSource(keys=(f"{tmp_path}/none",)), f"{tmp_path}/agent")


@pytest.mark.parametrize("request_", [b"\x0d", b"\x0d\xff\xff\xff\xff", b"\x0d" + sshkeys.text(b"other") + b"\0"])
def test_a_malformed_request_is_refused(request_: bytes) -> None:
    assert answer([], request_) == b"\x05"
