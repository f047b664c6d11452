"""Wrapped keys of every wrong shape: nobody's, and no failure of ours."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.encryption import jwe


@pytest.mark.parametrize(
    "document",
    [
        {"recipients": 5},
        {"recipients": "text"},
        {"recipients": {"a": 1}},
        {"recipients": [None, 5, {"header": 5}]},
        {"protected": "W10", "header": [1]},
        {"protected": 5},
        {"protected": "bm90IGpzb24"},
        {"protected": "\u00fc"},
    ],
)
def test_documents_of_a_wrong_shape(document: dict[str, Any]) -> None:
    assert jwe.unwrap([document], [object()]) is None
