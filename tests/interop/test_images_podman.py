"""What podman says of the same images: the outputs that scripts read, field by field, and many templates at once.

Where ours differ, the reason is here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.interop.peer import Podman
from tests.rig import host
from tests.rig.program import Program
from tests.rig.registry import Registry, image

pytestmark = [host.needs_root, host.needs_podman_4()]

DIFFERENT = {
    "Size": "podman counts the manifest twice: it keeps it under two names",
    "VirtualSize": "as Size",
    "GraphDriver.Data": "another store, and no work directory before there is a container",
    "Healthcheck": "podman 4 shows that of docker's format alone; containers get it from both",
    "RepoTags": "podman lists the names as they came, we sort them; its `images` leaves them out",
    "Names": "in another order",
    "NamesHistory": "in another order",
    "History": "in another order (`images`: the names that an image had)",
}
LAYERS: tuple[dict[str, bytes], ...] = (
    {"bin/a": b"a", "etc/x": b"x"},
    {"app/hello": b"hi"},
    {"app/other": b"x" * 5000},
)
CONFIG = {
    "Cmd": ["sh", "-c", "sleep 5"],
    "Entrypoint": ["/bin/env"],
    "Env": ["PATH=/bin", "A=B=C"],
    "Labels": {"a": "1", "b.c": "<2>", "z": ""},
    "User": "1000:5",
    "WorkingDir": "/app",
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Volumes": {"/data": {}},
    "StopSignal": "SIGINT",
    "OnBuild": ["RUN x"],
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000},
}
STEPS = [
    {"created": "2024-01-02T03:04:00Z", "created_by": "ADD file in /", "comment": "first"},
    {"created": "2024-01-02T03:04:01Z", "created_by": 'CMD ["sh"]', "empty_layer": True},
    {"created": "2024-01-02T03:04:02Z", "created_by": "COPY <hello> /app/ # wider than the column of the table is"},
    {"created": "2024-01-02T03:04:03Z", "created_by": "LABEL a=1", "empty_layer": True, "comment": "&"},
    {"created": "2024-01-02T03:04:04Z", "created_by": "COPY other"},
]
IMAGES = ("base:latest", "full:v1", "full:v2", "docker:latest", "bare:latest")


class Pair:
    """podman and the program, each with the same images."""

    def __init__(self, podman: Podman, argosy: Program, prefix: str) -> None:
        self.podman = podman
        self.argosy = argosy
        self.prefix = prefix

    def json(self, *arguments: str) -> tuple[Any, Any]:
        """What both say, theirs first."""
        return json.loads(self.podman.run(*arguments).stdout), self.argosy.run(*arguments).json()

    def text(self, *arguments: str) -> tuple[str, str]:
        return self.podman.run(*arguments).stdout, self.argosy.run(*arguments).stdout


@pytest.fixture(scope="module")
def pair(insecure_registry: Registry, shared_program: Program) -> Iterator[Pair]:
    """Five images of one registry in both stores."""
    prefix = f"{insecure_registry.name}/interop"
    base = image(LAYERS[:1], config={"Cmd": ["sh"]}, history=STEPS[:2])
    full = image(LAYERS, config=CONFIG, history=STEPS, author="me <m@x>")
    docker = image(
        [{"d": b"1"}, {"e": b"2"}],
        docker=True,
        config=CONFIG,
        docker_version="20.10",
        comment="top",
        history=STEPS[2::2],
    )
    bare = image([{"f": b"1"}], history=[], created="2020-01-01T00:00:00.123456789Z")
    directory = tempfile.mkdtemp(prefix="argosy-podman.")
    made = Pair(Podman(directory), shared_program, prefix)
    for name, pushed in zip(IMAGES, (base, full, full, docker, bare), strict=True):
        repository, _, tag = name.partition(":")
        insecure_registry.push(f"interop/{repository}", tag, pushed)
        for run in (made.podman.run, made.argosy.run):
            run("pull", "-q", "--tls-verify=false", f"{prefix}/{name}")
    yield made
    made.podman.run("rmi", "--all", "--force", check=False)
    with open("/proc/self/mountinfo", encoding="utf-8") as table:
        mounts = [line.split()[4] for line in table if line.split()[4].startswith(directory)]
    for place in reversed(mounts):
        subprocess.run(["umount", "-l", place], check=False)
    shutil.rmtree(directory, ignore_errors=True)
    assert not os.path.exists(directory)


def differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Where the documents differ, but for what has a reason."""
    if path in DIFFERENT:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        known = [key for key in ours if f"{path}.{key}".lstrip(".") not in DIFFERENT]
        wanted = [key for key in theirs if f"{path}.{key}".lstrip(".") not in DIFFERENT]
        if known != wanted:
            odd = sorted(set(known) ^ set(wanted)) or "in another order"
            return [f"{path}: the fields differ: {odd}"]
        return [text for key in wanted for text in differences(theirs[key], ours[key], f"{path}.{key}".lstrip("."))]
    return [] if theirs == ours else [f"{path}: {theirs!r} is here {ours!r}"]


