"""`pull` from registries that lie, hang, send without end, want credentials for others, or do not have the image."""

from __future__ import annotations

import base64
import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.ground import INSECURE, Ground, Registry, endless, replacing
from tests.rig import host
from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.program import finish
from tests.rig.registry import Authority, image, index
from tests.rig.registry import Registry as RealRegistry

# The registry that really is one must be there before the store whose leftovers are looked for.
pytestmark = pytest.mark.usefixtures("registry")

BIG = image([{"data": os.urandom(700_000)}, {"other": b"x"}])
LAYER = json.loads(BIG.manifest)["layers"][0]["digest"]
CONFIG = json.loads(BIG.manifest)["config"]["digest"]
INDEX = index([(BIG, {"os": "linux", "architecture": "amd64"}), (image(), {"os": "linux", "architecture": "arm64"})])
OTHER = image([{"other": b"content"}])
ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\rError: all is well\u202e"


def answer(status: int, body: bytes, **headers: str) -> Callable[[Exchange], None]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda exchange: exchange.answer(status, body, named)


def errors(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


def with_length(data: bytes, length: int) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(200, data, length=length)


def same_size(data: bytes) -> bytes:
    return bytes(len(data))


SAID: dict[str, tuple[Script, list[str]]] = {
    # what the registry does: its script, and what the user reads
    "no such image": (answer(404, errors("NAME_UNKNOWN", "repository name not known")), ["repository name not known"]),
    "no such tag": (answer(404, errors("MANIFEST_UNKNOWN", "manifest unknown")), ["reading manifest latest in"]),
    "no such blob": (replacing(BIG, LAYER, answer(404, errors("BLOB_UNKNOWN", "gone"))), [LAYER, "gone"]),
    "no such config": (replacing(BIG, CONFIG, answer(404, b"")), [CONFIG, "404 Not Found"]),
    "forbidden": (answer(403, errors("DENIED", "not yours")), ["denied: not yours", "argosy login"]),
    "login wanted": (answer(401, b"", WWW_Authenticate='Basic realm="x"'), ["unauthorized", "argosy login"]),
    "blob too short": (
        replacing(BIG, LAYER, with_length(BIG.blobs[LAYER][:-1], len(BIG.blobs[LAYER]) - 1)),
        [LAYER, "the registry declares", "its manifest says"],
    ),
    "blob too long": (
        replacing(BIG, LAYER, with_length(BIG.blobs[LAYER] + b"x", len(BIG.blobs[LAYER]) + 1)),
        [LAYER, "the registry declares", "its manifest says"],
    ),
    "blob of exabytes": (
        replacing(BIG, LAYER, with_length(b"", 1 << 62)),
        ["the registry declares 4611686018427387904 bytes"],
    ),
    "another blob": (replacing(BIG, LAYER, answer(200, same_size(BIG.blobs[LAYER]))), [LAYER]),
    "another config": (replacing(BIG, CONFIG, answer(200, same_size(BIG.blobs[CONFIG]))), ["has the digest", CONFIG]),
    "endless blob": (replacing(BIG, LAYER, endless), [LAYER]),
    "endless config": (replacing(BIG, CONFIG, endless), [CONFIG]),
    "endless manifest": (endless, ["longer than 4 MiB"]),
    "endless error": (functools.partial(endless, status=404, filling=b"x"), ["reading manifest latest in"]),
    "endless refusal": (functools.partial(endless, status=401, filling=b"x"), ["reading manifest latest in"]),
    "manifest of another digest": (
        answer(200, OTHER.manifest, Content_Type=OTHER.media_type, Docker_Content_Digest=BIG.digest),
        [f"has the digest {OTHER.digest}, not {BIG.digest}"],
    ),
    "manifest digest that is none": (
        answer(200, BIG.manifest, Content_Type=BIG.media_type, Docker_Content_Digest="sha256:../../../x"),
        ["hexadecimal digits"],
    ),
    "another manifest than the index names": (
        replacing(INDEX, BIG.digest, answer(200, OTHER.manifest, Content_Type=OTHER.media_type)),
        [f"has the digest {OTHER.digest}, not {BIG.digest}"],
    ),
    "web page": (answer(200, b"<html>log in", Content_Type="text/html"), ["web page"]),
    "web page as an error": (
        answer(404, b"<html><title>Not\n\x1b[31mhere</title>", Content_Type="text/html"),
        ["a web page titled"],
    ),
    "circle": (lambda exchange: exchange.answer(302, b"", {"Location": exchange.path}), ["redirects more than 10"]),
    "redirect to a file": (answer(302, b"", Location="file:///etc/passwd"), ["is not a URL of http or https"]),
    "redirect to nonsense": (answer(307, b"", Location="http://[::bad"), ["is not a URL"]),
    "escape codes in an error": (answer(404, errors("UNKNOWN", ESCAPES)), [r"\x1b]0;title", "Error: all is well"]),
    "escape codes in plain text": (answer(404, ESCAPES.encode()), [r"\x1b[2J", r"\x9b31m", r"\u202e"]),
    "escape codes in a digest": (
        answer(200, BIG.manifest, Content_Type=BIG.media_type, Docker_Content_Digest="\x1b[2J"),
        [r"\x1b[2J"],
    ),
    "escape codes in a redirect": (answer(302, b"", Location="ftp://\x1b[2J/"), [r"\x1b[2J", "is not a URL"]),
    "escape codes in a content type": (answer(200, BIG.manifest, Content_Type="\x1b[2J"), [r"sent as '\x1b[2j'"]),
}


@pytest.mark.parametrize("case", SAID)
def test_what_it_says_is_an_error(ground: Ground, hostile: Registry, case: str) -> None:
    script, words = SAID[case]
    started = time.monotonic()
    ground.attack("pull", INSECURE, hostile.add(script), words=words, metered="endless" in case)
    assert time.monotonic() - started < 20


def test_run_says_the_same(ground: Ground, hostile: Registry) -> None:
    script, words = SAID["no such image"]
    for command in ("run", "create"):
        done = ground.attack(command, "--rm", INSECURE, hostile.add(script), "true", words=words)
        assert done.stdout == ""
    ground.attack("run", "--rm", "--pull=never", "localhost/never/seen:1", "true", words=["image not known"])
    ground.attack("run", "--rm", "--pull=never", hostile.add(BIG), "true", words=["image not known", "never"])


def test_a_platform_that_there_is_not(ground: Ground, hostile: Registry) -> None:
    reference = hostile.add(INDEX)
    for words in (("pull",), ("run", "--rm")):
        wanted = ("--platform", "linux/riscv64")
        done = ground.attack(*words, INSECURE, *wanted, reference, words=["no image found", "riscv64"])
        assert "linux/amd64, linux/arm64" in done.stderr
    for nonsense in ("a/b/c/d", "linux/\x1b[2J", "", "/", "linux/"):
        if nonsense:
            ground.attack("pull", INSECURE, "--platform", nonsense, reference, words=["platform"])


def test_tags_without_end_and_tags_that_are_none(ground: Ground, hostile: Registry) -> None:
    def forever(exchange: Exchange) -> None:
        exchange.answer(200, b'{"tags":["a"]}', {"Link": f'<{exchange.path}>; rel="next"'})

    for script in (forever, endless, answer(200, b'{"tags":["../../../etc/passwd"]}'), answer(200, b'{"tags":7}')):
        repository = hostile.add(script).removesuffix(":latest")
        ground.attack("pull", "--all-tags", INSECURE, repository, metered=script is endless)


def test_wrong_credentials(ground: Ground, registry: RealRegistry) -> None:
    reference = registry.push("attacks/credentials", "1", BIG)
    pull = ("pull", "--cert-dir", registry.certificate_directory)
    for arguments in ((), ("--creds", "argosy:hunter2"), ("--creds", "nobody:hunter2")):
        done = ground.attack(*pull, *arguments, reference, words=["unauthorized", f"argosy login {registry.name}"])
        assert "hunter2" not in done.stderr
    for nonsense in ("no-colon\x1b[2J", ":", ":x"):
        ground.attack(*pull, "--creds", nonsense, reference)
    ground.attack("pull", "--creds", f"{registry.user}:{registry.password}", reference, words=["certificate"])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"auths":7}', '{"auths":{"x":{"auth":"%%%"}}}', '{"credHelpers":{"localhost":"../../bin/sh"}}'],
)
def test_an_auth_file_that_is_none(ground: Ground, registry: RealRegistry, text: str) -> None:
    reference = registry.push("attacks/credentials", "1", BIG)
    text = text.replace("localhost", registry.name).replace('"x"', f'"{registry.name}"')
    path = ground.program.write("auth.json", text, 0o600)
    pull = ("pull", "--cert-dir", registry.certificate_directory, "--authfile")
    ground.attack(*pull, path, reference)
    os.unlink(path)
    ground.attack(*pull, path, reference, words=[path])


