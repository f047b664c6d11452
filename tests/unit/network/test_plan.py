"""Names of bridges, which become words of nft's language and devices of the kernel."""

from __future__ import annotations

import pytest

from argosy.errors import Invalid
from argosy.network.plan import CreateRequest, Surroundings, planned


@pytest.mark.parametrize("name", ['x";drop', "e*", "a\\", "a b", "a\nb", "../x", "a:b", ".", "..", "sixteen-letters-"])
def test_names_that_mean_something_else(name: str) -> None:
    with pytest.raises(Invalid, match="bridge name"):
        planned(CreateRequest(name="n", interface=name), Surroundings(), 0)


@pytest.mark.parametrize("name", ["br0", "br-1.2_x", "fifteen-letters"])
def test_names_of_devices(name: str) -> None:
    assert planned(CreateRequest(name="n", interface=name), Surroundings(), 0).interface == name
