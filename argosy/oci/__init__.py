"""The OCI's values and their JSON: digests, references, platforms, descriptors, manifests, configs.  No I/O."""
