"""A full-screen view of a store in the terminal: `argosy ui`.

It looks through the engine, in this process, and acts through commands of Argosy's, each a process of its own: what
takes long or fails stays outside, and what the view does can be done, and read, on the command line as well.

    kinds     what is listed, in which columns, and what can be done with it; no input or output
    source    the rows: what the engine knows now
    commands  commands started, waited for, and read line by line
    table     a list on the screen, changed in place
    screens   the screens above the list: a command's output, a question, help
    app       the application that ties them together

This package and no other needs textual, an extra (`argosy[ui]`), which is loaded when the view starts.
"""

from __future__ import annotations

from argosy.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.engine import Engine

_HOW = (
    "install it beside argosy: `pip install textual`, `pipx inject argosy textual` or "
    "`uv tool install --with textual argosy` (the extra argosy[ui] names it); in a checkout: `make setup`"
)


def start(engine: Engine, *, interval_s: int) -> int:
    """Show the store until the user leaves; looks every `interval_s` seconds.  Raises Unsupported without textual."""
    try:
        from argosy.ui.app import App
    except ModuleNotFoundError as error:
        raise Unsupported(f"argosy ui needs the Python package {error.name}", hint=_HOW) from error
    from argosy.ui.source import EngineSource

    App(EngineSource(engine), interval_s=interval_s).run()
    return 0
