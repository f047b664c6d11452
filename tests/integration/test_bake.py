"""`bake`: images of HCL and JSON files, under all its names."""

from __future__ import annotations

import json
import os

import pytest

from tests.rig.program import Completed, Program

HCL = """
variable "WHO" { default = "me" }
group "default" { targets = ["app"] }
target "tool" {
  dockerfile-inline = <<EOT
FROM busybox
RUN echo tool > /tool
EOT
  network = "none"
}
target "app" {
  context  = "app"
  contexts = { tool = "target:tool" }
  args     = { WHO = WHO }
  labels   = { who = upper(WHO) }
  tags     = ["app:${WHO}"]
  network  = "none"
  output   = ["type=docker"]
}
"""
DOCKERFILE = "FROM tool\nARG WHO\nCOPY file /file\nRUN echo $WHO > /who\n"


@pytest.fixture(scope="module")
def program(shared_both: Program) -> Program:
    shared_both.busybox()
    os.mkdir(f"{shared_both.files}/app")
    shared_both.write("docker-bake.hcl", HCL)
    shared_both.write("app/Dockerfile", DOCKERFILE)
    shared_both.write("app/file", "file\n")
    return shared_both


def bake(program: Program, *words: str, name: str = "argosy", check: bool | int = True) -> Completed:
    first = ("buildx", "bake") if name == "docker" else ("bake",)
    return program.run(*first, *words, name=name, cwd=program.files, check=check)


def test_a_target_is_built_from_another(program: Program) -> None:
    path = f"{program.files}/metadata.json"
    bake(program, "--load", "--var", "WHO=you", "--metadata-file", path)
    script = "cat /tool /file /who"
    done = program.run("run", "--rm", "--network", "none", "app:you", "sh", "-c", script)
    assert done.lines == ["tool", "file", "you"]
    found = program.run("image", "inspect", "app:you").json()[0]
    assert found["Labels"]["who"] == "YOU"
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    assert told["app"]["containerimage.config.digest"] == f"sha256:{found['Id']}"
    assert set(told) == {"app", "tool"}


def test_print_and_list_build_nothing(program: Program) -> None:
    before = program.run("images", "-aq").lines
    found = bake(program, "--print", "--set", "*.args.MORE=1", name="docker").json()
    assert found["group"] == {"default": {"targets": ["app"]}}
    assert list(found["target"]) == ["tool", "app"]
    assert found["target"]["app"]["args"] == {"WHO": "me", "MORE": "1"}
    assert found["target"]["app"]["dockerfile"] == "Dockerfile"
    assert "app" in bake(program, "--list", "targets").stdout
    assert "WHO" in bake(program, "--list", "variables").stdout
    assert program.run("images", "-aq").lines == before


def test_json_and_errors(program: Program) -> None:
    contexts = {"tool": "docker-image://busybox"}
    target = {"context": "app", "tags": ["json:1"], "network": "none", "contexts": contexts}
    program.write("b.json", json.dumps({"target": {"t": target}}))
    bake(program, "-f", "b.json", "t")
    assert program.run("image", "exists", "json:1").returncode == 0
    program.write("wrong.hcl", 'target "t" {\n  contxt = "x"\n}\n')
    wrong = bake(program, "-f", "wrong.hcl", "t", check=125)
    assert wrong.stderr.startswith('Error: wrong.hcl:2:12: a target has no "contxt"')
    program.write("fails.hcl", 'target "t" {\n dockerfile-inline = "FROM busybox\\nRUN exit 4"\n network = "none"\n}\n')
    failed = bake(program, "-f", "fails.hcl", "t", check=4)
    assert "in target t" in failed.stderr
    assert "cannot read nothere.hcl" in bake(program, "-f", "nothere.hcl", check=125).stderr
    assert "failed to find target nothere" in bake(program, "nothere", check=125).stderr
    assert "read from this host" in bake(program, "https://example.com/x.git", check=125).stderr
