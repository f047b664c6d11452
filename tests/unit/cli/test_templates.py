"""Go templates: what podman 4.3.1 (built with Go 1.19) answered to each of these, `podman version --format ...`."""

from __future__ import annotations

import pytest

from argosy.cli.output import Output
from argosy.cli.templates import Map, Template, TemplateError, is_json, is_table, render, with_maps

DATA = {"Version": "4.3.1", "Client": None}

GIVEN = r"""
{{1000000.0}} {{1e20}} {{1e21}} {{1e-5}} {{3.0}} {{0.1}} => 1e+06 1e+20 1e+21 1e-05 3 0.1
{{123456.5}} {{123456789.0}} {{3.14159e10}} => 123456.5 1.23456789e+08 3.14159e+10
{{1_000}} {{0b101}} {{0o17}} => 1000 5 15
{{printf "%99999999d" 1}} => %!(NOVERB)%!(EXTRA int=1)
{{print 1 2 "a" "b" 3}} {{println 1 "x"}} => 1 2ab3 1 x
{{printf "%d %s %v %q %x" "x" 5 true "q" "hi"}} => %!d(string=x) %!s(int=5) true "q" 6869
{{printf "%5d|%-5s|%05d" 3 "a" 7}} => "    3|a    |00007"
{{printf "%d"}} {{printf "a" 1}} {{printf "%z" 1}} {{printf "%"}} => %!d(MISSING) a%!(EXTRA int=1) %!z(int=1) %!(NOVERB)
{{printf "%+d %x %X %o %b %c %U %#x %6.3d|% d" 5 255 255 8 5 65 65 255 7 3}} => +5 ff FF 10 101 A U+0041 0xff    007| 3
{{printf "%t %v %v" true nil 1.5}} => true <nil> 1.5
{{printf "%*d" 5 3}} {{printf "%.2s" "abcdef"}} {{printf "%T %T %T" 1 "a" 1.5}} => "    3 ab int string float64"
{{1.5 | printf "%6.2f|%e|%g"}} => "  1.50|%!e(MISSING)|%!g(MISSING)"
{{len "abc"}} {{slice "abcdef" 1 3}} {{html "<a>"}} {{urlquery "a b&c"}} {{js "a\"b"}} => 3 bc &lt;a&gt; a+b%26c a\"b
{{upper "abc"}} {{lower "ABC"}} {{title "abc def"}} {{truncate "abcdef" 3}} => ABC abc Abc Def abc
{{pad "a" 2 3}}| {{pad "" 1 1}}| => "  a   | |"
{{split "a:b" ":"}} {{join (split "a:b" ":") "-"}} => [a b] a-b
{{lt 1 2}} {{not true}} {{and 1 0}} {{or 0 "x"}} {{eq 1 2 1}} => true false 0 x true
{{ne 1 2}} {{le 1 1}} {{gt "b" "a"}} {{ge 1.5 1.5}} => true true true true
{{print nil}} => <nil>
{{printf "%x %X %b" 1.5 -0.1 1.5}} => 0x1.8p+00 -0X1.999999999999AP-04 6755399441055744p-52
a{{/* c */}}b {{- " x " -}} c => ab x c
{{- 3}} {{ 3 -}}  x => 3 3x
{{$a := 5}}{{$a}}{{$a = 6}}{{$a}} => 56
{{with "x"}}[{{.}}]{{else}}n{{end}}{{with ""}}y{{else}}n{{end}} => [x]n
{{range $i, $e := split "a,b,c" ","}}{{$i}}={{$e}};{{end}} => 0=a;1=b;2=c;
{{range split "a,b,c" ","}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}} => ac
{{range split "a,b,c" ","}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}} => a
{{define "t"}}<{{.}}>{{end}}{{template "t" "hi"}} => <hi>
{{block "b" 5}}[{{.}}]{{end}} => [5]
{{index (split "a:b" ":") 1}} {{len (split "a:b" ":")}} {{index "abc" 1}} => b 2 98
{{'x'}} {{"\u00e9\x41"}} {{`r\n`}} {{0x1F}} {{010}} {{-5}} {{+5}} => 120 éA r\n 31 8 -5 5
{{if and true (eq 1 1)}}ok{{else if true}}b{{end}} => ok
{{if false}}a{{else if true}}b{{else}}c{{end}} => b
{{if false}}a{{else if false}}b{{else}}c{{end}} => c
{{true | not}} {{ .Version | upper | printf "%s-%s" "x" }} => false x-4.3.1
{{json "a<b>"}} {{json 1.5}} {{json true}} {{json nil}} {{json (split "a b" " ")}} => "a<b>" 1.5 true null ["a","b"]
{{.Client}} {{.Client.Anything}} => <no value> <no value>
{{printf "%[2]d %[1]d" 1 2}} {{printf "%[3]d" 1}} {{printf "%*d" "x" 3}} => 2 1 %!d(BADINDEX) %!(BADWIDTH)3
{{printf "%G %O %#U %#x %+q % 05d" 1e-7 8 9731 "hi" "\u00e9" 5}} => 1E-07 0o10 U+2603 '☃' 0x6869 "\u00e9"  0005
{{printf "%s %d" nil nil}} {{printf "%.3v" 3.14159}} => %!s(<nil>) %!d(<nil>) 3.14
{{printf "%#v" (split "a b" " ")}} => []string{"a", "b"}
{{len "\u00e9"}} {{index "\u00e9" 1}} {{slice "h\u00e9" 0 2 | printf "%q"}} => 2 169 "h\xc3"
{{slice (split "a b c" " ") 0 1 2}} {{json 1.0}} {{0x1p4}} {{urlquery nil}} => [a] 1 16 %3Cno+value%3E
{{js "\u2028\t"}} {{json "\u2028"}} {{"a\nb" | printf "%q"}} => \u2028\u0009 "\u2028" "a\nb"
"""

