"""What this host lets Argosy do, rung by rung, what each lack costs, and how to step up.

Nothing here changes the host.  `facts` looks, once; the checks are functions from facts to findings, one for each name
that `argosy doctor NAME` takes.  What needs an open store is `store_checks`.
"""

from __future__ import annotations

from argosy.containers.doctor import kernel, network, privilege, programs, resources, trust
from argosy.containers.doctor.advice import BAD, Advice
from argosy.containers.doctor.storage import store_checks
from argosy.errors import Invalid

__all__ = ["BAD", "CHECKS", "STORE_CHECKS", "Advice", "check_names", "examine", "store_checks"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from argosy.containers.doctor.facts import Facts

CHECKS: Mapping[str, Callable[[Facts], Iterator[Advice]]] = {
    "userns": privilege.userns,
    "ids": privilege.ids,
    "proc": privilege.proc,
    "runtime": programs.runtime,
    "conmon": programs.conmon,
    "init": programs.init,
    "overlay": kernel.overlay,
    "fuse": kernel.fuse,
    "seccomp": kernel.seccomp,
    "lsm": kernel.lsm,
    "cgroups": resources.cgroups,
    "files": resources.files,
    "disk": resources.disk,
    "rundir": resources.rundir,
    "network": network.network,
    "tun": network.tun,
    "nft": network.nft,
    "dns": network.dns,
    "clock": network.clock,
    "certificates": network.certificates,
    "trust": trust.trust,
}
STORE_CHECKS = ("storage",)


def check_names(names: Sequence[str]) -> None:
    """Raise Invalid for a name that no check has."""
    for name in names:
        if name not in CHECKS and name not in STORE_CHECKS:
            raise Invalid("check", name, "doctor has none of that name", hint=f"one of {', '.join(CHECKS)}, storage")


def examine(facts: Facts, names: Sequence[str] = ()) -> list[Advice]:
    """What the checks with these names find; all of them where none is given."""
    return [advice for name, check in CHECKS.items() if not names or name in names for advice in check(facts)]
