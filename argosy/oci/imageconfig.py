"""Image configs (image-spec, config.md; Docker's extensions): what an image says about itself and its containers.

`parse` is strict about the type and the form of every field it knows, so that code behind it need not ask again.  The
raw object is kept: fields that we do not know survive `to_bytes` and show up in `inspect`.
"""

from __future__ import annotations

from argosy import jsontext
from argosy.errors import Invalid
from argosy.oci import digest as digests
from argosy.oci.digest import Digest
from argosy.oci.fields import Fields
from argosy.oci.platform import Platform
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SIZE_LIMIT = 4 << 20
_WHAT = "image config"


class Healthcheck(Value):
    """Docker's HEALTHCHECK.  Times are in nanoseconds; 0 means the default."""

    test: tuple[str, ...] = ()
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0

    def to_oci(self) -> dict[str, Any]:
        """The object as Docker writes it."""
        data: dict[str, Any] = {"Test": list(self.test)} if self.test else {}
        for field, key in _HEALTHCHECK_NUMBERS.items():
            if getattr(self, field):
                data[key] = getattr(self, field)
        return data


_HEALTHCHECK_NUMBERS = {
    "interval_ns": "Interval",
    "timeout_ns": "Timeout",
    "start_period_ns": "StartPeriod",
    "start_interval_ns": "StartInterval",
    "retries": "Retries",
}


class ContainerConfig(Value):
    """How containers of this image run unless told otherwise.  Empty means not stated."""

    user: str = ""
    env: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    working_dir: str = ""
    exposed_ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stop_signal: str = ""
    labels: dict[str, str] = {}  # noqa: RUF012 -- a field's default, never changed
    healthcheck: Healthcheck | None = None
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()

    _nested = {"healthcheck": Healthcheck}  # noqa: RUF012 -- constant

    def to_oci(self) -> dict[str, Any]:
        """The object `config` of an image config, without the fields that are empty."""
        data: dict[str, Any] = {}
        for field, key in _CONTAINER_KEYS.items():
            value = getattr(self, field)
            if not value:
                continue
            if field in ("exposed_ports", "volumes"):
                data[key] = {name: {} for name in value}
            elif isinstance(value, Healthcheck):
                data[key] = value.to_oci()
            else:
                data[key] = list(value) if isinstance(value, tuple) else value
        return data


_CONTAINER_KEYS = {
    "user": "User",
    "exposed_ports": "ExposedPorts",
    "env": "Env",
    "entrypoint": "Entrypoint",
    "cmd": "Cmd",
    "volumes": "Volumes",
    "working_dir": "WorkingDir",
    "labels": "Labels",
    "stop_signal": "StopSignal",
    "healthcheck": "Healthcheck",
    "shell": "Shell",
    "on_build": "OnBuild",
}
_CONTAINER_VALUES = frozenset(_CONTAINER_KEYS.values())


class History(Value):
    """How one layer, or one change of the config (`empty_layer`), came about."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False

    def to_oci(self) -> dict[str, Any]:
        """The object as the image specification writes it."""
        return self.to_json()


class ImageConfig(Value):
    """A whole image config.  `created` is RFC 3339 text; `raw` is the object it was read from ({} for a new one)."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()
    created: str = ""
    author: str = ""
    config: ContainerConfig = ContainerConfig()
    diff_ids: tuple[Digest, ...] = ()
    history: tuple[History, ...] = ()
    raw: dict[str, Any] = {}  # noqa: RUF012 -- a field's default, never changed

    @property
    def platform(self) -> Platform:
        """What the image is made for."""
        return Platform(self.os, self.architecture, self.variant, self.os_version)

    def to_oci(self) -> dict[str, Any]:
        """The object in the image specification's form; unknown fields are taken over from `raw`."""
        data = dict(self.raw)
        texts = ("created", "author", "architecture", "variant", "os")
        for key, value in (*((key, getattr(self, key)) for key in texts), ("os.version", self.os_version)):
            if value or key in ("architecture", "os"):
                data[key] = value
            else:
                data.pop(key, None)
        data.pop("os.features", None)
        if self.os_features:
            data["os.features"] = list(self.os_features)
        kept = {key: value for key, value in (self.raw.get("config") or {}).items() if key not in _CONTAINER_VALUES}
        data["config"] = {**self.config.to_oci(), **kept}
        data["rootfs"] = {"type": "layers", "diff_ids": [str(diff_id) for diff_id in self.diff_ids]}
        data["history"] = [entry.to_oci() for entry in self.history]
        return data

    def to_bytes(self) -> bytes:
        """The config as JSON, the same bytes for the same value."""
        return jsontext.encode(self.to_oci())