@pytest.mark.parametrize("name", IMAGES)
def test_image_inspect(pair: Pair, name: str) -> None:
    (theirs,), (ours,) = pair.json("image", "inspect", f"{pair.prefix}/{name}")
    assert differences(theirs, ours) == []
    assert sorted(theirs["RepoTags"]) == ours["RepoTags"]


def test_images(pair: Pair) -> None:
    """podman's order among images of the same age is by chance."""
    theirs, ours = (
        sorted(rows, key=lambda row: sorted(row["Names"])) for rows in pair.json("images", "--format", "json")
    )
    assert [sorted(row["Names"]) for row in ours] == [sorted(row["Names"]) for row in theirs]
    assert [text for left, right in zip(theirs, ours, strict=True) for text in differences(left, right)] == []


@pytest.mark.parametrize("name", IMAGES)
def test_history(pair: Pair, name: str) -> None:
    theirs, ours = pair.text("history", "--format", "json", f"{pair.prefix}/{name}")
    assert theirs == ours
    theirs, ours = pair.text("history", f"{pair.prefix}/{name}")
    assert theirs == ours


@pytest.mark.parametrize(
    "filters",
    [
        ("before=base",),
        ("since=bare",),
        ("after=bare",),
        ("dangling=true",),
        ("dangling=false",),
        ("label=a",),
        ("label=a=2",),
        ("label!=a",),
        ("label=a=1", "label=z"),
        ("reference=*base*",),
        ("reference=*/interop/f*",),
        ("readonly=true",),
        ("containers=false",),
        ("until=2021-01-01T00:00:00Z",),
        ("until=10h",),
        ("manifest=true",),
    ],
    ids=" ".join,
)
def test_filters(pair: Pair, filters: tuple[str, ...]) -> None:
    arguments = [
        f"--filter={text.replace('=base', f'={pair.prefix}/base').replace('=bare', f'={pair.prefix}/bare')}"
        if text.startswith(("before", "since", "after"))
        else f"--filter={text}"
        for text in filters
    ]
    theirs, ours = pair.text("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", *arguments)
    assert sorted(theirs.splitlines()) == sorted(ours.splitlines())


@pytest.mark.parametrize("words", [("image", "diff"), ("diff",), ("diff", "--format", "json")], ids=" ".join)
def test_diff(pair: Pair, words: tuple[str, ...]) -> None:
    for name in IMAGES:
        theirs, ours = pair.text(*words, f"{pair.prefix}/{name}")
        assert theirs.strip() == ours.strip(), name


def test_tree(pair: Pair) -> None:
    theirs, ours = pair.text("image", "tree", f"{pair.prefix}/base")
    size = [line for line in ours.splitlines() if line.startswith("Size:")]
    assert [line for line in theirs.splitlines() if not line.startswith("Size:")] == [
        line for line in ours.splitlines() if line not in size
    ]


# Fields that podman's documents of the whole system have and ours lack, or the other way round.
SYSTEM = {
    "host.linkmode": "how a Go program was linked",
    "host.cgroupMode": "ours: hybrid is neither v1 nor v2",
    "host.programs": "ours: what is looked for, and where it is",
    "host.security.userNamespaces": "ours: what rootless containers need",
    "store.containerStore.damaged": "ours: containers whose record cannot be read",
    "store.graphStatus": "each driver has facts of its own",
    "version.ArgosyVersion": "ours: the others may be the peer's, which scripts compare",
    "version.PythonVersion": "ours",
    "version.RuntimeSpec": "ours",
    "version.StoreFormat": "ours",
}
SAME = (
    *("host.arch", "host.cgroupManager", "host.cgroupVersion", "host.conmon.package", "host.conmon.path", "host.cpus"),
    *("host.distribution", "host.hostname", "host.idMappings", "host.kernel", "host.logDriver", "host.memTotal"),
    *("host.os", "host.security.apparmorEnabled", "host.security.rootless", "host.slirp4netns", "host.swapTotal"),
    *(
        "host.serviceIsRemote",
        "store.configFile",
        "store.containerStore.number",
        "store.graphDriverName",
        "store.graphRootAllocated",
    ),
    *("plugins.volume", "plugins.log", "plugins.authorization", "version.OsArch", "version.Os"),
)


