"""The full-screen view at 80 columns and 24 lines, on a store that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Log, Static

from argosy.errors import ArgosyError
from argosy.ui.app import App
from argosy.ui.screens import OutputScreen, Question
from argosy.ui.table import Table
from tests.rig.ui import CONTAINERS, FakeCommands, FakeSource

WEB, WORKER = CONTAINERS[0], CONTAINERS[1]


class View:
    """The view under test, and what it is made of."""

    def __init__(self) -> None:
        self.source = FakeSource()
        self.commands = FakeCommands()
        self.app = App(self.source, interval_s=3600, run=self.commands.run, read=self.commands.read)
        self.pilot: Pilot[None]

    def play(self, scene: Callable[[View], Awaitable[None]], size: tuple[int, int] = (80, 24)) -> None:
        """Show the view and let the scene act on it."""

        async def run() -> None:
            async with self.app.run_test(size=size) as pilot:
                self.pilot = pilot
                await self.settle()
                await scene(self)

        asyncio.run(run())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """Until all threads have told what they found."""
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    @property
    def table(self) -> Table:
        return self.app.screen_stack[0].query_one(Table)

    @property
    def names(self) -> list[str]:
        """The first column."""
        return [str(self.table.get_row_at(place)[0]) for place in range(self.table.row_count)]

    def text(self, where: str) -> str:
        return str(self.app.screen_stack[0].query_one(where, Static).content)


@pytest.fixture
def view() -> View:
    return View()


def test_containers_come_first_and_fit(view: View) -> None:
    async def scene(view: View) -> None:
        assert view.names == [row.name for row in CONTAINERS]
        assert "[1 Containers 7]  2 Pods 1   3 Images 2 " in view.text("#kinds")
        assert len(view.text("#kinds")) <= 80
        assert view.table.virtual_size.width <= 80
        assert [str(cell) for cell in view.table.get_row_at(0)] == [*WEB.cells[:4], "….example.org/shop:2"]

    view.play(scene)


def test_a_wider_terminal_shows_more(view: View) -> None:
    async def scene(view: View) -> None:
        assert [str(cell) for cell in view.table.get_row_at(0)] == list(WEB.cells)
        assert view.table.virtual_size.width <= 130
        await view.pilot.resize_terminal(80, 24)
        async with asyncio.timeout(30):
            while len(view.table.columns) > 5:  # it is laid out a little later
                await view.pilot.pause(0.01)
        assert [str(cell) for cell in view.table.get_row_at(0)][:4] == list(WEB.cells[:4])

    view.play(scene, size=(130, 30))


@pytest.mark.parametrize(
    ("key", "name"), [("2", "shop"), ("3", "registry.example.org/shop:2"), ("4", "data"), ("5", "shop")]
)
def test_other_lists(view: View, key: str, name: str) -> None:
    async def scene(view: View) -> None:
        await view.press(key)
        assert view.names[0] == name
        await view.press(*["tab"] * (6 - int(key)))
        assert view.names == [row.name for row in CONTAINERS]

    view.play(scene)


@pytest.mark.parametrize(
    ("key", "words"), [("s", ["start"]), ("t", ["stop"]), ("r", ["restart"])], ids=["start", "stop", "restart"]
)
def test_what_is_chosen_is_acted_on(view: View, key: str, words: list[str]) -> None:
    async def scene(view: View) -> None:
        await view.press("down", key)
        assert view.commands.ran == [["argosy", *words, WORKER.key]]

    view.play(scene)


def test_nothing_is_removed_without_a_yes(view: View) -> None:
    async def scene(view: View) -> None:
        for key in ("n", "escape", "enter"):
            await view.press("d")
            assert isinstance(view.app.screen, Question)
            await view.press(key)
        assert view.commands.ran == []
        await view.press("d", "y")
        assert view.commands.ran == [["argosy", "container", "rm", "--force", WEB.key]]
        await view.press("down", "down", "down", "down", "d", "y")
        assert view.commands.ran[1:] == [["argosy", "container", "rm", CONTAINERS[4].key]]

    view.play(scene)


def test_a_failure_is_said_and_the_view_goes_on(view: View) -> None:
    async def scene(view: View) -> None:
        view.commands.answers["stop"] = "cannot \x1b[2J[stop] it"
        await view.press("t")
        (said,) = view.app._notifications
        assert said.message == "cannot \\x1b[2J[stop] it"
        assert said.title == "Stop: web"
        await view.press("down", "s")
        assert len(view.commands.ran) == 2

    view.play(scene)


def test_what_cannot_be_read_is_said_beside_what_is_known(view: View) -> None:
    async def scene(view: View) -> None:
        view.source.rows["containers"] = ArgosyError("the disk is on fire")
        await view.press("u")
        assert view.names == [row.name for row in CONTAINERS]
        assert "the disk is on fire" in view.text("#line")
        view.source.rows["containers"] = CONTAINERS[:2]
        await view.press("u")
        assert view.names == ["web", "worker"]
        assert view.text("#line") == view.source.title

    view.play(scene)


def test_filter(view: View) -> None:
    async def scene(view: View) -> None:
        await view.press("slash", *"SHOP")
        assert view.names == ["web", "worker", "migrate"]
        await view.press("enter", "down", "s")
        assert view.commands.ran == [["argosy", "start", WORKER.key]]
        assert "3 of 7" in view.text("#line")
        await view.press("escape")
        assert view.names == [row.name for row in CONTAINERS]
        await view.press("a")
        assert view.names == ["web", "worker", "database", "cache"]

    view.play(scene)


def test_the_chosen_one_stays_chosen(view: View) -> None:
    async def scene(view: View) -> None:
        await view.press("down")
        view.source.rows["containers"] = CONTAINERS[1:]
        await view.press("u")
        assert view.table.chosen == WORKER
        view.source.rows["containers"] = CONTAINERS[5:]
        await view.press("u", "down", "down", "down")
        assert view.table.chosen == CONTAINERS[6]
        view.source.rows["containers"] = ()
        await view.press("u", "s", "d", "l")
        assert view.table.chosen is None
        assert view.commands.ran == []

    view.play(scene)


def test_cells_change_in_place(view: View) -> None:
    async def scene(view: View) -> None:
        before = view.table.get_row_at(1)
        view.source.rows["containers"] = (WEB.replace(cells=("web", "▶ up 4d", *WEB.cells[2:])), *CONTAINERS[1:])
        await view.press("u")
        assert str(view.table.get_row_at(0)[1]) == "▶ up 4d"
        assert view.table.get_row_at(1)[1] is before[1]

    view.play(scene)


def test_a_log_is_followed_and_cannot_move_the_cursor(view: View) -> None:
    async def scene(view: View) -> None:
        await view.press("l")
        assert isinstance(view.app.screen, OutputScreen)
        lines = view.app.screen.query_one(Log).lines
        assert lines[1] == "2026-03-01 09:00:01 listening at 0.0.0.0:8080"
        assert "\\x1b[31mPOST /login 500\\x1b[0m" in lines[4]
        await view.press("g", "G", "space", "w", "escape")
        assert view.commands.ran == [["argosy", "logs", "--follow", "--tail", "1000", WEB.key]]
        assert view.app.screen.query_one(Table).has_focus

    view.play(scene)


def test_inspect_and_help_come_and_go(view: View) -> None:
    async def scene(view: View) -> None:
        await view.press("enter")
        assert view.commands.ran == [["argosy", "inspect", "--type", "container", WEB.key]]
        await view.press("t", "escape", "question_mark")
        assert len(view.app.screen_stack) == 2
        await view.press("t", "q")
        assert len(view.app.screen_stack) == 1
        assert len(view.commands.ran) == 1

    view.play(scene)


def test_a_terminal_that_cannot_be_handed_over_is_said(view: View) -> None:
    async def scene(view: View) -> None:
        await view.press("e")
        (said,) = view.app._notifications
        assert said.message == "this terminal cannot be handed over"

    view.play(scene)


def test_names_are_no_markup(view: View) -> None:
    async def scene(view: View) -> None:
        odd: Any = WEB.replace(name="[red]x[/]", cells=("[red]x[/]", *WEB.cells[1:]))
        view.source.rows["containers"] = (odd,)
        await view.press("u")
        assert view.names == ["[red]x[/]"]
        await view.press("d", "n", "t")

    view.play(scene)
