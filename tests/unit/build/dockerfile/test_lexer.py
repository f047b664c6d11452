"""Lines to statements: directives, comments, continuations, heredocs."""

from __future__ import annotations

import pytest

from argosy.build.dockerfile.errors import DockerfileError
from argosy.build.dockerfile.lexer import lex
from argosy.build.dockerfile.words import heredoc_mark, split_quoted, take_flags


def texts(data: str) -> list[str]:
    return [statement.text for statement in lex(data.encode()).statements]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", []),
        ("\n\n  \n", []),
        ("# only a comment", []),
        ("FROM a", ["FROM a"]),
        ("  FROM a  ", ["FROM a  "]),
        ("\ufeffFROM a\r\nRUN b\r\n", ["FROM a", "RUN b"]),
        ("FROM a\n#c\nRUN b", ["FROM a", "RUN b"]),
        ("RUN a \\\n b", ["RUN a  b"]),
        ("RUN a\\\nb", ["RUN ab"]),
        ("RUN a \\  \t\n b", ["RUN a  b"]),
        ("RUN a \\\r\n b\r\n", ["RUN a  b"]),
        ("RUN a \\\n# comment\n b", ["RUN a  b"]),
        ("RUN a \\\n   # comment\n b", ["RUN a  b"]),
        ("RUN a \\\n\n b", ["RUN a  b"]),
        ("RUN a \\\n \t \n b \\\n\n c", ["RUN a  b  c"]),
        ("RUN a \\\\\nRUN b", ["RUN a \\\\", "RUN b"]),
        ("RUN a # not a comment", ["RUN a # not a comment"]),
        ("RUN a \\", ["RUN a "]),
        ("RUN a \\\n", ["RUN a "]),
        ("\\\nRUN a", ["RUN a"]),
        ("RUN a `\nb", ["RUN a `", "b"]),
        ("# escape=`\nRUN a `\n b \\", ["RUN a  b \\"]),
        ("# escape=`\nCOPY a c:\\\nRUN b", ["COPY a c:\\", "RUN b"]),
        ("# Escape = `\nRUN a `\n b", ["RUN a  b"]),
        ("#escape=`\nRUN a `\n b", ["RUN a  b"]),
        (" # escape=`\nRUN a `\n b", ["RUN a  b"]),
        ("\n# escape=`\nRUN a `", ["RUN a `"]),
        ("# comment\n# escape=`\nRUN a `", ["RUN a `"]),
        ("# unknown=x\n# escape=`\nRUN a `", ["RUN a `"]),
        ("# syntax=a\n# escape=`\nRUN a `\nb", ["RUN a b"]),
        ("FROM a\n# escape=`\nRUN a `", ["FROM a", "RUN a `"]),
        ("# escape=\nRUN a \\\nb", ["RUN a b"]),
    ],
)
def test_lines(data: str, expected: list[str]) -> None:
    assert texts(data) == expected


def test_directives() -> None:
    found = lex(b"# syntax = docker/dockerfile:1  \n# check=skip=all;error=true\nFROM a\n").directives
    assert [(item.name, item.value, item.line) for item in found] == [
        ("syntax", "docker/dockerfile:1", 1),
        ("check", "skip=all;error=true", 2),
    ]


@pytest.mark.parametrize(
    ("data", "line", "words"),
    [
        ("# escape=x\nFROM a", 1, "invalid ESCAPE 'x'"),
        ("# escape=`\n# escape=\\\nFROM a", 2, "only one escape parser directive"),
        ("# syntax=a\n# SYNTAX=b\nFROM a", 2, "only one syntax parser directive"),
        ("FROM a\nRUN <<EOF\necho", 2, "unterminated heredoc"),
        ("FROM a\nRUN \0", 0, "NUL"),
    ],
)
def test_errors(data: str, line: int, words: str) -> None:
    with pytest.raises(DockerfileError, match=words) as caught:
        lex(data.encode(), "Containerfile")
    assert caught.value.line == line
    assert caught.value.brief.startswith("Containerfile:")


def test_positions() -> None:
    found = lex(
        b"# about\n# base\n\nFROM a\n\n# one\n# two\nRUN x \\\n  # in between\n  y\nCOPY <<A /\nz\nA\n"
    ).statements
    assert [(one.line, one.last_line) for one in found] == [(4, 4), (8, 10), (11, 13)]
    assert found[1].comments == ("one", "two")


def test_empty_continuation_is_noted() -> None:
    assert [one.empty_continuation for one in lex(b"FROM a\nRUN b \\\n\n c\nRUN d \\\n#\n e\n").statements] == [0, 3, 0]


