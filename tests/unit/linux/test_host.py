"""Facts of the host, against other ways to learn them."""

from __future__ import annotations

import os
import platform
import shutil

from argosy.linux import host, syscalls


def test_capabilities_are_what_the_kernel_says() -> None:
    assert host.effective_capabilities() == syscalls.capget()[0]
    for capability in range(41):
        held = bool(host.bounding_capabilities() >> capability & 1)
        assert held == bool(syscalls.prctl(syscalls.PR_CAPBSET_READ, capability))


def test_file_systems_are_known_by_their_whole_name() -> None:
    assert host.has_filesystem("proc")
    assert host.has_filesystem("tmpfs")
    assert not host.has_filesystem("tmp")
    assert not host.has_filesystem("nodev")
    assert not host.has_filesystem("")


def test_all_facts_are_gathered() -> None:
    facts = host.facts()
    assert facts.kernel == platform.release()
    assert facts.machine == platform.machine()
    assert facts.distribution == platform.freedesktop_os_release()["ID"]
    assert facts.cpus == len(os.sched_getaffinity(0))
    assert 0 < facts.memory_free_bytes < facts.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert facts.uptime_s > 0
    assert facts.seccomp
    assert facts.to_json()["cgroups"]["mode"] == facts.cgroups.mode


def test_programs_are_where_they_are_found(tmp_path: os.PathLike[str], monkeypatch: object) -> None:
    for name, path in host.programs().items():
        found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin:/usr/libexec/podman:/usr/lib/podman")
        assert bool(path) == bool(found), name