BASIC = "Basic " + base64.b64encode(b"me:secret").decode()


@pytest.fixture(scope="module")
def certificates(authority: Authority) -> Iterator[str]:
    """What --cert-dir takes to trust our authority; everybody may read it."""
    directory = tempfile.mkdtemp(prefix="argosy-test-certs.")
    os.chmod(directory, 0o755)
    shutil.copy(authority.certificate, f"{directory}/ca.crt")
    yield directory
    shutil.rmtree(directory)


def test_credentials_stay_home(ground: Ground, authority: Authority, certificates: str) -> None:
    """A blob comes from another host after a redirect: the image arrives, the password does not leave."""
    with Hostile(serves(OTHER), authority.server_context("other")) as other:

        def serve(exchange: Exchange) -> None:
            if exchange.headers.get("authorization") != BASIC:
                exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            elif "/blobs/" in exchange.path:
                exchange.answer(307, b"", {"Location": f"{other.url}{exchange.path}"})
            else:
                serves(OTHER)(exchange)

        with Hostile(serve, authority.server_context()) as home:
            pull = ("pull", "--cert-dir", certificates, "--creds", "me:secret", f"{home.name}/home/image")
            ground.attack(*pull, status=0)
            assert BASIC in home.authorizations()
            assert other.paths() != []
            assert other.authorizations() == []
            ground.program.run("rmi", f"{home.name}/home/image")
            other.script = answer(401, b"", WWW_Authenticate='Basic realm="give"')
            ground.attack(*pull, words=["unauthorized"])
            assert other.authorizations() == []


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_a_token_realm_on_another_scheme(ground: Ground, authority: Authority, certificates: str, scheme: str) -> None:
    with Hostile(answer(200, b'{"token":"t"}')) as tokens:
        challenge = f'Bearer realm="{scheme}://{tokens.name}/token",service="x"'
        with Hostile(answer(401, b"", WWW_Authenticate=challenge), authority.server_context()) as home:
            ground.attack(
                *("pull", "--cert-dir", certificates, "--creds", "me:secret", f"{home.name}/x"),
                words=[f"{scheme}://{tokens.name}/token", "which is not HTTPS"],
            )
    assert tokens.seen == []


