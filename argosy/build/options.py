"""What a build was told, as frozen values."""

from __future__ import annotations

from argosy.build.dockerfile.instructions import Dockerfile
from argosy.oci.platform import Platform
from argosy.oci.reference import Reference
from argosy.spec.options import NO_PAIRS, ContainerOptions
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from argosy.build.exchange import Place
    from argosy.images.guard import Maker

FORMATS = ("oci", "docker")
NO_CONTEXTS: Mapping[str, NamedContext] = {}
NO_SECRETS: Mapping[str, Secret] = {}
NO_AGENTS: Mapping[str, AgentSource] = {}


class Secret(Value):
    """--secret: the file or the variable of the caller that holds it; read when a step mounts it."""

    path: str = ""
    variable: str = ""


class AgentSource(Value):
    """--ssh: the socket of the caller's agent, or files with keys."""

    socket: str = ""
    keys: tuple[str, ...] = ()


class NamedContext(Value):
    """--build-context: an image by its name, or a directory."""

    image: str = ""
    directory: str = ""


class BuildOptions(Value):
    """All that the build of one image for one platform needs to know.

    `run` holds what all RUN steps have: capabilities, limits, DNS, hosts, security, volumes, network.  `latest_s` is
    the latest time that anything in the image has (SOURCE_DATE_EPOCH); `exact_times` gives that very one to all
    (--timestamp).  `names` are what the image is to be called.
    """

    dockerfile: Dockerfile
    context: str = ""  # the directory; "" where there is none
    ignore: tuple[str, ...] = ()
    target: str = ""
    arguments: Mapping[str, str] = NO_PAIRS
    platform: Platform | None = None
    names: tuple[Reference, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    annotations: Mapping[str, str] = NO_PAIRS
    format: str = "oci"
    layers: bool = True
    squash: bool = False
    squash_all: bool = False
    use_cache: bool = True
    cache_ttl_s: float | None = None
    cache_from: tuple[Place, ...] = ()
    cache_to: tuple[Place, ...] = ()
    pull: str = "missing"
    jobs: int = 1
    all_stages: bool = False
    os_version: str = ""
    os_features: tuple[str, ...] = ()  # added to those of the base; with a dash at its end, one is taken away
    identity: bool = False  # whether the label io.buildah.version says who made it, as buildah does
    signers: tuple[Maker, ...] = ()
    latest_s: int | None = None
    exact_times: bool = False
    omit_history: bool = False
    unset_env: tuple[str, ...] = ()
    secrets: Mapping[str, Secret] = NO_SECRETS
    agents: Mapping[str, AgentSource] = NO_AGENTS  # --ssh, by id
    contexts: Mapping[str, NamedContext] = NO_CONTEXTS
    allow_insecure: bool = False
    on_failure: str = ""  # see `failure.ON_FAILURE`
    run: ContainerOptions = ContainerOptions(image="")
