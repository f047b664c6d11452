"""`--check`: what docker's linter complains about, under the names of its rules.

A `# check=skip=RULE,...;error=true` directive leaves rules out, or makes complaints errors of a build;
`experimental=RULE,...`, or all, asks for those that docker leaves out unless they are asked for.  What a base
image sets is not known here: in a stage that starts from one, only its PATH counts as set.
"""

from __future__ import annotations

import itertools
import posixpath

from argosy.build.dockerfile import expand, scopes
from argosy.build.dockerfile import instructions as tree
from argosy.build.dockerfile.errors import DockerfileError, near
from argosy.build.dockerfile.expand import Rules
from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from argosy.build.dockerfile.ignore import Ignore
    from argosy.build.dockerfile.instructions import Dockerfile, Instruction, Stage

_EXPERIMENTAL = frozenset({"copyignoredfile"})
_RESERVED = ("scratch", "context")
_SECRET_WORDS = ("apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token")
_PUBLIC_WORDS = ("public",)
_PLATFORM_VARIABLES = frozenset(
    (
        *("TARGETPLATFORM", "TARGETOS", "TARGETOSVERSION", "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE"),
        *("BUILDPLATFORM", "BUILDOS", "BUILDOSVERSION", "BUILDARCH", "BUILDVARIANT"),
    )
)
_LAST_COUNTS = (tree.Cmd, tree.Entrypoint, tree.Healthcheck)
_NAMED_BY_SHELL = ("PATH", "HOME", "HOSTNAME", "TERM", "SHELL", "PWD", "USER")


class Finding(Value):
    """One complaint."""

    rule: str
    line: int
    text: str


def check(dockerfile: Dockerfile, hidden: Ignore | None = None, settings: str | None = None) -> list[Finding]:
    """All complaints, in the order of lines, without those that the directive skips.

    `hidden` is what the context hides; `settings` take the place of the file's own directive.
    """
    skipped, _ = directive(dockerfile, settings)
    if "all" in skipped:
        return []
    asked = _named("experimental", dockerfile, settings)
    if "all" not in asked:
        skipped |= _EXPERIMENTAL - asked
    complaints = itertools.chain(_all(dockerfile), _hidden(dockerfile, hidden) if hidden else ())
    found = [one for one in complaints if one.rule.lower() not in skipped]
    return sorted(found, key=lambda one: (one.line, one.rule, one.text))


def directive(dockerfile: Dockerfile, settings: str | None = None) -> tuple[frozenset[str], bool]:
    """The rules that `# check=`, or else `settings`, skips, in lower case, and whether complaints are errors."""
    errors = False
    for key, value in _settings(dockerfile, settings):
        if key == "error":
            errors = value == "true"
    return _named("skip", dockerfile, settings), errors


def _named(wanted: str, dockerfile: Dockerfile, settings: str | None) -> frozenset[str]:
    """The rules that a setting names."""
    values = [value for key, value in _settings(dockerfile, settings) if key == wanted]
    return frozenset(rule.strip() for value in values for rule in value.split(","))


def _settings(dockerfile: Dockerfile, settings: str | None) -> Iterator[tuple[str, str]]:
    """The settings, the values in lower case."""
    written = [item.value for item in dockerfile.directives if item.name == "check"] if settings is None else [settings]
    for part in ";".join(written).split(";"):
        key, _, value = part.partition("=")
        yield key.strip(), value.strip().lower()


def _all(dockerfile: Dockerfile) -> Iterator[Finding]:
    for line in dockerfile.empty_continuations:
        yield Finding("NoEmptyContinuation", line, "Empty continuation line")
    yield from _casing(dockerfile)
    yield from _stage_names(dockerfile)
    yield from _bases(dockerfile)
    for stage in dockerfile.stages:
        yield from _instructions(stage)
    yield from _variables(dockerfile)


def _casing(dockerfile: Dockerfile) -> Iterator[Finding]:
    """Keywords should all be in one case, that of the majority."""
    written: list[Instruction] = [*dockerfile.arguments]
    for stage in dockerfile.stages:
        written += (stage.start, *stage.instructions)
    lower = sum(one.written.islower() for one in written)
    upper = sum(one.written.isupper() for one in written)
    majority = "lowercase" if lower > upper else "uppercase"
    for one in written:
        fits = one.written.islower() if majority == "lowercase" else one.written.isupper()
        if not fits:
            text = f"Command '{one.written}' should match the case of the command majority ({majority})"
            yield Finding("ConsistentInstructionCasing", one.line, text)
    for stage in dockerfile.stages:
        start = stage.start
        if start.as_written and start.as_written.isupper() != start.written.isupper():
            text = f"'{start.as_written}' and '{start.written}' keywords' casing do not match"
            yield Finding("FromAsCasing", start.line, text)


