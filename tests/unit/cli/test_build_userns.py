"""--userns and its like of `build`, as values."""

from __future__ import annotations

import os

import pytest

from argosy.cli.flags import build_options, parse
from argosy.cli.podman import _build_userns, build
from argosy.cli.podman._build_table import BuildFlags
from argosy.errors import ArgosyError
from argosy.spec.options import UserNamespace


def asked(*words: str) -> UserNamespace | None:
    flags = build_options(build.COMMAND, parse(build.COMMAND.flags, [*words]), "build")
    assert isinstance(flags, BuildFlags)
    return _build_userns.user_namespace(flags)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), None),
        (("--userns", "host"), None),
        (("--userns=",), UserNamespace("private")),
        (("--userns", "container"), UserNamespace("private")),
        (("--userns", "ns:/proc/self/ns/user"), UserNamespace("ns", target="/proc/self/ns/user")),
        (("--userns", "/proc/self/ns/user"), UserNamespace("ns", target="/proc/self/ns/user")),
        (("--userns-uid-map", "0:1:2,2:9:1"), UserNamespace("private", uid_maps=("0:1:2", "2:9:1"))),
        (("--userns-gid-map", "0:1:2:2:9:1"), UserNamespace("private", gid_maps=("0:1:2", "2:9:1"))),
        (("--userns-uid-map-user", "u"), UserNamespace("private", subuid_name="u")),
        (("--userns-gid-map-group", "g"), UserNamespace("private", subgid_name="g")),
    ],
)
def test_what_is_asked_for(words: tuple[str, ...], found: UserNamespace | None) -> None:
    assert asked(*words) == found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--userns", "host", "--userns-uid-map", "0:1:2"), "can not specify ID mappings while using host's"),
        (("--userns", "bogus"), "checking user namespace: stat bogus: no such file or directory"),
        (("--userns", "auto"), "--userns auto"),
        (("--userns", "/proc/self/ns/user", "--userns-uid-map", "0:1:2"), "has its map already"),
        (("--userns-uid-map", "0:1"), 'mapping "0:1" is not in the form containerid:hostid:size[,...]'),
        (("--userns-uid-map", "0:x:1"), "is not in the form"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], said: str) -> None:
    assert not os.path.exists("bogus")
    with pytest.raises(ArgosyError) as caught:
        asked(*words)
    assert said in caught.value.brief
