"""Health checks: what the flags say, and what becomes of it over the image's HEALTHCHECK."""

from __future__ import annotations

from argosy import durations, jsontext
from argosy.errors import ArgosyError
from argosy.spec.options import BadOption, HealthCheck, StartupCheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from argosy.oci.imageconfig import Healthcheck

NONE = ("NONE",)
ACTIONS = ("none", "kill", "restart", "stop")
DESTINATIONS = ("local", "events_logger")
DEFAULT_NS = 30_000_000_000
DEFAULT_RETRIES = 3
# An image is a stranger's: however often it wants to be checked, more often than this is not for it to say.
LEAST_OF_IMAGE_NS = 1_000_000_000
_LARGEST_NS = (1 << 63) - 1


def parse_command(text: str) -> tuple[str, ...]:
    """--health-cmd in docker's form: a JSON array, `none`, `CMD word ...`, `CMD-SHELL text`, or a shell's text."""
    words = _array(text)
    if words is None:
        first, _, rest = text.partition(" ")
        if first.upper() in ("CMD", "NONE"):
            words = [first, *rest.split()]
        elif first.upper() == "CMD-SHELL":
            words = [first, rest]
        else:
            return ("CMD-SHELL", text)
    if not words:
        raise BadOption("must define a healthcheck command for all healthchecks")
    kind = words[0].upper()
    if kind == "NONE":
        return NONE
    if kind in ("CMD", "CMD-SHELL"):
        if not any(words[1:]):
            raise BadOption("must define a healthcheck command for all healthchecks", hint=f"{kind} says of what kind")
        return (kind, *words[1:])
    return ("CMD-SHELL", words[0]) if len(words) == 1 else ("CMD", *words)


def _array(text: str) -> list[str] | None:
    if not text.lstrip().startswith("["):
        return None
    try:
        words = jsontext.decode(text, "health check")
    except ArgosyError:
        return None  # `[ -e /ready ]` is a command
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def _duration_ns(text: str, flag: str) -> int:
    try:
        return min(round(durations.seconds(text) * 1e9), _LARGEST_NS)
    except ValueError as error:
        raise BadOption(f"invalid {flag}: {error}", hint="write it as 30s, 1m30s or 500ms") from None


def parse_interval(text: str, flag: str = "healthcheck-interval") -> int:
    """The time between two checks; `HealthCheck.NEVER` for 0 and `disable`."""
    found = 0 if text == "disable" else _duration_ns(text, flag)
    if found < 0:
        raise BadOption(f"{flag} must be 0 seconds or greater")
    return found or HealthCheck.NEVER


def parse_timeout(text: str, flag: str = "healthcheck-timeout") -> int:
    """How long a check may take."""
    found = _duration_ns(text, flag)
    if found < 1:
        raise BadOption(f"{flag} must be at least 1 second")
    return found


def parse_start_period(text: str) -> int:
    """How long failures do not count after a start."""
    found = _duration_ns(text, "healthcheck-start-period")
    if found < 0:
        raise BadOption("healthcheck-start-period must be 0 seconds or greater")
    return found


def parse_retries(number: int) -> int:
    """How many failures in a row make a container unhealthy."""
    if number < 1:
        raise BadOption("healthcheck-retries must be greater than 0")
    return number


def parse_on_failure(text: str) -> str:
    """What is done with an unhealthy container."""
    if text.lower() not in ACTIONS:
        raise BadOption(
            f'invalid on-failure action "{text}" for health check: supported actions are {",".join(ACTIONS)}'
        )
    return text.lower()


def parse(given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of HealthCheck that flags name: `given` has the flags, without `health_`, and what was given for them.

    `disabled` is --no-healthcheck.  Raises BadOption.
    """
    if given.get("disabled"):
        for name in ("cmd", "startup_cmd"):
            if name in given:
                flag = f"--health-{name.replace('_', '-')}"
                raise BadOption(f"cannot specify both --no-healthcheck and {flag}")
        return {"test": NONE}
    found: dict[str, Any] = {}
    for name, field, reader in (
        ("cmd", "test", parse_command),
        ("interval", "interval_ns", parse_interval),
        ("timeout", "timeout_ns", parse_timeout),
        ("start_period", "start_period_ns", parse_start_period),
        ("retries", "retries", parse_retries),
        ("on_failure", "on_failure", parse_on_failure),
    ):
        if name in given:
            found[field] = reader(given[name])
    for name in ("log_destination", "max_log_count", "max_log_size"):
        if name in given:
            found[name] = given[name]
    return found


def parse_startup(given: Mapping[str, Any], before: StartupCheck | None = None) -> StartupCheck | None:
    """--health-startup-cmd and its like, over those of `before`; None where there is no such command."""
    found: dict[str, Any] = {}
    if "startup_cmd" in given:
        found["test"] = parse_command(given["startup_cmd"])
        if found["test"] == NONE:
            return None
    if "startup_interval" in given:
        found["interval_ns"] = parse_interval(given["startup_interval"], "healthcheck-startup-interval")
    if "startup_timeout" in given:
        found["timeout_ns"] = parse_timeout(given["startup_timeout"], "healthcheck-startup-timeout")
    for name, field in (("startup_retries", "retries"), ("startup_success", "successes")):
        if name in given:
            found[field] = given[name]
    if before is not None:
        return before.replace(**found)
    return StartupCheck(**found) if "test" in found else None


def settled(asked: HealthCheck | None, image: Healthcheck | None) -> HealthCheck | None:
    """What is checked, every field of it decided; None where neither has a command.

    Raises BadOption for what would have to follow from a check that is not there.
    """
    wanted = asked or HealthCheck()
    test = wanted.test or (_image_test(image) if image is not None else ())
    if not test:
        _refuse_without_check(wanted)
        return None
    if test == NONE:
        return HealthCheck(test=NONE)
    theirs = image if image is not None and not wanted.test else None
    return wanted.replace(
        test=test,
        interval_ns=wanted.interval_ns or (_image_interval_ns(theirs.interval_ns) if theirs else 0) or DEFAULT_NS,
        timeout_ns=wanted.timeout_ns or (theirs.timeout_ns if theirs else 0) or DEFAULT_NS,
        start_period_ns=wanted.start_period_ns or (theirs.start_period_ns if theirs else 0),
        start_interval_ns=_image_interval_ns(theirs.start_interval_ns) if theirs else 0,
        retries=wanted.retries or (theirs.retries if theirs else 0) or DEFAULT_RETRIES,
    )


def _image_test(image: Healthcheck) -> tuple[str, ...]:
    """The image's command; words that name no kind are a program's, as the peers take them."""
    if not image.test or not any(image.test):
        return ()
    kind, *rest = image.test
    if kind == "NONE":
        return NONE
    if kind in ("CMD", "CMD-SHELL"):
        return image.test if any(rest) else NONE
    return ("CMD", *image.test)


def _image_interval_ns(asked: int) -> int:
    return min(max(asked, LEAST_OF_IMAGE_NS), _LARGEST_NS) if asked else 0


def _refuse_without_check(wanted: HealthCheck) -> None:
    if wanted.on_failure != "none":
        raise BadOption(f"cannot set on-failure action to {wanted.on_failure} without a health check")
    if wanted.startup is not None:
        raise BadOption("cannot set a startup health check without a health check", hint="give one by --health-cmd")


def words(test: tuple[str, ...]) -> tuple[str, ...]:
    """The program that a test runs, and its arguments."""
    if test[0] == "CMD-SHELL":
        return ("/bin/sh", "-c", " ".join(test[1:]))
    return test[1:]
