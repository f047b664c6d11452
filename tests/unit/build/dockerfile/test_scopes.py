"""Which variables are seen where."""

from __future__ import annotations

from argosy.build.dockerfile.instructions import Assignment
from argosy.build.dockerfile.scopes import Scope, file_scope, platform_arguments, stage_scope
from argosy.oci.platform import Platform

ARM = Platform("linux", "arm", "v7")
AMD = Platform("linux", "amd64")


def file(given: dict[str, str] | None = None) -> Scope:
    return file_scope(given or {}, platform_arguments(AMD, ARM, "last"), "\\")


def arg(name: str, value: str | None = None) -> Assignment:
    return Assignment(name, value)


def text(scope: Scope, word: str) -> str:
    return scope.expand(word).text


def test_platforms() -> None:
    assert text(file(), "$BUILDPLATFORM $TARGETPLATFORM $TARGETVARIANT $TARGETSTAGE") == (
        "linux/amd64 linux/arm/v7 v7 last"
    )
    stage = stage_scope(file(), (), {})
    assert text(stage, "$TARGETARCH") == ""
    assert text(stage.with_arguments([arg("TARGETARCH")]), "$TARGETARCH") == "arm"
    assert text(stage.with_arguments([arg("TARGETARCH", "mine")]), "$TARGETARCH") == "mine"


def test_an_argument_of_the_file_is_seen_where_it_is_declared_again() -> None:
    outer = file().with_arguments([arg("A", "1")])
    assert text(outer, "$A") == "1"
    stage = stage_scope(outer, (), {})
    assert text(stage, "$A") == ""
    assert text(stage.with_arguments([arg("A")]), "$A") == "1"
    assert text(stage.with_arguments([arg("A", "2")]), "$A") == "2"


def test_what_is_given_counts_before_a_default() -> None:
    outer = file({"A": "given", "UNDECLARED": "x"}).with_arguments([arg("A", "1")])
    stage = stage_scope(outer, (), {})
    assert text(outer, "$A") == "given"
    assert text(stage.with_arguments([arg("A", "2")]), "$A$UNDECLARED") == "given"


def test_env_hides_arguments_before_and_after() -> None:
    stage = stage_scope(file({"A": "given"}), ("A=env", "B=b=c"), {})
    assert text(stage.with_arguments([arg("A", "arg")]), "$A $B") == "env b=c"
    assert text(stage.with_arguments([arg("C", "arg")]).with_env("C", "env"), "$C") == "env"
    assert stage.with_arguments([arg("A", "arg")]).run_arguments == {}


def test_defaults_see_what_stands_before_them() -> None:
    scope = stage_scope(file(), ("E=e",), {}).with_arguments([arg("A", "1"), arg("B", "$A-$E"), arg("C", "${C:-$B}")])
    assert text(scope, "$B $C") == "1-e 1-e"


def test_an_argument_without_value_is_not_set() -> None:
    scope = stage_scope(file(), (), {}).with_arguments([arg("A")])
    assert scope.expand("${A-unset}").text == "unset"


def test_a_stage_goes_on_with_the_arguments_of_the_stage_it_starts_from() -> None:
    assert text(stage_scope(file(), (), {"A": "1"}), "$A") == "1"


def test_proxies_need_no_declaration() -> None:
    scope = stage_scope(file({"http_proxy": "http://p", "OTHER": "x"}), (), {}).with_arguments([arg("A", "1")])
    assert scope.run_arguments == {"http_proxy": "http://p", "A": "1"}
    assert text(scope, "$http_proxy") == ""


def test_quotes_in_heredocs_are_text() -> None:
    scope = stage_scope(file(), ("A=1",), {})
    assert scope.expand("'$A' \\$A", quotes_are_text=True).text == "'1' $A"
