"""The contenders: argosy, podman, docker where its daemon runs, and the bare runtime, each with the same images."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from bench.timing import Contender, as_user

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IMAGE = "localhost/bench/busybox:latest"


def call(argv: Sequence[str], *, user: str | None = None, text: bytes = b"") -> str:
    """Run a command of the set-up, as another user where one is named; its standard output."""
    words = [*(as_user(user) if user else ()), *argv]
    done = subprocess.run(words, input=text, capture_output=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode().strip()


class Peer:
    """One program with a store of its own."""

    def __init__(self, name: str, words: Sequence[str], user: str | None = None) -> None:
        self.name = name
        self.words = tuple(words)
        self.user = user

    def __call__(self, *words: str) -> str:
        return call([*self.words, *words], user=self.user)

    def argv(self, *words: str) -> list[str]:
        """The whole argument vector, the change of user included."""
        return [*(as_user(self.user) if self.user else ()), *self.words, *words]

    def contender(self, *words: str) -> Contender:
        """This peer with a command, for a race."""
        return Contender(self.name, [*self.words, *words], self.user)


def own_directory(base: str, name: str, user: str | None) -> str:
    """A directory below `base` that belongs to the user."""
    path = os.path.join(base, name)
    os.mkdir(path, 0o700)
    if user:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def argosy(base: str, launcher: str, user: str | None = None) -> Peer:
    """Argosy, with a fresh store."""
    directory = own_directory(base, f"argosy-{user or 'root'}", user)
    return Peer("argosy", [launcher, "--root", f"{directory}/root", "--runroot", f"{directory}/run"], user)


def podman(base: str, user: str | None = None) -> Peer | None:
    """podman, with a fresh store; None where it is not installed."""
    if shutil.which("podman") is None:
        return None
    directory = own_directory(base, f"podman-{user or 'root'}", user)
    words = ["podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run", "--cgroup-manager", "cgroupfs"]
    return Peer("podman", words, user)


def docker() -> Peer | None:
    """The docker client, where a daemon answers it."""
    program = shutil.which("docker")
    if program is None or os.path.realpath(program).startswith(CHECKOUT):
        return None
    done = subprocess.run([program, "version", "--format", "{{.Server.Version}}"], capture_output=True, check=False)
    return Peer("docker", [program]) if done.returncode == 0 else None


def busybox_archive() -> str:
    """The archive that the demonstration and the tests use too."""
    return call([f"{CHECKOUT}/tools/busybox-rootfs"])


def give_image(peer: Peer, archive: str) -> None:
    """Import the busybox image."""
    with open(archive, "rb") as file:
        data = file.read()
    call([*peer.words, "import", "-", IMAGE], user=peer.user, text=data)


def bare_runtime(base: str, archive: str) -> Contender | None:
    """The OCI runtime on a ready bundle: what the kernel and the runtime cost.  crun where it works."""
    for name in ("crun", "runc"):
        if shutil.which(name) is None:
            continue
        bundle = tempfile.mkdtemp(prefix=f"{name}-bundle.", dir=base)
        os.mkdir(f"{bundle}/rootfs")
        call(["tar", "-xf", archive, "-C", f"{bundle}/rootfs"])
        call([name, "spec", "--bundle", bundle])
        with open(f"{bundle}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        config["process"].update(terminal=False, args=["true"])
        with open(f"{bundle}/config.json", "w", encoding="utf-8") as file:
            json.dump(config, file)
        argv = [name, "--root", f"{base}/{name}-state", "run", "--bundle", bundle, "bench"]
        if subprocess.run(argv, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0:
            return Contender(name, argv)
    return None


def user_exists(name: str) -> bool:
    """Whether there is such a user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def launcher_for(base: str, user: str | None) -> str:
    """The launcher: the checkout's, or that of a copy which the user can read."""
    if user is None:
        return f"{CHECKOUT}/bin/argosy"
    copy = f"{base}/installed"
    if os.path.exists(copy):
        return f"{copy}/bin/argosy"
    sys.path.insert(0, CHECKOUT)
    from tests.rig.program import install_copy

    return install_copy(copy)


def clear(peer: Peer) -> None:
    """Remove what the bench made in a peer's store, with its mounts and processes."""
    if peer.name == "docker":
        subprocess.run(peer.argv("rmi", "-f", IMAGE), capture_output=True, check=False)
        return
    subprocess.run(peer.argv("rm", "-f", "-a", "-t", "0"), capture_output=True, check=False, cwd="/")
    subprocess.run(peer.argv("system", "reset", "--force"), capture_output=True, check=False, cwd="/")