def _paths(document: Any, path: str = "") -> Iterator[str]:
    """The fields of a document; what is in a field with a reason is its own business."""
    for key, value in document.items():
        name = f"{path}.{key}".lstrip(".")
        if name in SYSTEM:
            continue
        yield name
        if isinstance(value, dict):
            yield from _paths(value, name)


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        document = document[key]
    return document


def test_info(pair: Pair) -> None:
    theirs, ours = pair.json("info", "--format", "json")
    assert sorted(_paths(ours)) == sorted(_paths(theirs))
    assert [(path, _at(ours, path)) for path in SAME] == [(path, _at(theirs, path)) for path in SAME]
    assert set(theirs["plugins"]["network"]) <= set(ours["plugins"]["network"])  # ipvlan came with a later netavark


def test_version(pair: Pair) -> None:
    theirs, ours = pair.json("version", "--format", "json")
    assert [key for key in ours["Client"] if f"version.{key}" not in SYSTEM] == list(theirs["Client"])
    assert ours.keys() == theirs.keys()


@pytest.mark.parametrize(
    "words",
    [
        ("version", "{{.OsArch}} {{.Os}}"),
        ("version", "{{.Server.Os}}"),
        ("version", "{{.Client.Os}} {{.Client.OsArch}}"),
        (
            "info",
            "{{.Host.CgroupsVersion}} {{.Host.Security.DefaultCapabilities}} {{.Host.RemoteSocket.Exists}}"
            " {{.Host.IDMappings.UIDMap}} {{.Host.Security.Rootless}}",
        ),
        ("images", "{{range .}}{{.Repository}} {{end}}", "--sort", "repository"),
        ("system df", "{{range .}}{{.Type}},{{end}}"),
    ],
)
def test_names_of_fields(pair: Pair, words: tuple[str, ...]) -> None:
    """Those which differ from JSON's, which old scripts have, or which are looked for in a list of all rows."""
    command, template, *more = words
    theirs, ours = pair.text(*command.split(), "--format", template, *more)
    assert ours == theirs


DF = ("system", "df", "--format", "{{json .}}")


def test_system_df(pair: Pair) -> None:
    """Kinds, their order and form; podman counts an image once for each name, and shared layers again and again."""
    theirs, ours = ([json.loads(line) for line in text.splitlines()] for text in pair.text(*DF))
    if "RawSize" not in theirs[0]:  # came later than podman 4.3
        for row in ours:
            assert isinstance(row.pop("RawSize"), int)
            assert isinstance(row.pop("RawReclaimable"), int)
    assert [list(row) for row in ours] == [list(row) for row in theirs]
    assert [row["Type"] for row in ours] == ["Images", "Containers", "Local Volumes"]
    assert ours[0]["Total"] == len(set(IMAGES) - {"full:v2"})
    assert ours[1:] == theirs[1:]


