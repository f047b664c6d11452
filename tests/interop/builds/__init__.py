"""A corpus of Dockerfiles, and what podman makes of each."""
