"""What is wrong in a Dockerfile, and where."""

from __future__ import annotations

from argosy.errors import ArgosyError, escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_LINE = 200


class DockerfileError(ArgosyError):
    """A rule of the language is broken: the file, the line (from 1; 0 for the whole file), its text, and the rule."""

    def __init__(self, why: str, *, line: int = 0, text: str = "", path: str = "Dockerfile", hint: str = "") -> None:
        place = f"{path}:{line}" if line else path
        shown = text if len(text) <= _SHOWN_LINE else text[:_SHOWN_LINE] + "..."
        super().__init__(f"{place}: {escaped(why)}", details=escaped(shown), hint=hint)
        self.why = why
        self.line = line
        self.text = text
        self.path = path

    def at(self, path: str, line: int, text: str) -> DockerfileError:
        """The same with its place, for what knew only the rule; a place that is known stays."""
        return DockerfileError(
            self.why, line=self.line or line, text=self.text or text, path=path, hint=self.hint
        ).with_traceback(self.__traceback__)


def near(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` where `word` is close to a known one, else nothing."""
    import difflib  # and what it imports, for builds that fail alone

    folded = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.7)
    return f" (did you mean {folded[found[0]]}?)" if found else ""
