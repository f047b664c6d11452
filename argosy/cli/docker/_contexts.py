"""What the commands on contexts share: the endpoint that --docker describes, and the flags for it."""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.config import contexts
from argosy.errors import ArgosyError, Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NO_ENDPOINT = "unable to create docker endpoint config"
_TLS = ("ca", "cert", "key", "skip-tls-verify")
DESCRIPTION = Flag("description", kind="string", help="Description of the context")
ENDPOINT = Flag("docker", kind="csv", help="Set the endpoint: host=ssh://[USER@]HOST[:PORT], or from=CONTEXT")


def endpoint(words: Iterable[str], environ: Mapping[str, str]) -> str:
    """The address that `KEY=VALUE` words describe; "" where there are none."""
    host = ""
    for word in (one for text in words for one in text.split(",")):
        key, equals, value = word.partition("=")
        if not equals:
            raise ArgosyError(f"{_NO_ENDPOINT}: {word} must be formatted as key=value")
        if key in _TLS:
            raise Unsupported(
                f"--docker {key}: argosy reaches other hosts over ssh, which has keys of its own",
                hint="--docker host=ssh://USER@HOST",
            )
        if key == "from":
            host = contexts.get(environ, value).host
        elif key == "host":
            contexts.check_host(value)
            host = value
        else:
            raise ArgosyError(f"{_NO_ENDPOINT}: unrecognized config key: {key}")
    return host
