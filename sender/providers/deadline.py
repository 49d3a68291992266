"""A deadline for a whole answer. A socket's timeout is for each read, so a byte at a time would never end."""

from __future__ import annotations

import socket
import time


class Deadline:
    """A moment until which a socket may be used."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def limit(self, sock: socket.socket) -> None:
        """Let the next step on `sock` take what is left; raises TimeoutError if that is nothing."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"not complete within {self._seconds:g} s")
        sock.settimeout(left)
