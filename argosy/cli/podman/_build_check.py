"""--check, and a build whose Dockerfile (or BUILDKIT_DOCKERFILE_CHECK) makes complaints errors."""

from __future__ import annotations

from argosy.errors import ArgosyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.context import Context
    from argosy.build.dockerfile.check import Finding
    from argosy.build.dockerfile.instructions import Dockerfile
    from argosy.cli.output import Output
    from argosy.cli.podman._build_table import BuildFlags

_ARGUMENT = "BUILDKIT_DOCKERFILE_CHECK="


def tell(dockerfile: Dockerfile, context: Context, flags: BuildFlags, out: Output) -> int:
    """--check: one line for each complaint; the status tells whether there are any."""
    found = _findings(dockerfile, context, flags)
    for finding in found:
        out.line(f"{dockerfile.path}:{finding.line}: {finding.rule}: {finding.text}")
    if not found:
        out.line("Check complete, no warnings found.")
    return 1 if found else 0


def enforce(dockerfile: Dockerfile, context: Context, flags: BuildFlags) -> None:
    """Raise ArgosyError where there are complaints, and they are to be errors."""
    settings = _settings(flags)
    if settings is None and not any(one.name == "check" for one in dockerfile.directives):
        return
    from argosy.build.dockerfile import check

    if not check.directive(dockerfile, settings)[1]:
        return
    found = _findings(dockerfile, context, flags)
    if found:
        rules = ", ".join(dict.fromkeys(finding.rule for finding in found))
        lines = [f"{dockerfile.path}:{finding.line}: {finding.rule}: {finding.text}" for finding in found]
        raise ArgosyError(f"lint violation found for rules: {rules}", details="\n".join(lines))


def _findings(dockerfile: Dockerfile, context: Context, flags: BuildFlags) -> list[Finding]:
    from argosy.build.dockerfile import check
    from argosy.build.dockerfile.ignore import Ignore

    patterns = context.ignore_patterns(flags.ignorefile or "", dockerfile.path)
    return check.check(dockerfile, Ignore(patterns) if patterns else None, _settings(flags))


def _settings(flags: BuildFlags) -> str | None:
    """What is given as a build argument goes over the file's own directive."""
    found = [text.removeprefix(_ARGUMENT) for text in flags.build_arg if text.startswith(_ARGUMENT)]
    return found[-1] if found else None