def parse(data: bytes) -> ImageConfig:
    """The image config in `data`.  Raises Invalid, which names the field that breaks a rule."""
    if len(data) > SIZE_LIMIT:
        raise Invalid(_WHAT, f"{len(data)} bytes", f"it is larger than {SIZE_LIMIT >> 20} MiB")
    fields = Fields(jsontext.decode(data, _WHAT), _WHAT)
    config = fields.child("config")
    return ImageConfig(
        os=fields.text("os"),
        architecture=fields.text("architecture"),
        variant=fields.text("variant"),
        os_version=fields.text("os.version"),
        os_features=fields.texts("os.features"),
        created=fields.text("created"),
        author=fields.text("author"),
        config=ContainerConfig() if config is None else _container_config(config),
        diff_ids=_diff_ids(fields),
        history=tuple(_history(entry) for entry in fields.objects("history")),
        raw=fields.data,
    )


def _diff_ids(fields: Fields) -> tuple[Digest, ...]:
    rootfs = fields.child("rootfs")
    if rootfs is None:
        return ()
    if rootfs.text("type") != "layers":
        raise rootfs.fault("type", f"{rootfs.text('type')!r} is not 'layers'")
    found = []
    for position, text in enumerate(rootfs.texts("diff_ids")):
        found.append(digests.parse(text, f"{_WHAT}: rootfs.diff_ids[{position}]"))
    return tuple(found)


def _history(fields: Fields) -> History:
    return History(
        created=fields.text("created"),
        created_by=fields.text("created_by"),
        author=fields.text("author"),
        comment=fields.text("comment"),
        empty_layer=bool(fields.get("empty_layer", bool)),
    )


def _container_config(fields: Fields) -> ContainerConfig:
    healthcheck = fields.child("Healthcheck")
    config = ContainerConfig(
        user=fields.text("User"),
        env=fields.texts("Env"),
        cmd=fields.texts("Cmd"),
        entrypoint=fields.texts("Entrypoint"),
        working_dir=fields.text("WorkingDir"),
        exposed_ports=fields.keys("ExposedPorts"),
        volumes=fields.keys("Volumes"),
        stop_signal=fields.text("StopSignal"),
        labels=fields.mapping("Labels"),
        healthcheck=None if healthcheck is None else _healthcheck(healthcheck),
        shell=fields.texts("Shell"),
        on_build=fields.texts("OnBuild"),
    )
    _check_forms(fields, config)
    return config


def _check_forms(fields: Fields, config: ContainerConfig) -> None:
    for position, entry in enumerate(config.env):
        if entry.find("=") < 1:
            raise fields.fault(f"Env[{position}]", f"{entry!r} is not NAME=VALUE")
    if config.working_dir and config.working_dir[0] != "/":
        raise fields.fault("WorkingDir", f"{config.working_dir!r} is not an absolute path")
    for port in config.exposed_ports:
        why = port_fault(port)
        if why:
            raise fields.fault("ExposedPorts", f"{port!r}: {why}")
    for volume in config.volumes:
        if volume[:1] != "/" or not volume.strip("/") or "\0" in volume:
            raise fields.fault("Volumes", f"{volume!r} is not an absolute path below the root")
    if not all(c.isascii() and (c.isalnum() or c in "+-") for c in config.stop_signal):
        raise fields.fault("StopSignal", f"{config.stop_signal!r} is neither the name nor the number of a signal")
    if not all(c.isprintable() for c in config.user):
        raise fields.fault("User", f"{config.user!r} holds control characters")


def port_fault(text: str) -> str:
    """What is wrong with `port[-port][/protocol]`; "" when nothing is."""
    ports, slash, protocol = text.partition("/")
    if slash and protocol.lower() not in ("tcp", "udp", "sctp"):
        return "the protocol is none of tcp, udp and sctp"
    first, dash, last = ports.partition("-")
    numbers = (first, last) if dash else (first,)
    if not all(number.isascii() and number.isdecimal() and len(number) <= 5 for number in numbers):
        return "this is not port[-port][/protocol]"
    if not all(0 < int(number) < 65536 for number in numbers):
        return "a port is a number from 1 to 65535"
    return "the last port is below the first" if dash and int(last) < int(first) else ""


def _healthcheck(fields: Fields) -> Healthcheck:
    numbers = {field: fields.number(key) for field, key in _HEALTHCHECK_NUMBERS.items()}
    for field, number in numbers.items():
        if number < 0:
            raise fields.fault(_HEALTHCHECK_NUMBERS[field], "it is negative")
    return Healthcheck(test=fields.texts("Test"), **numbers)
