"""The ports that a container publishes, as its record has them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 -- what the peers show for "every address of the host"


def published(options: Mapping[str, Any]) -> Iterator[tuple[int, str, str, int]]:
    """Port in the container, protocol, address and port on the host, for each port of a record's options."""
    for mapping in options.get("ports", ()):
        for protocol in mapping.get("protocol", "tcp").split(","):
            for at in range(mapping.get("range", 1)):
                host_ip = mapping.get("host_ip") or ANY_ADDRESS
                yield mapping["container_port"] + at, protocol, host_ip, mapping["host_port"] + at
