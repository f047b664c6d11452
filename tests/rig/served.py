"""A service of the program's own, running: started, killed, started again at the same port."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterable, Mapping
from typing import Self

from tests.rig.program import Program, finish

_END_S = 30.0


class Answer:
    """What came back: status, headers by their name in lower case, body."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()


class Served:
    """`argosy system <service>`, as a context.  `name` is host:port."""

    def __init__(
        self, program: Program, service: str, *flags: str, env: Mapping[str, str | None] | None = None
    ) -> None:
        self.program = program
        self.errors = f"{program.files}/{service}.errors"
        self._service = service
        self._flags = flags
        self._env = env
        self.port = 0
        self.start()

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    def start(self) -> None:
        """Start it, at the port that it had before if it had one."""
        with open(self.errors, "ab") as errors:
            self.process = self.program.start(
                *("system", self._service, "--listen", f"127.0.0.1:{self.port}", *self._flags),
                stderr=errors,
                env=self._env,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        if "listening at" not in line:
            finish(self.process, check=False)
            with open(self.errors, encoding="utf-8") as said:
                raise RuntimeError(f"{self._service} does not start: {said.read()}")
        self.port = int(line.strip().rpartition(":")[2])

    def kill(self) -> None:
        """End it at once."""
        os.kill(self.process.pid, signal.SIGKILL)
        finish(self.process, check=False)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.terminate()
        return finish(self.process, check=False, timeout_s=_END_S).returncode

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.stop()
