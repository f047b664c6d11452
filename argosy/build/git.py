"""Git repositories as contexts and as sources of ADD, by the program git: `URL[#[ref][:subdirectory]]`.

`URL?branch=main&subdir=docs&checksum=COMMIT` is docker's newer form: `ref`, `tag` or `branch`, `subdir`, `checksum`
(also `commit`), `submodules` and `keep-git-dir`.

Nothing in a URL becomes an option: it comes behind `--`, refs that begin with a dash are refused, and only http, https,
git and ssh are spoken (`ext::` would run a program).
"""

from __future__ import annotations

import os
import re

from argosy.build.dockerfile.errors import near
from argosy.errors import ArgosyError, Invalid
from argosy.linux import paths, process
from argosy.values import Value

_PREFIXES = ("git://", "git@", "ssh://")
_HTTP = re.compile(r"https?://[^#?]*\.git(\?[^#]*)?(#.*)?")
_HOSTS = ("github.com/",)
_PROTOCOLS = "http:https:git:ssh"
_TIMEOUT_S = 1800.0
_VERBS = ("init", "fetch", "checkout", "submodule", "rev-parse")
_REFS = {"ref": "", "tag": "refs/tags/", "branch": "refs/heads/"}
_KEYS = (*_REFS, "subdir", "checksum", "commit", "submodules", "keep-git-dir")
_SWITCHES = {"1": True, "true": True, "": True, "0": False, "false": False}
_COMMIT_LENGTHS = (40, 64)
# What a hook's environment has: it would make git work on the user's own repository instead of the new one.
_ANOTHER_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)


class Repository(Value):
    """`ref` is a branch, tag or commit, "" for the default; `subdirectory` is what is taken of it.

    `checksum` is what the commit's id must begin with.
    """

    url: str
    ref: str = ""
    subdirectory: str = ""
    checksum: str = ""
    submodules: bool = True
    keep_git: bool = False


def is_repository(text: str) -> bool:
    """Whether docker takes this for a git repository rather than a file."""
    return text.startswith((*_PREFIXES, *_HOSTS)) or _HTTP.fullmatch(text) is not None


def parse(text: str) -> Repository:
    """The parts of a URL.  Raises Invalid for one that would be taken for an option or another protocol."""
    head, _, fragment = text.partition("#")
    url, _, query = head.partition("?")
    ref, _, subdirectory = fragment.partition(":")
    url = f"https://{url}" if url.startswith(_HOSTS) else url
    found = _queried(Repository(url, ref, subdirectory), query, text)
    for what, value in (("git URL", url), ("git ref", found.ref), ("git subdirectory", found.subdirectory)):
        if value.startswith("-") or not value.isprintable():
            raise Invalid(what, value, "it would be taken for an option")
    if "::" in url.partition("/")[0]:
        raise Invalid("git URL", url, "it names a program, not a repository")
    return found


def _queried(repository: Repository, query: str, text: str) -> Repository:
    """With what the query of the URL says.  Raises Invalid for what it does not know, and for what is said twice."""
    if not query:
        return repository
    from urllib.parse import parse_qsl

    found = repository
    for key, value in parse_qsl(query, keep_blank_values=True):
        field, said = _asked(key, value, text)
        if getattr(found, field) not in (getattr(Repository(""), field), said):
            raise Invalid("git URL", text, f"it says {field.replace('_', ' ')} twice")
        found = found.replace(**{field: said})
    if len(found.checksum) in _COMMIT_LENGTHS and not found.ref:
        return found.replace(ref=found.checksum)
    return found


def _asked(key: str, value: str, text: str) -> tuple[str, str | bool]:
    """A field and its value."""
    if key in _REFS:
        return "ref", f"{_REFS[key]}{value}" if value else ""
    if key == "subdir":
        return "subdirectory", value
    if key in ("checksum", "commit"):
        return "checksum", checked_commit(value)
    if key in ("submodules", "keep-git-dir"):
        if value.lower() not in _SWITCHES:
            raise Invalid("git URL", text, f"{key} is true or false")
        return "submodules" if key == "submodules" else "keep_git", _SWITCHES[value.lower()]
    raise Invalid("git URL", text, f"its query has an unknown key {key}{near(key, _KEYS)}")


def checked_commit(text: str) -> str:
    """The id of a commit, or its beginning, in lower case.  Raises Invalid for anything else."""
    lowered = text.lower()
    if not lowered or lowered.strip("0123456789abcdef") or len(lowered) > max(_COMMIT_LENGTHS):
        raise Invalid("checksum", text, "for a git repository it is the id of a commit, or the beginning of one")
    return lowered


def clone(repository: Repository, directory: str, *, keep_git: bool = False) -> str:
    """Fetch one commit into the new directory; returns where the subdirectory is.  Raises ArgosyError."""
    program = process.find_program("git")
    if program is None:
        raise ArgosyError(f"cannot fetch {repository.url}: git is not installed", hint="install git")
    _git(program, "init", "--quiet", "--", directory)
    wanted = repository.ref or "HEAD"
    try:
        _git(program, "-C", directory, "fetch", "--quiet", "--depth=1", "--", repository.url, wanted)
    except ArgosyError:
        if not repository.ref:
            raise
        # A server need not give a commit by its id: then all is fetched.
        _git(program, "-C", directory, "fetch", "--quiet", "--tags", "--", repository.url, "+refs/heads/*:refs/heads/*")
        _git(program, "-C", directory, "checkout", "--quiet", "--detach", repository.ref, "--")
    else:
        _git(program, "-C", directory, "checkout", "--quiet", "--detach", "FETCH_HEAD", "--")
    if repository.checksum:
        _check(program, directory, repository)
    if repository.submodules:
        _git(program, "-C", directory, "submodule", "update", "--quiet", "--init", "--recursive", "--depth=1")
    if not (keep_git or repository.keep_git):
        from argosy.linux import files

        files.remove_tree(f"{directory}/.git")
    return _subdirectory(directory, repository.subdirectory)


def _check(program: str, directory: str, repository: Repository) -> None:
    commit = _git(program, "-C", directory, "rev-parse", "HEAD").strip()
    if not commit.startswith(repository.checksum):
        raise ArgosyError(
            f"the commit of {repository.url} is not what was given",
            details=f"expected {repository.checksum}, got {commit}",
        )


def _subdirectory(directory: str, wanted: str) -> str:
    if not wanted.strip("/"):
        return directory
    root_fd = paths.open_root(directory)
    try:
        fd = paths.open_in_root(root_fd, wanted, os.O_PATH | os.O_DIRECTORY)
        try:
            return os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
    except OSError as error:
        raise ArgosyError(f"the repository has no directory {wanted}: {error.strerror}") from error
    finally:
        os.close(root_fd)


def _git(program: str, *words: str) -> str:
    """Run git; what it wrote."""
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _ANOTHER_REPOSITORY},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "0",
    }
    try:
        argv = [program, "-c", "core.hooksPath=/dev/null", *words]
        return process.run(argv, env=environment, timeout_s=_TIMEOUT_S).stdout.decode("utf-8", "replace")
    except process.ProgramFailed as error:
        verb = next(word for word in words if word in _VERBS)
        raise ArgosyError(f"git {verb} failed", details=str(error)) from error
