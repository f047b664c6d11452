"""`argosy ui` on a terminal of 80 by 24, with containers."""

from __future__ import annotations

from tests.rig.program import CHECKOUT, Program
from tests.rig.terminals import Terminal

TERMINAL = {"TERM": "xterm-256color"}


def test_a_container_is_seen_followed_entered_stopped_and_removed(argosy_both: Program) -> None:
    program = argosy_both
    program.env |= TERMINAL
    script = "trap 'exit 9' TERM; while :; do echo a-line-of-its-log; sleep 0.1; done"
    program.run("run", "-d", "--name", "seen", "--network", "none", program.busybox(), "sh", "-c", script)
    with Terminal(program, "ui", "--interval", "1") as view:
        view.expect(b"[1 Containers 1]")
        view.expect(b"seen")
        view.type(b"l")
        view.expect(b"a-line-of-its-log")
        view.type(b"q")
        view.expect(b"CPU")
        view.type(b"e")
        view.expect(b"/ # ")
        view.type(b"echo $((6 * 7))-inside; exit\n")
        view.expect(b"42-inside")
        view.expect(b"[1 Containers 1]")
        view.type(b"dn")
        view.type(b"t")
        view.expect(b"exited 9")
        view.type(b"d")
        view.expect(b"Remove container seen?")
        view.type(b"y")
        view.expect(b"[1 Containers 0]")
        program.run("pod", "create", "--name", "group", "--infra=false")
        view.type(b"2")
        view.expect(b"group")
        view.type(b"dy")
        view.expect(b"[2 Pods 0]")
        view.type(b"q")
        assert view.finish() == 0
    assert program.run("ps", "--all", "--quiet").stdout == ""


def test_what_is_no_terminal_is_refused(argosy: Program) -> None:
    assert "argosy ui needs a terminal" in argosy.run("ui", check=125).stderr
    assert "it is at least a second" in argosy.run("ui", "--interval", "0", check=125).stderr


def test_without_textual_it_says_how_to_get_it(argosy: Program) -> None:
    bare = f"import sys; sys.path.insert(0, {CHECKOUT!r}); sys.argv = ['argosy', 'ui']\n"
    bare += "from argosy import __main__; __main__.main(sys.argv)"
    argosy.prefix = ["/usr/bin/python3", "-IS", argosy.write("bare.py", bare)]
    with Terminal(argosy, "ui") as view:
        view.expect(b"argosy ui needs the Python package textual")
        view.expect(b"pip install")
        assert view.finish() == 125
