"""Git repositories as contexts and as sources of ADD: `URL[#[ref][:subdirectory]]`, by the program git.

Nothing in a URL becomes an option: it comes behind `--`, refs that begin with a dash are refused, and only http, https,
git and ssh are spoken (`ext::` would run a program).
"""

from __future__ import annotations

import os
import re

from argosy.errors import ArgosyError, Invalid
from argosy.linux import paths, process
from argosy.values import Value

_PREFIXES = ("git://", "git@", "ssh://")
_HTTP = re.compile(r"https?://[^#]*\.git(#.*)?")
_HOSTS = ("github.com/",)
_PROTOCOLS = "http:https:git:ssh"
_TIMEOUT_S = 1800.0
_VERBS = ("init", "fetch", "checkout", "submodule")
# What a hook's environment has: it would make git work on the user's own repository instead of the new one.
_ANOTHER_REPOSITORY = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)


class Repository(Value):
    """`ref` is a branch, tag or commit, "" for the default; `subdirectory` is what is taken of it."""

    url: str
    ref: str = ""
    subdirectory: str = ""


def is_repository(text: str) -> bool:
    """Whether docker takes this for a git repository rather than a file."""
    return text.startswith((*_PREFIXES, *_HOSTS)) or _HTTP.fullmatch(text) is not None


def parse(text: str) -> Repository:
    """The parts of a URL.  Raises Invalid for one that would be taken for an option or another protocol."""
    url, _, fragment = text.partition("#")
    ref, _, subdirectory = fragment.partition(":")
    url = f"https://{url}" if url.startswith(_HOSTS) else url
    for what, value in (("git URL", url), ("git ref", ref), ("git subdirectory", subdirectory)):
        if value.startswith("-") or not value.isprintable():
            raise Invalid(what, value, "it would be taken for an option")
    if "::" in url.partition("/")[0]:
        raise Invalid("git URL", url, "it names a program, not a repository")
    return Repository(url, ref, subdirectory)


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
    _git(program, "-C", directory, "submodule", "update", "--quiet", "--init", "--recursive", "--depth=1")
    if not keep_git:
        from argosy.linux import files

        files.remove_tree(f"{directory}/.git")
    return _subdirectory(directory, repository.subdirectory)


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


def _git(program: str, *words: str) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in _ANOTHER_REPOSITORY},
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_LFS_SKIP_SMUDGE": "0",
    }
    try:
        process.run([program, "-c", "core.hooksPath=/dev/null", *words], env=environment, timeout_s=_TIMEOUT_S)
    except process.ProgramFailed as error:
        verb = next(word for word in words if word in _VERBS)
        raise ArgosyError(f"git {verb} failed", details=str(error)) from error
