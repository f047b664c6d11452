"""The client of container registries: the OCI distribution API over HTTP, with credentials and mirrors."""
