"""What a check of `doctor` finds."""

from __future__ import annotations

from argosy.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argosy.containers.doctor.facts import Facts

# How good it is, best first: all there is, less than there could be, not working.
GOOD, LESS, BAD = "good", "less", "bad"


class Advice(Value):
    """One finding: the name of the check, how good it is, the fact, what its lack costs, and the command that mends it.

    The last two are "" where nothing is lacking; the command is also "" where there is none.
    """

    topic: str
    state: str
    text: str
    cost: str = ""
    remedy: str = ""


# The package of a program or file, and in which family of distributions it has another name.
_PACKAGES = {
    "newuidmap": {
        "": "shadow-utils",
        "debian": "uidmap",
        "alpine": "shadow-uidmap",
        "arch": "shadow",
        "suse": "shadow",
    },
    "pasta": {"": "passt"},
    "nft": {"": "nftables"},
    "ca-certificates": {"": "ca-certificates"},
    "gpgv": {"": "gnupg2", "debian": "gpgv", "alpine": "gpgv", "arch": "gnupg", "suse": "gpg2"},
    "apparmor_parser": {"": "apparmor", "suse": "apparmor-parser"},
    "setpriv": {"": "util-linux", "alpine": "setpriv"},
}
_INSTALLERS = {
    "debian": "apt-get install",
    "fedora": "dnf install",
    "alpine": "apk add",
    "arch": "pacman -S",
    "suse": "zypper install",
}
_FAMILIES = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse", "sles": "suse"}


def family(identifiers: str) -> str:
    """The family of a distribution, from the words of ID and ID_LIKE in os-release(5); "" for an unknown one."""
    for word in identifiers.split():
        found = _FAMILIES.get(word, word)
        if found in _INSTALLERS:
            return found
        if word.startswith("opensuse"):
            return "suse"
    return ""


def install(facts: Facts, program: str) -> str:
    """The command that installs what `program` comes in."""
    names = _PACKAGES.get(program, {})
    package = names.get(facts.family) or names.get("") or program
    installer = _INSTALLERS.get(facts.family)
    return f"as root: {installer} {package}" if installer else f"install the package {package}"