@pytest.mark.parametrize("body", [b"", b"{}", b'{"token":"a\\r\\nX: 1"}', b'{"token":"\\u001b[2J"}', b"endless"])
def test_a_token_server_that_talks_nonsense(ground: Ground, hostile: Registry, body: bytes) -> None:
    script = endless if body == b"endless" else answer(200, body)
    realm = f"http://{hostile.server.name}/v2/{hostile.add(script).split('/')[1].removesuffix(':latest')}/token"
    asks = answer(401, b"", WWW_Authenticate=f'Bearer realm="{realm}"')
    ground.attack("pull", INSECURE, hostile.add(asks), words=["token"], metered=True)


def test_what_is_no_registry_at_all(ground: Ground) -> None:
    def raw(data: bytes) -> Script:
        def script(exchange: Exchange) -> None:
            exchange.send(data)
            exchange.hang_up()

        return script

    for data in (
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: \x1b[2J\r\n" % number for number in range(500)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ):
        with Hostile(raw(data)) as server:
            ground.attack("pull", INSECURE, "--retry=0", f"{server.name}/x")
    for name in ("localhost:1/x", "localhost:0/x", "nowhere.invalid/x", "localhost:99999/x", "127.0.0.1:1/x"):
        ground.attack("pull", INSECURE, "--retry=0", name, words=[name.partition("/")[0].partition(":")[0]])


def test_a_lie_does_not_outlive_the_liar(ground: Ground) -> None:
    """What a lying registry sent in place of a blob is in nobody's way, be it whole or broken off in the middle."""
    made = image([{"data": os.urandom(2_000_000)}])
    layer = json.loads(made.manifest)["layers"][0]["digest"]
    data = made.blobs[layer]

    def cut(exchange: Exchange) -> None:
        if lies:
            exchange.start(200, {"Content-Length": str(len(data))})
            exchange.send(data[:100_000] + bytes(400_000))
            exchange.hang_up()
            lies.pop()
        else:
            exchange.answer(404, b"gone")

    for script in (answer(200, same_size(data)), cut):
        lies = [True]
        with Hostile(replacing(made, layer, script)) as server:
            reference = f"{server.name}/x:latest"
            ground.attack("pull", INSECURE, "--retry-delay=10ms", reference, words=[layer])
            server.script = serves(made)
            ground.attack("pull", INSECURE, reference, status=0)
        ground.program.run("rmi", reference)


NAMES = {
    "": "invalid",
    "UPPER/case": "lowercase",
    "a//b": "invalid",
    "../../../etc/passwd": "invalid",
    "/etc/passwd": "invalid",
    "localhost/x:" + "t" * 129: "invalid",
    "localhost/" + "x" * 300: "invalid",
    "localhost/x@sha256:abc": "invalid",
    "localhost/x@md5:d41d8cd98f00b204e9800998ecf8427e": "invalid",
    "localhost/\x1b[2Jx": r"\x1b[2J",
    "localhost/x:\u202elatest": r"\u202e",
    "localhost/x y": "invalid",
    "docker://": "invalid",
    "oci:/etc:x": "oci",
    "dir:/etc": "dir",
    "http://localhost/x": "invalid",
    "localhost/\udcff": r"\udcff",
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_that_are_none(ground: Ground, name: str) -> None:
    ground.attack("pull", name, words=[NAMES[name]])
    if not name.isprintable() or not name:
        for command, status in (("run", 125), ("inspect", 125), ("rmi", 1), ("tag", 125)):
            ground.attack(command, name, "x", status=status, keeps=True)


def hangs_at(where: str) -> Script:
    honest = serves(BIG)

    def script(exchange: Exchange) -> None:
        if where not in exchange.path:
            honest(exchange)
            return
        if where == LAYER:
            exchange.start(200, {"Content-Length": str(len(BIG.blobs[LAYER]))})
            exchange.send(BIG.blobs[LAYER][:1000])
        exchange.stall()

    return script


def test_a_registry_that_hangs(ground: Ground) -> None:
    """Each at another place, all at once: nothing for 30 s."""
    if ground.program.rootless and host.is_root():
        pytest.skip("takes half a minute, and root has waited already")
    places = ["/v2/", "/manifests/", CONFIG, LAYER]

    def pull(where: str) -> str:
        with Hostile(hangs_at(where)) as server:
            began = time.monotonic()
            process = ground.program.start("pull", INSECURE, "--retry=0", f"{server.name}/x", stdin=-1)
            done = finish(process, check=125, timeout_s=100)
            assert time.monotonic() - began > 20
        ground.judge(done, ["does not answer", "nothing came for 30 s"])
        return where

    before = ground.surroundings(), ground.objects()
    with ThreadPoolExecutor(len(places)) as pool:
        assert list(pool.map(pull, places)) == places
    assert (ground.surroundings(), ground.objects()) == before
