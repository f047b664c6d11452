"""The services: other programs' ways to this engine, each a process that holds no state of its own.

`start` runs one to its end.  It is called by name, for the command line does not know this package (design.md,
section 2).
"""

from __future__ import annotations

from importlib import import_module

from argosy.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_SERVICES = {"registry": "argosy.services.registry", "cache": "argosy.services.cache"}


def start(service: str, engine: Any, say: Callable[[str], None], **options: Any) -> int:
    """Run the service until a signal ends it, and give the exit status; `say` is told when it is ready.

    Raises NotFound when a package that it needs is not installed.
    """
    try:
        run: Callable[..., int] = import_module(_SERVICES[service]).run
    except ModuleNotFoundError as error:
        raise NotFound("Python package", error.name or "h11", hint="install it: services are built on it") from error
    return run(engine, say, **options)
