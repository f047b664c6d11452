"""The use cases of images, one per file: pull, import, look-up, lists, inspect, history, tag, remove, prune."""
