"""Import: archives of all kinds, what is kept of them, and what the image says about itself."""

from __future__ import annotations

import bz2
import gzip
import http.server
import io
import lzma
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from argosy.archive.apply_process import LayerFailed
from argosy.errors import ArgosyError, Invalid
from argosy.images import archives, restore, trust
from argosy.images.archives import Archive, open_archive
from argosy.images.changes import BadChange
from argosy.images.history import history
from argosy.images.import_ import ImportOptions, import_archive
from argosy.images.inspect import inspect
from argosy.images.inventory import image_of
from argosy.images.naming import local_name
from argosy.images.resolve import config
from argosy.storage.images import ImageRecord
from argosy.storage.store import Store
from tests.rig.registry import sha256, tar
from tests.unit.images.making import parsed

ARCHIVE = tar({"bin/sh": b"#!", "data": os.urandom(300_000)})


ADMIT = trust.load({}, insecure=True).admit_tarball


def zstd(data: bytes) -> bytes:
    module = pytest.importorskip("backports.zstd")
    packed: bytes = module.compress(data)
    return packed


def put(store: Store, path: Path, data: bytes, name: str = "", **options: object) -> ImageRecord:
    path.write_bytes(data)
    os.utime(path, ns=(0, 1_700_000_000_123456700))
    with open_archive(str(path), store.root, {}) as archive:
        wanted = ImportOptions(**options)  # type: ignore[arg-type]  # fields of ImportOptions
        return import_archive(store, archive, local_name(name) if name else None, wanted, admit=ADMIT)


@pytest.mark.parametrize(
    ("pack", "media", "kept"),
    [
        (lambda data: data, "", True),
        (gzip.compress, "+gzip", True),
        (zstd, "+zstd", True),
        (lzma.compress, "", False),
        (bz2.compress, "", False),
    ],
    ids=["none", "gzip", "zstd", "xz", "bzip2"],
)
def test_compressions(store: Store, tmp_path: Path, pack: Callable[[bytes], bytes], media: str, kept: bool) -> None:
    packed = pack(ARCHIVE)
    record = put(store, tmp_path / "archive", packed, "made")
    (layer,) = record.layers
    assert layer.diff_id == sha256(ARCHIVE)
    assert layer.media_type == f"application/vnd.oci.image.layer.v1.tar{media}"
    stored = packed if kept else ARCHIVE
    assert (layer.blob, layer.size) == (sha256(stored), len(stored))
    with open(store.blobs.path(layer.blob), "rb") as file:
        assert file.read() == stored
    with open(f"{store.layers.path(layer.diff_id)}/data", "rb") as file:
        assert file.read() == file_content("data")
    assert store.refs.get(parsed("localhost/made:latest")) == record.manifest_digest


def file_content(name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(ARCHIVE)) as archive:
        file = archive.extractfile(name)
        assert file is not None
        return file.read()


def test_all_of_it_is_stable_on_disk(store: Store, tmp_path: Path) -> None:
    record = put(store, tmp_path / "a.tar", ARCHIVE, "made")
    for digest in (record.manifest_digest, record.config_digest, record.layers[0].blob):
        assert os.stat(store.blobs.path(digest)).st_mode & 0o777 == 0o444
    marker = f"{store.layers.directory(record.diff_ids[0])}/layer.json"
    assert os.stat(marker).st_mode & 0o777 == 0o444
    assert os.listdir(store.tmp) == []


def test_what_the_image_says_about_itself(store: Store, tmp_path: Path) -> None:
    changes = ('CMD ["/bin/sh"]', "ENV A=b", "LABEL x=y", "EXPOSE 80", "VOLUME /data", "WORKDIR /w", "USER 1:2")
    record = put(store, tmp_path / "a.tar", ARCHIVE, "made", changes=changes, message="hello")
    found = config(store, record)
    assert found.created == "2023-11-14T22:13:20.1234567Z"
    assert found.config.cmd == ("/bin/sh",)
    (step,) = found.history
    assert step.comment == "hello"
    assert step.created_by == f"/bin/sh -c #(nop) ADD file:{sha256(ARCHIVE)[7:]} in /"
    assert list(found.raw)[:3] == ["created", "architecture", "os"]  # the order that gives podman's image id
    document = inspect(store, image_of(store, record))
    assert document["RepoTags"] == ["localhost/made:latest"]
    assert document["RepoDigests"] == [f"localhost/made@{record.manifest_digest}"]
    assert document["Comment"] == "hello"
    assert document["Config"]["ExposedPorts"] == {"80/tcp": {}}
    assert "Entrypoint" not in document["Config"]
    assert document["RootFS"]["Layers"] == [sha256(ARCHIVE)]
    (shown,) = history(store, record)
    assert (shown.id, shown.size_bytes) == (record.config_digest[7:], len(ARCHIVE))


