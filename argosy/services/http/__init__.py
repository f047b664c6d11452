"""An HTTP/1.1 server on h11 and asyncio: connections with limits, TLS, sockets of one's own or of systemd's."""
