"""The application: one list at a time, looked up again and again, and what is done with its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import app
from textual.app import SuspendNotSupported
from textual.binding import Binding
from textual.widgets import Footer, Input, Static
from textual.worker import get_current_worker

from argosy.errors import escaped
from argosy.ui import commands, kinds, screens
from argosy.ui.kinds import KINDS, Listing
from argosy.ui.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from argosy.ui.kinds import Action, Kind, Row, Source

_ACTIVE = (kinds.RUNNING, kinds.PAUSED, "stopping", "initialized")


class App(app.App[None]):
    """Shows what `source` knows, looking every `interval_s` seconds; what is done goes through `run` and `show`."""

    TITLE = "argosy"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    .bar { height: 1; padding: 0 1; }
    #kinds { background: $panel; }
    #filter { height: 1; border: none; padding: 0 1; display: none; }
    Table { height: 1fr; scrollbar-size: 1 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(number), f"kind('{kind.name}')", kind.title, show=False)
            for number, kind in enumerate(KINDS, start=1)
        ),
        Binding("tab,right", "next(1)", "Next list", show=False, priority=True),
        Binding("shift+tab,left", "next(-1)", "List before", show=False, priority=True),
        *(
            Binding(action.key, f"act('{action.key}')", action.label, show=action.named, priority=action.key == "enter")
            for action in kinds.CONTAINERS.actions
        ),
        Binding("a", "all", "All or running", show=False),
        Binding("u", "look", "Look now", show=False),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "unfilter", "No filter", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(
        self,
        source: Source,
        *,
        interval_s: float = 2,
        run: Callable[[list[str], Callable[[], bool]], str] = commands.run,
        read: screens.Read = commands.lines,
    ) -> None:
        super().__init__()
        self._source = source
        self._interval_s = interval_s
        self._run_command = run
        self._read_command = read
        self._kind = KINDS[0]
        self._listings: dict[str, Listing] = {}
        self._looking: set[str] = set()  # the kinds that a thread looks up now
        self._wanted = ""  # the text that rows must have
        self._all = True
        self._busy: dict[str, str] = {}  # what is under way, by the object's key

    def compose(self) -> ComposeResult:
        yield Static("", id="kinds", classes="bar", markup=False)
        yield Table()
        yield Static("", id="line", classes="bar", markup=False)
        yield Input(placeholder="text that is in the name or another column", id="filter", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self._table.focus()
        for kind in KINDS:
            self._look(kind)
        self.set_interval(self._interval_s, self.action_look)

    @property
    def _table(self) -> Table:
        return self.screen_stack[0].query_one(Table)

    # What is seen

    def _draw(self) -> None:
        """Show what is known."""
        listing = self._listings.get(self._kind.name, Listing())
        rows = tuple(row for row in listing.rows if self._is_wanted(row))
        self._table.show(self._kind, rows)
        self._bar("#kinds", " ".join(map(self._tab, KINDS)))
        self._bar("#line", self._state_line(listing, len(rows)))

    def _bar(self, where: str, text: str) -> None:
        self.screen_stack[0].query_one(where, Static).update(text)

    def _tab(self, kind: Kind) -> str:
        listing = self._listings.get(kind.name)
        text = f"{KINDS.index(kind) + 1} {kind.title} {len(listing.rows) if listing else '…'}"
        return f"[{text}]" if kind is self._kind else f" {text} "

    def _state_line(self, listing: Listing, shown: int) -> str:
        """What is under way; else what is chosen from, and the first thing that is wrong; else whose store this is."""
        if self._busy:
            return "… " + ", ".join(self._busy.values())
        parts = [f"{shown} of {len(listing.rows)}"] if shown < len(listing.rows) else []
        parts += [f"with “{self._wanted}” (Esc: all)"] if self._wanted else []
        parts += listing.problems[:1]
        return " · ".join(parts) or self._source.title

    def _is_wanted(self, row: Row) -> bool:
        runs = self._all or self._kind is not kinds.CONTAINERS or row.state in _ACTIVE
        return runs and row.has(self._wanted)

    # Looking

    def action_look(self) -> None:
        self._look(self._kind)

    def _look(self, kind: Kind) -> None:
        """Look a kind up in a thread of its own, unless one is at it: a slow disk makes no queue."""
        if kind.name not in self._looking:
            self._looking.add(kind.name)
            self.run_worker(lambda: self._read(kind), thread=True)

    def _read(self, kind: Kind) -> None:
        try:
            listing = self._source.read(kind.name)
        except Exception as error:  # noqa: BLE001 -- the edge: what cannot be read is said, and read again
            before = self._listings.get(kind.name, Listing())
            listing = before.replace(problems=(escaped(f"{type(error).__name__}: {error}"),))
        if not get_current_worker().is_cancelled:
            self.call_from_thread(self._have, kind, listing)

    def _have(self, kind: Kind, listing: Listing) -> None:
        self._looking.discard(kind.name)
        self._listings[kind.name] = listing
        self._draw()

    # Choosing

    def action_kind(self, name: str) -> None:
        self._kind = next(kind for kind in KINDS if kind.name == name)
        self._draw()
        self.refresh_bindings()
        self._look(self._kind)

    def action_next(self, step: int) -> None:
        self.action_kind(KINDS[(KINDS.index(self._kind) + step) % len(KINDS)].name)

    def action_all(self) -> None:
        self._all = not self._all
        self._draw()

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_unfilter(self) -> None:
        field = self.query_one("#filter", Input)
        field.value = ""
        self._close_filter()

    def _close_filter(self) -> None:
        self.query_one("#filter", Input).display = False
        self._table.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value
        self._draw()

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        self._close_filter()

    def action_help(self) -> None:
        self.push_screen(screens.Help())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys count: above the list, or in the filter, those of the list do not."""
        if action in ("act", "kind", "next", "all", "look", "filter", "unfilter", "help"):
            if len(self.screen_stack) > 1:
                return False
            typing = self.query_one("#filter", Input).has_focus
            if typing and action in ("act", "next"):
                return False
        return action != "act" or self._kind.action(str(parameters[0])) is not None

    # Doing

    def action_act(self, key: str) -> None:
        action, row = self._kind.action(key), self._table.chosen
        if action is None or row is None:
            return
        if action.question:
            runs = " It runs, and will be stopped." if action.forced and row.state in _ACTIVE else ""
            question = f"{action.question.format(name=row.name)}{runs}"
            self.push_screen(screens.Question(question), lambda yes: self._do(action, row) if yes else None)
        else:
            self._do(action, row)

    def _do(self, action: Action, row: Row) -> None:
        argv = self._source.argv(action.command(row))
        title = f"{action.label}: {row.name}"
        if action.how == "take":
            self._take(argv, title)
        elif action.how == "run":
            kind = self._kind
            self._busy[row.key] = title
            self.run_worker(lambda: self._run(kind, argv, row.key, title), thread=True)
            self._draw()
        else:
            follows = action.how == "follow"
            self.push_screen(screens.OutputScreen(title, argv, follows=follows, read=self._read_command))

    def _take(self, argv: list[str], title: str) -> None:
        """Give the terminal to a command, until it ends."""
        try:
            with self.suspend():
                said = commands.take_terminal(argv)
        except SuspendNotSupported:
            said = "this terminal cannot be handed over"
        except Exception as error:  # noqa: BLE001 -- as for all commands
            said = str(error)
        if said:
            self._complain(title, said)

    def _run(self, kind: Kind, argv: list[str], key: str, title: str) -> None:
        worker = get_current_worker()
        try:
            said = self._run_command(argv, lambda: worker.is_cancelled)
        except Exception as error:  # noqa: BLE001 -- the edge: it is said, whatever it is
            said = str(error)
        if not worker.is_cancelled:
            self.call_from_thread(self._ran, kind, key, title, said)

    def _ran(self, kind: Kind, key: str, title: str, said: str) -> None:
        self._busy.pop(key, None)
        if said:
            self._complain(title, said)
        self._look(kind)
        self._draw()

    def _complain(self, title: str, said: str) -> None:
        self.notify(escaped(said), title=title, severity="error", markup=False, timeout=10)