def _stage_names(dockerfile: Dockerfile) -> Iterator[Finding]:
    seen: set[str] = set()
    for stage in dockerfile.stages:
        start = stage.start
        if not start.name:
            continue
        if start.name_written != start.name:
            text = f"Stage name '{start.name_written}' should be lowercase"
            yield Finding("StageNameCasing", start.line, text)
        if start.name in _RESERVED:
            text = f'Stage name should not use the same name as reserved stage "{start.name}"'
            yield Finding("ReservedStageName", start.line, text)
        if start.name in seen:
            text = f'Duplicate stage name "{start.name}", stage names should be unique'
            yield Finding("DuplicateStageName", start.line, text)
        seen.add(start.name)


def _bases(dockerfile: Dockerfile) -> Iterator[Finding]:
    known: dict[str, str] = dict.fromkeys(_PLATFORM_VARIABLES, "x")
    for argument in dockerfile.arguments:
        for one in argument.assignments:
            known[one.name] = _expanded(one.value or "", known, dockerfile.escape)
    for stage in dockerfile.stages:
        start = stage.start
        for text in (start.base, start.platform):
            for name in sorted(_unset(text, known, dockerfile.escape)):
                told = f"FROM argument '{name}' is not declared{near(name, known)}"
                yield Finding("UndefinedArgInFrom", start.line, told)
        yield from _default_base(start, known, dockerfile.escape)
        platform = start.platform
        if platform in ("$TARGETPLATFORM", "${TARGETPLATFORM}"):
            text = f"Setting platform to predefined {platform} in FROM is redundant as this is the default behavior"
            yield Finding("RedundantTargetPlatform", start.line, text)
        elif platform and "$" not in platform and not start.name:
            text = f'FROM --platform flag should not use constant value "{platform}"'
            yield Finding("FromPlatformFlagConstDisallowed", start.line, text)


def _default_base(start: tree.From, known: dict[str, str], escape: str) -> Iterator[Finding]:
    """The defaults of arguments alone should give a name that an image can have."""
    if "$" not in start.base or _unset(start.base, known, escape):
        return
    name = _expanded(start.base, known, escape)
    if not name or name[0] in ":@/" or name[-1] in ":@/":
        text = f"Default value for ARG {start.base} results in empty or invalid base image name"
        yield Finding("InvalidDefaultArgInFrom", start.line, text)


def _instructions(stage: Stage) -> Iterator[Finding]:
    last = {type(one): one for one in stage.instructions}
    has_shell = any(isinstance(one, tree.Shell) for one in stage.instructions)
    absolute = False
    for one in stage.instructions:
        if isinstance(one, tree.Maintainer):
            text = "Maintainer instruction is deprecated in favor of using label"
            yield Finding("MaintainerDeprecated", one.line, text)
        if isinstance(one, _LAST_COUNTS) and last[type(one)] is not one:
            text = (
                f"Multiple {one.keyword} instructions should not be used in the same stage because only the last one "
                "will be used"
            )
            yield Finding("MultipleInstructionsDisallowed", one.line, text)
        if isinstance(one, (tree.Cmd, tree.Entrypoint)) and one.command.shell_form and not has_shell:
            text = f"JSON arguments recommended for {one.keyword} to prevent unintended behavior related to OS signals"
            yield Finding("JSONArgsRecommended", one.line, text)
        if isinstance(one, tree.Workdir):
            if not absolute and not posixpath.isabs(one.path) and not one.path.startswith("$"):
                text = f'Relative workdir "{one.path}" can have unexpected results if the base image changes'
                yield Finding("WorkdirRelativePath", one.line, text)
            absolute = True
        if isinstance(one, (tree.Env, tree.Label)) and any(pair.spaced for pair in one.assignments):
            text = f'"{one.keyword} key=value" should be used instead of legacy "{one.keyword} key value" format'
            yield Finding("LegacyKeyValueFormat", one.line, text)
        if isinstance(one, (tree.Env, tree.Arg)):
            yield from _secrets(one)
        if isinstance(one, tree.Expose):
            yield from _ports(one)


