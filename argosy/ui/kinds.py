"""What the view shows: the kinds of objects, their columns, and what can be done with one.  Values alone."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Source(Protocol):
        """Where the rows come from.  `read` may take its time, and is called by one thread at a time for each kind."""

        title: str  # which store this is: host, user

        def read(self, kind: str) -> Listing:
            """All objects of a kind as they are now.  Raises ArgosyError and OSError."""

        def argv(self, words: tuple[str, ...]) -> list[str]:
            """The command line that does `words` with the same store."""


RUNNING = "running"
PAUSED = "paused"
# `exec` finds out which shell there is: an image may have no other than sh.
SHELL = ("sh", "-c", "command -v bash >/dev/null 2>&1 && exec bash || exec sh")


class Column(Value):
    """A column.  Width 0: what the others leave.  It is shown where the terminal has `from_width` cells or more.

    Of what is too long the beginning is kept, or with `keeps_end` the end, which tells images apart.
    """

    title: str
    width: int = 0
    from_width: int = 0
    to_the_right: bool = False
    keeps_end: bool = False

    def cut(self, cell: str, width: int) -> str:
        """What a column of this width shows of a cell."""
        if len(cell) <= width:
            return cell
        return f"…{cell[1 - width :]}" if self.keeps_end else f"{cell[: width - 1]}…"


class Row(Value):
    """An object: `key` is what commands call it, `name` what people do, `state` what it does where that matters."""

    key: str
    name: str
    cells: tuple[str, ...]
    state: str = ""

    def has(self, text: str) -> bool:
        """Whether the text stands in it, in capitals or not."""
        wanted = text.casefold()
        return wanted in self.key or any(wanted in cell.casefold() for cell in self.cells)


class Listing(Value):
    """The objects of a kind, and in words what is wrong with others or cannot be told."""

    rows: tuple[Row, ...] = ()
    problems: tuple[str, ...] = ()


class Action(Value):
    """Something that can be done with an object: a key, and the words of the command, its key to come after them.

    `after` comes after the key.  `how` is "run": wait for it and tell how it went; "show": its output on a screen;
    "follow": the same, at its end as it grows; "take": give it the terminal.  With `question` the user is asked first,
    and `forced` are more words for what runs.  The line of keys at the bottom has room for those that are `named`.
    """

    key: str
    label: str
    words: tuple[str, ...]
    after: tuple[str, ...] = ()
    how: str = "run"
    question: str = ""
    forced: tuple[str, ...] = ()
    named: bool = True

    def command(self, row: Row) -> tuple[str, ...]:
        """The words of the command for one object."""
        forced = self.forced if row.state in (RUNNING, PAUSED) else ()
        return (*self.words, *forced, row.key, *self.after)


class Kind(Value):
    """A list of the view."""

    name: str
    title: str
    columns: tuple[Column, ...]
    actions: tuple[Action, ...]

    def action(self, key: str) -> Action | None:
        """What the key does here."""
        return next((action for action in self.actions if action.key == key), None)


def widths(columns: tuple[Column, ...], total: int, padding: int) -> list[int]:
    """How wide each column is on a terminal of `total` cells, with `padding` for each; 0 for those not shown."""
    shown = [column for column in columns if column.from_width <= total]
    rest = total - sum(column.width + padding for column in shown)
    growing = [column for column in shown if not column.width]
    share = max(rest // len(growing), _LEAST_WIDTH) if growing else 0
    return [(column.width or share) if column in shown else 0 for column in columns]


_LEAST_WIDTH = 8


def _inspect(kind: str) -> Action:
    return Action("enter", "Inspect", ("inspect", "--type", kind), how="show", named=False)


def _remove(kind: str, *, forced: bool = False) -> Action:
    return Action(
        "d", "Remove", (kind, "rm"), question=f"Remove {kind} {{name}}?", forced=("--force",) if forced else ()
    )


CONTAINERS = Kind(
    "containers",
    "Containers",
    (
        Column("NAME"),
        Column("STATUS", 15),
        Column("CPU %", 6, to_the_right=True),
        Column("MEMORY", 8, to_the_right=True),
        Column("IMAGE", keeps_end=True),
        Column("PIDS", 5, from_width=100, to_the_right=True),
        Column("PORTS", 24, from_width=120),
    ),
    (
        Action("s", "Start", ("start",)),
        Action("t", "Stop", ("stop",)),
        Action("r", "Restart", ("restart",)),
        _remove("container", forced=True),
        Action("l", "Logs", ("logs", "--follow", "--tail", "1000"), how="follow"),
        Action("e", "Shell", ("exec", "--interactive", "--tty"), after=SHELL, how="take"),
        Action("p", "Processes", ("top",), how="show", named=False),
        _inspect("container"),
    ),
)
PODS = Kind(
    "pods",
    "Pods",
    (
        Column("NAME"),
        Column("STATUS", 15),
        Column("CPU %", 6, to_the_right=True),
        Column("MEMORY", 8, to_the_right=True),
        Column("CONTAINERS"),
    ),
    (
        Action("s", "Start", ("pod", "start")),
        Action("t", "Stop", ("pod", "stop")),
        Action("r", "Restart", ("pod", "restart")),
        _remove("pod", forced=True),
        Action("enter", "Inspect", ("pod", "inspect"), how="show", named=False),
    ),
)
IMAGES = Kind(
    "images",
    "Images",
    (
        Column("NAME", keeps_end=True),
        Column("ID", 12),
        Column("CREATED", 15),
        Column("SIZE", 8, to_the_right=True),
        Column("USED", 4),
    ),
    (
        _remove("image"),
        Action("p", "Layers", ("image", "tree"), how="show", named=False),
        _inspect("image"),
    ),
)
VOLUMES = Kind(
    "volumes",
    "Volumes",
    (Column("NAME"), Column("DRIVER", 8), Column("CREATED", 15), Column("USED BY")),
    (_remove("volume"), _inspect("volume")),
)
NETWORKS = Kind(
    "networks",
    "Networks",
    (Column("NAME"), Column("DRIVER", 8), Column("SUBNETS"), Column("DEVICE", 12)),
    (_remove("network"), _inspect("network")),
)
KINDS = (CONTAINERS, PODS, IMAGES, VOLUMES, NETWORKS)
