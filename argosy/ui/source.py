"""The rows of the view, as the engine knows them now."""

from __future__ import annotations

import os
import threading
import time

from argosy import human
from argosy.containers import state
from argosy.containers.stats import Sampler
from argosy.errors import ArgosyError, Unsupported, escaped
from argosy.ui.kinds import Listing, Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from argosy.containers.state import ContainerView
    from argosy.containers.stats import Sample
    from argosy.engine import Engine
    from argosy.images.inventory import Image
    from argosy.pods.listing import PodView

_SHORT_ID = 12
_NOT_KNOWN = ("-", "-", "-")


class EngineSource:
    """The `kinds.Source` of an open engine.  Looks for one thread at a time, whatever the threads are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._sampler: Sampler | None = None
        self._pod_sampler: Sampler | None = None  # a sampler counts from its own look before
        self._unsupported = ""
        try:
            self._sampler, self._pod_sampler = Sampler(engine.site), Sampler(engine.site)
        except Unsupported as error:
            self._unsupported = str(error)
        who = "rootless" if engine.namespace.rootless else "root"
        self.title = f"{os.uname().nodename} ({who})"
        self._readers: dict[str, Callable[[], Listing]] = {
            "containers": self._containers,
            "pods": self._pods,
            "images": self._images,
            "volumes": self._volumes,
            "networks": self._networks,
        }

    def argv(self, words: tuple[str, ...]) -> list[str]:
        return [*self._engine.site.again, *words]

    def read(self, kind: str) -> Listing:
        with self._lock:
            found = self._readers[kind]()
        rows = (row.replace(name=escaped(row.name), cells=tuple(map(escaped, row.cells))) for row in found.rows)
        return Listing(tuple(rows), tuple(map(escaped, found.problems)))

    def _containers(self) -> Listing:
        found = self._engine.containers.list()
        now_ns = time.time_ns()
        problems = [f"container {container_id[:_SHORT_ID]}: {why}" for container_id, why in found.damaged]
        if self._unsupported:
            problems.append(self._unsupported)
        return Listing(tuple(self._container(view, now_ns) for view in found.views), tuple(problems))

    def _container(self, view: ContainerView, now_ns: int) -> Row:
        cpu, memory, pids = _NOT_KNOWN
        if self._sampler is not None and view.run.status in state.ACTIVE:
            cpu, memory, pids = _usage(self._sampler.sample(view))
        cells = (view.name, _status(view, now_ns), cpu, memory, view.image, pids, _ports(view))
        return Row(view.id, view.name, cells, view.run.status)

    def _pods(self) -> Listing:
        from argosy.pods import listing

        found = listing.views(self._engine.site)
        rows = tuple(self._pod(view) for view in found.views)
        return Listing(rows, tuple(f"pod {pod_id[:_SHORT_ID]}: {why}" for pod_id, why in found.damaged))

    def _pod(self, view: PodView) -> Row:
        """A pod, with what its containers use together."""
        running = [one for one in view.containers if one.run.status in state.ACTIVE]
        cpu, memory, _ = _NOT_KNOWN
        if self._pod_sampler is not None and running:
            samples = [self._pod_sampler.sample(one) for one in running]
            cpu = f"{sum(sample.cpu for sample in samples):.1f}"
            memory = human.tight_size(sum(sample.usage.memory for sample in samples))
        word = view.status.lower()
        sign = "▶" if running else "■" if word in ("exited", "stopped") else "□"
        names = ", ".join(one.name for one in view.members)
        return Row(
            view.id, view.name, (view.name, f"{sign} {word}", cpu, memory, names), "running" if running else word
        )

    def _images(self) -> Listing:
        from argosy.images import inventory

        found = inventory.inventory(self._engine.store)
        images = sorted(found.images, key=lambda image: image.created_ns, reverse=True)
        now_ns = time.time_ns()
        return Listing(tuple(_image(image, now_ns) for image in images), tuple(map(str, found.damaged)))

    def _volumes(self) -> Listing:
        from argosy.containers import volumes
        from argosy.volumes import named

        found = named.listing(self._engine.store)
        problems = [f"volume {name}: {why}" for name, why in found.damaged]
        users: dict[str, str] = {}
        try:
            by_id = volumes.users(self._engine.site).by_id
            users = {name: ", ".join(view.name for view in views) for name, views in by_id.items()}
        except ArgosyError as error:
            problems.append(str(error))
        now_ns = time.time_ns()
        rows = tuple(
            Row(
                volume.name,
                volume.name,
                (
                    volume.name,
                    volume.driver,
                    human.ago(int(volume.created_at * 1e9), now_ns),
                    users.get(volume.name, ""),
                ),
            )
            for volume in found.volumes
        )
        return Listing(rows, tuple(problems))

    def _networks(self) -> Listing:
        from argosy.containers import networks

        found = networks.of(self._engine.site).listing()
        rows = tuple(
            Row(
                network.name,
                network.name,
                (
                    network.name,
                    network.driver,
                    ", ".join(subnet.subnet for subnet in network.subnets),
                    network.interface,
                ),
            )
            for network in found.networks
        )
        return Listing(rows, tuple(f"network {name[:_SHORT_ID]}: {why}" for name, why in found.damaged))


def _status(view: ContainerView, now_ns: int) -> str:
    """What it does, in few words: the sign at the front tells what runs from what does not without any colour."""
    run = view.run
    if run.status == state.RUNNING:
        return f"▶ {_brief(now_ns / 1e9 - run.started_at)}"
    if run.status == state.EXITED:
        return f"■ exited {run.exit_code}"
    sign = "‖" if run.status == state.PAUSED else "□"
    return f"{sign} {run.status}"


def _brief(seconds: float) -> str:
    """How long something runs: `up 3d`, `up 45s`."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= 2 * length:
            return f"up {whole // length}{unit}"
    return f"up {whole}s"


def _usage(sample: Sample) -> tuple[str, str, str]:
    if not sample.usage.pids and not sample.usage.memory:
        return _NOT_KNOWN  # it has just ended
    return f"{sample.cpu:.1f}", human.tight_size(sample.usage.memory), str(sample.usage.pids)


def _ports(view: ContainerView) -> str:
    if not view.options.get("ports"):
        return ""
    from argosy.containers import ports

    return ", ".join(
        f"{outside}->{inside}/{protocol}" for inside, protocol, _, outside in ports.published(view.options)
    )


def _image(image: Image, now_ns: int) -> Row:
    names = ", ".join(map(str, image.names)) or "<none>"
    created = human.ago(image.created_ns, now_ns) if image.created_ns else ""
    used = str(len(image.containers) or "")
    size = human.tight_size(image.record.size_bytes)
    return Row(image.id, names, (names, image.id[:_SHORT_ID], created, size, used))
