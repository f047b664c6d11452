"""--secret: podman's grammar."""

from __future__ import annotations

import pytest

from argosy.errors import ArgosyError
from argosy.spec.options import SecretUse
from argosy.spec.secretflags import parse_secret


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("s", SecretUse("s", "/run/secrets/s")),
        ("s,target=t", SecretUse("s", "/run/secrets/t")),
        ("s,target=", SecretUse("s", "/run/secrets/s")),
        ("s,target=//a//b", SecretUse("s", "/a/b")),
        ("target=t,source=s", SecretUse("s", "/run/secrets/t")),
        ("s,type=mount,uid=5,gid=6,mode=400", SecretUse("s", "/run/secrets/s", uid=5, gid=6, mode=0o400)),
        ("s,type=env", SecretUse("s", "s", env=True)),
        ("s,type=env,target=T", SecretUse("s", "T", env=True)),
        ("source=s", SecretUse("source=s", "/run/secrets/source=s")),
    ],
)
def test_accepted(text: str, use: SecretUse) -> None:
    assert parse_secret(text) == use


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s,a=b", "option a=b invalid"),
        ("s,a", "option a must be in form option=value"),
        (",type=env", "no source found ,type=env"),
        ("s,type=x", "type x is invalid"),
        ("s,type=env,type=env", "cannot set more than one secret type"),
        ("s,type=env,uid=1", "UID, GID, Mode options cannot be set with secret type env"),
        ("s,type=env,target=A=B", "no name of a variable"),
        ("s,uid=-1", "UID -1 invalid"),
        ("s,gid=4294967295", "GID 4294967295 invalid"),
        ("s,mode=99", "mode 99 invalid"),
        ("s,mode=", "mode  invalid"),
        ("s,target=/", "no place for a file"),
        ("s,target=..", "no place for a file"),
        ("s,target=a\0b", "NUL"),
    ],
)
def test_refused(text: str, said: str) -> None:
    with pytest.raises(ArgosyError) as caught:
        parse_secret(text)
    assert said in str(caught.value)
