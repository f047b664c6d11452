"""What packages a tree holds, and the documents about them, as their own projects' libraries judge them."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from typing import Any

import pytest

from argosy.build import sbom
from argosy.build.sbom import cyclonedx, rpm, spdx
from argosy.build.sbom.packages import Package

DIGEST = "sha256:" + "ab" * 32
CREATED = "2026-01-02T03:04:05Z"
FILES = {
    "etc/os-release": 'NAME="Debian"\nVERSION_ID="12"\nID=debian\n',
    "var/lib/dpkg/status": """Package: libc6
Status: install ok installed
Architecture: amd64
Maintainer: GNU Libc Maintainers <x@example.org>
Version: 1:2.36-9+deb12u4
Description: text
 that goes on: here

Package: gone
Status: deinstall ok config-files
Version: 1
""",
    "var/lib/dpkg/status.d/base": "Package: base-files\nVersion: 12.4\n",
    "lib/apk/db/installed": "P:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\n\nP:busybox\nV:1.36.1-r5\n",
    "usr/lib/python3/A_Package-1.0.dist-info/METADATA": "Name: A_Package\nVersion: 1.0\nLicense: X\n\nText: no\n",
    "opt/egg/old.egg-info": "Name: old\nVersion: 2\n",
    "srv/app/node_modules/left/package.json": '{"name": "left", "version": "1.0.0", "license": "MIT"}',
    "srv/app/node_modules/@scope/right/package.json": '{"name": "@scope/right", "version": "2.0.0"}',
    "srv/app/node_modules/left/lib/package.json": '{"name": "inner", "version": "9"}',
    "srv/app/node_modules/broken/package.json": "{",
    "srv/app/package.json": '{"name": "app", "version": "3"}',
}
PURLS = [
    "pkg:apk/debian/busybox@1.36.1-r5?distro=debian-12",
    "pkg:apk/debian/musl@1.2.4-r2?arch=x86_64&distro=debian-12",
    "pkg:deb/debian/base-files@12.4?distro=debian-12",
    "pkg:deb/debian/libc6@1%3A2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12",
    "pkg:npm/left@1.0.0",
    "pkg:npm/%40scope/right@2.0.0",
    "pkg:pypi/a-package@1.0",
    "pkg:pypi/old@2",
    "pkg:rpm/debian/bash@1:5.2-3.el9?arch=x86_64&distro=debian-12".replace("1:5", "1%3A5"),
]


def header(entries: dict[int, str | int]) -> bytes:
    """An RPM header."""
    index, store = b"", b""
    for tag, value in entries.items():
        if isinstance(value, int):
            store += b"\0" * (-len(store) % 4)
            index += struct.pack("!IIII", tag, 4, len(store), 1)
            store += struct.pack("!I", value)
        else:
            index += struct.pack("!IIII", tag, 6, len(store), 1)
            store += value.encode() + b"\0"
    return struct.pack("!II", len(entries), len(store)) + index + store


@pytest.fixture
def root(tmp_path: Any) -> str:
    for path, text in FILES.items():
        os.makedirs(os.path.dirname(f"{tmp_path}/{path}"), exist_ok=True)
        with open(f"{tmp_path}/{path}", "w", encoding="utf-8") as file:
            file.write(text)
    os.makedirs(f"{tmp_path}/var/lib/rpm")
    with sqlite3.connect(f"{tmp_path}/var/lib/rpm/rpmdb.sqlite") as database:
        database.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        known: tuple[dict[int, str | int], ...] = (
            {1000: "bash", 1001: "5.2", 1002: "3.el9", 1003: 1, 1022: "x86_64", 1014: "GPLv3+"},
            {1000: "gpg-pubkey", 1001: "1", 1002: "2"},
        )
        for entries in known:
            database.execute("INSERT INTO Packages (blob) VALUES (?)", (header(entries),))
    database.close()
    os.symlink("/etc", f"{tmp_path}/srv/app/node_modules/host")
    return str(tmp_path)


def test_all_kinds_are_found(root: str) -> None:
    told: list[str] = []
    found = sbom.scan(root, told.append)
    assert [package.purl for package in found] == PURLS
    assert told == []
    assert {package.name: package.license for package in found if package.license} == {
        "musl": "MIT",
        "left": "MIT",
        "A_Package": "X",
        "bash": "GPLv3+",
    }


def test_what_cannot_be_read_is_told_and_hides_nothing(root: str) -> None:
    with open(f"{root}/var/lib/rpm/rpmdb.sqlite", "wb") as file:
        file.write(b"no database" * 100)
    os.unlink(f"{root}/var/lib/dpkg/status")
    os.mkfifo(f"{root}/var/lib/dpkg/status")
    told: list[str] = []
    found = sbom.scan(root, told.append)
    assert {package.kind for package in found} == {"apk", "npm", "pypi"}
    assert len(told) == 2
    os.unlink(f"{root}/var/lib/rpm/rpmdb.sqlite")
    with open(f"{root}/var/lib/rpm/Packages", "wb") as file:
        file.write(b"\0")
    told.clear()
    sbom.scan(root, told.append)
    assert any("/var/lib/rpm/Packages cannot be read" in text for text in told)


def test_files_out_of_the_tree_are_not_read(root: str) -> None:
    os.unlink(f"{root}/lib/apk/db/installed")
    os.symlink("../../../../../../../../etc/passwd", f"{root}/lib/apk/db/installed")
    assert "apk" not in {package.kind for package in sbom.scan(root, lambda _text: None)}


@pytest.mark.parametrize("blob", [b"", b"\0\0\0\1\0\0\0\0", header({1000: "x"})[:-1]])
def test_headers_that_are_cut_off(blob: bytes) -> None:
    with pytest.raises(Exception, match="cut off"):
        rpm.read_header(blob)


def test_spdx_is_valid(root: str, tmp_path: Any) -> None:
    parse = pytest.importorskip("spdx_tools.spdx.parser.parse_anything").parse_file
    validate = pytest.importorskip("spdx_tools.spdx.validation.document_validator").validate_full_spdx_document
    document = spdx.document("localhost/app", DIGEST, CREATED, sbom.scan(root, lambda _text: None))
    path = f"{tmp_path}/bom.spdx.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    assert validate(parse(path)) == []


def test_cyclonedx_is_valid(root: str) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    document = cyclonedx.document("localhost/app", DIGEST, CREATED, sbom.scan(root, lambda _text: None))
    assert validation.JsonStrictValidator(schema.SchemaVersion.V1_5).validate_str(json.dumps(document)) is None


def test_a_name_in_a_purl_is_escaped() -> None:
    assert Package("npm", "a b/c", "1?", "x").purl == "pkg:npm/a%20b%2Fc@1%3F"
