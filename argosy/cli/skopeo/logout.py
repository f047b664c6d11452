"""`logout` in skopeo's words: podman's, with one flag more."""

from __future__ import annotations

from argosy.cli.flags import Flag
from argosy.cli.podman import logout
from argosy.cli.podman.logout import LogoutOptions


class SkopeoLogoutOptions(LogoutOptions):
    """`tls_verify` is taken as by skopeo: no registry is asked when credentials are forgotten."""

    tls_verify: bool | None


COMMAND = logout.COMMAND.replace(
    options=SkopeoLogoutOptions,
    flags=(
        *logout.COMMAND.flags,
        Flag("tls-verify", kind="optbool", help="Require HTTPS and verify certificates (nothing is asked here)"),
    ),
    examples=("skopeo logout quay.io", "skopeo logout --all"),
)
