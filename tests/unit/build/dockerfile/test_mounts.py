"""`RUN --mount`: types, keys and what does not go together."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.mounts import Mount, parse_mount


def expand(text: str) -> str:
    return text.replace("$X", "x,y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("target=/a", {}),
        ("type=bind,dst=/a", {}),
        ("type=bind,destination=/a,src=b,from=c", {"source": "b", "source_from": "c"}),
        ("target=/a,rw", {"readonly": False}),
        ("target=/a,readwrite=true", {"readonly": False}),
        ("target=/a,rw,ro", {}),
        ("target=/a,readonly=false", {"readonly": False}),
        ("target=/a,source=$X", {"source": "x,y"}),
        ('target=/a,"source=b,c"', {"source": "b,c"}),
        ("type=tmpfs,target=/a", {"type": "tmpfs", "readonly": False}),
        ("type=tmpfs,target=/a,size=1k", {"type": "tmpfs", "readonly": False, "size": 1024}),
        ("type=CACHE,target=/a", {"type": "cache", "readonly": False}),
        (
            "type=cache,target=/a,id=i,sharing=locked,mode=0755,uid=1,gid=2",
            {
                "type": "cache",
                "readonly": False,
                "cache_id": "i",
                "sharing": "locked",
                "mode": 0o755,
                "uid": 1,
                "gid": 2,
            },
        ),
        ("type=cache,target=/a,ro", {"type": "cache"}),
        (
            "type=cache,target=/a,from=b,source=c",
            {"type": "cache", "readonly": False, "source_from": "b", "source": "c"},
        ),
    ],
)
def test_mounts(text: str, expected: dict[str, Any]) -> None:
    assert parse_mount(text, expand) == Mount(**{"target": "/a", **expected})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type=secret,id=a", {"cache_id": "a"}),
        ("type=secret,id=a,required", {"cache_id": "a", "required": True}),
        ("type=secret,id=a,required=0", {"cache_id": "a"}),
        ("type=secret,id=a,env=B", {"cache_id": "a", "env": "B"}),
        ("type=secret,src=a,mode=400", {"source": "a", "mode": 0o400}),
        ("type=secret,target=/a", {"target": "/a"}),
        ("type=ssh", {"type": "ssh"}),
        ("type=ssh,id=a,target=/s", {"type": "ssh", "cache_id": "a", "target": "/s"}),
    ],
)
def test_secrets_and_agents(text: str, expected: dict[str, Any]) -> None:
    assert parse_mount(text, expand) == Mount(**{"type": "secret", **expected})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must not be empty"),
        ("type=foo", 'unsupported mount type "foo"'),
        ("type=cach,target=/a", "did you mean cache?"),
        ("traget=/a", "unexpected key 'traget' in 'traget=/a' (did you mean target?)"),
        ("target", "invalid field 'target' must be a key=value pair"),
        ("type=bind", "bind mount requires a target"),
        ("target=/a,ro=maybe", "invalid value for ro: maybe"),
        ("target=/a,required", "unexpected key 'required' for mount type 'bind'"),
        ("target=/a,size=1", "unexpected key 'size' for mount type 'bind'"),
        ("target=/a,sharing=locked", "unexpected key 'sharing' for mount type 'bind'"),
        ("target=/a,mode=755", "unexpected key 'mode' for mount type 'bind'"),
        ("type=cache,target=/a,sharing=lock", 'unsupported sharing value "lock" (did you mean locked?)'),
        ("type=cache,target=/a,mode=999", "invalid value 999 for mode"),
        ("type=cache,target=/a,uid=-1", "invalid value -1 for uid"),
        ("type=cache,target=/a,gid=4294967296", "invalid value 4294967296 for gid"),
        ("type=tmpfs,target=/a,size=x", "invalid value for size: x"),
        ("type=secret", "invalid secret mount"),
        ("type=secret,id=a,src=b", "both source and id can't be set"),
        ("type=secret,id=a,from=b", "secret mount should not have a from"),
        ('target=/a,"source=b', "failed to parse mount"),
    ],
)
def test_wrong_mounts(text: str, words: str) -> None:
    with pytest.raises(DockerfileError) as caught:
        parse_mount(text, expand)
    assert words in caught.value.why
