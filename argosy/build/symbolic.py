"""Symbolic modes of --chmod, as chmod(1) takes them: `u+x`, `go-w`, `a=rX`, several with commas."""

from __future__ import annotations

import re

from argosy.build.dockerfile.errors import DockerfileError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.build.copying import ModeChange

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=][rwxXst]*)+)")
_ACTION = re.compile(r"([-+=])([rwxXst]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


def parse(text: str) -> ModeChange:
    """The change.  Raises DockerfileError, without place."""
    clauses = [_CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if not all(clauses):
        raise DockerfileError(f"invalid chmod parameter: '{text}'. it is neither octal nor symbolic, as u=rwX,go=rX is")
    found = [(clause[1], _ACTION.findall(clause[2])) for clause in clauses if clause]

    def change(mode: int, is_directory: bool) -> int:  # noqa: FBT001 -- the signature of ModeChange
        for who, actions in found:
            for operator, letters in actions:
                mode = _applied(mode, who or "a", operator, letters, is_directory=is_directory)
        return mode

    return change


def _applied(mode: int, who: str, operator: str, letters: str, *, is_directory: bool) -> int:
    classes = "ugo" if "a" in who else who
    permissions = sum({_BITS[letter] for letter in letters if letter in _BITS})
    if "X" in letters and (is_directory or mode & 0o111):
        permissions |= 1
    bits = sum({permissions << _SHIFTS[name] for name in classes}) if permissions else 0
    special = 0
    if "s" in letters:
        special |= (0o4000 if "u" in classes else 0) | (0o2000 if "g" in classes else 0)
    if "t" in letters:
        special |= 0o1000
    if operator == "+":
        return mode | bits | special
    if operator == "-":
        return mode & ~(bits | special)
    cleared = sum(7 << _SHIFTS[name] for name in classes)
    cleared |= (0o4000 if "u" in classes else 0) | (0o2000 if "g" in classes else 0)
    return (mode & ~cleared) | bits | special
