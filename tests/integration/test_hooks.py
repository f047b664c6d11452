"""OCI hooks and modules of containers.conf, with the real program."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.rig.program import Program

SCRIPT = """#!/bin/sh
cat > {where}/$1.json
"""


def test_hooks_see_the_container(argosy_both: Program) -> None:
    program = argosy_both
    program.flags += ["--log-level", "error"]
    program.busybox()
    where = program.files
    script = program.write("hook.sh", SCRIPT.format(where=where), 0o755)
    hooks = os.path.join(where, "hooks")
    program.call("mkdir", hooks)
    for stage in ("createRuntime", "poststart", "poststop"):
        hook = {
            "version": "1.0.0",
            "hook": {"path": script, "args": ["hook", stage], "env": ["PATH=/bin:/usr/bin"]},
            "when": {"commands": ["sleep$", "true$"]},
            "stages": [stage],
        }
        program.write(f"hooks/{stage}.json", json.dumps(hook))
    run = ("run", "--rm", "--network", "none", "--name", "hooked", "busybox")
    program.run("--hooks-dir", hooks, *run, "true")
    for stage in ("createRuntime", "poststart", "poststop"):
        state = json.loads(Path(where, f"{stage}.json").read_text())
        assert len(state["id"]) == 64
        os.unlink(os.path.join(where, f"{stage}.json"))
    module = program.write("hooks.conf", f'[engine]\nhooks_dir=["{hooks}"]\n[containers]\ntz="UTC"\n')
    program.run("--module", module, *run, "true")
    assert os.path.exists(os.path.join(where, "createRuntime.json"))
    os.unlink(os.path.join(where, "createRuntime.json"))
    program.run("--module", module, *run, "echo")  # not a command that the hooks are for
    assert not os.path.exists(os.path.join(where, "createRuntime.json"))

    program.write("hooks/zz.json", "{}")
    failed = program.run("--hooks-dir", hooks, *run, "true", check=False)
    assert failed.returncode == 125
    assert f"{hooks}/zz.json" in failed.stderr
    assert program.run("ps", "-aq").stdout == ""
