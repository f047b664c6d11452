"""What the commands of `manifest` share: the flags of registries, and opening the images of a list."""

from __future__ import annotations

from argosy.cli.flags import Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from argosy.engine import Engine
    from argosy.images.manifestlist import Entry
    from argosy.transports.access import RegistryOptions
    from argosy.transports.source import ImageSource

AUTHFILE = Flag("authfile", kind="string", help="Path of the authentication file")
CERT_DIR = Flag("cert-dir", kind="string", help="Pathname of a directory containing TLS certificates and keys")
CREDS = Flag("creds", kind="string", help="Credentials (USERNAME:PASSWORD) to use for authenticating to a registry")
TLS_VERIFY = Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates")
INSECURE = Flag("insecure", only="docker", help="Allow communication with an insecure registry")
ENTRY_FLAGS = (
    Flag("annotation", kind="list", help="Set an annotation (KEY=VALUE) for the image"),
    Flag("arch", kind="string", help="Override the architecture of the image"),
    Flag("features", kind="csv", help="Override the features of the image"),
    Flag("os", kind="string", help="Override the OS of the image"),
    Flag("os-version", kind="string", help="Override the OS version of the image"),
    Flag("variant", kind="string", help="Override the variant of the image"),
)
OS_FEATURES = Flag("os-features", kind="csv", help="Override the OS features of the image")


def registry_options(
    *, authfile: str | None = None, cert_dir: str | None = None, creds: str | None = None, tls_verify: bool | None
) -> RegistryOptions:
    """How registries are reached."""
    from argosy.transports.access import RegistryOptions

    return RegistryOptions(authfile=authfile or "", creds=creds or "", cert_dir=cert_dir or "", tls_verify=tls_verify)


def verification(*, tls_verify: bool | None, insecure: bool) -> bool | None:
    """--tls-verify, or docker's --insecure in its place."""
    return False if insecure else tls_verify


def digest_of(engine: Engine, text: str, options: RegistryOptions) -> str:
    """The digest that an operand names an entry by: docker's are names of images, too."""
    from argosy.errors import Invalid
    from argosy.oci import digest as digests

    try:
        return digests.parse(text)
    except Invalid:
        source, _ = open_image(engine, text, options)
        try:
            return str(source.manifest().digest)
        finally:
            source.close()


def add(engine: Engine, list_id: str, text: str, options: RegistryOptions, *, every: bool, changes: Any = None) -> None:
    """Add the image that `text` means to a list: one of the store, or at another place."""
    from argosy.images import listsource, manifestlist

    source, place = open_image(engine, text, options)
    try:
        found = listsource.entries_of(source, place, every=every)
    finally:
        source.close()
    if changes is not None:
        found = [changes.apply(entry) for entry in found]

    def extended(old: manifestlist.ManifestList) -> manifestlist.ManifestList:
        for entry in found:
            old = old.with_entry(entry)
        return old

    manifestlist.Lists(engine.store).change(list_id, extended)


def open_image(engine: Engine, text: str, options: RegistryOptions) -> tuple[ImageSource, str]:
    """The image, and its place without a tag or digest: "" for the store, where a name is looked for first."""
    from argosy.errors import Unsupported
    from argosy.images import places
    from argosy.images.resolve import ImageNotKnown

    place = places.parse(text) if places.is_place(text) else None
    if place is not None and place.transport == "containers-storage" and not place.path:
        return engine.images.open_source(place.name), ""
    if place is None:
        try:
            return engine.images.open_source(text), ""
        except ImageNotKnown:
            reference = engine.registries.candidates(text)[0]
            return engine.open_source(reference, options), f"docker://{reference.name}"
    if place.transport != "docker":
        raise Unsupported(
            f"{place}: the images of a list are at registries or in the store",
            hint=f"pull it first: argosy pull {place}",
        )
    source = places.open_source(
        place,
        places.Openers(
            docker=lambda reference: engine.open_source(reference, options), storage=engine.images.open_source
        ),
    )
    return source, f"docker://{source.reference.name}"


def open_entry(engine: Engine, entry: Entry, options: RegistryOptions) -> ImageSource:
    """The image of an entry."""
    from argosy.oci import reference as references

    if not entry.source:
        return engine.images.open_digest(entry.digest)
    return engine.open_source(references.parse(entry.source.removeprefix("docker://")), options)
