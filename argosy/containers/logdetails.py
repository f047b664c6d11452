"""`docker logs --details`: the labels and the environment that --log-opt named, as docker puts them before each line.

docker keeps them in every record of its log; here they are looked up in the container, which cannot change them.
"""

from __future__ import annotations

from argosy.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.containers.record import ContainerRecord


def details(record: ContainerRecord) -> bytes:
    """`name=value` of each, by name, with commas between; no bytes where there are none."""
    from urllib.parse import quote_plus

    options = record.options
    labels = {**record.image_config.labels, **options.labels}
    env = dict(entry.partition("=")[::2] for entry in record.image_config.env)
    env.update(options.env)
    found = _chosen("labels", labels, options.log_options) | _chosen("env", env, options.log_options)
    pairs = (f"{quote_plus(name)}={quote_plus(value)}" for name, value in sorted(found.items()))
    return ",".join(pairs).encode("utf-8", "surrogateescape")


def _chosen(kind: str, known: Mapping[str, str], log_options: Mapping[str, str]) -> dict[str, str]:
    """Those that the log option `kind` lists, or whose whole names `kind`-regex matches."""
    listed = log_options.get(kind, "").split(",")
    found = {name: value for name, value in known.items() if name in listed}
    expression = log_options.get(f"{kind}-regex", "")
    if expression:
        import re

        try:
            matching = re.compile(expression)
        except re.error as error:
            raise Invalid(f"log option {kind}-regex", expression, str(error)) from error
        found.update((name, value) for name, value in known.items() if matching.search(name))
    return found