REFUSED = r"""
{{.Foo}} => 1:2: executing "version" at <.Foo>: can't evaluate field Foo in type *define.Version
{{.Version.Foo.Bar}} => 1:10: executing "version" at <.Version.Foo.Bar>: can't evaluate field Foo in type string
{{if}} => 1: missing value for if
{{foo}} => 1: function "foo" not defined
{{a.b}} => 1: function "a" not defined
{{join "a"}} => 1:2: executing "version" at <join>: wrong number of args for join: want 2 got 1
{{eq}} => 1:2: executing "version" at <eq>: wrong number of args for eq: want at least 1 got 0
{{eq 1 "a"}} => 1:2: executing "version" at <eq 1 "a">: error calling eq: incompatible types for comparison
{{lt "a" 5}} => 1:2: executing "version" at <lt "a" 5>: error calling lt: incompatible types for comparison
{{len 5}} => 1:2: executing "version" at <len 5>: error calling len: len of type int
{{upper 5}} => 1:8: executing "version" at <5>: expected string; found 5
{{nil}} => 1:2: executing "version" at <nil>: nil is not a command
{{1 2}} => 1:2: executing "version" at <1>: can't give argument to non-function 1
{{$x}} => 1: undefined variable "$x"
{{end}} => 1: unexpected {{end}}
{{if true}}x => 1: unexpected EOF
{{if true}}{{else}}{{else}}{{end}} => 1: expected end; found {{else}}
{{ => 1: unclosed action
{{"a => 1: unterminated quoted string
{{(1}} => 1: unclosed left paren
{{1)}} => 1: unexpected ")" in command
{{| 1}} => 1: unexpected "|" in command
{{.Version. }} => 1: unexpected <.> in operand
{{"x" | 5}} => 1: non executable command in pipeline stage 2
{{1a}} => 1: bad number syntax: "1a"
{{break}} => 1: {{break}} outside {{range}}
{{range 5}}x{{end}} => 1:8: executing "version" at <5>: range can't iterate over 5
{{template "nope"}} => 1:11: executing "version" at <{{template "nope"}}>: template "nope" not defined
{{$x, $y := 1}} => 1: too many declarations in command
{{range $a, $b, $c := 1}}{{end}} => 1: too many declarations in range
{{call 1}} => 1:2: executing "version" at <call 1>: error calling call: non-function of type int
{{call nil}} => 1:2: executing "version" at <call nil>: error calling call: call of nil
{{99999999999999999999}} => 1: integer overflow: "99999999999999999999"
{{1e400}} => 1: illegal number syntax: "1e400"
{{print(1)}} => 1: unexpected "(" in operand
{{lower nil}} => 1:8: executing "version" at <nil>: cannot assign nil to string
{{join "a" "b"}} => 1:7: executing "version" at <"a">: can't handle "a" for arg of type []string
{{truncate "a" "b"}} => 1:15: executing "version" at <"b">: expected integer; found "b"
{{pad "x" -1 2}} => 1:2: executing "version" at <pad "x" -1 2>: error calling pad: strings: negative Repeat count
{{slice "a" 0 1 2}} => 1:2: executing "version" at <slice "a" 0 1 2>: error calling slice: cannot 3-index slice a string
{{index "ab" 5}} => 1:2: executing "version" at <index "ab" 5>: error calling index: index out of range: 5
"""


