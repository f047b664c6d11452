"""The programs that run containers, and the files that they write: the OCI runtime, conmon, logs and exit records."""
