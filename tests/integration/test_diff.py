"""`diff` of containers: what was added, changed and deleted, as root and without privilege."""

from __future__ import annotations

from tests.rig.program import Program

SCRIPT = "echo x >/new; rm /bin/ls; mkdir -p /a/b; touch /a/b/c; chmod 700 /bin; mkdir /etc/d; rm -r /etc/d"


def test_a_container_and_what_it_changed(argosy_both: Program, busybox: str) -> None:
    run = argosy_both.run
    run("run", "--name", "it", "--network", "none", busybox, "sh", "-c", SCRIPT)
    lines = [line for line in run("diff", "it").lines if line != "C /etc"]  # what is mounted there is made there
    assert lines == ["A /a", "A /a/b", "A /a/b/c", "C /bin", "D /bin/ls", "A /new"]
    document = run("container", "diff", "--format", "json", "--latest").json()
    assert document["added"] == ["/a", "/a/b", "/a/b/c", "/new"]
    assert document["deleted"] == ["/bin/ls"]
    run("create", "--name", "fresh", busybox)
    assert run("diff", "fresh").stdout == ""
    assert run("diff", "--format", "json", "fresh").json() == {}
    turned = run("diff", "fresh", "it").lines
    assert {"D /a", "D /new", "A /bin/ls"} <= set(turned)
    assert "not known" in run("image", "diff", "it", check=125).stderr
    assert "nothing not found" in run("diff", "nothing", check=125).stderr
    assert "only supported value" in run("diff", "--format", "table", "it", check=125).stderr
    run("rm", "--all")


def test_dockers_names_and_layouts(argosy: Program, busybox: str) -> None:
    info = argosy.run("info", name="docker").lines
    assert " Images: 1" in info
    assert " Storage Driver: overlay" in info
    assert argosy.run(
        "info", "--format", "{{.Images}} {{.OSType}} {{.Swarm.LocalNodeState}}", name="docker"
    ).stdout == ("1 linux inactive\n")
    version = argosy.run("version", "--format", "json", name="docker").json()
    assert version["Client"]["Version"] == version["Server"]["Version"]
    assert "  Version:          " + version["Server"]["Version"] in argosy.run("version", name="docker").lines
    (document,) = argosy.run("image", "inspect", busybox, name="docker").json()
    assert document["Id"].startswith("sha256:")
    assert document["Config"]["Cmd"] == ["sh"]
    assert document["Config"]["Tty"] is False
    assert argosy.run("inspect", "--format", "{{.Id}}", busybox, name="docker").stdout.strip() == document["Id"]
