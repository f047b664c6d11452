"""`--change`: podman's grammar, docker's meaning where podman has none."""

from __future__ import annotations

import pytest

from argosy.images.changes import BadChange, apply
from argosy.oci.imageconfig import ContainerConfig


def changed(*changes: str) -> ContainerConfig:
    return apply(ContainerConfig(), changes)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ('CMD ["/bin/sh"]', "cmd", ("/bin/sh",)),
        ("CMD=/bin/x a", "cmd", ("/bin/sh", "-c", "/bin/x a")),
        ('cmd [ "a"', "cmd", ("/bin/sh", "-c", '[ "a"')),
        ("CMD [1]", "cmd", ("/bin/sh", "-c", "[1]")),
        ('ENTRYPOINT ["a", "b c"]', "entrypoint", ("a", "b c")),
        ("ENTRYPOINT a b", "entrypoint", ("/bin/sh", "-c", "a b")),
        ("ENV a=b c=d", "env", ("a=b c=d",)),
        ("ENV a", "env", ("a=",)),
        ("ENV a b c", "env", ("a=b c",)),
        ("ENV=A=B C", "env", ("A=B C",)),
        ("EXPOSE 80", "exposed_ports", ("80/tcp",)),
        ("EXPOSE 80/UDP 90", "exposed_ports", ("80/udp", "90/tcp")),
        ("EXPOSE 80-82", "exposed_ports", ("80/tcp", "81/tcp", "82/tcp")),
        ("LABEL a=1 b=2", "labels", {"a": "1 b=2"}),
        ('LABEL a="b c"', "labels", {"a": '"b c"'}),
        ("ONBUILD RUN x", "on_build", ("RUN x",)),
        ("STOPSIGNAL SIGINT", "stop_signal", "2"),
        ("STOPSIGNAL 9", "stop_signal", "9"),
        ("USER 1:2", "user", "1:2"),
        ("VOLUME /a /b", "volumes", ("/a", "/b")),
        ('VOLUME ["/a b"]', "volumes", ("/a b",)),
        ("WORKDIR rel", "working_dir", "/rel"),
        ("WORKDIR //a/../b", "working_dir", "/b"),
        ("  workdir   /x ", "working_dir", "/x"),
    ],
)
def test_one_change(change: str, field: str, value: object) -> None:
    assert getattr(changed(change), field) == value
    assert changed(change) == ContainerConfig().replace(**{field: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("FROM x", "invalid instruction FROM"),
        ("cmd", "must be formatted as KEY VALUE"),
        ("", "must be formatted as KEY VALUE"),
        ("USER ", "must be formatted as KEY VALUE"),
        ("STOPSIGNAL NOPE", "valid signal"),
        ("EXPOSE abc", "not port"),
        ("EXPOSE 99999", "from 1 to 65535"),
        ("EXPOSE 80/icmp", "tcp, udp and sctp"),
        ("LABEL a", "key=value"),
        ("LABEL =b", "key=value"),
        ("ENV =b", "NAME=VALUE"),
        ("VOLUME a", "absolute path"),
        ("VOLUME /", "below the root"),
        ("HEALTHCHECK NONE", "invalid instruction HEALTHCHECK"),
    ],
)
def test_wrong_changes_name_what_is_wrong(change: str, words: str) -> None:
    with pytest.raises(BadChange, match=words) as caught:
        changed(change)
    assert f'invalid change "{change}"' in str(caught.value)


def test_later_changes_win_or_add() -> None:
    found = changed("ENV a=1", "ENV b=2", "ENV a=3", "CMD x", 'CMD ["y"]', "LABEL k=1", "LABEL k=2", "VOLUME /a",
                    "VOLUME /a", "WORKDIR /a", "WORKDIR b")  # fmt: skip
    assert found.env == ("b=2", "a=3")
    assert found.cmd == ("y",)
    assert found.labels == {"k": "2"}
    assert found.volumes == ("/a",)
    assert found.working_dir == "/a/b"
