"""A store for the full-screen view that is not there: fixed rows, and commands that are only written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from argosy.errors import ArgosyError
from argosy.ui.kinds import Listing, Row

LOG = (
    "2026-03-01 09:00:00 starting, 4 workers",
    "2026-03-01 09:00:01 listening at 0.0.0.0:8080",
    "2026-03-01 09:00:07 GET /index.html 200 1.2ms",
    "2026-03-01 09:00:09 GET /login 302 0.4ms",
    "2026-03-01 09:00:12 \x1b[31mPOST /login 500\x1b[0m no database",
)


def _container(number: int, name: str, state: str, *cells: str) -> Row:
    return Row(f"{number:064x}", name, (name, *cells), state)


CONTAINERS = (
    _container(1, "web", "running", "▶ up 3d", "2.4", "61.3MB", "registry.example.org/shop:2", "9", "8080->80/tcp"),
    _container(2, "worker", "running", "▶ up 3d", "48.0", "214MB", "registry.example.org/shop-work:2", "4", ""),
    _container(3, "database", "running", "▶ up 12d", "0.7", "388MB", "docker.io/library/postgres:16", "12", ""),
    _container(4, "cache", "paused", "‖ paused", "0.0", "12.1MB", "docker.io/library/redis:7", "5", ""),
    _container(5, "migrate", "exited", "■ exited 0", "-", "-", "registry.example.org/shop:2", "-", ""),
    _container(6, "nightly", "exited", "■ exited 137", "-", "-", "localhost/backup:latest", "-", ""),
    _container(7, "fresh", "created", "□ created", "-", "-", "docker.io/library/busybox:1", "-", ""),
)
PODS = (Row("f" * 64, "shop", ("shop", "▶ running", "50.4", "275MB", "web, worker"), "running"),)
IMAGES = (
    Row("a" * 64, "web", ("registry.example.org/shop:2", "a" * 12, "3 days ago", "88.1MB", "2")),
    Row("b" * 64, "busybox", ("docker.io/library/busybox:1", "b" * 12, "5 weeks ago", "4.26MB", "1")),
)
VOLUMES = (Row("data", "data", ("data", "local", "12 days ago", "database")),)
NETWORKS = (Row("shop", "shop", ("shop", "bridge", "10.89.0.0/24", "podman1")),)


class FakeSource:
    """The `kinds.Source` of nothing.  Rows may be replaced; an error in place of them is raised."""

    title = "harbour (rootless)"

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Row, ...] | ArgosyError] = {
            "containers": CONTAINERS,
            "pods": PODS,
            "images": IMAGES,
            "volumes": VOLUMES,
            "networks": NETWORKS,
        }

    def read(self, kind: str) -> Listing:
        found = self.rows.get(kind, ())
        if isinstance(found, ArgosyError):
            raise found
        return Listing(found)

    def argv(self, words: tuple[str, ...]) -> list[str]:
        return ["argosy", *words]


class FakeCommands:
    """What the view runs: written down, and answered with the text that is set for the first word."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.answers: dict[str, str] = {}
        self.output: tuple[str, ...] = LOG

    def run(self, argv: list[str], cancelled: Callable[[], bool]) -> str:
        self.ran.append(argv)
        return self.answers.get(argv[1], "")

    def read(self, argv: list[str], cancelled: Callable[[], bool]) -> Iterator[list[str]]:
        self.ran.append(argv)
        yield list(self.output)
