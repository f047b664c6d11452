"""Names for containers that were given none: a word for the sky or the sea and a ship or sailor of old."""

from __future__ import annotations

import os

# fmt: off
FIRST = (
    "able", "amber", "bold", "brave", "breezy", "bright", "brisk", "calm", "clear", "coastal", "coral", "crimson",
    "daring", "distant", "eager", "early", "fair", "fearless", "fleet", "free", "gallant", "gentle", "golden",
    "grand", "green", "hardy", "high", "honest", "humble", "indigo", "ivory", "jolly", "keen", "kind", "late",
    "lively", "lucky", "lunar", "mellow", "merry", "misty", "nimble", "noble", "northern", "open", "patient",
    "polar", "proud", "quick", "quiet", "rapid", "ready", "rosy", "royal", "sandy", "scarlet", "serene", "sharp",
    "silent", "silver", "sleek", "snowy", "solar", "sound", "southern", "spry", "steady", "still", "stormy",
    "strong", "sunny", "swift", "tidal", "tranquil", "true", "upbeat", "velvet", "violet", "warm", "western",
    "wild", "windy", "wise", "young", "zesty",
)
SECOND = (
    "acastus", "admetus", "amphion", "ancaeus", "argus", "atalanta", "augeas", "bark", "barge", "beacon", "bosun",
    "bowline", "brig", "butes", "caeneus", "canthus", "captain", "caravel", "castor", "catboat", "cepheus",
    "clipper", "clytius", "compass", "corvette", "cutter", "cyzicus", "deucalion", "dhow", "dinghy", "drifter",
    "echion", "erginus", "euryalus", "ferry", "frigate", "galleon", "galley", "gannet", "harbour", "helm",
    "heracles", "hylas", "idas", "idmon", "iphitus", "jason", "jib", "keel", "ketch", "laertes", "lantern",
    "lighter", "lugger", "lynceus", "mariner", "mast", "meleager", "mopsus", "nauplius", "navigator", "nestor",
    "oileus", "orpheus", "peleus", "periclymenus", "petrel", "phlias", "pilot", "pollux", "polyphemus", "rudder",
    "sailor", "schooner", "sextant", "skiff", "sloop", "telamon", "theseus", "tiphys", "tiller", "trireme",
    "typhon", "voyager", "yawl", "zetes",
)
# fmt: on


def suggest(attempt: int) -> str:
    """A random name of two words; from the fourth attempt on with a number behind, so that a free one is found."""
    draw = int.from_bytes(os.urandom(6), "little")
    name = f"{FIRST[draw % len(FIRST)]}_{SECOND[(draw >> 16) % len(SECOND)]}"
    return name if attempt < 3 else f"{name}{(draw >> 32) % 10000}"
