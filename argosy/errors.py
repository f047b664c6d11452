"""Errors that Argosy raises on purpose.

An error carries facts: what failed and on which object (`brief`), what the system said (`details`), and the way out
(`hint`).  Libraries raise, only `cli.main` and the services turn an error into text, an exit status or an HTTP status.
Translate with `raise ... from error` where the meaning is known.
"""

from __future__ import annotations


class ArgosyError(Exception):
    """Something that Argosy could not do, said in terms of the user's objects.

    `brief` is one line without a full stop, in the peers' words where scripts match on them.  `details` may hold
    several lines (a program's standard error).  `hint` is what to do about it, a command where there is one.
    `exit_code` is the process's exit status; 125 is podman's and docker's "the engine itself failed".
    """

    default_exit_code = 125

    def __init__(self, brief: str, *, details: str = "", hint: str = "", exit_code: int | None = None) -> None:
        super().__init__(brief)
        self.brief = brief
        self.details = details
        self.hint = hint
        self.exit_code = self.default_exit_code if exit_code is None else exit_code

    def __str__(self) -> str:
        return f"{self.brief}: {self.details}" if self.details else self.brief


class NotFound(ArgosyError):
    """No object of this kind has this name or id."""

    def __init__(self, kind: str, name: str, *, details: str = "", hint: str = "") -> None:
        super().__init__(f"no such {kind}: {name}", details=details, hint=hint)
        self.kind = kind
        self.name = name


class Exists(ArgosyError):
    """The name is taken by another object of this kind."""

    def __init__(self, kind: str, name: str, *, holder: str = "", hint: str = "") -> None:
        held = f" by {holder}" if holder else ""
        super().__init__(f'the {kind} name "{name}" is already in use{held}', hint=hint)
        self.kind = kind
        self.name = name
        self.holder = holder


class InUse(ArgosyError):
    """The object cannot be removed or changed while others rely on it."""

    def __init__(
        self, kind: str, name: str, users: tuple[str, ...] = (), *, hint: str = "", exit_code: int = 2
    ) -> None:
        by = f" by {', '.join(users)}" if users else ""
        super().__init__(f"{kind} {name} is in use{by}", hint=hint, exit_code=exit_code)
        self.kind = kind
        self.name = name
        self.users = users


class Invalid(ArgosyError):
    """Input that breaks a rule: names what was given, the value, and the rule."""

    def __init__(self, what: str, value: str, why: str, *, hint: str = "") -> None:
        super().__init__(f"invalid {what} {shown(value)}: {why}", hint=hint)
        self.what = what
        self.value = value
        self.why = why


class Unsupported(ArgosyError):
    """This host, this object or Argosy itself cannot do what was asked."""


def shown(value: str, limit: int = 200) -> str:
    """`value` quoted for a message: control characters escaped, cut at `limit` characters."""
    text = value if len(value) <= limit else value[:limit] + "..."
    return f'"{escaped(text)}"'


def escaped(text: str, kept: str = "") -> str:
    """`text` with everything escaped that is not printable, but for the characters in `kept`.

    What an image, a registry or a program says must not move the cursor of who reads it.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)
