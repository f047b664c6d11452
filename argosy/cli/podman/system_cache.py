"""`system cache`: the pull-through cache."""

from __future__ import annotations

from argosy.cli.flags import Command, Flag
from argosy.cli.podman._service_flags import door, door_flags
from argosy.errors import Invalid
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.cli.main import Opener
    from argosy.cli.output import Output

_ADDRESS = "127.0.0.1:5001"


class SystemCacheOptions(Value):
    """What was asked for."""

    operands: tuple[str, ...]
    allow_private: bool
    authfile: str | None
    cert_dir: str | None
    host: tuple[str, ...]
    htpasswd: str
    listen: str
    max_size: str
    tls_cert: str
    tls_key: str
    tls_verify: bool | None
    ttl: float
    upstream: tuple[str, ...]


def run(options: SystemCacheOptions, opener: Opener, out: Output) -> int:
    """Serve until a signal ends it."""
    from argosy.oci import reference
    from argosy.spec.parse import parse_size
    from argosy.transports.access import RegistryOptions

    def say(line: str) -> None:
        out.line(line)
        out.flush()

    for host in options.upstream:
        if not reference.is_registry(host) or not reference.is_host(host):
            raise Invalid("--upstream", host, "it is not the host name of a registry, as in quay.io")
    if options.ttl < 0:
        raise Invalid("--ttl", f"{options.ttl:g}s", "a time that has passed before it begins")
    return opener.serve(
        "cache",
        say,
        door=door(options),
        upstreams=options.upstream,
        allow_private=options.allow_private,
        max_bytes=parse_size(options.max_size, "--max-size"),
        ttl_s=options.ttl,
        options=RegistryOptions(
            authfile=options.authfile or "", cert_dir=options.cert_dir or "", tls_verify=options.tls_verify
        ),
    )


COMMAND = Command(
    path="system cache",
    summary="Serve images of other registries, and keep them in this store",
    description=(
        "Answers the reading half of the distribution API for docker, podman, containerd and argosy: what is not in\n"
        "the store is fetched from the registry that the name begins with (/v2/quay.io/team/app/...), that containerd\n"
        "names (?ns=quay.io), or else from the first --upstream; it is verified and kept.  A tag is looked up again\n"
        "when --ttl has passed; while its registry does not answer, what is here is served, and a line says so.\n"
        "\n"
        "A registry that only a client names is asked at public addresses, unless --allow-private is given; those of\n"
        "--upstream and of registries.conf may be anywhere.\n"
        "\n"
        "Credentials of this user are used towards the registries that they belong to: whoever reaches the cache can\n"
        "pull what this user can.  --htpasswd names who may.  It can be killed at any moment.  A socket that systemd\n"
        "has opened (LISTEN_FDS) is used in place of --listen."
    ),
    options=SystemCacheOptions,
    run=run,
    max_operands=0,
    flags=(
        *door_flags(_ADDRESS),
        Flag("allow-private", help="Fetch from registries at private addresses as well that only a client names"),
        Flag("authfile", kind="string", metavar="FILE", help="File with credentials for the registries behind"),
        Flag("cert-dir", kind="string", metavar="DIR", help="Directory with certificates for the registries behind"),
        Flag(
            "max-size",
            kind="string",
            default="10gb",
            metavar="SIZE",
            help="Most that is kept (b, k, m, g or t); the least recently used goes first",
        ),
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates of the registries behind"),
        Flag("ttl", kind="duration", default=300.0, metavar="TIME", help="How long a tag is believed (5m, 1h)"),
        Flag(
            "upstream",
            kind="list",
            metavar="HOST",
            help="Registry to fetch from, and from no other (may be given several times; docker.io and any other "
            "without)",
        ),
    ),
    examples=(
        "argosy system cache --max-size 50g",
        "argosy system cache --listen 10.0.0.1:5001 --upstream docker.io --upstream quay.io",
    ),
)
