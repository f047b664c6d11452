"""The server that answers for the names of containers on networks: a process of its own, started by `network.dns`."""

DOMAIN = "dns.podman"  # as the peers have it
NOBODY = "-"  # in the place of a network's other servers: questions do not leave it
PID_FILE = "resolver.pid"