HEREDOCS = [
    ("RUN <<E\nE", [("E", "", True, False, 0)]),
    ("RUN 3<<E\nE", [("E", "", True, False, 3)]),
    ('RUN "<<E"', []),
    ("RUN '<<E'", []),
    ("RUN \\<<E", []),
    ("RUN <<<E", []),
    ("USER <<E", []),
    ('RUN ["<<E"]', []),
    ("RUN <<E\n\tfoo\n\tbar\nE", [("E", "\tfoo\n\tbar\n", True, False, 0)]),
    ("RUN <<-E\n\tfoo\n\t\tbar\n\tE", [("E", "\tfoo\n\t\tbar\n", True, True, 0)]),
    ("RUN <<-'E'\n\tfoo $X\nE", [("E", "\tfoo $X\n", False, True, 0)]),
    ('RUN <<"E"\nE', [("E", "", False, False, 0)]),
    ("RUN <<E\n# kept\n\n \\\nE", [("E", "# kept\n\n \\\n", True, False, 0)]),
    ("RUN --mount=type=tmpfs,target=/x <<E\nE", [("E", "", True, False, 0)]),
    ("COPY <<A <<B /d\n1\nA\n2\nB", [("A", "1\n", True, False, 0), ("B", "2\n", True, False, 0)]),
    ("COPY <<A <<B /d\nB\nA\nA\nB", [("A", "B\n", True, False, 0), ("B", "A\n", True, False, 0)]),
    ("ADD <<a.txt /d\nx\na.txt", [("a.txt", "x\n", True, False, 0)]),
    ("RUN <<E python3\nprint()\nE", [("E", "print()\n", True, False, 0)]),
    ("RUN <<eo'f'\nx\neof", [("eof", "x\n", False, False, 0)]),
    ("RUN <<eo\\'f\nx\neo'f", [("eo'f", "x\n", True, False, 0)]),
    ("RUN <<'e'o\\'f\nx\neo'f", [("eo'f", "x\n", False, False, 0)]),
    ("RUN <<'one two'\nx\none two", [("one two", "x\n", False, False, 0)]),
    ("RUN <<$EOF\n$EOF", [("$EOF", "", True, False, 0)]),
    ("RUN <<  EOF\nEOF", [("EOF", "", True, False, 0)]),
    ("RUN <<  EOF  > foo\nEOF", [("EOF", "", True, False, 0)]),
    ("RUN <<- EOF\n\tEOF", [("EOF", "", True, True, 0)]),
    ("RUN << -EOF\n-EOF", [("-EOF", "", True, False, 0)]),
    ("RUN cat <<A && cat <<B\na\nA\nb\nB", [("A", "a\n", True, False, 0), ("B", "b\n", True, False, 0)]),
    ("ONBUILD RUN <<E\nx\nE", [("E", "x\n", True, False, 0)]),
    ("ONBUILD USER <<E", []),
    ("RUN <<E\r\na\r\nE\r\n", [("E", "a\r\n", True, False, 0)]),
    ("RUN \\\n <<E\na\nE", [("E", "a\n", True, False, 0)]),
    ("RUN echo 'open <<E", []),
]


@pytest.mark.parametrize(("data", "expected"), HEREDOCS)
def test_heredocs(data: str, expected: list[tuple[str, str, bool, bool, int]]) -> None:
    statements = lex(f"{data}\nRUN after".encode()).statements
    assert len(statements) == 2
    found = statements[0].heredocs
    assert [(one.name, one.content, one.expands, one.chomps, one.descriptor) for one in found] == expected


def test_chomping() -> None:
    (statement,) = lex(b"RUN <<-E\n\thello\n\t\tworld\n no\tne\nE").statements
    assert statement.heredocs[0].text == "hello\nworld\n no\tne\n"


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("<<EOF", "EOF"),
        ("<<'EOF'", "EOF"),
        ('<<"EOF"', "EOF"),
        ("<<-EOF", "EOF"),
        ("<<-'EOF'", "EOF"),
        ('<<EO"F"', "EOF"),
        ("<<\\ EOF", "EOF"),
        ("", None),
        ("EOF", None),
        ("<<", None),
        ("<<-", None),
        ("<EOF", None),
        ("<<<EOF", None),
        ("<<EOF sh", None),
        ("a<<EOF", None),
    ],
)
def test_heredoc_words(word: str, name: str | None) -> None:
    mark = heredoc_mark(word)
    assert (mark and mark.name) == name


@pytest.mark.parametrize("word", ["<<'EOF", '<<"EOF', "<<EOF'", '<<EOF"'])
def test_open_quotes_in_heredoc_words(word: str) -> None:
    with pytest.raises(DockerfileError):
        heredoc_mark(word)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo", ["foo"]),
        ("foo bar", ["foo", "bar"]),
        ("foo\\ bar", ["foo\\ bar"]),
        ("foo=bar", ["foo=bar"]),
        ("foo bar 'abc xyz'", ["foo", "bar", "'abc xyz'"]),
        ('foo bar "abc xyz"', ["foo", "bar", '"abc xyz"']),
        ("àöû", ["àöû"]),
        ('föo bàr "âbc xÿz"', ["föo", "bàr", '"âbc xÿz"']),
        ("a''b", ["a''b"]),
        ("''", ["''"]),
        ("a\\", ["a"]),
        ('"a\\" b"', ['"a\\" b"']),
        ("'a\\' b", ["'a\\'", "b"]),
        ('a="b', ['a="b']),
        ("", []),
    ],
)
def test_quoted_words(text: str, words: list[str]) -> None:
    assert split_quoted(text, "\\") == words


@pytest.mark.parametrize(
    ("text", "flags", "rest"),
    [
        ("a b", [], "a b"),
        ("--x a", ["--x"], "a"),
        ("--x=1 --y a", ["--x=1", "--y"], "a"),
        ("--x='a b' c", ["--x=a b"], "c"),
        ('--x="a b"c d', ["--x=a bc"], "d"),
        ("--x=a\\ b c", ["--x=a b"], "c"),
        ("-- --x", [], " --x"),
        ("--x", ["--x"], ""),
        ("a --x", [], "a --x"),
        ("--x  -y", ["--x"], "-y"),
    ],
)
def test_flags(text: str, flags: list[str], rest: str) -> None:
    assert take_flags(text, "\\") == (flags, rest)


def test_a_large_file() -> None:
    assert len(lex(b"RUN x\n" * 100_000).statements) == 100_000
    (statement,) = lex(b"RUN " + b"a" * (1 << 20) + b"\n").statements
    assert len(statement.rest) == 1 << 20
    (statement,) = lex(b"RUN a" + b" \\\n b" * 100_000).statements
    assert statement.last_line == 100_001
