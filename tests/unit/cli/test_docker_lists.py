"""docker's lists: what docker 28.2 wrote of the same rows."""

from __future__ import annotations

import os
import tempfile

import pytest

from argosy.cli.output import Output
from argosy.cli.podman._docker_lists import Kind, Row, show
from argosy.cli.templates import TemplateError

KIND = Kind(
    "*formatter.ContainerContext",
    {"ID": "CONTAINER ID", "Names": "NAMES", "Labels": "LABELS", "Ports": "PORTS"},
    ("ID", "Ports", "Names"),
)
LABELS = {"a": "b", "com.example.a-b_c": "long", "x": ""}
ROWS = (
    Row({"ID": "ffffffffffff", "Labels": "a=b,x=", "Names": "web", "Ports": ""}, LABELS),
    Row({"ID": "e" * 12, "Labels": "", "Names": "a\nb<>", "Ports": "0.0.0.0:8080->80/tcp"}, {}),
)


def shown(format_: str | None, rows: tuple[Row, ...] = ROWS) -> str:
    with tempfile.TemporaryFile() as file:
        out = Output("docker", fd=file.fileno())
        show(out, KIND, rows, format_)
        out.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        return file.read().decode()


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        (
            None,
            "CONTAINER ID   PORTS                  NAMES\n"
            "ffffffffffff                          web\n"
            "eeeeeeeeeeee   0.0.0.0:8080->80/tcp   a\\nb<>\n",
        ),
        ("{{.ID}}\\t{{.Names}}", "ffffffffffff\tweb\neeeeeeeeeeee\ta\nb<>\n"),
        ("table {{.ID}} {{.Ports}}", "CONTAINER ID PORTS\nffffffffffff \neeeeeeeeeeee 0.0.0.0:8080->80/tcp\n"),
        (
            'table {{.ID}}\\t{{.Label "a"}}\\t{{.Label "com.example.a-b_c"}}',
            "CONTAINER ID   a         a b c\nffffffffffff   b         long\neeeeeeeeeeee             \n",
        ),
        ('{{.Label "a"}}{{"x" | .Label}}{{len (.Label "a")}}', "b1\n0\n"),
        ('{{with $x := .}}{{$x.Label "a"}}{{end}}', "b\n\n"),
        (
            "json",
            '{"ID":"ffffffffffff","Labels":"a=b,x=","Names":"web","Ports":""}\n'
            '{"ID":"eeeeeeeeeeee","Labels":"","Names":"a\\nb\\u003c\\u003e","Ports":"0.0.0.0:8080-\\u003e80/tcp"}\n',
        ),
        ("{{json .Names}}", '"web"\n"a\\nb<>"\n'),
    ],
)
def test_formats(format_: str | None, expected: str) -> None:
    assert shown(format_) == expected


@pytest.mark.parametrize("format_", ["table", " table ", ""])
def test_nothing_asked_for_is_the_whole_table(format_: str) -> None:
    assert shown(format_) == shown(None)


def test_no_rows_leave_the_headings() -> None:
    assert shown(None, ()) == "CONTAINER ID   PORTS     NAMES\n"
    assert shown("{{.ID}}", ()) == ""


@pytest.mark.parametrize(
    ("format_", "message"),
    [
        ("{{.Foo}}", "can't evaluate field Foo in type *formatter.ContainerContext"),
        ("{{.Label}}", "at <.Label>: wrong number of args for Label: want 1 got 0"),
        ('{{.Label "a" "b"}}', "at <.Label>: wrong number of args for Label: want 1 got 2"),
        ("{{.Label 1}}", "at <1>: expected string; found 1"),
        ('{{.ID "a"}}', "ID has arguments but cannot be invoked as function"),
        ("table {{.Foo}}", "can't evaluate field Foo"),
    ],
)
def test_refused(format_: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        shown(format_)
    assert message in str(caught.value)
