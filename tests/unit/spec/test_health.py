"""Health checks: the forms of the command, the numbers, and what an image's HEALTHCHECK adds."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import ArgosyError
from argosy.oci.imageconfig import Healthcheck
from argosy.spec import health
from argosy.spec.options import HealthCheck, StartupCheck

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("curl -f http://localhost || exit 1", ("CMD-SHELL", "curl -f http://localhost || exit 1")),
        ('["ls", "/"]', ("CMD", "ls", "/")),
        ('["ls"]', ("CMD-SHELL", "ls")),
        ('["CMD", "ls", "/"]', ("CMD", "ls", "/")),
        ('["CMD-SHELL", "ls | cat"]', ("CMD-SHELL", "ls | cat")),
        ("CMD ls  /", ("CMD", "ls", "/")),
        ("cmd-shell ls | cat", ("CMD-SHELL", "ls | cat")),
        ("none", ("NONE",)),
        ('["NONE"]', ("NONE",)),
        ("[ -e /ready ]", ("CMD-SHELL", "[ -e /ready ]")),
        ("[1, 2]", ("CMD-SHELL", "[1, 2]")),
        ('["ls"', ("CMD-SHELL", '["ls"')),
    ],
)
def test_forms_of_the_command(text: str, test: tuple[str, ...]) -> None:
    assert health.parse_command(text) == test


@pytest.mark.parametrize("text", ["[]", "CMD", "CMD-SHELL ", '["CMD"]', '["CMD", ""]'])
def test_a_check_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ArgosyError, match="must define a healthcheck command"):
        health.parse_command(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"interval": "x"}, 'invalid healthcheck-interval: time: invalid duration "x"'),
        ({"interval": "-1s"}, "healthcheck-interval must be 0 seconds or greater"),
        ({"timeout": "0"}, "healthcheck-timeout must be at least 1 second"),
        ({"timeout": "-3s"}, "healthcheck-timeout must be at least 1 second"),
        ({"start_period": "-1s"}, "healthcheck-start-period must be 0 seconds or greater"),
        ({"retries": 0}, "healthcheck-retries must be greater than 0"),
        ({"on_failure": "foo"}, 'invalid on-failure action "foo" for health check'),
        ({"disabled": True, "cmd": "true"}, "cannot specify both --no-healthcheck and --health-cmd"),
        ({"disabled": True, "startup_cmd": "x"}, "cannot specify both --no-healthcheck and --health-startup-cmd"),
    ],
)
def test_what_is_no_check_is_refused_in_podmans_words(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgosyError) as caught:
        health.parse(given)
    assert message in str(caught.value)


def test_numbers() -> None:
    given = {"interval": "1m30s", "timeout": "500ms", "start_period": "0", "retries": 7, "on_failure": "KILL"}
    assert health.parse(given) == {
        "interval_ns": 90 * SECOND,
        "timeout_ns": SECOND // 2,
        "start_period_ns": 0,
        "retries": 7,
        "on_failure": "kill",
    }
    assert health.parse({"interval": "disable"}) == health.parse({"interval": "0"}) == {"interval_ns": -1}


def test_defaults() -> None:
    found = health.settled(HealthCheck(test=("CMD", "ls")), None)
    assert found is not None
    assert (found.interval_ns, found.timeout_ns, found.start_period_ns) == (30 * SECOND, 30 * SECOND, 0)
    assert (found.retries, found.on_failure, found.max_log_count, found.max_log_size) == (3, "none", 5, 500)


IMAGE = Healthcheck(
    test=("CMD-SHELL", "theirs"), interval_ns=5 * SECOND, timeout_ns=2 * SECOND, start_period_ns=SECOND, retries=9
)


def test_the_images_check_with_flags_over_it() -> None:
    found = health.settled(HealthCheck(interval_ns=7 * SECOND, on_failure="stop"), IMAGE)
    assert found is not None
    assert found.test == ("CMD-SHELL", "theirs")
    assert (found.interval_ns, found.timeout_ns, found.start_period_ns) == (7 * SECOND, 2 * SECOND, SECOND)
    assert (found.retries, found.on_failure) == (9, "stop")


def test_another_command_has_nothing_of_the_images() -> None:
    found = health.settled(HealthCheck(test=("CMD", "mine")), IMAGE)
    assert found is not None
    assert (found.interval_ns, found.retries, found.start_period_ns) == (30 * SECOND, 3, 0)


def test_no_check() -> None:
    assert health.settled(None, None) is None
    assert health.settled(HealthCheck(interval_ns=5), None) is None
    assert health.settled(None, Healthcheck()) is None
    for found in (health.settled(HealthCheck(test=("NONE",)), IMAGE), health.settled(None, Healthcheck(("NONE",)))):
        assert found is not None
        assert not found.is_active


@pytest.mark.parametrize(
    "wanted", [HealthCheck(on_failure="kill"), HealthCheck(startup=StartupCheck(("CMD", "x")))], ids=("kill", "startup")
)
def test_what_follows_from_a_check_needs_one(wanted: HealthCheck) -> None:
    with pytest.raises(ArgosyError, match="without a health check"):
        health.settled(wanted, None)


@pytest.mark.parametrize(
    ("asked", "interval_ns"), [(1, SECOND), (1 << 80, (1 << 63) - 1), (0, 30 * SECOND), (3 * SECOND, 3 * SECOND)]
)
def test_an_image_cannot_ask_for_any_interval(asked: int, interval_ns: int) -> None:
    found = health.settled(None, Healthcheck(("CMD", "x"), interval_ns=asked, start_interval_ns=asked))
    assert found is not None
    assert found.interval_ns == interval_ns
    assert found.start_interval_ns == (interval_ns if asked else 0)


def test_settled_once_is_settled() -> None:
    first = health.settled(HealthCheck(startup=StartupCheck(("CMD", "x"))), IMAGE)
    assert health.settled(first, IMAGE) == first


def test_startup_flags_change_what_is_there() -> None:
    before = StartupCheck(("CMD", "x"), retries=3)
    found = health.parse_startup({"startup_interval": "1s", "startup_success": 2}, before)
    assert found == before.replace(interval_ns=SECOND, successes=2)
    assert health.parse_startup({"startup_cmd": "none"}, before) is None
    assert health.parse_startup({"startup_retries": 2}) is None


def test_words() -> None:
    assert health.words(("CMD-SHELL", "a", "b")) == ("/bin/sh", "-c", "a b")
    assert health.words(("CMD", "ls", "/")) == ("ls", "/")
