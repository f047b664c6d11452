"""The kernel and the host, as any program could use them: nothing here knows of containers or images."""