# Each is evaluated by both; those of one list in one call.
ON_IMAGES = r"""
{{json .Config}}
{{.Config}} {{.Config.Env}} {{index .Config.Env 0}} {{len .Config.Volumes}}
{{.Created}} {{json .Created}} {{.Os}}/{{.Architecture}} {{.Author}} {{.Comment}}
{{.RootFS}} {{.RootFS.Type}} {{range .RootFS.Layers}}{{.}} {{end}}
{{.Labels}} {{index .Labels "a"}} {{.Labels.nosuch}} {{json .Labels}}
{{range $k, $v := .Labels}}{{$k}}={{$v}};{{end}} {{with .Labels}}{{.a}}{{end}}
{{range .History}}{{.CreatedBy}}|{{.EmptyLayer}}|{{.Created}}|{{.Comment}};{{end}}
{{.History}} {{.Digest}} {{.Id}} {{.ID}} {{.ManifestType}} {{.User}}
{{.Config.ExposedPorts}} {{range $p, $_ := .Config.ExposedPorts}}{{$p}},{{end}}
{{if .Config.Entrypoint}}entry{{else}}none{{end}} {{.Config.WorkingDir | printf "%-8s|"}} {{.Config.StopSignal}}
{{printf "%v %q %s" .Config.Cmd .Config.Cmd .Config.Cmd}} {{.GraphDriver.Name}} {{.Annotations}}
{{join .Config.Env ","}} {{join .Config.Cmd " " | upper}} {{slice .Config.Cmd 1}} {{.Parent}}
""".strip().splitlines()
PURE = r"""
{{printf "%d %5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U" 42 42 42 42 42 255 255 8 5 65 65 65}}
{{printf "%s|%10s|%-10s|%.2s|%q|%x|% x|%#x" "ab" "ab" "ab" "abc" "a\tb" "hi" "hi" "hi"}}
{{printf "%v %f %.2f %8.3f|%e %g %G %.3v" 1.5 1.5 1.25 3.14159 1234.5 1e-7 1e-7 3.14159}}
{{printf "%t %v %T %T %T %T %T" true false 1 "a" 1.5 true nil}}
{{printf "%d %s" "x" 5}} {{printf "%d"}} {{printf "a" 1}} {{printf "%z" 1}} {{printf "%[2]d %[1]d" 1 2}} {{printf "%!"}}
{{print 1 2 "a" "b" 3 true}} {{print}} {{println 1 "x"}}
{{len "abc"}} {{len (split "a,b" ",")}} {{index (split "a,b" ",") 1}} {{slice "hello" 1 3}} {{slice "hello" 2}}
{{eq 1 1}} {{eq 1 2 3 1}} {{ne "a" "b"}} {{lt 1 2}} {{le 2 2}} {{gt 1.5 1.0}} {{ge "b" "a"}} {{eq nil nil}}
{{and 1 0 2}} {{or 0 "" "x"}} {{not 0}} {{or true (index "" 5)}} {{and false (index "" 5)}}
{{html "<a href='x'>&\""}} {{js "it's <b>\"&=\n"}} {{urlquery "a b/c?d=é&"}} {{urlquery nil}}
{{lower "ABC"}} {{upper "abc"}} {{title "hello world"}} {{split "a,b" ","}} {{join (split "a,b" ",") "-"}}
{{truncate "hello" 3}}|{{truncate "hi" 9}}|{{pad "x" 1 2}}|{{pad "" 2 2}}| {{json "a<b"}} {{json 1.0}} {{json nil}}
{{range $i, $e := split "a,b,c" ","}}{{if eq $i 1}}{{continue}}{{end}}{{if eq $i 2}}{{break}}{{end}}{{$i}}{{$e}}{{end}}
{{range split "" ","}}[{{.}}]{{else}}none{{end}}
{{with $x := 5}}{{$x}}{{.}}{{end}} {{with ""}}x{{else}}y{{end}} {{if 0}}a{{else if ""}}b{{else}}c{{end}}
{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}{{if true}}{{$x = 3}}{{$x := 4}}{{$x}}{{end}}{{$x}}
{{define "t"}}<{{.}}>{{end}}{{template "t" 1}}{{template "t"}}{{block "u" "b"}}[{{.}}]{{end}}
a{{/* c */}}b  {{- 1 -}}  c {{- /* d */ -}} d
{{1e3}} {{0x10}} {{0b11}} {{0o17}} {{1_000}} {{'a'}} {{"\x41\u00e9\101"}} {{1e21}} {{1e20}} {{.5}} {{-5}}
{{("a")}} {{(print 1 2)}} {{(index (split "a b" " ") 0) | upper | printf "%s-%s" "x"}}
""".strip().splitlines()
MARK = "\x1f"


def test_templates_on_images(pair: Pair) -> None:
    for name in IMAGES:
        templates = ON_IMAGES if name.startswith(("full", "docker")) else ON_IMAGES[:1] + ON_IMAGES[2:5]
        theirs, ours = pair.text("image", "inspect", "--format", MARK.join(templates), f"{pair.prefix}/{name}")
        assert list(zip(templates, ours.split(MARK), strict=True)) == list(
            zip(templates, theirs.split(MARK), strict=True)
        )


def test_templates_without_data(pair: Pair) -> None:
    theirs, ours = (text.rstrip("\n") for text in pair.text("version", "--format", MARK.join(PURE)))
    assert list(zip(PURE, ours.split(MARK), strict=True)) == list(zip(PURE, theirs.split(MARK), strict=True))


@pytest.mark.parametrize(
    "template",
    [
        "{{.Foo}}",
        "{{if}}",
        "{{end}}",
        "{{foo}}",
        '{{eq 1 "a"}}',
        "{{len 5}}",
        "{{call 1}}",
        "{{(1}}",
        '{{template "none"}}',
        '{{index "ab" 5}}',
    ],
)
def test_refused_templates(pair: Pair, template: str) -> None:
    """The status and the kind of message; podman counts columns in a longer template and knows types of Go."""
    messages: list[str] = []
    runs: tuple[Callable[..., Any], ...] = (pair.podman.run, pair.argosy.run)
    for run in runs:
        done = run("image", "inspect", "--format", template, f"{pair.prefix}/full:v1", check=False)
        assert (done.returncode, done.stdout.strip()) == (125, "")
        messages.append(done.stderr.strip().rpartition(": ")[2])
    assert messages[0].partition(" in type ")[0] == messages[1].partition(" in type ")[0]