def test_platform_and_default_message(store: Store, tmp_path: Path) -> None:
    record = put(store, tmp_path / "a.tar", ARCHIVE, os="windows", architecture="aarch64", variant="v8")
    assert (record.os, record.architecture, record.variant) == ("windows", "arm64", "v8")
    assert config(store, record).history[0].comment == "imported from tarball"
    assert store.refs.all().refs == ()


def test_the_same_archive_twice_is_the_same_image(store: Store, tmp_path: Path) -> None:
    first = put(store, tmp_path / "a.tar", ARCHIVE, "one")
    inode = os.stat(store.layers.path(first.diff_ids[0])).st_ino
    second = put(store, tmp_path / "b.tar", ARCHIVE, "two")
    assert first.config_digest == second.config_digest
    assert os.stat(store.layers.path(first.diff_ids[0])).st_ino == inode
    third = put(store, tmp_path / "c.tar.gz", gzip.compress(ARCHIVE), "three")
    assert third.config_digest == first.config_digest
    assert third.manifest_digest != first.manifest_digest


def test_what_was_imported_can_be_applied_again_from_its_blob(store: Store, tmp_path: Path) -> None:
    record = put(store, tmp_path / "a.tar.xz", lzma.compress(ARCHIVE), "one")
    os.unlink(f"{store.layers.directory(record.diff_ids[0])}/layer.json")
    restore.restore(store, record)
    assert store.layers.has(record.diff_ids[0])


def nothing_is_left(store: Store) -> None:
    assert store.images.all().records == ()
    assert store.layers.ids() == []
    assert os.listdir(f"{store.root}/blobs/sha256") == []
    assert [name for name in os.listdir(store.tmp) if not os.path.exists(f"{store.tmp}/{name}/unstable")] == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", Invalid),
        (b"this is no archive", LayerFailed),
        (ARCHIVE[:-1024], LayerFailed),
        (gzip.compress(ARCHIVE)[:-100], ArgosyError),
        (gzip.compress(ARCHIVE)[:-1] + b"x", ArgosyError),
        (lzma.compress(ARCHIVE)[:5000], ArgosyError),
    ],
    ids=["empty", "text", "cut", "cut gzip", "bad checksum", "cut xz"],
)
def test_what_is_no_archive_leaves_nothing(store: Store, tmp_path: Path, data: bytes, error: type[ArgosyError]) -> None:
    if data == ARCHIVE[:-1024]:
        data = ARCHIVE[: len(ARCHIVE) - ARCHIVE[::-1].index(b"%c" % ARCHIVE.rstrip(b"\0")[-1]) - 100]
    with pytest.raises(error):
        put(store, tmp_path / "archive", data, "x")
    nothing_is_left(store)


def test_a_wrong_change_is_told_before_anything_is_read(store: Store) -> None:
    def read() -> bytes:
        raise AssertionError("nothing was to be read")

    archive = Archive("x", read, lambda: None, size=None, created_ns=0)
    with pytest.raises(BadChange):
        import_archive(store, archive, None, ImportOptions(changes=("FROM x",)), admit=ADMIT)
    nothing_is_left(store)


def test_paths_that_are_no_archive(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ArgosyError, match=r'error opening "nope\.tar"'):
        open_archive("nope.tar", store.root, {})
    with pytest.raises(Invalid, match="directory"):
        open_archive(str(tmp_path), store.root, {})


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """A web server and the pages that it has."""
    pages: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(404 if body is None else 302 if body.startswith(b"->") else 200)
            if body and body.startswith(b"->"):
                self.send_header("Location", body[2:].decode())
                body = b""
            declared = len(body or b"") + (1000 if "short" in self.path else 0)
            self.send_header("Content-Length", str(10**18 if "huge" in self.path else declared))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_url(store: Store, served: tuple[str, dict[str, bytes]]) -> None:
    base, pages = served
    pages["/a.tar"] = ARCHIVE
    pages["/moved"] = b"->/a.tar"
    assert archives.is_url(f"{base}/a.tar")
    for path in ("/a.tar", "/moved"):
        with open_archive(base + path, store.root, {}) as archive:
            assert archive.size == len(ARCHIVE)
            record = import_archive(store, archive, None, ImportOptions(), admit=ADMIT)
        assert record.diff_ids == (sha256(ARCHIVE),)


@pytest.mark.parametrize(
    ("path", "words"),
    [("/none", "404 Not Found"), ("/huge", "no space left"), ("/short", "broke off in the middle")],
)
def test_urls_that_fail(store: Store, served: tuple[str, dict[str, bytes]], path: str, words: str) -> None:
    base, pages = served
    pages["/huge"] = pages["/short"] = ARCHIVE
    with pytest.raises(ArgosyError, match=words), open_archive(base + path, store.root, {}) as archive:
        import_archive(store, archive, None, ImportOptions(), admit=ADMIT)
    nothing_is_left(store)
