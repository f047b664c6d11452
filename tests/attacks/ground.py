"""The program among things that must not change, and hostile images and registries to let loose on it.

`Ground.attack` runs one command and sees that it did what the test says and nothing else: the message is one of ours
and cannot steer a terminal, the status is the expected one, nothing outside of the store changed, no process, mount,
network namespace or unfinished file is left, and, where asked for, memory stayed bounded.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.attacks.layer_process import MEMORY_KIB
from tests.rig import images, leaks, processes
from tests.rig.hostile_registry import Exchange, Hostile, Script, serves
from tests.rig.program import Completed, Program, finish
from tests.rig.registry import Image, image
from tests.unit.archive import tars

INSECURE = "--tls-verify=false"
_OBJECTS = ("images", "refs", "containers", "volumes")
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10


class Ground:
    """One program, a directory of the host that everybody may write to, and what was there before."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.outside = f"{program.base}/outside"
        os.mkdir(self.outside)
        for name in ("directory", "empty"):
            os.mkdir(f"{self.outside}/{name}")
            os.chmod(f"{self.outside}/{name}", 0o777)
        for name in ("secret", "passwd", "directory/file"):
            with open(f"{self.outside}/{name}", "w", encoding="ascii") as file:
                file.write("evil:x:0:0:OUTSIDE:/outside:/bin/sh\n")
            os.chmod(f"{self.outside}/{name}", 0o666)
        os.chmod(self.outside, 0o777)

    def attack(
        self,
        *args: str,
        status: int | None = None,
        words: Sequence[str] = (),
        metered: bool = False,
        timeout_s: float = 60.0,
        input: bytes = b"",
        keeps: bool | None = None,
        **options: Any,
    ) -> Completed:
        """Run one command.  Without `status` it is to fail: with 125, or with 126 where the runtime refuses.

        With `keeps`, as usual for what fails so, the store's objects must be the same afterwards.
        """
        keeps = keeps or status in (None, 125)
        known = set(processes.descendants())
        before = self.surroundings(), self.objects() if keeps else None
        process = self.program.start(*args, stdin=-1, **options)
        meter = Meter(process.pid) if metered else contextlib.nullcontext()
        with meter:
            done = finish(process, check=False if status is None else status, input=input, timeout_s=timeout_s)
        assert status is not None or done.returncode in (125, 126), done
        self.judge(done, words)
        if isinstance(meter, Meter):
            assert meter.peak_kib < MEMORY_KIB, f"{meter.peak_kib >> 10} MiB: {meter.largest}"
        after = self.surroundings(), self.objects() if keeps else None
        assert after == before, f"changed: {_difference(before, after)}"
        left = [what for what in leaks.left_over(self.program, known) if not _can_be_continued(what)]
        assert left == [], f"left behind: {left}"
        return done

    def close(self) -> None:
        """Clear everything away by the program's own means, and see that nothing stays."""
        self.program.run("rm", "--all", "--force", "--time", "0")
        self.program.run("rmi", "--all", "--force")
        self.program.run("system", "prune", "--all", "--force", "--volumes")
        for directory in ("images", "refs", "layers", "chains", "blobs/sha256", "volumes", "containers", "tmp"):
            assert leaks.names(f"{self.program.root}/{directory}", ignore=("names",)) == []

    def judge(self, done: Completed, words: Sequence[str]) -> None:
        """Look at what a command said: `words` must be in what follows the first "Error: ", or in all of it."""
        said = done.stderr.partition("Error: ")[2] or done.stderr
        for word in words:
            assert word in said, done.stderr
        assert done.returncode != 125 or "Error: " in done.stderr
        for mishap in ("internal error", "Traceback", "Errno", "defect"):
            assert mishap not in done.stderr
        assert [c for c in done.stderr if not (c.isprintable() or c in "\n\t")] == []
        assert len(done.stderr) < 8000

    def surroundings(self) -> dict[str, tuple[object, ...]]:
        """All that is outside of the store, with the times at which inodes changed, which nobody can set."""
        found: dict[str, tuple[object, ...]] = {}
        for top in (self.outside, f"{self.program.base}/home"):
            for path, facts in tars.listing(top).items():
                status = os.lstat(f"{top}/{path}")
                found[f"{top}/{path}"] = (*facts, status.st_ctime_ns, status.st_nlink)
            found[top] = (os.stat(top).st_ctime_ns,)
        return found

    def objects(self) -> list[str]:
        """The images, names, containers and volumes in the store."""
        found = []
        for kind in _OBJECTS:
            for where, directories, files in os.walk(f"{self.program.root}/{kind}"):
                found += [os.path.join(where, name) for name in (*directories, *files)]
                if kind in ("containers", "volumes"):
                    directories.clear()
        return sorted(path for path in found if os.path.basename(path) != "names")


