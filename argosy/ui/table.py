"""A list on the screen.  What stays as it is is not drawn anew: over a slow line nothing flickers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual import events
from textual.widgets import DataTable

from argosy.ui.kinds import PAUSED, RUNNING, widths

if TYPE_CHECKING:
    from argosy.ui.kinds import Column, Kind, Row


class Table(DataTable[Text]):
    """The objects of one kind; the chosen one stays chosen while others come and go."""

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=False, cursor_foreground_priority="css")
        self._kind: Kind | None = None
        self._shown: dict[Column, int] = {}  # the columns and how wide they are
        self._rows: dict[str, Row] = {}

    @property
    def chosen(self) -> Row | None:
        """The object at the cursor."""
        return self._row_at(self.cursor_row)

    def _row_at(self, place: int) -> Row | None:
        rows = tuple(self._rows.values())
        return rows[place] if 0 <= place < len(rows) else None

    def show(self, kind: Kind, rows: tuple[Row, ...]) -> None:
        """Show these rows, as soon as the width is known."""
        wanted = {row.key: row for row in rows}
        if not self.size.width or kind is not self._kind:
            place = self.cursor_row if kind is self._kind else 0
            self._kind, self._rows = kind, wanted
            self._lay_out(place)
        elif tuple(wanted) == tuple(self._rows):
            self._change(wanted)
        else:
            self._replace(wanted)

    def on_resize(self, _event: events.Resize) -> None:
        self._lay_out(self.cursor_row)

    def _lay_out(self, place: int) -> None:
        """Lay the columns out for the width that there is, and fill them; the cursor goes to `place`."""
        if self._kind is None or not self.size.width:
            return
        self.clear(columns=True)
        columns = self._kind.columns
        each = widths(columns, self.size.width - self.scrollbar_size_vertical, 2 * self.cell_padding)
        self._shown = {column: cells for column, cells in zip(columns, each, strict=True) if cells}
        for column, cells in self._shown.items():
            title = Text(column.title, justify="right" if column.to_the_right else "left")
            self.add_column(title, width=cells, key=column.title)
        self._fill(self._rows, place)

    def _change(self, wanted: dict[str, Row]) -> None:
        for key, row in wanted.items():
            before = self._rows[key]
            if row == before:
                continue
            for column, old, new in zip(self._shown, self._cells(before), self._cells(row), strict=True):
                if old != new:
                    self.update_cell(key, column.title, new)
        self._rows = wanted

    def _replace(self, wanted: dict[str, Row]) -> None:
        chosen, place = self.chosen, self.cursor_row
        if chosen is not None and chosen.key in wanted:
            place = tuple(wanted).index(chosen.key)
        self.clear()
        self._fill(wanted, place)

    def _fill(self, wanted: dict[str, Row], place: int) -> None:
        self._rows = wanted
        for key, row in wanted.items():
            self.add_row(*self._cells(row), key=key)
        self.move_cursor(row=min(place, len(wanted) - 1), animate=False)

    def _cells(self, row: Row) -> list[Text]:
        assert self._kind is not None
        return [
            Text(
                column.cut(cell, self._shown[column]),
                style="bold" if row.state == RUNNING else "" if row.state in ("", PAUSED) else "dim",
                justify="right" if column.to_the_right else "left",
                no_wrap=True,
            )
            for column, cell in zip(self._kind.columns, row.cells, strict=True)
            if column in self._shown
        ]
