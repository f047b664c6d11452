"""Statements to the syntax tree, and what is said of those that are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.healthcheck import duration_ns
from argosy.build.dockerfile.instructions import Dockerfile
from argosy.build.dockerfile.parser import parse, parse_trigger


def fields(text: str) -> dict[str, Any]:
    """The fields of the one instruction after FROM, without its place."""
    found = parse(f"FROM a\n{text}\n".encode()).stages[0].instructions[0]
    return {key: value for key, value in found.to_json().items() if key not in ("line", "last_line", "text", "written")}


def assigned(*pairs: tuple[str, str | None]) -> dict[str, Any]:
    return {"assignments": [{"name": name, "value": value} for name, value in pairs]}


def shell(line: str) -> dict[str, Any]:
    return {"command": {"words": [line], "shell_form": True}}


def argv(*words: str) -> dict[str, Any]:
    return {"command": {"words": list(words), "shell_form": False}}


GOOD = [
    ("ARG A", assigned(("A", None))),
    ("ARG A=", assigned(("A", ""))),
    ("ARG A=b c", assigned(("A", "b"), ("c", None))),
    ("ARG A='b c' D=$A", assigned(("A", "'b c'"), ("D", "$A"))),
    ("arg a=1", assigned(("a", "1"))),
    ("ENV A=b", assigned(("A", "b"))),
    ("ENV A=b C=d", assigned(("A", "b"), ("C", "d"))),
    ("ENV A=", assigned(("A", ""))),
    ("ENV A=b\\ c", assigned(("A", "b\\ c"))),
    ("ENV A=\"b c\" D='e f'", assigned(("A", '"b c"'), ("D", "'e f'"))),
    ("ENV A=b=c", assigned(("A", "b=c"))),
    ("ENV A b c=d", {"assignments": [{"name": "A", "value": "b c=d", "spaced": True}]}),
    ("ENV A   b", {"assignments": [{"name": "A", "value": "b", "spaced": True}]}),
    ('LABEL "a b"=c', assigned(('"a b"', "c"))),
    ("LABEL a.b/c=d e=", assigned(("a.b/c", "d"), ("e", ""))),
    ("LABEL a b c", {"assignments": [{"name": "a", "value": "b c", "spaced": True}]}),
    ("RUN a b", shell("a b")),
    ("RUN  a   b ", shell("a   b")),
    ('RUN ["a", "b c"]', argv("a", "b c")),
    ("RUN ['a']", shell("['a']")),
    ("RUN [ -f /x ]", shell("[ -f /x ]")),
    ('RUN ["a"', shell('["a"')),
    ('RUN ["a"] && b', shell('["a"] && b')),
    ("RUN --network=none a", {**shell("a"), "network": "none"}),
    ("RUN --security=insecure a", {**shell("a"), "security": "insecure"}),
    ("RUN --mount=type=a --mount=type=b c", {**shell("c"), "mounts": ["type=a", "type=b"]}),
    ("RUN --device=vendor/x=y c", {**shell("c"), "devices": ["vendor/x=y"]}),
    ("RUN -- --x", shell("--x")),
    ("CMD a", shell("a")),
    ('CMD ["a"]', argv("a")),
    ("CMD []", argv()),
    ("CMD", {}),
    ("ENTRYPOINT a", shell("a")),
    ('ENTRYPOINT ["a", "b"]', argv("a", "b")),
    ('SHELL ["a", "-c"]', {"words": ["a", "-c"]}),
    ("WORKDIR /a b", {"path": "/a b"}),
    ("USER a:b", {"user": "a:b"}),
    ("STOPSIGNAL SIGINT", {"signal": "SIGINT"}),
    ("MAINTAINER A B <c>", {"name": "A B <c>"}),
    ("EXPOSE 80 90/udp", {"ports": ["80", "90/udp"]}),
    ("VOLUME /a /b", {"paths": ["/a", "/b"]}),
    ('VOLUME ["/a b"]', {"paths": ["/a b"]}),
    ("COPY a b", {"sources": ["a"], "destination": "b"}),
    ("COPY a b c/", {"sources": ["a", "b"], "destination": "c/"}),
    ('COPY ["a b", "c"]', {"sources": ["a b"], "destination": "c"}),
    ("COPY --from=x a b", {"sources": ["a"], "destination": "b", "source_from": "x"}),
    ("COPY --chown=1:2 --chmod=755 a b", {"sources": ["a"], "destination": "b", "chown": "1:2", "chmod": "755"}),
    ("COPY --link --parents a b", {"sources": ["a"], "destination": "b", "link": True, "parents": True}),
    ("COPY --link=false a b", {"sources": ["a"], "destination": "b"}),
    ("COPY --exclude=*.a --exclude=b a b", {"sources": ["a"], "destination": "b", "excludes": ["*.a", "b"]}),
    ("ADD --checksum=sha256:1 a b", {"sources": ["a"], "destination": "b", "checksum": "sha256:1"}),
    ("ADD --keep-git-dir a b", {"sources": ["a"], "destination": "b", "keep_git_dir": True}),
    ("ADD --unpack a b", {"sources": ["a"], "destination": "b", "unpack": True}),
    ("ADD --unpack=false a b", {"sources": ["a"], "destination": "b", "unpack": False}),
    ("ONBUILD RUN a b", {"trigger": "RUN a b"}),
    ("ONBUILD copy --from=x a b", {"trigger": "copy --from=x a b"}),
    ("ONBUILD RUN <<E\nx\nE", {"trigger": "RUN <<E\nx\nE"}),
    ("HEALTHCHECK NONE", {}),
    ("HEALTHCHECK none", {}),
    ("HEALTHCHECK CMD a b", shell("a b")),
    ('HEALTHCHECK CMD ["a"]', argv("a")),
    (
        "HEALTHCHECK --interval=1s --timeout=2m --start-period=1h --start-interval=5ms --retries=3 CMD a",
        {
            **shell("a"),
            "interval_ns": 10**9,
            "timeout_ns": 120 * 10**9,
            "start_period_ns": 3600 * 10**9,
            "start_interval_ns": 5 * 10**6,
            "retries": 3,
        },
    ),
    ("HEALTHCHECK --interval=0 CMD a", shell("a")),
]


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_instructions(text: str, expected: dict[str, Any]) -> None:
    assert fields(text) == expected


BAD = [
    ("FRUM a", "unknown instruction: FRUM (did you mean FROM?)"),
    ("RUNN a", "unknown instruction: RUNN (did you mean RUN?)"),
    ("entrypiont a", "unknown instruction: entrypiont (did you mean ENTRYPOINT?)"),
    ("XYZZY a", "unknown instruction: XYZZY"),
    ("ARG", "ARG requires at least one argument"),
    ("ARG =a", "ARG names can not be blank"),
    ("ENV", "ENV requires at least one argument"),
    ("ENV A", "ENV must have two arguments"),
    ("ENV =a", "ENV names can not be blank"),
    ("ENV A=b C", 'can\'t find = in "C"'),
    ("ENV --x A=b", "unknown flag: --x"),
    ("LABEL", "LABEL requires at least one argument"),
    ("LABEL a", "LABEL must have two arguments"),
    ("RUN", "RUN requires at least one argument"),
    ("RUN []", "RUN requires at least one argument"),
    ("RUN [1]", "arrays must be comprised of strings only"),
    ("RUN --mont=a b", "unknown flag: --mont (did you mean mount?)"),
    ("RUN --network=bridge a", 'invalid value "bridge" for flag --network'),
    ("RUN --network a", "missing a value on flag: --network"),
    ("RUN --security=none a", 'invalid value "none" for flag --security'),
    ("RUN --network=none --network=host a", "duplicate flag specified: --network"),
    ("COPY", "COPY requires at least two arguments, but only 0 were provided"),
    ("COPY a", "COPY requires at least two arguments, but only 1 was provided"),
    ('COPY ["a"]', "COPY requires at least two arguments"),
    ("COPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"),
    ("COPY --link= a b", "missing a value on flag: --link"),
    ("COPY --form=x a b", "unknown flag: --form (did you mean from?)"),
    ("COPY --checksum=x a b", "unknown flag: --checksum"),
    ("COPY a <<E\nE", "COPY cannot accept a heredoc as a destination"),
    ("ADD a", "ADD requires at least two arguments"),
    ("ADD --from=x a b", "unknown flag: --from"),
    ("ADD --parents a b", "unknown flag: --parents"),
    ("WORKDIR", "WORKDIR requires exactly one argument"),
    ("USER", "USER requires exactly one argument"),
    ("STOPSIGNAL", "STOPSIGNAL requires exactly one argument"),
    ("MAINTAINER", "MAINTAINER requires exactly one argument"),
    ("EXPOSE", "EXPOSE requires at least one argument"),
    ("VOLUME", "VOLUME requires at least one argument"),
    ("VOLUME []", "VOLUME requires at least one argument"),
    ('VOLUME ["  "]', "VOLUME specified can not be an empty string"),
    ("SHELL bash", "SHELL requires the arguments to be in JSON form"),
    ("SHELL []", "SHELL requires at least one argument"),
    ("ONBUILD", "ONBUILD requires at least one argument"),
    ("ONBUILD ONBUILD RUN a", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
    ("ONBUILD FROM a", "FROM isn't allowed as an ONBUILD trigger"),
    ("ONBUILD maintainer a", "MAINTAINER isn't allowed as an ONBUILD trigger"),
    ("ONBUILD RUNN a", "unknown instruction: RUNN (did you mean RUN?)"),
    ("HEALTHCHECK", "HEALTHCHECK requires at least one argument"),
    ("HEALTHCHECK NONE a", "HEALTHCHECK NONE takes no arguments"),
    ("HEALTHCHECK CMD", "missing command after HEALTHCHECK CMD"),
    ("HEALTHCHECK RUN a", 'unknown type "RUN" in HEALTHCHECK (try CMD)'),
    ("HEALTHCHECK --interval=x CMD a", 'invalid duration "x"'),
    ("HEALTHCHECK --interval=1us CMD a", 'interval "interval" cannot be less than 1ms'),
    ("HEALTHCHECK --interval=-1s CMD a", 'interval "interval" cannot be less than 1ms'),
    ("HEALTHCHECK --retries=x CMD a", "--retries must be a number"),
    ("HEALTHCHECK --retries=-1 CMD a", "--retries cannot be negative (-1)"),
    ("FROM", "FROM requires either one or three arguments"),
    ("FROM a b", "FROM requires either one or three arguments"),
    ("FROM a AS", "FROM requires either one or three arguments"),
    ("FROM a IS b", "FROM requires either one or three arguments"),
    ("FROM a AS 1b", 'invalid name for build stage: "1b"'),
    ("FROM a AS b+", 'invalid name for build stage: "b+"'),
    ("FROM --plattform=x a", "unknown flag: --plattform (did you mean platform?)"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_errors_have_their_place(text: str, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(f"FROM a\n\n{text}\n".encode(), "dir/Dockerfile")
    assert caught.value.brief.startswith("dir/Dockerfile:3: ")
    assert words in caught.value.brief
    assert caught.value.details == text.partition("\n")[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("", "Dockerfile: file with no instructions"),
        ("# nothing\n", "Dockerfile: file with no instructions"),
        ("ARG A\n", "Dockerfile: it has no FROM"),
        ("RUN a\n", "Dockerfile:1: no build stage in current context: RUN stands before the first FROM"),
    ],
)
def test_whole_files(data: str, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse(data.encode())
    assert caught.value.brief == words


def stages(file: Dockerfile) -> list[tuple[str, str, str]]:
    return [(stage.start.base, stage.name, stage.start.platform) for stage in file.stages]


def test_stages() -> None:
    found = parse(b"ARG A=1\nFROM a AS Build\nRUN x\nFROM --platform=$X b\nfrom c as d\nARG B\n")
    assert stages(found) == [("a", "build", ""), ("b", "1", "$X"), ("c", "d", "")]
    assert [len(stage.instructions) for stage in found.stages] == [1, 0, 1]
    assert [arg.assignments[0].name for arg in found.arguments] == ["A"]
    assert (found.stages[0].start.name_written, found.stages[2].start.as_written) == ("Build", "as")


def test_heredocs_as_sources() -> None:
    (copy,) = parse(b"FROM a\nCOPY x <<A <<- 'B' /d/\n1\nA\n\t$2\nB\n").stages[0].instructions
    found = copy.to_json()
    assert (found["sources"], found["destination"]) == (["x"], "/d/")
    assert [(one["name"], one["content"]) for one in found["contents"]] == [("A", "1\n"), ("B", "\t$2\n")]
    assert [one.get("expands", True) for one in found["contents"]] == [True, False]


def test_a_trigger_is_an_instruction_of_the_line_that_starts_the_stage() -> None:
    place = parse(b"\n\nFROM a").stages[0].start
    found = parse_trigger("RUN <<E\nx\nE", "\\", place, "Dockerfile")
    assert (found.keyword, found.line) == ("RUN", 3)
    with pytest.raises(DockerfileError, match="Dockerfile:3: this is not one instruction"):
        parse_trigger("RUN a\nRUN b", "\\", place, "Dockerfile")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 10**9),
        ("1.5s", 1_500_000_000),
        ("1h2m3s", 3723 * 10**9),
        (".5m", 30 * 10**9),
        ("1us", 1000),
        ("1µs", 1000),
        ("100ns", 100),
        ("0", 0),
        ("0s", 0),
        ("-1s", -(10**9)),
        ("+2ms", 2 * 10**6),
        ("", None),
        ("1", None),
        ("s", None),
        ("1 s", None),
        ("1d", None),
        ("--1s", None),
        ("9999999999h", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    if expected is None:
        with pytest.raises(DockerfileError):
            duration_ns(text)
    else:
        assert duration_ns(text) == expected