def _hidden(dockerfile: Dockerfile, hidden: Ignore) -> Iterator[Finding]:
    """What is copied from the context should be in it; names with variables or patterns are left to the build."""
    for stage in dockerfile.stages:
        for one in stage.instructions:
            if not isinstance(one, tree.Transfer) or (isinstance(one, tree.Copy) and one.source_from):
                continue
            for source in one.sources:
                path = posixpath.normpath(f"/{source}").strip("/")
                if path and not set("$*?[\\:") & set(source) and hidden.ignores(path):
                    verb = "Copy" if isinstance(one, tree.Copy) else "Add"
                    text = f'Attempting to {verb} file "{source}" that is excluded by .dockerignore'
                    yield Finding("CopyIgnoredFile", one.line, text)


def _secrets(one: tree.Env | tree.Arg) -> Iterator[Finding]:
    for pair in one.assignments:
        words = pair.name.lower().replace("-", "_").split("_")
        if any(word in _SECRET_WORDS for word in words) and not any(word in _PUBLIC_WORDS for word in words):
            text = f'Do not use ARG or ENV instructions for sensitive data ({one.keyword} "{pair.name}")'
            yield Finding("SecretsUsedInArgOrEnv", one.line, text)


def _ports(one: tree.Expose) -> Iterator[Finding]:
    for text in one.ports:
        port, slash, protocol = text.partition("/")
        if slash and protocol != protocol.lower():
            told = f"Defined protocol '{text}' in EXPOSE instruction should be lowercase"
            yield Finding("ExposeProtoCasing", one.line, told)
        if ":" in port:
            told = f"EXPOSE instruction should not define an IP address or host-port mapping, found '{text}'"
            yield Finding("ExposeInvalidFormat", one.line, told)


def _variables(dockerfile: Dockerfile) -> Iterator[Finding]:
    """Variables should be declared before they are used."""
    of_stages: dict[str, dict[str, str]] = {}
    outer = {pair.name for argument in dockerfile.arguments for pair in argument.assignments}
    for stage in dockerfile.stages:
        base = stage.start.base.lower()
        known = dict(of_stages.get(base, {}))
        closed = base in of_stages or base == "scratch"
        known.update(dict.fromkeys(("PATH",), "x"))
        for one in stage.instructions:
            for name in sorted(_used_unset(one, known, dockerfile.escape)):
                if closed or near(name, known) or name in outer or name in _PLATFORM_VARIABLES:
                    told = f"Usage of undefined variable '${name}'{near(name, known).replace('mean ', 'mean $')}"
                    yield Finding("UndefinedVar", one.line, told)
            if isinstance(one, (tree.Arg, tree.Env)):
                known.update((pair.name, pair.value or "x") for pair in one.assignments)
        if stage.start.name:
            of_stages[stage.start.name] = known


def _used_unset(one: Instruction, known: dict[str, str], escape: str) -> set[str]:
    texts: tuple[str, ...] = ()
    if isinstance(one, (tree.Env, tree.Label, tree.Arg)):
        texts = tuple(pair.value or "" for pair in one.assignments)
    elif isinstance(one, tree.Transfer):
        texts = (*one.sources, one.destination, one.chown, one.chmod)
    elif isinstance(one, tree.Workdir):
        texts = (one.path,)
    elif isinstance(one, tree.User):
        texts = (one.user,)
    elif isinstance(one, tree.Expose):
        texts = one.ports
    elif isinstance(one, tree.Volume):
        texts = one.paths
    elif isinstance(one, tree.StopSignal):
        texts = (one.signal,)
    found: set[str] = set()
    for text in texts:
        found |= _unset(text, known, escape)
    return found - scopes.PREDEFINED - set(_NAMED_BY_SHELL)


def _unset(text: str, known: dict[str, str], escape: str) -> set[str]:
    """The variables in a word that are not known, but those for which the word has a default itself."""
    if "$" not in text:
        return set()
    try:
        found = expand.expand(text, known, Rules(escape=escape)).unset
    except DockerfileError:
        return set()
    return {name for name in found if f"{{{name}:-" not in text and f"{{{name}-" not in text}


def _expanded(text: str, known: dict[str, str], escape: str) -> str:
    try:
        return expand.expand(text, known, Rules(escape=escape)).text
    except DockerfileError:
        return text
