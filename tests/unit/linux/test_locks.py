"""Locks: who holds, who waits, and that the lock is on what the path names now."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from argosy.linux import locks


@pytest.fixture(params=["file", "directory"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    made = f"{tmp_path}/object"
    if request.param == "file":
        os.close(os.open(made, os.O_CREAT, 0o600))
    else:
        os.mkdir(made)
    return made


def test_one_holds_and_another_does_not_get_it(path: str) -> None:
    with locks.acquire(path) as lock:  # type: ignore[union-attr]
        assert locks.acquire(path, wait=False) is None
        assert locks.acquire(path, shared=True, wait=False) is None
        assert not os.get_inheritable(lock.fd)
    again = locks.acquire(path, wait=False)
    assert again
    again.release()
    again.release()


def test_many_share_and_none_has_it_alone(path: str) -> None:
    first, second = locks.acquire(path, shared=True), locks.acquire(path, shared=True, wait=False)
    assert first
    assert second
    assert locks.acquire(path, wait=False) is None
    first.release()
    assert locks.acquire(path, wait=False) is None
    second.release()
    last = locks.acquire(path, wait=False)
    assert last
    last.release()


def test_a_waiter_gets_it_when_the_holder_lets_go(path: str) -> None:
    held, order = locks.acquire(path), []
    assert held

    def take() -> None:
        lock = locks.acquire(path)
        assert lock
        order.append("waiter")
        lock.release()

    waiter = threading.Thread(target=take)
    waiter.start()
    time.sleep(0.05)
    order.append("holder")
    held.release()
    waiter.join()
    assert order == ["holder", "waiter"]


def test_a_waiter_locks_what_took_the_path_meanwhile(path: str) -> None:
    held, found = locks.acquire(path), []
    assert held
    waiter = threading.Thread(target=lambda: found.append(locks.acquire(path)))
    waiter.start()
    time.sleep(0.05)
    os.rename(path, f"{path}.old")
    os.mkdir(path)
    held.release()
    waiter.join()
    [lock] = found
    assert lock
    assert os.fstat(lock.fd).st_ino == os.stat(path).st_ino
    lock.release()


def test_a_waiter_learns_that_the_object_is_gone(path: str) -> None:
    held, failures = locks.acquire(path), []
    assert held

    def take() -> None:
        try:
            locks.acquire(path)
        except FileNotFoundError as error:
            failures.append(error)

    waiter = threading.Thread(target=take)
    waiter.start()
    time.sleep(0.05)
    os.rename(path, f"{path}.gone")
    held.release()
    waiter.join()
    assert len(failures) == 1
    with pytest.raises(FileNotFoundError):
        locks.acquire(path)


def test_a_lock_file_is_made_on_request(tmp_path: Path) -> None:
    path = f"{tmp_path}/lock"
    with pytest.raises(FileNotFoundError):
        locks.acquire(path)
    lock = locks.acquire(path, create=True)
    assert lock
    assert locks.acquire(path, create=True, wait=False) is None
    lock.release()


def test_no_descriptor_is_left_behind(path: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    held = locks.acquire(path)
    for _ in range(5):
        assert locks.acquire(path, wait=False) is None
        with pytest.raises(FileNotFoundError):
            locks.acquire(f"{path}.missing")
    assert held
    held.release()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_killed_holder_holds_no_more(path: str) -> None:
    ready, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        locks.acquire(path)
        os.write(say, b".")
        time.sleep(60)
        os._exit(0)
    os.read(ready, 1)
    assert locks.acquire(path, wait=False) is None
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    lock = locks.acquire(path, wait=False)
    assert lock
    lock.release()
    os.close(ready)
    os.close(say)
