"""Manifests and indexes that are as they should be."""

from __future__ import annotations

import json

import pytest

from argosy.errors import Unsupported
from argosy.oci import manifest, mediatypes
from argosy.oci.descriptor import Descriptor
from argosy.oci.manifest import ImageManifest, Index
from argosy.oci.platform import Platform
from tests.rig.registry import image, index


@pytest.mark.parametrize("docker", [False, True])
def test_image(docker: bool) -> None:
    made = image([{"a": b"1"}, {"b": b"2"}], docker=docker)
    parsed = manifest.parse(made.manifest, made.media_type)
    assert isinstance(parsed, ImageManifest)
    assert parsed.media_type == made.media_type
    assert [parsed.config.digest, *(layer.digest for layer in parsed.layers)] == list(made.blobs)
    assert [parsed.config.size, *(layer.size for layer in parsed.layers)] == [len(data) for data in made.blobs.values()]
    assert manifest.parse(parsed.to_bytes()) == parsed


@pytest.mark.parametrize("docker", [False, True])
def test_index(docker: bool) -> None:
    made = index(
        [(image(), {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "5"}), (image(), None)]
    )
    parsed = manifest.parse(made.manifest, made.media_type)
    assert isinstance(parsed, Index)
    assert parsed.manifests[0].platform == Platform("linux", "arm", "v7", "5")
    assert parsed.manifests[1].platform is None
    assert manifest.parse(parsed.to_bytes()) == parsed


@pytest.mark.parametrize("sent", ["", "application/json", "text/plain; charset=utf-8", "application/octet-stream"])
def test_the_form_decides_where_nobody_says_the_type(sent: str) -> None:
    for made, media_type in ((image(), mediatypes.OCI_MANIFEST), (index([(image(), None)]), mediatypes.OCI_INDEX)):
        data = json.loads(made.manifest)
        del data["mediaType"]
        assert manifest.parse(json.dumps(data).encode(), sent).media_type == media_type


def test_the_content_type_decides_where_the_document_is_silent() -> None:
    data = json.loads(image(docker=True).manifest)
    del data["mediaType"]
    parsed = manifest.parse(json.dumps(data).encode(), f"{mediatypes.DOCKER_MANIFEST}; charset=utf-8")
    assert parsed.media_type == mediatypes.DOCKER_MANIFEST


def test_annotations_urls_and_subject_are_kept() -> None:
    data = json.loads(image().manifest)
    data["annotations"] = {"a": "b"}
    data["layers"][0]["annotations"] = {"c": "d"}
    data["layers"][0]["urls"] = ["https://x.example/layer"]
    data["subject"] = data["config"]
    parsed = manifest.parse(json.dumps(data).encode())
    assert isinstance(parsed, ImageManifest)
    assert parsed.annotations == {"a": "b"}
    assert parsed.layers[0].annotations == {"c": "d"}
    assert parsed.layers[0].urls == ("https://x.example/layer",)
    assert parsed.subject == parsed.config
    assert json.loads(parsed.to_bytes()) == data


def test_artifacts_are_named_unless_wanted() -> None:
    data = json.loads(image().manifest)
    data["artifactType"] = "application/vnd.example.chart"
    data["config"]["mediaType"] = mediatypes.OCI_EMPTY
    text = json.dumps(data).encode()
    with pytest.raises(Unsupported, match=r"artifact of type .*vnd\.example\.chart"):
        manifest.parse(text)
    assert manifest.parse(text, artifact=True).artifact_type == "application/vnd.example.chart"


def test_encrypted_layers_are_named() -> None:
    data = json.loads(image().manifest)
    data["layers"][0]["mediaType"] = mediatypes.OCI_LAYER_GZIP + "+encrypted"
    with pytest.raises(Unsupported, match="layer 1 is encrypted"):
        manifest.parse(json.dumps(data).encode())


def test_schema_1_is_named() -> None:
    text = b'{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[],"history":[],"signatures":[]}'
    for sent in ("", "application/vnd.docker.distribution.manifest.v1+prettyjws"):
        with pytest.raises(Unsupported, match="schema 1"):
            manifest.parse(text, sent)


def test_every_layer_type_says_its_compression() -> None:
    for media_type, compression in mediatypes.LAYER_COMPRESSION.items():
        assert compression == {"gzip": "gzip", "zstd": "zstd"}.get(
            media_type.replace("+", ".").rpartition(".")[2], "none"
        )


def test_descriptors_survive_records() -> None:
    parsed = manifest.parse(index([(image(), {"os": "linux", "architecture": "amd64"})]).manifest)
    assert isinstance(parsed, Index)
    assert Descriptor.from_json(parsed.manifests[0].to_json()) == parsed.manifests[0]
