"""What comes above the list: the output of a command, a question, help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Log, Static
from textual.worker import get_current_worker

from argosy.errors import ArgosyError, escaped
from argosy.ui import commands
from argosy.ui.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ClassVar

    from textual.app import ComposeResult
    from textual.binding import BindingType

    Read = Callable[[list[str], Callable[[], bool]], Iterator[list[str]]]

_MOST_LINES = 10_000
_TAB_STOPS = 8


class OutputScreen(Screen[None]):
    """The output of a command, at its end as long as that `follows`."""

    CSS = """
    OutputScreen .bar { height: 1; background: $panel; padding: 0 1; }
    OutputScreen Log { height: 1fr; scrollbar-size: 1 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back"),
        Binding("g,home", "first", "First line"),
        Binding("G,end", "last", "Last line"),
        Binding("space", "page", "Page"),
        Binding("w", "wait", "Stand still"),
    ]

    def __init__(self, title: str, argv: list[str], *, follows: bool, read: Read = commands.lines) -> None:
        super().__init__()
        self._title = title
        self._argv = argv
        self._follows = follows
        self._read = read

    def compose(self) -> ComposeResult:
        yield Static(self._title, markup=False, classes="bar")
        yield Log(max_lines=_MOST_LINES, auto_scroll=self._follows)
        keys = "Esc back · g first · G last · Space page · w stand still or follow"
        yield Static(keys, markup=False, classes="bar")

    def on_mount(self) -> None:
        self.log_widget.focus()
        self.run_worker(self._run, thread=True)

    @property
    def log_widget(self) -> Log:
        """Where the lines are."""
        return self.query_one(Log)

    def _run(self) -> None:
        worker = get_current_worker()

        try:
            for lines in self._read(self._argv, lambda: worker.is_cancelled):
                self.app.call_from_thread(self._add, lines)  # returns when they are shown: no backlog grows
        except (ArgosyError, OSError) as error:
            self.app.call_from_thread(self._add, [f"Error: {error}"])

    def _add(self, lines: list[str]) -> None:
        if self.is_attached:
            self.log_widget.write_lines(map(_readable, lines))

    def action_leave(self) -> None:
        self.workers.cancel_node(self)
        self.dismiss()

    def action_first(self) -> None:
        self.log_widget.auto_scroll = False
        self.log_widget.scroll_home(animate=False)

    def action_last(self) -> None:
        self.log_widget.auto_scroll = self._follows
        self.log_widget.scroll_end(animate=False)

    def action_page(self) -> None:
        self.log_widget.scroll_page_down(animate=False)

    def action_wait(self) -> None:
        self.log_widget.auto_scroll = not self.log_widget.auto_scroll


def _readable(line: str) -> str:
    """The line with what would move the cursor made visible: the terminal is ours, not the container's."""
    return escaped(line.rstrip("\r").expandtabs(_TAB_STOPS))


class Question(ModalScreen[bool]):
    """A question that only the letter y affirms."""

    CSS = """
    Question { align: center middle; }
    Question Static { width: auto; max-width: 72; height: auto; padding: 1 3; border: heavy $warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,q,enter", "answer(False)", "No"),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Static(f"{self._question}\n\ny yes · n no", markup=False)

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 -- textual calls it with the word in the binding
        self.dismiss(yes)


class Help(ModalScreen[None]):
    """All keys."""

    CSS = """
    Help { align: center middle; }
    Help VerticalScroll { width: 72; height: auto; max-height: 100%; padding: 0 2; border: heavy $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Back"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(help_text(), markup=False)


def help_text() -> str:
    """The keys, in general and for each kind of object."""
    parts = [
        "1 to 5, Tab, ← →   another list         ↑ ↓ PgUp PgDn Home End   move",
        "/ filter   Esc no filter   a all containers or those that run",
        "u look now   ? help   q leave",
        "",
    ]
    for kind in KINDS:
        keys = " · ".join(f"{_shown(action.key)} {action.label.lower()}" for action in kind.actions)
        parts.append(f"{kind.title}: {keys}")
    parts += ["", "In an output: g first line, G last line, w stand still or follow.", "Esc leaves what is on top."]
    return "\n".join(parts)


def _shown(key: str) -> str:
    return key.capitalize() if len(key) > 1 else key
