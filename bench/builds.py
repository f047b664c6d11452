"""Builds, beside buildah: from the cache, step by step, side by side, of many files, of a large one."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

from bench import peers
from bench.peers import Peer
from bench.timing import Contender, Result, race

FILES = 50_000
LARGE_BYTES = 1 << 30
BASE = "localhost/bench/base"
STEPS = "".join(f"RUN echo {number} > /file-{number}\n" for number in range(10))
STAGES = "".join(f"FROM {BASE} AS s{number}\nRUN sleep 0.5; echo {number} > /out\n" for number in range(4))
STAGES += f"FROM {BASE}\n" + "".join(f"COPY --from=s{number} /out /out-{number}\n" for number in range(4))


def measure(base: str, user: str | None, *, runs: int) -> Iterator[Result]:
    """All rows, as this user.  Yields nothing where there is no buildah."""
    if shutil.which("buildah") is None:
        print("builds: buildah is needed")
        return
    directory = peers.own_directory(base, f"builds-{user or 'self'}", user)
    os.chmod(directory, 0o755)
    team = [_argosy(directory, user), _buildah(directory, user)]
    who = "root" if user is None and os.geteuid() == 0 else "rootless"
    context = f"{directory}/context"
    os.mkdir(context)
    shutil.copyfile(peers.busybox_archive(), f"{context}/rootfs.tar")
    try:
        for peer in team:
            peer(*_build("FROM scratch\nADD rootfs.tar /\nCMD sh\n", context, BASE))
        yield from _steps(team, context, who, runs)
        yield from _many_files(team, context, who)
        yield _commit(team, directory, who)
    finally:
        for peer in team:
            peers.clear(peer)


def _argosy(directory: str, user: str | None) -> Peer:
    launcher = peers.launcher_for(os.path.dirname(directory), user)
    state = ["--root", f"{directory}/argosy/root", "--runroot", f"{directory}/argosy/run"]
    return Peer("argosy", [f"{os.path.dirname(launcher)}/buildah", *state], user)


def _buildah(directory: str, user: str | None) -> Peer:
    state = ["--root", f"{directory}/buildah/root", "--runroot", f"{directory}/buildah/run"]
    return Peer("buildah", ["buildah", *state], user)


def _build(text: str, context: str, name: str, *flags: str) -> list[str]:
    """The words of a build with layers; the Dockerfile lies beside the context."""
    path = f"{os.path.dirname(context)}/{abs(hash(text))}.Dockerfile"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return ["bud", "--layers", "--network", "none", *flags, "-t", name, "-f", path, context]


def _race(work: str, team: Sequence[Peer], words: Sequence[str], who: str, runs: int, bar: float) -> Result:
    return race(f"{work} ({who})", [peer.contender(*words) for peer in team], runs=runs, bars={"buildah": bar})


def _steps(team: Sequence[Peer], context: str, who: str, runs: int) -> Iterator[Result]:
    cached = _build(f"FROM {BASE}\n{STEPS}", context, "bench/steps")
    yield _race("build, all of 10 steps cached", team, cached, who, runs, 0.4)
    yield _race("build, 10 RUN steps", team, [*cached[:1], "--no-cache", *cached[1:]], who, max(3, runs // 4), 0.5)
    stages = _build(STAGES, context, "bench/stages", "--no-cache", "--jobs", "0")
    yield _race("build, 4 independent stages", team, stages, who, max(3, runs // 4), 0.4)


def _many_files(team: Sequence[Peer], context: str, who: str) -> Iterator[Result]:
    """COPY of so many files: the first time, unchanged, and with one of them changed."""
    for number in range(FILES):
        if number % 500 == 0:
            os.makedirs(f"{context}/many/{number // 500}")
        with open(f"{context}/many/{number // 500}/{number}", "w", encoding="utf-8") as file:
            file.write(f"{number}\n" * 20)
    words = _build(f"FROM {BASE}\nCOPY many /many\n", context, "bench/many")
    numbers = itertools.count()

    def change() -> None:
        with open(f"{context}/many/7/3500", "w", encoding="utf-8") as file:
            file.write(f"{next(numbers)}\n")

    # once each: buildah takes two minutes
    yield _race("build, COPY of 50,000 files, unchanged", team, words, who, 1, 0.4)
    contenders = [Contender(peer.name, peer.argv(*words), before=change) for peer in team]
    yield race(f"build, COPY of 50,000 files, one changed ({who})", contenders, runs=1, bars={"buildah": 0.5})


def _commit(team: Sequence[Peer], directory: str, who: str) -> Result:
    """Commit of a working container in which one large file is new; the image of the run before is removed first."""
    large = f"{directory}/large"
    with open(large, "wb") as file:
        for _ in range(LARGE_BYTES >> 20):
            file.write(os.urandom(1 << 20))
    contenders = []
    for peer in team:
        peer("from", "--pull=never", "--name", "large", BASE)
        peer("copy", "large", large, "/large")

        def forget(peer: Peer = peer) -> None:
            subprocess.run(peer.argv("rmi", "-f", "bench/large"), capture_output=True, check=False)

        words = peer.argv("commit", "-q", "large", "bench/large")
        contenders.append(Contender(peer.name, words, before=forget))
    os.unlink(large)
    return race(f"commit of 1 GiB ({who})", contenders, runs=3, bars={"buildah": 0.5})
