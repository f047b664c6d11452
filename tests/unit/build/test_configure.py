"""What instructions make of the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.configure import configured
from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.parser import parse
from argosy.build.dockerfile.scopes import Scope
from argosy.oci.imageconfig import ContainerConfig, Healthcheck

START = ContainerConfig(env=("PATH=/bin", "V=v w"), working_dir="/w", labels={"l": "1"}, exposed_ports=("1/tcp",))


def after(text: str, config: ContainerConfig = START) -> ContainerConfig:
    """The configuration after the instructions."""
    for instruction in parse(f"FROM x\n{text}\n".encode()).stages[0].instructions:
        scope = Scope(dict(entry.partition("=")[::2] for entry in config.env), {"ARG": "arg"}, {}, {})
        config = configured(config, instruction, scope)
    return config


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("ENV A=1", "env", ("PATH=/bin", "V=v w", "A=1")),
        ("ENV V=2 A=$V", "env", ("PATH=/bin", "V=2", "A=v w")),
        ("ENV PATH=$PATH:/x", "env", ("PATH=/bin:/x", "V=v w")),
        ("ENV A one  two", "env", ("PATH=/bin", "V=v w", "A=one  two")),
        ("ENV A='$V' B=\"$V\" C=\\$V D=x\\ y", "env", ("PATH=/bin", "V=v w", "A=$V", "B=v w", "C=$V", "D=x y")),
        ("ENV A=$ARG", "env", ("PATH=/bin", "V=v w", "A=arg")),
        ("ENV $ARG=1", "env", ("PATH=/bin", "V=v w", "arg=1")),
        ("LABEL a=$V", "labels", {"l": "1", "a": "v w"}),
        ("LABEL \"a b\"='c d' l=2", "labels", {"l": "2", "a b": "c d"}),
        ("WORKDIR /a", "working_dir", "/a"),
        ("WORKDIR b", "working_dir", "/w/b"),
        ("WORKDIR b\nWORKDIR ../c/./d", "working_dir", "/w/c/d"),
        ("WORKDIR ../../..", "working_dir", "/"),
        ("WORKDIR //a//b/", "working_dir", "/a/b"),
        ("WORKDIR $ARG", "working_dir", "/w/arg"),
        ("USER a:b", "user", "a:b"),
        ("USER ${ARG}", "user", "arg"),
        ("EXPOSE 80", "exposed_ports", ("1/tcp", "80/tcp")),
        ("EXPOSE 80 1 53/UDP 7-8", "exposed_ports", ("1/tcp", "80/tcp", "53/udp", "7/tcp", "8/tcp")),
        ("ENV P='80 81'\nEXPOSE $P", "exposed_ports", ("1/tcp", "80/tcp", "81/tcp")),
        ("VOLUME /a /b /a", "volumes", ("/a", "/b")),
        ('VOLUME ["/a b", "c"]', "volumes", ("/a b", "/w/c")),
        ("CMD a b", "cmd", ("/bin/sh", "-c", "a b")),
        ('CMD ["a", "$V"]', "cmd", ("a", "$V")),
        ("CMD []", "cmd", ()),
        ('SHELL ["/bin/bash", "-c"]\nCMD a', "cmd", ("/bin/bash", "-c", "a")),
        ("ENTRYPOINT a", "entrypoint", ("/bin/sh", "-c", "a")),
        ('ENTRYPOINT ["a"]', "entrypoint", ("a",)),
        ("STOPSIGNAL SIGINT", "stop_signal", "SIGINT"),
        ("STOPSIGNAL 9", "stop_signal", "9"),
        ("HEALTHCHECK NONE", "healthcheck", Healthcheck(("NONE",))),
        ("HEALTHCHECK CMD a b", "healthcheck", Healthcheck(("CMD-SHELL", "a b"))),
        ('HEALTHCHECK --retries=2 CMD ["a"]', "healthcheck", Healthcheck(("CMD", "a"), retries=2)),
        ("ONBUILD RUN $V\nONBUILD USER a", "on_build", ("RUN $V", "USER a")),
        ("RUN x\nCOPY a b\nARG z", "env", START.env),
    ],
)
def test_instructions(text: str, field: str, value: Any) -> None:
    assert getattr(after(text), field) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("EXPOSE 0", "invalid containerPort: 0"),
        ("EXPOSE 80/xyz", "the protocol is none of tcp, udp and sctp"),
        ("EXPOSE 9-8", "the last port is below the first"),
        ("STOPSIGNAL SIGNOPE", "invalid signal SIGNOPE"),
        ("VOLUME /", "is not a path below the root"),
        ("VOLUME $UNSET", "is not a path below the root"),
        ("ENV $UNSET=1", "ENV names can not be blank"),
        ("USER ${X:?who}", "X: who"),
    ],
)
def test_errors(text: str, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        after(text)
    assert words in caught.value.why
