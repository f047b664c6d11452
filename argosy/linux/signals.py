"""Signal names and numbers, as on every architecture but MIPS, SPARC, Alpha and PA-RISC (signal(7))."""

from __future__ import annotations

from argosy.errors import Invalid

# fmt: off
_NAMES = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
    "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU",
    "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
)
# fmt: on
_NUMBERS = {name: number for number, name in enumerate(_NAMES, 1)} | {"IOT": 6, "CLD": 17, "POLL": 29, "UNUSED": 31}

# The first real-time signal that the C library leaves to programs, and the last.
RTMIN, RTMAX = 34, 64

SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM = 1, 2, 3, 9, 10, 13, 14, 15
SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGXFSZ, SIGWINCH = 17, 18, 19, 20, 21, 22, 23, 25, 28


def parse(text: str) -> int:
    """The number of the signal that `text` names: "TERM", "SIGTERM", "term", "15", "RTMIN+3".  Raises Invalid."""
    name = text.strip().upper().removeprefix("SIG")
    if name.isascii() and name.isdigit():
        number = int(name) if len(name) < 4 else 0
        if 1 <= number <= RTMAX:
            return number
        raise Invalid("signal", text, f"not between 1 and {RTMAX}")
    if name in _NUMBERS:
        return _NUMBERS[name]
    number = _real_time(name)
    if RTMIN <= number <= RTMAX:
        return number
    raise Invalid("signal", text, "no such signal", hint="give a name such as SIGTERM or a number such as 15")


def _real_time(name: str) -> int:
    """The number of "RTMIN", "RTMIN+N", "RTMAX-N"; 0 for any other text."""
    for base, start, sign in (("RTMIN", RTMIN, "+"), ("RTMAX", RTMAX, "-")):
        if name == base:
            return start
        offset = name.removeprefix(base + sign)
        if offset != name and offset.isascii() and offset.isdigit() and len(offset) < 3:
            return start + int(sign + offset)
    return 0


def set_default() -> None:
    """Block nothing, and give back the default actions of the signals that the interpreter handles."""
    import _signal  # type: ignore[import-not-found]  # typeshed has no stub

    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    for number in (SIGPIPE, SIGXFSZ, SIGINT):
        _signal.signal(number, _signal.SIG_DFL)


def name(number: int) -> str:
    """The name with its SIG: "SIGTERM", "SIGRTMIN+3"; the number as text where there is none."""
    if 1 <= number <= len(_NAMES):
        return f"SIG{_NAMES[number - 1]}"
    if RTMIN <= number <= RTMAX:
        return "SIGRTMIN" if number == RTMIN else "SIGRTMAX" if number == RTMAX else f"SIGRTMIN+{number - RTMIN}"
    return str(number)
