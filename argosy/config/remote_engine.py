"""containers.conf asks for an engine, or a part of one, that Argosy is not."""

from __future__ import annotations

from argosy.errors import Unsupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.config.containers import ContainersConf


def refusal(conf: ContainersConf) -> Unsupported:
    """What to raise for `namespace` or `remote` in [engine]."""
    if conf.namespace:
        return Unsupported(
            f'containers.conf sets the namespace "{conf.namespace}", and argosy\'s containers have no namespaces',
            hint="remove namespace from [engine]; --root names another store",
        )
    named = conf.active_service and f' ("{conf.active_service}")'
    return Unsupported(
        f"containers.conf sets remote = true: it names another engine{named}",
        hint="call it with --remote to run there, or with --remote=false to work here",
    )
