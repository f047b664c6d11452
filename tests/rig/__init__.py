"""What the tests stand on: the real program in its own store, images made here, the host's facts, leak checks."""