def _cases(text: str) -> list[tuple[str, str]]:
    pairs = [line.split(" => ", 1) for line in text.strip().splitlines()]
    return [(template, wanted[1:-1] if wanted.startswith('" ') else wanted) for template, wanted in pairs]


@pytest.mark.parametrize(("template", "wanted"), _cases(GIVEN))
def test_what_go_prints(template: str, wanted: str) -> None:
    assert Template(template, "version").execute(DATA, "*define.Version").rstrip("\n") == wanted


@pytest.mark.parametrize(("template", "wanted"), _cases(REFUSED))
def test_what_go_refuses(template: str, wanted: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(template, "version").execute(DATA, "*define.Version")
    assert str(caught.value) == f"template: version:{wanted}"


def test_the_line_of_an_error_counts() -> None:
    with pytest.raises(TemplateError, match=r"template: x:3: undefined"):
        Template("a\n{{1}}\n{{$y}}", "x")


def test_maps_take_any_key_and_structs_do_not() -> None:
    data = {"Labels": Map(b="2", a="1"), "Config": {"User": "root"}}
    text = '{{.Labels.a}} {{.Labels.none}} [{{index .Labels "none"}}] {{.Labels}}'
    assert Template(text).execute(data) == "1 <no value> [] map[a:1 b:2]"
    assert Template("{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}").execute(data) == "a1b2"
    with pytest.raises(TemplateError, match="can't evaluate field None in type struct"):
        Template("{{.Config.None}}").execute(data)


def test_with_maps_marks_the_documents_maps_at_any_depth() -> None:
    done = with_maps([{"Config": {"Labels": {"a": "1"}, "Env": []}}])
    assert isinstance(done[0]["Config"]["Labels"], Map)
    assert not isinstance(done[0]["Config"], Map)


def test_case_may_differ_where_that_is_clear() -> None:
    assert Template("{{.Id}}{{.ID}}").execute({"Id": "x"}) == "xx"
    assert Template("{{.CreatedBy}}").execute({"created_by": "x"}) == "x"
    with pytest.raises(TemplateError):
        Template("{{.ID}}").execute({"Id": "x", "iD": "y"})


def test_costly_fields_are_made_when_they_are_asked_for() -> None:
    asked: list[int] = []

    def size() -> str:
        asked.append(1)
        return "5MB"

    row = {"ID": "x", "Size": size}
    assert Template("{{.ID}}").execute(row) == "x"
    assert not asked
    assert Template("{{.Size}} {{json .}}").execute(row) == '5MB {"ID":"x","Size":"5MB"}'


def test_structs_and_lists_print_as_in_go() -> None:
    assert Template("{{.}}").execute({"A": 1, "B": {"C": [True, None, "x"]}}) == "{1 {[true <nil> x]}}"
    assert Template("{{.}}").execute({"A": 1, "B": lambda: 2}) == "{1 2}"


def _rendered(
    capfdbinary: pytest.CaptureFixture[bytes], text: str, rows: list[dict[str, object]], **more: object
) -> str:
    out = Output()
    render(out, text, rows, **more)  # type: ignore[arg-type]
    out.flush()
    return capfdbinary.readouterr().out.decode()


def test_rows_are_lines(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    rows: list[dict[str, object]] = [{"A": "x"}, {"A": "y"}]
    assert _rendered(capfdbinary, "{{.A}}\\t1", rows) == "x\t1\ny\t1\n"


def test_a_table_has_headings_and_columns(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    rows: list[dict[str, object]] = [{"ID": "0123456789ab", "CreatedAt": "now", "State": {"Pid": 5}}]
    text = _rendered(
        capfdbinary, "table {{.ID}}\\t{{.CreatedAt}}\\t{{.State.Pid}}", rows, headings={"ID": "CONTAINER ID"}
    )
    assert text == "CONTAINER ID  CREATED AT  STATE.PID\n0123456789ab  now         5\n"
    assert _rendered(capfdbinary, "table {{.ID}}", rows, show_headings=False) == "0123456789ab\n"


def test_nothing_is_written_when_a_row_fails(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.raises(TemplateError):
        _rendered(capfdbinary, "{{.A}}", [{"A": "x"}, {"B": "y"}])
    assert capfdbinary.readouterr().out == b""


def test_lists_give_all_rows_to_a_template_that_ranges(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    rows: list[dict[str, object]] = [{"N": "a"}, {"N": "b"}]
    assert _rendered(capfdbinary, "{{range .}}<{{.N}}>{{end}}", rows, ranging=True) == "<a><b>\n"
    assert _rendered(capfdbinary, "{{range .}}{{.N}}{{end}}", [], ranging=True) == "\n"
    assert _rendered(capfdbinary, "n={{ range . }}{{.N}}{{end}}", rows, ranging=True) == "n=ab\n"
    assert _rendered(capfdbinary, "{{.N}}", rows, ranging=True) == "a\nb\n"
    lists: list[dict[str, object]] = [{"L": ["x", "y"]}, {"L": []}]
    assert _rendered(capfdbinary, "{{range .L}}{{.}};{{else}}none{{end}}", lists, ranging=True) == "x;y;\nnone\n"
    with pytest.raises(TemplateError, match="range can't iterate"):
        _rendered(capfdbinary, "{{range .N}}{{end}}", rows)


def test_kinds_of_formats() -> None:
    assert all(is_json(text) for text in ("json", "{{json .}}", "{{ json . }}", "{{json}}"))
    assert not any(is_json(text) for text in ("{{json .ID}}", "jsonx", "table {{json .}}"))
    assert is_table("table {{.ID}}")
    assert not is_table("tablet")
    assert not is_table("table")


@pytest.mark.parametrize(
    "text",
    [
        "{{template `a`}}{{define `a`}}{{template `a`}}{{end}}",
        "{{template `a`}}{{define `a`}}{{printf `%100000d` 1}}{{template `a`}}{{end}}",
        "{{pad `a` 999999999999 1}}",
    ],
)
def test_a_template_cannot_run_away(text: str) -> None:
    with pytest.raises(TemplateError):
        Template(text).execute({})


def test_maps_are_printed_item_by_item() -> None:
    data = {"Labels": Map({"b": "x", "a": 'y"'})}
    assert Template('{{printf "%q %s" .Labels .Labels}}').execute(data) == r'map["a":"y\"" "b":"x"] map[a:y" b:x]'
