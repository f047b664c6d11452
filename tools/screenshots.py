"""Draws the pictures of `argosy ui` in docs/ui: of a store that is not there, so that they are the same each time.

usage: python tools/screenshots.py [--check]

With --check nothing is written; the status is 1 when a picture is not what it should be.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, CHECKOUT)
for name in [name for name in os.environ if name == "NO_COLOR" or name.startswith("TEXTUAL")]:
    del os.environ[name]  # textual reads them when it is imported
os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}

from argosy.ui.app import App  # noqa: E402 -- the path comes first
from tests.rig.ui import FakeCommands, FakeSource  # noqa: E402

DIRECTORY = f"{CHECKOUT}/docs/ui"
SIZE = (80, 24)
SCENES = {
    "containers": ("down",),
    "log": ("l",),
    "filter": ("slash", "s", "h", "o", "p", "enter", "t", "down", "d"),
}


def pictures() -> dict[str, str]:
    """File name to picture (SVG)."""
    return {f"{name}.svg": asyncio.run(_picture(keys)) for name, keys in SCENES.items()}


async def _picture(keys: tuple[str, ...]) -> str:
    commands = FakeCommands()
    app = App(FakeSource(), interval_s=3600, run=commands.run, read=commands.read)
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()
        return _plain(app.export_screenshot(title="argosy ui", simplify=True))


def _plain(picture: str) -> str:
    """The picture without fonts from elsewhere, and with a name for its parts that is always the same."""
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", "ui", picture)


def main(arguments: list[str]) -> int:
    """Write them, or look whether they are as they should be."""
    os.makedirs(DIRECTORY, exist_ok=True)
    stale = []
    for name, picture in pictures().items():
        path = f"{DIRECTORY}/{name}"
        if arguments == ["--check"]:
            stale += [] if os.path.exists(path) and _read(path) == picture else [path]
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(picture)
    for path in stale:
        print(f"{path} is not current: python tools/screenshots.py", file=sys.stderr)
    return 1 if stale else 0


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