def _can_be_continued(what: str) -> bool:
    """A download that broke off stays for the next attempt (`Ground.close` sees that it can be cleared away)."""
    kind, _, path = what.partition(": ")
    return kind == "unfinished" and os.path.basename(path).startswith("ingest-") and os.stat(path).st_size > 0


def _difference(before: tuple[Any, Any], after: tuple[Any, Any]) -> str:
    outside = {path: facts for path, facts in after[0].items() if before[0].get(path) != facts}
    gone = before[0].keys() - after[0].keys()
    return f"{outside} {gone} {set(before[1] or ()) ^ set(after[1] or ())}"


class Meter:
    """Samples what a process and all that it started hold in memory, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        self.peak_kib = 0
        self.largest: dict[str, int] = {}
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.005):
            sizes = dict(_sizes(self._pid))
            total = sum(own for own, _ in sizes.values()) + max((shared for _, shared in sizes.values()), default=0)
            if total > self.peak_kib:
                self.peak_kib = total
                self.largest = {_name(pid): own >> 10 for pid, (own, _) in sizes.items()}


def _sizes(pid: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """Own and shared memory, in KiB, of a process and those below it."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            resident, shared = (int(field) * _PAGE_KIB for field in file.read().split()[1:3])
        yield pid, (resident - shared, shared)
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                children = file.read().split()
            for child in children:
                yield from _sizes(int(child))
    except (OSError, ValueError):
        return


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return f"{file.read().strip()} {pid}"
    except OSError:
        return str(pid)


@functools.cache
def busybox_layer() -> bytes:
    """The tree that commands can run in."""
    with open(images.busybox_archive(), "rb") as file:
        return file.read()


def busybox_with(*parts: bytes, config: Mapping[str, Any] | None = None, **fields: Any) -> Image:
    """An image of busybox and, above it, a layer of these tar entries."""
    layers = [busybox_layer(), *([tars.archive(*parts)] if parts else [])]
    return image(layers, config={"Cmd": ["sh"], **(config or {})}, **fields)


class Registry:
    """A registry whose first component of the path decides who answers: an image, or a script of a test's."""

    def __init__(self, server: Hostile) -> None:
        self.server = server
        self._scripts: dict[str, Script] = {}
        server.script = self._answer

    def add(self, script: Script | Image) -> str:
        """The reference under which the image can be pulled, or whatever the script makes of it."""
        name = f"r{len(self._scripts)}"
        self._scripts[name] = serves(script) if isinstance(script, Image) else script
        return f"{self.server.name}/{name}:latest"

    def _answer(self, exchange: Exchange) -> None:
        if exchange.path == "/v2/":
            exchange.answer(200, b"{}")
            return
        self._scripts[exchange.path.split("/")[2]](exchange)


@contextlib.contextmanager
def registry() -> Iterator[Registry]:
    """A registry of plain HTTP."""
    with Hostile(lambda _exchange: None) as server:
        yield Registry(server)


def endless(exchange: Exchange, status: int = 200, filling: bytes = b" ", seconds: float = 30) -> None:
    """A body that never ends."""
    exchange.start(status, {"Transfer-Encoding": "chunked", "Content-Type": "application/json"})
    block = b"10000\r\n" + filling * (0x10000 // len(filling)) + b"\r\n"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        exchange.send(block)


def replacing(made: Image, where: str, answer: Callable[[Exchange], None]) -> Script:
    """An honest registry of the image, but for paths that hold `where`."""
    honest = serves(made)
    return lambda exchange: answer(exchange) if where in exchange.path else honest(exchange)
