"""What a control group has used, from files as kernels of both versions write them."""

from __future__ import annotations

from pathlib import Path

from argosy.linux import cgroupusage


def written(directory: Path, files: dict[str, str]) -> str:
    directory.mkdir()
    for name, text in files.items():
        (directory / name).write_text(text)
    return str(directory)


def test_version_2(tmp_path: Path) -> None:
    directory = written(
        tmp_path / "group",
        {
            "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 0\n",
            "memory.current": "4096\n",
            "memory.max": "max\n",
            "memory.stat": "anon 1\ninactive_file 1024\n",
            "pids.current": "3\n",
            "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n",
        },
    )
    found = cgroupusage.read([directory])
    assert found == cgroupusage.Usage(
        cpu_ns=1_500_000,
        system_ns=500_000,
        memory=4096,
        memory_cache=1024,
        block_input=11,
        block_output=22,
        pids=3,
    )
    assert found.memory_limit == cgroupusage.UNLIMITED


def test_version_1(tmp_path: Path) -> None:
    directories = [
        written(tmp_path / "cpu", {"cpuacct.usage": "77\n", "cpuacct.usage_percpu": "70 7 \n", "cpu.stat": ""}),
        written(tmp_path / "memory", {"memory.usage_in_bytes": "4096\n", "memory.limit_in_bytes": "8192\n"}),
        written(
            tmp_path / "blkio",
            {"blkio.throttle.io_service_bytes_recursive": "8:0 Read 5\n8:0 Write 6\n8:0 Sync 11\nTotal 11\n"},
        ),
        written(tmp_path / "pids", {"pids.current": "2\n"}),
        str(tmp_path / "gone"),
    ]
    assert cgroupusage.read(directories) == cgroupusage.Usage(
        cpu_ns=77, per_cpu_ns=(70, 7), memory=4096, memory_limit=8192, block_input=5, block_output=6, pids=2
    )


def test_garbage_counts_for_nothing(tmp_path: Path) -> None:
    directory = written(tmp_path / "group", {"memory.current": "many", "cpu.stat": "usage_usec", "io.stat": "8:0"})
    assert cgroupusage.read([directory]) == cgroupusage.Usage()
